/** Where the study notes slip, the library does what is right; each test shows both. */
import { describe, expect, it } from "vitest";
import { eye, grad, jacobian, matmul, ones, type Tensor, tensor } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import {
  centredDifferences,
  expectClose,
  f64,
  feedForward,
  flopsOf,
  network,
  normal64,
  nudgedCost,
  num,
  quadratic,
  sigmaPrimeOf,
  snapshots,
} from "./support.js";

describe("slips of notes 004", () => {
  it("47: σ′ is at most 0.25, not 0.5", () => {
    const z = tensor(Float64Array.from({ length: 2001 }, (_, i) => (i - 1000) / 100));
    const slopes = grad((at: Tensor) => at.sigmoid().sum())(z);
    expect(num(slopes.max())).toBe(0.25);
    expect(num(slopes.argmax())).toBe(1000);
    // 0.5 is the height of σ where its slope peaks
    expectClose(f64(0).sigmoid(), 0.5, 0);
  });

  it("47: the derivative at z is a(1 − a); applying σ′ to a is something else", () => {
    const z = f64([-3, 0.5, 2]);
    const a = z.sigmoid();
    const slope = grad((at: Tensor) => at.sigmoid().sum())(z);
    expectClose(slope, a.mul(f64(1).sub(a)));
    expect(num(slope.sub(sigmaPrimeOf(a)).abs().max())).toBeGreaterThan(0.1);
  });

  it("45: the notes' δ_out is ∂J/∂a, chapter 2's δ is ∂C/∂z: they differ by σ′", () => {
    const layers = network(60, [2, 3, 2]);
    const [x, y] = [normal64(600, [2]), f64([0, 1])];
    const { a, z } = snapshots(layers, x);
    const byA = grad((hidden: Tensor) => quadratic(feedForward(layers.slice(1), hidden), y))(a[1]);
    const byZ = grad(nudgedCost, { argnums: 1 })(
      layers,
      layers.map(({ b }) => b.mul(0)),
      x,
      y,
    )[0];
    expectClose(byZ, byA.mul(sigmaPrimeOf(z[1])));
    expect(num(byZ.sub(byA).abs().max())).toBeGreaterThan(0.01);
  });

  it("43: backpropagation perturbs nothing: the function sees the point itself, once", () => {
    const seen: number[] = [];
    const w = f64(0.7);
    grad((at: Tensor) => {
      seen.push(num(at));
      return at.sigmoid();
    })(w);
    expect(seen).toEqual([0.7]);
  });

  it("44: descent, not backpropagation, moves parameters", () => {
    const w = f64([0.7, -0.2]);
    const before = w.dataSync();
    const g = grad((at: Tensor) => at.square().sum())(w);
    expect(w.dataSync()).toEqual(before);
    expectClose(w.sub(g.mul(0.1)), [0.56, -0.16]);
    expect(w.dataSync()).toEqual(before);
  });

  it("45: ∂J/∂W is a gradient of W's shape, the Jacobian of the layer has one axis more", () => {
    const W = normal64(61, [3, 2]);
    const a = normal64(611, [3]);
    expect(grad((at: Tensor) => a.matmul(at).sigmoid().sum())(W).shape).toEqual([3, 2]);
    expect(jacobian((at: Tensor) => a.matmul(at).sigmoid())(W).shape).toEqual([2, 3, 2]);
  });

  it("45: a mean over the batch divides by m, and 1ᵀ is what sums the batch into a bias", () => {
    const m = 4;
    const x = normal64(62, [m, 3]);
    const W = normal64(621, [3, 2]);
    const rows = (B: Tensor): Tensor => x.matmul(W).add(B);
    const B = normal64(622, [1, 2]);
    const mean = (at: Tensor): Tensor =>
      rows(at)
        .square()
        .sum()
        .div(2 * m);
    const delta = rows(B);
    expectClose(grad(mean)(B), ones([1, m], { dtype: "float64" }).matmul(delta).div(m));
    // a bare factor 1 would leave one row for each example
    expect(delta.shape).toEqual([m, 2]);
    expect(grad(mean)(B).shape).toEqual([1, 2]);
  });
});

