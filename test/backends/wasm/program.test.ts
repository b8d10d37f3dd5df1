/** Programs as callers meet them: buffers, errors, several at a time; and the memory beneath. */
import { describe, expect, it } from "vitest";
import {
  type WasmFeatures,
  WasmMemory,
  WasmProgram,
  wasmFeatures,
} from "../../../src/backends/wasm/index.js";
import type { LoopKernel, Schedule } from "../../../src/loops/ir.js";
import { AdjointError } from "../../../src/util/errors.js";
import { binary, bounded, constant, load, schedule } from "./support.js";

function elementwise(length: number, add: number): LoopKernel {
  const value = binary("add", load("float32", 0, [1]), constant("float32", add));
  return {
    kind: "loops",
    name: `add ${add}`,
    loops: [length],
    reducedLoops: 0,
    reductions: [],
    stores: [{ buffer: 1, offset: 0, strides: [1], value }],
  };
}

function adder(length: number, add: number, space: "static" | "arena" = "arena"): Schedule {
  const buffers = [0, 1].map(() => ({ dtype: "float32", length, space }) as const);
  return schedule(buffers, [elementwise(length, add)]);
}

describe("a program", () => {
  it("runs what was written and gives copies", () => {
    const program = new WasmProgram(adder(5, 1), { memory: new WasmMemory() });
    program.write(0, Float32Array.of(1, 2, 3, 4, 5));
    program.run();
    const result = program.read(1);
    expect([...result]).toEqual([2, 3, 4, 5, 6]);
    program.write(0, new Float32Array(5));
    program.run();
    expect([...result]).toEqual([2, 3, 4, 5, 6]);
    expect([...program.view(1)]).toEqual([1, 1, 1, 1, 1]);
  });

  it("keeps its static buffers while others run and memory grows", () => {
    const memory = new WasmMemory();
    const first = new WasmProgram(adder(5, 1, "static"), { memory });
    first.write(0, Float32Array.of(1, 2, 3, 4, 5));
    first.run();
    const large = new WasmProgram(adder(1_000_000, 2), { memory });
    large.write(0, new Float32Array(1_000_000).fill(3));
    large.run();
    expect(large.read(1).every((x) => x === 5)).toBe(true);
    expect([...first.read(1)]).toEqual([2, 3, 4, 5, 6]);
  });

  it("runs without kernels and with empty buffers", () => {
    const program = new WasmProgram(schedule([{ dtype: "bool", length: 0 }], []), {
      memory: new WasmMemory(),
    });
    program.run();
    expect(program.read(0)).toEqual(new Uint8Array(0));
  });

  it("runs on engines without fused multiply-add", () => {
    const features: WasmFeatures = { ...wasmFeatures(), relaxedMadd: false };
    const program = new WasmProgram(adder(3, 0.5), { memory: new WasmMemory(), features });
    program.write(0, Float32Array.of(1, 2, 3));
    program.run();
    expect([...program.read(1)]).toEqual([1.5, 2.5, 3.5]);
  });

  it("gives its block back, once", () => {
    const memory = new WasmMemory();
    const before = new WasmProgram(adder(100, 1, "static"), { memory });
    const used = memory.usedBytes;
    const program = new WasmProgram(adder(1000, 1, "static"), { memory });
    expect(memory.usedBytes).toBeGreaterThan(used);
    program.dispose();
    program.dispose();
    expect(memory.usedBytes).toBe(used);
    before.run();
    expect(() => program.run()).toThrow(/disposed/);
  });
});

