/** Notes 004: the error trickling back through row-batch layers, gradient checking, σ′, and what the factors mean. */
import { describe, expect, it } from "vitest";
import {
  customVjp,
  einsum,
  grad,
  gradCheck,
  jacobian,
  jvp,
  ones,
  type Tensor,
  valueAndGrad,
} from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import {
  centredDifferences,
  expectClose,
  f64,
  normal64,
  num,
  recordedGraph,
  sigma,
  sigmaPrimeOf,
} from "./support.js";

/** Examples are rows: a₁ = σ(x W₁ + B₁), a₂ = σ(a₁ W₂ + B₂), a_out = σ(a₂ W_out + B_out). */
interface Rows {
  readonly W1: Tensor;
  readonly B1: Tensor;
  readonly W2: Tensor;
  readonly B2: Tensor;
  readonly Wout: Tensor;
  readonly Bout: Tensor;
}

const m = 5;
const net: Rows = {
  W1: normal64(401, [3, 4]),
  B1: normal64(402, [1, 4]),
  W2: normal64(403, [4, 3]),
  B2: normal64(404, [1, 3]),
  Wout: normal64(405, [3, 2]),
  Bout: normal64(406, [1, 2]),
};
const x = normal64(407, [m, 3]);
const y = f64([
  [0, 1],
  [1, 0],
  [1, 1],
  [0, 0],
  [0, 1],
]);

function forward(p: Rows, input: Tensor) {
  const z1 = input.matmul(p.W1).add(p.B1);
  const a1 = z1.sigmoid();
  const z2 = a1.matmul(p.W2).add(p.B2);
  const a2 = z2.sigmoid();
  const zOut = a2.matmul(p.Wout).add(p.Bout);
  return { z1, a1, z2, a2, zOut, aOut: zOut.sigmoid() };
}

/** −Σ y log a + (1 − y) log(1 − a), a mean over the batch. */
function nll(a: Tensor, target: Tensor | number): Tensor {
  const t = f64(0).add(target);
  const one = f64(1);
  return t
    .mul(a.log())
    .add(one.sub(t).mul(one.sub(a).log()))
    .neg()
    .sum()
    .div(a.shape[0] ?? 1);
}

const J = (p: Rows): Tensor => nll(forward(p, x).aOut, y);
const g = grad(J)(net);
const at = forward(net, x);
/** 1ᵀ: a row of ones that sums the batch and gives a bias its shape [1, n]. */
const oneT = ones([1, m], { dtype: "float64" });

/** The notes' deltas, which are ∂J/∂a (up to the 1/m they omit), not the ∂C/∂z of chapter 2. */
const error = at.aOut.sub(y);
const deltaOut = error.matmul(net.Wout.transpose());
const throughA2 = sigmaPrimeOf(at.z2).mul(deltaOut);
const delta2 = throughA2.matmul(net.W2.transpose());
const throughA1 = sigmaPrimeOf(at.z1).mul(delta2);

