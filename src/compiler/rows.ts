/**
 * rows: kernels that go over the same rows run row by row together, so that a row is in the cache from the first to the last of
 * them, and what they hand to each other needs memory for one row.
 *
 * Requires: lowered kernels, before donation. Guarantees: the same values, bit for bit; kernels in a legal order.
 *
 *     m = max x; e = exp(x − m); s = Σ e; y = e/s   over rows of 1000
 *     →  for each row: m, e, s, y, with m, e and s in one row of memory
 *
 * Deviation from loop fusion as compilers know it (Wolfe 1996, section 9.2): dependences are not tested in general. A value may
 * pass between parts only where it is stored without gaps and each row reads nothing but its own.
 */
import { expressionsUnder, type LoadExpr, rewriter } from "../loops/expr.js";
import type { Kernel, LoopKernel, RowsKernel, Store } from "../loops/ir.js";
import { sizeOf, stridesOf } from "../types/shape.js";
import { mapNest, outputsOf, pointsOf, readsOf, rootsOf } from "./kernels.js";
import type { Lowered } from "./lower.js";
import { isPlain, joinNames, withoutDeadStores } from "./merge.js";
import { KernelOrder, nearby } from "./order.js";

/** Shorter rows do not pay for being entered. */
const shortestRow = 64;
/** Longer ones would leave the cache before they are read again. */
const longestRow = 16_384;
/** What kernels have in common must be larger than the first cache, or it stays there anyway. */
const leastShared = 8_192;
const fewestRows = 4;
/** Places to look at before giving up, so that time stays linear. */
const attempts = 8;

/** A kernel and what it reads. */
interface Part {
  readonly kernel: LoopKernel;
  readonly loads: readonly LoadExpr[];
}

interface Group {
  readonly parts: readonly Part[];
  /** How many loops are rows. */
  readonly depth: number;
}

export function rows(lowered: Lowered): Lowered {
  const { kernels, buffers } = lowered;
  const lengths = buffers.map(({ length }) => length);
  const places: (Kernel | Group)[] = [];
  const placesOfExtent = new Map<number, number[]>();
  const order = new KernelOrder();
  for (const kernel of kernels) {
    const earliest = order.earliest(kernel);
    const part = kernel.kind === "loops" ? partOf(kernel, lengths) : null;
    const extent = part === null ? 0 : part.kernel.loops[0];
    const candidates = placesOfExtent.get(extent) ?? [];
    let place = -1;
    for (
      let i = candidates.length - 1, tries = 0;
      part !== null && i >= 0 && tries < attempts;
      i--, tries++
    ) {
      const candidate = candidates[i];
      if (candidate < earliest || !nearby(candidate, places.length)) break;
      const there = places[candidate];
      const isLast = candidate === places.length - 1;
      const joined = "kind" in there ? null : join(there, part, lengths, isLast);
      if (joined === null) continue;
      place = candidate;
      places[place] = joined;
      break;
    }
    if (place < 0) {
      const group = part === null ? kernel : { parts: [part], depth: pointsOf(part.kernel).length };
      place = places.push(group) - 1;
      if (part !== null) placesOfExtent.set(extent, [...candidates, place].slice(-attempts));
    }
    order.put(kernel, place);
  }
  const made = places.map((place) => ("kind" in place ? place : kernelOf(place)));
  return withoutDeadStores(withRowBuffers({ ...lowered, kernels: made }));
}

/** A kernel that may run with others: it has rows, and something large to read. */
function partOf(kernel: LoopKernel, lengths: readonly number[]): Part | null {
  if (pointsOf(kernel).length === 0 || sizeOf(kernel.loops) < leastShared || !isPlain(kernel)) return null;
  const loads = [...expressionsUnder(rootsOf(kernel))].filter((expr) => expr.kind === "load");
  return loads.some(({ buffer }) => lengths[buffer] >= leastShared) ? { kernel, loads } : null;
}

function kernelOf(group: Group): Kernel {
  const { depth } = group;
  const parts = group.parts.map(({ kernel }) => kernel);
  if (parts.length === 1) return parts[0];
  const name = parts.map((part) => part.name).reduce(joinNames);
  return { kind: "rows", name, rows: parts[0].loops.slice(0, depth), parts, scratch: [] };
}

/** The group with this kernel as its last part, or null. A reduction that comes next is likely to be used with the rest. */
function join(group: Group, part: Part, lengths: readonly number[], isNext: boolean): Group | null {
  const points = pointsOf(part.kernel);
  const { loops } = group.parts[0].kernel;
  let common = 0;
  while (common < Math.min(group.depth, points.length) && points[common] === loops[common]) common++;
  const parts = [...group.parts, part];
  for (let depth = common; depth > 0; depth--) {
    const longest = Math.max(...parts.map(({ kernel }) => sizeOf(kernel.loops.slice(depth))));
    if (longest < shortestRow) continue;
    if (longest > longestRow) return null;
    if (sizeOf(loops.slice(0, depth)) < fewestRows) continue;
    const isWanted =
      (isNext && part.kernel.reductions.length > 0) || hasInCommon(group.parts, part, depth, lengths);
    if (!isWanted) continue;
    // those already together lie in rows of this depth
    const unknown = depth === group.depth && group.parts.length > 1 ? [part] : parts;
    if (unknown.every((one) => liesInRows(one, depth)) && passesInRows(parts, depth, lengths))
      return { parts, depth };
  }
  return null;
}

