/** What a kernel has to do: floating-point operations, and bytes that must go to or come from memory at least once. */
import type { ProgramMemory } from "../graph/device.js";
import { expressionsUnder } from "../loops/expr.js";
import type { Expr, Kernel, Schedule, Store } from "../loops/ir.js";
import { bytesPerElement } from "../types/dtype.js";
import { sizeOf } from "../types/shape.js";
import { buffersOf, outputsOf, readsOf } from "./kernels.js";
import { lifetimesOf } from "./lifetimes.js";
import { isControl, listsOf, timesOf } from "./nested.js";
import type { Compiled } from "./pipeline.js";

export interface KernelCost {
  /** A multiply-add counts 2; any other arithmetic operation, comparison or function 1. */
  readonly flops: number;
  /** Every buffer read once and every buffer written once. */
  readonly bytes: number;
}

/**
 * What a compiled program needs while it runs.
 * @param arenaBytes the arena with the scratch memory of the kernels, where there is any
 */
export function memoryOf(
  { schedule, inputs, outputs }: Compiled,
  arenaBytes = schedule.arenaBytes,
): ProgramMemory {
  const { buffers, kernels, staticBytes } = schedule;
  const { first, last, end } = lifetimesOf(buffers.length, kernels, inputs, outputs);
  let liveBytes = 0;
  for (let at = -1; at <= end; at++) {
    let alive = 0;
    buffers.forEach(({ dtype, length, space }, buffer) => {
      if (space === "arena" && first[buffer] <= at && at <= last[buffer])
        alive += length * bytesPerElement(dtype);
    });
    liveBytes = Math.max(liveBytes, alive);
  }
  return { staticBytes, arenaBytes, liveBytes };
}

export function kernelCost(kernel: Kernel, schedule: Schedule): KernelCost {
  return { flops: flopsOf(kernel), bytes: bytesOf(kernel, schedule) };
}

function flopsOf(kernel: Kernel): number {
  switch (kernel.kind) {
    case "scan":
    case "while":
      return timesOf(kernel) * sumOver(listsOf(kernel).flat(), flopsOf);
    case "cond":
      return Math.max(sumOver(kernel.onTrue, flopsOf), sumOver(kernel.onFalse, flopsOf));
    case "loops": {
      const all = sizeOf(kernel.loops);
      const points = sizeOf(kernel.loops.slice(0, kernel.loops.length - kernel.reducedLoops));
      const roots = kernel.reductions.map(({ value }) => value);
      return all * (operations(roots) + roots.length) + points * flopsOfStores(kernel.stores);
    }
    case "rows":
      return kernel.parts.reduce((sum, part) => sum + flopsOf(part), 0);
    case "dot": {
      const points = sizeOf(kernel.batch) * kernel.m * kernel.n;
      return points * (2 * kernel.k + flopsOfStores(kernel.stores));
    }
    case "cumsum":
      return kernel.rows * kernel.length * kernel.inner;
    case "argsort":
      return Math.ceil(kernel.rows * kernel.length * Math.log2(Math.max(2, kernel.length)));
    case "factor": {
      const products = kernel.matrices * kernel.n ** 3;
      return Math.ceil((kernel.op === "lu" ? 2 * products : products) / 3);
    }
    case "substitute":
      return kernel.matrices * kernel.n ** 2 * kernel.columns * (kernel.matrix.kind === "lu" ? 2 : 1);
    case "randomBits":
      // 20 rounds of three operations for two words, and the key schedule
      return kernel.keyCount * kernel.count * 40;
  }
}

function sumOver(kernels: readonly Kernel[], of: (kernel: Kernel) => number): number {
  return kernels.reduce((sum, kernel) => sum + of(kernel), 0);
}

function flopsOfStores(stores: readonly Store[]): number {
  const added = stores.filter(({ accumulate }) => accumulate === true).length;
  return operations(stores.map(({ value }) => value)) + added;
}

/** Arithmetic in expressions, each shared part once. */
function operations(roots: readonly Expr[]): number {
  let count = 0;
  for (const { kind } of expressionsUnder(roots))
    if (kind === "unary" || kind === "binary" || kind === "compare" || kind === "select") count++;
  return count;
}

function bytesOf(kernel: Kernel, schedule: Schedule): number {
  const size = (buffer: number): number => {
    const { dtype, length } = schedule.buffers[buffer];
    return length * bytesPerElement(dtype);
  };
  if (isControl(kernel)) {
    // what is copied for a step is read and written
    const windows = kernel.kind === "scan" ? [...kernel.reads, ...kernel.writes] : [];
    const copied = windows.reduce((sum, { window }) => sum + 2 * size(window), 0);
    const lists = listsOf(kernel).map((list) => sumOver(list, (inner) => bytesOf(inner, schedule)));
    const inside = kernel.kind === "cond" ? Math.max(...lists) : lists.reduce((a, b) => a + b, 0);
    return timesOf(kernel) * (inside + copied);
  }
  const written = outputsOf(kernel);
  let bytes = 0;
  for (const buffer of buffersOf(kernel)) bytes += size(buffer);
  // a buffer that is read and written moves twice
  if (kernel.kind === "loops" || kernel.kind === "dot") {
    const read = readsOf(kernel);
    for (const buffer of written) if (read.has(buffer)) bytes += size(buffer);
  }
  return bytes;
}
