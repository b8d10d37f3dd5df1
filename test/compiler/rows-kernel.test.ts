/** Kernels in rows on the WebAssembly backend, against the interpreter: several row loops, scratch rows, shares for threads. */
import { describe, expect, it } from "vitest";
import { verifySchedule } from "../../src/compiler/legality.js";
import type { Kernel, LoopKernel, RowsKernel } from "../../src/loops/ir.js";
import type { TypedArray } from "../../src/types/dtype.js";
import {
  binary,
  expectSame,
  generator,
  index,
  load,
  reduced,
  schedule,
  unary,
} from "../backends/wasm/support.js";

/** e = exp(x); s = Σ e; y = e/s + column + bias of the second row loop, over rows [outer, inner] of `length`. */
function softmaxOf(outer: number, inner: number, length: number): { kernel: RowsKernel; lengths: number[] } {
  const [x, e, s, y, bias] = [0, 1, 2, 3, 4];
  const loops = [outer, inner, length];
  const whole = [inner * length, length, 1];
  const part = (fields: Omit<LoopKernel, "kind" | "loops">): LoopKernel => ({
    kind: "loops",
    loops,
    ...fields,
  });
  const exps = part({
    name: "exp",
    reducedLoops: 0,
    reductions: [],
    stores: [{ buffer: e, offset: 0, strides: [0, 0, 1], value: unary("exp", load("float32", x, whole)) }],
  });
  const total = part({
    name: "sum",
    reducedLoops: 1,
    reductions: [{ op: "sum", dtype: "float32", value: load("float32", e, [0, 0, 1]) }],
    stores: [{ buffer: s, offset: 0, strides: [0, 0], value: reduced("float32") }],
  });
  const column = { kind: "cast", dtype: "float32", x: index(2) } as const;
  const quotient = binary("div", load("float32", e, [0, 0, 1]), load("float32", s, [0, 0, 0]));
  const shifted = binary("add", quotient, load("float32", bias, [0, 1, 0]));
  const result = part({
    name: "div",
    reducedLoops: 0,
    reductions: [],
    stores: [{ buffer: y, offset: 0, strides: whole, value: binary("add", shifted, column) }],
  });
  const kernel: RowsKernel = {
    kind: "rows",
    name: "softmax",
    rows: [outer, inner],
    parts: [exps, total, result],
    scratch: [e, s],
  };
  return { kernel, lengths: [outer * inner * length, length, 1, outer * inner * length, inner] };
}

const f32 = (length: number) => ({ dtype: "float32", length }) as const;

function inputsFor(lengths: readonly number[]): Map<number, TypedArray> {
  const random = generator(7);
  const fill = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
  return new Map([
    [0, fill(lengths[0])],
    [4, fill(lengths[4])],
  ]);
}

describe("rows kernels", () => {
  for (const [outer, inner, length] of [
    [1, 1, 1],
    [3, 5, 7],
    [1, 4, 64],
    [6, 1, 33],
    [0, 4, 8],
    [2, 0, 8],
    [5, 3, 0],
  ])
    it(`compute what they say over [${outer}, ${inner}] rows of ${length}`, () => {
      const { kernel, lengths } = softmaxOf(outer, inner, length);
      const plan = schedule(lengths.map(f32), [kernel]);
      verifySchedule(plan);
      // scratch rows are whatever the last row left: only y is compared
      const compared: Kernel[] = [kernel, clear(1, lengths[1]), clear(2, lengths[2])];
      // exp in float32 is within 3 ULP, the sum of up to 64 of them within as many roundings
      expectSame({ ...plan, kernels: compared }, inputsFor(lengths), { tolerance: 64 * 2 ** -23 });
    });

  it("compute the same where rows are divided into shares", () => {
    const { kernel, lengths } = softmaxOf(7, 301, 500);
    const plan = schedule(lengths.map(f32), [kernel, clear(1, lengths[1]), clear(2, lengths[2])]);
    expectSame(plan, inputsFor(lengths), { tolerance: 500 * 2 ** -23 });
  });

  it("are refused by the legality check where a scratch row is used elsewhere, or before it is written", () => {
    const { kernel, lengths } = softmaxOf(3, 5, 7);
    const buffers = lengths.map(f32);
    const check = (kernels: readonly Kernel[]) => () => verifySchedule(schedule(buffers, kernels));
    expect(check([kernel])).not.toThrow();
    expect(check([kernel, clear(1, lengths[1])])).toThrow(/scratch row/);
    expect(check([{ ...kernel, parts: [...kernel.parts].reverse() }])).toThrow(/before it is written/);
    expect(check([{ ...kernel, rows: [3, 4] }])).toThrow(/other rows/);
    expect(check([{ ...kernel, rows: [3, 5, 7] }])).toThrow();
  });
});

/** Zeros in a buffer. */
function clear(buffer: number, length: number): LoopKernel {
  const value = { kind: "constant", dtype: "float32", value: 0 } as const;
  const stores = [{ buffer, offset: 0, strides: [1], value }];
  return { kind: "loops", name: "clear", loops: [length], reducedLoops: 0, reductions: [], stores };
}
