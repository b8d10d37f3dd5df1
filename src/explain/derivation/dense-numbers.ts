/** An affine map in numbers: what the textbook's formulas give, and what the graph's own lines give. */
import type { Node } from "../../transforms/tape.js";
import { type Dense, hadamard, times, transposed } from "../dense.js";
import { layerNumbers } from "../layer-numbers.js";
import type { FoundLayer } from "../layers.js";
import { largest } from "../numbers.js";
import type { TapeIndex } from "../tape-index.js";
import type { Activation } from "./activations.js";
import type { Match } from "./block.js";
import { pullBack } from "./pull.js";

/** More multiplications than this are not worth a second look. */
const largestProduct = 30_000_000;

/** An affine map, the function behind it, and the operations both are made of. */
export interface Found {
  readonly layer: FoundLayer;
  readonly activation: Activation | null;
  readonly operations: readonly number[];
}

export function sizeOf({ shape }: Node): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** Inputs and outputs; one and one of a single neuron. */
export function extentsOf({ weightOperand: { shape }, weightAxis }: FoundLayer): readonly [number, number] {
  return shape.length === 0 ? [1, 1] : [shape[weightAxis], shape[1 - weightAxis]];
}

/** Whether its products are cheap enough to compute them again. */
export const isSmall = (rows: number, columns: number, inner: number): boolean =>
  rows * columns * inner <= largestProduct;

function total(rows: Dense): Float64Array {
  const sums = new Float64Array(rows.columns);
  rows.data.forEach((value, i) => {
    sums[i % rows.columns] += value;
  });
  return sums;
}

/** z and a by the formulas, against those of the graph. */
export function forwardMatches(index: TapeIndex, { layer, activation }: Found): Match[] {
  const numbers = layerNumbers(index, layer);
  const z = times(numbers.input, transposed(numbers.weight));
  if (layer.bias !== null && numbers.bias !== null) {
    const b = index.valuesOf(layer.bias);
    const { of } = numbers.bias;
    for (let i = 0; i < z.data.length; i++) z.data[i] += b[of[i % z.columns]];
  }
  const term = largest(numbers.input.data) * largest(numbers.weight.data);
  const matches: Match[] = [{ textbook: z.data, lines: numbers.z.data, term }];
  if (activation !== null && numbers.a !== null)
    matches.push({ textbook: numbers.z.data.map(activation.value), lines: numbers.a.data });
  return matches;
}

/** δ, and the gradients of weight, bias and input, by the formulas, against those of the graph's own lines. */
export function backwardMatches(index: TapeIndex, { layer, activation, operations }: Found): Match[] {
  const numbers = layerNumbers(index, layer);
  const { input, weight, z } = numbers;
  const end = layer.a ?? layer.z;
  const bar = index.adjointOf(end);
  if (bar === null) return [];
  const pulled = pullBack(index, operations, end, bar);
  // one row an example, as the numbers of the layer are
  const rowsOf = (values: ArrayLike<number>): Dense => {
    const data = new Float64Array(z.data.length);
    for (let e = 0; e < z.rows; e++)
      for (let j = 0; j < z.columns; j++)
        data[e * z.columns + j] = values[layer.outputsFirst ? j * z.rows + e : e * z.columns + j];
    return { ...z, data };
  };
  const slopes = { ...z, data: z.data.map((value) => activation?.derivative(value) ?? 1) };
  const delta = hadamard(rowsOf(bar), slopes);
  const matches: Match[] = [{ textbook: delta.data, lines: rowsOf(pulled.get(layer.z) ?? []).data }];
  const towardsWeight = times(transposed(delta), input);
  const weightBar = pulled.get(layer.weightOperand);
  if (weightBar !== undefined)
    matches.push({
      textbook: (layer.weightAxis === 0 ? transposed(towardsWeight) : towardsWeight).data,
      lines: weightBar,
      term: largest(delta.data) * largest(input.data),
    });
  const inputBar = pulled.get(layer.inputOperand);
  const isRow = layer.inputAxis === layer.inputOperand.shape.length - 1;
  if (inputBar !== undefined) {
    const towardsInput = times(delta, weight);
    matches.push({
      textbook: (isRow ? towardsInput : transposed(towardsInput)).data,
      lines: inputBar,
      term: largest(delta.data) * largest(weight.data),
    });
  }
  if (layer.biasOperand !== null) {
    const biasBar = pulled.get(layer.biasOperand);
    if (biasBar !== undefined) {
      const rows = biasBar.length === z.data.length ? total(rowsOf(biasBar)) : biasBar;
      matches.push({ textbook: total(delta), lines: rows, term: largest(delta.data) });
    }
  }
  return matches;
}
