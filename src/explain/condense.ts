/**
 * A scalar graph as a textbook would draw it. What is inside a function with a name (softplus, softmax) disappears, so that it has one
 * derivative. Additions and multiples by constants are links that are no factor of their
 * own, so they go into their neighbours:
 *
 *     z = u + b, u = Σ w a   →   z has the links of u         (u is read by nothing else)
 *     s = d², d = a − y      →   ∂s/∂a = 2(a − y)             (d leads to nothing else)
 *     C = S / m, S = Σ s     →   ∂C/∂s = 1/m
 *
 * Requires vertices in the order they were computed. Guarantees the same derivative and, but for the insides of named functions, as many
 * paths: a merge multiplies two links that follow each other, and is left undone where two paths would become one.
 */
import type { Composite } from "./composites.js";
import type { Link, Origin, ScalarGraph, Spot } from "./scalar-graph.js";
import type { TapeIndex } from "./tape-index.js";

/** Links that taking one vertex out may make; a softmax over more classes stays as it is. */
const largestFill = 4096;

/** What is left: vertex 0 is the cost, the last the target. */
export interface CondensedGraph {
  readonly spots: readonly Spot[];
  /** Of each vertex, towards the target: larger numbers. */
  readonly links: readonly (readonly Link[])[];
}

/**
 * Merges what is no factor, and drops what does not lead to the cost; null where the cost does not depend on the target.
 *
 * @param composites functions of several primitives, by each of their operations
 * @param isNamed of a node that formulas call by a name of its own: it stays
 */
export function condense(
  { spots, links, target, root }: ScalarGraph,
  index: TapeIndex,
  composites: ReadonlyMap<number, Composite>,
  isNamed: (spot: Spot) => boolean,
): CondensedGraph | null {
  if (root < 0) return null;
  const readers = reached(links, root);
  for (let vertex = root - 1; vertex >= 0; vertex--) {
    const by = readers.get(vertex);
    const composite = by === undefined ? undefined : composites.get(index.makerOf(spots[vertex].node) ?? -1);
    if (by === undefined || composite === undefined || composite.output === spots[vertex].node) continue;
    if (by.size > 1 && by.size * links[vertex].size > largestFill) continue;
    takeOut(vertex, by, links, readers, (upper, lower) => {
      if (spots[upper].node !== composite.output || composite.name === "cost") return null;
      const operation = index.makerOf(composite.output) ?? -1;
      return { operation, positions: [], output: spots[upper].at, other: -1, scale: 1, whole: spots[lower] };
    });
  }
  // from the cost down: a vertex that is read once, through a sum, becomes part of its reader
  for (let upper = root; upper >= 0; upper--) {
    if (!readers.has(upper)) continue;
    const pending = [...links[upper].values()];
    for (let link = pending.pop(); link !== undefined; link = pending.pop()) {
      const { lower } = link;
      const by = readers.get(lower);
      if (!link.structural || lower === target || by === undefined || by.size !== 1) continue;
      if (isNamed(spots[lower]) || runsBeside(upper, lower, links, readers)) continue;
      links[upper].delete(lower);
      readers.delete(lower);
      for (const below of links[lower].values()) {
        readers.get(below.lower)?.delete(lower);
        readers.get(below.lower)?.add(upper);
        attach(links[upper], below.lower, link, below);
        const merged = links[upper].get(below.lower);
        if (merged !== undefined) pending.push(merged);
      }
      links[lower].clear();
    }
  }
  // from the target up: a vertex that leads to one other, through a sum, is that one with another zero point
  for (let vertex = 0; vertex < root; vertex++) {
    const by = readers.get(vertex);
    if (by === undefined || vertex === target || links[vertex].size !== 1 || isNamed(spots[vertex])) continue;
    const [link] = links[vertex].values();
    // the last factor, ∂z/∂b = 1 for a bias, is what is asked for
    if (!link.structural || link.lower === target) continue;
    if ([...by].some((upper) => links[upper].has(link.lower))) continue;
    readers.get(link.lower)?.delete(vertex);
    for (const upper of by) {
      const above = links[upper].get(vertex);
      if (above === undefined) continue;
      links[upper].delete(vertex);
      attach(links[upper], link.lower, above, link);
      readers.get(link.lower)?.add(upper);
    }
    readers.delete(vertex);
    links[vertex].clear();
  }
  return renumber(spots, links, root);
}

