/**
 * What a worker runs, as text: so it needs no file that a bundler would have to find, and no module system. It must do with
 * what Node 20 and browsers have, and imports nothing of this library.
 *
 * A worker sleeps on the bell until there is a program, compiles it from the bytes in shared memory, and works at it until
 * nothing has come for a while. It never leaves to its event loop, so whoever starts it may go on without ever returning to
 * his.
 */

import type { Blas } from "../../blas/library.js";

/** What a worker is given at its start. */
export interface WorkerData {
  readonly memory: WebAssembly.Memory;
  /** Which of the workers it is, from 0. */
  readonly index: number;
  readonly control: Readonly<Record<string, number>>;
  readonly state: Readonly<Record<string, number>>;
  /** Where to find what calls BLAS libraries, and what of them. */
  readonly blas: Blas["forWorkers"] | null;
}

export const workerSource = `"use strict";
const begin = ({ memory, index, control, state, blas }) => {
  // the control block lies in the first page, which is always in view
  const words = new Int32Array(memory.buffer);
  const at = (name) => control[name] >> 2;
  const load = (name) => Atomics.load(words, at(name));
  const say = (what) => Atomics.store(words, at("workers") + index, what);

  let bound = null;
  let memoryAddress = 0n;
  if (blas !== null) {
    try {
      const koffi = require(blas.koffi);
      bound = {};
      for (const [dtype, { library, prototype, layout, operations, setThreads }] of Object.entries(blas.bindings)) {
        const loaded = koffi.load(library);
        // some have no such function
        try { loaded.func(setThreads)(1); } catch {}
        const call = loaded.func(prototype);
        bound[dtype] = { call: layout === undefined ? call : call.bind(null, layout), operations };
      }
      memoryAddress = koffi.address(new Uint8Array(memory.buffer));
    } catch {
      bound = null;
    }
  }

  const multiply = (calls) => (product, a, b, out) => {
    const { dtype, gemm: g, swapped } = calls[product];
    const { call, operations } = bound[dtype];
    const [first, second] = swapped ? [b, a] : [a, b];
    // addresses come as signed 32-bit numbers
    const to = (address) => memoryAddress + BigInt(address >>> 0);
    const op = (transposed) => operations[transposed ? 1 : 0];
    call(op(g.transposeA), op(g.transposeB), g.m, g.n, g.k, g.factor, to(first), g.leadingA, to(second), g.leadingB,
      g.adds ? 1 : 0, to(out), g.leadingC);
  };

  // programs by number: what works at them, or null where this worker cannot
  const known = new Map();
  const learn = (program) => {
    const before = load("announcements");
    if (before % 2 !== 0 || load("program") !== program) return null;
    // what others have added becomes visible
    memory.grow(0);
    const bytes = words[at("moduleBytes")];
    const start = words[at("moduleAddress")] >>> 0;
    const copy = new Uint8Array(memory.buffer).slice(start, start + bytes + words[at("productsBytes")]);
    // another may have been announced meanwhile, or this one dropped and its place used again
    if (load("announcements") !== before) return null;
    const calls = JSON.parse(new TextDecoder().decode(copy.subarray(bytes)));
    let work = null;
    if (calls !== null && (calls.length === 0 || bound !== null)) {
      const module = new WebAssembly.Module(copy.subarray(0, bytes));
      work = new WebAssembly.Instance(module, { env: { memory, multiply: multiply(calls), stalled() {} } }).exports.work;
    }
    known.set(program, work);
    if (known.size > 64) known.delete(known.keys().next().value);
    return work;
  };

  const isWanted = () => index < load("helpers");
  const programAt = at("claims") + 1;
  let working = false;
  try {
    say(bound === null ? state.ready : state.readyWithBlas);
    for (;;) {
      const roster = load("roster");
      const bell = load("bell");
      if (!isWanted()) {
        Atomics.wait(words, at("roster"), roster);
        continue;
      }
      const program = Atomics.load(words, programAt);
      const work = program === 0 ? null : known.has(program) ? known.get(program) : learn(program);
      if (work !== null) {
        working = true;
        const isOther = work(program, words[at("workerPatience")]) === 1;
        working = false;
        if (isOther) continue;
      }
      Atomics.add(words, at("sleepers"), 1);
      // Who publishes looks for sleepers afterwards; so one who looks for work after he has said that he sleeps misses none.
      const next = Atomics.load(words, programAt);
      const misses = next !== 0 && load("claims") > 0 && known.get(next) !== null;
      if (!misses && isWanted()) Atomics.wait(words, at("bell"), bell);
      Atomics.sub(words, at("sleepers"), 1);
    }
  } catch (error) {
    say(working ? state.died : state.failed);
    Atomics.notify(words, at("done"));
    throw error;
  }
};
if (typeof require === "function") begin(require("node:worker_threads").workerData);
else onmessage = ({ data }) => begin(data);
`;
