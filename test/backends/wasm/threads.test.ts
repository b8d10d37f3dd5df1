/** Work shared by threads: the same bits whoever does it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planParts, worthwhile } from "../../../src/backends/wasm/codegen/parts.js";
import { WasmMemory, WasmProgram } from "../../../src/backends/wasm/index.js";
import { commonPool, Pool } from "../../../src/backends/wasm/threads/pool.js";
import { startWorker, type WorkerHandle } from "../../../src/backends/wasm/threads/start.js";
import {
  AdjointError,
  jit,
  random,
  setThreads,
  type Tensor,
  tensor,
  threads,
  valueAndGrad,
} from "../../../src/index.js";
import type { Expr, LoopKernel, Schedule, UnaryOp } from "../../../src/loops/ir.js";
import type { TypedArray } from "../../../src/types/dtype.js";
import { argumentsOf, generate } from "../../fuzz/generate.js";
import { expectClose, functionOf, onReference, tolerance } from "../../fuzz/ways.js";
import { binary, bounded, constant, expectSame, generator, load, schedule, unary } from "./support.js";

const counts = [1, 2, 3, 8];
const common = commonPool() ?? new Pool(new WasmMemory({ shared: true }), null);
const usual = { ...worthwhile };
const before = threads();

/** From here on the smallest kernels are cut, and as finely as can be. */
function cutEverything(): void {
  Object.assign(worthwhile, { part: 1, split: 1, wake: 1 });
}

function exp(length: number, op: UnaryOp = "exp"): Schedule {
  const buffers = [0, 1].map(() => ({ dtype: "float32", length }) as const);
  const value = unary(op, load("float32", 0, [1]));
  const stores = [{ buffer: 1, offset: 0, strides: [1], value }];
  const kernel = {
    kind: "loops",
    name: "exp",
    loops: [length],
    reducedLoops: 0,
    reductions: [],
    stores,
  } as const;
  return schedule(buffers, [kernel]);
}

const ramp = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => (i % 100) / 50);
const bitsOf = (values: ArrayBufferView): number[] => [
  ...new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
];

/** Of a million elements, which `toEqual` would take seconds for. */
const sameBits = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength));

