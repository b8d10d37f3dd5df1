/** The tensor floor's public part. */
export { dtypes, type DType, type TypedArray } from "../graph/dtype.js";
export { dot, einsum, matmul, outer } from "./contraction.js";
export { isTensor, type NestedArray, tensor, type TensorData, type TensorLike } from "./convert.js";
export { arange, type CreateOptions, eye, full, linspace, oneHot, ones, zeros } from "./create.js";
export * from "./elementwise.js";
export { argsort, type Indices, scatterAdd, sort, take, takeAlong, topK } from "./indexing.js";
export {
  broadcastTo,
  concat,
  expandDims,
  flatten,
  flip,
  moveAxisTo as moveAxis,
  pad,
  reshape,
  slice,
  type SliceIndex,
  split,
  squeeze,
  stack,
  swapAxes,
  tile,
  transpose,
} from "./movement.js";
export { random, type RandomOptions, setSeed } from "./random.js";
export {
  all,
  any,
  argmax,
  argmin,
  type Axis,
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
  variance as var,
} from "./reductions.js";
export { type Nested, Tensor } from "./tensor.js";
export {
  avgPool,
  conv,
  type ConvOptions,
  convTranspose,
  type ConvTransposeOptions,
  maxPool,
  type Padding,
  type PoolOptions,
} from "./windows.js";
