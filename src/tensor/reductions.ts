/** Reductions and what is built of them, over one axis, several, or all. */

import { type Node, uniformNode } from "../graph/node.js";
import * as binary from "../primitives/binary.js";
import { broadcast, sum as sumAxes } from "../primitives/broadcast.js";
import * as compare from "../primitives/compare.js";
import { stopGradient } from "../primitives/control.js";
import { concat, sliceAxis } from "../primitives/pad.js";
import { argmax as argmaxAxis, cumsum as cumsumAxis, reduceMax } from "../primitives/reduce.js";
import { moveAxis, reshape } from "../primitives/reshape.js";
import { select } from "../primitives/select.js";
import { fill } from "../primitives/support.js";
import * as unary from "../primitives/unary.js";
import { isFloating } from "../types/dtype.js";
import { normalizeAxes, normalizeAxis, range, type Shape, sizeOf } from "../types/shape.js";
import { checkOptionNames } from "../util/checks.js";
import { AdjointError, formatShape } from "../util/errors.js";
import { asFloat, asNumeric, asTensor, convert, fromNode, type TensorLike } from "./convert.js";
import type { Tensor } from "./tensor.js";

/** One axis, several, or (undefined) all of them; negative ones count from the end. */
export type Axis = number | readonly number[];

/** What every reduction takes. */
export interface ReduceOptions {
  /** Keep the reduced axes with extent 1. Default false. */
  readonly keepDims?: boolean;
}

/** The axes a reduction is over, its options checked too. */
function axesOf(operation: string, x: Node, axis: Axis | undefined, options: ReduceOptions): number[] {
  checkOptionNames(options, ["keepDims"], operation);
  return normalizeAxes(axis, x.shape, operation);
}

function keep(y: Node, shape: Shape, axes: readonly number[], options: ReduceOptions): Tensor {
  if (options.keepDims !== true) return fromNode(y);
  return fromNode(
    reshape(
      y,
      shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent)),
    ),
  );
}

/** Repeats a reduced value along the axes it lost. */
function restore(y: Node, x: Node, axes: readonly number[]): Node {
  return broadcast(
    y,
    axes,
    axes.map((axis) => x.shape[axis]),
  );
}

function countOf(x: Node, axes: readonly number[]): number {
  return sizeOf(axes.map((axis) => x.shape[axis]));
}

function requireElements(x: Node, axes: readonly number[], operation: string): void {
  if (countOf(x, axes) === 0)
    throw new AdjointError(
      "empty-reduction",
      `${operation}: nothing to reduce in shape ${formatShape(x.shape)} over axes [${axes.join(", ")}]; an empty ${operation} has no value`,
      { operation, argument: "axis", received: formatShape(x.shape) },
    );
}

/** The sum (bools are counted); an empty sum is 0. @example tensor([[1, 2], [3, 4]]).sum(0).array(); // → 4,6 */
export function sum(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = asNumeric(x, "sum");
  const axes = axesOf("sum", value, axis, options);
  return keep(sumAxes(value, axes), value.shape, axes, options);
}

/** The arithmetic mean; of nothing it is NaN. @example tensor([1, 2, 6]).mean().item(); // → 3 */
export function mean(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = asFloat(x, "mean");
  const axes = axesOf("mean", value, axis, options);
  const total = sumAxes(value, axes);
  const count = countOf(value, axes);
  return keep(
    count === 0 ? binary.div(total, fill(total, 0)) : binary.mul(total, fill(total, 1 / count)),
    value.shape,
    axes,
    options,
  );
}

/** The largest element; NaN wins; a tie shares the gradient evenly. @example tensor([1, 5, 3]).max().item(); // → 5 */
export function max(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = asNumeric(x, "max");
  const axes = axesOf("max", value, axis, options);
  requireElements(value, axes, "max");
  return keep(reduceMax(value, axes), value.shape, axes, options);
}

