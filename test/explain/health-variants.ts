/** More of the same: other rules, rates, depths and ills, so that no limit holds for ten networks only. */
import * as data from "../../src/data/index.js";
import type { HealthOptions } from "../../src/explain/index.js";
import { random, type Tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { changed, digits, Last, type Named, network, type Recipe, type Shape } from "./health-recipes.js";

const { heNormal, lecunNormal, normal, orthogonal, scaled, standard, xavierNormal, xavierUniform, zeros } =
  nn.init;
const { adam, sgd } = optim;

type Options = Partial<HealthOptions>;

/** A network on the digits. */
async function onDigits(
  shape: Shape,
  optimizer: optim.Optimizer,
  seed: number,
  more: Options = {},
): Promise<Recipe> {
  const options: HealthOptions = { loss: "softmaxCrossEntropy", optimizer, ...more };
  return { model: network(shape, seed), data: await digits(), options };
}

/** A regression of the sum of three inputs. */
function onSums(
  shape: Partial<Shape>,
  seed: number,
  x: (normal: Tensor) => Tensor,
  y: (sum: Tensor) => Tensor,
): Recipe {
  const drawn = random.normal(random.key(seed + 300), { shape: [300, 3] });
  return {
    model: network({ sizes: [3, 20, 1], activation: "tanh", ...shape }, seed),
    data: { x: x(drawn), y: y(drawn.sum(1, { keepDims: true })) },
    options: { loss: "meanSquaredError", optimizer: adam({ learningRate: 1e-2 }) },
  };
}

const same = (x: Tensor): Tensor => x;
const deep = (hidden: number, depth: number): number[] => [
  784,
  ...Array.from({ length: depth }, () => hidden),
  10,
];
const relu: Shape = { sizes: [784, 100, 10], activation: "relu", init: heNormal };
const sigmoid: Shape = { sizes: [784, 30, 10], activation: "sigmoid", init: xavierUniform };

/** The recipe after training it. */
async function trained({ model, data: examples, options }: Recipe, seed: number): Promise<Recipe> {
  const { loss, optimizer = adam({ learningRate: 1e-3 }), batchSize = 32 } = options;
  const run = await train.fit(model, { data: examples, loss, optimizer, batchSize, epochs: 15, seed });
  return { model: run.model, data: examples, options };
}

function sequences(seed: number): { x: Tensor; y: Tensor } {
  const x = random.normal(random.key(seed + 400), { shape: [200, 10, 8] });
  return { x, y: x.sum([1, 2]).gt(0).cast("int32") };
}

const reluBy = (name: string, optimizer: optim.Optimizer): Named<null> => ({
  name: `ReLU by ${name}`,
  expected: null,
  make: (seed) => onDigits(relu, optimizer, seed),
});

export const otherHealthy: readonly Named<null>[] = [
  reluBy("plain descent at 0.01", sgd({ learningRate: 0.01 })),
  reluBy("plain descent at 0.1", sgd({ learningRate: 0.1 })),
  reluBy("momentum", sgd({ learningRate: 0.01, momentum: 0.9 })),
  reluBy("Adam at 0.0001", adam({ learningRate: 1e-4 })),
  reluBy("Adam at 0.01", adam({ learningRate: 1e-2 })),
  reluBy("Lion", optim.lion({ learningRate: 1e-4 })),
  reluBy("RMSProp", optim.rmsprop({ learningRate: 1e-3 })),
  reluBy("Adagrad", optim.adagrad({ learningRate: 1e-2 })),
  reluBy("clipped Adam", optim.chain(optim.clipByGlobalNorm(1), adam({ learningRate: 1e-3 }))),
  {
    name: "seven layers of ReLU",
    expected: null,
    make: (seed) => onDigits({ ...relu, sizes: deep(64, 7) }, adam({ learningRate: 1e-3 }), seed),
  },
  {
    name: "four layers of tanh",
    expected: null,
    make: (seed) =>
      onDigits(
        { sizes: deep(50, 4), activation: "tanh", init: xavierUniform },
        sgd({ learningRate: 0.1 }),
        seed,
      ),
  },
  {
    name: "two layers of sigmoid",
    expected: null,
    make: (seed) => onDigits({ ...sigmoid, sizes: deep(30, 2) }, sgd({ learningRate: 0.5 }), seed),
  },
  {
    name: "orthogonal weights",
    expected: null,
    make: (seed) =>
      onDigits(
        { sizes: deep(50, 2), activation: "tanh", init: orthogonal },
        sgd({ learningRate: 0.1 }),
        seed,
      ),
  },
  {
    name: "ELU with LeCun's weights",
    expected: null,
    make: (seed) =>
      onDigits(
        { sizes: deep(50, 2), activation: "elu", init: lecunNormal },
        adam({ learningRate: 1e-3 }),
        seed,
      ),
  },
  {
    name: "leaky ReLU",
    expected: null,
    make: (seed) => onDigits({ ...relu, activation: "leakyRelu" }, adam({ learningRate: 1e-3 }), seed),
  },
  {
    name: "a last layer that starts at zero on purpose",
    expected: null,
    make: async (seed) => {
      const recipe = await onDigits(relu, sgd({ learningRate: 0.1 }), seed);
      const model = changed(recipe.model, (name, value) => (name === "2.weight" ? value.mul(0) : value));
      return { ...recipe, model };
    },
  },
  {
    name: "the sigmoid cross-entropy",
    expected: null,
    make: (seed) => onDigits(sigmoid, sgd({ learningRate: 3 }), seed, { loss: "sigmoidCrossEntropy" }),
  },
  {
    name: "a GRU",
    expected: null,
    make: async (seed) => {
      const [a, b] = random.split(random.key(seed));
      const model = new Last(new nn.GRU(8, 16, { key: a }), new nn.Linear(16, 2, { key: b }));
      const optimizer = adam({ learningRate: 1e-2 });
      return {
        model,
        data: sequences(seed),
        options: { loss: "softmaxCrossEntropy", optimizer, examples: 64 },
      };
    },
  },
  {
    name: "a transformer block",
    expected: null,
    make: async (seed) => {
      const [a, b] = random.split(random.key(seed));
      const model = new Last(new nn.TransformerBlock(8, 2, { key: a }), new nn.Linear(8, 2, { key: b }));
      const optimizer = adam({ learningRate: 1e-3 });
      return {
        model,
        data: sequences(seed),
        options: { loss: "softmaxCrossEntropy", optimizer, examples: 64 },
      };
    },
  },
  {
    name: "flowers from a table",
    expected: null,
    make: async (seed) => ({
      model: network({ sizes: [4, 30, 3], activation: "tanh", init: xavierUniform }, seed),
      data: await data.csv("examples/iris.csv", { label: "species" }),
      options: {
        loss: "softmaxCrossEntropy",
        optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }),
        batchSize: 16,
      },
    }),
  },
  {
    name: "ReLU after training",
    expected: null,
    make: async (seed) => trained(await onDigits(relu, adam({ learningRate: 1e-3 }), seed), seed),
  },
  {
    name: "sigmoid outputs and the quadratic cost after training",
    expected: null,
    make: async (seed) => {
      const more: Options = { loss: "quadratic", batchSize: 10 };
      return trained(
        await onDigits({ ...sigmoid, output: "sigmoid" }, sgd({ learningRate: 3 }), seed, more),
        seed,
      );
    },
  },
];

