/**
 * Paths through a scalar graph: how many there are and what they add up to, by dynamic programming that visits each edge once,
 * and the largest of them, by best-first search.
 *
 * Source: for the search, A* with the exact largest product of what remains as its bound, so the first k paths to arrive are the k
 * largest (as in Eppstein 1998 for the k shortest paths, in logarithms; without his data structures, which pay off only for far
 * larger k). Known weakness: equal products come in the order of their edges.
 */
import type { CondensedGraph } from "./condense.js";

/** What holds of all paths together. */
export interface PathTotals {
  /** Paths, those with a factor of 0, and the multiplications that computing each by itself would take. */
  readonly count: bigint;
  readonly dead: bigint;
  readonly multiplications: bigint;
  readonly sum: number;
  readonly positive: number;
  readonly negative: number;
  /** The adjoint of every vertex, accumulated from the cost down. */
  readonly adjoints: readonly number[];
}

/** Counts and sums, each edge visited once a pass. */
export function totals({ links }: CondensedGraph): PathTotals {
  const size = links.length;
  const target = size - 1;
  const count = new Array<bigint>(size).fill(0n);
  const alive = new Array<bigint>(size).fill(0n);
  const lengths = new Array<bigint>(size).fill(0n);
  const positive = new Float64Array(size);
  const negative = new Float64Array(size);
  count[target] = 1n;
  alive[target] = 1n;
  positive[target] = 1;
  for (let v = size - 1; v >= 0; v--)
    for (const { lower, value } of links[v]) {
      count[v] += count[lower];
      lengths[v] += lengths[lower] + count[lower];
      if (value !== 0) alive[v] += alive[lower];
      positive[v] += share(value, value > 0 ? positive[lower] : negative[lower]);
      negative[v] += share(value, value > 0 ? negative[lower] : positive[lower]);
    }
  const adjoints = new Array<number>(size).fill(0);
  adjoints[0] = 1;
  for (let v = 0; v < size; v++)
    for (const { lower, value } of links[v]) adjoints[lower] += adjoints[v] * value;
  return {
    count: count[0],
    dead: count[0] - alive[0],
    // a path of n factors takes n − 1 multiplications
    multiplications: lengths[0] === 0n ? 0n : lengths[0] - count[0],
    sum: size === 1 ? 1 : adjoints[target],
    positive: positive[0],
    negative: negative[0],
    adjoints,
  };
}

/** What is not there stays nothing, even times ∞. */
function share(factor: number, part: number): number {
  return part === 0 ? 0 : factor * part;
}

/** A path as the edges it takes: from each vertex, which of its links. */
export interface Walk {
  readonly steps: readonly { readonly vertex: number; readonly link: number }[];
  readonly value: number;
}

interface Partial {
  readonly vertex: number;
  readonly value: number;
  /** log of the largest |product| a path that starts like this can have. */
  readonly bound: number;
  /** log |product| so far. */
  readonly sofar: number;
  readonly order: number;
  readonly before: Partial | null;
  readonly link: number;
}

/** The `k` paths of largest magnitude, largest first. */
export function largestPaths({ links }: CondensedGraph, k: number): Walk[] {
  const size = links.length;
  const target = size - 1;
  // the largest |product| from each vertex to the target: logarithms, or deep graphs underflow
  const rest = new Float64Array(size).fill(Number.NEGATIVE_INFINITY);
  rest[target] = 0;
  for (let v = size - 2; v >= 0; v--)
    for (const { lower, value } of links[v]) {
      const through = logOf(value) + rest[lower];
      if (through > rest[v]) rest[v] = through;
    }
  const heap = new Heap();
  let order = 0;
  heap.push({ vertex: 0, value: 1, bound: rest[0], sofar: 0, order: order++, before: null, link: -1 });
  const found: Walk[] = [];
  for (let top = heap.pop(); top !== undefined && found.length < k; top = heap.pop()) {
    if (top.vertex === target) {
      found.push({ steps: stepsOf(top), value: top.value });
      continue;
    }
    const from: Partial = top;
    links[from.vertex].forEach(({ lower, value }, link) => {
      const sofar = from.sofar + logOf(value);
      heap.push({
        vertex: lower,
        value: from.value * value,
        bound: sofar + rest[lower],
        sofar,
        order: order++,
        before: from,
        link,
      });
    });
  }
  return found;
}

/** log |value|; what is undefined comes first, as nobody may overlook it; 0 comes last but does come. */
function logOf(value: number): number {
  if (Number.isNaN(value)) return 1e6;
  return value === 0 ? -1e9 : Math.log(Math.abs(value));
}

function stepsOf(end: Partial): { vertex: number; link: number }[] {
  const steps: { vertex: number; link: number }[] = [];
  for (let at = end; at.before !== null; at = at.before)
    steps.push({ vertex: at.before.vertex, link: at.link });
  return steps.reverse();
}

/** A binary heap, the largest bound first; of equals the later, so that a path is finished before its like are begun. */
class Heap {
  private readonly items: Partial[] = [];

  push(item: Partial): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(items[at], items[parent])) break;
      [items[at], items[parent]] = [items[parent], items[at]];
      at = parent;
    }
  }

  pop(): Partial | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    items[0] = last;
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      if (left >= items.length) break;
      const child = left + 1 < items.length && before(items[left + 1], items[left]) ? left + 1 : left;
      if (!before(items[child], items[at])) break;
      [items[at], items[child]] = [items[child], items[at]];
      at = child;
    }
    return top;
  }
}

function before(a: Partial, b: Partial): boolean {
  return a.bound !== b.bound ? a.bound > b.bound : a.order > b.order;
}
