/** jax-js on its wasm device, one thread in Node. Weights are [in, out], as JAX programs have them. */
import * as jax from "@jax-js/jax";
import { required } from "../src/data.js";
import { verifySteps } from "../src/items.js";
import { joined, readBatches, readFloats, readWeights, transposed, versionOf } from "./files.js";

const { numpy, nn, tree } = jax;
await jax.init("wasm");
jax.defaultDevice("wasm");

const identity = { name: `jax-js ${versionOf("@jax-js/jax")} wasm` };

/** @param {Float32Array} values @param {number[]} shape */
const arrayOf = (values, shape) => numpy.array(new Float32Array(values), { shape });

/** @param {import("../src/items.js").Item} item @param {Record<string, string>} files */
export async function load(item, files) {
  switch (item.kind) {
    case "step":
      return { ...identity, ...step(required(item.network), files) };
    case "first-call":
      return { ...identity, ...firstCall(required(item.network), files) };
    case "gemm":
      return { ...identity, ...product(required(item.gemm), files) };
    case "function":
      return { ...identity, ...outputAndGradient(required(item.function), required(item.shape), files) };
    case "epoch":
      throw new Error("no epoch is written for it");
  }
}

/** @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
function training(network, files) {
  const { layers, batch, activation, loss, learningRate } = network;
  const classes = layers[layers.length - 1];
  const batches = readBatches(network, files).map(({ x, oneHot }) => ({
    x: arrayOf(x, [batch, layers[0]]),
    y: arrayOf(oneHot, [batch, classes]),
  }));
  const start = () =>
    readWeights(network, files.weights).map(({ inputs, outputs, weight, bias }) => ({
      w: arrayOf(transposed(weight, outputs, inputs), [inputs, outputs]),
      b: arrayOf(bias, [outputs]),
    }));
  const lossOf = (/** @type {any[]} */ parameters, /** @type {any} */ x, /** @type {any} */ y) => {
    let a = x;
    parameters.forEach(({ w, b }, i) => {
      a = numpy.matmul(a, w).add(b);
      if (activation === "sigmoid") a = nn.sigmoid(a);
      else if (i < parameters.length - 1) a = nn.relu(a);
    });
    if (loss === "quadratic")
      return numpy
        .square(a.sub(y))
        .sum()
        .mul(0.5 / batch);
    return nn
      .logSoftmax(a)
      .mul(y)
      .sum()
      .mul(-1 / batch);
  };
  const compile = () =>
    jax.jit((/** @type {any} */ parameters, /** @type {any} */ x, /** @type {any} */ y) => {
      const [value, gradient] = jax.valueAndGrad(lossOf)(tree.ref(parameters), x, y);
      const update = (/** @type {any} */ p, /** @type {any} */ g) => p.sub(g.mul(learningRate));
      return [value, tree.map(update, parameters, /** @type {any} */ (gradient))];
    });
  return { batches, start, compile };
}

/** @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
function step(network, files) {
  const { batches, start, compile } = training(network, files);
  const compiled = /** @type {any} */ (compile());
  /** @type {any} */
  let parameters = start();
  let next = 0;
  return {
    async verify() {
      /** @type {any} */
      let own = start();
      let loss;
      const losses = [];
      for (let i = 0; i < verifySteps; i++) {
        const { x, y } = batches[i % batches.length];
        [loss, own] = compiled(own, x.ref, y.ref);
        losses.push((await loss.data())[0]);
      }
      tree.dispose(own);
      return Float32Array.from(losses);
    },
    async run(/** @type {number} */ times) {
      let loss;
      for (let i = 0; i < times; i++) {
        const { x, y } = batches[next++ % batches.length];
        [loss, parameters] = compiled(parameters, x.ref, y.ref);
        loss.dispose();
      }
      await jax.blockUntilReady(parameters);
    },
  };
}

/** @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
function firstCall(network, files) {
  const { batches, start, compile } = training(network, files);
  const parameters = start();
  const { x, y } = batches[0];
  const first = async () => {
    const [loss, updated] = /** @type {any} */ (compile())(parameters, x.ref, y.ref);
    await jax.blockUntilReady(updated);
    return Float32Array.of((await loss.data())[0]);
  };
  return { verify: first, run: async () => void (await first()) };
}

/** @param {readonly number[]} extents @param {Record<string, string>} files */
function product([m, k, n], files) {
  const a = arrayOf(readFloats(files.a), [m, k]);
  const b = arrayOf(readFloats(files.b), [k, n]);
  const compiled = jax.jit((/** @type {any} */ x, /** @type {any} */ y) => numpy.matmul(x, y));
  return {
    verify: async () => /** @type {Float32Array} */ (await compiled(a.ref, b.ref).data()),
    async run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) {
        const c = compiled(a.ref, b.ref);
        await jax.blockUntilReady(c);
        c.dispose();
      }
    },
  };
}

/** @type {Readonly<Record<string, (x: any) => any>>} */
const functions = {
  tanh: (x) => numpy.tanh(x),
  exp: (x) => numpy.exp(x),
  gelu: (x) => nn.gelu(x, { approximate: false }),
  softmax: (x) => nn.softmax(x, -1),
  "layer-norm": (x) => nn.standardize(x, -1, { epsilon: 1e-5 }),
};

/** @param {string} name @param {readonly number[]} shape @param {Record<string, string>} files */
function outputAndGradient(name, shape, files) {
  const x = arrayOf(readFloats(files.x), [...shape]);
  const cotangent = arrayOf(readFloats(files.cotangent), [...shape]);
  const compiled = /** @type {any} */ (
    jax.jit((/** @type {any} */ primal, /** @type {any} */ yBar) => {
      const [y, pullback] = /** @type {any} */ (jax.vjp(functions[name], [primal]));
      const [xBar] = pullback(yBar);
      pullback.dispose();
      return [y, xBar];
    })
  );
  return {
    async verify() {
      const [y, xBar] = compiled(x.ref, cotangent.ref);
      return joined(await y.data(), await xBar.data());
    },
    async run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) {
        const results = compiled(x.ref, cotangent.ref);
        await jax.blockUntilReady(results);
        tree.dispose(results);
      }
    },
  };
}
