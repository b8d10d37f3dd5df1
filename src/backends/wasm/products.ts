/** Matrix products that a program leaves to BLAS: which ones it may, and how they are called. */
import type { MatrixView } from "../../loops/ir.js";
import type { Blas, Gemm } from "../blas/library.js";
import type { DotProblem } from "./codegen/dot-problem.js";

/**
 * Floating-point operations from which BLAS is worth its call: below, products generated here are as fast and the bits of small
 * networks do not depend on what is installed.
 */
const worthwhile = 4_000_000;

/** A product as BLAS sees it, with the steps of its batch loops in elements. */
export interface BlasProduct {
  readonly dtype: "float32" | "float64";
  readonly gemm: Gemm;
  /** In place of a and b: b and a, where the result is stored by columns. */
  readonly swapped: boolean;
  readonly batch: readonly number[];
  readonly steps: {
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly out: readonly number[];
  };
}

/** Rows or columns of a BLAS matrix are contiguous, and its leading dimension covers them. */
function operand(
  view: MatrixView,
  rows: number,
  columns: number,
): { transposed: boolean; leading: number } | undefined {
  const fits = (leading: number, inner: number, extent: number): boolean =>
    leading >= Math.max(1, inner) || extent === 1;
  if (view.columnStride === 1 && fits(view.rowStride, columns, rows))
    return { transposed: false, leading: Math.max(view.rowStride, columns, 1) };
  if (view.rowStride === 1 && fits(view.columnStride, rows, columns))
    return { transposed: true, leading: Math.max(view.columnStride, rows, 1) };
  return undefined;
}

/** The product for BLAS, or undefined where it is too small or laid out in a way BLAS does not know. */
export function blasProduct(problem: DotProblem): BlasProduct | undefined {
  const { dtype, batch, m, n, k, a, b, out } = problem;
  if (dtype !== "float32" && dtype !== "float64") return undefined;
  if (2 * m * n * k < worthwhile) return undefined;
  const [left, right] = [operand(a, m, k), operand(b, k, n)];
  const result = operand(out, m, n);
  if (left === undefined || right === undefined || result === undefined) return undefined;
  const steps = { a: a.batchStrides, b: b.batchStrides, out: out.batchStrides };
  // (A·B)ᵀ = Bᵀ·Aᵀ: what is stored by columns is computed transposed
  const gemm: Gemm = result.transposed
    ? {
        m: n,
        n: m,
        k,
        transposeA: !right.transposed,
        leadingA: right.leading,
        transposeB: !left.transposed,
        leadingB: left.leading,
        leadingC: result.leading,
      }
    : {
        m,
        n,
        k,
        transposeA: left.transposed,
        leadingA: left.leading,
        transposeB: right.transposed,
        leadingB: right.leading,
        leadingC: result.leading,
      };
  return { dtype, gemm, swapped: result.transposed, batch, steps };
}

/** Runs a product on byte addresses in a memory. */
export function runProduct(
  blas: Blas,
  product: BlasProduct,
  memory: bigint,
  a: number,
  b: number,
  out: number,
): void {
  const { dtype, gemm, swapped, batch, steps } = product;
  const bytes = dtype === "float32" ? 4 : 8;
  const visit = (loop: number, atA: number, atB: number, atOut: number): void => {
    if (loop === batch.length) {
      const [first, second] = swapped ? [atB, atA] : [atA, atB];
      blas.multiply(dtype, gemm, memory + BigInt(first), memory + BigInt(second), memory + BigInt(atOut));
      return;
    }
    for (let i = 0; i < batch[loop]; i++)
      visit(
        loop + 1,
        atA + i * steps.a[loop] * bytes,
        atB + i * steps.b[loop] * bytes,
        atOut + i * steps.out[loop] * bytes,
      );
  };
  // addresses come as signed 32-bit numbers
  visit(0, a >>> 0, b >>> 0, out >>> 0);
}
