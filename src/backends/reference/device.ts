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
import { bytesPerElement, type TypedArray } from "../../types/dtype.js";
import { sizeOf } from "../../types/shape.js";
import { invariant } from "../../util/errors.js";

export const referenceDevice: Device = {
  name: "reference",
  evaluate: <P>(primitive: Primitive<P>, inputs: readonly TypedArray[], context: EvaluateContext<P>) =>
    primitive.evaluate(inputs, context),
  compile: (graph: Graph, _options: CompileOptions): Executable => ({
    run: (inputs) => interpret(graph, inputs),
  }),
  profile(graph, inputs, runs) {
    const times = graph.operations.map((): number[] => []);
    for (let run = 0; run < runs; run++)
      interpret(graph, inputs, (operation, microseconds) => {
        times[operation].push(microseconds);
      });
    return graph.operations.map(({ primitive, params, inputs: given, outputs }, i) => ({
      name: `${primitive.name} [${outputs.map(({ shape }) => shape.join(", ")).join("], [")}]`,
      flops: primitive.cost(given, outputs, params).flops,
      bytes: [...given, ...outputs].reduce(
        (sum, { dtype, shape }) => sum + bytesPerElement(dtype) * sizeOf(shape),
        0,
      ),
      times: times[i],
    }));
  },
};

function interpret(
  graph: Graph,
  inputs: readonly Storage[],
  timed?: (operation: number, microseconds: number) => void,
): Storage[] {
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
    const started = timed === undefined ? 0 : performance.now();
    const results = operation.primitive.evaluate(operation.inputs.map(lookUp), {
      params: operation.params,
      inputTypes: operation.inputs,
      outputTypes: operation.outputs,
    });
    timed?.(at, (performance.now() - started) * 1000);
    operation.outputs.forEach((output, i) => {
      values.set(output, results[i]);
    });
    for (const node of operation.inputs) if (lastUse.get(node) === at) values.delete(node);
  });
  return graph.outputs.map((output) => new HostStorage(lookUp(output)));
}
