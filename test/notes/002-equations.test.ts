/** Notes 002, second part: BP1–BP4, by indices and as matrices, against the gradients of the library. */
import { describe, expect, it } from "vitest";
import { einsum, eye, grad, jacobian, matmul, type Tensor } from "../../src/index.js";
import {
  expectClose,
  f64,
  feedForward,
  network,
  normal64,
  nudgedCost,
  num,
  quadratic,
  sigmaPrime,
  sigmaPrimeOf,
  snapshots,
} from "./support.js";

const layers = network(2, [3, 4, 2]);
const x = normal64(240, [3]);
const y = f64([0.2, 0.9]);
const { z, a } = snapshots(layers, x);
/** δ of both layers, from the library alone. */
const delta = grad(nudgedCost, { argnums: 1 })(
  layers,
  layers.map(({ b }) => b.mul(0)),
  x,
  y,
);
const gradients = grad((net: typeof layers) => quadratic(feedForward(net, x), y))(layers);
const numbersOf = (t: Tensor): number[] => t.arraySync<number[]>();

describe("notes 002: the four fundamental equations", () => {
  it("24: BP1 by index, δ_j = ∂C/∂a_j σ′(z_j), with the derivative of MSE", () => {
    const byIndex = numbersOf(z[2]).map((zj, j) => (numbersOf(a[2])[j] - numbersOf(y)[j]) * sigmaPrime(zj));
    expectClose(delta[1], byIndex);
    expectClose(delta[1], a[2].sub(y).mul(sigmaPrimeOf(z[2])));
  });

  it("24: BP1 as a matrix, δ = Σ′(z) ∇_a C with a diagonal Σ′, for any cost", () => {
    const SigmaPrime = jacobian((v: Tensor) => v.sigmoid())(z[2]);
    expectClose(SigmaPrime, eye(2, 2, { dtype: "float64" }).mul(sigmaPrimeOf(z[2])));
    expectClose(delta[1], matmul(SigmaPrime, grad((out: Tensor) => quadratic(out, y))(a[2])));
    const quartic = (out: Tensor): Tensor => out.sub(y).square().square().sum();
    const towardsZ = grad((v: Tensor) => quartic(v.sigmoid()))(z[2]);
    expectClose(towardsZ, matmul(SigmaPrime, grad(quartic)(a[2])));
  });

  it("25: BP2 by index and as a matrix, δˡ = σ′(zˡ) ⊙ (wˡ⁺¹)ᵀ δˡ⁺¹", () => {
    const w = layers[1].w.arraySync<number[][]>();
    const byIndex = numbersOf(z[1]).map(
      (zk, k) => sigmaPrime(zk) * w.reduce((sum, row, j) => sum + row[k] * numbersOf(delta[1])[j], 0),
    );
    expectClose(delta[0], byIndex);
    expectClose(delta[0], layers[1].w.transpose().matmul(delta[1]).mul(sigmaPrimeOf(z[1])));
    // ∂zˡ⁺¹/∂zˡ in denominator layout is Σ′(zˡ) wᵀ; the library's Jacobian is its transpose
    const next = jacobian((v: Tensor) => layers[1].w.matmul(v.sigmoid()).add(layers[1].b))(z[1]);
    const denominator = matmul(jacobian((v: Tensor) => v.sigmoid())(z[1]), layers[1].w.transpose());
    expectClose(next.transpose(), denominator);
    expectClose(delta[0], matmul(denominator, delta[1]));
  });

  it("26: BP3, ∂C/∂b = δ, because ∂z/∂b is the identity", () => {
    for (const l of [0, 1]) {
      expectClose(gradients[l].b, delta[l]);
      const zByB = jacobian((b: Tensor) => layers[l].w.matmul(a[l]).add(b))(layers[l].b);
      expectClose(zByB, eye(layers[l].b.size, layers[l].b.size, { dtype: "float64" }));
      expectClose(matmul(zByB.transpose(), delta[l]), gradients[l].b);
    }
  });

  it("27: BP4 by index, ∂C/∂w_jk = a_k δ_j", () => {
    for (const l of [0, 1]) {
      const byIndex = numbersOf(delta[l]).map((dj) => numbersOf(a[l]).map((ak) => ak * dj));
      expectClose(gradients[l].w, byIndex);
    }
  });

  it("27: BP4 through the third-order ∂z/∂w, which is δ_ij a_k", () => {
    for (const l of [0, 1]) {
      const zByW = jacobian((w: Tensor) => w.matmul(a[l]).add(layers[l].b))(layers[l].w);
      const [out, into] = layers[l].w.shape;
      expect(zByW.shape).toEqual([out, out, into]);
      expectClose(zByW, einsum("ij,k->ijk", eye(out, out, { dtype: "float64" }), a[l]));
      expectClose(gradients[l].w, einsum("i,ijk->jk", delta[l], zByW));
    }
  });

  it("27: BP4 as a matrix, ∂C/∂w = δ aᵀ, has the shape of w", () => {
    for (const l of [0, 1]) {
      const outer = delta[l].expandDims(1).matmul(a[l].expandDims(0));
      expectClose(gradients[l].w, outer);
      expect(gradients[l].w.shape).toEqual(layers[l].w.shape);
    }
  });

  it("28: a low input activation, a saturated output and a small σ′ each slow learning in proportion", () => {
    const slope = (input: number, bias: number, outer: number) => {
      // input → hidden σ(w·input + bias) → output σ(outer · hidden), target 0
      const C = (w: Tensor, v: Tensor): Tensor =>
        quadratic(w.mul(input).add(bias).sigmoid().mul(v).sigmoid(), 0);
      const [w, v] = grad(C, { argnums: [0, 1] })(f64(0.5), f64(outer));
      return { w: Math.abs(num(w)), v: Math.abs(num(v)) };
    };
    const usual = slope(1, 0, 1);
    // a_in ≈ 0: 1e-3 times the input, at most (σ′ may grow to ¼ from .235) 1.1e-3 times the gradient of w
    expect(slope(1e-3, 0, 1).w).toBeLessThan(1.2e-3 * usual.w);
    // an output neuron at a ≈ 1: its own weight has almost no gradient left
    expect(slope(1, 0, 20).v).toBeLessThan(1e-3 * usual.v);
    // σ′(z) of the hidden neuron ≈ 0: the layer before learns slowly although the output layer does not
    expect(slope(1, 12, 1).w).toBeLessThan(1e-4 * usual.w);
    expect(slope(1, 12, 1).v).toBeGreaterThan(0.5 * usual.v);
  });
});