export const otherSick: readonly Named<string>[] = [
  {
    name: "huge weights before ReLU",
    expected: "weights-too-large",
    make: (seed) => onDigits({ ...relu, init: scaled(heNormal, 20) }, adam({ learningRate: 1e-3 }), seed),
  },
  {
    name: "huge weights before sigmoid",
    expected: "weights-too-large",
    make: (seed) => onDigits({ ...sigmoid, init: scaled(normal, 5) }, sgd({ learningRate: 0.5 }), seed),
  },
  {
    name: "a hundred times Adam's rate",
    expected: "learning-rate-too-high",
    make: (seed) => onDigits(relu, adam({ learningRate: 0.1 }), seed),
  },
  {
    name: "a thousandth of Adam's rate",
    expected: "learning-rate-too-low",
    make: (seed) => onDigits(relu, adam({ learningRate: 1e-6 }), seed),
  },
  {
    name: "a hundred times the rate with momentum",
    expected: "learning-rate-too-high",
    make: (seed) => onDigits(relu, sgd({ learningRate: 5, momentum: 0.9 }), seed),
  },
  {
    name: "a thousandth of the rate with momentum",
    expected: "learning-rate-too-low",
    make: (seed) => onDigits(relu, sgd({ learningRate: 5e-5, momentum: 0.9 }), seed),
  },
  {
    name: "weights a tenth of Glorot's in six layers",
    expected: "vanishing-gradient",
    make: (seed) =>
      onDigits(
        { sizes: deep(50, 5), activation: "tanh", init: scaled(xavierNormal, 0.1) },
        sgd({ learningRate: 0.1 }),
        seed,
      ),
  },
  {
    name: "six layers of sigmoid with PyTorch's weights",
    expected: "vanishing-gradient",
    make: (seed) =>
      onDigits(
        { sizes: deep(30, 6), activation: "sigmoid", init: standard },
        adam({ learningRate: 1e-3 }),
        seed,
      ),
  },
  {
    name: "weights of zero before ReLU",
    expected: "symmetric-units",
    make: (seed) => onDigits({ ...relu, init: zeros }, adam({ learningRate: 1e-3 }), seed),
  },
  {
    name: "a dead layer in the middle",
    expected: "dead-units",
    make: async (seed) => {
      const recipe = await onDigits({ ...relu, sizes: deep(50, 2) }, adam({ learningRate: 1e-3 }), seed);
      const model = changed(recipe.model, (name, value) => (name === "2.bias" ? value.sub(20) : value));
      return { ...recipe, model };
    },
  },
  {
    name: "saturated tanh outputs",
    expected: "saturated-output",
    make: async (seed) => {
      const shape: Shape = { sizes: [784, 30, 10], activation: "tanh", init: xavierUniform, output: "tanh" };
      const recipe = await onDigits(shape, sgd({ learningRate: 0.1 }), seed, { loss: "meanSquaredError" });
      const model = changed(recipe.model, (name, value) => (name === "2.bias" ? value.sub(4) : value));
      return { ...recipe, model };
    },
  },
  {
    name: "fourteen linear layers that each grow what they are given",
    expected: "exploding-gradient",
    make: (seed) =>
      onDigits(
        { sizes: deep(32, 14), activation: "identity", init: scaled(lecunNormal, 1.8) },
        sgd({ learningRate: 0.01 }),
        seed,
      ),
  },
  {
    name: "pixels from 0 to 255 before ReLU",
    expected: "unnormalised-inputs",
    make: async (seed) => {
      const recipe = await onDigits(relu, adam({ learningRate: 1e-3 }), seed);
      return { ...recipe, data: (await digits()).map(({ x, y }) => ({ x: x.mul(255), y })) };
    },
  },
  {
    name: "inputs in thousands",
    expected: "unnormalised-inputs",
    make: async (seed) => onSums({}, seed, (x) => x.mul(1000), same),
  },
  {
    name: "a sigmoid before the sigmoid cross-entropy",
    expected: "wrong-loss",
    make: (seed) =>
      onDigits({ ...sigmoid, output: "sigmoid" }, adam({ learningRate: 1e-3 }), seed, {
        loss: "sigmoidCrossEntropy",
      }),
  },
  {
    name: "the likelihood of what are no logarithms of probabilities",
    expected: "wrong-loss",
    make: (seed) => onDigits(relu, adam({ learningRate: 1e-3 }), seed, { loss: "negativeLogLikelihood" }),
  },
  {
    name: "a sigmoid for targets beyond 1",
    expected: "unreachable-targets",
    make: async (seed) => onSums({ output: "sigmoid" }, seed, same, (sum) => sum.mul(3)),
  },
  {
    name: "targets far from zero",
    expected: "loss-at-start",
    make: async (seed) => onSums({}, seed, same, (sum) => sum.add(50)),
  },
];