/** The smallest element; NaN wins; a tie shares the gradient evenly. @example tensor([4, 1, 3]).min().item(); // → 1 */
export function min(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = asNumeric(x, "min");
  const axes = axesOf("min", value, axis, options);
  requireElements(value, axes, "min");
  // min x = −max(−x); for int32 ¬x = −x − 1 reverses the order without overflow
  const flip = isFloating(value.dtype) ? unary.neg : unary.not;
  return keep(flip(reduceMax(flip(value), axes)), value.shape, axes, options);
}

/** The product; exact derivatives where elements are 0; an empty product is 1. @example tensor([2, 3, 4]).prod().item(); // → 24 */
export function prod(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = asNumeric(x, "prod");
  const axes = axesOf("prod", value, axis, options);
  const kept = range(value.shape.length).filter((a) => !axes.includes(a));
  const count = countOf(value, axes);
  const order = [...kept, ...axes];
  let rows: Node = reshape(permuteTo(value, order), [...kept.map((a) => value.shape[a]), count]);
  const last = kept.length;
  // pairwise products halve the axis until one is left: no division, so zeros need no special case at any order
  if (count === 0) rows = uniformNode([...kept.map((a) => value.shape[a]), 1], value.dtype, 1);
  while (rows.shape[last] > 1) {
    const length = rows.shape[last];
    const half = length >> 1;
    const product = binary.mul(sliceAxis(rows, last, 0, half), sliceAxis(rows, last, half, 2 * half));
    rows = length % 2 === 0 ? product : concat([product, sliceAxis(rows, last, length - 1, length)], last);
  }
  return keep(
    reshape(
      rows,
      kept.map((a) => value.shape[a]),
    ),
    value.shape,
    axes,
    options,
  );
}

function permuteTo(x: Node, order: readonly number[]): Node {
  let y = x;
  const at = range(x.shape.length);
  order.forEach((axis, to) => {
    const from = at.indexOf(axis);
    y = moveAxis(y, from, to);
    at.splice(from, 1);
    at.splice(to, 0, axis);
  });
  return y;
}

/** The variance: the mean squared deviation (ddof 0). @example tensor([1, 3]).var().item(); // → 1 */
export function variance(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  return varianceOf("var", x, axis, options);
}

function varianceOf(
  operation: string,
  x: TensorLike,
  axis: Axis | undefined,
  options: ReduceOptions,
): Tensor {
  const value = asFloat(x, operation);
  const axes = axesOf(operation, value, axis, options);
  const center = mean(value, axes);
  const deviation = binary.sub(value, restore(center, value, axes));
  return mean(fromNode(binary.mul(deviation, deviation)), axes, options);
}

/** The standard deviation (ddof 0): √var, with derivative 0 where the variance is 0. @example tensor([1, 3]).std().item(); // → 1 */
export function std(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  return fromNode(safeSqrt(varianceOf("std", x, axis, options)));
}

/** √v whose derivative at 0 is 0 instead of ∞. */
function safeSqrt(v: Node): Node {
  const zero = fill(v, 0);
  const isZero = compare.eq(v, zero);
  return select(isZero, zero, unary.sqrt(select(isZero, fill(v, 1), v)));
}

/** The Euclidean norm √Σx²; the derivative at 0 is 0. @example tensor([3, 4]).norm().item(); // → 5 */
export function norm(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = asFloat(x, "norm");
  const axes = axesOf("norm", value, axis, options);
  return keep(safeSqrt(sumAxes(binary.mul(value, value), axes)), value.shape, axes, options);
}

/** True where every element is. @example tensor([true, false]).all().array(); // → false */
export function all(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = convert(asTensor(x, "all", "x"), "bool");
  return fromNode(unary.not(anyOf("all", fromNode(unary.not(value)), axis, options)));
}

/** True where some element is. @example tensor([true, false]).any().array(); // → true */
export function any(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  return anyOf("any", convert(asTensor(x, "any", "x"), "bool"), axis, options);
}

