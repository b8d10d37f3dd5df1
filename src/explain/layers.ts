/**
 * Dense layers z = W a + b, a = f(z) in a graph: a contraction of a parameter with what came before, an addition of another
 * parameter, and what lies between that and the next contraction. Single neurons written as products of scalars count.
 *
 * Known weakness: a layer must be fed by the one before alone, so residual and recurrent networks are not taken apart.
 */
import type { Node, Operation } from "../transforms/tape.js";
import { type Composite, findComposites } from "./composites.js";
import type { Formula } from "./document.js";
import { isView, viewMap } from "./local.js";
import { symbolOf } from "./names.js";
import type { TapeIndex } from "./tape-index.js";

/** A layer, with the nodes it was found by. */
export interface FoundLayer {
  readonly weight: Node;
  /** The weight as the contraction sees it, and its axis that is summed over. */
  readonly weightOperand: Node;
  readonly weightAxis: number;
  readonly stored: "outIn" | "inOut";
  readonly bias: Node | null;
  /** The bias as the addition sees it, of the shape of z. */
  readonly biasOperand: Node | null;
  /** What the layer is fed, as the contraction sees it, and its axis that is summed over. */
  readonly inputOperand: Node;
  readonly inputAxis: number;
  readonly input: Node;
  readonly z: Node;
  /** In z, do the outputs come before the examples? */
  readonly outputsFirst: boolean;
  /** What the next layer or the cost reads; z itself where there is no activation; null for logits. */
  readonly a: Node | null;
  readonly activation: { readonly name: string; readonly coupled: boolean };
  /** The operations between z and a. */
  readonly region: readonly number[];
}

/** The layers from the first to the last, or why there are none. */
export interface FoundLayers {
  readonly layers: readonly FoundLayer[];
  readonly reason: string | null;
  readonly symbols: ReadonlyMap<Node, Formula>;
  readonly composites: ReadonlyMap<number, Composite>;
  /** The operations from the network's output to the cost. */
  readonly costRegion: readonly number[];
}

type Product = Omit<FoundLayer, "a" | "activation" | "region">;

/**
 * @param names of the inputs, in order
 */
export function findLayers(index: TapeIndex, names: readonly string[]): FoundLayers {
  const composites = findComposites(index);
  const none = (reason: string): FoundLayers => ({
    layers: [],
    reason,
    symbols: new Map(),
    composites,
    costRegion: [],
  });
  const products: Product[] = [];
  const { operations } = index.tape;
  const hasDots = operations.some(({ primitive }) => primitive.name === "dot");
  for (const operation of operations) {
    const product = hasDots
      ? operation.primitive.name === "dot"
        ? productOf(index, names, operation)
        : undefined
      : neuronOf(index, names, operation);
    if (product === null)
      return none(
        "a contraction in it is not of one parameter matrix with the activations before it; read the graph and the paths",
      );
    if (product !== undefined) products.push(product);
  }
  if (products.length === 0) return none("no layer W a + b was found in it; read the graph and the paths");
  if (new Set(products.map(({ weight }) => weight)).size < products.length)
    return none("a weight is used more than once; read the paths, which add up over its uses");
  const layers: FoundLayer[] = [];
  for (let l = 0; l < products.length; l++) {
    const product = products[l];
    const next = products[l + 1];
    const a = next === undefined ? outputActivation(index, composites, product.z) : next.input;
    const region = a === null ? [] : regionBetween(index, product.z, a);
    if (region === null)
      return none(`layer ${l + 2} is not fed by layer ${l + 1} alone; read the graph and the paths`);
    layers.push({ ...product, a, region, activation: activationOf(index, composites, region, a, product.z) });
  }
  const cost = regionBetween(index, layers[layers.length - 1].z, index.tape.output, true);
  const parameters = new Set(layers.flatMap(({ weight, bias }) => [weight, bias]));
  const aside = (id: number): boolean => index.operation(id).inputs.some((input) => parameters.has(input));
  if (cost === null || cost.some(aside))
    return none("the cost does not depend on the last layer's output alone; read the graph and the paths");
  const last = layers[layers.length - 1];
  const activation = new Set(last.region);
  const costRegion = cost.filter((id) => !activation.has(id));
  return { layers, reason: null, composites, symbols: symbolsOf(index, layers, names), costRegion };
}

