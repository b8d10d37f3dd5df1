/** Notes 002, third part: the five-step algorithm, the exercises, and what backpropagation costs. */
import { describe, expect, it } from "vitest";
import { concat, grad, type Tensor, vmap } from "../../src/index.js";
import {
  expectClose,
  f64,
  feedForward,
  flopsOf,
  type Layer,
  network,
  normal64,
  num,
  quadratic,
  sigma,
  sigmaPrime,
} from "./support.js";

const zip = (p: readonly number[], q: readonly number[], f: (a: number, b: number) => number) =>
  p.map((v, i) => f(v, q[i]));
const dot = (p: readonly number[], q: readonly number[]): number =>
  zip(p, q, (a, b) => a * b).reduce((s, v) => s + v, 0);

/** Activation and derivative of neuron j in layer l. */
type Neuron = (z: number, l: number, j: number) => number;

/** The five steps on one example, in plain arrays: no tensors, no library. */
function backprop(
  net: readonly { w: number[][]; b: number[] }[],
  x: number[],
  y: number[],
  f: Neuron = sigma,
  fPrime: Neuron = sigmaPrime,
) {
  const a = [x]; // 1. input
  const z: number[][] = [];
  net.forEach(({ w, b }, l) => {
    // 2. feedforward
    z.push(w.map((row, j) => dot(row, a[l]) + b[j]));
    a.push(z[l].map((zj, j) => f(zj, l, j)));
  });
  const last = net.length - 1;
  // 3. output error (BP1)
  const deltas: number[][] = [];
  deltas[last] = z[last].map((zj, j) => (a[last + 1][j] - y[j]) * fPrime(zj, last, j));
  // 4. backpropagate (BP2)
  for (let l = last - 1; l >= 0; l--)
    deltas[l] = z[l].map(
      (zk, k) => fPrime(zk, l, k) * net[l + 1].w.reduce((s, row, j) => s + row[k] * deltas[l + 1][j], 0),
    );
  // 5. gradients (BP3, BP4)
  return net.map((_, l) => ({ b: deltas[l], w: deltas[l].map((dj) => a[l].map((ak) => ak * dj)) }));
}

const plain = (net: readonly Layer[]) =>
  net.map(({ w, b }) => ({ w: w.arraySync<number[][]>(), b: b.arraySync<number[]>() }));

