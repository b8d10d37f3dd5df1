/** Reverse accumulation, right and with the classic mistakes: the fault then lies in no primitive. */
import type { Node } from "../../src/graph/node.js";
import { customVjp, type Tensor } from "../../src/index.js";
import { add, mul } from "../../src/primitives/binary.js";
import { fill } from "../../src/primitives/support.js";
import { fromNode } from "../../src/tensor/convert.js";
import { type Recorded, recordOn } from "../../src/transforms/reverse.js";

export interface Accumulation {
  readonly name: string;
  /** What stands in a node's place after another cotangent arrives. */
  readonly meet: (sofar: Node, next: Node) => Node;
  /** The order in which operations are visited, of their numbers 0 … n − 1. */
  readonly order: (count: number) => number[];
  /** Which inputs of an operation receive. */
  readonly reaches: (input: number) => boolean;
}

const lastToFirst = (count: number): number[] => Array.from({ length: count }, (_, i) => count - 1 - i);
const right: Accumulation = { name: "the right one", meet: add, order: lastToFirst, reaches: () => true };

export const rightAccumulation = right;
export const wrongAccumulations: readonly Accumulation[] = [
  { ...right, name: "= for += where paths meet", meet: (_sofar, next) => next },
  { ...right, name: "the first path only", meet: (sofar) => sofar },
  { ...right, name: "the mean of the paths", meet: (sofar, next) => mul(add(sofar, next), fill(next, 0.5)) },
  { ...right, name: "a path counted twice", meet: (sofar, next) => add(sofar, add(next, next)) },
  { ...right, name: "operations visited first to last", order: (count) => lastToFirst(count).reverse() },
  { ...right, name: "the last operation left out", order: (count) => lastToFirst(count).slice(0, -1) },
  { ...right, name: "only first inputs receive", reaches: (input) => input === 0 },
];

function pullBackWith({ meet, order, reaches }: Accumulation, recorded: Recorded, seed: Node): Node[] {
  const bars = new Map<Node, Node>();
  const receive = (node: Node, bar: Node): void => {
    const sofar = bars.get(node);
    bars.set(node, sofar === undefined ? bar : meet(sofar, bar));
  };
  receive(recorded.outputs[0], seed);
  for (const at of order(recorded.operations.length)) {
    const { primitive, inputs, outputs, params } = recorded.operations[at];
    const cotangents = outputs.map((output) => bars.get(output) ?? null);
    if (primitive.vjp === "none" || cotangents.every((bar) => bar === null)) continue;
    const needs = inputs.map(() => true);
    primitive.vjp({ primals: inputs, outputs, cotangents, params, needs }).forEach((bar, i) => {
      if (bar !== null && reaches(i)) receive(inputs[i], bar);
    });
  }
  return recorded.leaves.map((leaf) => bars.get(leaf) ?? fill(leaf, 0));
}

/** f, whose backward pass is this accumulation. */
export function differentiatedBy(
  accumulation: Accumulation,
  f: (x: Tensor) => Tensor,
): (x: Tensor) => Tensor {
  return customVjp({
    forward: (x: Tensor) => [f(x), x] as const,
    backward: (x: Tensor, yBar: Tensor) => {
      const { recorded } = recordOn("planted", [x], ([leaf]) => ({
        outputs: [f(fromNode(leaf))],
        result: undefined,
      }));
      return pullBackWith(accumulation, recorded, yBar).map(fromNode);
    },
  });
}
