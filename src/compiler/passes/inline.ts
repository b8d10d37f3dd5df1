/**
 * inline: replaces calls by what they call.
 *
 * Purpose: one flat graph, so that later passes see across call boundaries.
 * Requires: a closed graph. Guarantees: no operation whose lowering is "inline" is left.
 *
 *     %2 = call { sin, mul } (%1)   →   %2 = sin(%1); %3 = mul(%2, %1)
 */
import { evaluateGraph, type Graph } from "../../graph/graph.js";
import { bindAll } from "../../graph/node.js";
import { rewrite } from "../rewrite.js";

export function inline(graph: Graph): Graph {
  let current = graph;
  const calls = (): boolean =>
    current.operations.some(({ primitive }) => primitive.lowering.kind === "inline");
  // an expansion may contain calls itself
  for (let first = true; first || calls(); first = false)
    current = rewrite(current, (inputs) =>
      evaluateGraph(current, inputs, ({ primitive, params }, operands) =>
        primitive.lowering.kind === "inline"
          ? primitive.lowering.expand(operands, params)
          : bindAll(primitive, operands, params),
      ),
    );
  return current;
}
