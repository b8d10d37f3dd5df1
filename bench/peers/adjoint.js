/** This library, through its public face: what a user would write. */

import { required } from "../src/data.js";
import { verifySteps } from "../src/items.js";
import { Absent, adjoint, identity, part } from "./adjoint-package.js";
import { joined, readBatches, readFloats, readWeights } from "./files.js";

/** @param {import("../src/items.js").Item} item @param {Record<string, string>} files */
export async function load(item, files) {
  switch (item.kind) {
    case "step":
      return { ...identity, ...(await step(required(item.network), files)) };
    case "first-call":
      return { ...identity, ...(await firstCall(required(item.network), files)) };
    case "gemm":
      return { ...identity, ...product(required(item.gemm), files) };
    case "function":
      return { ...identity, ...outputAndGradient(required(item.function), required(item.shape), files) };
    case "epoch":
      return { ...identity, ...(await epoch(item, files)) };
  }
}

/** @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
async function makeModel({ layers, activation }, files) {
  const nn = await part("nn");
  const built = [];
  const dictionary = [];
  for (const { inputs, outputs, weight, bias } of readWeights(layers, files.weights)) {
    const place = built.length;
    built.push(new nn.Linear(inputs, outputs, { init: nn.init.zeros }));
    dictionary.push([`${place}.weight`, adjoint.tensor(weight, { shape: [outputs, inputs] })]);
    dictionary.push([`${place}.bias`, adjoint.tensor(bias)]);
    if (activation === "sigmoid" || place < 2 * (layers.length - 2))
      built.push(new nn.Activation(activation));
  }
  return nn.loadStateDict(new nn.Sequential(...built), Object.fromEntries(dictionary));
}

/** What a training step is made of. @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
async function training(network, files) {
  const losses = await part("losses");
  const rules = await part("optim");
  if (typeof rules[network.optimizer] !== "function")
    throw new Absent(`this build has no optim.${network.optimizer}`);
  const optimizer = rules[network.optimizer]({ learningRate: network.learningRate });
  const lossOf = losses[network.loss];
  const batches = readBatches(network, files).map(({ x, labels, oneHot }) => ({
    x: adjoint.tensor(x, { shape: [network.batch, network.layers[0]] }),
    y:
      network.loss === "quadratic"
        ? adjoint.tensor(oneHot, { shape: [network.batch, oneHot.length / network.batch] })
        : adjoint.tensor(labels),
  }));
  const compile = () =>
    adjoint.jit(
      (/** @type {any} */ model, /** @type {any} */ state, /** @type {any} */ x, /** @type {any} */ y) => {
        const [loss, gradient] = adjoint.valueAndGrad((/** @type {any} */ m) => lossOf(m.forward(x), y))(
          model,
        );
        return [loss, ...optimizer.step(model, gradient, state)];
      },
      { donate: [0, 1] },
    );
  const start = async () => {
    const model = await makeModel(network, files);
    return { model, state: optimizer.init(model) };
  };
  return { batches, compile, start };
}

/** @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
async function step(network, files) {
  const { batches, compile, start } = await training(network, files);
  const compiled = compile();
  let { model, state } = await start();
  let next = 0;
  return {
    async verify() {
      let [model, state, loss] = [...Object.values(await start()), undefined];
      const losses = [];
      for (let i = 0; i < verifySteps; i++) {
        const { x, y } = batches[i % batches.length];
        [loss, model, state] = compiled(model, state, x, y);
        losses.push(await loss.item());
      }
      return Float32Array.from(losses);
    },
    run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) {
        const { x, y } = batches[next++ % batches.length];
        [, model, state] = compiled(model, state, x, y);
      }
    },
  };
}

/** @param {import("../src/items.js").Network} network @param {Record<string, string>} files */
async function firstCall(network, files) {
  const { batches, compile, start } = await training(network, files);
  const { model, state } = await start();
  const { x, y } = batches[0];
  const first = async () => Float32Array.of(await compile()(model, state, x, y)[0].item());
  return { verify: first, run: async () => void (await first()) };
}

/** @param {readonly number[]} extents @param {Record<string, string>} files */
function product([m, k, n], files) {
  const a = adjoint.tensor(readFloats(files.a), { shape: [m, k] });
  const b = adjoint.tensor(readFloats(files.b), { shape: [k, n] });
  const compiled = adjoint.jit((/** @type {any} */ x, /** @type {any} */ y) => x.matmul(y));
  return {
    verify: () => compiled(a, b).data(),
    run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) compiled(a, b);
    },
  };
}

/** @type {Readonly<Record<string, (x: any) => any>>} */
const functions = {
  tanh: (x) => x.tanh(),
  exp: (x) => x.exp(),
  gelu: (x) => x.gelu(),
  softmax: (x) => x.softmax(-1),
  "layer-norm": (x) => {
    const centred = x.sub(x.mean(-1, { keepDims: true }));
    return centred.mul(centred.square().mean(-1, { keepDims: true }).add(1e-5).rsqrt());
  },
};

/** @param {string} name @param {readonly number[]} shape @param {Record<string, string>} files */
function outputAndGradient(name, shape, files) {
  const x = adjoint.tensor(readFloats(files.x), { shape });
  const cotangent = adjoint.tensor(readFloats(files.cotangent), { shape });
  const compiled = adjoint.jit((/** @type {any} */ primal, /** @type {any} */ yBar) => {
    const [y, pullback] = adjoint.vjp(functions[name], primal);
    return [y, ...pullback(yBar)];
  });
  return {
    async verify() {
      const [y, xBar] = compiled(x, cotangent);
      return joined(await y.data(), await xBar.data());
    },
    run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) compiled(x, cotangent);
    },
  };
}

/** @param {import("../src/items.js").Item} item @param {Record<string, string>} files */
async function epoch(item, files) {
  const network = required(item.network);
  const [{ idx }, { evaluate, fit }, { sgd }] = await Promise.all([
    part("data"),
    part("train"),
    part("optim"),
  ]);
  const [all, test] = await Promise.all(["train", "test"].map((split) => idx(files.mnist, { split })));
  const [data] = all.split(required(item.images));
  const model = await makeModel(network, files);
  const { loss, batch, learningRate } = network;
  const train = () =>
    fit(model, { data, loss, optimizer: sgd({ learningRate }), epochs: 1, batchSize: batch, seed: 1 });
  return {
    async verify() {
      const { accuracy } = await evaluate((await train()).model, test, ["accuracy"]);
      return Float32Array.of(accuracy);
    },
    async run(/** @type {number} */ times) {
      for (let i = 0; i < times; i++) await train();
    },
  };
}
