import { afterEach, describe, expect, it } from "vitest";
import { memoryOf } from "../../src/compiler/cost.js";
import { leavesOf } from "../../src/compiler/nested.js";
import { compile, type PassName, passNames } from "../../src/compiler/pipeline.js";
import { formatSchedule } from "../../src/compiler/print.js";
import { traceGraph } from "../../src/graph/graph.js";
import {
  cond,
  grad,
  jit,
  ones,
  profile,
  type ScanOptions,
  scan,
  setThreads,
  type Tensor,
  tensor,
  threads,
  valueAndGrad,
  vmap,
  whileLoop,
  zeros,
} from "../../src/index.js";
import type { Kernel } from "../../src/loops/ir.js";
import { interpret } from "../support/interpret-loops.js";
import {
  compileFunction,
  expectClose,
  runCompiled,
  runReference,
  type TensorFunction,
  uniform,
} from "./support.js";

const before = threads();
afterEach(() => {
  setThreads(before);
});

/** A recurrent layer with a choice, a product and something that is the same in all steps. */
const layer =
  (options: ScanOptions = {}) =>
  (w: Tensor, xs: Tensor): Tensor => {
    const [last, ys] = scan(
      (h: Tensor, x: Tensor) => {
        const next = h.matmul(w).add(x).tanh();
        const kept = cond(
          next.sum().gt(0),
          (v) => v,
          (v) => v.mul(w.exp().sum().log()),
          next,
        );
        return [kept, next.slice(0)];
      },
      xs.slice(0).mul(0),
      xs,
      options,
    );
    return last.square().sum().add(ys.sin().sum());
  };

const loops: readonly (readonly [string, TensorFunction, readonly Tensor[]])[] = [
  ["a scan", layer(), [uniform(1, [3, 3]), uniform(2, [4, 2, 3])]],
  [
    "its gradient",
    (w, x) => grad(layer({ reverse: true }), { argnums: [0, 1] })(w, x),
    [uniform(1, [3, 3]), uniform(2, [4, 2, 3])],
  ],
  [
    "its gradient with recomputed steps",
    (w, x) => valueAndGrad(layer({ residuals: "recomputed" }))(w, x),
    [uniform(1, [3, 3]), uniform(2, [4, 2, 3])],
  ],
  [
    "a loop in a scan",
    (x) =>
      scan(
        (h, v: Tensor) => [
          whileLoop(
            (y) => y.lt(3),
            (y) => y.add(v.square()).add(0.1),
            h,
          ),
          h,
        ],
        0.5,
        x,
      ),
    [uniform(3, [5])],
  ],
  [
    "carries that are exchanged, dropped, repeated and constant",
    (x) => {
      const [carry, ys] = scan(
        ([a, b, , d]: Tensor[], v: Tensor) => [
          [b, a, v, d],
          [a, v, d.add(b)],
        ],
        [x.slice(0), x.slice(1), x.slice(2), x.slice(3)] as Tensor[],
        x,
      );
      return [...carry, ...ys];
    },
    [uniform(4, [4, 3])],
  ],
  [
    "batches of a gradient",
    (w, x) => vmap(grad(layer()), { inAxes: [0, null] })(w, x),
    [uniform(5, [2, 3, 3]), uniform(2, [4, 2, 3])],
  ],
];

describe.each(loops)("%s", (_name, f, args) => {
  const want = runReference(f, args);
  // float64: 1e-12 is thousands of roundings of values of order 1

  it("has the reference's values with all passes, and without each of them", () => {
    expectClose(runCompiled(f, args), want, 1e-12);
    for (const pass of passNames) expectClose(runCompiled(f, args, { disable: [pass] }), want, 1e-12);
    expectClose(runCompiled(f, args, { disable: passNames }), want, 1e-12);
  });

  it("has them in the interpreter of loops too", () => {
    const { schedule, inputs, outputs, constants } = compileFunction(f, args);
    const given = new Map(inputs.map((buffer, i) => [buffer, args[i].dataSync()]));
    for (const { buffer, spec } of constants)
      if (spec.constant !== undefined) given.set(buffer, spec.constant);
    const buffers = interpret(schedule, given);
    expectClose(
      outputs.map((buffer) => Array.from(buffers[buffer])),
      want,
      1e-12,
    );
  });
});

