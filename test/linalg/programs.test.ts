/** Linear algebra inside programs: loops, branches, and one factorisation for all that need it. */
import { describe, expect, it } from "vitest";
import {
  cholesky,
  cond,
  det,
  grad,
  inv,
  jit,
  logDet,
  profile,
  scan,
  solve,
  type Tensor,
  tensor,
  valueAndGrad,
} from "../../src/index.js";
import { distance, dominant, normal, positiveDefinite, unit } from "./support.js";

const a3 = dominant(3, "float64").add(normal([3, 3], "float64", 8));
const b3 = normal([3, 2], "float64", 2);
const spd3 = positiveDefinite(3, "float64", 3);

describe("in loops and branches", () => {
  const b = normal([3], "float64", 5);

  it("a scan that solves a system at every step has the value and gradient of the loop", () => {
    const step = (a: Tensor) => (x: Tensor, t: Tensor) => {
      const next = solve(a, x.add(t));
      return [next, logDet(a.add(t))] as const;
    };
    const times = tensor([0.5, 1, 1.5, 2], { dtype: "float64" });
    const scanned = (a: Tensor): Tensor => {
      const [x, ys] = scan(step(a), b, times);
      return x.square().sum().add(ys.sum());
    };
    const looped = (a: Tensor): Tensor => {
      let x = b;
      let sum = tensor(0, { dtype: "float64" });
      for (let i = 0; i < 4; i++) {
        const [next, y] = step(a)(x, times.at(i));
        x = next;
        sum = sum.add(y);
      }
      return x.square().sum().add(sum);
    };
    for (const run of [valueAndGrad(scanned), jit(valueAndGrad(scanned))]) {
      const [value, gradient] = run(a3);
      const [expected, by] = valueAndGrad(looped)(a3);
      // four solutions, each of relative error 9n · u · κ, n = 3, κ < 40
      expect(distance(value, expected)).toBeLessThan(
        4 * 27 * 40 * unit.float64 * Math.abs(expected.itemSync()),
      );
      expect(distance(gradient, by)).toBeLessThan(4 * 27 * 40 * unit.float64 * 10);
    }
  });

  it("a branch factorises the matrix it is given", () => {
    const f = (a: Tensor): Tensor =>
      cond(
        a.at(0, 0).gt(0),
        (m: Tensor) => cholesky(m).sum(),
        (m: Tensor) => inv(m).sum(),
        a,
      );
    const branches = [cholesky, inv] as const;
    [spd3, spd3.neg()].forEach((a, i) => {
      for (const run of [grad(f), jit(grad(f))])
        expect(distance(run(a), grad((m: Tensor) => branches[i](m).sum())(a))).toBeLessThan(
          1e3 * unit.float64,
        );
    });
  });
});

describe("compiled", () => {
  it.each([
    ["solve", (a: Tensor) => solve(a, b3).square().sum()],
    ["logDet", (a: Tensor) => logDet(a)],
    ["det", (a: Tensor) => det(a)],
    ["a quadratic form with its determinant", (a: Tensor) => solve(a, b3).mul(b3).sum().add(logDet(a))],
  ])("value and gradient of %s share one factorisation", (_name, f) => {
    const operations = profile(valueAndGrad(f), [a3], { runs: 1 }).kernels.map(({ operation }) => operation);
    expect(operations.filter((operation) => operation === "lu")).toHaveLength(1);
  });
});
