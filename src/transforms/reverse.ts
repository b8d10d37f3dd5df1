/**
 * Reverse accumulation (Goodfellow et al. 2016, 6.5): record the function on fresh leaves, then visit its operations once
 * each from the last to the first, turning the cotangents of an operation's outputs into those of its inputs and adding
 * them up where paths meet. The cotangents are nodes again, so derivatives have derivatives.
 */

import { operationsBetween } from "../graph/graph.js";
import { makeLeaf, type Node, type Operation, Recording } from "../graph/node.js";
import { add } from "../primitives/binary.js";
import { aliasPrimitive } from "../primitives/control.js";
import { sameShape } from "../types/shape.js";
import { invariant } from "../util/errors.js";

/** A recorded function: its outputs at the primals, and what lies between them and its leaves. */
export interface Recorded {
  readonly leaves: readonly Node[];
  readonly outputs: readonly Node[];
  readonly operations: readonly Operation[];
}

/** Runs `f` on fresh leaves with the primals' values and keeps the operations that depend on them. */
export function recordOn<R>(
  name: string,
  primals: readonly Node[],
  f: (leaves: readonly Node[]) => { outputs: readonly Node[]; result: R },
): { recorded: Recorded; result: R } {
  return Recording.run("tape", name, (recording) => {
    const leaves = primals.map((primal) => makeLeaf(primal, recording, aliasPrimitive));
    const { outputs, result } = f(leaves);
    return { recorded: { leaves, outputs, operations: operationsBetween(leaves, outputs) }, result };
  });
}

/** Cotangents of the leaves for cotangents of the outputs; null is a symbolic zero on both sides. */
export function pullBack(recorded: Recorded, cotangents: readonly (Node | null)[]): (Node | null)[] {
  const bars = new Map<Node, Node>();
  const accumulate = (node: Node, bar: Node): void => {
    const sofar = bars.get(node);
    bars.set(node, sofar === undefined ? bar : add(sofar, bar));
  };
  recorded.outputs.forEach((output, i) => {
    const bar = cotangents[i];
    if (bar !== null) accumulate(output, bar);
  });
  const active = new Set<Node>(recorded.leaves);
  for (const operation of recorded.operations) for (const output of operation.outputs) active.add(output);
  for (let i = recorded.operations.length - 1; i >= 0; i--) {
    const { primitive, inputs, outputs, params } = recorded.operations[i];
    const received = outputs.map((output) => bars.get(output) ?? null);
    if (primitive.vjp === "none" || received.every((bar) => bar === null)) continue;
    const needs = inputs.map((input) => active.has(input));
    const given = primitive.vjp({ primals: inputs, outputs, cotangents: received, params, needs });
    // an operation's outputs are complete when it is reached: nothing later can add to them
    for (const output of outputs) bars.delete(output);
    inputs.forEach((input, k) => {
      const bar = given[k];
      if (bar === null || !needs[k]) return;
      invariant(
        sameShape(bar.shape, input.shape),
        `${primitive.name}: cotangent [${bar.shape}] for input [${input.shape}]`,
      );
      accumulate(input, bar);
    });
  }
  return recorded.leaves.map((leaf) => bars.get(leaf) ?? null);
}