/** Runs a program until `count` workers are there and have done something. */
async function busy(pool: Pool, program: WasmProgram, count: number): Promise<void> {
  const done = pool.taken;
  const end = performance.now() + 50_000;
  while (pool.ready < count || pool.taken === done) {
    if (performance.now() > end)
      throw new Error(`${pool.ready} of ${count} workers came, ${pool.taken} parts`);
    program.run();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

beforeAll(async () => {
  setThreads(8);
  const program = new WasmProgram(exp(1_000_000));
  await busy(common, program, 7);
  program.dispose();
});

afterAll(() => {
  Object.assign(worthwhile, usual);
  setThreads(before);
});

describe("threads", () => {
  it.each([0, -1, 1.5, Number.NaN])("%d of them are refused", (n) => {
    expect(() => setThreads(n)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  it("are as many as were set, from the next run on", () => {
    for (const n of counts) {
      setThreads(n);
      expect(threads()).toBe(n);
    }
  });

  it("give the bits of one, in random programs cut as finely as can be, and these are right", () => {
    cutEverything();
    const taken = common.taken;
    let compared = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const program = generate(seed, seed % 3 === 0 ? { extent: 48 } : {});
      if (program.outputs.length === 0) continue;
      const args = argumentsOf(program, 0);
      const f = jit(functionOf(program));
      const results = counts.map((n) => {
        setThreads(n);
        return f(...args);
      });
      const reference = onReference(() => functionOf(program)(...args));
      expectClose(`seed ${seed}`, results[0], reference, tolerance(program));
      const bits = results.map((tensors) => tensors.map((t) => bitsOf(t.dataSync())));
      for (let i = 1; i < counts.length; i++)
        expect(bits[i], `seed ${seed}, ${counts[i]} threads`).toEqual(bits[0]);
      compared++;
    }
    Object.assign(worthwhile, usual);
    expect(compared).toBeGreaterThan(50);
    expect(common.taken).toBeGreaterThan(taken);
  });

  it("train a network to the same bits, with their number changed on the way", () => {
    const train = (threadsAt: (step: number) => number): number[][] => {
      const keys = random.split(random.key(5), 4);
      const x = random.normal(keys[0], { shape: [128, 300] });
      const y = random.normal(keys[1], { shape: [128, 10] });
      let parameters = [
        random.normal(keys[2], { shape: [300, 200] }).mul(0.05),
        random.normal(keys[3], { shape: [200, 10] }).mul(0.05),
      ];
      const loss = ([w, v]: Tensor[]): Tensor => x.matmul(w).tanh().matmul(v).sub(y).square().mean();
      const step = jit(
        (p: Tensor[]) => {
          const [value, gradient] = valueAndGrad(loss)(p);
          return [value, p.map((parameter, i) => parameter.sub(gradient[i].mul(0.1)))] as const;
        },
        { donate: [0] },
      );
      for (let i = 0; i < 8; i++) {
        setThreads(threadsAt(i));
        [, parameters] = step(parameters);
      }
      return parameters.map((parameter) => bitsOf(parameter.dataSync()));
    };
    const expected = train(() => 1);
    for (const n of counts.slice(1)) expect(train(() => n)).toEqual(expected);
    expect(train((i) => counts[i % counts.length])).toEqual(expected);
  });
});

describe("a kernel whose points meet in one element", () => {
  const adding = (loops: number[], strides: number[], at?: Expr): LoopKernel => ({
    kind: "loops",
    name: "adding",
    loops,
    reducedLoops: 0,
    reductions: [],
    stores: [
      {
        buffer: 0,
        offset: 0,
        strides,
        value: load("float32", 1, [1, 1, 1]),
        accumulate: true,
        ...(at && { at }),
      },
    ],
  });
  const row = bounded(load("int32", 2, [1, 0, 0]), 100);

  it.each([
    ["windows that overlap, by images", adding([64, 100, 90], [190, 1, 1]), 0],
    ["a sum over the outermost loop, by columns", adding([1000, 8, 500], [0, 500, 1]), 2],
    [
      "rows chosen by an index, by columns",
      adding([900, 2, 400], [0, 400, 1], binary("mul", row, constant("int32", 800))),
      2,
    ],
  ])("%s: cut where parts never meet", (_, kernel, loop) => {
    const plan = planParts(kernel);
    const { main, parts = 0, rest } = plan ?? {};
    const points = (part: LoopKernel | undefined): number =>
      part === undefined ? 0 : part.loops.reduce((product, extent) => product * extent, 1);
    expect(main?.loops[0]).toBe(parts);
    expect(points(main) + points(rest)).toBe(points(kernel));
    // the loop that was cut is where it was, behind that of parts
    const size = main?.loops.at(loop - kernel.loops.length) ?? 0;
    expect(parts * size + (rest?.loops.at(loop - kernel.loops.length) ?? 0)).toBe(kernel.loops[loop]);
  });

  it("rows chosen by an index: each part takes whole cache lines of all rows, in lanes, in order", () => {
    const [indices, columns, rows] = [8192, 70, 100];
    const picked = bounded(load("int32", 2, [1, 0]), rows);
    const given = adding([indices, columns], [0, 1], binary("mul", picked, constant("int32", columns)));
    const value = load("float32", 1, [columns, 1]);
    const kernel = { ...given, stores: given.stores.map((store) => ({ ...store, value })) };
    const plan = planParts(kernel);
    expect(plan?.main.loops).toEqual([2, indices, 32]);
    expect(plan?.rest?.loops).toEqual([indices, 6]);
    const random = generator(5);
    const inputs = new Map<number, TypedArray>([
      [1, Float32Array.from({ length: indices * columns }, random)],
      [2, Int32Array.from({ length: indices }, () => Math.floor(random() * 2 * rows) - rows)],
    ]);
    const buffers = [
      { dtype: "float32", length: rows * columns },
      { dtype: "float32", length: indices * columns },
      { dtype: "int32", length: indices },
    ] as const;
    expectSame(schedule(buffers, [kernel]), inputs);
  });

  it.each([
    ["windows that overlap, of one image", adding([1, 10_000, 90], [0, 1, 1])],
    ["single elements chosen by an index", adding([90_000, 1, 1], [0, 0, 0], row)],
    [
      "rows chosen by an index that overlap",
      adding([900, 2, 400], [0, 400, 1], binary("mul", row, constant("int32", 799))),
    ],
  ])("%s: left whole", (_, kernel) => {
    expect(planParts(kernel)).toBeUndefined();
  });
});

describe("an index out of range", () => {
  it("is the first in order, whoever meets which", () => {
    const length = 20_000;
    const value = load("float32", 1, [0], 0, bounded(load("int32", 0, [1]), 7));
    const stores = [{ buffer: 2, offset: 0, strides: [1], value }];
    const kernel: LoopKernel = {
      kind: "loops",
      name: "gather",
      loops: [length],
      reducedLoops: 0,
      reductions: [],
      stores,
    };
    const buffers = [
      { dtype: "int32", length },
      { dtype: "float32", length: 7 },
      { dtype: "float32", length },
    ] as const;
    cutEverything();
    setThreads(8);
    const program = new WasmProgram(schedule(buffers, [kernel]));
    Object.assign(worthwhile, usual);
    const next = generator(3);
    for (let round = 0; round < 200; round++) {
      const indices = new Int32Array(length);
      const bad = Array.from({ length: 1 + (round % 5) }, () => Math.floor(next() * length));
      bad.forEach((place, i) => {
        indices[place] = 100 + i;
      });
      const first = indices.find((i) => i !== 0);
      program.write(0, indices);
      setThreads(counts[round % counts.length]);
      let message = "";
      try {
        program.run();
      } catch (error) {
        if (error instanceof AdjointError) message = error.message;
      }
      expect(message).toContain(`take: index ${first} is out of range for an axis of size 7`);
    }
    program.dispose();
  });
});

describe("a pool of workers", () => {
  const handles: WorkerHandle[] = [];
  const pool = new Pool(new WasmMemory({ shared: true }), null, {
    start: (data, ended) => {
      const handle = startWorker(data, ended);
      handles.push(handle);
      return handle;
    },
  });
  const length = 1_000_000;

  it("gives the bits it gave, after one of its workers has ended while it had nothing to do", async () => {
    setThreads(3);
    const program = new WasmProgram(exp(length), { pool });
    program.write(0, ramp(length));
    await busy(pool, program, 2);
    const expected = program.read(1);
    handles[0].stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let i = 0; i < 20; i++) program.run();
    expect(sameBits(program.read(1), expected)).toBe(true);
    expect(pool.ready).toBe(1);
    await busy(pool, program, 1);
    // and has another in its place, once the number is set again
    setThreads(2);
    program.run();
    setThreads(3);
    await busy(pool, program, 2);
    program.dispose();
  });

  it("never mistakes one program for another, however fast they take turns", async () => {
    setThreads(2);
    const programs = (["exp", "neg"] as const).map((op) => new WasmProgram(exp(300_000, op), { pool }));
    for (const program of programs) await busy(pool, program, 1);
    for (let round = 0; round < 300; round++) {
      // input and output lie in the arena, at the same places for both
      for (const [i, program] of programs.entries()) {
        program.view(0).fill(round / 300);
        program.run();
        const wanted = i === 0 ? Math.exp(Math.fround(round / 300)) : -round / 300;
        expect(program.view(1).every((x) => Math.abs(x - wanted) < 1e-6 * (1 + Math.abs(wanted)))).toBe(true);
      }
    }
    for (const program of programs) program.dispose();
  });

  it("forgets programs that are dropped, and learns new ones", async () => {
    setThreads(3);
    const warm = new WasmProgram(exp(length), { pool });
    warm.run();
    warm.dispose();
    const used = pool.memory.usedBytes;
    for (let i = 0; i < 300; i++) {
      const program = new WasmProgram(exp(50_000 + i), { pool });
      program.run();
      program.dispose();
    }
    expect(pool.memory.usedBytes).toBe(used);
    // larger than what memory has held: it grows, and the module lies where it did not reach when workers began
    const program = new WasmProgram(exp(2 * length), { pool });
    program.write(0, ramp(2 * length));
    await busy(pool, program, 1);
    expect(program.read(1)[1]).toBeCloseTo(Math.exp(1 / 50), 6);
    program.dispose();
  });

  it("takes a program over that one thread began, with all it held", async () => {
    setThreads(1);
    const program = new WasmProgram(exp(length), { pool });
    program.write(0, ramp(length));
    program.run();
    const expected = program.read(1);
    program.write(0, ramp(length));
    setThreads(3);
    program.run();
    expect(sameBits(program.read(1), expected)).toBe(true);
    await busy(pool, program, 1);
    program.dispose();
  });
});

describe("shared memory", () => {
  it("refuses clearly what it has no room for, and loses nothing of what it holds", () => {
    setThreads(2);
    const memory = new WasmMemory({ shared: true, maximumBytes: 2 ** 20 });
    const pool = new Pool(memory, null);
    const program = new WasmProgram(exp(50_000), { pool });
    program.write(0, ramp(50_000));
    program.run();
    const expected = program.read(1);
    expect(() => new WasmProgram(exp(1_000_000), { pool })).toThrow(
      expect.objectContaining({ code: "device", message: expect.stringContaining("memory ends at 1 MiB") }),
    );
    program.write(0, ramp(50_000));
    program.run();
    expect(sameBits(program.read(1), expected)).toBe(true);
  });

  it("is left to programs in which there is something to share", () => {
    setThreads(2);
    const used = common.memory.usedBytes;
    const small = jit((x: Tensor) => x.mul(2).sum());
    expect(small(tensor([1, 2])).itemSync()).toBe(6);
    expect(common.memory.usedBytes).toBe(used);
  });
});
