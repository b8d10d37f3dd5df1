/** This library, through its public face: what a user would write. */

import { required } from "../src/data.js";
import { verifySteps } from "../src/items.js";
import { convolutionsOf } from "../src/networks.js";
import { spread } from "../src/statistics.js";
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
      return { ...identity, ...outputAndGradient(item, files) };
    case "epoch":
      return { ...identity, ...(await epoch(item, files)) };
  }
}

/** @param {import("../src/networks.js").Network} network @param {Record<string, string>} files */
async function makeModel(network, files) {
  const nn = await part("nn");
  const { activation } = network;
  const convolutions = convolutionsOf(network);
  if (convolutions.length > 0 && nn.Conv2d === undefined) throw new Absent("this build has no nn.Conv2d");
  const built = [];
  const dictionary = [];
  const weights = readWeights(network, files.weights);
  for (const [i, { inputs, outputs, shape, weight, bias }] of weights.entries()) {
    if (i > 0 && i === convolutions.length) built.push(new nn.Flatten());
    dictionary.push([`${built.length}.weight`, adjoint.tensor(weight, { shape })]);
    dictionary.push([`${built.length}.bias`, adjoint.tensor(bias)]);
    const convolution = convolutions[i];
    if (convolution !== undefined) {
      const { size, padding } = convolution;
      built.push(new nn.Conv2d(convolution.inputs, outputs, size, { padding }));
    } else built.push(new nn.Linear(inputs, outputs, { init: nn.init.zeros }));
    if (activation === "sigmoid" || i < weights.length - 1) built.push(new nn.Activation(activation));
    if (convolution?.pool) built.push(new nn.MaxPool2d(2));
  }
  return nn.loadStateDict(new nn.Sequential(...built), Object.fromEntries(dictionary));
}

/**
 * The model's output: with `kept` as one chain that keeps so many values; with `checkpointed` in blocks of so many layers, each with
 * its activation, that remember their input only.
 *
 * @param {any} model
 * @param {any} x
 * @param {import("../src/networks.js").Network} network
 */
function forward(model, x, { kept, checkpointed }) {
  if (kept !== undefined)
    return adjoint.checkpoint((/** @type {any} */ m, /** @type {any} */ input) => m.forward(input), {
      keep: kept,
    })(model, x);
  if (checkpointed === undefined) return model.forward(x);
  const through = (/** @type {any[]} */ layers, /** @type {any} */ input) =>
    layers.reduce((a, layer) => layer.forward(a), input);
  const parts = model.layers;
  let a = x;
  // the last layer has no activation, and its output is needed at once
  for (let i = 0; i < parts.length - 1; i += 2 * checkpointed)
    a = adjoint.checkpoint(through)(parts.slice(i, Math.min(i + 2 * checkpointed, parts.length - 1)), a);
  return parts[parts.length - 1].forward(a);
}

/** What a training step is made of. @param {import("../src/networks.js").Network} network @param {Record<string, string>} files */
async function training(network, files) {
  const losses = await part("losses");
  const rules = await part("optim");
  if (typeof rules[network.optimizer] !== "function")
    throw new Absent(`this build has no optim.${network.optimizer}`);
  const optimizerOf = (/** @type {number} */ learningRate) => rules[network.optimizer]({ learningRate });
  const optimizer = optimizerOf(network.learningRate);
  const lossOf = losses[network.loss];
  const batches = readBatches(network, files).map(({ x, labels, oneHot }) => ({
    x: adjoint.tensor(x, { shape: [network.batch, ...(network.image ?? network.layers.slice(0, 1))] }),
    y:
      network.loss === "quadratic"
        ? adjoint.tensor(oneHot, { shape: [network.batch, oneHot.length / network.batch] })
        : adjoint.tensor(labels),
  }));
  const donate = [0, 1];
  /** @param {any} rule @returns {(model: any, state: any, x: any, y: any) => any[]} */
  const updateBy = (rule) => (model, state, x, y) => {
    const [loss, gradient] = adjoint.valueAndGrad((/** @type {any} */ m) =>
      lossOf(forward(m, x, network), y),
    )(model);
    return [loss, ...rule.step(model, gradient, state)];
  };
  const update = updateBy(optimizer);
  const compile = () => adjoint.jit(update, { donate });
  /** One that was not compiled before: equal steps are compiled once. @param {number} i */
  const compileAnew = (i) =>
    adjoint.jit(updateBy(optimizerOf(network.learningRate * (1 + i / 1000))), { donate });
  const start = async () => {
    const model = await makeModel(network, files);
    return { model, state: optimizer.init(model) };
  };
  /** What the compiled step needs, in bytes. */
  const memory = async () => {
    const { model, state } = await start();
    const { memory } = adjoint.profile(update, [model, state, batches[0].x, batches[0].y], {
      runs: 1,
      donate,
    });
    if (memory === undefined) throw new Absent("this build's profile knows nothing of memory");
    return { parameterBytes: bytesOf(model), optimizerBytes: bytesOf(state), ...memory };
  };
  return { batches, compile, compileAnew, start, memory };
}

/** Bytes of the tensors of a tree of float32 and int32. @param {any} tree @returns {number} */
function bytesOf(tree) {
  if (typeof tree !== "object" || tree === null) return 0;
  if (adjoint.isTensor(tree)) return 4 * tree.size;
  return Object.values(tree).reduce((sum, part) => sum + bytesOf(part), 0);
}

/** @param {import("../src/networks.js").Network} network @param {Record<string, string>} files */
async function step(network, files) {
  const { batches, compile, compileAnew, start, memory } = await training(network, files);
  const compiled = compile();
  let { model, state } = await start();
  let next = 0;
  return {
    async facts() {
      const { x, y } = batches[0];
      const seconds = [];
      for (let i = 1; i <= 3; i++) {
        const { model, state } = await start();
        const started = performance.now();
        await compileAnew(i)(model, state, x, y)[0].item();
        seconds.push((performance.now() - started) / 1000);
      }
      return { firstCallSeconds: spread(seconds).median, memory: await memory() };
    },
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

/** @param {import("../src/networks.js").Network} network @param {Record<string, string>} files */
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

/** @param {import("../src/items.js").Item} item @param {Record<string, string>} files */
function outputAndGradient(item, files) {
  const name = required(item.function);
  const shape = required(item.shape);
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
      for (let i = 0; i < times; i++) {
        const results = compiled(x, cotangent);
        if (item.disposed) for (const result of results) result.dispose();
      }
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
