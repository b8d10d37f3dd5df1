/** What is measured. */
import {
  convolutional,
  deep,
  flopsOf,
  gemmsOf,
  networkName,
  networks,
  networkTitle,
  notes,
} from "./networks.js";
import { UsageError } from "./options.js";

/**
 * @typedef {import("./networks.js").Network} Network
 *
 * @typedef {object} Item
 * @property {string} name
 * @property {string} title
 * @property {"step" | "gemm" | "function" | "first-call" | "epoch"} kind
 * @property {readonly string[]} peers in the order of measurement
 * @property {string} [ours] what is measured instead of the library as its users write it
 * @property {number} [threads] of both sides, whatever --threads says
 * @property {boolean} [wasm] whether no BLAS may be used, whoever the peer is
 * @property {number} tolerance how far results may be apart, absolutely below 1 and relatively above
 * @property {Network} [network]
 * @property {Network} [theirNetwork] where the other side's differs
 * @property {readonly number[]} [gemm] m, k, n of [m, k] · [k, n]
 * @property {string} [function]
 * @property {readonly number[]} [shape]
 * @property {boolean} [disposed] whether results are disposed of, which saves copying them
 * @property {number} [images] of an epoch
 * @property {number} [flops] of the matrix products in one run: 2 m k n each
 * @property {Partial<Item>} [quick] what --quick changes
 * @property {boolean} [long] whether --quick leaves it out, unless it is named
 */

/** Steps from the same weights whose losses must agree before a training step is timed. */
export const verifySteps = 20;

/** Different batches a step is timed on, in turn. */
export const batchCount = 8;

/** @param {import("./networks.js").Network} network */
const isLarge = ({ layers }) => layers.includes(1024);

const stepPeers = ["torch", "jax", "tfjs", "cblas", "own-gemms"];

/** @type {Item} */
const product = {
  name: "gemm-512",
  title: "",
  kind: "gemm",
  peers: [],
  wasm: true,
  // sums of 512 products of numbers in ±1: a few hundred roundings of 2⁻²⁴, on values of some 10
  tolerance: 1e-4,
  gemm: [512, 512, 512],
  flops: flopsOf([[512, 512, 512]]),
};

/**
 * A deep network with checkpoints beside the same without.
 *
 * @param {string} name
 * @param {string} title
 * @param {Partial<Network>} how
 * @param {boolean} quick whether --quick measures it
 * @returns {Item}
 */
function checkpointItem(name, title, how, quick) {
  const network = deep(32, 1024);
  return {
    name,
    long: !quick,
    title: `${title}, ${networkTitle(network)}`,
    kind: "step",
    peers: ["plain"],
    tolerance: 1e-3,
    network: { ...network, ...how },
    theirNetwork: network,
    flops: flopsOf(gemmsOf(network)),
  };
}

