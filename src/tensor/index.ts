/** The tensor floor's public part. */
export { type DType, dtypes, type TypedArray } from "../types/dtype.js";
export { dot, einsum, matmul, outer } from "./contraction.js";
export {
  type Indices,
  isTensor,
  type NestedArray,
  type TensorData,
  type TensorLike,
  tensor,
} from "./convert.js";
export { arange, type CreateOptions, eye, full, linspace, oneHot, ones, zeros } from "./create.js";
export * from "./elementwise.js";
export { argsort, scatterAdd, sort, take, takeAlong, topK } from "./indexing.js";
export {
  cholesky,
  det,
  inv,
  logDet,
  slogDet,
  solve,
  type TriangularSolveOptions,
  triangularSolve,
} from "./linalg.js";
export {
  broadcastTo,
  concat,
  expandDims,
  flatten,
  flip,
  moveAxisTo as moveAxis,
  pad,
  reshape,
  split,
  squeeze,
  stack,
  swapAxes,
  tile,
  transpose,
} from "./movement.js";
export { type RandomOptions, random, setSeed } from "./random.js";
export {
  type Axis,
  all,
  any,
  argmax,
  argmin,
  cumsum,
  logSoftmax,
  logSumExp,
  max,
  mean,
  min,
  norm,
  prod,
  type ReduceOptions,
  softmax,
  std,
  sum,
  variance,
  variance as var,
} from "./reductions.js";
export { type SliceIndex, slice } from "./slicing.js";
export { Tensor } from "./tensor.js";
export type { Nested } from "./value.js";
export type { Padding } from "./window-arguments.js";
export {
  avgPool,
  type ConvOptions,
  type ConvTransposeOptions,
  conv,
  convTranspose,
  maxPool,
  type PoolOptions,
} from "./windows.js";
