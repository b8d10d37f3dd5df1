/** A matrix product to instructions. */
import type { DotKernel, Expr, LoopKernel, MatrixView } from "../../../loops/ir.js";
import type { FunctionBuilder } from "../assembler/function.js";
import type { ProgramContext } from "./context.js";
import { writeLoops } from "./nest.js";
import { contextBuffers } from "./program-buffers.js";

export function writeDot(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: DotKernel,
  status: number,
): void {
  writeLoops(f, context, dotAsLoops(kernel), status, contextBuffers(context));
}

/** The product as an ordinary nest over [...batch, m, n, k]. */
export function dotAsLoops({ name, dtype, batch, m, n, k, a, b, stores }: DotKernel): LoopKernel {
  const load = ({ buffer, offset, batchStrides }: MatrixView, strides: readonly number[]): Expr => ({
    kind: "load",
    dtype,
    buffer,
    offset,
    strides: [...batchStrides, ...strides],
  });
  const x = load(a, [a.rowStride, 0, a.columnStride]);
  const y = load(b, [0, b.columnStride, b.rowStride]);
  return {
    kind: "loops",
    name,
    loops: [...batch, m, n, k],
    reducedLoops: 1,
    reductions: [{ op: "sum", dtype, value: { kind: "binary", op: "mul", dtype, x, y } }],
    stores,
  };
}
