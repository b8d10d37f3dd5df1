/** The networks whose training is measured, what their weights look like, and what they multiply. */

/**
 * @typedef {object} Convolution followed by relu
 * @property {number} channels
 * @property {number} size
 * @property {number} padding
 * @property {boolean} pool whether a maximum over 2 × 2 follows
 *
 * @typedef {object} Network
 * @property {string} [title] where its layers do not say enough
 * @property {readonly [number, number, number]} [image] channels, height, width of an input that is convolved
 * @property {readonly Convolution[]} [convolutions] before the dense layers
 * @property {readonly number[]} layers widths of the dense part, its inputs first
 * @property {number} batch
 * @property {"sigmoid" | "relu"} activation after every layer (sigmoid), or every layer but the last (relu)
 * @property {"quadratic" | "softmaxCrossEntropy"} loss mean over the batch
 * @property {"sgd" | "adam"} optimizer with the defaults of torch.optim
 * @property {number} learningRate
 * @property {number} [checkpointed] layers in a block whose values are forgotten and computed again; all kept without
 * @property {number} [kept] values between layers that are kept at once, of a chain that is one checkpoint
 */

/** The network of the notes. @type {Network} */
export const notes = {
  layers: [784, 30, 10],
  batch: 10,
  activation: "sigmoid",
  loss: "quadratic",
  optimizer: "sgd",
  learningRate: 0.5,
};

/** @param {readonly number[]} layers @param {number} batch @returns {Network} */
export const rectified = (layers, batch) => ({
  layers,
  batch,
  activation: "relu",
  loss: "softmaxCrossEntropy",
  optimizer: "sgd",
  learningRate: 0.05,
});

export const networks = [
  notes,
  rectified([784, 128, 10], 64),
  rectified([784, 256, 128, 10], 128),
  rectified([784, 1024, 1024, 10], 256),
];

/** LeCun et al. 1998, with relu and maxima for their sigmoids and averages. @type {Network} */
const leNet = {
  ...rectified([400, 120, 84, 10], 64),
  title: "LeNet 28×28",
  image: [1, 28, 28],
  convolutions: [
    { channels: 6, size: 5, padding: 2, pool: true },
    { channels: 16, size: 5, padding: 0, pool: true },
  ],
};

/** The network of PyTorch's and Keras's MNIST examples, without dropout. @type {Network} */
const cnn = {
  ...rectified([9216, 128, 10], 64),
  title: "CNN 32-64-128",
  image: [1, 28, 28],
  convolutions: [
    { channels: 32, size: 3, padding: 0, pool: false },
    { channels: 64, size: 3, padding: 0, pool: true },
  ],
};

export const convolutional = /** @type {const} */ ([
  ["lenet", leNet],
  ["cnn", cnn],
]);

/** `depth` layers of equal width before the last, for what grows with depth. @param {number} depth @param {number} batch */
export const deep = (depth, batch) => ({
  ...rectified([...new Array(depth).fill(128), 10], batch),
  title: `${depth} × 128`,
  learningRate: 0.01,
});

/** @param {Network} network */
export const networkName = ({ layers, batch }) => `${layers.join("-")}-b${batch}`;
/** @param {Network} network */
export const networkTitle = ({ title, layers, batch }) => `${title ?? `[${layers.join(",")}]`} b${batch}`;

/** Numbers of one input. @param {Network} network */
export const inputSize = ({ image, layers }) =>
  image === undefined ? layers[0] : image.reduce((product, extent) => product * extent, 1);

/**
 * What each convolution sees and gives: channels and extents.
 *
 * @param {Network} network
 */
export function convolutionsOf({ image, convolutions = [] }) {
  let [channels, height, width] = image ?? [0, 0, 0];
  return convolutions.map(({ channels: outputs, size, padding, pool }) => {
    const [inputs, rows, columns] = [
      channels,
      height + 2 * padding - size + 1,
      width + 2 * padding - size + 1,
    ];
    [channels, height, width] = [outputs, pool ? rows >> 1 : rows, pool ? columns >> 1 : columns];
    return { inputs, outputs, size, padding, pool, rows, columns };
  });
}

/**
 * The parameters of every layer in order, as PyTorch stores them: weight [out, in] or [out, in, size, size], bias [out].
 *
 * @param {Network} network
 */
export function parametersOf(network) {
  const { layers } = network;
  return [
    ...convolutionsOf(network).map(({ inputs, outputs, size }) => ({
      outputs,
      fanIn: inputs * size * size,
      shape: [outputs, inputs, size, size],
    })),
    ...layers.slice(1).map((outputs, i) => ({ outputs, fanIn: layers[i], shape: [outputs, layers[i]] })),
  ];
}

/**
 * The matrix products of one step as [m, k, n]: forward, both gradients, but none for the images. A convolution is the
 * product of its windows and its weights.
 *
 * @param {Network} network
 */
export function gemmsOf(network) {
  const { layers, batch } = network;
  /** @type {[number, number, number][]} */
  const products = [];
  /** @param {number} rows @param {number} inputs @param {number} outputs */
  const layer = (rows, inputs, outputs) => {
    const first = products.length === 0;
    products.push([rows, inputs, outputs], [outputs, rows, inputs]);
    if (!first) products.push([rows, outputs, inputs]);
  };
  for (const { inputs, outputs, size, rows, columns } of convolutionsOf(network))
    layer(batch * rows * columns, inputs * size * size, outputs);
  for (let i = 1; i < layers.length; i++) layer(batch, layers[i - 1], layers[i]);
  return products;
}

/** @param {readonly (readonly number[])[]} products */
export const flopsOf = (products) => products.reduce((sum, [m, k, n]) => sum + 2 * m * k * n, 0);
