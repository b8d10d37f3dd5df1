/** What workers are told of programs is never half of one and half of another. */

import { Worker } from "node:worker_threads";
import { afterEach, expect, it } from "vitest";
import { WasmMemory } from "../../../src/backends/wasm/index.js";
import { control } from "../../../src/backends/wasm/threads/control.js";
import { Pool } from "../../../src/backends/wasm/threads/pool.js";
import { setThreads } from "../../../src/index.js";

afterEach(() => setThreads(1));

/** Looks all the time, as a worker does that learns a program; reports what it was told while nothing changed. */
const observer = `
  const { workerData, parentPort } = require("node:worker_threads");
  const { memory, control } = workerData;
  const words = new Int32Array(memory.buffer);
  const load = (name) => Atomics.load(words, control[name] >> 2);
  const seen = new Map();
  const numbers = new Set();
  parentPort.postMessage("ready");
  while (load("helpers") < 2) {
    const before = load("announcements");
    if (before % 2 !== 0) continue;
    const told = [words[control.program >> 2], words[control.moduleAddress >> 2], words[control.moduleBytes >> 2]];
    if (load("announcements") !== before || told[0] === 0) continue;
    seen.set(told.join(), (seen.get(told.join()) ?? 0) + 1);
    if (!numbers.has(told[0]) && numbers.add(told[0]).size === 3) parentPort.postMessage("all");
  }
  parentPort.postMessage([...seen.keys()].sort());
`;

it("whoever looks while nothing changes sees a program with its own module", async () => {
  setThreads(2);
  const memory = new WasmMemory({ shared: true });
  const pool = new Pool(memory, null, { start: () => ({ stop: () => {} }) });
  const programOf = (number: number) => ({
    number,
    bytes: new Uint8Array(100 * number),
    products: [],
    sharedWork: 1e9,
  });
  const programs = [1, 2, 3].map(programOf);
  for (const program of programs) pool.prepare(program);
  const worker = new Worker(observer, { eval: true, workerData: { memory: memory.memory, control } });
  const messages: unknown[] = [];
  let sawAll = false;
  const ended = new Promise((resolve) => worker.on("exit", resolve));
  await new Promise<void>((resolve) =>
    worker.on("message", (message) => {
      if (message === "all") sawAll = true;
      else messages.push(message);
      resolve();
    }),
  );
  // on a busy machine it may hardly run meanwhile
  for (let rounds = 0; rounds < 10 || !sawAll; rounds++) {
    for (let i = 0; i < 20_000; i++) pool.prepare(programs[i % programs.length]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  // the third thread tells it to end
  Atomics.store(new Int32Array(memory.memory.buffer), control.helpers >> 2, 2);
  await ended;
  const seen = messages[1] as string[];
  const own = seen.map((text) => text.split(",").map(Number)).map(([number, , bytes]) => [number, bytes]);
  expect(own).toEqual([
    [1, 100],
    [2, 200],
    [3, 300],
  ]);
  expect(new Set(seen.map((text) => text.split(",")[1])).size).toBe(3);
});
