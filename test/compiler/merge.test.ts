/** merge: which kernels become one, which must not, and that values stay what they were. */
import { describe, expect, it } from "vitest";
import { checkpoint, concat, grad, jit, type Tensor, tensor, where } from "../../src/index.js";
import {
  compileFunction,
  expectSame,
  kernelsOf,
  runCompiled,
  type TensorFunction,
  uniform,
  withGradient,
} from "./support.js";

const wide = uniform(1, [96, 100]);
const bar = uniform(2, [96, 100]);

describe("merge", () => {
  for (const [name, f] of [
    ["exp", (x: Tensor) => x.exp()],
    ["tanh", (x: Tensor) => x.tanh()],
    ["gelu", (x: Tensor) => x.gelu()],
    ["silu", (x: Tensor) => x.silu()],
    ["leaky relu", (x: Tensor) => x.leakyRelu()],
  ] as const)
    it(`${name} and its gradient are one kernel`, () => {
      expect(kernelsOf(withGradient(f), [wide, bar])).toHaveLength(1);
      expectSame(withGradient(f), [wide, bar]);
    });

  it("what is passed on inside a kernel needs no memory", () => {
    const f: TensorFunction = (x, y) => {
      const shared = x.exp().sin();
      return [shared.mul(y), shared.add(y)];
    };
    const { schedule } = compileFunction(f, [wide, bar]);
    expect(schedule.kernels).toHaveLength(1);
    // two inputs and two outputs of 96 × 100 doubles
    expect(schedule.arenaBytes).toBe(4 * 96 * 100 * 8);
  });

  it("the update of a parameter by Adam is one kernel for parameter and both moments", () => {
    const step: TensorFunction = (w, m, v, g) => {
      const m2 = m.mul(0.9).add(g.mul(0.1));
      const v2 = v.mul(0.999).add(g.square().mul(0.001));
      return [w.sub(m2.div(0.1).div(v2.div(0.001).sqrt().add(1e-8)).mul(0.01)), m2, v2];
    };
    const args = [wide, bar, bar.square(), uniform(3, [96, 100])];
    expect(kernelsOf(step, args)).toHaveLength(1);
    expectSame(step, args);
  });

  it("momentum is updated in the product that makes the gradient", () => {
    const step: TensorFunction = (w, v, x, y) => {
      const gradient = grad((p: Tensor) => x.matmul(p).sub(y).square().sum())(w);
      const v2 = v.mul(0.9).add(gradient);
      return [w.sub(v2.mul(0.1)), v2];
    };
    const args = [uniform(1, [20, 30]), uniform(2, [20, 30]), uniform(3, [40, 20]), uniform(4, [40, 30])];
    const kernels = kernelsOf(step, args);
    expect(kernels.map(({ kind }) => kind)).toEqual(["dot", "dot"]);
    expectSame(step, args);
  });

  it("sums over the same elements are one pass", () => {
    const f: TensorFunction = (x) => [x.sum(), x.square().sum(), x.max()];
    expect(kernelsOf(f, [wide])).toHaveLength(1);
    expectSame(f, [wide]);
  });

  it("the first of the largest is found as before beside other reductions", () => {
    const x = tensor([3, 1, 3, 2]);
    const f: TensorFunction = (v) => [v.max(), v.argmax(), v.sum()];
    expect(runCompiled(f, [x])).toEqual([[3], [0], [9]]);
  });

  it("a value read in another order than it is made stays in memory", () => {
    const square = uniform(5, [24, 24]);
    expectSame(
      (x) => {
        const y = x.exp().sin();
        return [y, y.transpose().mul(x), y.flip(0).add(x), concat([y.slice([1, 24]), y.slice([0, 1])])];
      },
      [square],
    );
  });

  it("kernels between which another stands keep their order", () => {
    expectSame(
      (x, w) => {
        const y = x.exp();
        const z = y.matmul(w);
        return [z, y.mul(z.sum()), x.mul(z.sum()).cumsum(0)];
      },
      [uniform(1, [8, 9]), uniform(2, [9, 7])],
    );
  });

  it("parts of one buffer, sums into one and choices among them come out right", () => {
    expectSame(
      (x, y) => {
        const both = concat([x.exp(), y.exp()]);
        return [
          both,
          both.mul(2),
          x.exp().scatterAdd([0, 2, 0], y.slice([0, 3])),
          where(x.gt(y), x, y.exp()),
        ];
      },
      [uniform(1, [5, 7]), uniform(2, [5, 7])],
    );
  });

  it("what was forgotten on purpose is not kept by computing it where it was made", () => {
    const weights = Array.from({ length: 12 }, (_, i) => uniform(i, [32, 32]));
    const x = uniform(20, [64, 32]);
    const network = (wrap: (f: (v: Tensor, w: Tensor) => Tensor) => (v: Tensor, w: Tensor) => Tensor) => {
      const block = wrap((v, w) => v.matmul(w).exp().sin().exp().tanh().matmul(w).sin());
      return (...ws: Tensor[]) =>
        grad((all: readonly Tensor[]) => all.reduce((v, w) => block(v, w), x).sum())(ws);
    };
    const arena = (f: TensorFunction) => compileFunction(f, weights).schedule.arenaBytes;
    const forgetful = arena(network((f) => checkpoint(f)));
    // per block it keeps one activation of 64 × 32 doubles instead of six; weights and gradients are the same
    expect(arena(network((f) => f)) - forgetful).toBeGreaterThan(12 * 2 * 64 * 32 * 8);
  });

  it("donated state is updated in place by a kernel with several stores", () => {
    const step = jit(
      (w: Tensor, m: Tensor, g: Tensor) => {
        const m2 = m.mul(0.5).add(g);
        return [w.sub(m2), m2, w.sum()] as const;
      },
      { donate: [0, 1] },
    );
    let w = tensor([1, 2, 3]);
    let m = tensor([0, 0, 0]);
    let before = tensor(0);
    for (let i = 0; i < 3; i++) [w, m, before] = step(w, m, tensor([1, 1, 1]));
    // m: 1, 1.5, 1.75; w falls by each
    expect(m.arraySync()).toEqual([1.75, 1.75, 1.75]);
    expect(w.arraySync()).toEqual([-3.25, -2.25, -1.25]);
    expect(before.itemSync()).toBe(6 - 3 * 2.5);
  });

  it("of two states that trade places neither reads what the other has written", () => {
    const f = jit((x: Tensor, y: Tensor) => [y.exp(), x.exp().mul(y)] as const, { donate: [0, 1] });
    const [a, b] = f(tensor([0, 1]), tensor([2, 3]));
    expect(a.arraySync()).toEqual(tensor([2, 3]).exp().arraySync());
    expect(b.arraySync()).toEqual(
      tensor([0, 1])
        .exp()
        .mul(tensor([2, 3]))
        .arraySync(),
    );
  });
});
