/**
 * cse: computes equal expressions once.
 *
 * Requires: a flat graph. Guarantees: no two operations have the same primitive, parameters and inputs. Barriers carry a
 * unique number and stay apart.
 *
 *     %2 = sin(%1); %3 = sin(%1); %4 = mul(%2, %3)   →   %2 = sin(%1); %4 = mul(%2, %2)
 */
import { evaluateGraph, type Graph } from "../../graph/graph.js";
import { bindAll, type Node } from "../../graph/node.js";
import { paramsKey, rewrite, uniformOf } from "../rewrite.js";

function inputKey(node: Node): string {
  const uniform = node.isAbstract ? undefined : uniformOf(node);
  if (uniform === undefined) return `%${node.id}`;
  return `${node.dtype}[${node.shape}]=${Object.is(uniform, -0) ? "-0" : uniform}`;
}

export function cse(graph: Graph): Graph {
  return rewrite(graph, (inputs) => {
    const seen = new Map<string, readonly Node[]>();
    return evaluateGraph(graph, inputs, ({ primitive, params }, operands) => {
      // what runs graphs is told apart by them, and compared by no one
      const parameters = primitive.lowering.kind === "control" ? undefined : paramsKey(params);
      if (parameters === undefined) return bindAll(primitive, operands, params);
      const key = `${primitive.name}(${operands.map(inputKey).join()})${parameters}`;
      let results = seen.get(key);
      if (results === undefined) {
        results = bindAll(primitive, operands, params);
        seen.set(key, results);
      }
      return results;
    });
  });
}