/** Does the kernel, at one row, touch elements that lie together, as far as they differ from row to row? */
function liesInRows({ kernel, loads }: Part, depth: number): boolean {
  for (const expr of expressionsUnder(rootsOf(kernel)))
    if (expr.kind === "index" && expr.loop < depth) return false;
  return [...loads, ...kernel.stores].every(({ strides, at }) => {
    if (at !== undefined) return false;
    const steps = strides
      .slice(0, depth)
      .filter((stride, loop) => stride !== 0 && kernel.loops[loop] > 1)
      .map(Math.abs);
    return steps.length === 0 || Math.min(...steps) >= spanOf(strides, kernel.loops, depth);
  });
}

/** From the first to the last element of a row. */
function spanOf(strides: readonly number[], loops: readonly number[], depth: number): number {
  return strides.reduce(
    (span, stride, loop) => (loop < depth ? span : span + Math.abs(stride) * (loops[loop] - 1)),
    1,
  );
}

/** Does every part read of what earlier parts store only its own row, and does none overwrite what another uses? */
function passesInRows(parts: readonly Part[], depth: number, lengths: readonly number[]): boolean {
  const written = new Map<number, { readonly store: Store; readonly part: LoopKernel }>();
  const used = new Set<number>();
  for (const { kernel: part, loads } of parts) {
    for (const load of loads) {
      used.add(load.buffer);
      const source = written.get(load.buffer);
      if (source === undefined) continue;
      const points = pointsOf(source.part);
      if (!isWhole(source.store, points, lengths[load.buffer])) return false;
      if (!readsOwnRow(load, part.loops, source.store, points, depth)) return false;
    }
    for (const store of part.stores) {
      if (used.has(store.buffer) || written.has(store.buffer)) return false;
      written.set(store.buffer, { store, part });
    }
  }
  return true;
}

/** Does the store fill the buffer, in order? */
function isWhole({ offset, strides }: Store, points: readonly number[], length: number): boolean {
  const contiguous = stridesOf(points);
  return (
    offset === 0 &&
    sizeOf(points) === length &&
    points.every((extent, loop) => extent === 1 || strides[loop] === contiguous[loop])
  );
}

/** Does the load read, at every row, nothing but what the store writes at that row? */
export function readsOwnRow(
  { offset, strides }: LoadExpr,
  loops: readonly number[],
  store: Store,
  points: readonly number[],
  depth: number,
): boolean {
  for (let loop = 0; loop < depth; loop++)
    if (loops[loop] > 1 && strides[loop] !== store.strides[loop]) return false;
  let low = offset;
  let high = offset;
  for (let loop = depth; loop < strides.length; loop++) {
    const reach = strides[loop] * (loops[loop] - 1);
    if (reach < 0) low += reach;
    else high += reach;
  }
  return low >= 0 && high < sizeOf(points.slice(depth));
}

/** Does the kernel read, in rows, something large that the others read or store? */
function hasInCommon(
  parts: readonly Part[],
  { loads }: Part,
  depth: number,
  lengths: readonly number[],
): boolean {
  const inRows = (strides: readonly number[]): boolean =>
    strides.slice(0, depth).some((stride) => stride !== 0);
  const wanted = new Set<number>();
  for (const { buffer, strides } of loads)
    if (lengths[buffer] >= leastShared && inRows(strides)) wanted.add(buffer);
  return parts.some((part) =>
    [...part.loads, ...part.kernel.stores].some(
      ({ buffer, strides }) => wanted.has(buffer) && inRows(strides),
    ),
  );
}

/** Buffers that only one rows kernel uses shrink to one row. */
function withRowBuffers(lowered: Lowered): Lowered {
  const users = new Map<number, number>();
  const use = (buffer: number): void => {
    users.set(buffer, (users.get(buffer) ?? 0) + 1);
  };
  for (const buffer of [...lowered.outputs, ...lowered.inputs]) use(buffer);
  for (const kernel of lowered.kernels) new Set([...readsOf(kernel), ...outputsOf(kernel)]).forEach(use);
  const buffers = [...lowered.buffers];
  const kernels = lowered.kernels.map((kernel): Kernel => {
    if (kernel.kind !== "rows") return kernel;
    const depth = kernel.rows.length;
    const scratch = new Set<number>();
    for (const part of kernel.parts)
      for (const { buffer } of part.stores) {
        if (users.get(buffer) !== 1) continue;
        scratch.add(buffer);
        buffers[buffer] = { dtype: buffers[buffer].dtype, length: sizeOf(pointsOf(part).slice(depth)) };
      }
    return scratch.size === 0 ? kernel : withScratch(kernel, scratch);
  });
  return { ...lowered, buffers, kernels };
}

function withScratch(kernel: RowsKernel, scratch: ReadonlySet<number>): RowsKernel {
  const depth = kernel.rows.length;
  const still = (strides: readonly number[]): number[] =>
    strides.map((stride, loop) => (loop < depth ? 0 : stride));
  const parts = kernel.parts.map((part) => {
    const stay = rewriter((expr) =>
      expr.kind === "load" && scratch.has(expr.buffer) ? { ...expr, strides: still(expr.strides) } : expr,
    );
    return mapNest(part, stay, (store) =>
      scratch.has(store.buffer) ? { ...store, strides: still(store.strides) } : store,
    );
  });
  return { ...kernel, parts, scratch: [...scratch] };
}
