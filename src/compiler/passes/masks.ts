/**
 * masks: asks a rectified value for its sign, not what it was made of.
 *
 * Purpose: the gradient of relu needs to know where z > 0, and relu(z), which the next layer needs anyway, knows it too; so
 * z need not be kept for the way back.
 * Requires: a flat graph in which equal expressions are one. Guarantees: the same values (NaN is not at most 0 either way).
 *
 *     %2 = le(%1, 0); %3 = select(%2, 0, %1); … %9 = select(%2, 0, %8)   →   … %9 = select(le(%3, 0), 0, %8)
 */
import { evaluateGraph, type Graph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import { le } from "../../primitives/compare.js";
import { fill } from "../../primitives/support.js";
import { rewrite, uniformOf } from "../rewrite.js";

export function masks(graph: Graph): Graph {
  return rewrite(graph, (inputs) => {
    /** For each condition z ≤ 0 the same of max(z, 0), once that is there. */
    const better = new Map<Node, Node>();
    return evaluateGraph(graph, inputs, ({ primitive, params }, operands) => {
      const results = bindAll(
        primitive,
        operands.map((operand) => better.get(operand) ?? operand),
        params,
      );
      const [result] = results;
      const condition = conditionOf(result.operation);
      if (condition !== null && !better.has(condition)) better.set(condition, le(result, fill(result, 0)));
      return results;
    });
  });
}

/** z ≤ 0, where the operation is (z ≤ 0) ? 0 : z. */
function conditionOf(operation: Operation | null): Node | null {
  if (operation?.primitive.name !== "select") return null;
  const [condition, zero, z] = operation.inputs;
  const test = condition.operation;
  if (test?.primitive.name !== "le" || test.inputs[0] !== z) return null;
  return isZero(zero) && isZero(test.inputs[1]) ? condition : null;
}

function isZero(node: Node): boolean {
  return !node.isAbstract && uniformOf(node) === 0;
}
