/** Small pieces that several operators share. */
import { arange, type Tensor, tensor, where } from "../../../index.js";

/** 0, 1, … along one axis of a tensor, with extent 1 along the others. */
export function arangeLike(x: Tensor, axis: number): Tensor {
  const shape = x.shape.map((extent, a) => (a === axis ? extent : 1));
  return integers(x.shape[axis]).reshape(shape);
}

/** 0, 1, … as int32. */
export function integers(count: number): Tensor {
  return arange(0, count, 1, { dtype: "int32" });
}

/** Indices with negative ones counted from the end. */
export function wrapped(indices: Tensor, extent: number): Tensor {
  return where(indices.lt(0), indices.add(extent), indices);
}

/** Host numbers as an int32 tensor. */
export function indexTensor(values: readonly number[], shape: readonly number[]): Tensor {
  return tensor(Int32Array.from(values), { shape, dtype: "int32" });
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export function product(values: readonly number[]): number {
  return values.reduce((a, b) => a * b, 1);
}

/** Row-major strides. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => product(shape.slice(axis + 1)));
}
