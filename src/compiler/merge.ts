/**
 * merge: kernels over the same points become one with several stores, so that what they share is read and computed once,
 * and what one of them makes for another stays in registers.
 *
 * Requires: lowered kernels, before donation. Guarantees: the same values, bit for bit but for the order in which float sums are
 * added; kernels in a legal order; no store into a buffer that is neither read nor an output.
 *
 *     y = tanh(x); g = c·(1 − y²)          →  one pass: t = tanh(x), y = t, g = c·(1 − t²)
 *     v′ = μ·v + δᵀx; w′ = w − η·v′         →  one product with two stores
 *     a = Σ g; b = Σ g·x                    →  one pass with two sums
 *
 * A kernel joins an earlier one where nothing between them stands in the way, and where they have something in common: it
 * reads an element just where the other writes it, or both read the same element of something large.
 */
import { expressionsUnder, interner, type LoadExpr, rewriter } from "../loops/expr.js";
import type { Kernel, LoopKernel, Reduction, Store } from "../loops/ir.js";
import { sizeOf } from "../types/shape.js";
import {
  buffersOf,
  isNest,
  loopsOf,
  mapNest,
  mayStop,
  type Nest,
  outputsOf,
  pointsOf,
  readsOf,
  rootsOf,
} from "./kernels.js";
import type { Lowered } from "./lower.js";
import { KernelOrder, nearby } from "./order.js";

/** Expressions in a kernel, from which on it would spill more than it saves. */
const largest = 160;
/** Places to look at before giving up, so that time stays linear. */
const attempts = 8;
/** Stores behind a product: more would go over too many rows at once, tile by tile. */
const mostUpdates = 2;
/** Sums and maxima that are kept in registers at the same time. */
const mostReductions = 4;

export function merge(lowered: Lowered): Lowered {
  const places: Kernel[] = [];
  /** What the kernels at each place read and write. */
  const touched: Set<number>[] = [];
  const placesOfLoops = new Map<string, number[]>();
  const order = new KernelOrder();
  const intern = interner();
  const isOutput = new Set(lowered.outputs);
  /** The place of a kernel that this one can join, or −1. */
  const findPlace = (kernel: LoopKernel, candidates: readonly number[]): number => {
    const earliest = order.earliest(kernel);
    const reads = [...readsOf(kernel)];
    // what is made of a gradient comes together first, and may take the product in when it is complete
    const isUpdate = [...outputsOf(kernel)].every((buffer) => isOutput.has(buffer));
    for (let i = candidates.length - 1, tries = 0; i >= 0 && tries < attempts; i--, tries++) {
      const place = candidates[i];
      if (place < earliest || !nearby(place, places.length)) return -1;
      const first = places[place];
      if (!isNest(first) || (isUpdate && first.kind === "dot" && !mayTakeIn(first, isOutput))) continue;
      if (!reads.some((buffer) => touched[place].has(buffer))) continue;
      const joined = join(first, kernel);
      if (joined === null) continue;
      places[place] = mapNest(joined, intern);
      return place;
    }
    return -1;
  };
  for (const given of lowered.kernels) {
    const kernel = isNest(given) ? mapNest(given, intern) : given;
    const key = isNest(kernel) && isPlain(kernel) ? String(pointsOf(kernel)) : null;
    const candidates = key === null ? [] : (placesOfLoops.get(key) ?? []);
    let place = kernel.kind === "loops" ? findPlace(kernel, candidates) : -1;
    if (place < 0) {
      place = places.push(kernel) - 1;
      touched.push(new Set());
      if (key !== null) placesOfLoops.set(key, [...candidates, place].slice(-attempts));
    }
    for (const buffer of buffersOf(kernel)) touched[place].add(buffer);
    order.put(kernel, place);
  }
  return withoutDeadStores({ ...lowered, kernels: sinkIntoUpdates(places, lowered.outputs) });
}