describe("notes 002: the algorithm", () => {
  it("29: the five steps, averaged over a mini-batch, are grad of the mean cost", () => {
    const net = network(29, [3, 5, 4, 2]);
    const X = normal64(291, [7, 3]);
    const Y = normal64(292, [7, 2]).sigmoid();
    const examples = X.arraySync<number[][]>().map((x, i) =>
      backprop(plain(net), x, Y.arraySync<number[][]>()[i]),
    );
    const cost = (layers: typeof net): Tensor =>
      vmap((x: Tensor, y: Tensor) => quadratic(feedForward(layers, x), y))(X, Y).mean();
    const g = grad(cost)(net);
    net.forEach(({ w, b }, l) => {
      const mean = (of: (one: (typeof examples)[number]) => readonly number[]): number[] =>
        examples
          .map(of)
          .reduce((p, q) => zip(p, q, (s, v) => s + v), Array<number>(of(examples[0]).length).fill(0))
          .map((s) => s / 7);
      expectClose(
        g[l].b,
        mean((one) => one[l].b),
      );
      expectClose(
        g[l].w.flatten(),
        mean((one) => one[l].w.flat()),
      );
      // and the update the book makes of them, w ← w − η/m Σ
      expect(g[l].w.shape).toEqual(w.shape);
      expect(g[l].b.shape).toEqual(b.shape);
    });
  });

  it("30: one modified neuron changes its own σ′ to f′, in the forward pass too", () => {
    const net = network(30, [3, 4, 2]);
    const [x, y] = [normal64(301, [3]), f64([0.3, 0.6])];
    // neuron 2 of the hidden layer computes tanh instead of σ
    const cost = (layers: readonly Layer[]): Tensor => {
      const z = layers[0].w.matmul(x).add(layers[0].b);
      const hidden = concat([z.slice([0, 2]).sigmoid(), z.slice([2, 3]).tanh(), z.slice([3, 4]).sigmoid()]);
      return quadratic(layers[1].w.matmul(hidden).add(layers[1].b).sigmoid(), y);
    };
    const modified: Neuron = (z, l, j) => (l === 0 && j === 2 ? Math.tanh(z) : sigma(z));
    const modifiedPrime: Neuron = (z, l, j) => (l === 0 && j === 2 ? 1 - Math.tanh(z) ** 2 : sigmaPrime(z));
    const xs = x.arraySync<number[]>();
    const ys = y.arraySync<number[]>();
    const byHand = backprop(plain(net), xs, ys, modified, modifiedPrime);
    const g = grad(cost)(net);
    for (const l of [0, 1]) {
      expectClose(g[l].w, byHand[l].w);
      expectClose(g[l].b, byHand[l].b);
    }
    // f′ alone, with σ left in the forward pass, is another answer
    const half = backprop(plain(net), xs, ys, sigma, modifiedPrime);
    expect(Math.abs(half[1].b[0] - byHand[1].b[0])).toBeGreaterThan(1e-4);
  });

  it("31: linear neurons have σ′ = 1, and their error goes back through the weights alone", () => {
    const net = network(31, [3, 4, 2]);
    const [x, y] = [normal64(311, [3]), f64([0.3, 0.6])];
    const linear = (layers: readonly Layer[]): Tensor =>
      layers.reduce((a, { w, b }) => w.matmul(a).add(b), x);
    const g = grad((layers: typeof net) => quadratic(linear(layers), y))(net);
    const delta = linear(net).sub(y);
    expectClose(g[1].b, delta);
    expectClose(g[0].b, net[1].w.transpose().matmul(delta));
    const byHand = backprop(
      plain(net),
      x.arraySync<number[]>(),
      y.arraySync<number[]>(),
      (z) => z,
      () => 1,
    );
    expectClose(g[0].w, byHand[0].w);
  });

  it("32: backpropagation runs the function once and costs a few forward passes, differences one run a weight", () => {
    const ratio = (width: number) => {
      const net = network(32, [width, width, width]);
      const [x, y] = [normal64(321, [width]), normal64(322, [width])];
      const flat = [net[0].w, net[0].b, net[1].w, net[1].b];
      const cost = (...p: Tensor[]): Tensor =>
        quadratic(
          feedForward(
            [
              { w: p[0], b: p[1] },
              { w: p[2], b: p[3] },
            ],
            x,
          ),
          y,
        );
      const all = grad(cost, { argnums: [0, 1, 2, 3] }) as (...p: Tensor[]) => Tensor[];
      const weights = flat.reduce((sum, p) => sum + p.size, 0);
      return { backward: flopsOf(all, ...flat) / flopsOf(cost, ...flat), perturbed: weights + 1 };
    };
    // forward 2·w² a layer; backward the same again for δ, and w² for δaᵀ: at most three forward passes in the limit
    const [small, large] = [ratio(16), ratio(64)];
    expect(large.backward).toBeLessThan(4);
    expect(large.backward).toBeGreaterThan(1);
    expect(large.backward).toBeLessThan(1.2 * small.backward);
    expect(large.perturbed).toBe(2 * (64 * 64 + 64) + 1);

    // counted in runs of the function: one against one a weight and the unperturbed one
    let runs = 0;
    const counted = (w: Tensor): Tensor => {
      runs++;
      return w.sigmoid().sum();
    };
    const w = normal64(323, [30]);
    const g = grad(counted)(w);
    expect(runs).toBe(1);
    runs = 0;
    const base = num(counted(w));
    const values = w.arraySync<number[]>();
    const slopes = values.map((v, i) => (num(counted(f64(values.with(i, v + 1e-6)))) - base) / 1e-6);
    expect(runs).toBe(31);
    // one-sided: ½ C″ h < 1e-7, and rounding of a sum near 15 by 1e-6: 2e-15 / 1e-6
    expectClose(f64(slopes), g, 1e-7);
  });
});
