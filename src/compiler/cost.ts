/** What a kernel has to do: floating-point operations, and bytes that must go to or come from memory at least once. */
import type { ProgramMemory } from "../graph/device.js";
import { expressionsUnder } from "../loops/expr.js";
import type { Expr, Kernel, Schedule, Store } from "../loops/ir.js";
import { bytesPerElement } from "../types/dtype.js";
import { sizeOf } from "../types/shape.js";
import { buffersOf, outputsOf, readsOf } from "./kernels.js";
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
  const first = buffers.map(() => Number.POSITIVE_INFINITY);
  const last = buffers.map(() => Number.NEGATIVE_INFINITY);
  const touch = (buffer: number, at: number): void => {
    first[buffer] = Math.min(first[buffer], at);
    last[buffer] = Math.max(last[buffer], at);
  };
  kernels.forEach((kernel, at) => {
    for (const buffer of buffersOf(kernel)) touch(buffer, at);
  });
  for (const buffer of inputs) touch(buffer, -1);
  for (const buffer of outputs) touch(buffer, kernels.length);
  let liveBytes = 0;
  for (let at = -1; at <= kernels.length; at++) {
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
    case "randomBits":
      // 20 rounds of three operations for two words, and the key schedule
      return kernel.keyCount * kernel.count * 40;
  }
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