describe("notes 004: backpropagation narrated", () => {
  it("42: the error takes one step to the output layer, more to each layer before", () => {
    // operations between a layer's weights and the cost
    const distance = (name: "Wout" | "W2" | "W1"): number =>
      recordedGraph((w) => J({ ...net, [name]: w }), net[name]).operations.length;
    expect(distance("W2")).toBeGreaterThan(distance("Wout"));
    expect(distance("W1") - distance("W2")).toBe(distance("W2") - distance("Wout"));
    // hidden gradients come through the output weights, the output layer's own do not
    const cut = grad(J)({ ...net, Wout: net.Wout.mul(0) });
    expect(num(cut.Wout.abs().max())).toBeGreaterThan(0.01);
    expectClose(cut.W2, net.W2.mul(0));
    expectClose(cut.W1, net.W1.mul(0));
  });

  it("43: centred differences confirm every parameter's gradient, with an error of second order", () => {
    for (const name of ["W1", "B1", "W2", "B2", "Wout", "Bout"] as const)
      expectClose(
        centredDifferences((p) => J({ ...net, [name]: p }), net[name]),
        g[name],
        1e-8,
      );
    const f = (v: Tensor): Tensor => v.exp();
    const miss = (h: number): number => num(centredDifferences(f, f64(1), h)) - Math.E;
    // h² f‴ / 6 exactly to first order; half the step leaves a quarter
    expect(miss(1e-2) / ((1e-4 * Math.E) / 6)).toBeCloseTo(1, 4);
    expect(miss(1e-2) / miss(5e-3)).toBeCloseTo(4, 3);
    // the one-sided quotient is off by first order: a thousand times worse here
    const oneSided = (Math.exp(1.01) - Math.exp(1)) / 0.01 - Math.E;
    expect(Math.abs(oneSided)).toBeGreaterThan(100 * Math.abs(miss(1e-2)));
    // and it catches a wrong gradient: σ′(a) in place of σ′(z)
    const wrong = at.a1.transpose().matmul(sigmaPrimeOf(at.a2).mul(deltaOut)).div(m);
    expect(
      num(
        wrong
          .sub(centredDifferences((W2) => J({ ...net, W2 }), net.W2))
          .abs()
          .max(),
      ),
    ).toBeGreaterThan(1e-3);
  });

  it("43: gradCheck does the same for every parameter at once, and says which rule is wrong", () => {
    const report = gradCheck(J, [net]);
    expect(report.passed).toBe(true);
    expect(report.inputs.map(({ path }) => path)).toEqual([
      "0.W1",
      "0.B1",
      "0.W2",
      "0.B2",
      "0.Wout",
      "0.Bout",
    ]);
    expect(report.worstError).toBeLessThan(1e-6);
    // ½(a − y)² whose rule forgets σ′: the slip of a quadratic cost with a linear neuron's error
    const forgetful = customVjp({
      forward: (z: Tensor): [Tensor, Tensor] => [z.sigmoid().square().sum().mul(0.5), z],
      backward: (z, bar) => [z.sigmoid().mul(bar)],
    });
    const failed = gradCheck((z: Tensor) => forgetful(z), [f64([0.5, -1])]);
    expect(failed.passed).toBe(false);
    expect(failed.culprits.map(({ rule }) => rule)).toContain("vjp");
  });

  it("44: overshoot gives a positive bias gradient, and descent lowers the bias", () => {
    const neuron = (target: number) => {
      const C = (b: Tensor): Tensor => nll(b.sigmoid().reshape([1]), target);
      const b = f64(0.3);
      const slope = grad(C)(b);
      const moved = b.sub(slope.mul(0.1));
      return { slope: num(slope), moved: num(moved) - 0.3, gain: num(C(b)) - num(C(moved)) };
    };
    const over = neuron(0);
    const under = neuron(1);
    expect(over.slope).toBeGreaterThan(0);
    expect(over.moved).toBeLessThan(0);
    expect(under.slope).toBeLessThan(0);
    expect(under.moved).toBeGreaterThan(0);
    for (const { gain } of [over, under]) expect(gain).toBeGreaterThan(0);
    // a weight follows the sign of its input as well
    const C = (w: Tensor): Tensor =>
      nll(
        w
          .mul(f64([2, -2]))
          .sum()
          .sigmoid()
          .reshape([1]),
        0,
      );
    expectClose(grad(C)(f64([0.5, 0.1])).sign(), [1, -1]);
  });

  it("45: row-batch gradients of all six parameters, with the factor 1/m the notes omit", () => {
    const perBatch = (t: Tensor): Tensor => t.div(m);
    expectClose(g.Wout, perBatch(at.a2.transpose().matmul(error)));
    expectClose(g.Bout, perBatch(oneT.matmul(error)));
    expectClose(g.W2, perBatch(at.a1.transpose().matmul(throughA2)));
    expectClose(g.B2, perBatch(oneT.matmul(throughA2)));
    expectClose(g.W1, perBatch(x.transpose().matmul(throughA1)));
    expectClose(g.B1, perBatch(oneT.matmul(throughA1)));
    // 1ᵀ is what gives a bias's gradient its shape
    expect(g.B2.shape).toEqual([1, 3]);
  });

  it("46: ∂J/∂W₂ is told factor by factor, and the story so far is a derivative at each stage", () => {
    const one = { x: x.slice([0, 1]), y: y.slice([0, 1]) };
    const a1 = forward(net, one.x).a1;
    const { z2, aOut } = forward(net, one.x);
    const stage = (f: (s: ReturnType<typeof forward>) => Tensor) =>
      jacobian((W2: Tensor) => f(forward({ ...net, W2 }, one.x)).flatten())(net.W2);
    // W₂ meets a₁: ∂z₂_j/∂W₂_kl = a₁_k where j = l
    const identity = f64([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    let story = einsum("k,jl->jkl", a1.flatten(), identity);
    expectClose(
      stage((s) => s.z2),
      story,
    );
    // … passed through σ′, which restricts it
    const restrict = sigmaPrimeOf(z2).flatten();
    story = einsum("j,jkl->jkl", restrict, story);
    expectClose(
      stage((s) => s.a2),
      story,
    );
    expect(num(restrict.max())).toBeLessThanOrEqual(0.25);
    // … magnified or attenuated by W_out
    story = einsum("jo,jkl->okl", net.Wout, story);
    expectClose(
      stage((s) => s.zOut),
      story,
    );
    // … and weighed by how far the output is off
    const whole = einsum("o,okl->kl", aOut.sub(one.y).flatten(), story);
    expectClose(grad((W2: Tensor) => nll(forward({ ...net, W2 }, one.x).aOut, one.y))(net.W2), whole);
  });

  it("47: σ′ = σ(1 − σ) peaks at ¼ where z = 0 and vanishes at both ends", () => {
    const slope = (z: Tensor): Tensor => grad((at: Tensor) => at.sigmoid())(z);
    const bend = (z: Tensor): Tensor => grad(slope)(z);
    const zs = [-30, -5, -1, 0, 1, 5, 30];
    for (const z of zs) expectClose(slope(f64(z)), sigma(z) * (1 - sigma(z)), 1e-15);
    expectClose(slope(f64(0)), 0.25, 0);
    expectClose(bend(f64(0)), 0, 1e-15);
    expect(num(grad(bend)(f64(0)))).toBeLessThan(0);
    for (const z of [-1000, -40, 40, 1000]) expect(num(slope(f64(z)))).toBeLessThan(1e-17);
    // what it restricts: an error passing a sigmoid shrinks to a quarter at least
    const before = normal64(47, [200]).mul(3);
    const passed = grad((z: Tensor) => z.sigmoid().mul(before).sum())(normal64(471, [200]).mul(4));
    expect(num(passed.abs().sub(before.abs().mul(0.25)).max())).toBeLessThanOrEqual(1e-16);
  });

  it("48: W_out magnifies or attenuates the error sent back", () => {
    // the error itself depends on W_out; with the error held, what is sent back is proportional to it
    const sent = (scale: number): Tensor =>
      grad((a2: Tensor) => a2.matmul(net.Wout.mul(scale)).mul(error).sum())(at.a2);
    expectClose(sent(1), deltaOut);
    expectClose(sent(10), deltaOut.mul(10));
    expectClose(sent(0.1), deltaOut.mul(0.1));
  });

  it("49: NLL and σ cancel to a − y, from the full form (a − y)/(a(1 − a)) · σ′(z)", () => {
    const z = f64([-2, 0.3, 1.7]);
    const t = f64([0, 1, 0]);
    const a = z.sigmoid();
    const ofA = grad((v: Tensor) => nll(v, t).mul(3))(a);
    expectClose(ofA, a.sub(t).div(a.mul(f64(1).sub(a))));
    const whole = grad((v: Tensor) => nll(v.sigmoid(), t).mul(3))(z);
    expectClose(whole, ofA.mul(sigmaPrimeOf(z)));
    expectClose(whole, a.sub(t));
    // the library's loss is worked on the logits; its mean over three numbers divides by 3
    const ofLogits = grad((v: Tensor) => losses.sigmoidCrossEntropy(v, t))(z);
    expectClose(ofLogits, a.sub(t).div(3));
    // so the cancellation survives saturation: softplus(z) − y z
    const stable = (v: Tensor): Tensor =>
      v
        .softplus()
        .sub(v.mul(f64([0, 1])))
        .sum();
    const [value, slope] = valueAndGrad(stable)(f64([1000, -1000]));
    expectClose(value, 2000);
    expectClose(slope, [1, -1]);
  });

  it("50: slopes are exact for linear maps at any distance, and local for others", () => {
    const w = normal64(50, [3, 2]);
    const linear = (a1: Tensor): Tensor => a1.matmul(w).add(f64([1, -1]));
    const here = normal64(501, [3]);
    const far = normal64(502, [3]).mul(1000);
    const [value, move] = jvp(linear, [here], [far]);
    // values near 1e3: a few roundings of 1e-13
    expectClose(linear(here.add(far)), value.add(move), 1e-12);
    const bent = (v: Tensor): Tensor => v.sigmoid().sum();
    const missed = (distance: number): number => {
      const [v, dot] = jvp(bent, [here], [f64([distance, distance, distance])]);
      return Math.abs(num(bent(here.add(distance)).sub(v.add(dot))));
    };
    expect(missed(1e-4)).toBeLessThan(1e-8);
    expect(missed(100)).toBeGreaterThan(10);
  });
});
