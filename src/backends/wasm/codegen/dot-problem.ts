/** A bare matrix product, out[m, n] = Σ_k a[m, k] · b[k, n], and its equal with the roles exchanged. */
import type { DotKernel } from "../../../loops/ir.js";

/** A matrix; offset and strides in elements. */
export interface Matrix {
  /** Whose start is known to whoever has the problem. */
  readonly buffer: number;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

export interface DotProblem {
  readonly dtype: DotKernel["dtype"];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: Matrix;
  readonly b: Matrix;
  readonly out: Matrix;
  /** Multiplications of all products of the kernel, of which this is one. */
  readonly work: number;
}

/** (A·B)ᵀ = Bᵀ·Aᵀ */
export function swapped({ m, n, a, b, out, ...rest }: DotProblem): DotProblem {
  return { ...rest, m: n, n: m, a: transposed(b), b: transposed(a), out: transposed(out) };
}

function transposed(matrix: Matrix): Matrix {
  return { ...matrix, rowStride: matrix.columnStride, columnStride: matrix.rowStride };
}
