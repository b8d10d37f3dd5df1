/** Small schedules by hand, run on the WebAssembly backend and on the interpreter. */
import { expect } from "vitest";
import { type WasmFeatures, WasmMemory, WasmProgram } from "../../../src/backends/wasm/index.js";
import type { BinaryOp, BufferPlan, Expr, Kernel, Schedule, UnaryOp } from "../../../src/loops/ir.js";
import { bytesPerElement, type DType, type TypedArray } from "../../../src/types/dtype.js";
import { interpret } from "../../support/interpret-loops.js";

export interface BufferSpec {
  readonly dtype: DType;
  readonly length: number;
  readonly space?: "static" | "arena";
}

/** A schedule whose buffers lie one after the other, none sharing addresses. */
export function schedule(buffers: readonly BufferSpec[], kernels: readonly Kernel[]): Schedule {
  const used = { static: 0, arena: 0 };
  const plans = buffers.map(({ dtype, length, space = "arena" }): BufferPlan => {
    const address = used[space];
    used[space] += Math.ceil((length * bytesPerElement(dtype)) / 64) * 64;
    return { dtype, length, space, address };
  });
  return { buffers: plans, kernels, staticBytes: used.static, arenaBytes: used.arena };
}

/** One memory for all tests of a file, as programs share it in use. */
const memory = new WasmMemory();

/** Every buffer after a run on the WebAssembly backend. */
export function runWasm(
  plan: Schedule,
  inputs: ReadonlyMap<number, TypedArray>,
  features?: WasmFeatures,
): TypedArray[] {
  const program = new WasmProgram(plan, features === undefined ? { memory } : { memory, features });
  try {
    plan.buffers.forEach((_, i) => {
      program.view(i).fill(0);
    });
    for (const [buffer, values] of inputs) program.write(buffer, values);
    program.run();
    return plan.buffers.map((_, i) => program.read(i));
  } finally {
    program.dispose();
  }
}

/** |a - b| in units in the last place of the float format; 0 where both are NaN or equal. */
export function ulps(dtype: DType, a: number, b: number): number {
  if (Object.is(a, b) || a === b || (Number.isNaN(a) && Number.isNaN(b))) return 0;
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Number.POSITIVE_INFINITY;
  const [precision, smallest] = dtype === "float32" ? [23, -126] : [52, -1022];
  const exponent = Math.max(Math.floor(Math.log2(Math.max(Math.abs(a), Math.abs(b)))), smallest);
  return Math.abs(a - b) / 2 ** (exponent - precision);
}

/**
 * Whether both runs leave the same in every buffer. `tolerance` is relative to `scale` (the size of what was summed),
 * and 0 for exact equality, where ±0 count as equal.
 */
export function expectSame(
  plan: Schedule,
  inputs: ReadonlyMap<number, TypedArray>,
  options: { readonly tolerance?: number; readonly label?: string; readonly features?: WasmFeatures } = {},
): void {
  const { tolerance = 0, label = "" } = options;
  const expected = interpret(plan, inputs);
  const received = runWasm(plan, inputs, options.features);
  plan.buffers.forEach(({ dtype, length }, buffer) => {
    for (let i = 0; i < length; i++) {
      const [x, y] = [expected[buffer][i], received[buffer][i]];
      if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
      if (tolerance > 0 && Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x))) continue;
      expect.fail(`${label} buffer ${buffer} (${dtype}) at ${i}: expected ${x}, received ${y}`);
    }
  });
}

export const unary = (op: UnaryOp, x: Expr): Expr => ({ kind: "unary", op, dtype: x.dtype, x });
export const binary = (op: BinaryOp, x: Expr, y: Expr): Expr => ({
  kind: "binary",
  op,
  dtype: x.dtype,
  x,
  y,
});
export const constant = (dtype: DType, value: number): Expr => ({ kind: "constant", dtype, value });
export const index = (loop: number): Expr => ({ kind: "index", dtype: "int32", loop });
export const reduced = (dtype: DType, i = 0): Expr => ({ kind: "reduced", dtype, index: i });
export const bounded = (x: Expr, size: number): Expr => ({ kind: "bounded", dtype: "int32", x, size });
export const load = (
  dtype: DType,
  buffer: number,
  strides: readonly number[],
  offset = 0,
  at?: Expr,
): Expr => {
  const plain = { kind: "load", dtype, buffer, offset, strides } as const;
  return at === undefined ? plain : { ...plain, at };
};

/** A reproducible generator (mulberry32) of numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
