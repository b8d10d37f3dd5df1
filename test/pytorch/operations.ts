/** From a fixture's `op` to a call of the public face: one entry for each name that a vector exercises. */

import type { DType, Tensor } from "../../src/index.js";
import * as adjoint from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import type { Call } from "./fixtures.js";

/** The tensors of a call, and what else it was called with, to its result. */
export type Operation = (xs: readonly Tensor[], call: Call) => Tensor | readonly Tensor[];

type Unary = (x: Tensor) => Tensor;
type Binary = (x: Tensor, y: Tensor | number) => Tensor;
type Axes = number | number[];
type Reduction = (x: Tensor, axis?: Axes, options?: { keepDims?: boolean }) => Tensor;
type SliceItem = number | [start: number, stop?: number, step?: number] | null;

/** The i-th positional argument. The cast is sound because the generator writes arguments in the operation's own form. */
function argument<Value>(call: Call, index: number): Value {
  return call.args?.[index] as Value;
}

/** All positional arguments of an operation that takes any number of them, sound for the same reason. */
function everyArgument<Value>(call: Call): readonly Value[] {
  return (call.args ?? []) as readonly Value[];
}

/** The options object, sound for the same reason as `argument`. */
function options<Value>(call: Call): Value {
  return (call.options ?? {}) as Value;
}

const unary =
  (f: Unary): Operation =>
  ([x]) =>
    f(x);

/** The second operand is a tensor or, where there is no second tensor, the number in `args`. */
const binary =
  (f: Binary): Operation =>
  (xs, call) =>
    f(xs[0], xs.length > 1 ? xs[1] : argument<number>(call, 0));

const reduction =
  (f: Reduction): Operation =>
  ([x], call) =>
    f(x, argument<Axes | undefined>(call, 0), options(call));

/** Operations along one axis, given or defaulted. */
const alongAxis =
  (f: (x: Tensor, axis?: number) => Tensor): Operation =>
  ([x], call) =>
    f(x, argument<number | undefined>(call, 0));

/** The operation a case names; an unknown name is a mistake in the fixtures. */
export function operation(call: Call): Operation {
  const found = operations[call.op];
  if (found === undefined) throw new Error(`no entry for the operation "${call.op}" of "${call.name}"`);
  return found;
}