describe("slips of notes 003", () => {
  it("37: the sum runs over y_j in both factors: Σ_j ∂z/∂y_j · ∂y_j/∂x_i", () => {
    const m = normal64(63, [3, 3]);
    const g = (x: Tensor): Tensor => m.matmul(x);
    const f = (y: Tensor): Tensor => y.square().sum();
    const x = normal64(631, [3]);
    const J = jacobian(g)(x).arraySync<number[][]>();
    const upstream = grad(f)(g(x)).arraySync<number[]>();
    const right = [0, 1, 2].map((i) => J.reduce((s, row, j) => s + upstream[j] * row[i], 0));
    // as printed, with dy_i/dx_i beside dz/dy_j
    const printed = [0, 1, 2].map((i) => upstream.reduce((s, bar) => s + bar * J[i][i], 0));
    const got = grad((at: Tensor) => f(g(at)))(x);
    expectClose(got, right);
    expect(num(got.sub(f64(printed)).abs().max())).toBeGreaterThan(0.1);
  });

  it("38: the Jacobian nearest to x stands first; reversed, even square ones give another gradient", () => {
    const [p, q] = [normal64(64, [3, 3]), normal64(641, [3, 3])];
    const f1 = (x: Tensor): Tensor => p.matmul(x).tanh();
    const f2 = (y: Tensor): Tensor => q.matmul(y).tanh();
    const x = normal64(642, [3]);
    const [J1, J2] = [jacobian(f1)(x), jacobian(f2)(f1(x))];
    const upstream = f2(f1(x)).mul(2);
    const got = grad((at: Tensor) => f2(f1(at)).square().sum())(x);
    expectClose(got, matmul(J1.transpose(), matmul(J2.transpose(), upstream)));
    const reversed = matmul(J2.transpose(), matmul(J1.transpose(), upstream));
    expect(num(got.sub(reversed).abs().max())).toBeGreaterThan(0.01);
  });

  it("40: ∂z/∂w of f(f(f(w))) has three factors; dropping ∂x/∂w loses one", () => {
    const f = (v: Tensor): Tensor => v.square().add(v.sin());
    const slope = (v: number): number => 2 * v + Math.cos(v);
    const value = (v: number): number => v * v + Math.sin(v);
    const w = 0.3;
    const [x, y] = [value(w), value(value(w))];
    const got = grad((at: Tensor) => f(f(f(at))))(f64(w));
    expectClose(got, slope(y) * slope(x) * slope(w));
    expect(Math.abs(num(got) - slope(y) * slope(x))).toBeGreaterThan(0.1);
  });
});

describe("slips of notes 002", () => {
  const layers = network(65, [3, 2]);
  const [x, y] = [normal64(651, [3]), f64([0.1, 0.8])];
  const { z, a } = snapshots(layers, x);
  const g = grad((net: typeof layers) => quadratic(feedForward(net, x), y))(layers);

  it("24: BP1 is the error towards z^L; the one towards the weights has another shape", () => {
    const delta = a[1].sub(y).mul(sigmaPrimeOf(z[1]));
    expectClose(g[0].b, delta);
    expect(g[0].w.shape).toEqual([2, 3]);
    expectClose(g[0].w, delta.expandDims(1).mul(x));
  });

  it("24: ‖a − y‖² has twice the gradient of ½‖a − y‖²", () => {
    const whole = grad((out: Tensor) => out.sub(y).square().sum())(a[1]);
    const half = grad((out: Tensor) => quadratic(out, y))(a[1]);
    expectClose(half, a[1].sub(y));
    expectClose(whole, half.mul(2));
    // losses.quadratic is the one with ½: a mean over the batch of ½‖a − y‖²
    const batch = (out: Tensor): Tensor => losses.quadratic(out, y.expandDims(0));
    expectClose(grad(batch)(a[1].expandDims(0)), half.expandDims(0));
  });

  it("20: a cost must be differentiable; a continuous one may have a kink, where a subgradient is chosen", () => {
    const absolute = (out: Tensor): Tensor => out.sub(1).abs().sum();
    // slopes −1 and 1 on the two sides, the chosen 0 on the kink
    expectClose(grad(absolute)(f64([0.999, 1, 1.001])), [-1, 0, 1]);
    const h = 1e-3;
    const at = (v: number): number => num(absolute(f64(v)));
    expect((at(1 + h) - at(1)) / h).toBeCloseTo(1, 10);
    expect((at(1) - at(1 - h)) / h).toBeCloseTo(-1, 10);
  });

  it("22: a small δ need not be a minimum: a saturated neuron can be entirely wrong", () => {
    const C = (at: Tensor): Tensor => quadratic(at.sigmoid(), f64(0));
    const stuck = f64(20);
    expect(num(grad(C)(stuck))).toBeLessThan(1e-8);
    expect(num(C(stuck))).toBeGreaterThan(0.49);
    expect(num(C(f64(-20)))).toBeLessThan(1e-17);
  });

  it("24: a softmax output has a full Jacobian, diag(a) − a aᵀ; the diagonal form fails for it", () => {
    const logits = f64([0.2, -1, 1.5]);
    const out = logits.softmax();
    const J = jacobian((v: Tensor) => v.softmax())(logits);
    expectClose(
      J,
      eye(3, 3, { dtype: "float64" })
        .mul(out)
        .sub(out.expandDims(1).matmul(out.expandDims(0))),
    );
    const target = f64([0, 1, 0]);
    const C = (v: Tensor): Tensor => quadratic(v.softmax(), target);
    const delta = grad(C)(logits);
    expectClose(delta, matmul(J.transpose(), out.sub(target)));
    expectClose(delta, centredDifferences(C, logits), 1e-8);
    const diagonal = out.sub(target).mul(out.mul(f64(1).sub(out)));
    expect(num(delta.sub(diagonal).abs().max())).toBeGreaterThan(0.05);
  });

  it("23: whatever the layout, a parameter's gradient has the parameter's shape", () => {
    for (const shape of [[], [3], [1, 3], [3, 1], [2, 1, 3]]) {
      const p = normal64(66, shape);
      expect(grad((at: Tensor) => at.square().sum())(p).shape).toEqual(shape);
    }
  });

  it("30: a modified neuron changes the forward pass too", () => {
    const cost = (f: (v: Tensor) => Tensor) => quadratic(f(z[1]), y);
    expect(Math.abs(num(cost((v) => v.tanh())) - num(cost((v) => v.sigmoid())))).toBeGreaterThan(0.01);
  });
});