/** Would merging `lower` into `upper` lay two paths on one link? Then both stay, to be told apart. */
function runsBeside(
  upper: number,
  lower: number,
  links: readonly ReadonlyMap<number, Link>[],
  readers: ReadonlyMap<number, ReadonlySet<number>>,
): boolean {
  for (const below of links[lower].keys())
    for (const other of readers.get(below) ?? [])
      if (other !== lower && (other === upper || links[upper].has(other))) return true;
  return false;
}

/** Connects all that reads a vertex with all that it reads, and removes it. */
function takeOut(
  vertex: number,
  by: ReadonlySet<number>,
  links: readonly Map<number, Link>[],
  readers: Map<number, Set<number>>,
  originOfWhole: (upper: number, lower: number) => Origin | null,
): void {
  for (const upper of by) {
    const above = links[upper].get(vertex);
    if (above === undefined) continue;
    links[upper].delete(vertex);
    for (const below of links[vertex].values()) {
      attach(links[upper], below.lower, above, below);
      const merged = links[upper].get(below.lower);
      if (merged !== undefined) {
        merged.origin = originOfWhole(upper, below.lower);
        merged.structural = false;
      }
      readers.get(below.lower)?.add(upper);
    }
  }
  for (const lower of links[vertex].keys()) readers.get(lower)?.delete(vertex);
  links[vertex].clear();
  readers.delete(vertex);
}

/** Who reads each vertex that the cost depends on. */
function reached(links: readonly ReadonlyMap<number, Link>[], root: number): Map<number, Set<number>> {
  const readers = new Map<number, Set<number>>([[root, new Set()]]);
  for (let vertex = root; vertex >= 0; vertex--) {
    if (!readers.has(vertex)) continue;
    for (const lower of links[vertex].keys()) {
      const by = readers.get(lower) ?? new Set();
      readers.set(lower, by.add(vertex));
    }
  }
  return readers;
}

/** Adds the product of two links in a row to what leads to `lower`. */
function attach(list: Map<number, Link>, lower: number, above: Link, below: Link): void {
  const value = above.value * below.value;
  const known = list.get(lower);
  if (known !== undefined) {
    known.value += value;
    known.structural = known.structural && above.structural && below.structural;
    known.operations = [...new Set([...known.operations, ...above.operations, ...below.operations])];
    known.origin = null;
    return;
  }
  list.set(lower, {
    lower,
    value,
    structural: above.structural && below.structural,
    operations: [...new Set([...above.operations, ...below.operations])],
    origin: originOf(above, below),
  });
}

/** The formula of a product of which one link is a constant is that of the other, scaled. */
function originOf(above: Link, below: Link): Origin | null {
  const [constant, other] = above.structural ? [above, below] : [below, above];
  if (!constant.structural || other.origin === null) return null;
  return { ...other.origin, scale: other.origin.scale * constant.value };
}

function renumber(
  spots: readonly Spot[],
  links: readonly ReadonlyMap<number, Link>[],
  root: number,
): CondensedGraph {
  const kept = [...reached(links, root).keys()].sort((a, b) => b - a);
  const numbers = new Map(kept.map((vertex, i) => [vertex, i]));
  return {
    spots: kept.map((vertex) => spots[vertex]),
    links: kept.map((vertex) =>
      [...links[vertex].values()]
        .map((link) => ({ ...link, lower: numbers.get(link.lower) ?? -1 }))
        .sort((a, b) => a.lower - b.lower),
    ),
  };
}
