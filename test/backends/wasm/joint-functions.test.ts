/** 1 + erf(u) and e^(−u²) in one kernel: found in every form, right in vectors, tails and reductions, and left alone elsewhere. */
import { describe, expect, it } from "vitest";
import { gatherFactors } from "../../../src/backends/wasm/codegen/gather-factors.js";
import { jointFunctions } from "../../../src/backends/wasm/codegen/joint-functions.js";
import { wasmFeatures } from "../../../src/backends/wasm/features.js";
import { expressionsUnder } from "../../../src/loops/expr.js";
import type { Expr, LoopKernel } from "../../../src/loops/ir.js";
import type { DType } from "../../../src/types/dtype.js";
import { binary, constant, expectSame, load, reduced, runWasm, schedule, unary } from "./support.js";

const scale = Math.fround(Math.SQRT1_2);

/** What GELU and its derivative ask for: y = ½x·s, x̄ = ((ȳ·½x)·(1.13·e))·0.71 + (ȳ·s)·½. */
function gelu(dtype: DType, strides: readonly number[]): { readonly y: Expr; readonly xBar: Expr } {
  const x = load(dtype, 0, strides);
  const yBar = load(dtype, 1, strides);
  const number = (value: number): Expr => constant(dtype, value);
  const u = (): Expr => binary("mul", x, number(scale));
  const s = binary("add", number(1), unary("erf", u()));
  const half = binary("mul", number(0.5), x);
  const e = unary("exp", unary("neg", binary("mul", u(), u())));
  const slope = binary(
    "mul",
    binary("mul", binary("mul", yBar, half), binary("mul", number(1.1283792), e)),
    number(scale),
  );
  return {
    y: binary("mul", half, s),
    xBar: binary("add", slope, binary("mul", binary("mul", yBar, s), number(0.5))),
  };
}

function geluKernel(dtype: DType, length: number): LoopKernel {
  const { y, xBar } = gelu(dtype, [1]);
  return {
    kind: "loops",
    name: "gelu",
    loops: [length],
    reducedLoops: 0,
    reductions: [],
    stores: [
      { buffer: 2, offset: 0, strides: [1], value: y },
      { buffer: 3, offset: 0, strides: [1], value: xBar },
    ],
  };
}

const rootsOf = (kernel: LoopKernel): Expr[] => kernel.stores.map(({ value }) => value);
const buffersOf = (dtype: DType, length: number) => [0, 1, 2, 3].map(() => ({ dtype, length }) as const);
const spread = (length: number, width: number) =>
  Float32Array.from({ length }, (_, i) => width * (i / (length - 1) - 0.5) || 0);

describe("factors", () => {
  it("come together so that GELU with its gradient takes four products and a sum", () => {
    const kernel = gatherFactors(geluKernel("float32", 8));
    const all = [...expressionsUnder(rootsOf(kernel))];
    const joint = jointFunctions(rootsOf(kernel));
    const [shape, ...others] = new Set(joint.values());
    expect(others).toEqual([]);
    expect(shape.shape.height).toBe(0.5);
    expect(shape.shape.scale).toBe(scale);
    expect(shape.shape.peak).toBeCloseTo(1 / Math.sqrt(2 * Math.PI), 6);
    const own = new Set(expressionsUnder([...joint.keys()]));
    const rest = all.filter((e) => !own.has(e) && e.kind === "binary");
    expect(rest.map((e) => e.kind === "binary" && e.op).sort()).toEqual(["add", "mul", "mul", "mul"]);
  });

  it("stay where they are in kernels without 1 + erf", () => {
    const x = load("float32", 0, [1]);
    const kernel: LoopKernel = {
      ...geluKernel("float32", 8),
      stores: [
        {
          buffer: 2,
          offset: 0,
          strides: [1],
          value: binary("mul", binary("mul", x, constant("float32", 3)), unary("erf", x)),
        },
      ],
    };
    expect(gatherFactors(kernel)).toBe(kernel);
  });

  it("are not taken in where they are extreme, or differ from use to use", () => {
    const x = load("float32", 0, [1]);
    const s = binary("add", unary("erf", x), constant("float32", 1));
    const times = (factor: number): Expr => binary("mul", constant("float32", factor), s);
    const cases = [
      // 2^-22 is what 1 + erf may be off by
      { values: [times(4096), x], tolerance: 4096 * 2 ** -22 },
      { values: [times(0.5), times(0.25)], tolerance: 2 ** -22 },
      { values: [times(0), x], tolerance: 2 ** -22 },
      { values: [s, times(0.5)], tolerance: 2 ** -22 },
    ];
    for (const { values, tolerance } of cases) {
      const given: LoopKernel = {
        ...geluKernel("float32", 8),
        stores: values.map((value, i) => ({ buffer: 2 + i, offset: 0, strides: [1], value })),
      };
      const kernel = gatherFactors(given);
      const heights = [...jointFunctions(rootsOf(kernel)).values()].map(({ shape }) => shape.height);
      expect(heights).toEqual([1]);
      const inputs = new Map([[0, spread(9, 8)]]);
      expectSame(schedule(buffersOf("float32", 9), [{ ...given, loops: [9] }]), inputs, { tolerance });
    }
  });
});

