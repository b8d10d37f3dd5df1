/** From JavaScript values to tensors: nested arrays, typed arrays, numbers beside tensors. */

import { constantNode, Node, uniformNode } from "../graph/node.js";
import { cast } from "../primitives/select.js";
import {
  allocate,
  checkDType,
  type DType,
  isFloating,
  promote,
  type TypedArray,
  weakDType,
} from "../types/dtype.js";
import { checkShape, sizeOf } from "../types/shape.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import type { Tensor } from "./tensor.js";

/** A tensor, or a number that becomes one beside it. */
export type TensorLike = Tensor | number | boolean;

/** Numbers or booleans, or arrays of them of any depth. */
export type NestedArray = number | boolean | readonly NestedArray[];

/** Anything `tensor()` accepts. */
export type TensorData = NestedArray | ElementArray;

/** Is it a tensor? @example isTensor(tensor([1])); // → true */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof Node;
}

/** Every node is made by the class the tensor floor registers, so this cast only tells the compiler so. */
export function fromNode(node: Node): Tensor {
  return node as Tensor;
}

type ElementArray = TypedArray | Uint8ClampedArray | Int8Array | Int16Array | Uint16Array;

/** A typed array of numbers: no DataView, and no array of bigints. */
function isElementArray(data: unknown): data is ElementArray {
  return (
    ArrayBuffer.isView(data) &&
    !(data instanceof DataView || data instanceof BigInt64Array || data instanceof BigUint64Array)
  );
}

function naturalDType(data: unknown): DType {
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Float32Array) return "float32";
  if (ArrayBuffer.isView(data)) return "int32";
  let first = data;
  while (Array.isArray(first)) first = first[0];
  return typeof first === "boolean" ? "bool" : "float32";
}

/** Deeper nesting is taken for an array that contains itself. */
const deepest = 64;

/** Reads nested arrays into `flat` and gives their shape. */
function flattenNested(data: unknown, flat: number[], operation: string, argument: string): number[] {
  const ragged = (expected: string, received: string): AdjointError =>
    new AdjointError(
      "ragged-array",
      `${operation}: nested arrays must be regular: expected ${expected}, received ${received}`,
      { operation, argument, expected, received },
    );
  const shape: number[] = [];
  for (let level = data; Array.isArray(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > deepest)
      throw invalidArgument(operation, argument, `nested at most ${deepest} deep`, "more, or a cycle");
  }
  const visit = (value: unknown, depth: number, path: string): void => {
    if (depth === shape.length) {
      if (typeof value !== "number" && typeof value !== "boolean")
        throw ragged(`a number at ${path || "the root"}`, formatReceived(value));
      flat.push(Number(value));
      return;
    }
    if (!Array.isArray(value)) throw ragged(`an array of ${shape[depth]} at ${path}`, formatReceived(value));
    if (value.length !== shape[depth])
      throw ragged(`${shape[depth]} elements at ${path || "the root"}`, `${value.length}`);
    // not forEach, which skips the holes of [1, , 2]
    for (let i = 0; i < value.length; i++) visit(value[i], depth + 1, `${path}[${i}]`);
  };
  visit(data, 0, "");
  return shape;
}

/**
 * The number as an element of the dtype: for bool, whether it is not 0; for int32 it must be one already.
 * @throws AdjointError `dtype-mismatch`
 */
export function asElement(
  value: number,
  dtype: DType,
  operation: string,
  argument: string,
  position?: number,
): number {
  if (dtype === "bool") return value === 0 ? 0 : 1;
  // ToInt32 keeps exactly the numbers that are int32
  if (dtype === "int32" && (value | 0) !== value)
    throw new AdjointError(
      "dtype-mismatch",
      `${operation}: ${value}${position === undefined ? "" : ` at element ${position}`} is not an int32`,
      { operation, argument, expected: "integers of 32 bits", received: String(value) },
    );
  return value;
}

/** What `tensor` takes beside its data. */
export interface TensorOptions {
  /** The shape of flat data; by default that of the nesting, or one axis. */
  readonly shape?: readonly number[];
  /** Default: float64 for a Float64Array, int32 for integer arrays, bool for booleans, else float32. */
  readonly dtype?: DType;
}

