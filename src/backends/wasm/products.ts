/** Matrix products that a program leaves to BLAS: which ones it may, and how they are called. */
import type { BlasDType } from "../blas/bindings.js";
import type { Blas, Gemm } from "../blas/library.js";
import type { DotProblem, Matrix } from "./codegen/dot-problem.js";

/** What can be left to BLAS. */
export type HostProducts = Pick<Blas, "worthwhile">;

/** A product as BLAS sees it. */
export interface BlasProduct {
  readonly dtype: BlasDType;
  readonly gemm: Gemm;
  /** In place of a and b: b and a, where the result is stored by columns. */
  readonly swapped: boolean;
}

/** Rows or columns of a BLAS matrix are contiguous, and its leading dimension covers them. */
function operand(
  view: Matrix,
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

/** Whether BLAS has this dtype, and so many multiplications are worth its call. */
export function isWorthwhile(
  { worthwhile }: HostProducts,
  dtype: DotProblem["dtype"],
  work: number,
): dtype is BlasDType {
  return (
    (dtype === "float32" || dtype === "float64") && 2 * work >= (worthwhile[dtype]?.operations ?? Infinity)
  );
}

/**
 * The product for BLAS, or undefined where it is too small or laid out in a way BLAS does not know.
 */
export function blasProduct(
  host: HostProducts,
  problem: DotProblem,
  how: Pick<Gemm, "adds" | "factor"> = { adds: false, factor: 1 },
): BlasProduct | undefined {
  const { dtype, m, n, k, a, b, out, work } = problem;
  if (!isWorthwhile(host, dtype, work)) return undefined;
  const worthwhile = host.worthwhile[dtype];
  if (worthwhile === undefined) return undefined;
  // few results are better computed here, however long the sums
  if (2 * m * n * k < worthwhile.product || m * n < worthwhile.results) return undefined;
  const [left, right] = [operand(a, m, k), operand(b, k, n)];
  const result = operand(out, m, n);
  if (left === undefined || right === undefined || result === undefined) return undefined;
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
        ...how,
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
        ...how,
      };
  return { dtype, gemm, swapped: result.transposed };
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
  const { dtype, gemm, swapped } = product;
  const [first, second] = swapped ? [b, a] : [a, b];
  // addresses come as signed 32-bit numbers
  const at = (address: number): bigint => memory + BigInt(address >>> 0);
  blas.multiply(dtype, gemm, at(first), at(second), at(out));
}
