/** Numbers of a network at a point: for each layer its weights, gradients, backpropagated signal and activations. */
import type { Node } from "../../transforms/tape.js";
import { fromReal, real } from "../numbers.js";
import type { TapeIndex } from "../tape-index.js";
import { type Anatomy, type LayerNodes, type Occurrence, sizeOf } from "./anatomy.js";
import type { ActivationHealth, LayerHealth, Spread } from "./document.js";
import type { Thresholds } from "./thresholds.js";

/** A layer's numbers, without those that take training. */
export type MeasuredLayer = Omit<LayerHealth, "updateRatio">;

/** What numbers are like. */
export function spreadOf(values: ArrayLike<number>): Spread {
  let [total, squares, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const count = Math.max(1, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    total += value;
    squares += value * value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = total / count;
  let about = 0;
  for (let i = 0; i < values.length; i++) about += (values[i] - mean) ** 2;
  return {
    mean: real(mean),
    deviation: real(Math.sqrt(about / count)),
    rms: real(Math.sqrt(squares / count)),
    min: real(values.length === 0 ? Number.NaN : min),
    max: real(values.length === 0 ? Number.NaN : max),
  };
}

/** √(Σ squares) */
export function normOf(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += values[i] * values[i];
  return Math.sqrt(squares);
}

/** ∂C/∂node, zeros where the cost does not depend on it. */
export function adjointValues(index: TapeIndex, node: Node): ArrayLike<number> {
  return index.adjointOf(node) ?? new Float64Array(sizeOf(node));
}

/** All layers, with their signals set against the last one's. */
export function measureLayers(anatomy: Anatomy, thresholds: Thresholds): MeasuredLayer[] {
  const measured = anatomy.layers.map((layer) => measureLayer(anatomy, layer, thresholds));
  const last = fromReal(measured.at(-1)?.signal ?? 0);
  return measured.map((layer) => ({ ...layer, signalRatio: real(fromReal(layer.signal) / last) }));
}

/**
 * The rms of ∂C/∂z over examples and units at every use of a layer. What a weight's gradient adds up, as the places of a
 * convolution, is added up here too (squares under the root), or the finer a layer's grid the smaller its errors would seem.
 */
export function signalsOf(
  { index, examples }: Pick<Anatomy, "index" | "examples">,
  layer: LayerNodes,
): number[] {
  const count = Math.sqrt(examples * layer.units);
  return layer.uses.map(({ output }) => normOf(adjointValues(index, output)) / count);
}

function measureLayer(anatomy: Anatomy, layer: LayerNodes, thresholds: Thresholds): MeasuredLayer {
  const { index } = anatomy;
  const weights = index.valuesOf(layer.weight);
  const gradient = adjointValues(index, layer.weight);
  const weight = spreadOf(weights);
  return {
    layer: layer.name,
    uses: layer.uses.length,
    weight,
    gradient: spreadOf(gradient),
    weightNorm: real(normOf(weights)),
    gradientNorm: real(normOf(gradient)),
    gain: real(fromReal(weight.rms) * Math.sqrt(layer.fanIn)),
    signal: real(Math.max(...signalsOf(anatomy, layer))),
    signalRatio: 0,
    activation: activationHealth(index, layer, thresholds),
  };
}

/** The activations behind a layer, taken together; those of another kind than the first are left out. */
function activationHealth(
  index: TapeIndex,
  layer: LayerNodes,
  { saturatedSlope }: Thresholds,
): ActivationHealth | null {
  const [first] = layer.activations;
  if (first === undefined) return null;
  const { kind } = first;
  const same = layer.activations.filter(
    (one) => one.kind === kind && one.input.shape.join() === first.input.shape.join(),
  );
  const units = new Units(first, layer.weight);
  const flat = saturatedSlope * kind.steepest;
  const outputs: number[] = [];
  let [slopes, saturated] = [0, 0];
  for (const { input, output } of same) {
    const z = index.valuesOf(input);
    const a = index.valuesOf(output);
    for (let i = 0; i < z.length; i++) {
      const slope = Math.abs(kind.slope(z[i], a[i]));
      const isFlat = slope < flat;
      slopes += slope;
      if (isFlat) saturated++;
      units.add(i, isFlat, a[i]);
      outputs.push(a[i]);
    }
  }
  const count = Math.max(1, outputs.length);
  return {
    name: kind.name,
    units: units.count,
    saturated: real(saturated / count),
    slope: real(slopes / count),
    dead: units.dead(),
    silent: units.silent(),
    output: spreadOf(outputs),
  };
}

/** What is known of each unit of a layer over the examples. */
class Units {
  readonly count: number;
  private readonly inner: number;
  private readonly alive: Uint8Array;
  private readonly highest: Float64Array;

  /** The units are the last axis; in a convolution, whose weight has more than two, they are channels: axis 1. */
  constructor({ output: { shape } }: Occurrence, weight: Node) {
    const axis = weight.shape.length > 2 && shape[1] === weight.shape[0] ? 1 : shape.length - 1;
    this.count = axis < 0 ? 1 : shape[axis];
    this.inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
    this.alive = new Uint8Array(this.count);
    this.highest = new Float64Array(this.count);
  }

  add(position: number, isFlat: boolean, a: number): void {
    const unit = Math.floor(position / this.inner) % this.count;
    if (!isFlat) this.alive[unit] = 1;
    if (Math.abs(a) > this.highest[unit]) this.highest[unit] = Math.abs(a);
  }

  dead(): number {
    return this.alive.reduce((count, alive) => count + (alive === 0 ? 1 : 0), 0);
  }

  silent(): number {
    const most = this.highest.reduce((a, b) => Math.max(a, b), 0);
    return this.highest.reduce((count, high) => count + (high <= most / 100 ? 1 : 0), 0);
  }
}