export const operations: Readonly<Record<string, Operation>> = {
  // element-wise
  add: binary(adjoint.add),
  sub: binary(adjoint.sub),
  mul: binary(adjoint.mul),
  div: binary(adjoint.div),
  pow: binary(adjoint.pow),
  mod: binary(adjoint.mod),
  maximum: binary(adjoint.maximum),
  minimum: binary(adjoint.minimum),
  atan2: binary(adjoint.atan2),
  eq: binary(adjoint.eq),
  ne: binary(adjoint.ne),
  lt: binary(adjoint.lt),
  le: binary(adjoint.le),
  gt: binary(adjoint.gt),
  ge: binary(adjoint.ge),
  and: ([x, y]) => adjoint.and(x, y),
  or: ([x, y]) => adjoint.or(x, y),
  not: unary(adjoint.not),
  neg: unary(adjoint.neg),
  abs: unary(adjoint.abs),
  sign: unary(adjoint.sign),
  exp: unary(adjoint.exp),
  expm1: unary(adjoint.expm1),
  log: unary(adjoint.log),
  log1p: unary(adjoint.log1p),
  sqrt: unary(adjoint.sqrt),
  rsqrt: unary(adjoint.rsqrt),
  square: unary(adjoint.square),
  reciprocal: unary(adjoint.reciprocal),
  sin: unary(adjoint.sin),
  cos: unary(adjoint.cos),
  tan: unary(adjoint.tan),
  asin: unary(adjoint.asin),
  acos: unary(adjoint.acos),
  atan: unary(adjoint.atan),
  sinh: unary(adjoint.sinh),
  cosh: unary(adjoint.cosh),
  tanh: unary(adjoint.tanh),
  sigmoid: unary(adjoint.sigmoid),
  softplus: unary(adjoint.softplus),
  relu: unary(adjoint.relu),
  leakyRelu: ([x], call) => adjoint.leakyRelu(x, argument<number | undefined>(call, 0)),
  elu: ([x], call) => adjoint.elu(x, argument<number | undefined>(call, 0)),
  gelu: ([x], call) => adjoint.gelu(x, options<{ approximate?: "tanh" }>(call)),
  silu: unary(adjoint.silu),
  erf: unary(adjoint.erf),
  floor: unary(adjoint.floor),
  ceil: unary(adjoint.ceil),
  round: unary(adjoint.round),
  clip: ([x], call) => adjoint.clip(x, argument<number>(call, 0), argument<number>(call, 1)),
  where: ([condition, a, b]) => adjoint.where(condition, a, b),
  isNaN: unary(adjoint.isNaN),
  isFinite: unary(adjoint.isFinite),
  cast: ([x], call) => adjoint.cast(x, argument<DType>(call, 0)),

  // reductions
  sum: reduction(adjoint.sum),
  mean: reduction(adjoint.mean),
  max: reduction(adjoint.max),
  min: reduction(adjoint.min),
  prod: reduction(adjoint.prod),
  var: reduction((x, axis, kept) => x.var(axis, kept)),
  std: reduction(adjoint.std),
  norm: reduction(adjoint.norm),
  all: reduction(adjoint.all),
  any: reduction(adjoint.any),
  logSumExp: reduction(adjoint.logSumExp),
  argmax: alongAxis(adjoint.argmax),
  argmin: alongAxis(adjoint.argmin),
  softmax: alongAxis(adjoint.softmax),
  logSoftmax: alongAxis(adjoint.logSoftmax),
  cumsum: ([x], call) => adjoint.cumsum(x, argument<number>(call, 0)),
  sort: alongAxis(adjoint.sort),
  argsort: alongAxis(adjoint.argsort),
  topK: ([x], call) => {
    const both = adjoint.topK(x, argument<number>(call, 0), argument<number | undefined>(call, 1));
    return call.result === 1 ? both[1] : both[0];
  },

  // movement
  reshape: ([x], call) => adjoint.reshape(x, argument<number[]>(call, 0)),
  flatten: unary(adjoint.flatten),
  transpose: ([x], call) => adjoint.transpose(x, argument<number[] | undefined>(call, 0)),
  swapAxes: ([x], call) => adjoint.swapAxes(x, argument<number>(call, 0), argument<number>(call, 1)),
  expandDims: ([x], call) => adjoint.expandDims(x, argument<number>(call, 0)),
  squeeze: ([x], call) => adjoint.squeeze(x, argument<number | undefined>(call, 0)),
  broadcastTo: ([x], call) => adjoint.broadcastTo(x, argument<number[]>(call, 0)),
  flip: ([x], call) => adjoint.flip(x, argument<Axes>(call, 0)),
  tile: ([x], call) => adjoint.tile(x, argument<number[]>(call, 0)),
  pad: ([x], call) =>
    adjoint.pad(x, argument<[number, number][]>(call, 0), argument<number | undefined>(call, 1)),
  slice: ([x], call) => adjoint.slice(x, ...everyArgument<SliceItem>(call)),
  concat: (xs, call) => adjoint.concat([...xs], argument<number>(call, 0)),
  stack: (xs, call) => adjoint.stack([...xs], argument<number>(call, 0)),
  split: ([x], call) => adjoint.split(x, argument<number>(call, 0), argument<number>(call, 1)),

  // indexing
  take: ([x, indices], call) => adjoint.take(x, indices, argument<number | undefined>(call, 0)),
  takeAlong: ([x, indices], call) => adjoint.takeAlong(x, indices, argument<number>(call, 0)),
  scatterAdd: ([target, indices, updates], call) =>
    adjoint.scatterAdd(target, indices, updates, argument<number | undefined>(call, 0)),

  // contraction
  cholesky: unary(adjoint.cholesky),
  triangularSolve: ([a, b], call) => adjoint.triangularSolve(a, b, options(call)),
  solve: ([a, b]) => adjoint.solve(a, b),
  inv: unary(adjoint.inv),
  det: unary(adjoint.det),
  logDet: unary(adjoint.logDet),
  slogDet: ([x], call) => adjoint.slogDet(x)[call.result === 1 ? 1 : 0],
  matmul: ([a, b]) => adjoint.matmul(a, b),
  dot: ([a, b]) => adjoint.dot(a, b),
  outer: ([a, b]) => adjoint.outer(a, b),
  einsum: (xs, call) => adjoint.einsum(argument<string>(call, 0), ...xs),

  // windows
  conv: ([x, w], call) => adjoint.conv(x, w, options(call)),
  convTranspose: ([x, w], call) => adjoint.convTranspose(x, w, options(call)),
  maxPool: ([x], call) => adjoint.maxPool(x, options(call)),
  avgPool: ([x], call) => adjoint.avgPool(x, options(call)),

  // losses
  meanSquaredError: ([a, y]) => losses.meanSquaredError(a, y),
  quadratic: ([a, y]) => losses.quadratic(a, y),
  softmaxCrossEntropy: ([logits, labels]) => losses.softmaxCrossEntropy(logits, labels),
  sigmoidCrossEntropy: ([logits, targets]) => losses.sigmoidCrossEntropy(logits, targets),
};
