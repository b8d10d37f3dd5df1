/**
 * The reference device: every primitive by its own plain TypeScript evaluation, one operation after the other. Slow and
 * right: the oracle of the others.
 */
import { shortNames } from "../../compiler/describe.js";
import { subscript } from "../../compiler/formula.js";
import type {
  CompileOptions,
  Device,
  Executable,
  ProfiledProgram,
  ProfileRequest,
} from "../../graph/device.js";
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
  profile,
};

function profile({ graph, inputs, paths, runs }: ProfileRequest): ProfiledProgram {
  const times = graph.operations.map((): number[] => []);
  const starts = graph.operations.map((): number[] => []);
  const begun = performance.now();
  for (let run = 0; run < runs; run++)
    interpret(graph, inputs, (operation, started, ended) => {
      times[operation].push((ended - started) * 1000);
      starts[operation].push((started - begun) * 1000);
    });
  const names = shortNames(paths);
  const called = new Map<Node, string>(graph.inputs.map((input, i) => [input, names[i]]));
  let made = 0;
  const nameOf = (node: Node): string => {
    let name = called.get(node);
    if (name === undefined) {
      made++;
      name = `t${subscript(made)}`;
      called.set(node, name);
    }
    return name;
  };
  const kernels = graph.operations.map(({ primitive, params, inputs: given, outputs }, i) => {
    const inside = given.map(nameOf).join(", ");
    return {
      name: `${outputs.map(nameOf).join(", ")} = ${primitive.name}(${inside})`,
      operation: primitive.name,
      extents: outputs.map(({ shape }) => `[${shape.join(", ")}]`).join(", "),
      flops: primitive.cost(given, outputs, params).flops,
      bytes: [...given, ...outputs].reduce((sum, node) => sum + bytesOf(node), 0),
      starts: starts[i],
      times: times[i],
    };
  });
  const liveBytes = mostAlive(graph);
  return { kernels, memory: { staticBytes: 0, arenaBytes: liveBytes, liveBytes } };
}

const bytesOf = ({ dtype, shape }: Node): number => bytesPerElement(dtype) * sizeOf(shape);

/** For each operation the values that nobody needs after it. */
function lastUses(graph: Graph): ReadonlyMap<Node, number> {
  const lastUse = new Map<Node, number>();
  graph.operations.forEach((operation, at) => {
    for (const node of [...operation.inputs, ...operation.outputs]) lastUse.set(node, at);
  });
  for (const node of [...graph.outputs, ...graph.inputs, ...graph.captures]) lastUse.delete(node);
  return lastUse;
}

/** Bytes of the values that are alive at once where they are most. */
function mostAlive(graph: Graph): number {
  const lastUse = lastUses(graph);
  let alive = [...graph.inputs, ...graph.captures].reduce((sum, node) => sum + bytesOf(node), 0);
  let most = alive;
  graph.operations.forEach(({ inputs, outputs }, at) => {
    for (const output of outputs) alive += bytesOf(output);
    most = Math.max(most, alive);
    for (const node of new Set([...inputs, ...outputs])) if (lastUse.get(node) === at) alive -= bytesOf(node);
  });
  return most;
}

function interpret(
  graph: Graph,
  inputs: readonly Storage[],
  timed?: (operation: number, started: number, ended: number) => void,
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
  const lastUse = lastUses(graph);
  graph.operations.forEach((operation, at) => {
    const started = timed === undefined ? 0 : performance.now();
    const results = operation.primitive.evaluate(operation.inputs.map(lookUp), {
      params: operation.params,
      inputTypes: operation.inputs,
      outputTypes: operation.outputs,
    });
    timed?.(at, started, performance.now());
    operation.outputs.forEach((output, i) => {
      values.set(output, results[i]);
    });
    for (const node of operation.inputs) if (lastUse.get(node) === at) values.delete(node);
  });
  return graph.outputs.map((output) => new HostStorage(lookUp(output)));
}