describe("GELU and its gradient as one kernel", () => {
  it.each([1, 3, 4, 7, 64, 1001])("agrees with the interpreter for %i points, fused and not", (length) => {
    const inputs = new Map([
      [0, spread(Math.max(length, 2), 12).subarray(0, length)],
      [1, spread(Math.max(length, 2), 3).subarray(0, length)],
    ]);
    const plan = schedule(buffersOf("float32", length), [geluKernel("float32", length)]);
    // at most 6 in size: a few roundings of values up to 6
    for (const features of [wasmFeatures(), { ...wasmFeatures(), relaxedMadd: false }])
      expectSame(plan, inputs, { tolerance: 2e-6, features });
  });

  it("gives a point the same bits in a vector, in a tail and alone", () => {
    const length = 1003;
    const inputs = new Map([
      [0, spread(length, 12)],
      [1, spread(length, 3)],
    ]);
    const whole = runWasm(schedule(buffersOf("float32", length), [geluKernel("float32", length)]), inputs);
    for (const i of [0, 1, 2, 500, 1000, 1001, 1002]) {
      const single = new Map(
        [...inputs].map(([buffer, values]) => [buffer, values.slice(i, i + 1)] as const),
      );
      const one = runWasm(schedule(buffersOf("float32", 1), [geluKernel("float32", 1)]), single);
      expect([one[2][0], one[3][0]]).toEqual([whole[2][i], whole[3][i]]);
    }
  });

  it("leaves float64 to the functions of float64", () => {
    const length = 37;
    const inputs = new Map([
      [0, Float64Array.from(spread(length, 12))],
      [1, Float64Array.from(spread(length, 3))],
    ]);
    expectSame(schedule(buffersOf("float64", length), [geluKernel("float64", length)]), inputs, {
      tolerance: 1e-14,
    });
  });

  it("sums along rows, with what differs between rows only computed outside", () => {
    const [rows, columns] = [5, 203];
    const x = load("float32", 0, [1, 0]);
    const s = binary(
      "add",
      unary("erf", binary("mul", x, constant("float32", scale))),
      constant("float32", 1),
    );
    const { xBar } = gelu("float32", [columns, 1]);
    const kernel: LoopKernel = {
      kind: "loops",
      name: "sum",
      loops: [rows, columns],
      reducedLoops: 1,
      reductions: [{ op: "sum", dtype: "float32", value: xBar }],
      stores: [{ buffer: 2, offset: 0, strides: [1], value: binary("mul", reduced("float32"), s) }],
    };
    const inputs = new Map([
      [0, spread(rows * columns, 9)],
      [1, spread(rows * columns, 2)],
    ]);
    // 203 terms of size up to 1, each with a few roundings
    expectSame(schedule(buffersOf("float32", rows * columns), [kernel]), inputs, {
      tolerance: 203 * 2 ** -23,
    });
  });
});