/** `tensor`, for operations that take data themselves and name themselves in refusals. */
export function tensorOf(data: unknown, options: TensorOptions, operation: string, argument: string): Tensor {
  checkOptionNames(options, ["shape", "dtype"], operation);
  let values: ArrayLike<number>;
  let shape: number[];
  if (isElementArray(data)) {
    values = data;
    shape = [data.length];
  } else if (typeof data === "number" || typeof data === "boolean" || Array.isArray(data)) {
    const flat: number[] = [];
    shape = flattenNested(data, flat, operation, argument);
    values = flat;
  } else
    throw invalidArgument(
      operation,
      argument,
      "a number, nested arrays or a typed array",
      formatReceived(data),
    );
  if (options.shape !== undefined) {
    const wanted = checkShape(options.shape, operation);
    if (sizeOf(wanted) !== values.length)
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: shape ${formatShape(wanted)} needs ${sizeOf(wanted)} elements, received ${values.length}`,
        {
          operation,
          argument: "shape",
          expected: `${values.length} elements`,
          received: formatShape(wanted),
        },
      );
    shape = wanted;
  }
  const dtype = options.dtype === undefined ? naturalDType(data) : checkDType(options.dtype, operation);
  const array = allocate(dtype, values.length);
  // numbers of the very type need no look at each
  if (dtype !== "bool" && values.constructor === array.constructor) array.set(values);
  else for (let i = 0; i < values.length; i++) array[i] = asElement(values[i], dtype, operation, argument, i);
  return adopt(array, shape, dtype);
}

/**
 * Makes a tensor from a number, nested arrays or a typed array; the data are copied.
 *
 * @param options.shape the shape of flat data; by default that of the nesting (or one axis)
 * @param options.dtype default: float64 for a Float64Array, int32 for integer arrays, bool for booleans, else float32
 * @throws AdjointError `ragged-array`, `shape-mismatch`, `dtype-mismatch`, `invalid-argument`
 * @example
 * tensor([[1, 2], [3, 4]]).shape; // → 2,2
 * tensor([1, 2, 3, 4], { shape: [2, 2] }).at(1, 0).item(); // → 3
 */
export function tensor(data: TensorData, options: TensorOptions = {}): Tensor {
  if (isTensor(data))
    throw new AdjointError(
      "invalid-argument",
      "tensor: data is a tensor already; use it as it is, or cast(dtype)",
      { operation: "tensor", argument: "data", expected: "numbers", received: "Tensor" },
    );
  return tensorOf(data, options, "tensor", "data");
}

/** Wraps an array without copying: for values the library itself has just made. */
export function adopt(array: TypedArray, shape: readonly number[], dtype: DType): Tensor {
  return fromNode(constantNode(shape, dtype, array));
}

/**
 * The argument as a tensor; a plain number takes a dtype that fits `beside` (float32 alone).
 * @throws AdjointError `invalid-argument`
 */
export function asTensor(
  value: unknown,
  operation: string,
  argument: string,
  beside: DType = "float32",
): Tensor {
  if (isTensor(value)) return value;
  if (typeof value === "number" || typeof value === "boolean")
    return fromNode(uniformNode([], weakDType(value, beside), Number(value)));
  throw new AdjointError(
    "invalid-argument",
    `${operation}: ${argument} must be a tensor or a number, received ${formatReceived(value)}`,
    { operation, argument, expected: "tensor | number", received: formatReceived(value) },
  );
}

/** Indices or labels: an int32 tensor, or whole numbers in any form `tensor` takes. */
export type Indices = Tensor | TensorData;

/** @throws AdjointError `dtype-mismatch` for tensors of another dtype and fractions, and what `tensor` throws */
export function asIndices(value: unknown, operation: string, argument = "indices"): Tensor {
  const indices = isTensor(value) ? value : tensorOf(value, { dtype: "int32" }, operation, argument);
  if (indices.dtype !== "int32")
    throw new AdjointError(
      "dtype-mismatch",
      `${operation}: ${argument} must be int32, received ${indices.dtype}; use ${argument}.cast("int32")`,
      { operation, argument, expected: "int32", received: indices.dtype },
    );
  return indices;
}

/** Two operands in their common dtype; numbers are weak: they never widen a tensor's float type. */
export function promoteOperands(
  a: unknown,
  b: unknown,
  operation: string,
  nameA = "a",
  nameB = "b",
): [Tensor, Tensor] {
  const left = asTensor(a, operation, nameA, isTensor(b) ? b.dtype : "float32");
  const right = asTensor(b, operation, nameB, isTensor(a) ? a.dtype : "float32");
  const dtype = promote(left.dtype, right.dtype);
  return [convert(left, dtype), convert(right, dtype)];
}

/** The tensor in another dtype; uniform ones stay uniform, so a number beside a tensor costs nothing. */
export function convert(x: Tensor, dtype: DType): Tensor {
  if (x.dtype === dtype) return x;
  const uniform = x.recording === null ? x.storage?.uniform : undefined;
  if (uniform !== undefined && isFloating(dtype)) return fromNode(uniformNode(x.shape, dtype, uniform));
  return fromNode(cast(x, dtype));
}

/** The argument as a floating-point tensor: integers and bools become float32. */
export function asFloat(value: unknown, operation: string, argument = "x"): Tensor {
  const x = asTensor(value, operation, argument);
  return isFloating(x.dtype) ? x : convert(x, "float32");
}

/** The argument as a number-like tensor: bools become int32. */
export function asNumeric(value: unknown, operation: string, argument = "x"): Tensor {
  const x = asTensor(value, operation, argument);
  return x.dtype === "bool" ? convert(x, "int32") : x;
}