/** @type {readonly Item[]} */
const items = [
  ...networks.map(
    /** @returns {Item} */ (network) => ({
      name: `mlp-${networkName(network)}`,
      title: `SGD step ${networkTitle(network)}`,
      kind: "step",
      peers: network === notes ? [...stepPeers, "book"] : stepPeers,
      long: isLarge(network),
      tolerance: 1e-3,
      network,
      flops: flopsOf(gemmsOf(network)),
    }),
  ),
  ...networks.slice(1).map(
    /** @returns {Item} */ (network) => ({
      name: `adam-${networkName(network)}`,
      long: isLarge(network),
      title: `Adam step ${networkTitle(network)}`,
      kind: "step",
      peers: ["torch"],
      tolerance: 1e-3,
      // at the usual 0.001 the losses of the widest disagree by 0.003 after 15 steps, as Adam makes much of small differences: ours is
      // then 0.0002 from the same steps in float64, PyTorch's 0.003
      network: { ...network, optimizer: "adam", learningRate: 1e-4 },
      flops: flopsOf(gemmsOf(network)),
    }),
  ),
  ...networks.map(
    /** @returns {Item} */ (network) => ({
      name: `threads-${networkName(network)}`,
      long: isLarge(network),
      title: `two threads, SGD step ${networkTitle(network)}`,
      kind: "step",
      peers: ["torch"],
      threads: 2,
      tolerance: 1e-3,
      network,
      flops: flopsOf(gemmsOf(network)),
    }),
  ),
  ...convolutional.map(
    /** @returns {Item} */ ([name, network]) => ({
      name: `cnn-${name}`,
      long: name !== "lenet",
      title: `SGD step ${networkTitle(network)}`,
      kind: "step",
      peers: ["torch"],
      tolerance: 1e-3,
      network,
      flops: flopsOf(gemmsOf(network)),
    }),
  ),
  {
    ...product,
    name: "gemm-512",
    title: "GEMM 512³ in WebAssembly",
    peers: ["cblas", "torch", "jax", "tfjs", "own-gemms"],
  },
  ...[1, 2].map(
    /** @returns {Item} */ (threads) => ({
      ...product,
      name: `gemm-512-bare-${threads}`,
      title: `bare GEMM 512³ in WebAssembly${threads === 1 ? "" : ", two threads"}`,
      ours: "own-gemms",
      peers: ["ceiling"],
      threads,
    }),
  ),
  ...["tanh", "exp", "gelu", "softmax", "layer-norm"].flatMap(
    /** @returns {Item[]} */ (name) => {
      const item = {
        kind: /** @type {const} */ ("function"),
        tolerance: 1e-4,
        function: name,
        shape: [1000, 1000],
      };
      const title = `${name} 1000×1000, output and gradient`;
      // Python frees results by counting references; here the garbage collector does, unless it is told
      return [
        { ...item, name: `function-${name}`, title, peers: ["torch", "jax", "tfjs"] },
        {
          ...item,
          name: `function-${name}-disposed`,
          title: `${name} 1000×1000 and gradient, disposed of`,
          peers: ["torch"],
          disposed: true,
        },
      ];
    },
  ),
  ...[
    ...[networks[0], networks[2]].map((network) => /** @type {const} */ ([networkName(network), network])),
    ...convolutional,
  ].map(
    /** @returns {Item} */ ([name, network]) => ({
      name: `first-call-${name}`,
      long: name === "cnn",
      title: `first call of a jit step ${networkTitle(network)}`,
      kind: "first-call",
      peers: network.image === undefined ? ["torch", "jax"] : ["torch"],
      tolerance: 1e-3,
      network,
    }),
  ),
  ...[1, 2, 4].map(
    /** @returns {Item} */ (times) => {
      const network = deep(4 * times, 64 * times);
      return {
        name: `growth-${times}`,
        long: times > 1,
        title: `growth ${times}×, SGD step ${networkTitle(network)}`,
        kind: "step",
        peers: ["torch"],
        tolerance: 1e-3,
        network,
        flops: flopsOf(gemmsOf(network)),
      };
    },
  ),
  ...[2, 3, 4, 5, 8].map((kept) =>
    checkpointItem(`checkpoint-chain-${kept}`, `checkpoint() keeping ${kept} values`, { kept }, kept === 3),
  ),
  ...[1, 2, 4, 8, 16, 32].map((checkpointed) =>
    checkpointItem(
      `checkpoint-${checkpointed}`,
      `checkpoint() ${checkpointed === 1 ? "every layer" : `every ${checkpointed} layers`}`,
      { checkpointed },
      false,
    ),
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
 * The items whose names begin with one of these; all without any, but for the long ones where it must be quick.
 *
 * @param {readonly string[]} names
 * @param {boolean} [quick]
 * @throws UsageError where a name fits nothing
 */
export function selectItems(names, quick = false) {
  for (const name of names)
    if (!items.some((item) => item.name.startsWith(name)))
      throw new UsageError(`no item begins with ${name}; --list shows them all`);
  return names.length === 0
    ? items.filter(({ long }) => !quick || long !== true)
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
