/**
 * When buffers are alive. Time counts kernels, those inside others too: before a scan, choice or loop one tick, for
 * each kernel inside one, and one behind.
 *
 * What a loop reads before it has written it comes from outside or from the step before, and lives as long as the loop; all
 * else is made anew in each step, so that its memory serves others in the same step.
 */
import type { ControlKernel, Kernel } from "../loops/ir.js";
import { buffersOf, outputsOf, readsOf } from "./kernels.js";
import { isControl, listsOf } from "./nested.js";

export interface Lifetimes {
  /** For each buffer the first and last time; first > last where nobody uses it. */
  readonly first: readonly number[];
  readonly last: readonly number[];
  /** The time of the outputs; that of the inputs is −1. */
  readonly end: number;
}

export function lifetimesOf(
  count: number,
  kernels: readonly Kernel[],
  inputs: readonly number[],
  outputs: readonly number[],
): Lifetimes {
  const first = new Array<number>(count).fill(Number.POSITIVE_INFINITY);
  const last = new Array<number>(count).fill(Number.NEGATIVE_INFINITY);
  const touch = (buffer: number, at: number): void => {
    first[buffer] = Math.min(first[buffer], at);
    last[buffer] = Math.max(last[buffer], at);
  };
  let now = 0;
  const visit = (list: readonly Kernel[]): void => {
    for (const kernel of list) {
      const start = now++;
      if (!isControl(kernel)) {
        for (const buffer of buffersOf(kernel)) touch(buffer, start);
        continue;
      }
      listsOf(kernel).forEach(visit);
      const end = now++;
      for (const buffer of heldBy(kernel)) {
        touch(buffer, start);
        touch(buffer, end);
      }
      if (kernel.kind !== "scan") continue;
      for (const { window } of kernel.reads) touch(window, start);
      for (const { window } of kernel.writes) touch(window, end);
    }
  };
  visit(kernels);
  for (const buffer of inputs) touch(buffer, -1);
  for (const buffer of outputs) touch(buffer, now);
  return { first, last, end: now };
}

/** Buffers that keep their contents from the start of a loop to its end. */
function heldBy(kernel: ControlKernel): Set<number> {
  if (kernel.kind === "cond") return new Set([kernel.predicate]);
  const held = new Set<number>();
  const written = new Set<number>();
  if (kernel.kind === "while") held.add(kernel.predicate);
  else {
    for (const { sequence } of [...kernel.reads, ...kernel.writes]) held.add(sequence);
    for (const { window } of kernel.reads) written.add(window);
  }
  // an inner loop's own windows are written by it, not by a kernel
  const visit = (list: readonly Kernel[]): void => {
    for (const inner of list) {
      if (isControl(inner)) {
        if (inner.kind !== "scan") {
          if (inner.kind === "cond" && !written.has(inner.predicate)) held.add(inner.predicate);
        } else {
          for (const { sequence } of inner.reads) if (!written.has(sequence)) held.add(sequence);
          for (const { window } of inner.reads) written.add(window);
          for (const { sequence } of inner.writes) written.add(sequence);
        }
        listsOf(inner).forEach(visit);
        if (inner.kind === "scan")
          for (const { window } of inner.writes) if (!written.has(window)) held.add(window);
        continue;
      }
      for (const buffer of readsOf(inner)) if (!written.has(buffer)) held.add(buffer);
      for (const buffer of outputsOf(inner)) written.add(buffer);
    }
  };
  listsOf(kernel).forEach(visit);
  if (kernel.kind === "scan")
    for (const { window } of kernel.writes) if (!written.has(window)) held.add(window);
  return held;
}
