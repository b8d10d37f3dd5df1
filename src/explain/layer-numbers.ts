/** The matrices of a dense network: activations, weights, weighted inputs and their adjoints, one row an example. */
import { constantNode, type Node, readValue } from "../transforms/tape.js";
import { type Dense, dense } from "./dense.js";
import { type FoundLayer, sourceOf } from "./layers.js";
import type { TapeIndex } from "./tape-index.js";

/** A layer in numbers; m examples, n outputs, k inputs. */
export interface LayerNumbers {
  readonly found: FoundLayer;
  /** [m×k] what the layer is fed. */
  readonly input: Dense;
  /** [n×k] */
  readonly weight: Dense;
  /** [m×n] */
  readonly z: Dense;
  /** [m×n] δ = ∂C/∂z by the tape. */
  readonly delta: Dense;
  /** [m×n] ∂C/∂a by the tape; null where there is no a, or it is z. */
  readonly towardsA: Dense | null;
  /** [m×n] the activation; null for logits. */
  readonly a: Dense | null;
  /** [n×k] ∂C/∂W by the tape. */
  readonly towardsWeight: Dense;
  /** ∂C/∂b by the tape, in the bias's own order, and which element of it each output adds. */
  readonly bias: { readonly gradient: Float64Array; readonly of: readonly number[] } | null;
  /** Cotangents of a [m×n] → cotangents of z [m×n]. */
  through(cotangents: Dense): Dense;
}

export function layerNumbers(index: TapeIndex, found: FoundLayer): LayerNumbers {
  const { weightOperand, weightAxis, inputOperand, inputAxis, z, a } = found;
  const isNeuron = weightOperand.shape.length === 0;
  const k = isNeuron ? 1 : weightOperand.shape[weightAxis];
  const n = isNeuron ? 1 : weightOperand.shape[1 - weightAxis];
  const m = Math.round(size(inputOperand) / k);
  const weights = index.valuesOf(weightOperand);
  const weightAt = (j: number, i: number): number =>
    isNeuron ? 0 : weightAxis === 1 ? j * k + i : i * n + j;
  const inputAt = positions(inputOperand.shape, inputAxis, k);
  const inputs = index.valuesOf(inputOperand);
  const zAt = (e: number, j: number): number => (found.outputsFirst ? j * m + e : e * n + j);
  const rows = (values: ArrayLike<number> | null): Dense =>
    dense(m, n, (e, j) => (values === null ? 0 : values[zAt(e, j)]));
  const gradient = index.adjointOf(found.weight);
  return {
    found,
    input: dense(m, k, (e, i) => inputs[inputAt(e, i)]),
    weight: dense(n, k, (j, i) => weights[weightAt(j, i)]),
    z: rows(index.valuesOf(z)),
    delta: rows(index.adjointOf(z)),
    a: a === null ? null : rows(index.valuesOf(a)),
    towardsA: a === null || a === z ? null : rows(index.adjointOf(a)),
    towardsWeight: dense(n, k, (j, i) => {
      if (gradient === null) return 0;
      return gradient[isNeuron ? 0 : sourceOf(index, weightOperand, found.weight, weightAt(j, i))];
    }),
    bias: biasNumbers(index, found, n, zAt),
    through: (cotangents) => {
      if (a === null || a === z) return cotangents;
      const flat = new Float64Array(m * n);
      for (let e = 0; e < m; e++) for (let j = 0; j < n; j++) flat[zAt(e, j)] = cotangents.data[e * n + j];
      const pulled = pullThrough(index, found, flat);
      return dense(m, n, (e, j) => pulled[zAt(e, j)]);
    },
  };
}

function size({ shape }: Node): number {
  return shape.reduce((total, extent) => total * extent, 1);
}

/** Where example e, element i of the contracted axis is. */
function positions(shape: readonly number[], axis: number, extent: number): (e: number, i: number) => number {
  if (shape.length === 0) return () => 0;
  const inner = shape.slice(axis + 1).reduce((total, n) => total * n, 1);
  return (e, i) => Math.floor(e / inner) * extent * inner + i * inner + (e % inner);
}

function biasNumbers(
  index: TapeIndex,
  { bias, biasOperand }: FoundLayer,
  n: number,
  zAt: (e: number, j: number) => number,
): LayerNumbers["bias"] {
  if (bias === null || biasOperand === null) return null;
  const bar = index.adjointOf(bias);
  const gradient = bar === null ? new Float64Array(size(bias)) : Float64Array.from(bar);
  const of = Array.from({ length: n }, (_, j) =>
    size(biasOperand) === 1 ? 0 : sourceOf(index, biasOperand, bias, zAt(0, j)),
  );
  return { gradient, of };
}

/** z̄ from ā, through the operations between them and nothing else. */
function pullThrough(
  index: TapeIndex,
  { z, a, region }: FoundLayer,
  cotangents: Float64Array,
): ArrayLike<number> {
  if (a === null) return cotangents;
  const data = a.dtype === "float64" ? cotangents : Float32Array.from(cotangents);
  const bars = new Map<Node, Node[]>([[a, [constantNode(a.shape, a.dtype, data)]]]);
  const inside = new Set<Node>([z]);
  for (const id of region) for (const output of index.operation(id).outputs) inside.add(output);
  for (const id of [...region].reverse()) {
    const { primitive, inputs, outputs, params } = index.operation(id);
    const received = outputs.map((output) => total(bars.get(output)));
    if (primitive.vjp === "none" || received.every((bar) => bar === null)) continue;
    const needs = inputs.map((input) => inside.has(input));
    const given = primitive.vjp({ primals: inputs, outputs, cotangents: received, params, needs });
    inputs.forEach((input, position) => {
      const bar = given[position];
      if (bar !== null && needs[position]) bars.set(input, [...(bars.get(input) ?? []), bar]);
    });
  }
  const bar = total(bars.get(z));
  return bar === null ? new Float64Array(cotangents.length) : readValue(bar);
}

function total(bars: readonly Node[] | undefined): Node | null {
  if (bars === undefined) return null;
  const [first, ...rest] = bars;
  if (rest.length === 0) return first;
  const sum = readValue(first).slice();
  for (const bar of rest) {
    const values = readValue(bar);
    for (let i = 0; i < sum.length; i++) sum[i] += values[i];
  }
  return constantNode(first.shape, first.dtype, sum);
}
