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
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import type { Tensor } from "./tensor.js";

/** A tensor, or a number that becomes one beside it. */
export type TensorLike = Tensor | number | boolean;

/** A number or boolean, or arrays of them nested to any depth; `tensor()` wants them regular. */
export type NestedArray = number | boolean | readonly NestedArray[];

/** Anything `tensor()` accepts. */
export type TensorData = NestedArray | TypedArray | Uint8ClampedArray | Int8Array | Int16Array | Uint16Array;

/** Is the value a tensor? @example isTensor(zeros([2])); // → true */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof Node;
}

/** Every node is made by the class the tensor floor registers, so this cast only tells the compiler so. */
export function fromNode(node: Node): Tensor {
  return node as Tensor;
}

function naturalDType(data: TensorData): DType {
  if (data instanceof Float64Array) return "float64";
  if (data instanceof Float32Array) return "float32";
  if (ArrayBuffer.isView(data)) return "int32";
  let first: unknown = data;
  while (Array.isArray(first)) first = first[0];
  return typeof first === "boolean" ? "bool" : "float32";
}

function ragged(expected: string, received: string): AdjointError {
  return new AdjointError(
    "ragged-array",
    `tensor: nested arrays must be regular: expected ${expected}, received ${received}`,
    { operation: "tensor", argument: "data", expected, received },
  );
}

/** Reads nested arrays into `flat` and gives their shape. */
function flattenNested(data: NestedArray, flat: number[]): number[] {
  const shape: number[] = [];
  for (let level: unknown = data; Array.isArray(level); level = level[0]) shape.push(level.length);
  const visit = (value: NestedArray, depth: number, path: string): void => {
    if (depth === shape.length) {
      if (typeof value !== "number" && typeof value !== "boolean")
        throw ragged(`a number at ${path || "the root"}`, formatReceived(value));
      flat.push(Number(value));
      return;
    }
    if (!Array.isArray(value)) throw ragged(`an array of ${shape[depth]} at ${path}`, formatReceived(value));
    if (value.length !== shape[depth])
      throw ragged(`${shape[depth]} elements at ${path || "the root"}`, `${value.length}`);
    value.forEach((item, i) => {
      visit(item, depth + 1, `${path}[${i}]`);
    });
  };
  visit(data, 0, "");
  return shape;
}

/** Puts numbers into an array of the dtype: a float in an int32 tensor must be integral. */
function store(values: ArrayLike<number>, dtype: DType): TypedArray {
  const array = allocate(dtype, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (dtype === "bool") array[i] = value === 0 ? 0 : 1;
    else {
      array[i] = value;
      if (dtype === "int32" && array[i] !== value)
        throw new AdjointError("dtype-mismatch", `tensor: ${value} at element ${i} is not an int32`, {
          operation: "tensor",
          argument: "data",
          expected: "integers of 32 bits",
          received: String(value),
        });
    }
  }
  return array;
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
export function tensor(data: TensorData, options: { shape?: readonly number[]; dtype?: DType } = {}): Tensor {
  if (isTensor(data))
    throw new AdjointError(
      "invalid-argument",
      "tensor: data is a tensor already; use it as it is, or cast(dtype)",
      {
        operation: "tensor",
        argument: "data",
      },
    );
  let values: ArrayLike<number>;
  let shape: number[];
  if (ArrayBuffer.isView(data)) {
    values = data;
    shape = [data.length];
  } else if (typeof data === "number" || typeof data === "boolean" || Array.isArray(data)) {
    const flat: number[] = [];
    shape = flattenNested(data as NestedArray, flat);
    values = flat;
  } else
    throw new AdjointError(
      "invalid-argument",
      `tensor: data must be a number, nested arrays or a typed array, received ${formatReceived(data)}`,
      { operation: "tensor", argument: "data", received: formatReceived(data) },
    );
  if (options.shape !== undefined) {
    const wanted = checkShape(options.shape, "tensor");
    if (sizeOf(wanted) !== values.length)
      throw new AdjointError(
        "shape-mismatch",
        `tensor: shape ${formatShape(wanted)} needs ${sizeOf(wanted)} elements, received ${values.length}`,
        {
          operation: "tensor",
          argument: "shape",
          expected: `${values.length} elements`,
          received: formatShape(wanted),
        },
      );
    shape = wanted;
  }
  const dtype = options.dtype === undefined ? naturalDType(data) : checkDType(options.dtype, "tensor");
  return fromNode(constantNode(shape, dtype, store(values, dtype)));
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

/** Two operands in their common dtype; numbers are weak: they never widen a tensor's float type. */
export function promoteOperands(a: unknown, b: unknown, operation: string): [Tensor, Tensor] {
  const left = asTensor(a, operation, "a", isTensor(b) ? b.dtype : "float32");
  const right = asTensor(b, operation, "b", isTensor(a) ? a.dtype : "float32");
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