/** May a product that is an update of state already take in another? */
function mayTakeIn({ stores }: Nest, isOutput: ReadonlySet<number>): boolean {
  return stores.length < mostUpdates && stores.every(({ buffer }) => isOutput.has(buffer));
}

/**
 * A product or sum that only an update of state reads becomes part of that update: the gradient itself is never stored. It moves down
 * to where the update is; how far up both can go is found when it is known which state is written in place.
 */
function sinkIntoUpdates(kernels: readonly Kernel[], outputs: readonly number[]): Kernel[] {
  const isOutput = new Set(outputs);
  const readers = new Map<number, number[]>();
  kernels.forEach((kernel, place) => {
    for (const buffer of readsOf(kernel)) readers.set(buffer, [...(readers.get(buffer) ?? []), place]);
  });
  const result: (Kernel | null)[] = [...kernels];
  kernels.forEach((_, place) => {
    const gradient = result[place];
    if (gradient === null || !isNest(gradient) || !isPlain(gradient)) return;
    if (gradient.kind === "loops" && gradient.reductions.length === 0) return;
    const written = [...outputsOf(gradient)];
    const [target] = readers.get(written[0]) ?? [];
    const onlyThere = (buffer: number): boolean =>
      !isOutput.has(buffer) && readers.get(buffer)?.length === 1 && readers.get(buffer)?.[0] === target;
    if (target === undefined || !written.every(onlyThere)) return;
    const update = result[target];
    if (update?.kind !== "loops" || update.reductions.length > 0 || !isPlain(update)) return;
    if (![...outputsOf(update)].every((buffer) => isOutput.has(buffer))) return;
    if (String(pointsOf(gradient)) !== String(pointsOf(update))) return;
    const joined = join(gradient, update);
    if (joined === null) return;
    if (joined.kind === "dot" && update.stores.length > mostUpdates) return;
    result[target] = joined;
    result[place] = null;
  });
  return result.filter((kernel) => kernel !== null);
}

function reductionsOf(kernel: Nest): readonly Reduction[] {
  return kernel.kind === "dot" ? [] : kernel.reductions;
}

/** Stores that add or scatter keep to themselves, and so does what may stop at an index: a report names the kernel. */
export function isPlain(kernel: Nest): boolean {
  const isOrdered = kernel.stores.some(({ at, accumulate }) => at !== undefined || accumulate === true);
  return !isOrdered && !mayStop(kernel);
}

/** Both kernels in one, or null where that is not possible or not worth it. The points are the same. */
function join(first: Nest, second: LoopKernel): Nest | null {
  const loops = loopsOf(first);
  if (second.reductions.length > 0) {
    if (first.kind === "dot" || String(loops) !== String(second.loops)) return null;
    if (first.reductions.length + second.reductions.length > mostReductions) return null;
    // the first of the largest is looked for in order, a sum is not
    const searches = (kernel: LoopKernel): boolean => kernel.reductions.some(({ op }) => op === "argmax");
    if (searches(first) !== searches(second)) return null;
  }
  const written = outputsOf(first);
  for (const { buffer } of second.stores) if (written.has(buffer) || readsOf(first).has(buffer)) return null;

  // what the second kernel reads, as the first sees it
  const shift = reductionsOf(first).length;
  const points = pointsOf(first);
  let inTheWay = false;
  let passed = false;
  const moved = rewriter((expr) => {
    if (expr.kind === "reduced") return { ...expr, index: expr.index + shift };
    if (expr.kind !== "load") return expr;
    const load = spread(expr, loops.length);
    if (!written.has(load.buffer)) return load;
    const store = first.stores.find((candidate) => isSameElement(candidate, load, points));
    if (store === undefined) inTheWay = true;
    passed = true;
    return store?.value ?? load;
  });
  const renamed = mapNest(second, moved);
  if (inTheWay) return null;
  const reductions = renamed.reductions;
  for (const { value } of reductions)
    for (const expr of expressionsUnder([value])) if (expr.kind === "reduced") return null;

  const name = joinNames(first.name, second.name);
  const stores = [...first.stores, ...renamed.stores];
  const joined: Nest =
    first.kind === "dot"
      ? { ...first, name, stores }
      : {
          ...first,
          name,
          stores,
          reductions: [...first.reductions, ...reductions],
          after: [...(first.after ?? []), ...(second.after ?? [])],
        };
  if (!passed && !sharesLoads(first, renamed, points)) return null;
  const all = expressionsUnder(rootsOf(joined));
  if (all.size > largest) return null;
  return mixesWidths(first, second) ? null : joined;
}

