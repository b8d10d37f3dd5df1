/**
 * What is done with the sums of a matrix product: nothing, when its only store takes them as they are; else an ordinary
 * nest over them, which finds them in scratch memory. That costs one pass over the result, little beside k passes.
 */
import type { DotKernel, Expr, LoopKernel, MatrixView } from "../../../loops/ir.js";
import { mapOperands, mapStore, rewriter } from "./expressions.js";

/** Where the product may be written at once: its only store, if that takes the sums as they are. */
export function directView({ stores }: DotKernel): MatrixView | undefined {
  if (stores.length !== 1) return undefined;
  const { buffer, offset, strides, value, at, accumulate } = stores[0];
  if (value.kind !== "reduced" || at !== undefined || accumulate === true) return undefined;
  if (strides.some((stride) => stride < 0)) return undefined;
  const [rowStride, columnStride] = strides.slice(-2);
  return { buffer, offset, batchStrides: strides.slice(0, -2), rowStride, columnStride };
}

/** The product in scratch memory, row-major. */
export function scratchView({ batch, m, n }: DotKernel, buffer: number): MatrixView {
  const batchStrides = batch.map((_, loop) =>
    batch.slice(loop + 1).reduce((size, extent) => size * extent, m * n),
  );
  return { buffer, offset: 0, batchStrides, rowStride: n, columnStride: 1 };
}

/** The stores of a product as a nest that loads the finished sums. */
export function epilogue({ name, dtype, batch, m, n, stores }: DotKernel, sums: MatrixView): LoopKernel {
  const strides = [...sums.batchStrides, sums.rowStride, sums.columnStride];
  const sum: Expr = { kind: "load", dtype, buffer: sums.buffer, offset: sums.offset, strides };
  const rewrite = rewriter((e, rewriteOperand) =>
    e.kind === "reduced" ? sum : mapOperands(e, rewriteOperand),
  );
  return {
    kind: "loops",
    name,
    loops: [...batch, m, n],
    reducedLoops: 0,
    reductions: [],
    stores: stores.map((store) => mapStore(store, rewrite)),
  };
}
