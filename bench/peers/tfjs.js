/** TensorFlow.js on its wasm backend: SIMD, one thread in Node. Weights are [in, out], as its layers have them. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { required } from "../src/data.js";
import { verifySteps } from "../src/items.js";
import { joined, readBatches, readFloats, readWeights, transposed, versionOf } from "./files.js";

const main = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm/package.json");
setWasmPaths(join(dirname(main), "dist", "/"));
if (!(await tf.setBackend("wasm"))) throw new Error("its wasm backend does not start");
await tf.ready();

const identity = { name: `TensorFlow.js ${versionOf("@tensorflow/tfjs")} wasm` };

/** @param {import("../src/items.js").Item} item @param {Record<string, string>} files */
export async function load(item, files) {
  switch (item.kind) {
    case "step":
      return { ...identity, ...step(required(item.network), files) };
    case "gemm":
      return { ...identity, ...product(required(item.gemm), files) };
    case "function":
      return { ...identity, ...outputAndGradient(required(item.function), required(item.shape), files) };
    default:
      throw new Error(`no ${item.kind} is written for it`);
  }
}

/** @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
function step(network, files) {
  const { layers, batch, activation, loss, learningRate } = network;
  const optimizer = tf.train.sgd(learningRate);
  const batches = readBatches(network, files).map(({ x, oneHot }) => ({
    x: tf.tensor2d(x, [batch, layers[0]]),
    y: tf.tensor2d(oneHot, [batch, layers[layers.length - 1]]),
  }));
  const start = () =>
    readWeights(network, files.weights).map(({ inputs, outputs, weight, bias }) => ({
      w: tf.variable(tf.tensor2d(transposed(weight, outputs, inputs), [inputs, outputs])),
      b: tf.variable(tf.tensor1d(bias)),
    }));
  /** @param {ReturnType<typeof start>} parameters @param {{ x: tf.Tensor2D, y: tf.Tensor2D }} batch */
  const lossOf = (parameters, { x, y }) => {
    /** @type {tf.Tensor2D} */
    let a = x;
    parameters.forEach(({ w, b }, i) => {
      a = tf.add(tf.matMul(a, /** @type {tf.Tensor2D} */ (/** @type {unknown} */ (w))), b);
      if (activation === "sigmoid") a = tf.sigmoid(a);
      else if (i < parameters.length - 1) a = tf.relu(a);
    });
    const value =
      loss === "quadratic"
        ? tf.mul(tf.sum(tf.square(tf.sub(a, y))), 0.5 / batch)
        : tf.losses.softmaxCrossEntropy(y, a);
    return value.asScalar();
  };
  /** @param {ReturnType<typeof start>} parameters @param {number} i @param {boolean} wanted */
  const update = (parameters, i, wanted) =>
    optimizer.minimize(
      () => lossOf(parameters, batches[i % batches.length]),
      wanted,
      /** @type {tf.Variable[]} */ (parameters.flatMap(({ w, b }) => [w, b])),
    );
  const parameters = start();
  let next = 0;
  return {
    verify() {
      const own = start();
      const losses = [];
      for (let i = 0; i < verifySteps; i++) losses.push(update(own, i, true)?.dataSync()[0] ?? Number.NaN);
      return Float32Array.from(losses);
    },
    run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) update(parameters, next++, false);
    },
  };
}

/** @param {readonly number[]} extents @param {Record<string, string>} files */
function product([m, k, n], files) {
  const a = tf.tensor2d(readFloats(files.a), [m, k]);
  const b = tf.tensor2d(readFloats(files.b), [k, n]);
  return {
    verify: () => Float32Array.from(tf.matMul(a, b).dataSync()),
    run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) tf.matMul(a, b).dispose();
    },
  };
}

/** @type {Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>>} */
const functions = {
  tanh: (x) => tf.tanh(x),
  exp: (x) => tf.exp(x),
  gelu: (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)),
  softmax: (x) => tf.softmax(x, -1),
  "layer-norm": (x) => {
    const centred = tf.sub(x, tf.mean(x, -1, true));
    return tf.mul(centred, tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5)));
  },
};

/** @param {string} name @param {readonly number[]} shape @param {Record<string, string>} files */
function outputAndGradient(name, shape, files) {
  const x = tf.tensor(readFloats(files.x), [...shape]);
  const cotangent = tf.tensor(readFloats(files.cotangent), [...shape]);
  const both = tf.valueAndGrad(functions[name]);
  return {
    verify() {
      const { value, grad } = both(x, cotangent);
      return joined(value.dataSync(), grad.dataSync());
    },
    run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) {
        const { value, grad } = both(x, cotangent);
        value.dispose();
        grad.dispose();
      }
    },
  };
}