describe("an index out of range", () => {
  /** out[i] = table[indices[i]], after a kernel that only copies. */
  function gather(count: number, size: number): Schedule {
    const at = bounded(load("int32", 0, [1]), size);
    const kernel: LoopKernel = {
      kind: "loops",
      name: "gather",
      loops: [count],
      reducedLoops: 0,
      reductions: [],
      stores: [{ buffer: 2, offset: 0, strides: [1], value: load("float32", 1, [0], 0, at) }],
    };
    const buffers = [
      { dtype: "int32", length: count },
      { dtype: "float32", length: size },
      { dtype: "float32", length: count },
      { dtype: "float32", length: 1 },
    ] as const;
    const copy: LoopKernel = {
      ...elementwise(1, 0),
      stores: [{ buffer: 3, offset: 0, strides: [1], value: constant("float32", 1) }],
    };
    return schedule(buffers, [copy, kernel]);
  }

  function failure(indices: readonly number[], size: number): AdjointError {
    const program = new WasmProgram(gather(indices.length, size), { memory: new WasmMemory() });
    program.write(0, Int32Array.from(indices));
    try {
      program.run();
    } catch (error) {
      if (error instanceof AdjointError) return error;
    }
    throw new Error("no refusal");
  }

  it.each([
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 5, 5],
    [[0, -5, -6, 4], 5, -6],
    [[0, 0, 0, 0, 0, 0, 0, 0, 99], 7, 99],
    [[1], 1, 1],
    [[2 ** 31 - 1, 0, 0, 0], 3, 2 ** 31 - 1],
    [[-(2 ** 31)], 3, -(2 ** 31)],
  ])("of %j into %i stops the program and is named: %i", (indices, size, offender) => {
    const error = failure(indices, size);
    expect(error.code).toBe("index-out-of-range");
    expect(error.message).toContain("take");
    expect(error.message).toContain(`index ${offender} is out of range for an axis of size ${size}`);
  });

  it("leaves the program usable", () => {
    const program = new WasmProgram(gather(3, 4), { memory: new WasmMemory() });
    program.write(0, Int32Array.of(0, 9, 1));
    expect(() => program.run()).toThrow(AdjointError);
    program.write(0, Int32Array.of(-1, 0, 3));
    program.write(1, Float32Array.of(10, 11, 12, 13));
    program.run();
    expect([...program.read(2)]).toEqual([13, 10, 13]);
  });
});

describe("memory", () => {
  it("hands out cache lines, and the same again when they are free", () => {
    const memory = new WasmMemory();
    const blocks = [100, 200, 300].map((bytes) => memory.allocate(bytes));
    expect(blocks.every((start) => start % 64 === 0)).toBe(true);
    memory.release(blocks[1]);
    expect(memory.allocate(150)).toBe(blocks[1]);
  });

  it("joins free neighbours in whichever order they are freed", () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [0, 2, 1],
      [1, 0, 2],
    ]) {
      const memory = new WasmMemory();
      const blocks = [1000, 1000, 1000].map((bytes) => memory.allocate(bytes));
      const last = memory.allocate(10);
      for (const i of order) memory.release(blocks[i]);
      expect(memory.allocate(3000)).toBe(blocks[0]);
      expect(last).toBeGreaterThan(blocks[2]);
    }
  });

  it("never hands out overlapping blocks", () => {
    const memory = new WasmMemory();
    const live = new Map<number, number>();
    let state = 1;
    for (let step = 0; step < 1000; step++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      const starts = [...live.keys()];
      if (state % 3 === 0 && starts.length > 0) {
        const start = starts[(state >>> 8) % starts.length];
        memory.release(start);
        live.delete(start);
        continue;
      }
      const bytes = (state >>> 5) % 5000;
      const start = memory.allocate(bytes);
      const overlaps = [...live].some(([other, size]) => start + bytes > other && other + size > start);
      expect(overlaps).toBe(false);
      expect(start + bytes).toBeLessThanOrEqual(memory.memory.buffer.byteLength);
      live.set(start, bytes);
    }
  });

  it("refuses clearly past 4 GiB", () => {
    const memory = new WasmMemory();
    expect(() => memory.allocate(2 ** 32)).toThrow(expect.objectContaining({ code: "device" }));
    expect(memory.allocate(64)).toBeGreaterThan(0);
  });
});
