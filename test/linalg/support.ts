/** Matrices for the tests of linear algebra, and what theory says of the errors. */
import { random, type Tensor, tensor } from "../../src/index.js";
import { lu } from "../../src/primitives/lu.js";
import { fromNode } from "../../src/tensor/convert.js";

export type FloatName = "float32" | "float64";
export const floatNames: readonly FloatName[] = ["float32", "float64"];
export const orders = [0, 1, 2, 5, 33];

/** Half the distance between 1 and the next number. */
export const unit: Readonly<Record<FloatName, number>> = { float32: 2 ** -24, float64: 2 ** -53 };

/** Standard normal elements. */
export function normal(shape: readonly number[], dtype: FloatName, seed = 1): Tensor {
  return random.normal(random.key(seed), { shape, dtype });
}

/** The identity. */
export function identity(n: number, dtype: FloatName): Tensor {
  const elements = Array.from({ length: n * n }, (_, k) => (Math.floor(k / n) === k % n ? 1 : 0));
  return tensor(elements, { shape: [n, n], dtype });
}

/** M·Mᵀ + n·I, exactly symmetric. */
export function positiveDefinite(n: number, dtype: FloatName, seed = 1): Tensor {
  const m = normal([n, n], dtype, seed);
  const a = m.matmul(m.transpose()).add(identity(n, dtype).mul(n));
  return a.add(a.transpose()).mul(0.5);
}

/** Uniform elements from −1 to 1, and 2n on the diagonal: a condition number below 4. */
export function dominant(n: number, dtype: FloatName, seed = 1): Tensor {
  const rest = random
    .uniform(random.key(seed), { shape: [n, n], dtype })
    .mul(2)
    .sub(1);
  return rest.add(identity(n, dtype).mul(2 * n));
}

/** a_ij = 1/(i + j + 1): condition number 1.6·10¹³ for n = 10. */
export function hilbert(n: number, dtype: FloatName): Tensor {
  const elements = Array.from({ length: n * n }, (_, k) => 1 / (Math.floor(k / n) + (k % n) + 1));
  return tensor(elements, { shape: [n, n], dtype });
}

type Rows = readonly (readonly number[])[];

export function rowsOf(x: Tensor): Rows {
  return x.arraySync<number[][]>();
}

/** A·B in float64, of matrices as they are. */
export function product(a: Rows, b: Rows): number[][] {
  return a.map((row) => (b[0] ?? []).map((_, j) => row.reduce((sum, x, k) => sum + x * b[k][j], 0)));
}

/** The largest sum of magnitudes in a row. */
export function norm(a: Rows): number {
  return Math.max(0, ...a.map((row) => row.reduce((sum, x) => sum + Math.abs(x), 0)));
}

export function difference(a: Rows, b: Rows): number[][] {
  return a.map((row, i) => row.map((x, j) => x - b[i][j]));
}

/** The norm of |L|·|U|: what the errors of elimination are measured by. */
export function sizeOfFactors(a: Tensor): number {
  const n = a.shape[1];
  const f = rowsOf(fromNode(lu(a))).slice(0, n);
  const l = f.map((row, i) => row.map((x, j) => (i === j ? 1 : j < i ? Math.abs(x) : 0)));
  const u = f.map((row, i) => row.map((x, j) => (j < i ? 0 : Math.abs(x))));
  return norm(product(l, u));
}

/** Every element, wherever it is. */
export function elements(x: Tensor): number[] {
  return Array.from(x.dataSync());
}

/** The largest difference of two tensors' elements. */
export function distance(a: Tensor, b: Tensor): number {
  const other = elements(b);
  return Math.max(0, ...elements(a).map((x, i) => Math.abs(x - other[i])));
}
