/** Notes 001: the network of two hidden layers of one neuron each, and the walk back from the cost to each parameter. */
import { describe, expect, it } from "vitest";
import { grad, jacobian, type Tensor, vjp } from "../../src/index.js";
import { centredDifferences, expectClose, f64, num, sigma, sigmaPrime } from "./support.js";

/** One neuron a layer: zˡ = θˡ aˡ⁻¹ + bˡ, aˡ = σ(zˡ), ŷ = a³, C = (ŷ − y)². */
interface Chain {
  readonly theta: readonly Tensor[];
  readonly b: readonly Tensor[];
}

const numbers = { theta: [0.8, -1.2, 1.5], b: [0.1, 0.4, -0.3], x: 0.7, y: 0.25 };
const chain: Chain = { theta: numbers.theta.map(f64), b: numbers.b.map(f64) };

const predict = ({ theta, b }: Chain): Tensor =>
  theta.reduce((a, weight, l) => a.mul(weight).add(b[l]).sigmoid(), f64(numbers.x));
const cost = (parameters: Chain): Tensor => predict(parameters).sub(numbers.y).square();

/** The forward pass in plain numbers: a[0] = x, then z and a of the three layers. */
const a = [numbers.x];
const z: number[] = [];
numbers.theta.forEach((weight, l) => {
  z.push(weight * a[l] + numbers.b[l]);
  a.push(sigma(z[l]));
});

/** The factors of the main track, from C back to z¹: ∂C/∂ŷ, ∂ŷ/∂z³, ∂z³/∂a², ∂a²/∂z², ∂z²/∂a¹, ∂a¹/∂z¹. */
const track = [
  2 * (a[3] - numbers.y),
  sigmaPrime(z[2]),
  numbers.theta[2],
  sigmaPrime(z[1]),
  numbers.theta[1],
  sigmaPrime(z[0]),
];
const product = (factors: readonly number[]): number => factors.reduce((p, q) => p * q, 1);
/** Factors of layer l's parameters (l = 1 … 3): the track as far as zˡ, then the branch aˡ⁻¹ or 1. */
const factorsOf = (kind: "theta" | "b", l: number): number[] => [
  ...track.slice(0, 2 * (4 - l)),
  kind === "theta" ? a[l - 1] : 1,
];

const composed = [
  (g: Tensor) => g.mul(0.5).add(1),
  (f: Tensor) => f.square(),
  (e: Tensor) => e.sin(),
  (d: Tensor) => d.exp(),
  (c: Tensor) => c.sigmoid(),
  (b: Tensor) => b.tanh(),
  (out: Tensor) => out.mul(out).sub(0.5),
];

