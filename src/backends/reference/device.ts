/**
 * The reference device: every primitive by its own plain TypeScript evaluation, one operation after the other. Slow and
 * right: the oracle of the others.
 */
import type { CompileOptions, Device, Executable } from "../../graph/device.js";
import type { Graph } from "../../graph/graph.js";
import type { Node } from "../../graph/node.js";
import { readValue } from "../../graph/node.js";
import type { EvaluateContext, Primitive } from "../../graph/primitive.js";
import { HostStorage, type Storage } from "../../graph/storage.js";
import type { TypedArray } from "../../types/dtype.js";
import { invariant } from "../../util/errors.js";

export const referenceDevice: Device = {
  name: "reference",
  evaluate: <P>(primitive: Primitive<P>, inputs: readonly TypedArray[], context: EvaluateContext<P>) =>
    primitive.evaluate(inputs, context),
  compile: (graph: Graph, _options: CompileOptions): Executable => ({
    run: (inputs) => interpret(graph, inputs),
  }),
};

function interpret(graph: Graph, inputs: readonly Storage[]): Storage[] {
  const values = new Map<Node, TypedArray>();
  graph.inputs.forEach((input, i) => {
    values.set(input, inputs[i].read());
  });
  for (const capture of graph.captures) values.set(capture, readValue(capture));
  const lookUp = (node: Node): TypedArray => {
    const value = values.get(node);
    invariant(value !== undefined, "a node of the graph has no value");
    return value;
  };
  const lastUse = new Map<Node, number>();
  graph.operations.forEach((operation, at) => {
    for (const node of [...operation.inputs, ...operation.outputs]) lastUse.set(node, at);
  });
  for (const node of [...graph.outputs, ...graph.inputs, ...graph.captures]) lastUse.delete(node);
  graph.operations.forEach((operation, at) => {
    const results = operation.primitive.evaluate(operation.inputs.map(lookUp), {
      params: operation.params,
      inputTypes: operation.inputs,
      outputTypes: operation.outputs,
    });
    operation.outputs.forEach((output, i) => {
      values.set(output, results[i]);
    });
    for (const node of operation.inputs) if (lastUse.get(node) === at) values.delete(node);
  });
  return graph.outputs.map((output) => new HostStorage(lookUp(output)));
}
