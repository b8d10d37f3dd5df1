/** Loop nests by hand: reductions, long sums, argmax, updates in place, transpositions, scatters. */
import { describe, expect, it } from "vitest";
import type { LoopKernel, Reduction } from "../../../src/loops/ir.js";
import type { TypedArray } from "../../../src/types/dtype.js";
import { binary, bounded, constant, expectSame, index, load, reduced, runWasm, schedule } from "./support.js";

describe("loops", () => {
  const float = (length: number, of = (i: number) => Math.sin(i)): Float32Array =>
    Float32Array.from({ length }, (_, i) => of(i));

  it.each([0, 1, 3, 4, 5, 16, 19, 64, 67])("reduce a row of %i", (length) => {
    const value = load("float32", 0, [1]);
    const sum: Reduction = { op: "sum", dtype: "float32", value };
    const kernel: LoopKernel = {
      kind: "loops",
      name: "sum",
      loops: [length],
      reducedLoops: 1,
      reductions: [sum],
      stores: [{ buffer: 1, offset: 0, strides: [], value: reduced("float32") }],
    };
    const buffers = [
      { dtype: "float32", length },
      { dtype: "float32", length: 1 },
    ] as const;
    expectSame(schedule(buffers, [kernel]), new Map([[0, float(length)]]), { tolerance: 1e-5 });
  });

  it.each([
    ["rows", [1_000_003], [1]],
    ["columns", [4, 1_000_003], [1_000_003, 1]],
    ["outer loops", [700, 5, 300], [3000, 600, 1]],
    ["middle loops", [3, 700_000], [1, 4]],
  ])("sum a tenth a million times along %s as exactly as a hundred times", (name, loops, strides) => {
    const value = load("float32", 0, strides, 0);
    const outputs = name === "columns" || name === "middle loops" ? 1 : 0;
    const sum: Reduction = { op: "sum", dtype: "float32", value };
    const kernel: LoopKernel = {
      kind: "loops",
      name,
      loops,
      reducedLoops: loops.length - outputs,
      reductions: [sum],
      stores: [
        { buffer: 1, offset: 0, strides: loops.slice(0, outputs).map(() => 1), value: reduced("float32") },
      ],
    };
    const length = 1 + loops.reduce((reach, extent, loop) => reach + (extent - 1) * strides[loop], 0);
    const points = outputs === 0 ? 1 : loops[0];
    const buffers = [
      { dtype: "float32", length },
      { dtype: "float32", length: points },
    ] as const;
    const [, sums] = runWasm(schedule(buffers, [kernel]), new Map([[0, float(length, () => 0.1)]]));
    const terms = loops.slice(outputs).reduce((product, extent) => product * extent, 1);
    // Partial sums take in at most 128 terms each: 128 · 2⁻²⁴.
    for (const received of sums)
      expect(Math.abs(received / (terms * Math.fround(0.1)) - 1)).toBeLessThan(7.7e-6);
  });

  it.each(["row", "column"])("take maximum and its first place along a %s, NaN largest", (direction) => {
    const rows = [
      [1, 5, 5, 2, 0, -1, 3, 4, 5],
      [Number.NaN, 1, Number.NaN, 3, 4, 5, 6, 7, 8],
      [1, 2, 3, Number.POSITIVE_INFINITY, 5, Number.NaN, 6, Number.NaN, 8],
      [-1, -5, -2, -1, -3, -1, -3, -4, -5],
      new Array<number>(9).fill(Number.NEGATIVE_INFINITY),
    ];
    const strides = direction === "row" ? [9, 1] : [1, 5];
    const data = new Float32Array(45);
    rows.forEach((row, i) => {
      row.forEach((x, j) => {
        data[i * strides[0] + j * strides[1]] = x;
      });
    });
    const value = load("float32", 0, strides);
    const kernel: LoopKernel = {
      kind: "loops",
      name: "argmax",
      loops: [5, 9],
      reducedLoops: 1,
      reductions: [
        { op: "max", dtype: "float32", value },
        { op: "argmax", dtype: "int32", value },
      ],
      stores: [
        { buffer: 1, offset: 0, strides: [1], value: reduced("float32", 0) },
        { buffer: 2, offset: 0, strides: [1], value: reduced("int32", 1) },
      ],
    };
    const buffers = [
      { dtype: "float32", length: 45 },
      { dtype: "float32", length: 5 },
      { dtype: "int32", length: 5 },
    ] as const;
    expectSame(schedule(buffers, [kernel]), new Map([[0, data]]));
  });

  it("update in place, several stores reading what others write", () => {
    const length = 37;
    const [weight, velocity, gradient] = [0, 1, 2].map((buffer) => load("float32", buffer, [1]));
    const moved = binary("add", binary("mul", velocity, constant("float32", 0.5)), gradient);
    const kernel: LoopKernel = {
      kind: "loops",
      name: "momentum",
      loops: [length],
      reducedLoops: 0,
      reductions: [],
      stores: [
        { buffer: 1, offset: 0, strides: [1], value: moved },
        { buffer: 0, offset: 0, strides: [1], value: binary("sub", weight, velocity) },
      ],
    };
    const buffers = [0, 1, 2].map(() => ({ dtype: "float32", length, space: "static" }) as const);
    const inputs = new Map([0, 1, 2].map((buffer) => [buffer, float(length, (i) => i * (buffer + 1))]));
    expectSame(schedule(buffers, [kernel]), inputs);
  });

  it.each([
    [16, 64, 1],
    [16, 64, 2],
    [100, 83, 1],
    [100, 83, 2],
    [65, 130, 1],
    [65, 130, 2],
  ])(
    "transpose %i × %i, in blocks and what is left of them, counting along loop %i",
    (rows, columns, loop) => {
      // Which loop runs in lanes depends on what there is to compute along each.
      const position = binary("add", index(loop), constant("int32", 1));
      const kernel: LoopKernel = {
        kind: "loops",
        name: "transpose",
        loops: [2, rows, columns],
        reducedLoops: 0,
        reductions: [],
        stores: [
          {
            buffer: 1,
            offset: 0,
            strides: [rows * columns, columns, 1],
            value: binary("mul", load("int32", 0, [rows * columns, 1, rows]), position),
          },
        ],
      };
      const length = 2 * rows * columns;
      const buffers = [0, 1].map(() => ({ dtype: "int32", length }) as const);
      expectSame(schedule(buffers, [kernel]), new Map([[0, Int32Array.from({ length }, (_, i) => i)]]));
    },
  );

  it("scatter-add rows of an embedding", () => {
    const kernel: LoopKernel = {
      kind: "loops",
      name: "scatterAdd",
      loops: [6, 10],
      reducedLoops: 0,
      reductions: [],
      stores: [
        {
          buffer: 0,
          offset: 0,
          strides: [0, 1],
          at: binary("mul", bounded(load("int32", 1, [1, 0]), 4), constant("int32", 10)),
          value: load("float32", 2, [10, 1]),
          accumulate: true,
        },
      ],
    };
    const buffers = [
      { dtype: "float32", length: 40 },
      { dtype: "int32", length: 6 },
      { dtype: "float32", length: 60 },
    ] as const;
    const inputs = new Map<number, TypedArray>([
      [1, Int32Array.from([3, 0, 3, -1, 2, 0])],
      [2, float(60, (i) => i)],
    ]);
    expectSame(schedule(buffers, [kernel]), inputs);
    expect(inputs.size).toBe(2);
  });
});
