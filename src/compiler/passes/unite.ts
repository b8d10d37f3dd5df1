/**
 * unite: runs a loop once for those who want its results and those who want more of it.
 *
 * Purpose: derivatives of a loop run a body that also gives what the loop itself gave (`graph/source.ts`), and need not
 * know whether that is computed beside them.
 * Requires: a graph without calls and aliases. Guarantees: the same values.
 *
 *     %2 = scan(%1) {f}; %3, %4 = scan(%1) {f with residuals}   →   %3, %4 = scan(%1) {f with residuals}, and %3 for %2
 */
import type { Control } from "../../graph/control.js";
import type { Graph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import { type BodySource, sourceOf } from "../../graph/source.js";
import { rewrite } from "../rewrite.js";

interface Loop {
  readonly operation: Operation;
  readonly control: Exclude<Control, { kind: "cond" }>;
}

/** The loop that gives an operation's results too, and which of its outputs they are. */
interface Replacement {
  readonly by: Operation;
  readonly outputs: readonly number[];
}

export function unite(graph: Graph): Graph {
  const loops = loopsOf(graph);
  const replaced = new Map<Operation, Replacement>();
  for (const loop of loops) {
    const source = sourceOf(loop.control.body);
    if (source === undefined) continue;
    const smaller = loops.find((other) => !replaced.has(other.operation) && isSame(loop, other, source));
    if (smaller === undefined || dependsOn(graph, loop.operation, smaller.operation)) continue;
    replaced.set(smaller.operation, { by: loop.operation, outputs: source.outputs });
  }
  return replaced.size === 0 ? graph : rebuild(graph, replaced);
}

function loopsOf(graph: Graph): Loop[] {
  return graph.operations.flatMap((operation): Loop[] => {
    const { lowering } = operation.primitive;
    if (lowering.kind !== "control") return [];
    const control = lowering.control(operation.params);
    return control.kind === "cond" ? [] : [{ operation, control }];
  });
}

/** Is `other` the loop that `loop`, whose body was derived from `source`, also runs? */
function isSame(loop: Loop, other: Loop, source: BodySource): boolean {
  const [a, b] = [loop.control, other.control];
  if (b.body !== source.body || a.kind !== b.kind || other.operation.inputs.length !== source.inputs.length)
    return false;
  if (a.kind === "scan" && b.kind === "scan" && (a.length !== b.length || a.reverse !== b.reverse))
    return false;
  return other.operation.inputs.every((input, i) => input === loop.operation.inputs[source.inputs[i]]);
}

function dependsOn(graph: Graph, operation: Operation, other: Operation): boolean {
  const found = new Set<Node>(other.outputs);
  for (const { inputs, outputs } of graph.operations)
    if (inputs.some((input) => found.has(input))) for (const output of outputs) found.add(output);
  return operation.inputs.some((input) => found.has(input));
}

/** The operations again, each after what it needs: a loop may have to move in front of those who used another. */
function rebuild(graph: Graph, replaced: ReadonlyMap<Operation, Replacement>): Graph {
  const makers = new Map<Node, Operation>();
  for (const operation of graph.operations)
    for (const output of operation.outputs) makers.set(output, operation);
  /** The node that is computed in a node's place. */
  const stand = (node: Node): Node => {
    const maker = makers.get(node);
    const replacement = maker === undefined ? undefined : replaced.get(maker);
    return replacement === undefined
      ? node
      : stand(replacement.by.outputs[replacement.outputs[node.outputIndex]]);
  };
  return rewrite(graph, (leaves) => {
    const values = new Map<Node, Node>(graph.inputs.map((input, i) => [input, leaves[i]]));
    const nodeFor = (node: Node): Node => {
      const found = stand(node);
      return values.get(found) ?? found;
    };
    const isReady = (node: Node): boolean => {
      const found = stand(node);
      return values.has(found) || !makers.has(found);
    };
    const pending = graph.operations.filter((operation) => !replaced.has(operation)).reverse();
    while (pending.length > 0) {
      const operation = pending[pending.length - 1];
      const [first] = operation.outputs;
      const missing = values.has(first) ? undefined : operation.inputs.find((input) => !isReady(input));
      const maker = missing === undefined ? undefined : makers.get(stand(missing));
      if (maker !== undefined) {
        pending.push(maker);
        continue;
      }
      pending.pop();
      if (values.has(first)) continue;
      const results = bindAll(operation.primitive, operation.inputs.map(nodeFor), operation.params);
      operation.outputs.forEach((output, i) => {
        values.set(output, results[i]);
      });
    }
    return graph.outputs.map(nodeFor);
  });
}
