/** The compiler's passes: legal after each, and without effect on values, whether they run or not. */
import { describe, expect, it } from "vitest";
import { memoryOf } from "../../src/compiler/cost.js";
import { cse } from "../../src/compiler/passes/cse.js";
import { inline } from "../../src/compiler/passes/inline.js";
import { compile, type PassName, passNames } from "../../src/compiler/pipeline.js";
import { traceGraph } from "../../src/graph/graph.js";
import * as adjoint from "../../src/index.js";
import {
  conv,
  grad,
  hessian,
  jit,
  maxPool,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
} from "../../src/index.js";
import {
  compileFunction,
  expectClose,
  expectSame,
  runCompiled,
  runReference,
  type TensorFunction,
  uniform,
} from "./support.js";

const a = uniform(1, [5, 7]);
const b = uniform(2, [7, 3]);
const v = uniform(3, [7]);
const image = uniform(4, [2, 3, 6, 6]);
const kernel = uniform(5, [4, 3, 3, 3]);

const mlpLoss = (x: Tensor, w: Tensor, c: Tensor): Tensor =>
  x.matmul(w).add(c).tanh().logSoftmax().square().mean();

const functions: readonly (readonly [string, TensorFunction, readonly Tensor[]])[] = [
  ["an element-wise chain", (x) => x.sin().mul(x).add(1).exp().sub(x), [a]],
  ["a value used by two kernels", (x) => [x.exp().sum(0), x.exp().matmul(b)], [a]],
  ["views of views", (x) => x.transpose().flip(0).slice([1, 6, 2]).reshape([-1]).mul(2), [a]],
  ["a reduction with a prologue and an epilogue", (x) => x.square().sum(1).sqrt().add(1), [a]],
  ["softmax", (x) => x.softmax(0), [a]],
  [
    "a contraction with bias and activation",
    (x, w, c) => x.matmul(w).add(c).sigmoid(),
    [a, b, uniform(6, [3])],
  ],
  ["a contraction of transposed operands", (x, y) => x.transpose().matmul(y.transpose().transpose()), [a, a]],
  ["a batched contraction", (x, y) => x.matmul(y), [uniform(7, [4, 2, 3]), uniform(8, [4, 3, 5])]],
  ["a broadcast that repeats an expensive value", (x, y) => x.exp().expandDims(0).mul(y), [v, a]],
  [
    "concat, pad and a negative step",
    (x) =>
      adjoint.concat([
        x.pad([
          [1, 2],
          [0, 0],
        ]),
        x.slice([null, null, -1]),
      ]),
    [a],
  ],
  ["gather and scatterAdd", (x) => x.take([3, 1, 1]).scatterAdd([0, 2, 2], x.slice([0, 3])), [a]],
  ["sort and cumsum", (x) => x.sort(1).cumsum(0), [a]],
  [
    "convolution and pooling",
    (x, w) => maxPool(conv(x, w, { padding: 1, stride: 2 }), { size: 2, stride: 1 }),
    [image, kernel],
  ],
  [
    "gradients of a convolution",
    (x, w) => grad((p, q) => conv(p, q, { padding: 1 }).tanh().sum(), { argnums: [0, 1] })(x, w),
    [image, kernel],
  ],
  [
    "gradients of a network",
    (x, w, c) => grad(mlpLoss, { argnums: [0, 1, 2] })(x, w, c),
    [a, b, uniform(9, [3])],
  ],
  ["a Hessian", (x) => hessian((p) => p.sin().mul(p).sum().square())(x), [v]],
  ["a batched gradient", (x) => vmap((row) => grad((p) => p.square().sum().sqrt())(row))(x), [a]],
  ["a rank-0 result", (x) => x.mul(x).sum().log().neg(), [a]],
  ["an input returned as it is", (x) => [x, x.neg().neg(), x], [a]],
  [
    "constants",
    (x) =>
      x
        .mul(tensor([1, 2, 3, 4, 5, 6, 7], { dtype: "float64" }))
        .add(0)
        .mul(1),
    [a],
  ],
  ["zero sizes", (x) => x.slice([0, 0]).sum(0).add(x.sum(0)), [a]],
];

