/**
 * The graph of single numbers between the target and the cost: a vertex for each element that depends on the target,
 * an edge for each partial derivative. Views are seen through; what is added and multiplied by constants only is merged
 * into its neighbours afterwards (`condense.ts`), so that what remains are the factors of the textbook.
 */
import type { Node, Operation } from "../transforms/tape.js";
import { isView, type LocalMap, localMap, viewMap } from "./local.js";
import type { TapeIndex } from "./tape-index.js";

/** ∂upper/∂lower. */
export interface Link {
  /** The vertex nearer the target. */
  readonly lower: number;
  value: number;
  structural: boolean;
  /** Operations it stands for, the one nearest the cost first. */
  operations: readonly number[];
  /** Where its formula is found: the operation's input, the element of its output and of the other operand; null for a sum of several. */
  origin: Origin | null;
}

/** The one operation a link's factor comes from. */
export interface Origin {
  readonly operation: number;
  readonly positions: readonly number[];
  readonly output: number;
  readonly other: number;
  /** Constants that were multiplied in. */
  readonly scale: number;
  /** Set where the link is the whole derivative of a function that is made of several primitives: what it is towards. */
  readonly whole?: Spot;
}

/** An element of a node. */
export interface Spot {
  readonly node: Node;
  readonly at: number;
}

/** Vertices in the order they were computed, each with its links downward. */
export interface ScalarGraph {
  readonly spots: Spot[];
  readonly links: Map<number, Link>[];
  readonly target: number;
  readonly root: number;
}

/** More links than this are not followed. */
export const largestScalarGraph = 300_000;

/** Operations spent on finding the links of one operation. */
const largestWork = 50_000_000;

/** Everything between one element of a leaf and the cost; null where there is too much of it. */
export function scalarGraph(index: TapeIndex, leaf: Node, at: number): ScalarGraph | null {
  const { tape } = index;
  const spots: Spot[] = [{ node: leaf, at }];
  const links: Map<number, Link>[] = [new Map()];
  // for each node that depends on the target: the vertex of each element that does
  const active = new Map<Node, Map<number, number>>([[leaf, new Map([[at, 0]])]]);
  const constants = new Set(index.nodes.filter((node) => index.isConstant(node)));
  let count = 0;

  const connect = (
    vertices: Map<number, number>,
    operation: number,
    output: Node,
    position: number,
    lower: number,
    local: LocalMap,
    element: number,
  ): void => {
    for (const entry of local.of(element)) {
      let vertex = vertices.get(entry.output);
      if (vertex === undefined) {
        vertex = spots.push({ node: output, at: entry.output }) - 1;
        links.push(new Map());
        vertices.set(entry.output, vertex);
      }
      const known = links[vertex].get(lower);
      const origin = {
        operation,
        positions: [position],
        output: entry.output,
        other: entry.other,
        scale: 1,
      };
      if (known === undefined) {
        count++;
        links[vertex].set(lower, {
          lower,
          value: entry.value,
          structural: local.structural,
          operations: [operation],
          origin,
        });
      } else {
        known.value += entry.value;
        known.structural = known.structural && local.structural;
        const isOther = known.origin?.operation === operation && known.origin.output === entry.output;
        known.origin =
          isOther && known.origin !== null
            ? { ...known.origin, positions: [...known.origin.positions, position] }
            : null;
      }
    }
  };

  const visit = (operation: Operation, id: number): void => {
    if (isView(operation)) {
      const { position, source } = viewMap(operation);
      const shown = operation.inputs.map((input) => active.get(input));
      if (shown.every((vertices) => vertices === undefined)) return;
      const vertices = new Map<number, number>();
      for (let o = 0; o < source.length; o++) {
        const vertex = source[o] < 0 ? undefined : shown[position[o]]?.get(source[o]);
        if (vertex !== undefined) vertices.set(o, vertex);
      }
      if (vertices.size > 0) active.set(operation.outputs[0], vertices);
      return;
    }
    operation.outputs.forEach((output, outputIndex) => {
      const vertices = new Map<number, number>();
      operation.inputs.forEach((input, position) => {
        const below = active.get(input);
        if (below === undefined) return;
        const local = localMap(operation, position, (node) => constants.has(node), outputIndex);
        if (local === null) return;
        if (below.size * (local.work ?? 0) > largestWork) count = Number.POSITIVE_INFINITY;
        if (count > largestScalarGraph) return;
        for (const [element, lower] of below) {
          connect(vertices, id, output, position, lower, local, element);
          if (count > largestScalarGraph) return;
        }
      });
      if (vertices.size > 0) active.set(output, vertices);
    });
  };

  for (let id = 0; id < tape.operations.length; id++) {
    visit(tape.operations[id], id);
    if (count > largestScalarGraph) return null;
  }
  const root = active.get(tape.output)?.get(0) ?? -1;
  return { spots, links, target: 0, root };
}