/** The node seen through transpositions, reshapes and repetitions. */
function throughViews(index: TapeIndex, node: Node): Node {
  let seen = node;
  for (let maker = index.makerOf(seen); maker !== null; maker = index.makerOf(seen)) {
    const operation = index.operation(maker);
    if (!isView(operation) || operation.inputs.length !== 1) return seen;
    seen = operation.inputs[0];
  }
  return seen;
}

function leafOf(index: TapeIndex, node: Node): number {
  return index.tape.leaves.findIndex((leaf) => leaf.node === node);
}

/** Which of two candidates is the parameter: the one in the earlier argument, else the one on the right. */
function parameterSide(
  index: TapeIndex,
  names: readonly string[],
  sides: readonly Node[],
  ranks: readonly number[],
): number {
  const leaves = sides.map((side) => leafOf(index, side));
  if (leaves[0] < 0 || leaves[1] < 0) return leaves[0] >= 0 ? 0 : leaves[1] >= 0 ? 1 : -1;
  if (ranks[0] !== ranks[1]) return ranks[0] > ranks[1] ? 0 : 1;
  const [left, right] = leaves.map((leaf) => index.tape.leaves[leaf].argument);
  if (left !== right) return left < right ? 0 : 1;
  const looksLikeData = (leaf: number): boolean => /^(x|input)/i.test(names[leaf]);
  return looksLikeData(leaves[1]) ? 0 : 1;
}

interface Dimensions {
  readonly batchA: readonly number[];
  readonly contractA: readonly number[];
  readonly contractB: readonly number[];
}

/** A contraction of a parameter, and the bias added to it; null where it is something else. */
export function productOf(index: TapeIndex, names: readonly string[], operation: Operation): Product | null {
  const { inputs, outputs } = operation;
  const { batchA, contractA, contractB } = operation.params as Dimensions;
  if (batchA.length > 0 || contractA.length !== 1) return null;
  const seen = inputs.map((input) => throughViews(index, input));
  const side = parameterSide(
    index,
    names,
    seen,
    inputs.map(({ shape }) => shape.length),
  );
  if (side < 0) return null;
  const weight = seen[side];
  const weightOperand = inputs[side];
  if (weight.shape.length !== 2 || weightOperand.shape.length !== 2) return null;
  const weightAxis = (side === 0 ? contractA : contractB)[0];
  const [rows, columns] = weight.shape;
  // a square one tells by where its second element comes from
  const isTransposed =
    rows === columns
      ? rows > 1 && sourceOf(index, weightOperand, weight, 1) !== 1
      : weightOperand.shape[0] !== rows;
  const storedAxis = isTransposed ? 1 - weightAxis : weightAxis;
  return {
    weight,
    weightOperand,
    weightAxis,
    stored: storedAxis === 1 ? "outIn" : "inOut",
    inputOperand: inputs[1 - side],
    inputAxis: (side === 0 ? contractB : contractA)[0],
    input: seen[1 - side],
    outputsFirst: side === 0,
    ...biased(index, outputs[0]),
  };
}

/** θ · a + b of single numbers. */
function neuronOf(index: TapeIndex, names: readonly string[], operation: Operation): Product | undefined {
  const { primitive, inputs, outputs } = operation;
  if (primitive.name !== "mul" || outputs[0].shape.length !== 0 || inputs[0] === inputs[1]) return undefined;
  const side = parameterSide(index, names, inputs, [0, 0]);
  const both = inputs.every((input) => leafOf(index, input) >= 0);
  const chosen = both ? (/^(x|input)/i.test(names[leafOf(index, inputs[0])]) ? 1 : 0) : side;
  if (chosen < 0) return undefined;
  const sum = biased(index, outputs[0]);
  if (sum.bias === null) return undefined;
  const weight = inputs[chosen];
  const other = inputs[1 - chosen];
  return {
    weight,
    weightOperand: weight,
    weightAxis: 1,
    stored: "outIn",
    inputOperand: other,
    inputAxis: 0,
    input: other,
    outputsFirst: true,
    ...sum,
  };
}

/** The sum with a bias behind a product, where there is one. */
function biased(index: TapeIndex, product: Node): Pick<FoundLayer, "bias" | "biasOperand" | "z"> {
  const readers = index.readersOf(product);
  const reader = readers.length === 1 ? index.operation(readers[0]) : undefined;
  if (reader?.primitive.name === "add" && reader.inputs[0] !== reader.inputs[1]) {
    const other = reader.inputs[0] === product ? reader.inputs[1] : reader.inputs[0];
    const bias = throughViews(index, other);
    if (leafOf(index, bias) >= 0) return { bias, biasOperand: other, z: reader.outputs[0] };
  }
  return { bias: null, biasOperand: null, z: product };
}

