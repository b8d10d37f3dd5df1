/** simplify: what it rewrites, and that every special value survives. */
import { describe, expect, it } from "vitest";
import { grad, type Tensor, tensor, vjp, where } from "../../src/index.js";
import {
  compileFunction,
  expectClose,
  expectSame,
  runCompiled,
  runReference,
  type TensorFunction,
  uniform,
} from "./support.js";

const wide = uniform(1, [96, 100]);

describe("simplify", () => {
  const primitives = (f: TensorFunction, args: readonly Tensor[]): string[] =>
    compileFunction(f, args).schedule.kernels.map(({ name }) => name);

  it("the gradient of slices side by side is a concatenation, whatever their order", () => {
    const x = uniform(1, [6, 10]);
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const f: TensorFunction = (v) =>
        grad((p: Tensor) => {
          const parts = [
            p.slice(null, [0, 3]).sin(),
            p.slice(null, [3, 4]).exp(),
            p.slice(null, [4, 10]).tanh(),
          ];
          return order.map((i) => parts[i].square().sum()).reduce((a, b) => a.add(b));
        })(v);
      expect(primitives(f, [x]).filter((name) => name.includes("pad"))).toEqual([]);
      expectSame(f, [x]);
    }
    // with a gap, and with an overlap
    expectSame(
      (v) =>
        grad((p: Tensor) =>
          p
            .slice([0, 2])
            .sin()
            .sum()
            .add(p.slice([4, 6]).exp().sum()),
        )(v),
      [x],
    );
    expectSame(
      (v) =>
        grad((p: Tensor) =>
          p
            .slice([0, 4])
            .sin()
            .sum()
            .add(p.slice([2, 6]).exp().sum()),
        )(v),
      [x],
    );
    expectSame(
      (v) =>
        v
          .pad([
            [1, 0],
            [0, 1],
          ])
          .add(
            v.pad([
              [0, 1],
              [1, 0],
            ]),
          ),
      [x],
    );
  });

  it("a gradient that comes out transposed is multiplied in the other order instead", () => {
    const args = [uniform(1, [20, 30]), uniform(2, [40, 20]), uniform(3, [40, 30])];
    const f: TensorFunction = (w, x, y) => grad((p: Tensor) => x.matmul(p).mul(y).sin().sum())(w);
    const kernels = compileFunction(f, args).schedule.kernels;
    expect(kernels.every(({ kind }) => kind === "dot")).toBe(true);
    expectSame(f, args);
  });

  it("negations, conditions and divisions by powers of two leave every value as it is", () => {
    const special = [
      0,
      1,
      -1,
      2.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      1e-310,
      -1e308,
    ];
    const x = tensor(
      special.flatMap((a) => special.map(() => a)),
      { dtype: "float64" },
    );
    const y = tensor(
      special.flatMap(() => special),
      { dtype: "float64" },
    );
    const f: TensorFunction = (a, b) => [
      a.neg().mul(b),
      a.mul(b.neg()).sub(a),
      a.neg().div(b).add(b),
      a.sub(b).neg(),
      a.neg().mul(3),
      a.div(8).add(b.div(-0.25)),
      a.div(3),
      a
        .neg()
        .reshape([9, 9])
        .sum(0)
        .sub(b.reshape([9, 9]).neg().sum(1)),
      where(a.lt(b).cast("float64").eq(0), a, b),
      where(a.eq(b).cast("int32").cast("float64").ne(1), a, b),
      where(a.eq(b).not(), a, b),
      where(a.ge(b).not(), a, b),
      a.neg().expandDims(0).broadcastTo([2, 81]).sum(0).add(b),
    ];
    expectClose(runCompiled(f, [x, y]), runReference(f, [x, y]), 0);
    expectClose(runCompiled(f, [x, y], { disable: ["simplify"] }), runReference(f, [x, y]), 0);
  });

  it("rows divided by a root or by a sum of exponentials keep every special value", () => {
    const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
    const rows = [
      [0, 0, 0, 0],
      [inf, 1, -1, 0],
      [-inf, -inf, -inf, -inf],
      [-inf, 2, 0, 1],
      [nan, 1, 2, 3],
      [inf, inf, -inf, 0],
      [1e308, -1e308, 1, 0],
      [5e-324, -5e-324, 0, 1e-310],
      [1000, -1000, 999, 0],
    ].map((row) => [...row, ...row, 0.5, -0.5]);
    const x = tensor(rows, { dtype: "float64" });
    const y = tensor(
      rows.map((_, i) => rows[(i + 4) % rows.length]),
      { dtype: "float64" },
    );
    const f: TensorFunction = (v, bar) => {
      const [soft, pullback] = vjp((u: Tensor) => u.softmax(), v);
      const root = v.abs().sum(-1, { keepDims: true }).sqrt();
      return [soft, ...pullback(bar), bar.div(root), v.div(v.max(-1, { keepDims: true }).sqrt())];
    };
    // one rounding more than the reference has, in values of order 1
    const want = runReference(f, [x, y]);
    expectClose(runCompiled(f, [x, y]), want, 1e-15);
    expectClose(runCompiled(f, [x, y], { disable: ["simplify"] }), want, 1e-15);
    const divisions = (g: TensorFunction): number =>
      compileFunction(g, [wide]).schedule.kernels.filter(({ name }) => name.split(", ").includes("div"))
        .length;
    // by a sum of exponentials that may overflow, or a number that is none of these, it stays a division
    expect(divisions((v) => v.div(v.exp().sum(-1, { keepDims: true })))).toBe(1);
    expect(divisions((v) => v.div(v.sum(-1, { keepDims: true })))).toBe(1);
    expect(divisions((v) => v.softmax())).toBe(0);
  });

  it("a constant array of one number is that number", () => {
    const f: TensorFunction = (v) =>
      v
        .mul(
          tensor(
            [
              [2, 2],
              [2, 2],
            ],
            { dtype: "float64" },
          ),
        )
        .add(tensor(1, { dtype: "float64" }));
    const compiled = compileFunction(f, [uniform(1, [2, 2])]);
    expect(compiled.constants).toEqual([]);
    expectSame(f, [uniform(1, [2, 2])]);
  });
});
