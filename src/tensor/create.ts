/** Tensors from nothing but a description. */

import { uniformNode } from "../graph/node.js";
import { broadcast } from "../primitives/broadcast.js";
import { eq } from "../primitives/compare.js";
import { cast } from "../primitives/select.js";
import { iota } from "../primitives/source.js";
import { allocate, checkDType, type DType } from "../types/dtype.js";
import { checkShape, range } from "../types/shape.js";
import { checkCount, checkFinite, checkNumber, checkOptionNames } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { adopt, asElement, asIndices, fromNode, type Indices } from "./convert.js";
import type { Tensor } from "./tensor.js";

/** What every maker of tensors takes. */
export interface CreateOptions {
  /** Default float32. */
  readonly dtype?: DType;
}

/** All zeros. @example zeros([2]).array(); // → 0,0 */
export const zeros = (shape: readonly number[], options: CreateOptions = {}): Tensor =>
  filled("zeros", shape, 0, options);

/** All ones. @example ones([2]).array(); // → 1,1 */
export const ones = (shape: readonly number[], options: CreateOptions = {}): Tensor =>
  filled("ones", shape, 1, options);

/**
 * Every element the same.
 * @throws AdjointError `invalid-argument`, `dtype-mismatch` for a fraction in int32
 * @example full([2], 7).array(); // → 7,7
 */
export const full = (
  shape: readonly number[],
  value: number | boolean,
  options: CreateOptions = {},
): Tensor => filled("full", shape, typeof value === "boolean" ? Number(value) : value, options);

function filled(operation: string, shape: unknown, value: unknown, options: CreateOptions): Tensor {
  const extents = checkShape(shape, operation);
  const number = checkNumber(value, operation, "value");
  const dtype = dtypeOf(options, operation);
  return fromNode(uniformNode(extents, dtype, asElement(number, dtype, operation, "value")));
}

function dtypeOf(options: CreateOptions, operation: string, otherwise: DType = "float32"): DType {
  checkOptionNames(options, ["dtype"], operation);
  return options.dtype === undefined ? otherwise : checkDType(options.dtype, operation);
}

/** A vector of `count` elements, each a function of its position. */
function vector(operation: string, count: number, dtype: DType, f: (i: number) => number): Tensor {
  const array = allocate(dtype, count);
  for (let i = 0; i < count; i++) array[i] = asElement(f(i), dtype, operation, "dtype", i);
  return adopt(array, [count], dtype);
}

/**
 * start, start + step, … up to but without stop; with one argument from 0. Default dtype int32 where all are integers,
 * float32 otherwise.
 * @throws AdjointError `invalid-argument`, `dtype-mismatch` for a fraction in int32
 * @example arange(3).array(); // → 0,1,2
 * @example arange(1, 2, 0.5).array(); // → 1,1.5
 */
export function arange(start: number, stop?: number, step = 1, options: CreateOptions = {}): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop];
  if (![from, to, step].every(Number.isFinite) || step === 0) {
    const received = [from, to, step].map(formatReceived).join(", ");
    throw new AdjointError(
      "invalid-argument",
      `arange: start, stop and step must be finite and step not 0, received ${received}`,
      { operation: "arange", argument: "step", expected: "finite numbers", received },
    );
  }
  const integral = [from, to, step].every(Number.isInteger);
  const dtype = dtypeOf(options, "arange", integral ? "int32" : "float32");
  const count = checkCount(Math.max(0, Math.ceil((to - from) / step)), "arange", "number of elements");
  return vector("arange", count, dtype, (i) => from + i * step);
}

/**
 * count numbers from start to stop, both included.
 * @throws AdjointError `invalid-argument`, `dtype-mismatch` for a fraction in int32
 * @example linspace(0, 1, 3).array(); // → 0,0.5,1
 */
export function linspace(start: number, stop: number, count: number, options: CreateOptions = {}): Tensor {
  const from = checkFinite(start, "linspace", "start");
  const to = checkFinite(stop, "linspace", "stop");
  const length = checkCount(count, "linspace", "count");
  const dtype = dtypeOf(options, "linspace");
  const last = length - 1;
  // the last is exactly stop, whatever the rounding
  return vector("linspace", length, dtype, (i) =>
    i === 0 ? from : i === last ? to : from + (i / last) * (to - from),
  );
}

/** The identity matrix: n rows, and as many columns unless told. @example eye(2).array(); // → 1,0,0,1 */
export function eye(n: number, columns = n, options: CreateOptions = {}): Tensor {
  const shape = [checkCount(n, "eye", "n"), checkCount(columns, "eye", "columns")];
  const [rows, width] = checkShape(shape, "eye");
  const dtype = dtypeOf(options, "eye");
  const array = allocate(dtype, rows * width);
  for (let i = 0; i < Math.min(rows, width); i++) array[i * width + i] = 1;
  return adopt(array, [rows, width], dtype);
}

/**
 * labels […] int32 → […, depth]: 1 at the label, 0 elsewhere; a label outside gives a row of zeros.
 * @throws AdjointError `dtype-mismatch` unless the labels are integers
 * @example oneHot(tensor([1, 0], { dtype: "int32" }), 2).array(); // → 0,1,1,0
 */
export function oneHot(labels: Indices, depth: number, options: CreateOptions = {}): Tensor {
  const value = asIndices(labels, "oneHot", "labels");
  const width = checkCount(depth, "oneHot", "depth");
  const dtype = dtypeOf(options, "oneHot");
  const classes = broadcast(iota(width, "int32"), range(value.rank), value.shape);
  return fromNode(cast(eq(broadcast(value, [value.rank], [width]), classes), dtype));
}