describe("passes", () => {
  const optional = passNames.filter((name) => name !== "inline");
  for (const [name, f, args] of functions)
    it(`${name}: the same with every pass, with none, and without each`, () => {
      // float64 values of order 1, sums of at most a few hundred terms: 1e-12 is a thousand roundings
      const want = runReference(f, args);
      expectClose(runCompiled(f, args), want, 1e-12);
      expectClose(runCompiled(f, args, { disable: optional }), want, 1e-12);
      for (const pass of optional) expectClose(runCompiled(f, args, { disable: [pass] }), want, 1e-12);
    });

  it("fusion makes one kernel of an element-wise chain, and of a product with bias and activation", () => {
    const kernels = (f: TensorFunction, args: readonly Tensor[]): number => {
      const graph = traceGraph("jit", args, (leaves) => [f(...(leaves as Tensor[]))].flat());
      return compile(graph, { donated: [] }).schedule.kernels.length;
    };
    expect(kernels((x) => x.mul(2).add(1).neg().square(), [a])).toBe(1);
    expect(kernels((x, w, c) => x.matmul(w).add(c).relu(), [a, b, uniform(6, [3])])).toBe(1);
    expect(kernels((x) => x.square().mean().sqrt(), [a])).toBe(1);
  });

  it("cse computes an expression once, but never merges across a checkpoint's barrier", () => {
    // as the graph passes leave it: kernels over the same points would become one
    const disable = new Set<PassName>(["merge", "rows"]);
    const count = (f: TensorFunction): number => {
      const graph = traceGraph("jit", [v], (leaves) => [f(...(leaves as Tensor[]))].flat());
      return compile(graph, { donated: [], disable }).schedule.kernels.length;
    };
    expect(count((x) => [x.exp(), x.exp()])).toBe(1);
    const block = (x: Tensor): Tensor => x.exp().sin().exp().sum();
    // the value and the gradient need both exponentials; so does the way back, where nothing was kept
    const exponentials = (f: TensorFunction): number => {
      const graph = traceGraph("jit", [v], (leaves) => [f(...(leaves as Tensor[]))].flat());
      return cse(inline(graph)).operations.filter(({ primitive }) => primitive.name === "exp").length;
    };
    expect(exponentials((x) => valueAndGrad(block)(x))).toBe(2);
    expect(exponentials((x) => valueAndGrad(adjoint.checkpoint(block))(x))).toBe(4);
  });

  it("memory is shared by buffers that do not live at the same time", () => {
    const deep = (x: Tensor): Tensor => {
      let y = x;
      for (let i = 0; i < 20; i++) y = y.matmul(y).tanh();
      return y;
    };
    const square = uniform(10, [32, 32]);
    const graph = traceGraph("jit", [square], (leaves) => [deep(leaves[0] as Tensor)]);
    const { schedule } = compile(graph, { donated: [], verify: true });
    // input, and two layers alive at a time, of 8 KiB each
    expect(schedule.arenaBytes).toBeLessThanOrEqual(4 * 32 * 32 * 8);
  });
});

