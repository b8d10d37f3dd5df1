/** Running sums, sorting, random bits. */
import { describe, expect, it } from "vitest";
import type { ArgsortKernel, CumsumKernel, RandomBitsKernel } from "../../../src/loops/ir.js";
import { allocate, type DType, type TypedArray } from "../../../src/types/dtype.js";
import { expectSame, generator, runWasm, schedule } from "./support.js";

function filled(dtype: DType, length: number, value: (i: number) => number): TypedArray {
  const array = allocate(dtype, length);
  for (let i = 0; i < length; i++) array[i] = value(i);
  return array;
}

describe("running sums", () => {
  const shapes = [
    [1, 1, 1],
    [3, 7, 1],
    [2, 5, 3],
    [1, 100, 4],
    [4, 0, 2],
    [0, 3, 1],
  ];
  for (const dtype of ["float32", "float64", "int32"] as const)
    it.each(shapes)(`in ${dtype} over [%i, %i, %i], both ways`, (rows, length, inner) => {
      const size = rows * length * inner;
      for (const reverse of [false, true]) {
        const kernel: CumsumKernel = {
          kind: "cumsum",
          name: "cumsum",
          dtype,
          rows,
          length,
          inner,
          reverse,
          input: 0,
          output: 1,
        };
        const buffers = [0, 1].map(() => ({ dtype, length: size }));
        const input = filled(dtype, size, (i) => ((i * 7) % 11) - 4);
        expectSame(schedule(buffers, [kernel]), new Map([[0, input]]));
      }
    });

  it("of float32 keep the precision of the parts", () => {
    const length = 100_000;
    const kernel: CumsumKernel = {
      kind: "cumsum",
      name: "cumsum",
      dtype: "float32",
      rows: 1,
      length,
      inner: 1,
      reverse: false,
      input: 0,
      output: 1,
    };
    const buffers = [0, 1].map(() => ({ dtype: "float32", length }) as const);
    const input = filled("float32", length, () => 0.1);
    const [, sums] = runWasm(schedule(buffers, [kernel]), new Map([[0, input]]));
    expect(sums[length - 1]).toBe(Math.fround(length * Math.fround(0.1)));
  });
});

describe("argsort", () => {
  const special = [
    3,
    Number.NaN,
    -0,
    0,
    Number.NEGATIVE_INFINITY,
    1,
    Number.NaN,
    0,
    -0,
    1e9,
    -5,
    Number.POSITIVE_INFINITY,
  ];
  for (const dtype of ["float32", "float64", "int32", "bool"] as const)
    it.each([0, 1, 2, 3, 4, 5, 12, 16, 17, 100])(`rows of %i ${dtype}`, (length) => {
      const rows = 3;
      const random = generator(length);
      const floating = dtype === "float32" || dtype === "float64";
      const input = filled(dtype, rows * length, (i) => {
        if (dtype === "bool") return Math.floor(random() * 2);
        return floating && i < special.length ? special[i] : Math.floor(random() * 9) - 4;
      });
      const kernel: ArgsortKernel = {
        kind: "argsort",
        name: "argsort",
        dtype,
        rows,
        length,
        input: 0,
        output: 1,
      };
      const buffers = [
        { dtype, length: rows * length },
        { dtype: "int32", length: rows * length },
      ] as const;
      expectSame(schedule(buffers, [kernel]), new Map([[0, input]]));
    });
});

describe("random bits", () => {
  const bits = (keys: readonly number[], count: number): Int32Array => {
    const keyCount = keys.length / 2;
    const kernel: RandomBitsKernel = {
      kind: "randomBits",
      name: "bits",
      keys: 0,
      keyCount,
      count,
      output: 1,
    };
    const buffers = [
      { dtype: "int32", length: keys.length },
      { dtype: "int32", length: keyCount * count },
    ] as const;
    const [, output] = runWasm(schedule(buffers, [kernel]), new Map([[0, Int32Array.from(keys)]]));
    return Int32Array.from(output);
  };

  it("are those Random123 publishes for threefry2x32-20", () => {
    // Its first vector has key and counter 0; for others the counter is not (j, 0): the interpreter holds them below.
    expect([...bits([0, 0], 2)].map((word) => (word >>> 0).toString(16))).toEqual(["6b200159", "99ba4efe"]);
  });

  it.each([0, 1, 2, 3, 7, 8, 9, 15, 16, 33])(
    "of several keys, %i words each, agree with the paper",
    (count) => {
      const keys = [0, 0, 1, 2, -1, -1, 0x13198a2e, 0x03707344];
      const kernel: RandomBitsKernel = {
        kind: "randomBits",
        name: "bits",
        keys: 0,
        keyCount: 4,
        count,
        output: 1,
      };
      const buffers = [
        { dtype: "int32", length: 8 },
        { dtype: "int32", length: 4 * count },
      ] as const;
      expectSame(schedule(buffers, [kernel]), new Map([[0, Int32Array.from(keys)]]));
    },
  );
});
