/** Contractions in parts, over operands that are no matrices, and what is done with their sums, against the interpreter. */
import { describe, it } from "vitest";
import { dotLoops } from "../../../src/loops/dot.js";
import type { DotKernel, Expr, Store } from "../../../src/loops/ir.js";
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
} from "./support.js";

/** Small integers, whose products and sums are exact in float32: any order of summation gives the same. */
function integers(length: number, seed: number): TypedArray {
  const random = generator(seed);
  const values = allocate("float32", length);
  for (let i = 0; i < length; i++) values[i] = Math.floor(random() * 9) - 4;
  return values;
}

/** Row-major strides. */
function contiguous(extents: readonly number[]): number[] {
  return extents.map((_, i) => extents.slice(i + 1).reduce((size, extent) => size * extent, 1));
}

const size = (extents: readonly number[]): number => extents.reduce((product, extent) => product * extent, 1);

function matrix(m: number, n: number, k: number, stores: readonly Store[]): DotKernel {
  return {
    kind: "dot",
    name: "matrix",
    dtype: "float32",
    batch: [],
    m,
    n,
    k,
    a: { buffer: 0, offset: 0, batchStrides: [], rowStride: k, columnStride: 1 },
    b: { buffer: 1, offset: 0, batchStrides: [], rowStride: n, columnStride: 1 },
    stores,
  };
}

interface Windows {
  readonly images: number;
  readonly channels: number;
  readonly outputs: number;
  readonly height: number;
  readonly width: number;
  readonly window: number;
}

/** out[b, o, y, x] = Σ w[o, c, i, j] · image[b, c, y + i, x + j], of images in the batch. */
function convolution({ images, channels, outputs, height, width, window }: Windows): DotKernel {
  const [y, x] = [height - window + 1, width - window + 1];
  const summed = [channels, window, window];
  const columns = [y, x];
  return {
    kind: "dot",
    name: "convolution",
    dtype: "float32",
    batch: [images],
    m: outputs,
    n: y * x,
    k: size(summed),
    columns,
    summed,
    a: {
      buffer: 0,
      offset: 0,
      batchStrides: [0],
      rowStride: size(summed),
      columnStride: 1,
      columnStrides: contiguous(summed),
    },
    b: {
      buffer: 1,
      offset: 0,
      batchStrides: [channels * height * width],
      rowStride: 1,
      columnStride: 1,
      rowStrides: [height * width, width, 1],
      columnStrides: [width, 1],
    },
    stores: [
      { buffer: 2, offset: 0, strides: contiguous([images, outputs, y, x]), value: reduced("float32") },
    ],
  };
}

function lengthsOf({ images, channels, outputs, height, width, window }: Windows): number[] {
  const positions = (height - window + 1) * (width - window + 1);
  return [
    outputs * channels * window * window,
    images * channels * height * width,
    images * outputs * positions,
  ];
}

function check(kernel: DotKernel, lengths: readonly number[], label: string): void {
  const buffers = lengths.map((length): BufferSpec => ({ dtype: "float32", length }));
  const inputs = new Map(lengths.map((length, i) => [i, integers(length, 5 + i)]));
  expectSame(schedule(buffers, [kernel]), inputs, { label });
}

describe("one product in parts", () => {
  const sum = reduced("float32");
  it.each([
    [70, 200, 90],
    [200, 70, 90],
    [33, 970, 40],
    [600, 30, 60],
    [70, 71, 700],
  ])("of %i × %i, sums of %i", (m, n, k) => {
    const store: Store = { buffer: 2, offset: 0, strides: [n, 1], value: sum };
    check(matrix(m, n, k, [store]), [m * k, k * n, m * n], "plain");
    const transposed: Store = { buffer: 2, offset: 0, strides: [1, m], value: sum };
    check(matrix(m, n, k, [transposed]), [m * k, k * n, m * n], "transposed");
  });

  it("with a bias of rows and one of columns, stored and added", () => {
    const [m, n, k] = [90, 150, 100];
    const shifted = binary("add", binary("add", sum, load("float32", 3, [1, 0])), load("float32", 4, [0, 1]));
    const stores: Store[] = [
      { buffer: 2, offset: 0, strides: [n, 1], value: binary("max", shifted, constant("float32", 0)) },
      { buffer: 5, offset: 7, strides: [n + 3, 1], value: sum, accumulate: true },
    ];
    check(matrix(m, n, k, stores), [m * k, k * n, m * n, m, n, 7 + m * (n + 3)], "stores");
  });

  it("whose stores count rows and columns", () => {
    const [m, n, k] = [90, 150, 100];
    const at = (loop: number): Expr => ({
      kind: "cast",
      dtype: "float32",
      x: { kind: "index", dtype: "int32", loop },
    });
    const value = binary("add", binary("mul", at(0), constant("float32", 1000)), binary("sub", sum, at(1)));
    check(
      matrix(m, n, k, [{ buffer: 2, offset: 0, strides: [n, 1], value }]),
      [m * k, k * n, m * n],
      "index",
    );
  });

  it.each([
    // columns in blocks without parts, the last one smaller; parts of several blocks, the last with nothing but the rest
    [40, 1003, 12],
    [130, 1003, 40],
    [300, 200, 20],
    // a last block of one column, and rows in blocks
    [257, 1025, 60],
    [9001, 20, 12],
  ])("in blocks of %i × %i, sums of %i: an update in place, and sums of columns", (m, n, k) => {
    const scaled = binary("mul", sum, constant("float32", 2));
    const old = load("float32", 2, [n, 1]);
    const stores: Store[] = [
      { buffer: 2, offset: 0, strides: [n, 1], value: binary("sub", old, scaled) },
      { buffer: 3, offset: 0, strides: [0, 1], value: sum, accumulate: true },
    ];
    check(matrix(m, n, k, stores), [m * k, k * n, m * n, n], "update");
    check(matrix(m, n, k, [stores[0]]), [m * k, k * n, m * n], "update alone");
    const across: Store = { ...stores[0], strides: [1, m], value: scaled };
    check(matrix(m, n, k, [across]), [m * k, k * n, m * n], "transposed");
  });

  it("that all add to one row stays in order", () => {
    const [m, n, k] = [100, 150, 100];
    const store: Store = { buffer: 2, offset: 0, strides: [0, 1], value: sum, accumulate: true };
    check(matrix(m, n, k, [store]), [m * k, k * n, n], "one row");
  });
});

