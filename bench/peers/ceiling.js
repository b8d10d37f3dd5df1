/**
 * The ceiling of matrix products in WebAssembly with 128-bit vectors, measured: the inner loop of a product on panels that stay in
 * the first-level cache, and nothing else: no packing, no edges, no memory. As many floating-point operations as the item has,
 * on as many threads. Which tile of the result suits the registers depends on the processor and the engine, so the fastest of
 * some is taken: 4×16 where there are 32 registers, 6×8 or 4×12 where there are 16.
 *
 * The module is assembled here, not by the library's own assembler: a ceiling may not rest on what it measures.
 */
import v8 from "node:v8";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { required } from "../src/data.js";

const depth = 256;

/** @typedef {{ rows: number, vectors: number }} Tile of so many rows, and vectors of four columns */

/** @type {readonly Tile[]} */
const tiles = [
  { rows: 4, vectors: 4 },
  { rows: 4, vectors: 3 },
  { rows: 6, vectors: 2 },
  { rows: 5, vectors: 2 },
  { rows: 4, vectors: 2 },
  { rows: 8, vectors: 1 },
];

/** Of one kernel; a multiply-add counts 2. @param {Tile} tile */
const flopsOf = ({ rows, vectors }) => 2 * rows * vectors * 4 * depth;

/** Unsigned LEB128. @param {number} value @returns {number[]} */
const leb = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >> 7)]);
/** @param {number} id @param {number[]} content */
const section = (id, content) => [id, ...leb(content.length), ...content];
/** An instruction of 128 bits. @param {number} code @param {...number} immediates */
const simd = (code, ...immediates) => [0xfd, ...leb(code), ...immediates];
/** @param {number} local */
const get = (local) => [0x20, ...leb(local)];
/** @param {number} local */
const set = (local) => [0x21, ...leb(local)];
/** i32.const: signed, so 64 and above take another byte. @param {number} value */
const constant = (value) => [0x41, ...signed(value)];
/** @param {number} value @returns {number[]} */
const signed = (value) => (value < 64 ? [value] : [(value & 127) | 128, ...signed(value >> 7)]);

/**
 * A module whose `kernels(times)` runs the loop so often.
 *
 * @param {Tile} tile
 * @param {boolean} relaxed whether multiply-adds are fused
 */
function assemble({ rows, vectors }, relaxed) {
  // locals: the parameter, three addresses and counts; then vectors of b, one of a, and the accumulators
  const [times, left, a, b, columns] = [0, 1, 2, 3, 4];
  const [row, sums] = [columns + vectors, columns + vectors + 1];
  const madd = relaxed ? simd(0x105) : [...simd(0xe6), ...simd(0xe4)];
  const inner = [];
  for (let j = 0; j < vectors; j++)
    inner.push(...get(b), ...simd(0x00, 4, ...leb(16 * j)), ...set(columns + j));
  for (let i = 0; i < rows; i++) {
    inner.push(...get(a), ...simd(0x09, 2, ...leb(4 * i)), ...set(row));
    for (let j = 0; j < vectors; j++) {
      const sum = sums + vectors * i + j;
      const operands = [...get(row), ...get(columns + j)];
      // fused: a · b + sum; apart: sum + (a · b)
      inner.push(
        ...(relaxed ? [...operands, ...get(sum)] : [...get(sum), ...operands]),
        ...madd,
        ...set(sum),
      );
    }
  }
  const advance = (/** @type {number} */ local, /** @type {number} */ by) => [
    ...get(local),
    ...constant(by),
    0x6a,
    ...set(local),
  ];
  const code = [
    0x03,
    0x40, // loop: one kernel
    ...constant(0),
    ...set(a),
    ...constant(rows * 4 * depth),
    ...set(b),
    ...constant(depth),
    ...set(left),
    0x03,
    0x40, // loop: over the depth
    ...inner,
    ...advance(a, 4 * rows),
    ...advance(b, 16 * vectors),
    ...get(left),
    ...constant(1),
    0x6b,
    0x22,
    left,
    0x0d,
    0x00,
    0x0b,
    ...get(times),
    ...constant(1),
    0x6b,
    0x22,
    times,
    0x0d,
    0x00,
    0x0b,
  ];
  // what is never stored might never be computed
  for (let i = 0; i < rows * vectors; i++)
    code.push(...constant(0), ...get(sums + i), ...simd(0x0b, 4, ...leb(16 * i)));
  const locals = [2, 3, 0x7f, sums + rows * vectors - columns, 0x7b];
  const body = [...locals, ...code, 0x0b];
  return Uint8Array.of(
    0,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [1, 7, ...new TextEncoder().encode("kernels"), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  );
}

/** Whether the engine fuses multiply-adds; Node 20 has to be asked to. */
function hasRelaxed() {
  const probe = assemble(tiles[0], true);
  if (WebAssembly.validate(probe)) return true;
  if (process.version.startsWith("v20.")) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
  return WebAssembly.validate(probe);
}

/** @param {Tile} tile @param {boolean} relaxed */
function compile(tile, relaxed) {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(assemble(tile, relaxed)));
  return /** @type {(times: number) => void} */ (instance.exports.kernels);
}

/** The tile with the most operations a second, each at its best of some runs. @param {boolean} relaxed */
function fastest(relaxed) {
  const measured = tiles.map((tile) => {
    const kernels = compile(tile, relaxed);
    let best = Number.POSITIVE_INFINITY;
    // the first runs are those of code that is not optimised yet
    for (let run = 0; run < 30; run++) {
      const started = performance.now();
      kernels(200);
      best = Math.min(best, performance.now() - started);
    }
    return { tile, rate: flopsOf(tile) / best };
  });
  return measured.reduce((a, b) => (b.rate > a.rate ? b : a)).tile;
}

/**
 * Kernels asked for and done, in memory that both threads see; a request is answered by zero.
 *
 * @param {{ tile: Tile, relaxed: boolean }} chosen
 */
function startWorker(chosen) {
  const request = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { request, ...chosen } });
  worker.unref();
  return request;
}

/** @param {import("../src/items.js").Item} item */
export async function load(item) {
  const threads = Number(process.env.ADJOINT_BENCH_THREADS ?? 1);
  const relaxed = hasRelaxed();
  const tile = fastest(relaxed);
  const kernels = compile(tile, relaxed);
  const workers = Array.from({ length: threads - 1 }, () => startWorker({ tile, relaxed }));
  const [m, k, n] = required(item.gemm);
  const count = Math.ceil((2 * m * k * n) / flopsOf(tile) / threads);
  return {
    name: `ceiling of 128-bit SIMD${relaxed ? "" : " without fused multiply-add"}`,
    notes: [`inner loop of ${tile.rows}×${4 * tile.vectors}`],
    async verify() {
      throw new Error("a ceiling has no result");
    },
    run(/** @type {number} */ times) {
      for (const request of workers) {
        Atomics.store(request, 0, times * count);
        Atomics.notify(request, 0);
      }
      kernels(times * count);
      for (const request of workers)
        for (let asked = Atomics.load(request, 0); asked !== 0; asked = Atomics.load(request, 0))
          Atomics.wait(request, 0, asked);
    },
  };
}

if (!isMainThread) {
  /** @type {{ request: Int32Array, tile: Tile, relaxed: boolean }} */
  const { request, tile, relaxed } = workerData;
  const kernels = compile(tile, relaxed);
  for (;;) {
    Atomics.wait(request, 0, 0);
    kernels(Atomics.load(request, 0));
    Atomics.store(request, 0, 0);
    Atomics.notify(request, 0);
  }
}
