/**
 * The tensor users hold: a node of the graph with every operation as a method. Each method is the function of the same
 * name with the tensor as first argument, and is documented there.
 */

import { setNodeClass } from "../graph/node.js";
import type { DType } from "../types/dtype.js";
import * as contraction from "./contraction.js";
import type { Indices, TensorLike } from "./convert.js";
import * as elementwise from "./elementwise.js";
import * as indexing from "./indexing.js";
import * as linalg from "./linalg.js";
import * as movement from "./movement.js";
import * as reductions from "./reductions.js";
import { type SliceIndex, slice } from "./slicing.js";
import { TensorValue } from "./value.js";
import * as windows from "./windows.js";

/**
 * An array of numbers of one dtype, with a value or, inside jit and vmap, without one yet. Made by `tensor`, `zeros`,
 * `random.normal` and so on, and by every operation.
 * @example tensor([[1, 2], [3, 4]]).sum(0).mul(2).array(); // → 8,12
 */
export class Tensor extends TensorValue {
  // Element-wise.
  add(other: TensorLike): Tensor {
    return elementwise.add(this, other);
  }
  sub(other: TensorLike): Tensor {
    return elementwise.sub(this, other);
  }
  mul(other: TensorLike): Tensor {
    return elementwise.mul(this, other);
  }
  div(other: TensorLike): Tensor {
    return elementwise.div(this, other);
  }
  pow(other: TensorLike): Tensor {
    return elementwise.pow(this, other);
  }
  mod(other: TensorLike): Tensor {
    return elementwise.mod(this, other);
  }
  maximum(other: TensorLike): Tensor {
    return elementwise.maximum(this, other);
  }
  minimum(other: TensorLike): Tensor {
    return elementwise.minimum(this, other);
  }
  atan2(other: TensorLike): Tensor {
    return elementwise.atan2(this, other);
  }
  eq(other: TensorLike): Tensor {
    return elementwise.eq(this, other);
  }
  ne(other: TensorLike): Tensor {
    return elementwise.ne(this, other);
  }
  lt(other: TensorLike): Tensor {
    return elementwise.lt(this, other);
  }
  le(other: TensorLike): Tensor {
    return elementwise.le(this, other);
  }
  gt(other: TensorLike): Tensor {
    return elementwise.gt(this, other);
  }
  ge(other: TensorLike): Tensor {
    return elementwise.ge(this, other);
  }
  and(other: TensorLike): Tensor {
    return elementwise.and(this, other);
  }
  or(other: TensorLike): Tensor {
    return elementwise.or(this, other);
  }
  neg(): Tensor {
    return elementwise.neg(this);
  }
  abs(): Tensor {
    return elementwise.abs(this);
  }
  sign(): Tensor {
    return elementwise.sign(this);
  }
  exp(): Tensor {
    return elementwise.exp(this);
  }
  expm1(): Tensor {
    return elementwise.expm1(this);
  }
  log(): Tensor {
    return elementwise.log(this);
  }
  log1p(): Tensor {
    return elementwise.log1p(this);
  }
  sqrt(): Tensor {
    return elementwise.sqrt(this);
  }
  rsqrt(): Tensor {
    return elementwise.rsqrt(this);
  }
  square(): Tensor {
    return elementwise.square(this);
  }
  reciprocal(): Tensor {
    return elementwise.reciprocal(this);
  }
  sin(): Tensor {
    return elementwise.sin(this);
  }
  cos(): Tensor {
    return elementwise.cos(this);
  }
  tan(): Tensor {
    return elementwise.tan(this);
  }
  asin(): Tensor {
    return elementwise.asin(this);
  }
  acos(): Tensor {
    return elementwise.acos(this);
  }
  atan(): Tensor {
    return elementwise.atan(this);
  }
  sinh(): Tensor {
    return elementwise.sinh(this);
  }
  cosh(): Tensor {
    return elementwise.cosh(this);
  }
  tanh(): Tensor {
    return elementwise.tanh(this);
  }
  sigmoid(): Tensor {
    return elementwise.sigmoid(this);
  }
  softplus(): Tensor {
    return elementwise.softplus(this);
  }
  relu(): Tensor {
    return elementwise.relu(this);
  }
  silu(): Tensor {
    return elementwise.silu(this);
  }
  erf(): Tensor {
    return elementwise.erf(this);
  }
  floor(): Tensor {
    return elementwise.floor(this);
  }
  ceil(): Tensor {
    return elementwise.ceil(this);
  }
  round(): Tensor {
    return elementwise.round(this);
  }
  not(): Tensor {
    return elementwise.not(this);
  }
  isNaN(): Tensor {
    return elementwise.isNaN(this);
  }
  isFinite(): Tensor {
    return elementwise.isFinite(this);
  }
  stopGradient(): Tensor {
    return elementwise.stopGradient(this);
  }
  leakyRelu(slope?: number): Tensor {
    return elementwise.leakyRelu(this, slope);
  }
  elu(alpha?: number): Tensor {
    return elementwise.elu(this, alpha);
  }
  gelu(options?: { approximate?: "none" | "tanh" }): Tensor {
    return elementwise.gelu(this, options);
  }
  clip(lo?: number, hi?: number): Tensor {
    return elementwise.clip(this, lo, hi);
  }
  /** This where the condition holds, `other` elsewhere. */
  where(condition: TensorLike, other: TensorLike): Tensor {
    return elementwise.where(condition, this, other);
  }
  cast(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }

