/**
 * What a function ends with, differentiated by its result alone: the result of a checkpoint is there when its gradient is asked
 * for, as what follows began with it. So an activation at the end need not be computed again, nor the product in front of it.
 */
import { type Graph, makeGraph } from "../graph/graph.js";
import type { Node, Operation } from "../graph/node.js";
import { le } from "../primitives/compare.js";
import { select } from "../primitives/select.js";
import { fill } from "../primitives/support.js";
import { derived, mask } from "./derived.js";

/** Functions whose derivative is one of their value. */
const byValue = new Set(["exp", "expm1", "sigmoid", "sqrt", "tan", "tanh"]);

/** Is the operation's derivative known where its result is? */
export function endsByValue(operation: Operation): boolean {
  return rectified(operation) !== null || byValue.has(operation.primitive.name);
}

export interface Shortened {
  /** The function without those endings. */
  readonly graph: Graph;
  readonly cotangents: readonly (Node | null)[];
}

/** @param outputs what the graph gave */
export function withoutEnding(
  graph: Graph,
  outputs: readonly Node[],
  cotangents: readonly (Node | null)[],
): Shortened {
  const ends = graph.outputs.map(
    // an output may be what was computed outside
    ({ operation }, i) =>
      cotangents[i] !== null &&
      operation !== null &&
      endsByValue(operation) &&
      graph.operations.includes(operation),
  );
  if (!ends.includes(true)) return { graph, cotangents };
  return {
    graph: shortened(graph, mask(ends)),
    cotangents: cotangents.map((bar, i) => {
      const { operation } = graph.outputs[i];
      return bar !== null && operation !== null && ends[i]
        ? pullBackByValue(operation, outputs[i], bar)
        : bar;
    }),
  };
}

/** The graph whose outputs marked 1 are what their last operation was given. */
const shortened = derived((graph, variant) =>
  makeGraph(
    graph.inputs,
    graph.outputs.map((output, i) =>
      variant[i] === "1" && output.operation !== null ? argumentOf(output.operation) : output,
    ),
  ),
);

function argumentOf(operation: Operation): Node {
  return rectified(operation) ?? operation.inputs[0];
}

function pullBackByValue(operation: Operation, y: Node, yBar: Node): Node | null {
  // z̄ = y ≤ 0 ? 0 : ȳ, as y ≤ 0 where z ≤ 0
  if (rectified(operation) !== null) return select(le(y, fill(y, 0)), fill(yBar, 0), yBar);
  const { primitive, params } = operation;
  if (primitive.vjp === "none") return null;
  // these rules read the value only
  return primitive.vjp({ primals: [y], outputs: [y], cotangents: [yBar], params, needs: [true] })[0];
}

/** z, where the operation is z ≤ 0 ? 0 : z. */
function rectified({ primitive, inputs }: Operation): Node | null {
  if (primitive.name !== "select") return null;
  const [condition, zero, z] = inputs;
  const test = condition.operation;
  if (test?.primitive.name !== "le" || test.inputs[0] !== z) return null;
  return zero.storage?.uniform === 0 && test.inputs[1].storage?.uniform === 0 ? z : null;
}