describe("memory", () => {
  /** A training step of a network of convolutions or of dense layers, its parameters donated. */
  const step = (layers: number, batch: number): { f: TensorFunction; args: Tensor[] } => {
    const args = Array.from({ length: layers }, (_, i) => uniform(i, [32, 32], "float32"));
    args.push(uniform(99, [batch, 32], "float32"));
    const f: TensorFunction = (...all) => {
      const x = all[layers];
      const loss = (ws: readonly Tensor[]) =>
        ws
          .reduce((v, w) => v.matmul(w).gelu(), x)
          .square()
          .mean();
      const parameters = all.slice(0, layers);
      const gradients = grad(loss)(parameters);
      return parameters.map((w, i) => w.sub(gradients[i].mul(0.1)));
    };
    return { f, args };
  };
  const memoryFor = (layers: number, batch: number) => {
    const { f, args } = step(layers, batch);
    return memoryOf(compileFunction(f, args, { donated: args.map((_, i) => i < layers) }));
  };

  it("is within a tenth of what is alive at once, and of that nothing is gradients of parameters", () => {
    const { arenaBytes, liveBytes } = memoryFor(12, 64);
    expect(arenaBytes).toBeLessThanOrEqual(1.1 * liveBytes);
    // of 64 × 32 floats each: input, three values a layer that the way back needs, and a few in flight
    expect(liveBytes).toBeLessThan((1 + 3 * 12 + 4) * 64 * 32 * 4);
  });

  it("the gradient of a weight that is used many times is added up as it is made", () => {
    const arena = (uses: number): number => {
      // few examples and wide layers: what is alive is products of weights, not what layers remember
      const [w, x] = [uniform(1, [128, 128], "float32"), uniform(2, [2, 128], "float32")];
      const loss = (own: Tensor): Tensor => {
        let y = x;
        for (let i = 0; i < uses; i++) y = y.matmul(own).tanh();
        return y.square().sum();
      };
      return memoryOf(compileFunction((own) => grad(loss)(own), [w])).arenaBytes;
    };
    // each more use adds what it remembers, and no more than that
    expect(arena(16) - arena(4)).toBeLessThanOrEqual(12 * 3 * 2 * 128 * 4);
    expectSame(
      (w, x) => {
        const loss = (own: Tensor): Tensor =>
          x.matmul(own).tanh().matmul(own).tanh().matmul(own).square().sum();
        return grad(loss)(w);
      },
      [uniform(3, [7, 7]), uniform(4, [3, 7])],
    );
  });

  it("grows with layers and batch in proportion", () => {
    const [one, two, four] = [8, 16, 32].map((layers) => memoryFor(layers, 64).arenaBytes);
    expect(four - two).toBeLessThanOrEqual(1.05 * 2 * (two - one));
    const [small, large] = [64, 256].map((batch) => memoryFor(8, batch).arenaBytes);
    expect(large).toBeLessThanOrEqual(4.05 * small);
  });
});

