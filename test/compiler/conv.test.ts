/**
 * Convolutions and pooling, compiled, against the reference: every way a window can move, their gradients and second
 * derivatives, with and without the passes that rewrite them.
 */
import { describe, expect, it } from "vitest";
import { type Blas, findBlas } from "../../src/backends/blas/library.js";
import { WasmProgram } from "../../src/backends/wasm/index.js";
import { compile, type PassName } from "../../src/compiler/pipeline.js";
import { evaluateGraph, traceGraph } from "../../src/graph/graph.js";
import { type Node, readValue } from "../../src/graph/node.js";
import {
  avgPool,
  conv,
  convTranspose,
  grad,
  maxPool,
  random,
  type Tensor,
  tensor,
  vmap,
} from "../../src/index.js";
import type { ConvOptions } from "../../src/tensor/windows.js";
import type { DType } from "../../src/types/dtype.js";

type Function = (...args: Tensor[]) => Tensor | readonly Tensor[];

const passes: readonly PassName[] = ["convolve", "unroll", "fuse"];

function normal(seed: number, shape: readonly number[], dtype: DType = "float64"): Tensor {
  return random.normal(random.key(seed), { shape: [...shape], dtype });
}

/** Every output of the function, compiled. */
function runCompiled(
  f: Function,
  args: readonly Tensor[],
  disable: ReadonlySet<PassName> = new Set(),
  blas: Blas | null = null,
): number[][] {
  const graph = traceGraph("jit", args, (leaves) => [f(...(leaves as Tensor[]))].flat());
  const { schedule, constants, inputs, outputs } = compile(graph, { donated: [], disable, verify: true });
  const program = new WasmProgram(schedule, { blas });
  try {
    for (const { buffer, spec } of constants)
      if (spec.constant !== undefined) program.write(buffer, spec.constant);
    inputs.forEach((buffer, i) => {
      program.write(buffer, args[i].dataSync());
    });
    program.run();
    return outputs.map((buffer) => Array.from(program.read(buffer)));
  } finally {
    program.dispose();
  }
}

/** Every output, by the reference evaluation of each primitive. */
function runReference(f: Function, args: readonly Tensor[]): number[][] {
  const graph = traceGraph("jit", args, (leaves) => [f(...(leaves as Tensor[]))].flat());
  const outputs: readonly Node[] = evaluateGraph(graph, [...args]);
  return outputs.map((output) => Array.from(readValue(output)));
}

/** Sums of at most some thousand products of order 1, in another order: far less than a thousand roundings of terms of order 10. */
const tolerances: Partial<Record<DType, number>> = { float64: 1e-11, float32: 1e-3 };

function expectAgreement(f: Function, args: readonly Tensor[], blas: Blas | null = null): void {
  const want = runReference(f, args);
  const tolerance = tolerances[args[0].dtype] ?? 0;
  const subsets: readonly (readonly PassName[])[] = [[], ...passes.map((pass) => [pass]), passes];
  for (const disable of subsets) {
    const got = runCompiled(f, args, new Set(disable), blas);
    got.forEach((values, o) => {
      expect(values.length).toBe(want[o].length);
      values.forEach((value, i) => {
        if (!(Math.abs(value - want[o][i]) <= tolerance))
          expect.fail(`without [${disable}] output ${o} at ${i}: ${value}, expected ${want[o][i]}`);
      });
    });
  }
}

const convolutions: readonly (readonly [string, readonly number[], readonly number[], ConvOptions])[] = [
  ["one dimension", [3, 2, 9], [4, 2, 3], {}],
  ["two dimensions", [3, 2, 6, 7], [4, 2, 3, 2], {}],
  ["three dimensions", [2, 2, 4, 5, 4], [3, 2, 2, 3, 2], {}],
  ["a window of one element", [2, 3, 4, 5], [4, 3, 1, 1], {}],
  ["one image", [1, 3, 6, 6], [4, 3, 3, 3], {}],
  ["one channel in and out", [3, 1, 6, 6], [1, 1, 3, 3], {}],
  ["a window as large as the image", [3, 2, 4, 4], [5, 2, 4, 4], {}],
  ["padding", [3, 2, 5, 6], [4, 2, 3, 3], { padding: 1 }],
  [
    "padding of each side",
    [2, 2, 5, 6],
    [3, 2, 2, 3],
    {
      padding: [
        [0, 1],
        [2, 1],
      ],
    },
  ],
  ["stride 2", [3, 2, 7, 8], [4, 2, 3, 3], { stride: 2 }],
  ["strides that skip elements", [2, 2, 9, 8], [3, 2, 2, 2], { stride: [3, 2] }],
  ["dilation", [2, 2, 8, 9], [3, 2, 3, 2], { dilation: [2, 3] }],
  ["stride, padding and dilation", [2, 3, 9, 9], [4, 3, 3, 3], { stride: 2, padding: 2, dilation: 2 }],
  ["two groups", [3, 4, 6, 6], [6, 2, 3, 3], { groups: 2 }],
  ["depthwise, two outputs a channel", [3, 3, 6, 5], [6, 1, 3, 3], { groups: 3, padding: 1 }],
  ["no image", [0, 2, 5, 5], [3, 2, 3, 3], {}],
  ["no channel out", [2, 2, 5, 5], [0, 2, 3, 3], {}],
];