describe("windows as operands", () => {
  const shapes: readonly Windows[] = [
    { images: 2, channels: 2, outputs: 3, height: 5, width: 6, window: 3 },
    { images: 11, channels: 3, outputs: 8, height: 20, width: 19, window: 5 },
    { images: 1, channels: 8, outputs: 16, height: 40, width: 41, window: 3 },
    // too large for a cache: rows of positions, too, go one by one
    { images: 2, channels: 24, outputs: 5, height: 40, width: 60, window: 3 },
  ];

  it.each(shapes)("%j: images in a batch", (shape) => {
    check(convolution(shape), lengthsOf(shape), "batch");
  });

  it.each(shapes)("%j: images among the columns, with a bias", (shape) => {
    const { images, outputs, height, width, window } = shape;
    const positions = [height - window + 1, width - window + 1];
    const kernel = convolution(shape);
    const { b } = kernel;
    const bias = load("float32", 3, [1, 0, 0, 0]);
    check(
      {
        ...kernel,
        batch: [],
        n: images * size(positions),
        columns: [images, ...positions],
        a: { ...kernel.a, batchStrides: [] },
        b: {
          ...b,
          batchStrides: [],
          columnStrides: [...b.batchStrides, ...(b.columnStrides ?? [])],
        },
        stores: [
          {
            buffer: 2,
            offset: 0,
            strides: contiguous([outputs, images, ...positions]),
            value: binary("add", reduced("float32"), bias),
          },
        ],
      },
      [...lengthsOf(shape), outputs],
      "columns",
    );
  });

  it.each(shapes)("%j: images among what is summed", (shape) => {
    const { images, channels, outputs, height, width, window } = shape;
    const positions = [height - window + 1, width - window + 1];
    const summed = [images, ...positions];
    const columns = [channels, window, window];
    const [weights, image, result] = lengthsOf(shape);
    check(
      {
        kind: "dot",
        name: "weights",
        dtype: "float32",
        batch: [],
        m: outputs,
        n: size(columns),
        k: size(summed),
        columns,
        summed,
        a: {
          buffer: 2,
          offset: 0,
          batchStrides: [],
          rowStride: size(positions),
          columnStride: 1,
          columnStrides: [outputs * size(positions), positions[1], 1],
        },
        b: {
          buffer: 1,
          offset: 0,
          batchStrides: [],
          rowStride: 1,
          columnStride: 1,
          rowStrides: [channels * height * width, width, 1],
          columnStrides: [height * width, width, 1],
        },
        stores: [
          {
            buffer: 0,
            offset: 0,
            strides: contiguous([outputs, ...columns]),
            value: binary("mul", reduced("float32"), constant("float32", 2)),
          },
        ],
      },
      [weights, image, result],
      "summed",
    );
  });

  it.each(shapes)("%j: added back where the windows lie", (shape) => {
    const { images, channels, outputs, height, width, window } = shape;
    const positions = [height - window + 1, width - window + 1];
    const rows = [channels, window, window];
    const kernel: DotKernel = {
      kind: "dot",
      name: "spread",
      dtype: "float32",
      batch: [],
      m: size(rows),
      n: images * size(positions),
      k: outputs,
      rows,
      columns: [images, ...positions],
      a: {
        buffer: 0,
        offset: 0,
        batchStrides: [],
        rowStride: 1,
        columnStride: size(rows),
        rowStrides: contiguous(rows),
      },
      b: {
        buffer: 2,
        offset: 0,
        batchStrides: [],
        rowStride: size(positions),
        columnStride: 1,
        columnStrides: [outputs * size(positions), positions[1], 1],
      },
      stores: [
        {
          buffer: 1,
          offset: 0,
          strides: [height * width, width, 1, channels * height * width, width, 1],
          value: reduced("float32"),
          accumulate: true,
        },
      ],
    };
    if (dotLoops(kernel).length !== 6) throw new Error("six loops");
    check(kernel, lengthsOf(shape), "spread");
  });
});
