/** A graph's values by its primitives' own evaluation, one after the other. */
import type { TypedArray } from "../types/dtype.js";
import { invariant } from "../util/errors.js";
import type { Graph } from "./graph.js";
import { type Node, readValue } from "./node.js";

/** A function that evaluates the graph on arrays. */
export function interpreter(graph: Graph): (inputs: readonly TypedArray[]) => TypedArray[] {
  const captured = new Map<Node, TypedArray>();
  for (const capture of graph.captures) captured.set(capture, readValue(capture));
  return (inputs) => {
    const values = new Map(captured);
    graph.inputs.forEach((input, i) => {
      values.set(input, inputs[i]);
    });
    const lookUp = (node: Node): TypedArray => {
      const value = values.get(node);
      invariant(value !== undefined, "a node of the graph has no value");
      return value;
    };
    for (const { primitive, params, inputs: from, outputs } of graph.operations) {
      const results = primitive.evaluate(from.map(lookUp), {
        params,
        inputTypes: from,
        outputTypes: outputs,
      });
      outputs.forEach((output, i) => {
        values.set(output, results[i]);
      });
    }
    return graph.outputs.map(lookUp);
  };
}