  // Reductions.
  sum(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.sum(this, axis, options);
  }
  mean(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.mean(this, axis, options);
  }
  max(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.max(this, axis, options);
  }
  min(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.min(this, axis, options);
  }
  prod(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.prod(this, axis, options);
  }
  var(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.variance(this, axis, options);
  }
  std(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.std(this, axis, options);
  }
  norm(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.norm(this, axis, options);
  }
  all(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.all(this, axis, options);
  }
  any(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.any(this, axis, options);
  }
  logSumExp(axis?: reductions.Axis, options?: reductions.ReduceOptions): Tensor {
    return reductions.logSumExp(this, axis, options);
  }
  argmax(axis?: number): Tensor {
    return reductions.argmax(this, axis);
  }
  argmin(axis?: number): Tensor {
    return reductions.argmin(this, axis);
  }
  softmax(axis?: number): Tensor {
    return reductions.softmax(this, axis);
  }
  logSoftmax(axis?: number): Tensor {
    return reductions.logSoftmax(this, axis);
  }
  cumsum(axis: number): Tensor {
    return reductions.cumsum(this, axis);
  }

  // Movement.
  reshape(shape: readonly number[]): Tensor {
    return movement.reshape(this, shape);
  }
  flatten(): Tensor {
    return movement.flatten(this);
  }
  transpose(order?: readonly number[]): Tensor {
    return movement.transpose(this, order);
  }
  swapAxes(a: number, b: number): Tensor {
    return movement.swapAxes(this, a, b);
  }
  moveAxis(from: number, to: number): Tensor {
    return movement.moveAxisTo(this, from, to);
  }
  expandDims(axis: number): Tensor {
    return movement.expandDims(this, axis);
  }
  squeeze(axis?: reductions.Axis): Tensor {
    return movement.squeeze(this, axis);
  }
  broadcastTo(shape: readonly number[]): Tensor {
    return movement.broadcastTo(this, shape);
  }
  flip(axis?: reductions.Axis): Tensor {
    return movement.flip(this, axis);
  }
  tile(repeats: readonly number[]): Tensor {
    return movement.tile(this, repeats);
  }
  pad(amounts: readonly (readonly [number, number])[], value?: number): Tensor {
    return movement.pad(this, amounts, value);
  }
  slice(...indices: readonly SliceIndex[]): Tensor {
    return slice(this, ...indices);
  }
  /** The element or part at leading indices: `x.at(1, 0)` is `x.slice(1, 0)`. */
  at(...indices: readonly number[]): Tensor {
    return slice(this, ...indices);
  }
  split(sections: number | readonly number[], axis?: number): Tensor[] {
    return movement.split(this, sections, axis);
  }

  // Indexing.
  take(indices: Indices, axis?: number): Tensor {
    return indexing.take(this, indices, axis);
  }
  takeAlong(indices: Indices, axis: number): Tensor {
    return indexing.takeAlong(this, indices, axis);
  }
  scatterAdd(indices: Indices, updates: TensorLike, axis?: number): Tensor {
    return indexing.scatterAdd(this, indices, updates, axis);
  }
  sort(axis?: number): Tensor {
    return indexing.sort(this, axis);
  }
  argsort(axis?: number): Tensor {
    return indexing.argsort(this, axis);
  }
  topK(k: number, axis?: number): [values: Tensor, indices: Tensor] {
    return indexing.topK(this, k, axis);
  }

  // Contraction, linear algebra and windows.
  matmul(other: TensorLike): Tensor {
    return contraction.matmul(this, other);
  }
  dot(other: TensorLike): Tensor {
    return contraction.dot(this, other);
  }
  outer(other: TensorLike): Tensor {
    return contraction.outer(this, other);
  }
  cholesky(): Tensor {
    return linalg.cholesky(this);
  }
  triangularSolve(b: TensorLike, options?: linalg.TriangularSolveOptions): Tensor {
    return linalg.triangularSolve(this, b, options);
  }
  solve(b: TensorLike): Tensor {
    return linalg.solve(this, b);
  }
  inv(): Tensor {
    return linalg.inv(this);
  }
  det(): Tensor {
    return linalg.det(this);
  }
  logDet(): Tensor {
    return linalg.logDet(this);
  }
  slogDet(): [sign: Tensor, logAbs: Tensor] {
    return linalg.slogDet(this);
  }
  conv(w: TensorLike, options?: windows.ConvOptions): Tensor {
    return windows.conv(this, w, options);
  }
  convTranspose(w: TensorLike, options?: windows.ConvTransposeOptions): Tensor {
    return windows.convTranspose(this, w, options);
  }
  maxPool(options: windows.PoolOptions): Tensor {
    return windows.maxPool(this, options);
  }
  avgPool(options: windows.PoolOptions): Tensor {
    return windows.avgPool(this, options);
  }
}

setNodeClass(Tensor);
