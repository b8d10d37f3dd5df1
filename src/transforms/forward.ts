/**
 * Forward accumulation: tangents of the leaves pushed through the recorded operations in order. One pass gives the
 * derivative of everything in one direction.
 */
import type { Node } from "../graph/node.js";
import { sameShape } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import type { Recorded } from "./reverse.js";

/** Tangents of the outputs for tangents of the leaves; null is a symbolic zero on both sides. */
export function pushForward(recorded: Recorded, tangents: readonly (Node | null)[]): (Node | null)[] {
  const dots = new Map<Node, Node>();
  recorded.leaves.forEach((leaf, i) => {
    const dot = tangents[i];
    if (dot !== null) dots.set(leaf, dot);
  });
  for (const { primitive, inputs, outputs, params } of recorded.operations) {
    const received = inputs.map((input) => dots.get(input) ?? null);
    if (primitive.jvp === "none" || received.every((dot) => dot === null)) continue;
    const given = primitive.jvp({ primals: inputs, outputs, tangents: received, params });
    outputs.forEach((output, k) => {
      const dot = given[k];
      if (dot === null) return;
      invariant(
        sameShape(dot.shape, output.shape),
        `${primitive.name}: tangent [${dot.shape}] for output [${output.shape}]`,
      );
      dots.set(output, dot);
    });
  }
  return recorded.outputs.map((output) => dots.get(output) ?? null);
}