function anyOf(operation: string, x: Tensor, axis: Axis | undefined, options: ReduceOptions): Tensor {
  const axes = axesOf(operation, x, axis, options);
  const count = sumAxes(convert(x, "int32"), axes);
  return keep(compare.gt(count, fill(count, 0)), x.shape, axes, options);
}

/** The position (int32) of the first largest element along an axis, or in the flattened tensor. @example tensor([1, 5, 5]).argmax().item(); // → 1 */
export function argmax(x: TensorLike, axis?: number): Tensor {
  return argmaxOf("argmax", asNumeric(x, "argmax"), axis);
}

/** The position (int32) of the first smallest element along an axis, or in the flattened tensor. @example tensor([4, 1, 1]).argmin().item(); // → 1 */
export function argmin(x: TensorLike, axis?: number): Tensor {
  const value = asNumeric(x, "argmin");
  const reversed = isFloating(value.dtype) ? unary.neg(value) : unary.not(value);
  return argmaxOf("argmin", fromNode(reversed), axis);
}

function argmaxOf(operation: string, x: Tensor, axis: number | undefined): Tensor {
  const flat = axis === undefined ? reshape(x, [x.size]) : x;
  const along = axis === undefined ? 0 : normalizeAxis(axis, x.shape, operation);
  requireElements(flat, [along], operation);
  return fromNode(argmaxAxis(flat, along));
}

/** log Σ eˣ, finite wherever x is. @example tensor([1000]).logSumExp().item(); // → 1000 */
export function logSumExp(x: TensorLike, axis?: Axis, options: ReduceOptions = {}): Tensor {
  const value = asFloat(x, "logSumExp");
  const axes = axesOf("logSumExp", value, axis, options);
  requireElements(value, axes, "logSumExp");
  const peak = finitePeak(value, axes);
  const total = sumAxes(unary.exp(binary.sub(value, restore(peak, value, axes))), axes);
  return keep(binary.add(unary.log(total), peak), value.shape, axes, options);
}

/** The maximum as a constant, 0 where it is infinite: what is subtracted before exp. */
function finitePeak(x: Node, axes: readonly number[]): Node {
  const peak = stopGradient(reduceMax(x, axes));
  const infinite = compare.eq(unary.abs(peak), fill(peak, Number.POSITIVE_INFINITY));
  return select(infinite, fill(peak, 0), peak);
}

/** eˣ / Σ eˣ along an axis (default the last). @example tensor([0, 0]).softmax().array(); // → 0.5,0.5 */
export function softmax(x: TensorLike, axis = -1): Tensor {
  const value = asFloat(x, "softmax");
  const axes = [normalizeAxis(axis, value.shape, "softmax")];
  if (value.size === 0) return value;
  const exps = unary.exp(binary.sub(value, restore(finitePeak(value, axes), value, axes)));
  return fromNode(binary.div(exps, restore(sumAxes(exps, axes), value, axes)));
}

/** log softmax along an axis (default the last), without forming the quotient. @example tensor([0]).logSoftmax().array(); // → 0 */
export function logSoftmax(x: TensorLike, axis = -1): Tensor {
  const value = asFloat(x, "logSoftmax");
  const axes = [normalizeAxis(axis, value.shape, "logSoftmax")];
  if (value.size === 0) return value;
  const shifted = binary.sub(value, restore(finitePeak(value, axes), value, axes));
  const total = unary.log(sumAxes(unary.exp(shifted), axes));
  return fromNode(binary.sub(shifted, restore(total, value, axes)));
}

/** Running sums along an axis. @example tensor([1, 2, 3]).cumsum(0).array(); // → 1,3,6 */
export function cumsum(x: TensorLike, axis: number): Tensor {
  const value = asNumeric(x, "cumsum");
  return fromNode(cumsumAxis(value, normalizeAxis(axis, value.shape, "cumsum"), false));
}
