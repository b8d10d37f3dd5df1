/** The four fundamental equations of backpropagation in a dense network: the section of the document. */
import type { Node } from "../transforms/tape.js";
import type { Composite } from "./composites.js";
import { costForm, type FoundCost, numbers } from "./cost-form.js";
import type { Dense } from "./dense.js";
import type { Equations, Formula, Layer, Refusal, Target } from "./document.js";
import { type Context, equation1, equation2, equation3, equation4 } from "./layer-equations.js";
import { type LayerNumbers, layerNumbers } from "./layer-numbers.js";
import { type FoundLayers, sourceOf } from "./layers.js";
import { isLinearHere } from "./local.js";
import { epsilonOf, show } from "./numbers.js";
import type { Symbols } from "./symbols.js";
import type { TapeIndex } from "./tape-index.js";

/** The section, and what ∂C/∂z of the output is in symbols where it comes to (a − y). */
export interface FoundEquations {
  readonly section: Equations | Refusal;
  readonly outputError: { readonly z: Node; of(at: number): Formula } | null;
  /** Named functions of several primitives, by each of their operations; a recognised cross-entropy is one. */
  readonly composites: ReadonlyMap<number, Composite>;
}

export function equationsOf(
  index: TapeIndex,
  symbols: Symbols,
  { layers: found, reason, composites, costRegion }: FoundLayers,
  target: Target,
  limit: number,
): FoundEquations {
  if (reason !== null) return { section: { status: "refused", reason }, outputError: null, composites };
  const layers = found.map((layer) => layerNumbers(index, layer));
  const last = layers[layers.length - 1];
  const epsilon = epsilonOf(index.tape.output.dtype);
  const entryOf = entries(index, layers, target);
  const output = entryOf(layers.length - 1);
  const value = index.valuesOf(index.tape.output)[0];
  const tolerance = epsilon > 1e-10 ? 1e-4 : 1e-9;
  const isLinear = costRegion.length > 0 && !costRegion.some((id) => bends(index, id));
  const cost = costForm(last, value, [output.example, output.output], tolerance, limit, isLinear);
  const context: Context = { index, symbols, layers, cost, epsilon, limit, entryOf };
  const section: Equations = {
    status: "recognised",
    examples: last.z.rows,
    layers: layers.map((layer, l) => layerEntry(index, layer, l)),
    cost: cost.form,
    list: layers
      .map((_, l) => l)
      .reverse()
      .flatMap((l) => [
        l === layers.length - 1 ? equation1(context, l) : equation2(context, l),
        ...(layers[l].bias === null ? [] : [equation3(context, l)]),
        equation4(context, l),
      ]),
  };
  const whole = { name: "cost", operations: new Set(costRegion), output: index.tape.output };
  const isOne = cost.cancels && costRegion.length > 0;
  return {
    section,
    outputError: outputError(last, cost),
    composites: isOne
      ? new Map([...composites, ...costRegion.map((id) => [id, whole] as const)])
      : composites,
  };
}

/** Is this operation no linear function of what varies? A product of two values that vary is not. */
function bends(index: TapeIndex, id: number): boolean {
  const operation = index.operation(id);
  const isConstant = (node: Node): boolean => index.isConstant(node);
  const isProduct = operation.primitive.name === "mul" || operation.primitive.name === "dot";
  const varying = operation.inputs.filter((input) => !isConstant(input)).length;
  return !isLinearHere(operation, isConstant) || (isProduct && varying > 1);
}

/** `0.1 (0.10356 − 1)`: what the cost's derivative towards a logit is made of. */
function outputError({ found, z }: LayerNumbers, cost: FoundCost): FoundEquations["outputError"] {
  const { cancels, output, target, scale } = cost;
  if (!cancels || output === null || target === null || scale === null) return null;
  return {
    z: found.z,
    of(flat) {
      const [m, n] = [z.rows, z.columns];
      const position = found.outputsFirst ? (flat % m) * n + Math.floor(flat / m) : flat;
      const error = `${show(output.data[position], 5)} − ${show(target.data[position], 5)}`;
      return numbers(scale === 1 ? error : `${show(scale)} (${error})`);
    },
  };
}

/** The entry of each layer that formulas show: the target's own in its layer, elsewhere that of the largest error. */
function entries(index: TapeIndex, layers: readonly LayerNumbers[], target: Target): Context["entryOf"] {
  const leaf = index.nodes[target.node];
  return (l) => {
    const { found, weight, bias, delta } = layers[l];
    const largest = steepest(delta);
    let output = largest % delta.columns;
    let input = 0;
    let isChosen = false;
    const at = target.index.reduce((flat, i, axis) => flat * leaf.shape[axis] + i, 0);
    if (leaf === found.weight && target.index.length === 2) {
      [output, input] = found.stored === "outIn" ? target.index : [target.index[1], target.index[0]];
      isChosen = true;
    } else if (leaf === found.bias && bias !== null) {
      output = Math.max(0, bias.of.indexOf(at));
      isChosen = true;
    } else if (leaf === found.input && found.inputOperand.shape.length > 0)
      for (let i = 0; i < weight.columns; i++)
        if (sourceOf(index, found.inputOperand, leaf, i) === at) input = i;
    // the example that contributes most to it
    let example = isChosen ? 0 : Math.floor(largest / delta.columns);
    for (let e = 1; isChosen && e < delta.rows; e++)
      if (
        Math.abs(delta.data[e * delta.columns + output]) >
        Math.abs(delta.data[example * delta.columns + output])
      )
        example = e;
    return { example, output, input };
  };
}

/** The position of the largest magnitude. */
function steepest({ data }: Dense): number {
  let best = 0;
  for (let i = 1; i < data.length; i++) if (Math.abs(data[i]) > Math.abs(data[best])) best = i;
  return best;
}

function layerEntry(index: TapeIndex, { found, weight }: LayerNumbers, l: number): Layer {
  return {
    layer: l + 1,
    weight: index.idOf(found.weight),
    bias: found.bias === null ? null : index.idOf(found.bias),
    input: index.idOf(found.input),
    z: index.idOf(found.z),
    a: found.a === null ? null : index.idOf(found.a),
    inputs: weight.columns,
    outputs: weight.rows,
    activation: found.activation,
    stored: found.stored,
  };
}