describe("notes 001: the chain-rule walk", () => {
  it("11: nudging a weight measures ΔC/Δθ, and ranks the weights as the gradient does", () => {
    const g = grad(cost)(chain);
    const base = num(cost(chain));
    const nudge = 1e-6;
    const ratio = [0, 1, 2].map((l) => {
      const theta = chain.theta.map((weight, k) => (k === l ? weight.add(nudge) : weight));
      return (num(cost({ theta, b: chain.b })) - base) / nudge;
    });
    // one-sided: the error is ½ C″ Δθ < 1e-6, and rounding 1e-16 / 1e-6
    ratio.forEach((slope, l) => {
      expect(Math.abs(slope - num(g.theta[l]))).toBeLessThan(1e-6);
    });
    const rank = (values: readonly number[]) =>
      [0, 1, 2].sort((i, j) => Math.abs(values[j]) - Math.abs(values[i]));
    expect(rank(ratio)).toEqual(rank(g.theta.map(num)));
    // the factors say the same: θ³ is nearest the cost and has the most influence, θ¹ the least
    expect(rank(ratio)).toEqual([2, 1, 0]);
  });

  it("12: the network is one composite function, and its derivative the product of all the links", () => {
    const x = f64(0.4);
    const points = [x];
    for (const link of composed) points.push(link(points[points.length - 1]));
    const links = composed.map((link, i) => num(grad(link)(points[i])));
    const whole = (at: Tensor): Tensor => composed.reduce((value, link) => link(value), at);
    expect(links).toHaveLength(7);
    expectClose(grad(whole)(x), product(links));
    expect(num(grad(whole)(x))).toBeCloseTo(num(centredDifferences(whole, x)), 8);
    // the network's own composition: C(ŷ(z³(a²(z²(a¹(z¹(x)))))))
    const towardsX = (input: Tensor): Tensor =>
      chain.theta
        .reduce((v, weight, l) => v.mul(weight).add(chain.b[l]).sigmoid(), input)
        .sub(numbers.y)
        .square();
    expectClose(grad(towardsX)(f64(numbers.x)), product([...track, numbers.theta[0]]));
  });

  it("13: all six partials are products of the listed factors", () => {
    const g = grad(cost)(chain);
    for (const l of [1, 2, 3]) {
      expect(factorsOf("theta", l)).toHaveLength(2 * (4 - l) + 1);
      expectClose(g.theta[l - 1], product(factorsOf("theta", l)));
      expectClose(g.b[l - 1], product(factorsOf("b", l)));
    }
  });

  it("14: the main track runs through the activations, each weight is a branch off it", () => {
    // a progress map: after each step of the walk back, the product so far is a derivative by itself
    const restFrom = (l: number, kind: "z" | "a") => (value: Tensor) => {
      let v = kind === "z" ? value.sigmoid() : value;
      for (let k = l; k < 3; k++) v = v.mul(chain.theta[k]).add(chain.b[k]).sigmoid();
      return v.sub(numbers.y).square();
    };
    const stops: [string, number, Tensor][] = [
      ["∂C/∂ŷ", 1, grad(restFrom(3, "a"))(f64(a[3]))],
      ["∂C/∂z³", 2, grad(restFrom(3, "z"))(f64(z[2]))],
      ["∂C/∂a²", 3, grad(restFrom(2, "a"))(f64(a[2]))],
      ["∂C/∂z²", 4, grad(restFrom(2, "z"))(f64(z[1]))],
      ["∂C/∂a¹", 5, grad(restFrom(1, "a"))(f64(a[1]))],
      ["∂C/∂z¹", 6, grad(restFrom(1, "z"))(f64(z[0]))],
    ];
    for (const [name, steps, slope] of stops)
      expect(num(slope), name).toBeCloseTo(product(track.slice(0, steps)), 14);
    // branching off at zˡ, and only there, gives the parameters of layer l
    const g = grad(cost)(chain);
    for (const l of [1, 2, 3]) {
      const [, pull] = vjp(
        (weight: Tensor, b: Tensor) => weight.mul(a[l - 1]).add(b),
        chain.theta[l - 1],
        chain.b[l - 1],
      );
      const [weightBar, bBar] = pull(stops[2 * (3 - l) + 1][2]);
      expectClose(g.theta[l - 1], weightBar);
      expectClose(g.b[l - 1], bBar);
    }
  });

  it("15: ∂C/∂θ² is worked factor by factor, and the bias's last factor is 1", () => {
    const costOfOutput = (output: Tensor): Tensor => output.sub(numbers.y).square();
    const factors = {
      costByOutput: grad(costOfOutput)(f64(a[3])),
      outputByZ3: grad((v: Tensor) => v.sigmoid())(f64(z[2])),
      z3ByA2: grad((v: Tensor) => v.mul(chain.theta[2]).add(chain.b[2]))(f64(a[2])),
      a2ByZ2: grad((v: Tensor) => v.sigmoid())(f64(z[1])),
      z2ByTheta2: grad((v: Tensor) => v.mul(a[1]).add(chain.b[1]))(chain.theta[1]),
    };
    expectClose(factors.costByOutput, 2 * (a[3] - 0.25));
    expectClose(factors.outputByZ3, a[3] * (1 - a[3]));
    expectClose(factors.z3ByA2, 1.5);
    expectClose(factors.a2ByZ2, a[2] * (1 - a[2]));
    expectClose(factors.z2ByTheta2, a[1]);
    const worked = product(Object.values(factors).map(num));
    const g = grad(cost)(chain);
    expectClose(g.theta[1], worked);
    expectClose(grad((b: Tensor) => chain.theta[1].mul(a[1]).add(b))(chain.b[1]), 1);
    expectClose(g.b[1], worked / a[1]);
  });

  it("16: ReLU's derivative is 0 below, 1 above, and at 0 the subgradient 0", () => {
    const z = f64([-2, -1e-9, 0, 1e-9, 3]);
    const slopes = grad((at: Tensor) => at.relu().sum())(z);
    expectClose(slopes, [0, 0, 0, 1, 1]);
    // in the chain, an inactive ReLU closes the track and leaves the last layer's own parameters alone
    const relu = ({ theta, b }: Chain, inner: number): Tensor => {
      const hidden = theta[0].mul(inner).add(b[0]).relu();
      return hidden.mul(theta[1]).add(b[1]).sub(1).square();
    };
    const dead = grad(relu)(chain, -1);
    expectClose(dead.theta[0], 0);
    expectClose(dead.theta[1], 0);
    expectClose(dead.b[1], 2 * (numbers.b[1] - 1));
    const live = grad(relu)(chain, 1);
    expectClose(live.theta[0], 2 * ((0.8 + 0.1) * -1.2 + 0.4 - 1) * -1.2 * 1 * 1);
  });

  it("17: a weight matters in proportion to its input activation", () => {
    const inputs = f64([0, 0.01, 0.5, 1]);
    const w = f64([0.3, -0.2, 0.9, 0.4]);
    const g = grad((weights: Tensor) => weights.mul(inputs).sum().sigmoid().sub(1).square())(w);
    const delta = num(g.slice(3)); // the weight of the input 1
    expect(Math.abs(delta)).toBeGreaterThan(0.05);
    expectClose(g, inputs.mul(delta));
  });

  it("18: the other five parameters follow by the same walk, as differences confirm", () => {
    const flat = f64([...numbers.theta, ...numbers.b]);
    const ofFlat = (p: Tensor): Tensor =>
      cost({ theta: [0, 1, 2].map((i) => p.slice(i)), b: [3, 4, 5].map((i) => p.slice(i)) });
    const worked = [
      ...[1, 2, 3].map((l) => factorsOf("theta", l)),
      ...[1, 2, 3].map((l) => factorsOf("b", l)),
    ];
    expectClose(grad(ofFlat)(flat), worked.map(product));
    expectClose(centredDifferences(ofFlat, flat), worked.map(product), 1e-8);
    expectClose(jacobian(ofFlat, { mode: "forward" })(flat), worked.map(product));
  });
});
