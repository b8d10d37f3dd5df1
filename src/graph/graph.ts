/**
 * A graph: a function recorded as operations in topological order. Everything `f` used that does not depend on its
 * inputs is a capture: constants, and nodes of the transforms outside.
 */
import { invariant } from "../util/errors.js";
import { bindAll, isRecorded, makeAbstractLeaf, type Node, type Operation, Recording } from "./node.js";
import type { TensorType } from "./primitive.js";

export interface Graph {
  readonly inputs: readonly Node[];
  /** Nodes from outside, in order of first use. */
  readonly captures: readonly Node[];
  /** In topological order. */
  readonly operations: readonly Operation[];
  readonly outputs: readonly Node[];
}

/**
 * The operations between the leaves and the outputs, each after those it depends on. Only what depends on a leaf
 * counts; what was made before the first leaf is not visited.
 */
export function operationsBetween(leaves: readonly Node[], outputs: readonly Node[]): Operation[] {
  const leafSet = new Set(leaves);
  let first = Number.POSITIVE_INFINITY;
  for (const leaf of leaves) first = Math.min(first, leaf.id);
  const reached = new Set<Operation>();
  const pending: Node[] = [...outputs];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const operation = node.operation;
    if (operation === null || leafSet.has(node) || operation.id < first || reached.has(operation)) continue;
    reached.add(operation);
    for (const input of operation.inputs) if (input.id >= first) pending.push(input);
  }
  const depending = new Set<Node>(leaves);
  return [...reached]
    .sort((a, b) => a.id - b.id)
    .filter((operation) => {
      if (!operation.inputs.some((input) => depending.has(input))) return false;
      for (const output of operation.outputs) depending.add(output);
      return true;
    });
}

/** The graph of the operations between inputs and outputs. */
export function makeGraph(inputs: readonly Node[], outputs: readonly Node[]): Graph {
  const operations = operationsBetween(inputs, outputs);
  const inside = new Set<Node>(inputs);
  for (const operation of operations) for (const output of operation.outputs) inside.add(output);
  const captures = new Set<Node>();
  for (const operation of operations)
    for (const input of operation.inputs) if (!inside.has(input)) captures.add(input);
  for (const output of outputs) if (!inside.has(output)) captures.add(output);
  return { inputs, captures: [...captures], operations, outputs };
}

/** Records `f` on abstract leaves of these types. */
export function traceGraph(
  name: string,
  types: readonly TensorType[],
  f: (leaves: Node[]) => readonly Node[],
): Graph {
  return Recording.run("trace", name, (recording) => {
    const leaves = types.map((type) => makeAbstractLeaf(type, recording));
    return makeGraph(leaves, f(leaves));
  });
}

/** Captures that a running transform watches: they must be passed as arguments wherever the graph becomes a call. */
export function liveCaptures(graph: Graph): Node[] {
  return graph.captures.filter((capture) => capture.isAbstract || isRecorded(capture));
}

/** The same graph with those captures as further inputs. */
export function closeOver(graph: Graph, captures: readonly Node[]): Graph {
  const moved = new Set(captures);
  return {
    ...graph,
    inputs: [...graph.inputs, ...captures],
    captures: graph.captures.filter((capture) => !moved.has(capture)),
  };
}

/**
 * Runs the graph's operations again on other inputs: eagerly, abstractly or recorded, as the inputs are. `apply`
 * defaults to binding the same primitive.
 */
export function evaluateGraph(
  graph: Graph,
  inputs: readonly Node[],
  apply: (operation: Operation, inputs: readonly Node[]) => readonly Node[] = (operation, operands) =>
    bindAll(operation.primitive, operands, operation.params),
): Node[] {
  invariant(
    inputs.length === graph.inputs.length,
    `graph takes ${graph.inputs.length} inputs, got ${inputs.length}`,
  );
  const values = new Map<Node, Node>();
  graph.inputs.forEach((input, i) => {
    values.set(input, inputs[i]);
  });
  const lookUp = (node: Node): Node => values.get(node) ?? node;
  for (const operation of graph.operations) {
    const results = apply(operation, operation.inputs.map(lookUp));
    operation.outputs.forEach((output, i) => {
      values.set(output, results[i]);
    });
  }
  return graph.outputs.map(lookUp);
}
