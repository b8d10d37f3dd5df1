/** Matrix products in every layout, size class and dtype, with batches and epilogues, against the interpreter. */
import { describe, expect, it } from "vitest";
import { wasmFeatures } from "../../../src/backends/wasm/index.js";
import type { DotKernel, Expr, MatrixView, Store } from "../../../src/loops/ir.js";
import { allocate, type TypedArray } from "../../../src/types/dtype.js";
import {
  type BufferSpec,
  binary,
  constant,
  expectSame,
  generator,
  load,
  reduced,
  schedule,
  unary,
} from "./support.js";

type DotType = DotKernel["dtype"];

/** Small integers, whose products and sums are exact in every format: any order of summation gives the same. */
function integers(dtype: DotType, length: number, seed: number): TypedArray {
  const random = generator(seed);
  const values = allocate(dtype, length);
  for (let i = 0; i < length; i++) values[i] = Math.floor(random() * 17) - 8;
  return values;
}

const layouts = ["rows", "columns", "spread", "flipped"] as const;
type Layout = (typeof layouts)[number];

/** A view of a rows × columns matrix, and the length of its buffer. */
function matrix(layout: Layout, rows: number, columns: number): Omit<MatrixView, "buffer" | "batchStrides"> {
  switch (layout) {
    case "rows":
      return { offset: 0, rowStride: columns, columnStride: 1 };
    case "columns":
      return { offset: 3, rowStride: 1, columnStride: rows };
    case "spread":
      return { offset: 1, rowStride: 2 * columns + 3, columnStride: 2 };
    case "flipped":
      return { offset: Math.max(0, rows * columns - 1), rowStride: -columns, columnStride: -1 };
  }
}

function lengthOf(view: Omit<MatrixView, "buffer" | "batchStrides">, rows: number, columns: number): number {
  const reach = Math.max(0, rows - 1) * view.rowStride + Math.max(0, columns - 1) * view.columnStride;
  return view.offset + Math.max(0, reach) + 1;
}

interface Case {
  readonly dtype: DotType;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly layoutA: Layout;
  readonly layoutB: Layout;
  readonly layoutOut: Layout;
  readonly relaxedMadd?: boolean;
}

function checkPlain({ dtype, m, n, k, layoutA, layoutB, layoutOut, relaxedMadd }: Case): void {
  const views = [matrix(layoutA, m, k), matrix(layoutB, k, n), matrix(layoutOut, m, n)];
  const lengths = [lengthOf(views[0], m, k), lengthOf(views[1], k, n), lengthOf(views[2], m, n)];
  const buffers = lengths.map((length): BufferSpec => ({ dtype, length }));
  const { offset, rowStride, columnStride } = views[2];
  const kernel: DotKernel = {
    kind: "dot",
    name: "dot",
    dtype,
    batch: [],
    m,
    n,
    k,
    a: { buffer: 0, batchStrides: [], ...views[0] },
    b: { buffer: 1, batchStrides: [], ...views[1] },
    stores: [{ buffer: 2, offset, strides: [rowStride, columnStride], value: reduced(dtype) }],
  };
  const inputs = new Map([0, 1].map((i) => [i, integers(dtype, lengths[i], 7 + i)]));
  // What is around the result must be left alone.
  inputs.set(2, integers(dtype, lengths[2], 99));
  const label = `${dtype} ${m}×${k}·${k}×${n} ${layoutA} ${layoutB} → ${layoutOut}`;
  const features = relaxedMadd === undefined ? {} : { features: { ...wasmFeatures(), relaxedMadd } };
  expectSame(schedule(buffers, [kernel]), inputs, { label, ...features });
}

describe("a product of two matrices", () => {
  for (const dtype of ["float32", "float64", "int32"] as const)
    it(`in ${dtype}: every layout at odd sizes`, () => {
      const sizes = [
        [1, 1, 1],
        [3, 5, 2],
        [10, 30, 17],
        [7, 9, 66],
        [13, 1, 70],
        [1, 33, 8],
      ];
      for (const [m, n, k] of sizes)
        for (const layoutA of layouts)
          for (const layoutB of layouts)
            for (const layoutOut of layouts) checkPlain({ dtype, m, n, k, layoutA, layoutB, layoutOut });
    });

  it("at every small size", () => {
    for (let m = 0; m <= 13; m++)
      for (let n = 0; n <= 18; n += m % 2 === 0 ? 1 : 3)
        for (const k of [0, 1, 3, 8, 21])
          checkPlain({ dtype: "float32", m, n, k, layoutA: "rows", layoutB: "rows", layoutOut: "rows" });
  });

  it("large enough to be packed", () => {
    for (const layoutA of layouts)
      for (const layoutB of layouts)
        checkPlain({ dtype: "float32", m: 65, n: 70, k: 80, layoutA, layoutB, layoutOut: layoutA });
  });

  it("long enough for several blocks of k", () => {
    const sizes = [
      [31, 90, 405],
      [40, 41, 1203],
    ];
    for (const layoutA of ["rows", "columns"] as const)
      for (const [m, n, k] of sizes)
        checkPlain({ dtype: "float32", m, n, k, layoutA, layoutB: "rows", layoutOut: layoutA });
    checkPlain({
      dtype: "float64",
      m: 30,
      n: 45,
      k: 900,
      layoutA: "rows",
      layoutB: "columns",
      layoutOut: "rows",
    });
  });

  it("without fused multiply-add", () => {
    for (const layoutB of ["rows", "columns"] as const)
      checkPlain({
        dtype: "float32",
        m: 19,
        n: 23,
        k: 130,
        layoutA: "rows",
        layoutB,
        layoutOut: "rows",
        relaxedMadd: false,
      });
  });
});

