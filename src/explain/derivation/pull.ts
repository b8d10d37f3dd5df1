/** The let-bound lines of a part of the graph, run by themselves: what they pass back of one cotangent. */
import { constantNode, type Node, readValue } from "../../transforms/tape.js";
import type { TapeIndex } from "../tape-index.js";

/**
 * Reverse accumulation through these operations only.
 *
 * @param cotangent of `output`, as many numbers as it has elements
 * @returns the cotangents of everything they read
 */
export function pullBack(
  index: TapeIndex,
  operations: readonly number[],
  output: Node,
  cotangent: ArrayLike<number>,
): ReadonlyMap<Node, Float64Array> {
  const bars = new Map<Node, Float64Array>([[output, Float64Array.from(cotangent)]]);
  const asNode = (node: Node): Node | null => {
    const bar = bars.get(node);
    if (bar === undefined) return null;
    const data = node.dtype === "float64" ? bar : Float32Array.from(bar);
    return constantNode(node.shape, node.dtype, data);
  };
  for (const id of [...operations].sort((a, b) => b - a)) {
    const { primitive, inputs, outputs, params } = index.operation(id);
    const cotangents = outputs.map(asNode);
    if (primitive.vjp === "none" || cotangents.every((bar) => bar === null)) continue;
    const needs = inputs.map((input) => !index.isConstant(input));
    const given = primitive.vjp({ primals: inputs, outputs, cotangents, params, needs });
    inputs.forEach((input, position) => {
      const bar = given[position];
      if (bar === null || !needs[position]) return;
      const values = readValue(bar);
      const sum = bars.get(input) ?? new Float64Array(values.length);
      for (let i = 0; i < values.length; i++) sum[i] += values[i];
      bars.set(input, sum);
    });
  }
  return bars;
}