describe("a convolution", () => {
  it.each(convolutions)("with %s: values", (_, shapeX, shapeW, options) => {
    const args = [normal(1, shapeX), normal(2, shapeW)];
    expectAgreement((x, w) => conv(x, w, options), args);
  });

  it.each(convolutions)("with %s: gradients, bias and activation", (_, shapeX, shapeW, options) => {
    const bias = shapeW.map((extent, axis) => (axis === 0 ? extent : 1)).slice(0, shapeX.length - 1);
    const args = [normal(1, shapeX), normal(2, shapeW), normal(3, bias)];
    const loss = (x: Tensor, w: Tensor, b: Tensor): Tensor =>
      conv(x, w, options).add(b).relu().square().sum();
    expectAgreement(
      (...all) => grad(loss, { argnums: [0, 1, 2] })(...(all as [Tensor, Tensor, Tensor])),
      args,
    );
  });

  it.each(convolutions.slice(0, 13))("with %s: second derivatives", (_, shapeX, shapeW, options) => {
    const args = [normal(1, shapeX), normal(2, shapeW)];
    const loss = (x: Tensor, w: Tensor): Tensor => conv(x, w, options).tanh().sum();
    const directional = (x: Tensor, w: Tensor): Tensor => {
      const [gx, gw] = grad(loss, { argnums: [0, 1] })(x, w);
      return gx.square().sum().add(gw.square().sum());
    };
    expectAgreement((x, w) => grad(directional, { argnums: [0, 1] })(x, w), args);
  });

  it("of each image by weights of its own", () => {
    const args = [normal(1, [3, 1, 2, 5, 5]), normal(2, [3, 4, 2, 3, 3])];
    expectAgreement((x, w) => vmap((a, b) => conv(a, b, { padding: 1 }), { inAxes: [0, 0] })(x, w), args);
  });

  it("transposed, and its gradients", () => {
    const args = [normal(1, [2, 3, 4, 4]), normal(2, [3, 2, 3, 3])];
    const loss = (x: Tensor, w: Tensor): Tensor =>
      convTranspose(x, w, { stride: 2, padding: 1 }).square().sum();
    expectAgreement((x, w) => grad(loss, { argnums: [0, 1] })(x, w), args);
  });

  it("whose result is used twice", () => {
    const args = [normal(1, [2, 2, 5, 5]), normal(2, [3, 2, 3, 3])];
    expectAgreement((x, w) => {
      const y = conv(x, w);
      return [y.transpose([1, 0, 2, 3]).sin(), y.relu(), y.sum()];
    }, args);
  });
});

describe("pooling", () => {
  const x = normal(4, [2, 3, 8, 7]);
  const pools = [
    ["side by side", { size: 2 }],
    ["overlapping", { size: 3, stride: 2 }],
    ["with gaps", { size: 2, stride: 3 }],
    ["padded", { size: 2, padding: 1 }],
    ["of unequal sides", { size: [1, 3] }],
    ["of more elements than are unrolled", { size: [4, 3], stride: 1 }],
  ] as const;

  it.each(pools)("%s: values and gradients", (_, options) => {
    const both = (v: Tensor): Tensor =>
      maxPool(v.relu(), options).square().sum().add(avgPool(v.sin(), options).square().sum());
    expectAgreement((v) => [maxPool(v, options), avgPool(v, options), grad(both)(v)], [x]);
  });

  it.each(pools)("%s: second derivatives", (_, options) => {
    const once = (v: Tensor): Tensor => grad((u: Tensor) => maxPool(u.tanh(), options).square().sum())(v);
    expectAgreement((v) => grad((u: Tensor) => once(u).square().sum())(v), [x]);
  });

  it("shares gradients among equals, behind an activation too", () => {
    const ties = tensor(
      [
        [
          [
            [1, 1, -1, -2],
            [1, 0, -3, -1],
          ],
        ],
      ],
      { dtype: "float64" },
    );
    expectAgreement((v) => grad((u: Tensor) => maxPool(u.relu(), { size: 2 }).sum())(v), [ties]);
    const [values] = runCompiled((v) => grad((u: Tensor) => maxPool(u, { size: 2 }).sum())(v), [ties]);
    expect(values).toEqual([1 / 3, 1 / 3, 1 / 2, 0, 1 / 3, 0, 0, 1 / 2]);
  });

  it("lets NaN through", () => {
    const odd = tensor([[[1, Number.NaN, 2, 3]]], { dtype: "float64" });
    expect(runCompiled((v) => maxPool(v, { size: 2 }), [odd])).toEqual([[Number.NaN, 3]]);
  });
});

describe("a convolution that is large", () => {
  const { blas } = findBlas();
  // large enough for parts, and for BLAS where there is one
  const x = normal(5, [5, 16, 20, 21], "float32");
  const w = normal(6, [24, 16, 3, 3], "float32").mul(0.1);
  const f: Function = (image, weights) => {
    const loss = (p: Tensor, q: Tensor): Tensor =>
      maxPool(conv(p, q, { padding: 1 }).relu(), { size: 2 })
        .square()
        .mean();
    return [conv(image, weights, { padding: 1 }), ...grad(loss, { argnums: [0, 1] })(image, weights)];
  };

  it("is as the reference says, computed here", () => {
    expectAgreement(f, [x, w]);
  });

  it.skipIf(blas === undefined)("and by BLAS", () => {
    expectAgreement(f, [x, w], blas ?? null);
  });

  it("gives the same bits every time", () => {
    expect(runCompiled(f, [x, w])).toEqual(runCompiled(f, [x, w]));
  });
});
