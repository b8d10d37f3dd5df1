/**
 * Loop nests without needless loops.
 *
 * Requires: a loop kernel. Guarantees: an equal one in which no loop has extent 1, and no two adjacent loops could be one.
 * Example: [8, 1, 30] with every view contiguous → [240].
 */
import { mapOperands, rewriterFromRoot } from "../../../loops/expr.js";
import type { LoopKernel } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import { expressions, mapStore } from "./expressions.js";

/**
 * The kernel with other loops: new loop i runs through old loops `groups[i]`, outermost first. Old loops in no group
 * have extent 1. The first `outputs` groups are not reduced.
 */
export function regroup(
  kernel: LoopKernel,
  groups: readonly (readonly number[])[],
  outputs: number,
): LoopKernel {
  const newLoop = new Map<number, number>();
  groups.forEach((group, i) => {
    for (const old of group) newLoop.set(old, i);
  });
  const innermost = groups.map((group) => group[group.length - 1]);
  const strides = (old: readonly number[], count: number): number[] =>
    innermost.slice(0, count).map((loop) => old[loop]);

  const rewrite = rewriterFromRoot((e, rewriteOperand) => {
    if (e.kind === "index") {
      const loop = newLoop.get(e.loop);
      return loop === undefined ? { kind: "constant", dtype: "int32", value: 0 } : { ...e, loop };
    }
    const moved = mapOperands(e, rewriteOperand);
    return moved.kind === "load" ? { ...moved, strides: strides(moved.strides, groups.length) } : moved;
  });
  return {
    ...kernel,
    loops: groups.map((group) => group.reduce((extent, loop) => extent * kernel.loops[loop], 1)),
    reducedLoops: groups.length - outputs,
    reductions: kernel.reductions.map((reduction) => ({ ...reduction, value: rewrite(reduction.value) })),
    stores: kernel.stores.map((store) => ({
      ...mapStore(store, rewrite),
      strides: strides(store.strides, outputs),
    })),
  };
}

/** @param fixed outermost loops that stay as they are */
export function normalise(kernel: LoopKernel, fixed = 0): LoopKernel {
  const { loops } = kernel;
  const outputs = loops.length - kernel.reducedLoops;
  const all = expressions(kernel);
  const indexed = new Set(all.flatMap((e) => (e.kind === "index" ? [e.loop] : [])));
  const accesses = [...all.flatMap((e) => (e.kind === "load" ? [e.strides] : []))];
  const mergeable = (outer: number, inner: number): boolean => {
    if (indexed.has(outer) || indexed.has(inner)) return false;
    const fits = (strides: readonly number[]): boolean => strides[outer] === strides[inner] * loops[inner];
    return accesses.every(fits) && (outer >= outputs || kernel.stores.every(({ strides }) => fits(strides)));
  };

  const group = (from: number, to: number): number[][] => {
    const groups: number[][] = [];
    for (let loop = from; loop < to; loop++) {
      if (loops[loop] === 1) continue;
      const last = groups[groups.length - 1];
      if (last !== undefined && mergeable(last[last.length - 1], loop)) last.push(loop);
      else groups.push([loop]);
    }
    return groups;
  };
  const kept = Array.from({ length: fixed }, (_, loop) => [loop]);
  const outputGroups = [...kept, ...group(fixed, outputs)];
  const reduced = loops.map((_, loop) => loop).slice(outputs);
  let reducedGroups: number[][] = [];
  // A reduction over nothing runs none of its loops, and one of extent 0 says so; without reductions there are none to run.
  if (kernel.reductions.length > 0 && reduced.some((loop) => loops[loop] === 0)) reducedGroups = [reduced];
  else if (kernel.reductions.length > 0) reducedGroups = group(outputs, loops.length);
  const made = regroup(kernel, [...outputGroups, ...reducedGroups], outputGroups.length);
  invariant(
    made.loops.every((extent, loop) => extent !== 1 || loop < fixed),
    "a loop of extent 1 is left",
  );
  return made;
}
