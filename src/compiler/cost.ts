/** What a kernel has to do: floating-point operations, and bytes that must go to or come from memory at least once. */
import type { Expr, Kernel, Schedule } from "../loops/ir.js";
import { bytesPerElement } from "../types/dtype.js";
import { sizeOf } from "../types/shape.js";
import { buffersOf, outputsOf } from "./memory.js";

export interface KernelCost {
  /** A multiply-add counts 2; any other arithmetic operation, comparison or function 1. */
  readonly flops: number;
  /** Every buffer read once and every buffer written once. */
  readonly bytes: number;
}

export function kernelCost(kernel: Kernel, schedule: Schedule): KernelCost {
  return { flops: flopsOf(kernel), bytes: bytesOf(kernel, schedule) };
}

function flopsOf(kernel: Kernel): number {
  switch (kernel.kind) {
    case "loops": {
      const all = sizeOf(kernel.loops);
      const points = sizeOf(kernel.loops.slice(0, kernel.loops.length - kernel.reducedLoops));
      const reduced = kernel.reductions.reduce((sum, { value }) => sum + operations(value) + 1, 0);
      const stored = kernel.stores.reduce(
        (sum, s) => sum + operations(s.value) + (s.accumulate === true ? 1 : 0),
        0,
      );
      return all * reduced + points * stored;
    }
    case "dot": {
      const points = sizeOf(kernel.batch) * kernel.m * kernel.n;
      return points * (2 * kernel.k + kernel.stores.reduce((sum, s) => sum + operations(s.value), 0));
    }
    case "cumsum":
      return kernel.rows * kernel.length * kernel.inner;
    case "argsort":
      return Math.ceil(kernel.rows * kernel.length * Math.log2(Math.max(2, kernel.length)));
    case "randomBits":
      // 20 rounds of three operations for two words, and the key schedule
      return kernel.keyCount * kernel.count * 40;
  }
}

/** Arithmetic in an expression, each shared part once. */
function operations(root: Expr): number {
  const seen = new Set<Expr>();
  const count = (expr: Expr): number => {
    if (seen.has(expr)) return 0;
    seen.add(expr);
    switch (expr.kind) {
      case "constant":
      case "index":
      case "reduced":
        return 0;
      case "load":
        return expr.at === undefined ? 0 : count(expr.at);
      case "cast":
      case "bounded":
        return count(expr.x);
      case "unary":
        return 1 + count(expr.x);
      case "binary":
      case "compare":
        return 1 + count(expr.x) + count(expr.y);
      case "select":
        return 1 + count(expr.condition) + count(expr.x) + count(expr.y);
    }
  };
  return count(root);
}

function bytesOf(kernel: Kernel, schedule: Schedule): number {
  const size = (buffer: number): number => {
    const { dtype, length } = schedule.buffers[buffer];
    return length * bytesPerElement(dtype);
  };
  const written = outputsOf(kernel);
  let bytes = 0;
  for (const buffer of buffersOf(kernel)) bytes += size(buffer);
  // a buffer that is read and written moves twice
  if (kernel.kind === "loops" || kernel.kind === "dot")
    for (const buffer of written) if (readsBuffer(kernel, buffer)) bytes += size(buffer);
  return bytes;
}

function readsBuffer(kernel: Extract<Kernel, { kind: "loops" | "dot" }>, buffer: number): boolean {
  const without = { ...kernel, stores: kernel.stores.map((store) => ({ ...store, buffer: -1 })) };
  return (
    buffersOf(without).has(buffer) || kernel.stores.some((s) => s.buffer === buffer && s.accumulate === true)
  );
}
