/** Notes 002, first part: the notation, the cost, the Hadamard product, δ and the layouts of derivatives. */
import { describe, expect, it } from "vitest";
import { grad, jacobian, matmul, type Tensor, vmap } from "../../src/index.js";
import {
  expectClose,
  f64,
  feedForward,
  network,
  normal64,
  nudgedCost,
  num,
  quadratic,
  recordedGraph,
  sigma,
} from "./support.js";

describe("notes 002: notation and assumptions", () => {
  it("19: w[j][k] leads from neuron k to neuron j, and the matrix form says the same as the indices", () => {
    const [layer] = network(19, [3, 2]);
    const a = normal64(191, [3]);
    const w = layer.w.arraySync<number[][]>();
    const b = layer.b.arraySync<number[]>();
    const previous = a.arraySync<number[]>();
    const byIndex = w.map((row, j) => sigma(row.reduce((sum, wjk, k) => sum + wjk * previous[k], 0) + b[j]));
    expect(layer.w.shape).toEqual([2, 3]);
    expectClose(layer.w.matmul(a).add(layer.b).sigmoid(), byIndex);
    // moving w[1][2] moves neuron 1 alone, in proportion to a[2]
    const towards = jacobian((weights: Tensor) => weights.matmul(a).add(layer.b))(layer.w);
    expectClose(towards.slice(null, 1, 2), [0, previous[2]]);
  });

  it("20: the cost is a mean over examples and a function of the outputs alone; y is held constant", () => {
    const layers = network(20, [3, 4, 2]);
    const X = normal64(201, [5, 3]);
    const Y = normal64(202, [5, 2]).sigmoid();
    const one = (net: typeof layers, x: Tensor, y: Tensor): Tensor => quadratic(feedForward(net, x), y);
    const C = (net: typeof layers): Tensor => vmap((x: Tensor, y: Tensor) => one(net, x, y))(X, Y).mean();
    // C = (1/n) Σ C_x, so its gradient is the mean of theirs
    const whole = grad(C)(layers);
    const sum = [0, 1, 2, 3, 4]
      .map((i) => grad(one)(layers, X.slice(i), Y.slice(i))[0].w)
      .reduce((p, q) => p.add(q));
    expectClose(whole[0].w, sum.div(5));
    // a function of a^L: the weights matter through the outputs only
    const out = feedForward(layers, X.slice(0));
    const throughOutputs = grad((a: Tensor) => quadratic(a, Y.slice(0)))(out);
    const outputsByWeights = jacobian((w: Tensor) =>
      feedForward([{ ...layers[0], w }, layers[1]], X.slice(0)),
    )(layers[0].w);
    const direct = grad(one)(layers, X.slice(0), Y.slice(0))[0].w;
    expectClose(matmul(throughOutputs, outputsByWeights.reshape([2, 12])).reshape([4, 3]), direct);
    // y is a parameter of the function, not a variable: asked for, its derivative exists, but no one asks
    const recorded = recordedGraph((a: Tensor) => grad((at: Tensor) => quadratic(at, Y.slice(0)))(a), out);
    expect(recorded.inputs).toHaveLength(1);
    const asFunctionOfBoth = (a: Tensor, t: Tensor): Tensor => quadratic(a, t);
    expectClose(grad(asFunctionOfBoth, { argnums: 1 })(out, Y.slice(0)), throughOutputs.neg());
  });

  it("21: mul is the Hadamard product", () => {
    expectClose(f64([[1], [2]]).mul(f64([[3], [4]])), [[3], [8]]);
    const [a, b] = [normal64(211, [2, 3]), normal64(212, [2, 3])];
    const byHand = a
      .arraySync<number[][]>()
      .map((row, i) => row.map((v, j) => v * b.arraySync<number[][]>()[i][j]));
    expectClose(a.mul(b), byHand);
    expectClose(jacobian((v: Tensor) => v.mul(f64([3, 4])))(f64([1, 2])), [
      [3, 0],
      [0, 4],
    ]);
  });

  it("22: δ = ∂C/∂z is what a small change of a neuron's weighted input does to the cost", () => {
    const layers = network(22, [2, 3, 2]);
    const [x, y] = [normal64(221, [2]), f64([1, 0])];
    const zero = layers.map(({ b }) => b.mul(0));
    const delta = grad(nudgedCost, { argnums: 1 })(layers, zero, x, y);
    const C = (nudges: readonly Tensor[]): number => num(nudgedCost(layers, nudges, x, y));
    for (const [l, j] of [
      [0, 0],
      [0, 2],
      [1, 1],
    ]) {
      const move = 1e-5;
      const nudged = (sign: number): Tensor[] =>
        zero.map((n, k) => {
          const values = n.arraySync<number[]>();
          if (k === l) values[j] = sign * move;
          return f64(values);
        });
      const slope = (C(nudged(1)) - C(nudged(-1))) / (2 * move);
      // truncation h² C‴ / 6 < 1e-10, rounding 1e-16 / 1e-5
      expect(Math.abs(slope - num(delta[l].slice(j)))).toBeLessThan(1e-9);
    }
  });

  it("23: jacobian is in numerator layout, and the denominator layout is its transpose", () => {
    const w = f64([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const z = (at: Tensor): Tensor => w.matmul(at);
    const x = f64([0.1, 0.2, 0.3]);
    const numerator = jacobian(z)(x);
    // numerator layout: row i is output i, column j is input j
    expectClose(numerator, w);
    const denominator = numerator.transpose();
    expect(denominator.shape).toEqual([3, 2]);
    // the book's J_ij = ∂a_j/∂z_i: entry [i, j] of the transpose
    expectClose(denominator.slice(2, 0), numerator.slice(0, 2));
    // products of Jacobians read outermost first in one layout, innermost first in the other
    const a = (v: Tensor): Tensor => v.tanh();
    const chainNumerator = matmul(jacobian(a)(z(x)), numerator);
    const chainDenominator = matmul(denominator, jacobian(a)(z(x)).transpose());
    expectClose(jacobian((v: Tensor) => a(z(v)))(x), chainNumerator);
    expectClose(chainDenominator, chainNumerator.transpose());
    // whatever the layout of Jacobians, a gradient has the shape of what it is a gradient of
    expect(grad((m: Tensor) => m.square().sum())(w).shape).toEqual(w.shape);
  });
});