/** batch, and for each operand whether it has elements of its own along each batch loop. */
function batched(
  batch: readonly number[],
  owns: readonly (readonly boolean[])[],
  stores: readonly Store[],
): DotKernel {
  const [m, n, k] = [5, 6, 7];
  const strides = (own: readonly boolean[], size: number): number[] => {
    const result = new Array<number>(batch.length).fill(0);
    let step = size;
    for (let loop = batch.length - 1; loop >= 0; loop--) {
      if (!own[loop]) continue;
      result[loop] = step;
      step *= batch[loop];
    }
    return result;
  };
  return {
    kind: "dot",
    name: "batched",
    dtype: "float32",
    batch,
    m,
    n,
    k,
    a: { buffer: 0, offset: 0, batchStrides: strides(owns[0], m * k), rowStride: k, columnStride: 1 },
    b: { buffer: 1, offset: 0, batchStrides: strides(owns[1], k * n), rowStride: n, columnStride: 1 },
    stores,
  };
}

describe("a batch of products", () => {
  const yes = true;
  const no = false;
  it.each([
    [[4], [[yes], [yes]]],
    [[4], [[yes], [no]]],
    [[4], [[no], [yes]]],
    [
      [2, 1, 3],
      [
        [yes, yes, no],
        [no, no, yes],
      ],
    ],
    [
      [2, 3],
      [
        [yes, yes],
        [yes, yes],
      ],
    ],
    [[0], [[yes], [yes]]],
  ])("of %j, operands with elements of their own: %j", (batch, owns) => {
    const count = batch.reduce((x, y) => x * y, 1);
    const strides = batch.map((_, loop) => batch.slice(loop + 1).reduce((x, y) => x * y, 30));
    const store = { buffer: 2, offset: 0, strides: [...strides, 6, 1], value: reduced("float32") };
    const lengths = [35 * count, 42 * count, 30 * count];
    const plan = schedule(
      lengths.map((length) => ({ dtype: "float32", length })),
      [batched(batch, owns, [store])],
    );
    const inputs = new Map([0, 1].map((i) => [i, integers("float32", lengths[i], i)]));
    expectSame(plan, inputs);
    expect(plan.kernels.length).toBe(1);
  });
});

it("a batch of single rows, whose row strides mean nothing, is one product", () => {
  const view = (buffer: number, batchStride: number): MatrixView => ({
    buffer,
    offset: 0,
    batchStrides: [batchStride],
    rowStride: 1000,
    columnStride: 1,
  });
  const kernel: DotKernel = {
    kind: "dot",
    name: "rows",
    dtype: "float32",
    batch: [6],
    m: 1,
    n: 9,
    k: 5,
    a: view(0, 5),
    b: { ...view(1, 0), rowStride: 9 },
    stores: [{ buffer: 2, offset: 0, strides: [9, 1000, 1], value: reduced("float32") }],
  };
  const lengths = [30, 45, 54];
  const plan = schedule(
    lengths.map((length) => ({ dtype: "float32", length })),
    [kernel],
  );
  expectSame(plan, new Map([0, 1].map((i) => [i, integers("float32", lengths[i], i)])));
  expect(plan.buffers.length).toBe(3);
});

describe("an epilogue", () => {
  const [m, n, k] = [10, 30, 20];
  const sum = reduced("float32");
  const bias = load("float32", 2, [0, 1]);
  const shifted = binary("add", sum, bias);
  const zero = constant("float32", 0);
  const positive: Expr = { kind: "compare", op: "gt", dtype: "bool", x: shifted, y: zero };
  const plain = (buffer: number, value: Expr, strides = [n, 1]): Store => ({
    buffer,
    offset: 0,
    strides,
    value,
  });

  const run = (stores: readonly Store[]): void => {
    const lengths = [m * k, k * n, n, m * n, m * n, m * n];
    const dtypes = ["float32", "float32", "float32", "float32", "float32", "bool"] as const;
    const buffers = lengths.map((length, i) => ({ dtype: dtypes[i], length }));
    const kernel: DotKernel = {
      kind: "dot",
      name: "dense",
      dtype: "float32",
      batch: [],
      m,
      n,
      k,
      a: { buffer: 0, offset: 0, batchStrides: [], rowStride: k, columnStride: 1 },
      b: { buffer: 1, offset: 0, batchStrides: [], rowStride: 1, columnStride: k },
      stores,
    };
    const inputs = new Map([0, 1, 2, 3].map((i) => [i, integers("float32", lengths[i], i)]));
    expectSame(schedule(buffers, [kernel]), inputs, { tolerance: 1e-6 });
  };

  it("adds a bias and applies a function", () => {
    run([plain(3, unary("tanh", binary("mul", shifted, constant("float32", 0.125))))]);
  });
  it("stores the sum, the activation and its mask", () => {
    run([plain(4, sum), plain(3, binary("max", shifted, zero)), plain(5, positive)]);
  });
  it("stores transposed", () => {
    run([plain(3, shifted, [1, m])]);
  });
  it("adds to what is there", () => {
    run([{ ...plain(3, sum), accumulate: true }]);
  });
  it("overwrites what it reads", () => {
    run([plain(3, binary("add", load("float32", 3, [n, 1]), sum))]);
  });
});
