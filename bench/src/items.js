/** What is measured. */
import { UsageError } from "./options.js";

/**
 * @typedef {object} Network
 * @property {readonly number[]} layers
 * @property {number} batch
 * @property {"sigmoid" | "relu"} activation after every layer (sigmoid), or every layer but the last (relu)
 * @property {"quadratic" | "softmaxCrossEntropy"} loss mean over the batch
 * @property {"sgd" | "adam"} optimizer with the defaults of torch.optim
 * @property {number} learningRate
 */

/**
 * @typedef {object} Item
 * @property {string} name
 * @property {string} title
 * @property {"step" | "gemm" | "function" | "first-call" | "epoch"} kind
 * @property {readonly string[]} peers in the order of measurement
 * @property {number} tolerance how far results may be apart, absolutely below 1 and relatively above
 * @property {Network} [network]
 * @property {readonly number[]} [gemm] m, k, n of [m, k] · [k, n]
 * @property {string} [function]
 * @property {readonly number[]} [shape]
 * @property {number} [images] of an epoch
 * @property {number} [flops] of the matrix products in one run: 2 m k n each
 * @property {Partial<Item>} [quick] what --quick changes
 */

/** Steps from the same weights whose losses must agree before a training step is timed. */
export const verifySteps = 20;

/** Different batches a step is timed on, in turn. */
export const batchCount = 8;

/**
 * The matrix products of one step as [m, k, n]: forward, both gradients, but none for the images.
 *
 * @param {Network} network
 */
export function gemmsOf({ layers, batch }) {
  /** @type {[number, number, number][]} */
  const products = [];
  for (let i = 1; i < layers.length; i++) {
    const [inputs, outputs] = [layers[i - 1], layers[i]];
    products.push([batch, inputs, outputs], [outputs, batch, inputs]);
    if (i > 1) products.push([batch, outputs, inputs]);
  }
  return products;
}

/** @param {readonly (readonly number[])[]} products */
const flopsOf = (products) => products.reduce((sum, [m, k, n]) => sum + 2 * m * k * n, 0);

/** @type {Network} */
const notes = {
  layers: [784, 30, 10],
  batch: 10,
  activation: "sigmoid",
  loss: "quadratic",
  optimizer: "sgd",
  learningRate: 0.5,
};

/** @param {readonly number[]} layers @param {number} batch @returns {Network} */
const rectified = (layers, batch) => ({
  layers,
  batch,
  activation: "relu",
  loss: "softmaxCrossEntropy",
  optimizer: "sgd",
  learningRate: 0.05,
});

const networks = [
  notes,
  rectified([784, 128, 10], 64),
  rectified([784, 256, 128, 10], 128),
  rectified([784, 1024, 1024, 10], 256),
];

/** @param {Network} network */
const networkName = ({ layers, batch }) => `${layers.join("-")}-b${batch}`;
/** @param {Network} network */
const networkTitle = ({ layers, batch }) => `[${layers.join(",")}] b${batch}`;

const stepPeers = ["torch", "jax", "tfjs", "cblas", "own-gemms"];

/** @type {readonly Item[]} */
const items = [
  ...networks.map(
    /** @returns {Item} */ (network) => ({
      name: `mlp-${networkName(network)}`,
      title: `SGD step ${networkTitle(network)}`,
      kind: "step",
      peers: network === notes ? [...stepPeers, "book"] : stepPeers,
      tolerance: 1e-3,
      network,
      flops: flopsOf(gemmsOf(network)),
    }),
  ),
  ...networks.slice(1).map(
    /** @returns {Item} */ (network) => ({
      name: `adam-${networkName(network)}`,
      title: `Adam step ${networkTitle(network)}`,
      kind: "step",
      peers: ["torch"],
      tolerance: 1e-3,
      network: { ...network, optimizer: "adam", learningRate: 0.001 },
      flops: flopsOf(gemmsOf(network)),
    }),
  ),
  {
    name: "gemm-512",
    title: "GEMM 512³ in WebAssembly",
    kind: "gemm",
    peers: ["cblas", "torch", "jax", "tfjs", "own-gemms"],
    // sums of 512 products of numbers in ±1: a few hundred roundings of 2⁻²⁴, on values of some 10
    tolerance: 1e-4,
    gemm: [512, 512, 512],
    flops: flopsOf([[512, 512, 512]]),
  },
  ...["tanh", "exp", "gelu", "softmax", "layer-norm"].map(
    /** @returns {Item} */ (name) => ({
      name: `function-${name}`,
      title: `${name} 1000×1000, output and gradient`,
      kind: "function",
      peers: ["torch", "jax", "tfjs"],
      tolerance: 1e-4,
      function: name,
      shape: [1000, 1000],
    }),
  ),
  ...[networks[0], networks[2]].map(
    /** @returns {Item} */ (network) => ({
      name: `first-call-${networkName(network)}`,
      title: `first call of a jit step ${networkTitle(network)}`,
      kind: "first-call",
      peers: ["jax"],
      tolerance: 1e-3,
      network,
    }),
  ),
  {
    name: "epoch",
    title: "epoch of the notes' network, 50,000 images",
    kind: "epoch",
    peers: ["book"],
    // the accuracies after an epoch: the orders of the images differ, and so do the results
    tolerance: 0.04,
    network: { ...notes, learningRate: 3 },
    images: 50_000,
    quick: { images: 5_000, title: "epoch of the notes' network, 5,000 images", tolerance: 0.1 },
  },
];

/**
 * The items whose names begin with one of these, all without any.
 *
 * @param {readonly string[]} names
 * @throws UsageError where a name fits nothing
 */
export function selectItems(names) {
  for (const name of names)
    if (!items.some((item) => item.name.startsWith(name)))
      throw new UsageError(`no item begins with ${name}; --list shows them all`);
  return names.length === 0
    ? items
    : items.filter((item) => names.some((name) => item.name.startsWith(name)));
}

export function itemList() {
  const width = Math.max(...items.map(({ name }) => name.length)) + 2;
  return items
    .map(
      ({ name, title, peers }) => `${name.padEnd(width)}${title}\n${" ".repeat(width)}${peers.join(" ")}\n`,
    )
    .join("");
}
