/** Tensors from nothing but a description. */

import { uniformNode } from "../graph/node.js";
import { broadcast } from "../primitives/broadcast.js";
import { eq } from "../primitives/compare.js";
import { cast } from "../primitives/select.js";
import { iota } from "../primitives/source.js";
import { allocate, checkDType, type DType } from "../types/dtype.js";
import { checkShape, range } from "../types/shape.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { adopt, asTensor, fromNode, type TensorLike } from "./convert.js";
import type { Tensor } from "./tensor.js";

/** How a tensor is made. */
export interface CreateOptions {
  /** Default float32. */
  readonly dtype?: DType;
}

/** All zeros. @example zeros([2]).array(); // → 0,0 */
export const zeros = (shape: readonly number[], options: CreateOptions = {}): Tensor =>
  full(shape, 0, options);

/** All ones. @example ones([2]).array(); // → 1,1 */
export const ones = (shape: readonly number[], options: CreateOptions = {}): Tensor =>
  full(shape, 1, options);

/** Every element the same. @example full([2], 7).array(); // → 7,7 */
export function full(shape: readonly number[], value: number, options: CreateOptions = {}): Tensor {
  return fromNode(
    uniformNode(checkShape(shape, "full"), checkDType(options.dtype ?? "float32", "full"), value),
  );
}

/**
 * start, start + step, … up to but without stop; with one argument from 0. Default dtype int32 where all are integers,
 * float32 otherwise.
 * @example arange(3).array(); // → 0,1,2
 * @example arange(1, 2, 0.5).array(); // → 1,1.5
 */
export function arange(start: number, stop?: number, step = 1, options: CreateOptions = {}): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (![from, to, step].every(Number.isFinite) || step === 0)
    throw new AdjointError(
      "invalid-argument",
      `arange: start, stop and step must be finite and step not 0, received ${from}, ${to}, ${step}`,
      {
        operation: "arange",
        argument: "step",
      },
    );
  const dtype = checkDType(
    options.dtype ?? ([from, to, step].every(Number.isInteger) ? "int32" : "float32"),
    "arange",
  );
  const array = allocate(dtype, Math.max(0, Math.ceil((to - from) / step)));
  for (let i = 0; i < array.length; i++) array[i] = from + i * step;
  return adopt(array, [array.length], dtype);
}

/** count numbers from start to stop, both included. @example linspace(0, 1, 3).array(); // → 0,0.5,1 */
export function linspace(start: number, stop: number, count: number, options: CreateOptions = {}): Tensor {
  if (!Number.isInteger(count) || count < 0)
    throw new AdjointError(
      "invalid-argument",
      `linspace: count must be an integer of at least 0, received ${formatReceived(count)}`,
      {
        operation: "linspace",
        argument: "count",
      },
    );
  const dtype = checkDType(options.dtype ?? "float32", "linspace");
  const array = allocate(dtype, count);
  for (let i = 0; i < count; i++) {
    const t = count === 1 ? 0 : i / (count - 1);
    array[i] = i === count - 1 && count > 1 ? stop : start + t * (stop - start);
  }
  return adopt(array, [count], dtype);
}

/** The identity matrix: n rows, and as many columns unless told. @example eye(2).array(); // → 1,0,0,1 */
export function eye(n: number, columns = n, options: CreateOptions = {}): Tensor {
  const [rows, width] = checkShape([n, columns], "eye");
  const dtype = checkDType(options.dtype ?? "float32", "eye");
  const array = allocate(dtype, rows * width);
  for (let i = 0; i < Math.min(rows, width); i++) array[i * width + i] = 1;
  return adopt(array, [rows, width], dtype);
}

/**
 * labels […] int32 → […, depth]: 1 at the label, 0 elsewhere; a label outside gives a row of zeros.
 * @throws AdjointError `dtype-mismatch` unless the labels are integers
 * @example oneHot(tensor([1, 0], { dtype: "int32" }), 2).array(); // → 0,1,1,0
 */
export function oneHot(
  labels: TensorLike | readonly number[],
  depth: number,
  options: CreateOptions = {},
): Tensor {
  const value = Array.isArray(labels)
    ? adopt(Int32Array.from(labels), [labels.length], "int32")
    : asTensor(labels, "oneHot", "labels", "int32");
  if (value.dtype !== "int32")
    throw new AdjointError(
      "dtype-mismatch",
      `oneHot: labels must be int32, received ${value.dtype}; use labels.cast("int32")`,
      {
        operation: "oneHot",
        argument: "labels",
        expected: "int32",
        received: value.dtype,
      },
    );
  const [width] = checkShape([depth], "oneHot");
  const classes = broadcast(iota(width, "int32"), range(value.rank), value.shape);
  return fromNode(
    cast(
      eq(broadcast(value, [value.rank], [width]), classes),
      checkDType(options.dtype ?? "float32", "oneHot"),
    ),
  );
}
