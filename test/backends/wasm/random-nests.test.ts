/** Random loop nests: strides, broadcasts, flips, reductions, gathers and scatters against the interpreter. */
import { describe, expect, it } from "vitest";
import { planParts, worthwhile } from "../../../src/backends/wasm/codegen/parts.js";
import type { Expr, LoopKernel, Reduction, Store } from "../../../src/loops/ir.js";
import { allocate, type DType, type TypedArray } from "../../../src/types/dtype.js";
import {
  type BufferSpec,
  binary,
  bounded,
  constant,
  expectSame,
  generator,
  index,
  load,
  reduced,
  schedule,
  unary,
} from "./support.js";

const cases = Number(process.env.ADJOINT_RANDOM_NESTS ?? 300);
const seed = Number(process.env.ADJOINT_SEED ?? 20240607);

/** A random nest over fresh buffers. */
class NestMaker {
  readonly buffers: BufferSpec[] = [];
  readonly inputs = new Map<number, TypedArray>();
  private readonly random: () => number;
  private readonly loops: number[];
  private readonly outputs: number;

  constructor(random: () => number) {
    this.random = random;
    const rank = this.below(5);
    const extents = [0, 1, 1, 2, 3, 4, 5, 7, 8, 9, 17, 33];
    // An extent of 0 in a third of the nests at most, or there is nothing to see.
    this.loops = Array.from({ length: rank }, () => this.pick(random() < 0.03 ? [0] : extents.slice(1)));
    this.outputs = rank - this.below(Math.min(rank, 3) + 1);
  }

