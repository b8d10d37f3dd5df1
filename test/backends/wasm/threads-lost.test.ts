/** A worker that ends in the middle of its work. A file of its own: afterwards there is one thread for good. */
import { Worker } from "node:worker_threads";
import { expect, it, vi } from "vitest";
import { WasmMemory, WasmProgram } from "../../../src/backends/wasm/index.js";
import { control } from "../../../src/backends/wasm/threads/control.js";
import { Pool } from "../../../src/backends/wasm/threads/pool.js";
import type { StartWorker } from "../../../src/backends/wasm/threads/start.js";
import { AdjointError, setThreads, threads } from "../../../src/index.js";
import { load, schedule, unary } from "./support.js";

/** Takes one part as workers do, and then does something else. */
const taking = (then: string): string => `
const { memory, index, control, state, finished } = require("node:worker_threads").workerData;
const words = new Int32Array(memory.buffer);
const claims = new BigInt64Array(memory.buffer, control.claims, 1);
Atomics.store(words, (control.workers >> 2) + index, state.ready);
for (;;) {
  const word = Atomics.load(claims, 0);
  if ((word & 0xffffffffn) !== 0n && Atomics.compareExchange(claims, 0, word, word - 1n) === word) break;
}
${then}
`;

/** Says half a second later that the part is done. */
const slow = taking(`
Atomics.wait(new Int32Array(finished), 1, 0, 500);
Atomics.store(new Int32Array(finished), 0, 1);
Atomics.add(words, control.done >> 2, 1);
Atomics.notify(words, control.done >> 2);
`);
const dying = taking("process.exit(0);");

const starting =
  (source: string, finished = new SharedArrayBuffer(8)): StartWorker =>
  (data, ended) => {
    const worker = new Worker(source, { eval: true, workerData: { ...data, finished } });
    worker.on("exit", () => ended("it has ended"));
    worker.unref();
    return { stop: () => void worker.terminate() };
  };

const length = 1_000_000;

function expProgram(pool?: Pool): WasmProgram {
  const value = unary("exp", load("float32", 0, [1]));
  const stores = [{ buffer: 1, offset: 0, strides: [1], value }];
  const kernel = {
    kind: "loops",
    name: "exp",
    loops: [length],
    reducedLoops: 0,
    reductions: [],
    stores,
  } as const;
  const buffers = [0, 1].map(() => ({ dtype: "float32", length }) as const);
  const program = new WasmProgram(schedule(buffers, [kernel]), pool && { pool });
  program.write(0, new Float32Array(length).fill(0.5));
  return program;
}

it("the main thread does not sleep for parts that were done while it looked", () => {
  const memory = new WasmMemory({ shared: true });
  const pool = new Pool(memory, null);
  const words = new Int32Array(memory.memory.buffer);
  const wait = vi.spyOn(Atomics, "wait");
  try {
    words[control.parts >> 2] = 8;
    words[control.done >> 2] = 8;
    pool.stalled();
    expect(wait).not.toHaveBeenCalled();
    words[control.done >> 2] = 7;
    pool.stalled();
    expect(wait).toHaveBeenCalled();
  } finally {
    wait.mockRestore();
  }
});

it("a run ends when the last part is done, however long its worker takes", () => {
  setThreads(2);
  const finished = new SharedArrayBuffer(8);
  const pool = new Pool(new WasmMemory({ shared: true }), null, { start: starting(slow, finished) });
  const program = expProgram(pool);
  const done = new Int32Array(finished);
  const end = performance.now() + 30_000;
  let longest = 0;
  while (done[0] === 0 && performance.now() < end) {
    const started = performance.now();
    program.run();
    longest = Math.max(longest, performance.now() - started);
  }
  expect(done[0]).toBe(1);
  // a run that did not wait would have come back again and again
  expect(longest).toBeGreaterThan(400);
});

it("a worker that ends with a part in hand is missed, and from then on one thread gives the same results", () => {
  setThreads(2);
  const length = 1_000_000;
  const value = unary("exp", load("float32", 0, [1]));
  const stores = [{ buffer: 1, offset: 0, strides: [1], value }];
  const kernel = {
    kind: "loops",
    name: "exp",
    loops: [length],
    reducedLoops: 0,
    reductions: [],
    stores,
  } as const;
  const buffers = [0, 1].map(() => ({ dtype: "float32", length }) as const);
  const pool = new Pool(new WasmMemory({ shared: true }), null, { start: starting(dying), lostAfter: 500 });
  const program = new WasmProgram(schedule(buffers, [kernel]), { pool });
  program.write(0, new Float32Array(length).fill(0.5));

  let lost: unknown;
  const end = performance.now() + 30_000;
  while (lost === undefined && performance.now() < end)
    try {
      program.run();
    } catch (error) {
      lost = error;
    }
  expect(lost).toBeInstanceOf(AdjointError);
  expect(lost).toMatchObject({ code: "worker-lost" });
  // whatever may have been overwritten must not be trusted
  expect(program.stoppedAt).toBe(1);

  expect(threads()).toBe(1);
  setThreads(2);
  expect(threads()).toBe(1);
  program.write(0, new Float32Array(length).fill(0.5));
  program.run();
  const expected = expProgram();
  expected.run();
  expect(Buffer.from(program.read(1).buffer).equals(Buffer.from(expected.read(1).buffer))).toBe(true);
});

it("run after run that waits for its last part is no sign of a lost worker, however long it goes on", () => {
  const pool = new Pool(new WasmMemory({ shared: true }), null, { lostAfter: 10_000 });
  const words = new Int32Array(pool.memory.memory.buffer);
  const wait = vi.spyOn(Atomics, "wait").mockReturnValue("ok");
  let time = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => time);
  try {
    words[control.parts >> 2] = 4;
    words[control.done >> 2] = 3;
    for (; time < 60_000; time += 500) {
      pool.stalled();
      words[control.taken >> 2]++;
    }
    // and now nobody does anything
    expect(() => {
      for (; time < 80_000; time += 500) pool.stalled();
    }).toThrow(expect.objectContaining({ code: "worker-lost" }));
    expect(time).toBeGreaterThan(69_000);
  } finally {
    clock.mockRestore();
    wait.mockRestore();
  }
});