describe("a compiled scan", () => {
  const compiledFor = (length: number, f: TensorFunction = (w, x) => valueAndGrad(layer())(w, x)) =>
    compileFunction(f, [uniform(1, [3, 3], "float32"), zeros([length, 2, 3])]);

  it("is one program of the same kernels, whatever its length", () => {
    const texts = [10, 100, 1000].map((length) => {
      const { schedule } = compiledFor(length);
      return [schedule.kernels.length, leavesOf(schedule.kernels).length];
    });
    expect(texts[1]).toEqual(texts[0]);
    expect(texts[2]).toEqual(texts[0]);
  });

  it("runs the way forward once for value and gradient", () => {
    const scans = (kernels: readonly Kernel[]): number =>
      kernels.filter(({ kind }) => kind === "scan").length;
    expect(scans(compiledFor(10).schedule.kernels)).toBe(2);
  });

  it("is not taken for another of the same body over other slices", () => {
    const step = (h: Tensor, v: Tensor) => [h.mul(v).sin(), null] as const;
    const f = (w: Tensor, x: Tensor, y: Tensor): Tensor[] => [
      scan(step, w, x)[0],
      grad((u: Tensor) => scan(step, u, y)[0].sum())(w),
      scan(step, w, y, { reverse: true })[0],
    ];
    const args = [uniform(1, [3]), uniform(2, [4, 3]), uniform(3, [4, 3])];
    expectClose(runCompiled(f, args), runReference(f, args), 1e-12);
  });

  it("keeps nothing of its steps where nobody differentiates", () => {
    const bytes = (f: TensorFunction): number => memoryOf(compiledFor(1000, f)).liveBytes;
    const slices = 1000 * 2 * 3 * 4;
    // xs, and the slices that are summed at the end
    expect(bytes(layer())).toBeLessThan(1.6 * slices);
    expect(bytes((w, x) => grad(layer())(w, x))).toBeGreaterThan(2.5 * slices);
  });

  it("lets what is made anew in each step share memory, and nothing else", () => {
    const f = (x: Tensor): Tensor =>
      scan(
        (h: Tensor, v: Tensor) => {
          // each of these is needed in memory, one after the other
          let a = v.matmul(h);
          for (let i = 0; i < 6; i++) a = a.matmul(h);
          return [a, null];
        },
        ones([32, 32]),
        x,
      )[0];
    const { schedule } = compileFunction(f, [zeros([4, 32, 32])]);
    // xs, the carry, a slice, and two of the products at a time
    expect(schedule.arenaBytes).toBeLessThanOrEqual((4 + 1 + 1 + 3) * 32 * 32 * 4);
  });

  it("computes once what is the same in all steps, and not at all what is zero", () => {
    const f = (w: Tensor, x: Tensor): Tensor => grad((u: Tensor) => layer()(u, x))(w);
    const { schedule } = compileFunction(f, [uniform(1, [3, 3]), uniform(2, [4, 2, 3])]);
    const inside = schedule.kernels.flatMap((kernel) => (kernel.kind === "scan" ? leavesOf([kernel]) : []));
    expect(inside.filter(({ name }) => name.includes("exp") || name.includes("log"))).toEqual([]);
  });

  it("multiplies behind the loop what its steps would multiply and add up", () => {
    const f = (w: Tensor, x: Tensor): Tensor =>
      grad((u: Tensor) =>
        scan(
          (h: Tensor, v: Tensor) => [h.matmul(u).add(v).tanh(), null],
          zeros([2, 3], { dtype: "float64" }),
          x,
        )[0].sum(),
      )(w);
    const args = [uniform(1, [3, 3]), uniform(2, [4, 2, 3])];
    const products = (disable: readonly PassName[]): number =>
      compileFunction(f, args, { disable }).schedule.kernels.filter(({ kind }) => kind === "dot").length;
    expect(products([])).toBe(1);
    expect(products(["defer"])).toBe(0);
    const sum: TensorFunction = (x) =>
      scan((s: Tensor, v: Tensor) => [v.matmul(v).add(s), null], uniform(4, [3, 3]), x, { reverse: true })[0];
    const squares = [uniform(2, [4, 3, 3])];
    expectClose(runCompiled(sum, squares), runReference(sum, squares), 1e-12);
    expectClose(runCompiled(f, args), runReference(f, args), 1e-12);
  });

  it("adds up step by step what would have to be kept for it, or is read in between", () => {
    const kept = (x: Tensor): Tensor =>
      scan((s: Tensor, v: Tensor) => [s.add(v.exp().matmul(v.sin().transpose())), null], zeros([3, 3]), x)[0];
    const read = (x: Tensor): Tensor[] =>
      scan((s: Tensor, v: Tensor) => [s.add(v.matmul(v)), s.sum()], zeros([3, 3]), x).flat() as Tensor[];
    for (const f of [kept, read]) {
      const args = [uniform(2, [4, 3, 3], "float32")];
      const { kernels } = compileFunction(f, args).schedule;
      expect(kernels.filter(({ kind }) => kind === "dot")).toEqual([]);
      // float32: nine products and four steps
      expectClose(runCompiled(f, args), runReference(f, args), 1e-5);
    }
  });

  it("writes a carry in place where nothing reads the old one any more", () => {
    const text = formatSchedule(
      compileFunction(
        (x) => scan((h: Tensor, v: Tensor) => [h.mul(v), null], ones([4]), x)[0],
        [zeros([3, 4])],
      ).schedule,
    );
    expect(text).not.toContain("keep");
  });

  it("gives the same bits whichever threads help", () => {
    const [w, x] = [uniform(7, [256, 256], "float32").mul(0.05), uniform(8, [6, 192, 256], "float32")];
    const f = (a: Tensor, b: Tensor) =>
      valueAndGrad((u: Tensor, v: Tensor) =>
        scan((h: Tensor, s: Tensor) => [h.matmul(u).add(s).tanh(), null], zeros([192, 256]), v)[0]
          .square()
          .mean(),
      )(a, b);
    const run = (count: number): [number, number[]] => {
      setThreads(count);
      const compiled = jit(f);
      compiled(w, x);
      const [value, gradient] = compiled(w, x);
      return [value.itemSync(), [...gradient.dataSync()]];
    };
    expect(run(2)).toEqual(run(1));
  });

  it("updates donated state in place from call to call", () => {
    const step = jit(
      (state: Tensor, x: Tensor) => scan((h: Tensor, v: Tensor) => [h.add(v), null], state, x)[0],
      { donate: [0] },
    );
    let state = zeros([2]);
    for (let i = 0; i < 3; i++) state = step(state, ones([4, 2]));
    expect(state.arraySync()).toEqual([12, 12]);
  });

  it("is profiled as one line with all its steps", () => {
    const report = profile(
      (x: Tensor) => scan((h: Tensor, v: Tensor) => [h.mul(v), null], ones([4]), x)[0],
      [zeros([50, 4])],
    );
    const line = report.kernels.find(({ operation }) => operation === "scan");
    expect(line?.flops).toBe(50 * 4);
    expect(line?.extents).toBe("50 steps");
    expect(line?.name).toContain("scan of mul");
  });

  it("names a kernel inside that met an index out of range, and leaves later state alone", () => {
    const table = tensor([1, 2]);
    const run = jit(
      (state: Tensor, i: Tensor) => [
        state.add(scan((h, k: Tensor) => [h.add(table.take(k)), null], 0, i)[0]),
        i.add(1),
      ],
      { donate: [0] },
    );
    let state = ones([3]);
    [state] = run(state, tensor([0, 1], { dtype: "int32" }));
    expect(() => run(state, tensor([0, 9], { dtype: "int32" }))).toThrow(/take: index 9 is out of range/);
    expect(state.arraySync()).toEqual([4, 4, 4]);
  });
});

describe("the passes over scans", () => {
  it("verify after each of them", () => {
    const args = [uniform(1, [3, 3]), uniform(2, [4, 2, 3])];
    const graph = traceGraph("jit", args, (leaves) => [
      grad(layer())(leaves[0] as Tensor, leaves[1] as Tensor),
    ]);
    expect(() => compile(graph, { donated: [], verify: true })).not.toThrow();
  });
});
