/**
 * Sums of padded parts as concatenations: what gradients of slices are, as of the gates of a recurrent layer, or of queries, keys
 * and values that come out of one product.
 *
 *     pad(a, 0 before, 3 behind) + pad(b, 2 before, 1 behind)   →   pad(concat(a, b), 0 before, 1 behind)
 */
import type { Node } from "../../graph/node.js";
import { type ConcatParams, concat, type PadParams, pad } from "../../primitives/pad.js";

interface Part {
  readonly x: Node;
  /** The only axis that is padded, and how far. */
  readonly axis: number;
  readonly low: number;
  readonly high: number;
}

/** The sum of two values that lie side by side among zeros, or null where they do not. */
export function joinPads(a: Node, b: Node): Node | null {
  const [first, second] = [partOf(a), partOf(b)];
  if (first === null || second === null || first.axis !== second.axis) return null;
  return beside(first, second) ?? beside(second, first);
}

function beside(first: Part, second: Part): Node | null {
  const { axis, low } = first;
  const { high } = second;
  if (low + first.x.shape[axis] !== second.low) return null;
  const joined = concat([...piecesOf(first.x, axis), ...piecesOf(second.x, axis)], axis);
  if (low === 0 && high === 0) return joined;
  const only = (amount: number): number[] => joined.shape.map((_, a) => (a === axis ? amount : 0));
  return pad(joined, { low: only(low), high: only(high), interior: only(0), value: 0 });
}

/** A concatenation need not be made to be part of another. */
function piecesOf(x: Node, axis: number): readonly Node[] {
  const { operation } = x;
  if (operation?.primitive.name !== "concat" || (operation.params as ConcatParams).axis !== axis) return [x];
  return operation.inputs;
}

function partOf(node: Node): Part | null {
  const { operation } = node;
  if (operation?.primitive.name !== "pad") return null;
  const { low, high, interior, value } = operation.params as PadParams;
  const [x] = operation.inputs;
  const padded = low.flatMap((amount, axis) => (amount !== 0 || high[axis] !== 0 ? [axis] : []));
  const [axis] = padded;
  const isPlain = padded.length === 1 && low[axis] >= 0 && high[axis] >= 0 && value === 0;
  if (!isPlain || interior.some((amount, a) => amount !== 0 && x.shape[a] > 1)) return null;
  return { x, axis, low: low[axis], high: high[axis] };
}
