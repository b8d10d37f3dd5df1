/** A loop of a nest as two, or a part of one. */
import { mapOperands, rewriterFromRoot } from "../../../loops/expr.js";
import type { Expr, LoopKernel } from "../../../loops/ir.js";
import { mapStore } from "./expressions.js";

const integer = (value: number): Expr => ({ kind: "constant", dtype: "int32", value });

/** The kernel over `count` iterations of one of its loops, from `start` on. The loop is not reduced. */
export function rangeOf(kernel: LoopKernel, loop: number, start: number, count: number): LoopKernel {
  const rewrite = rewriterFromRoot((e, rewriteOperand) => {
    const moved = mapOperands(e, rewriteOperand);
    if (moved.kind === "load") return { ...moved, offset: moved.offset + start * moved.strides[loop] };
    if (moved.kind !== "index" || moved.loop !== loop || start === 0) return moved;
    return { kind: "binary", op: "add", dtype: "int32", x: moved, y: integer(start) };
  });
  return {
    ...kernel,
    loops: kernel.loops.map((extent, other) => (other === loop ? count : extent)),
    reductions: kernel.reductions.map((reduction) => ({ ...reduction, value: rewrite(reduction.value) })),
    stores: kernel.stores.map((store) => ({
      ...mapStore(store, rewrite),
      offset: store.offset + start * store.strides[loop],
    })),
  };
}

/** One loop, which is not reduced, as two: [… , n, …] → [… , n / size, size, …]. The size divides the loop. */
export function splitLoop(kernel: LoopKernel, loop: number, size: number): LoopKernel {
  const split = (strides: readonly number[]): number[] => [
    ...strides.slice(0, loop),
    strides[loop] * size,
    ...strides.slice(loop),
  ];
  const rewrite = rewriterFromRoot((e, rewriteOperand) => {
    const moved = mapOperands(e, rewriteOperand);
    if (moved.kind === "load") return { ...moved, strides: split(moved.strides) };
    if (moved.kind !== "index" || moved.loop < loop) return moved;
    if (moved.loop > loop) return { ...moved, loop: moved.loop + 1 };
    const start = { kind: "binary", op: "mul", dtype: "int32", x: moved, y: integer(size) } as const;
    return { kind: "binary", op: "add", dtype: "int32", x: start, y: { ...moved, loop: loop + 1 } };
  });
  return {
    ...kernel,
    loops: [...kernel.loops.slice(0, loop), kernel.loops[loop] / size, size, ...kernel.loops.slice(loop + 1)],
    reductions: kernel.reductions.map((reduction) => ({ ...reduction, value: rewrite(reduction.value) })),
    stores: kernel.stores.map((store) => ({ ...mapStore(store, rewrite), strides: split(store.strides) })),
  };
}
