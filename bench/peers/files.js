/** The numbers handed over by the driver. */
import { readFileSync } from "node:fs";
import { batchCount } from "../src/items.js";
import { inputSize, parametersOf } from "../src/networks.js";

/** @param {string} path */
function bytes(path) {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** @param {string} path */
export const readFloats = (path) => new Float32Array(bytes(path));

/** @param {string} path */
export const readLabels = (path) => new Int32Array(bytes(path));

/** Weight and bias of each layer. @param {import("../src/networks.js").Network} network @param {string} path */
export function readWeights(network, path) {
  const all = readFloats(path);
  let next = 0;
  const take = (/** @type {number} */ count) => {
    next += count;
    return all.slice(next - count, next);
  };
  return parametersOf(network).map(({ shape, fanIn, outputs }) => ({
    inputs: fanIn,
    outputs,
    shape,
    weight: take(outputs * fanIn),
    bias: take(outputs),
  }));
}

/**
 * The batches: inputs [batch, in], labels [batch], and the labels as rows of noughts and a one.
 *
 * @param {import("../src/networks.js").Network} network
 * @param {Record<string, string>} files
 */
export function readBatches(network, files) {
  const { layers, batch } = network;
  const inputs = readFloats(files.inputs);
  const labels = readLabels(files.labels);
  const [width, classes] = [inputSize(network), layers[layers.length - 1]];
  return Array.from({ length: batchCount }, (_, i) => {
    const own = labels.slice(i * batch, (i + 1) * batch);
    const oneHot = new Float32Array(batch * classes);
    own.forEach((label, row) => {
      oneHot[row * classes + label] = 1;
    });
    return { x: inputs.slice(i * batch * width, (i + 1) * batch * width), labels: own, oneHot };
  });
}

/** The matrix [columns, rows] of a matrix [rows, columns]. @param {Float32Array} values @param {number} rows @param {number} columns */
export function transposed(values, rows, columns) {
  const result = new Float32Array(values.length);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < columns; k++) result[k * rows + i] = values[i * columns + k];
  return result;
}

/** @param {...ArrayLike<number>} parts */
export function joined(...parts) {
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let next = 0;
  for (const part of parts) {
    result.set(part, next);
    next += part.length;
  }
  return result;
}

/** @param {string} name of a package installed here */
export function versionOf(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}