/** A load with a stride for each of more loops, along which it stays where it is. */
function spread(load: LoadExpr, loops: number): LoadExpr {
  if (load.strides.length === loops) return load;
  const strides = Array.from({ length: loops }, (_, loop) => load.strides[loop] ?? 0);
  return { ...load, strides };
}

/** Does the load read, at every point, what the store writes there? */
function isSameElement(store: Store, load: LoadExpr, points: readonly number[]): boolean {
  return (
    store.buffer === load.buffer &&
    store.offset === load.offset &&
    load.at === undefined &&
    load.strides.every((stride, loop) =>
      loop < points.length ? points[loop] === 1 || stride === store.strides[loop] : stride === 0,
    )
  );
}

/** Do both read the same element of something as large as what they compute? */
function sharesLoads(first: Nest, second: Nest, points: readonly number[]): boolean {
  const loops = loopsOf(first);
  const reached = (load: LoadExpr): number =>
    sizeOf(loops.filter((_, loop) => (load.strides[loop] ?? 0) !== 0));
  const least = second.kind === "loops" && second.reductions.length > 0 ? sizeOf(loops) : sizeOf(points);
  const keys = new Set<string>();
  const keyOf = (load: LoadExpr): string => `${load.buffer},${load.offset},${load.strides}`;
  for (const expr of expressionsUnder(rootsOf(first))) if (expr.kind === "load") keys.add(keyOf(expr));
  for (const expr of expressionsUnder(rootsOf(second)))
    if (expr.kind === "load" && expr.at === undefined && keys.has(keyOf(expr)) && reached(expr) >= least)
      return true;
  return false;
}

/** float64 halves the lanes of everything beside it. */
function mixesWidths(first: Nest, second: Nest): boolean {
  const wide = (kernel: Nest): boolean => {
    for (const { dtype } of expressionsUnder(rootsOf(kernel))) if (dtype === "float64") return true;
    return false;
  };
  return wide(first) !== wide(second);
}

/** `exp, mul`: each name once, and not too many. */
export function joinNames(first: string, second: string): string {
  const names = [...new Set([...first.split(", "), ...second.split(", ")])].filter((name) => name !== "…");
  return names.length > 4 ? [...names.slice(0, 4), "…"].join(", ") : names.join(", ");
}

function withStoresInto(kernel: Kernel, needed: ReadonlySet<number>): Kernel {
  const isNeeded = ({ buffer }: Store): boolean => needed.has(buffer);
  return isNest(kernel) ? { ...kernel, stores: kernel.stores.filter(isNeeded) } : kernel;
}

/** Stores that nobody reads are dropped, from the last kernel to the first; their buffers keep no memory. */
export function withoutDeadStores({ buffers, kernels, inputs, outputs }: Lowered): Lowered {
  const needed = new Set<number>(outputs);
  const kept: Kernel[] = [];
  for (let at = kernels.length - 1; at >= 0; at--) {
    const given = kernels[at];
    if (![...outputsOf(given)].some((buffer) => needed.has(buffer))) continue;
    const kernel = withStoresInto(given, needed);
    for (const buffer of readsOf(kernel)) needed.add(buffer);
    kept.push(kernel);
  }
  for (const buffer of inputs) needed.add(buffer);
  return {
    buffers: buffers.map((spec, buffer) =>
      needed.has(buffer) || spec.constant !== undefined ? spec : { dtype: spec.dtype, length: 0 },
    ),
    kernels: kept.reverse(),
    inputs,
    outputs,
  };
}
