/** Contractions as loops: which extents there are, and how far each operand moves along them. */
import type { DotKernel } from "./ir.js";

/** Extents of the loops around a contraction's stores. */
export function dotLoops({ batch, m, n, rows, columns }: DotKernel): readonly number[] {
  return [...batch, ...(rows ?? [m]), ...(columns ?? [n])];
}

/** One loop of a contraction, with the strides of both operands along it. */
export interface DotLoop {
  readonly extent: number;
  readonly a: number;
  readonly b: number;
}

/** All loops of a contraction; batch, rows and columns together are those of the stores. */
export interface DotLoops {
  readonly batch: readonly DotLoop[];
  readonly rows: readonly DotLoop[];
  readonly columns: readonly DotLoop[];
  readonly summed: readonly DotLoop[];
}

export function loopsOfDot({ batch, m, n, k, rows, columns, summed, a, b }: DotKernel): DotLoops {
  const rowsA = a.rowStrides ?? [a.rowStride];
  const summedA = a.columnStrides ?? [a.columnStride];
  const summedB = b.rowStrides ?? [b.rowStride];
  const columnsB = b.columnStrides ?? [b.columnStride];
  return {
    batch: batch.map((extent, i) => ({ extent, a: a.batchStrides[i], b: b.batchStrides[i] })),
    rows: (rows ?? [m]).map((extent, i) => ({ extent, a: rowsA[i], b: 0 })),
    columns: (columns ?? [n]).map((extent, i) => ({ extent, a: 0, b: columnsB[i] })),
    summed: (summed ?? [k]).map((extent, i) => ({ extent, a: summedA[i], b: summedB[i] })),
  };
}