/** Where an element of a view of `leaf` comes from. */
export function sourceOf(index: TapeIndex, node: Node, leaf: Node, at: number): number {
  let seen = node;
  let position = at;
  while (seen !== leaf) {
    const maker = index.makerOf(seen);
    if (maker === null) return -1;
    const operation = index.operation(maker);
    position = viewMap(operation).source[position];
    seen = operation.inputs[0];
  }
  return position;
}

/**
 * The operations from z to a; null where a reads anything that varies besides z.
 *
 * @param targets whether inputs may come in from the side, as the targets of a cost do
 */
function regionBetween(index: TapeIndex, z: Node, a: Node, targets = false): number[] | null {
  const region = new Set<number>();
  const pending: Node[] = [a];
  const seen = new Set<Node>([z]);
  let reached = a === z;
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node === z) reached = true;
    if (seen.has(node)) continue;
    seen.add(node);
    const maker = index.makerOf(node);
    if (maker === null) {
      if (targets || index.isConstant(node)) continue;
      return null;
    }
    region.add(maker);
    pending.push(...index.operation(maker).inputs);
  }
  if (targets && region.size > 0 && [...region].some((id) => index.operation(id).primitive.name === "dot"))
    return null;
  return reached ? [...region].sort((x, y) => x - y) : null;
}

/** What reads the last z, where that is an activation: a composite function or one primitive. */
function outputActivation(
  index: TapeIndex,
  composites: ReadonlyMap<number, Composite>,
  z: Node,
): Node | null {
  const readers = index.readersOf(z);
  const composite = composites.get(readers[0] ?? -1);
  const activations = new Set(["relu", "leakyRelu", "elu", "gelu", "silu", "softmax"]);
  if (composite !== undefined && readers.every((id) => composites.get(id) === composite))
    return activations.has(composite.name) ? composite.output : null;
  if (readers.length !== 1) return z === index.tape.output ? z : null;
  const { primitive, outputs } = index.operation(readers[0]);
  if (["sigmoid", "tanh", "sin", "cos", "atan", "erf"].includes(primitive.name)) return outputs[0];
  // a difference to a target, or the cost itself, reads z as the activation of linear neurons
  return primitive.name === "sub" || primitive.name === "sum" ? z : null;
}

function activationOf(
  index: TapeIndex,
  composites: ReadonlyMap<number, Composite>,
  region: readonly number[],
  a: Node | null,
  z: Node,
): FoundLayer["activation"] {
  const coupled = region.some((id) => index.operation(id).primitive.lowering.kind !== "pointwise");
  if (a === null) return { name: "logits", coupled: false };
  if (a === z) return { name: "identity", coupled: false };
  const composite = composites.get(region[0]);
  if (composite?.output === a) return { name: composite.name, coupled };
  if (region.length === 1) return { name: index.operation(region[0]).primitive.name, coupled };
  return { name: "f", coupled };
}

/** W1, b1, z1, a1, …: the names of the textbook, except where the user's own are as short. */
function symbolsOf(
  index: TapeIndex,
  layers: readonly FoundLayer[],
  names: readonly string[],
): Map<Node, Formula> {
  const symbols = new Map<Node, Formula>();
  const taken = new Set(names);
  const give = (node: Node, letter: string, layer: number): void => {
    const leaf = leafOf(index, node);
    if (leaf >= 0 && names[leaf].length <= 4) symbols.set(node, symbolOf(names[leaf]));
    else if (!symbols.has(node) && !taken.has(`${letter}${layer}`))
      symbols.set(node, { text: `${letter}${layer}`, latex: `${letter}^{${layer}}` });
  };
  if (index.isConstant(layers[0].input) && layers[0].input.shape.length > 0 && !taken.has("x"))
    symbols.set(layers[0].input, { text: "x", latex: "x" });
  layers.forEach((layer, l) => {
    give(layer.weight, "W", l + 1);
    if (layer.bias !== null) give(layer.bias, "b", l + 1);
    give(layer.z, "z", l + 1);
    if (layer.a !== null && layer.a !== layer.z) give(layer.a, "a", l + 1);
  });
  return symbols;
}
