/** What the tests of the study notes share: float64 tensors, comparison, differences, counting, a small network. */
import { expect } from "vitest";
import { traceGraph } from "../../src/graph/graph.js";
import type { Node } from "../../src/graph/node.js";
import { graphOf, isTensor, random, type Tensor, type TensorData, tensor } from "../../src/index.js";

/** A float64 tensor: the notes' numbers are meant exactly. */
export function f64(data: TensorData): Tensor {
  return tensor(data, { dtype: "float64" });
}

/** Standard normal numbers in float64, the same for the same seed. */
export function normal64(seed: number, shape: readonly number[]): Tensor {
  return random.normal(random.key(seed), { shape, dtype: "float64" });
}

export type Expected = Tensor | TensorData;

/**
 * Shapes equal, and every element within `tolerance` of the expected one, measured against max(1, |expected|). The
 * default, 1e-12, is some 4,500 roundings of float64: the computations here have below a hundred, on numbers near 1.
 */
export function expectClose(actual: Tensor, expected: Expected, tolerance = 1e-12): void {
  const wanted = isTensor(expected) ? expected : f64(expected);
  expect(actual.shape).toEqual(wanted.shape);
  const got = actual.dataSync();
  const want = wanted.dataSync();
  for (let i = 0; i < want.length; i++) {
    const allowed = tolerance * Math.max(1, Math.abs(want[i]));
    if (!(Math.abs(got[i] - want[i]) <= allowed))
      expect.fail(`element ${i}: expected ${want[i]} ± ${allowed}, received ${got[i]}\n${String(actual)}`);
  }
}

/** The number in a tensor of one element. */
export function num(x: Tensor): number {
  return x.itemSync();
}

/** σ and σ′ in plain numbers, for what is worked by hand. */
export const sigma = (z: number): number => 1 / (1 + Math.exp(-z));
export const sigmaPrime = (z: number): number => sigma(z) * (1 - sigma(z));

/** σ′(z) written as the notes do, a(1 − a), from plain operations. */
export function sigmaPrimeOf(z: Tensor): Tensor {
  const a = z.sigmoid();
  return a.mul(a.neg().add(1));
}

/**
 * ∂f/∂x by centred differences, two runs an element. With h = 1e-5 the error is h²f‴/6 ≈ 2e-11 and the rounding
 * 1e-16 · |f| / h ≈ 1e-11, so 1e-8 is a safe tolerance for functions of moderate size.
 */
export function centredDifferences(f: (x: Tensor) => Tensor, x: Tensor, h = 1e-5): Tensor {
  const values = Float64Array.from(x.dataSync());
  const at = (i: number, value: number): number => {
    const moved = values.slice();
    moved[i] = value;
    return num(f(tensor(moved, { shape: x.shape })));
  };
  const slopes = values.map((value, i) => (at(i, value + h) - at(i, value - h)) / (2 * h));
  return tensor(slopes, { shape: x.shape });
}

/** The recorded graph of a function of tensors. */
export function recordedGraph(f: (...inputs: Tensor[]) => Tensor | readonly Tensor[], ...inputs: Tensor[]) {
  return traceGraph("jit", inputs, (leaves: Node[]) => {
    const result = f(...(leaves as Tensor[]));
    return isTensor(result) ? [result] : result;
  });
}

/** Floating-point operations of one evaluation. */
export function flopsOf(f: (...inputs: Tensor[]) => Tensor | readonly Tensor[], ...inputs: Tensor[]): number {
  return graphOf(f, ...inputs).cost().flops;
}

/** One layer as the notes of chapter 2 write it: w[j][k] leads from neuron k of the layer before to neuron j. */
export interface Layer {
  readonly w: Tensor;
  readonly b: Tensor;
}

/** Layers of the given widths with standard normal weights and biases. */
export function network(seed: number, widths: readonly number[]): Layer[] {
  return widths.slice(1).map((width, l) => ({
    w: normal64(seed * 100 + 2 * l, [width, widths[l]]),
    b: normal64(seed * 100 + 2 * l + 1, [width]),
  }));
}

/** a ← σ(w a + b) through every layer, on one example as a column (a vector). */
export function feedForward(layers: readonly Layer[], x: Tensor): Tensor {
  return layers.reduce((a, { w, b }) => w.matmul(a).add(b).sigmoid(), x);
}

/** ½‖a − y‖², the cost of chapter 2. */
export function quadratic(a: Tensor, y: Tensor | number): Tensor {
  return a.sub(y).square().sum().mul(0.5);
}

/** z and a of every layer; index 0 is the input (its z is unused). */
export function snapshots(layers: readonly Layer[], x: Tensor): { z: Tensor[]; a: Tensor[] } {
  const z = [x];
  const a = [x];
  for (const { w, b } of layers) {
    z.push(w.matmul(a[a.length - 1]).add(b));
    a.push(z[z.length - 1].sigmoid());
  }
  return { z, a };
}

/** ½‖a − y‖² with a nudge added to every z: the derivative towards a nudge at zero is the notes' δ = ∂C/∂z. */
export function nudgedCost(
  layers: readonly Layer[],
  nudges: readonly Tensor[],
  x: Tensor,
  y: Tensor,
): Tensor {
  const out = layers.reduce((a, { w, b }, l) => w.matmul(a).add(b).add(nudges[l]).sigmoid(), x);
  return quadratic(out, y);
}
