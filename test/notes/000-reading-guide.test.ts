/** Notes 000: the forward pass, kinds of derivatives, the total derivative, and why the backward pass is the fast one. */
import { describe, expect, it } from "vitest";
import {
  einsum,
  grad,
  jacobian,
  jvp,
  matmul,
  mul,
  type Tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "../../src/index.js";
import * as optim from "../../src/optim/index.js";
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
  sigma,
  sigmaPrime,
  sigmaPrimeOf,
  snapshots,
} from "./support.js";

describe("notes 000: the reading guide", () => {
  it("01: x → z → a → y forward, then w and b are updated backward", () => {
    const [x, w, b, eta] = [1, 0.6, 0.9, 0.15];
    const cost = (p: { w: Tensor; b: Tensor }): Tensor => quadratic(p.w.mul(x).add(p.b).sigmoid(), 0);
    const [C, g] = valueAndGrad(cost)({ w: f64(w), b: f64(b) });
    // z = 1.5, a = σ(z) = y; δ = (a − 0) σ′(z); ∂C/∂w = δ x, ∂C/∂b = δ
    const a = sigma(1.5);
    const delta = a * sigmaPrime(1.5);
    expect(a).toBeCloseTo(0.8175744761936437, 15);
    expectClose(C, 0.5 * a * a);
    expectClose(g.w, delta * x);
    expectClose(g.b, delta);
    expectClose(f64(w).sub(g.w.mul(eta)), w - eta * delta * x);
    expectClose(f64(b).sub(g.b.mul(eta)), b - eta * delta);
  });

  it("02: the kinds of input and output decide the kind of the derivative", () => {
    const scalar = f64(2);
    const vector = f64([1, 2, 3]);
    const matrix = f64([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const kind = (f: (x: Tensor) => Tensor, x: Tensor) => jacobian(f)(x).shape;
    expect(kind((x) => x.square(), scalar)).toEqual([]);
    expect(kind((x) => x.mul(vector), scalar)).toEqual([3]);
    expect(kind((x) => x.square().sum(), vector)).toEqual([3]);
    expect(kind((x) => matrix.matmul(x), vector)).toEqual([2, 3]);
    expect(kind((x) => x.square().sum(), matrix)).toEqual([2, 3]);
    expect(kind((x) => x.matmul(vector), matrix)).toEqual([2, 2, 3]);
    expect(kind((x) => x.transpose(), matrix)).toEqual([3, 2, 2, 3]);
    expectClose(jacobian((x: Tensor) => x.mul(vector))(scalar), [1, 2, 3]);
    expectClose(jacobian((x: Tensor) => matrix.matmul(x))(vector), matrix);
  });

  it("03: the total derivative is the sum over paths of products of Jacobians", () => {
    const x = f64([0.3, -0.7, 1.1]);
    const m = normal64(31, [2, 3]);
    const u = (at: Tensor): Tensor => m.matmul(at).sin();
    const v = (at: Tensor): Tensor => at.square().sum();
    const y = (p: Tensor, q: Tensor, at: Tensor): Tensor => p.mul(q).add(at.slice([0, 2]).exp());
    const total = jacobian((at: Tensor) => y(u(at), v(at), at))(x);

    const [p, q] = [u(x), v(x)];
    const throughU = matmul(jacobian(y, { argnum: 0 })(p, q, x), jacobian(u)(x));
    const throughV = jacobian(y, { argnum: 1 })(p, q, x).expandDims(1).mul(jacobian(v)(x));
    const direct = jacobian(y, { argnum: 2 })(p, q, x);
    expectClose(total, throughU.add(throughV).add(direct));
    // every path carries something: leaving one out is not the derivative
    for (const path of [throughU, throughV, direct]) expect(num(path.abs().max())).toBeGreaterThan(0.1);
  });

  it("04: one layer, max(0, w·x + b) with squared error, has the updates derived by hand", () => {
    const x = f64([
      [1, 2],
      [-3, 0.5],
      [0.5, -1],
    ]);
    const y = f64([1, 2, 0.25]);
    const w = f64([0.5, -0.25]);
    const b = f64(0.75);
    const cost = (p: { w: Tensor; b: Tensor }): Tensor =>
      x.matmul(p.w).add(p.b).relu().sub(y).square().mean();
    const g = grad(cost)({ w, b });
    // z = .75, −.875, 1.25: the second example is inactive; errors e = (a − y) = −.25, –, 1; ∂C/∂w = (2/N) Σ e xᵀ
    const errors = [-0.25, 0, 1];
    expectClose(g.w, [
      (2 / 3) * (errors[0] * 1 + errors[2] * 0.5),
      (2 / 3) * (errors[0] * 2 + errors[2] * -1),
    ]);
    expectClose(g.b, (2 / 3) * (errors[0] + errors[2]));
  });

  it("05: x → x + dx moves y by dy/dx · dx, up to dx², for tensors of any rank", () => {
    const x = normal64(5, [2, 3]);
    const w = normal64(6, [3, 4]);
    const f = (at: Tensor): Tensor => at.matmul(w).tanh();
    const dx = normal64(7, [2, 3]).mul(1e-2);
    const J = jacobian(f)(x);
    // dy/dx has y's axes, then x's: contracting x's with dx leaves y's shape
    expect(J.shape).toEqual([2, 4, 2, 3]);
    const move = einsum("ijkl,kl->ij", J, dx);
    expectClose(jvp(f, [x], [dx])[1], move);
    const remainder = (scale: number): number =>
      num(
        f(x.add(dx.mul(scale)))
          .sub(f(x))
          .sub(move.mul(scale))
          .norm(),
      );
    expect(remainder(1)).toBeLessThan(num(dx.norm()) ** 2 * 20);
    // a remainder of second order: half the step leaves a quarter; the next order changes 4 by |dx| at most
    expect(remainder(1) / remainder(0.5)).toBeGreaterThan(3.8);
    expect(remainder(1) / remainder(0.5)).toBeLessThan(4.2);
  });

  it("06: the four fundamental equations hold in every layer", () => {
    const layers = network(6, [3, 4, 2]);
    const [x, y] = [normal64(61, [3]), f64([0.1, 0.9])];
    const { z, a } = snapshots(layers, x);
    const nudges = layers.map(({ b }) => b.mul(0));
    const delta = grad(nudgedCost, { argnums: 1 })(layers, nudges, x, y);
    const g = grad((net: typeof layers) => quadratic(feedForward(net, x), y))(layers);
    expectClose(delta[1], a[2].sub(y).mul(sigmaPrimeOf(z[2])));
    expectClose(delta[0], layers[1].w.transpose().matmul(delta[1]).mul(sigmaPrimeOf(z[1])));
    for (const l of [0, 1]) {
      expectClose(g[l].b, delta[l]);
      expectClose(g[l].w, delta[l].expandDims(1).matmul(a[l].expandDims(0)));
    }
  });

  it("07: the gradient of a mini-batch is the mean of its examples', and SGD steps along it", () => {
    const layers = network(7, [3, 4, 2]);
    const X = normal64(71, [6, 3]);
    const Y = normal64(72, [6, 2]).sigmoid();
    const one = (net: typeof layers, x: Tensor, y: Tensor): Tensor => quadratic(feedForward(net, x), y);
    const batchCost = (net: typeof layers, xs: Tensor, ys: Tensor): Tensor =>
      vmap((x: Tensor, y: Tensor) => one(net, x, y))(xs, ys).mean();
    const whole = grad(batchCost)(layers, X, Y);
    const each = vmap(grad(one), { inAxes: [null, 0, 0] })(layers, X, Y);
    expectClose(whole[0].w, each[0].w.mean(0));
    expectClose(whole[1].b, each[1].b.mean(0));
    // equal mini-batches: their gradients average to the full one
    const parts = [0, 1, 2].map((k) =>
      grad(batchCost)(layers, X.slice([2 * k, 2 * k + 2]), Y.slice([2 * k, 2 * k + 2])),
    );
    expectClose(parts[0][1].w.add(parts[1][1].w).add(parts[2][1].w).div(3), whole[1].w);

    let net = layers;
    const costs = [num(batchCost(net, X, Y))];
    for (let epoch = 0; epoch < 30; epoch++) {
      for (const k of [0, 1, 2]) {
        const g = grad(batchCost)(net, X.slice([2 * k, 2 * k + 2]), Y.slice([2 * k, 2 * k + 2]));
        net = net.map(({ w, b }, l) => ({ w: w.sub(g[l].w.mul(0.5)), b: b.sub(g[l].b.mul(0.5)) }));
      }
      costs.push(num(batchCost(net, X, Y)));
    }
    // the library's optimizer takes the same step
    const sgd = optim.sgd({ learningRate: 0.5 });
    const [stepped] = sgd.step(layers, whole, sgd.init(layers));
    expectClose(stepped[0].w, layers[0].w.sub(whole[0].w.mul(0.5)));
    expect(costs).toEqual([...costs].sort((p, q) => q - p));
    expect(costs[30]).toBeLessThan(0.6 * costs[0]);
  });

  it("08: reverse mode costs a few evaluations whatever the inputs; forward mode wins when outputs outnumber inputs", () => {
    const toScalar = (x: Tensor): Tensor => x.tanh().square().sum();
    const perElement = (mode: "forward" | "reverse", n: number): number =>
      flopsOf(jacobian(toScalar, { mode }), normal64(8, [n])) / flopsOf(toScalar, normal64(8, [n]));
    expect(perElement("reverse", 64)).toBeLessThan(6);
    expect(perElement("forward", 64)).toBeGreaterThan(64);
    expect(perElement("forward", 64) / perElement("forward", 16)).toBeGreaterThan(3);
    expect(perElement("reverse", 64) / perElement("reverse", 16)).toBeLessThan(1.5);

    const fromScalar = (t: Tensor): Tensor => mul(t, normal64(9, [64])).sin();
    const cost = (mode: "forward" | "reverse") => flopsOf(jacobian(fromScalar, { mode }), f64(0.3));
    expect(cost("reverse")).toBeGreaterThan(10 * cost("forward"));
    expectClose(
      jacobian(fromScalar, { mode: "reverse" })(f64(0.3)),
      jacobian(fromScalar, { mode: "forward" })(f64(0.3)),
    );
  });

  it("09: a node multiplies its upstream gradient by its local one", () => {
    const x = f64([0.5, -1.5]);
    const after = (u: Tensor): Tensor => u.exp().sum().log();
    const [u, pull] = vjp((at: Tensor) => at.sin(), x);
    const upstream = grad(after)(u);
    expectClose(pull(upstream)[0], upstream.mul(x.cos()));
    expectClose(pull(upstream)[0], grad((at: Tensor) => after(at.sin()))(x));
  });

  it("10: a saturated neuron hardly learns", () => {
    const start = (z0: number) => {
      const C = (b: Tensor): Tensor => quadratic(b.sigmoid(), 0);
      const slope = num(grad(C)(f64(z0)));
      expect(slope).toBeCloseTo(num(centredDifferences(C, f64(z0))), 8);
      let b = f64(z0);
      for (let step = 0; step < 50; step++) b = b.sub(grad(C)(b).mul(1));
      return { slope, fell: num(C(f64(z0))) - num(C(b)) };
    };
    const healthy = start(0.5);
    const saturated = start(8);
    // σ(8)σ′(8) = 3.35e-4: fifty steps move b by at most 50 · 3.4e-4
    expect(saturated.slope).toBeLessThan(3.4e-4);
    expect(healthy.slope).toBeGreaterThan(400 * saturated.slope);
    expect(healthy.fell).toBeGreaterThan(0.1);
    expect(saturated.fell).toBeLessThan(1e-4);
  });
});