describe("donation", () => {
  const step = () =>
    jit((state: Tensor, x: Tensor) => [state.mul(0.5).add(x), state.sum()] as const, { donate: [0] });

  it("keeps state in place from call to call, and it reads as it should at any time", () => {
    const f = step();
    let state = tensor([1, 2, 3]);
    const seen: number[][] = [];
    for (let i = 0; i < 4; i++) {
      [state] = f(state, tensor([1, 1, 1]));
      if (i % 2 === 1) seen.push(Array.from(state.dataSync()));
    }
    expect(seen).toEqual([
      [1.75, 2, 2.25],
      [1.9375, 2, 2.0625],
    ]);
  });

  it("a donated tensor cannot be read", () => {
    const first = tensor([1, 2, 3]);
    const [second] = step()(first, tensor(1));
    expect(() => first.dataSync()).toThrow(/donated/);
    // but it can be printed, and written as JSON, by someone who looks for the reason
    expect(String(first)).toBe("tensor(donated, shape [3], float32)");
    expect(JSON.stringify(first)).toBe('{"shape":[3],"dtype":"float32"}');
    expect(JSON.stringify(second)).toBe('{"shape":[3],"dtype":"float32","data":[1.5,2,2.5]}');
    expect(Array.from(second.dataSync())).toEqual([1.5, 2, 2.5]);
  });

  it("a run that stops at a bad index loses no state", () => {
    const f = jit((state: Tensor, at: Tensor) => state.mul(2).add(state.take(at).sum()), { donate: [0] });
    const index = (i: number): Tensor => tensor([i], { dtype: "int32" });
    const state = f(f(tensor([1, 2, 3]), index(0)), index(1));
    expect(() => f(state, index(7))).toThrow(/index 7/);
    expect(Array.from(state.dataSync())).toEqual([11, 15, 19]);
    expect(Array.from(f(state, index(0)).dataSync())).toEqual([33, 41, 49]);
  });

  it("a run that stops after state was written refuses to go on from it", () => {
    const at = (i: number): Tensor => tensor([i], { dtype: "int32" });
    const f = jit((x: Tensor, i: Tensor, y: Tensor) => [x.add(1), y.take(i)] as const, { donate: [0] });
    const y = tensor([5, 6]);
    const [state] = f(tensor([1, 2]), at(0), y);
    expect(() => f(state, at(7), y)).toThrow(/index 7/);
    let next: number[] | undefined;
    try {
      next = Array.from(f(state, at(1), y)[0].dataSync());
    } catch (error) {
      expect(String(error)).toMatch(/donated/);
    }
    // whichever came first in the schedule: the right step, or a refusal
    if (next !== undefined) expect(next).toEqual([3, 4]);
  });

  it("an argument that cannot be read loses no state", () => {
    const f = jit((x: Tensor, y: Tensor) => x.add(y), { donate: [0] });
    const state = f(tensor([1, 2]), tensor(1));
    const gone = tensor(1);
    jit((x: Tensor) => x.mul(2), { donate: [0] })(gone);
    expect(() => f(state, gone)).toThrow(/donated/);
    expect(Array.from(state.dataSync())).toEqual([2, 3]);
  });

  it("an input that is also an output keeps its contents, whatever else is given", () => {
    const both = jit((x: Tensor) => [x.mul(10), x] as const, { donate: [0] });
    expect(both(tensor([1, 2])).map((t) => t.arraySync())).toEqual([
      [10, 20],
      [1, 2],
    ]);
    const reshaped = jit((x: Tensor, y: Tensor) => [x.add(y), x.reshape([2])] as const, { donate: [0] });
    expect(reshaped(tensor([1, 2]), tensor([10, 20])).map((t) => t.arraySync())).toEqual([
      [11, 22],
      [1, 2],
    ]);
  });

  it("resident state may be passed twice, as any tensor may", () => {
    const one = jit((x: Tensor, y: Tensor) => x.add(y), { donate: [0] });
    const state = one(tensor([1, 2]), tensor([1, 1]));
    expect(Array.from(one(state, state).dataSync())).toEqual([4, 6]);
    const two = jit((x: Tensor, y: Tensor) => [x.add(y), x.sub(y)] as const, { donate: [0, 1] });
    const [sum] = two(tensor([1, 2]), tensor([1, 1]));
    expect(two(sum, sum).map((t) => t.arraySync())).toEqual([
      [4, 6],
      [0, 0],
    ]);
  });

  it("what a compiled function closed over is its own, even after it was donated elsewhere", () => {
    const scale = tensor([2, 3]);
    const f = jit((x: Tensor) => x.mul(scale).sum());
    expect(f(tensor([1, 1])).itemSync()).toBe(5);
    jit((x: Tensor) => x.add(1), { donate: [0] })(scale);
    expect(Array.from(grad(f)(tensor([1, 1])).dataSync())).toEqual([2, 3]);
  });

  it("two states may take turns on one compiled function", () => {
    const f = step();
    let [one] = f(tensor([1, 2, 3]), tensor(1));
    let [two] = f(tensor([10, 20, 30]), tensor(1));
    [one] = f(one, tensor(1));
    [two] = f(two, tensor(1));
    expect(Array.from(one.dataSync())).toEqual([1.75, 2, 2.25]);
    expect(Array.from(two.dataSync())).toEqual([4, 6.5, 9]);
  });

  it("an update that reads its state in another order does not read what it has just written", () => {
    const f = jit((state: Tensor) => state.flip().mul(2), { donate: [0] });
    let state = tensor([1, 2, 3, 4]);
    for (let i = 0; i < 3; i++) state = f(state);
    expect(Array.from(state.dataSync())).toEqual([32, 24, 16, 8]);
  });

  it("states that trade places do not overwrite each other", () => {
    const f = jit((x: Tensor, y: Tensor) => [y.add(1), x.add(1)] as const, { donate: [0, 1] });
    let [x, y] = [tensor([0, 0]), tensor([10, 10])];
    for (let i = 0; i < 3; i++) [x, y] = f(x, y);
    expect([x.dataSync()[0], y.dataSync()[0]]).toEqual([13, 3]);
  });

  it("a state that is passed through unchanged stays what it was", () => {
    const f = jit((x: Tensor, y: Tensor) => [x, y.add(x)] as const, { donate: [0, 1] });
    let [x, y] = [tensor([1, 2]), tensor([0, 0])];
    for (let i = 0; i < 3; i++) [x, y] = f(x, y);
    expect([Array.from(x.dataSync()), Array.from(y.dataSync())]).toEqual([
      [1, 2],
      [3, 6],
    ]);
  });
});