  private below(n: number): number {
    return Math.floor(this.random() * n);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  private addBuffer(dtype: DType, length: number, filled: boolean): number {
    const number = this.buffers.length;
    this.buffers.push({ dtype, length, space: this.pick(["static", "arena"]) });
    if (filled) {
      const values = allocate(dtype, length);
      for (let i = 0; i < length; i++) {
        const integral = dtype === "int32" || dtype === "float32" || this.random() < 0.5;
        values[i] =
          dtype === "bool" ? this.below(2) : integral ? this.below(19) - 9 : (this.below(33) - 16) / 8;
      }
      this.inputs.set(number, values);
    }
    return number;
  }

  /** Strides of a view of the first `count` loops in a random order of axes, some broadcast, flipped or spread. */
  private layout(count: number, broadcasts: boolean): { strides: number[]; offset: number; length: number } {
    const order = Array.from({ length: count }, (_, i) => i);
    if (this.random() < 0.4) order.sort(() => this.random() - 0.5);
    const strides = new Array<number>(count).fill(0);
    let length = this.random() < 0.1 ? 2 : 1;
    let offset = this.below(4);
    let last = offset;
    for (const loop of order.toReversed()) {
      const extent = this.loops[loop];
      if (broadcasts && this.random() < 0.25) continue;
      strides[loop] = length;
      if (this.random() < 0.15 && extent > 0) {
        strides[loop] = -length;
        offset += (extent - 1) * length;
      }
      last += Math.max(0, extent - 1) * length;
      length *= Math.max(1, extent) + (this.random() < 0.1 ? 1 : 0);
    }
    return { strides, offset, length: last + 1 };
  }

  private expression(dtype: DType, count: number, depth: number, reductions: readonly Reduction[]): Expr {
    const choice = this.random();
    const matching = reductions.flatMap((reduction, i) => (reduction.dtype === dtype ? [i] : []));
    if (matching.length > 0 && choice < 0.4) return reduced(dtype, this.pick(matching));
    if (depth === 0 || choice < 0.25) return this.leaf(dtype, count);
    const operand = (of: DType = dtype): Expr => this.expression(of, count, depth - 1, reductions);
    if (choice < 0.4) {
      const from = this.pick<DType>(["float32", "int32", "bool", "float64"]);
      if (from !== dtype) return { kind: "cast", dtype, x: operand(from) };
    }
    if (choice < 0.5)
      return { kind: "select", dtype, condition: operand("bool"), x: operand(), y: operand() };
    if (dtype === "bool") {
      if (choice < 0.6) return unary("not", operand());
      if (choice < 0.75) return binary(this.pick(["and", "or", "xor"]), operand(), operand());
      const of = this.pick<DType>(["float32", "int32", "float64"]);
      const op = this.pick(["eq", "ne", "lt", "le", "gt", "ge"] as const);
      return { kind: "compare", op, dtype: "bool", x: operand(of), y: operand(of) };
    }
    const x = operand();
    // Shared operands are the point of a graph.
    if (choice < 0.6) return binary("add", x, x);
    if (choice < 0.7) return unary(this.pick(["neg", "abs", "sign"]), x);
    return binary(this.pick(["add", "sub", "mul", "max", "min"]), x, operand());
  }

  private leaf(dtype: DType, count: number): Expr {
    const choice = this.random();
    if (choice < 0.15) return constant(dtype, this.below(5) - 2);
    if (choice < 0.3 && dtype === "int32" && count > 0) return index(this.below(count));
    if (choice < 0.4 && count > 0) return this.gather(dtype, count);
    const { strides, offset, length } = this.layout(count, true);
    const padded = [...strides, ...new Array<number>(this.loops.length - count).fill(0)];
    return load(dtype, this.addBuffer(dtype, length, true), padded, offset);
  }

  /** table[indices[…], …] */
  private gather(dtype: DType, count: number): Expr {
    const size = 1 + this.below(6);
    const { strides, offset, length } = this.layout(count, true);
    const padded = (given: readonly number[]): number[] => [
      ...given,
      ...new Array<number>(this.loops.length - count).fill(0),
    ];
    const indices = this.addBuffer("int32", length, true);
    const values = this.inputs.get(indices);
    values?.forEach((_, i) => {
      values[i] = this.below(2 * size) - size;
    });
    const row = this.layout(count, true);
    const rowLength = row.length;
    const table = this.addBuffer(dtype, size * rowLength, true);
    const at = binary(
      "mul",
      bounded(load("int32", indices, padded(strides), offset), size),
      constant("int32", rowLength),
    );
    return load(dtype, table, padded(row.strides), row.offset, at);
  }

  /**
   * A nest whose sums, maxima and stores end in a transcendental function, and nothing after it: what jumps, as a
   * comparison does, would turn an error of one unit into a large one.
   */
  makeWithFunctions(): LoopKernel {
    const kernel = this.make();
    const ended = (value: Expr): Expr =>
      value.dtype === "float32" || value.dtype === "float64"
        ? unary(this.pick(["tanh", "sigmoid", "sin", "atan"]), value)
        : value;
    const empty = this.loops.includes(0);
    const reductions = kernel.reductions.map(
      ({ value }): Reduction => ({
        op: empty ? "sum" : this.pick(["sum", "max"]),
        dtype: value.dtype,
        value: ended(value),
      }),
    );
    const stores = kernel.stores.map(({ at: _, ...store }): Store => {
      const i = reductions.findIndex(({ dtype }) => dtype === store.value.dtype);
      if (i >= 0) return { ...store, value: reduced(store.value.dtype, i) };
      return { ...store, value: ended(this.expression(store.value.dtype, this.outputs, 2, [])) };
    });
    return { ...kernel, reductions, stores };
  }

  make(): LoopKernel {
    const reducedLoops = this.loops.length - this.outputs;
    const reductions: Reduction[] = [];
    const none = this.loops.slice(this.outputs).includes(0);
    if (reducedLoops > 0 || this.random() < 0.1)
      for (let i = 0; i <= this.below(2); i++) {
        const op = none ? "sum" : this.pick(["sum", "max", "argmax"] as const);
        const dtype = this.pick<DType>(["float32", "float64", "int32"]);
        const value = this.expression(dtype, this.loops.length, 2, []);
        reductions.push({ op, dtype: op === "argmax" ? "int32" : dtype, value });
      }
    const stores: Store[] = [];
    for (let i = 0; i <= this.below(3); i++) {
      const dtype =
        reductions.length > 0 && this.random() < 0.7
          ? reductions[0].dtype
          : this.pick<DType>(["float32", "float64", "int32", "bool"]);
      const value = this.expression(dtype, this.outputs, 3, reductions);
      stores.push(this.store(dtype, value));
    }
    return { kind: "loops", name: "random", loops: this.loops, reducedLoops, reductions, stores };
  }

  private store(dtype: DType, value: Expr): Store {
    if (this.random() < 0.15 && dtype !== "bool") {
      // Scatter-add: many points may meet in one element.
      const { strides, offset, length } = this.layout(this.outputs, true);
      const buffer = this.addBuffer(dtype, length * 4, true);
      const plain = { buffer, offset, strides, value, accumulate: true };
      if (this.random() < 0.5) return plain;
      const at = binary("mul", this.gather("int32", this.outputs), constant("int32", 0));
      return { ...plain, at };
    }
    // Where several points store into one element, the last stays.
    const { strides, offset, length } = this.layout(this.outputs, this.random() < 0.15);
    return { buffer: this.addBuffer(dtype, length, true), offset, strides, value };
  }
}

describe("random nests", () => {
  it(`agree with the interpreter (seed ${seed}, ${cases} nests)`, () => {
    for (let i = 0; i < cases; i++) {
      const maker = new NestMaker(generator(seed + i));
      const kernel = maker.make();
      const plan = schedule(maker.buffers, [kernel]);
      const label = `seed ${seed + i}: ${JSON.stringify(kernel)}`;
      // Values are small multiples of 1/8: only long products round, and sums run in another order.
      expectSame(plan, maker.inputs, { tolerance: 2e-6, label });
    }
  });
});

describe("random nests with transcendental functions", () => {
  it(`agree with the interpreter up to rounding (seed ${seed}, ${cases} nests)`, () => {
    for (let i = 0; i < cases; i++) {
      const maker = new NestMaker(generator(seed - i));
      const kernel = maker.makeWithFunctions();
      const label = `seed ${seed - i}: ${JSON.stringify(kernel)}`;
      // float32 sums of at most 33³ values below 1, most of them far fewer, each within a few units of its last place.
      expectSame(schedule(maker.buffers, [kernel]), maker.inputs, { tolerance: 1e-4, label });
    }
  });
});

describe("random nests in as many parts as can be", () => {
  it(`agree with the interpreter (seed ${seed}, ${cases} nests)`, () => {
    const usual = { ...worthwhile };
    Object.assign(worthwhile, { part: 1, split: 0 });
    let cut = 0;
    try {
      for (let i = 0; i < cases; i++) {
        const maker = new NestMaker(generator(seed + i));
        const kernel = maker.make();
        if (planParts(kernel) !== undefined) cut++;
        const label = `seed ${seed + i}: ${JSON.stringify(kernel)}`;
        // as in one piece
        expectSame(schedule(maker.buffers, [kernel]), maker.inputs, { tolerance: 2e-6, label });
      }
    } finally {
      Object.assign(worthwhile, usual);
    }
    expect(cut).toBeGreaterThan(cases / 3);
  });
});