describe("slips of notes 001 and 000", () => {
  it("12: the composite derivative has a factor for every link; omitting de/df is another number", () => {
    const e = (f: Tensor): Tensor => f.square();
    const f = (x: Tensor): Tensor => x.sin();
    const d = (v: Tensor): Tensor => v.exp();
    const x = f64(0.4);
    const links = [grad(d)(e(f(x))), grad(e)(f(x)), grad(f)(x)].map(num);
    const whole = num(grad((at: Tensor) => d(e(f(at))))(x));
    expect(whole).toBeCloseTo(links[0] * links[1] * links[2], 14);
    expect(Math.abs(whole - links[0] * links[2])).toBeGreaterThan(0.1);
  });

  it("13: a single path is enough only where every layer has one neuron", () => {
    const [first, second] = network(67, [1, 2, 1]);
    const x = f64([0.5]);
    const C = (w: Tensor): Tensor => quadratic(feedForward([{ ...first, w }, second], x), f64([1]));
    const { z, a } = snapshots([first, second], x);
    const delta = a[2].sub(1).mul(sigmaPrimeOf(z[2])).slice(0);
    // towards the input there are two paths, one through each hidden neuron
    const paths = second.w.slice(0).mul(sigmaPrimeOf(z[1])).mul(first.w.slice(null, 0)).mul(delta);
    const towardsX = grad((at: Tensor) => quadratic(feedForward([first, second], at), f64([1])))(x);
    expectClose(towardsX.slice(0), paths.sum());
    for (const k of [0, 1])
      expect(Math.abs(num(paths.slice(k).sub(towardsX.slice(0))))).toBeGreaterThan(1e-3);
    expect(grad(C)(first.w).shape).toEqual([2, 1]);
  });

  it("16: ReLU is continuous; only its slope jumps, and at 0 the subgradient 0 is taken", () => {
    const relu = (at: number): number => num(f64(at).relu());
    for (const h of [1e-3, 1e-6, 1e-9]) {
      expect(relu(h) - relu(0)).toBe(h);
      expect(relu(-h)).toBe(0);
    }
    const slope = (at: number): number => num(grad((v: Tensor) => v.relu())(f64(at)));
    expect([slope(-1e-300), slope(0), slope(-0), slope(1e-300)]).toEqual([0, 0, 0, 1]);
  });

  it("08: backpropagation beats forward mode and differences, not the forward pass itself", () => {
    const n = 48;
    const w = normal64(68, [n, n]);
    // sin first: the tangents of a linear map would not depend on the point, and not be counted
    const f = (at: Tensor): Tensor => w.matmul(at.sin()).tanh().square().sum();
    const at = normal64(681, [n]);
    const forwardPass = flopsOf(f, at);
    const backward = flopsOf(grad(f), at);
    expect(backward).toBeGreaterThan(forwardPass);
    expect(backward).toBeLessThan(4 * forwardPass);
    expect(flopsOf(jacobian(f, { mode: "forward" }), at)).toBeGreaterThan((n / 2) * forwardPass);
    // differences: two runs an element
    expect(2 * n * forwardPass).toBeGreaterThan(20 * backward);
  });
});
