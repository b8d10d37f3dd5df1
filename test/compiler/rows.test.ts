/** rows: which kernels run row by row together, which must not, and that values stay what they were. */
import { describe, expect, it } from "vitest";
import { jit, setThreads, type Tensor, threads, valueAndGrad, where } from "../../src/index.js";
import {
  compileFunction,
  expectSame,
  kernelsOf,
  runCompiled,
  type TensorFunction,
  uniform,
  withGradient,
} from "./support.js";

const layerNorm = (x: Tensor): Tensor => {
  const centred = x.sub(x.mean(-1, { keepDims: true }));
  return centred.div(centred.square().mean(-1, { keepDims: true }).add(1e-5).sqrt());
};

const bar = uniform(2, [96, 100]);

describe("rows", () => {
  const long = uniform(3, [96, 100]);
  for (const [name, f] of [
    ["softmax", (x: Tensor) => x.softmax()],
    ["log-softmax", (x: Tensor) => x.logSoftmax()],
    ["layer norm", layerNorm],
  ] as const)
    it(`${name} and its gradient are one kernel, with scratch for one row`, () => {
      const { schedule } = compileFunction(withGradient(f), [long, bar]);
      expect(schedule.kernels.map(({ kind }) => kind)).toEqual(["rows"]);
      // two inputs, two outputs, and less than six rows
      expect(schedule.arenaBytes).toBeLessThan((4 * 96 + 6) * 100 * 8);
      expectSame(withGradient(f), [long, bar]);
    });

  it("the cross-entropy of many classes and its gradient go over the logits once, and stay finite at ±1000", () => {
    const labels = uniform(5, [96, 100]).softmax();
    const loss = (x: Tensor): Tensor => x.logSoftmax().mul(labels).sum(-1).mean().neg();
    const f: TensorFunction = (x) => [...valueAndGrad(loss)(x)];
    const kinds = kernelsOf(f, [long]).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "rows")).toHaveLength(1);
    expect(kinds.length).toBeLessThanOrEqual(3);
    expectSame(f, [long]);
    const extreme = where(long.gt(0), 1000, -1000);
    for (const values of runCompiled(f, [extreme])) expect(values.every(Number.isFinite)).toBe(true);
  });

  it("attention weights of several heads are rows of all heads", () => {
    const scores = uniform(4, [2, 3, 40, 80]);
    const kernels = kernelsOf((x) => x.softmax(), [scores]);
    expect(kernels).toHaveLength(1);
    expect(kernels[0].kind === "rows" && kernels[0].rows).toEqual([2, 3, 40]);
    expectSame((x) => x.softmax(), [scores]);
    expectSame((x) => [x.softmax(), x.softmax(2), x.softmax(1)], [scores]);
  });

  it("reductions along columns, other rows read, and rows in another order stay apart", () => {
    const x = uniform(6, [100, 100]);
    expectSame((v) => v.softmax(0), [x]);
    expectSame(
      (v) => {
        const e = v.exp().sin();
        return [e.sum(1), e.flip(0).sum(1), e.transpose().sum(1), e.sub(e.sum(0)).sum(1)];
      },
      [x],
    );
    expectSame(
      (v) => {
        const s = v.exp().sum(1);
        // each row with the sum of another
        return v.mul(s.flip(0).expandDims(1)).exp().sum(1).add(s);
      },
      [x],
    );
  });

  it("results do not depend on how often a program has run", () => {
    const step = jit(withGradient((x) => x.softmax()) as (x: Tensor, y: Tensor) => [Tensor, Tensor]);
    const first = step(long, bar).map((t) => Array.from(t.dataSync()));
    step(bar, long);
    expect(step(long, bar).map((t) => Array.from(t.dataSync()))).toEqual(first);
  });

  it("the bits do not depend on how many threads share the rows", () => {
    const [x, y] = [uniform(7, [300, 1000], "float32"), uniform(8, [300, 1000], "float32")];
    const step = jit(withGradient((v) => v.softmax()) as (v: Tensor, w: Tensor) => [Tensor, Tensor]);
    const before = threads();
    try {
      const [one, three] = [1, 3].map((count) => {
        setThreads(count);
        let results: number[][] = [];
        // workers come in when they are up
        for (let i = 0; i < 20; i++) results = step(x, y).map((t) => Array.from(t.dataSync()));
        return results;
      });
      expect(three).toEqual(one);
    } finally {
      setThreads(before);
    }
  });

  it("donated state that the rows read is replaced only where that is safe", () => {
    const step = (donate: number[]) =>
      jit(
        (x: Tensor, y: Tensor) => {
          const p = x.softmax();
          return [
            p.mul(y).sub(p.mul(y).sum(-1, { keepDims: true })),
            x.sum(-1).expandDims(1).mul(y),
          ] as const;
        },
        { donate },
      );
    const run = (f: ReturnType<typeof step>): number[][] => {
      let [x, y] = [long, bar];
      // donated tensors are gone: give copies
      [x, y] = [x.add(0).mul(1), y.add(0).mul(1)];
      for (let i = 0; i < 3; i++) [x, y] = f(x, y);
      return [Array.from(x.dataSync()), Array.from(y.dataSync())];
    };
    const want = run(step([]));
    expect(run(step([0]))).toEqual(want);
    expect(run(step([1]))).toEqual(want);
    expect(run(step([0, 1]))).toEqual(want);
  });
});
