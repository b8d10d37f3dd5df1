/**
 * The layers of a network as its graph has them: where each weight is contracted with a signal, and the activations behind
 * it. Found on the tape, so that models of any class have layers.
 */
import type { Tensor } from "../../index.js";
import type { Node, Operation } from "../../transforms/tape.js";
import { type Composite, findComposites } from "../composites.js";
import type { TapeIndex } from "../tape-index.js";
import { type ActivationKind, activationKinds } from "./slopes.js";

/** One contraction of a weight with a signal. */
export interface Use {
  readonly operation: number;
  /** What the weight meets. */
  readonly signal: Node;
  readonly output: Node;
}

/** One application of an activation. */
export interface Occurrence {
  readonly kind: ActivationKind;
  readonly input: Node;
  readonly output: Node;
}

/** A weight, what it is contracted with, and the activations between it and the next. */
export interface LayerNodes {
  /** The path of the object that holds the weight. */
  readonly name: string;
  readonly weightPath: string;
  readonly weight: Node;
  /** Terms in the sum that makes a z: what the weight is contracted over. */
  readonly fanIn: number;
  /** How many different z there are in an example, places that share the weight taken together: channels in a convolution. */
  readonly units: number;
  /** The path of the bias beside it, where there is one. */
  readonly biasPath: string | null;
  readonly uses: readonly Use[];
  readonly activations: readonly Occurrence[];
}

/** A recorded network. */
export interface Anatomy {
  readonly index: TapeIndex;
  /** In the order of their first use. */
  readonly layers: readonly LayerNodes[];
  /** How many examples went through. */
  readonly examples: number;
  /** What the model gave to the loss; null where the tape does not have it. */
  readonly output: Node | null;
  /** The function that made the output, where it has a name (softmax among them). */
  readonly outputActivation: string | null;
}

/** Operations that only arrange or convert: a weight behind one is still that weight. */
const arranging = new Set(["reshape", "permute", "flip", "broadcast", "cast", "slice", "concat", "alias"]);

interface OpenLayer {
  readonly leaf: number;
  readonly fanIn: number;
  readonly uses: Use[];
  readonly activations: Occurrence[];
}

/** @param output what the model gave when the tape was recorded */
export function anatomyOf(index: TapeIndex, output: Tensor): Anatomy {
  const { leaves, operations } = index.tape;
  const result = outputNode(index, output);
  const last = result === null ? operations.length : (index.makerOf(result) ?? -1) + 1;
  const composites = findComposites(index);
  // the node of a weight, however it was turned, to the leaf it comes from
  const weights = new Map<Node, number>();
  leaves.forEach(({ node }, leaf) => {
    if (node.shape.length >= 2) weights.set(node, leaf);
  });
  const open = new Map<number, OpenLayer>();
  let current: OpenLayer | undefined;
  const seen = new Set<Composite>();
  for (let id = 0; id < last; id++) {
    const operation = index.operation(id);
    const { primitive, inputs, outputs } = operation;
    if (arranging.has(primitive.name)) {
      const leaf = inputs.map((input) => weights.get(input)).find((found) => found !== undefined);
      if (leaf !== undefined) weights.set(outputs[0], leaf);
    }
    if (primitive.name === "dot") {
      const at = inputs.findIndex((input) => weights.has(input));
      const leaf = weights.get(inputs[at]);
      if (leaf !== undefined) {
        current = open.get(leaf) ?? { leaf, fanIn: fanInOf(operation, at), uses: [], activations: [] };
        open.set(leaf, current);
        current.uses.push({ operation: id, signal: inputs[1 - at], output: outputs[0] });
      }
      continue;
    }
    const composite = composites.get(id);
    if (composite !== undefined && seen.has(composite)) continue;
    if (composite !== undefined) seen.add(composite);
    const occurrence = occurrenceOf(index, operation, composite);
    if (occurrence !== null) current?.activations.push(occurrence);
  }
  return {
    index,
    layers: [...open.values()].map(({ leaf, ...found }) => {
      const weightPath = leaves[leaf].path;
      const name = parentOf(weightPath);
      const bias = leaves.find(
        ({ path, node }) => path !== weightPath && parentOf(path) === name && node.shape.length === 1,
      );
      return {
        name: /(^|\.)weight$/.test(weightPath) && name !== "" ? name : weightPath || "weight",
        weightPath,
        weight: leaves[leaf].node,
        units: Math.max(1, Math.round(sizeOf(leaves[leaf].node) / found.fanIn)),
        biasPath: bias?.path ?? null,
        ...found,
      };
    }),
    examples: Math.max(1, output.shape[0] ?? 1),
    output: result,
    outputActivation: result === null ? null : activationOf(index, result, composites),
  };
}

/** How many elements it has. */
export function sizeOf({ shape }: Pick<Node, "shape">): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The extent of the axes that a contraction sums over, of its input at a position. */
function fanInOf({ inputs, params }: Operation, at: number): number {
  // the one primitive called `dot` has these
  const { contractA, contractB } = params as Readonly<Record<"contractA" | "contractB", readonly number[]>>;
  const axes = at === 0 ? contractA : contractB;
  return Math.max(
    1,
    axes.reduce((product, axis) => product * inputs[at].shape[axis], 1),
  );
}

/** `layers.0.weight` → `layers.0` */
export function parentOf(path: string): string {
  return path.includes(".") ? path.slice(0, path.lastIndexOf(".")) : "";
}

function occurrenceOf(
  index: TapeIndex,
  { primitive, inputs, outputs }: Operation,
  composite: Composite | undefined,
): Occurrence | null {
  const kind = activationKinds.get(composite?.name ?? primitive.name);
  if (kind === undefined) return null;
  if (composite === undefined) return { kind, input: inputs[0], output: outputs[0] };
  const input = inputs.find((node) => !index.isConstant(node));
  return input === undefined ? null : { kind, input, output: composite.output };
}

/** The tensor on the tape that the model gave; where the tape was taken apart and put together again, the one with its numbers. */
function outputNode(index: TapeIndex, output: Tensor): Node | null {
  if (index.idOf(output) >= 0) return output;
  const expected = output.dataSync();
  const shape = output.shape.join();
  const same = index.nodes.find((node) => {
    if (node.dtype !== output.dtype || node.shape.join() !== shape || index.makerOf(node) === null)
      return false;
    const values = index.valuesOf(node);
    return values.every((value, i) => Object.is(value, expected[i]));
  });
  return same ?? null;
}

function activationOf(
  index: TapeIndex,
  output: Node,
  composites: ReadonlyMap<number, Composite>,
): string | null {
  let maker = index.makerOf(output);
  // a view of an activation is one still
  while (maker !== null && arranging.has(index.operation(maker).primitive.name))
    maker = index.makerOf(index.operation(maker).inputs[0]);
  if (maker === null) return null;
  const name = composites.get(maker)?.name ?? index.operation(maker).primitive.name;
  return activationKinds.has(name) || name === "softmax" || name === "logSoftmax" ? name : null;
}
