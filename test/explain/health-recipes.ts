/**
 * Networks as people train them, healthy ones and ones with a known ill, each a function of a seed. Small: the digits are a
 * few hundred, or synthetic.
 */
import * as data from "../../src/data/index.js";
import type { HealthOptions } from "../../src/explain/index.js";
import { concat, random, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import type { Data } from "../../src/train/index.js";

/** What health is asked about. */
export interface Recipe {
  readonly model: nn.Module;
  readonly data: Data;
  readonly options: HealthOptions;
}

/** A recipe with its name; sick ones with the first finding it must have. */
export interface Named<Expected> {
  readonly name: string;
  readonly expected: Expected;
  readonly make: (seed: number) => Promise<Recipe>;
}

let digitsRead: Promise<data.Dataset> | undefined;

/** 1,000 digits, pixels in [0, 1]. */
export async function digits(): Promise<data.Dataset> {
  digitsRead ??= data.mnist({ split: "test" }).then((all) => all.split(1000)[0]);
  return digitsRead;
}

/** The same as [1, 14, 14] images, every other pixel. */
async function images(): Promise<{ x: Tensor; y: Tensor }> {
  const { inputs, targets } = await digits();
  const x = tensor(inputs, { shape: [1000, 1, 28, 28] }).slice(null, null, [0, 28, 2], [0, 28, 2]);
  return { x, y: tensor(targets, { dtype: "int32" }) };
}

/** y = sin 3x and x², from two inputs of deviation 1. */
function curve(seed: number): { x: Tensor; y: Tensor } {
  const x = random.normal(random.key(seed + 100), { shape: [400, 2] });
  const first = x.slice(null, [0, 1]);
  const second = x.slice(null, [1, 2]);
  return { x, y: concat([first.mul(3).sin(), second.square().sub(1)], 1) };
}

/** Sequences of numbers [batch, 12, 1]; the class is whether their sum is positive. */
function sequences(seed: number): { x: Tensor; y: Tensor } {
  const x = random.normal(random.key(seed + 200), { shape: [300, 12, 1] });
  return { x, y: x.sum([1, 2]).gt(0).cast("int32") };
}

/** A fully connected network. */
export interface Shape {
  readonly sizes: readonly number[];
  readonly activation: nn.ActivationName;
  readonly init?: nn.Init;
  readonly output?: nn.ActivationName;
}

/** Linear layers with an activation between them. */
export function network(
  { sizes, activation, init = nn.init.standard, output }: Shape,
  seed: number,
): nn.Sequential {
  const keys = random.split(random.key(seed), sizes.length - 1);
  const layers = keys.flatMap((key, i): nn.Module[] => {
    const linear = new nn.Linear(sizes[i], sizes[i + 1], { key, init });
    const after = i < keys.length - 1 ? activation : output;
    return after === undefined ? [linear] : [linear, new nn.Activation(after)];
  });
  return new nn.Sequential(layers);
}

/** A model with some of its tensors changed, by their names in a state dict. */
export function changed<M>(model: M, change: (name: string, value: Tensor) => Tensor): M {
  const dict = Object.entries(nn.stateDict(model)).map(([name, value]) => [name, change(name, value)]);
  return nn.loadStateDict(model, Object.fromEntries(dict));
}

const sgd = (learningRate: number, momentum = 0) => optim.sgd({ learningRate, momentum });
const { xavierUniform, heNormal, zeros, normal, scaled } = nn.init;
const crossEntropy = "softmaxCrossEntropy";

/** h ← W h + U x over the steps of a sequence: the recurrent network whose gradients Pascanu et al. study. */
class Chain implements nn.Module {
  readonly recurrent: nn.Linear;
  readonly inputs: nn.Linear;
  readonly output: nn.Linear;

  constructor(size: number, gain: number, seed: number) {
    const [a, b, c] = random.split(random.key(seed), 3);
    this.recurrent = new nn.Linear(size, size, {
      key: a,
      init: scaled(nn.init.orthogonal, gain),
      bias: false,
    });
    this.inputs = new nn.Linear(1, size, { key: b });
    this.output = new nn.Linear(size, 2, { key: c });
  }

  forward(x: Tensor): Tensor {
    let h = this.inputs.forward(x.slice(null, 0));
    for (let step = 1; step < x.shape[1]; step++)
      h = this.recurrent.forward(h).add(this.inputs.forward(x.slice(null, step)));
    return this.output.forward(h);
  }
}

/** A layer of sequences and a classifier of its last output. */
export class Last implements nn.Module {
  readonly layer: nn.Module;
  readonly output: nn.Linear;

  constructor(layer: nn.Module, output: nn.Linear) {
    this.layer = layer;
    this.output = output;
  }

  forward(x: Tensor, options?: nn.ForwardOptions): Tensor {
    return this.output.forward(this.layer.forward(x, options).slice(null, -1));
  }
}

export const healthy: readonly Named<null>[] = [
  {
    name: "sigmoid with Glorot's weights, cross-entropy, plain descent",
    expected: null,
    make: async (seed) => ({
      model: network({ sizes: [784, 30, 10], activation: "sigmoid", init: xavierUniform }, seed),
      data: await digits(),
      options: { loss: crossEntropy, optimizer: sgd(0.5), batchSize: 10 },
    }),
  },
  {
    name: "ReLU with He's weights and Adam",
    expected: null,
    make: async (seed) => ({
      model: network({ sizes: [784, 100, 10], activation: "relu", init: heNormal }, seed),
      data: await digits(),
      options: { loss: crossEntropy, optimizer: optim.adam({ learningRate: 1e-3 }) },
    }),
  },
  {
    name: "four layers of ReLU, momentum",
    expected: null,
    make: async (seed) => ({
      model: network({ sizes: [784, 64, 64, 64, 10], activation: "relu", init: heNormal }, seed),
      data: await digits(),
      options: { loss: crossEntropy, optimizer: sgd(0.05, 0.9) },
    }),
  },
  {
    name: "tanh with Glorot's weights",
    expected: null,
    make: async (seed) => ({
      model: network({ sizes: [784, 50, 50, 10], activation: "tanh", init: xavierUniform }, seed),
      data: await digits(),
      options: { loss: crossEntropy, optimizer: sgd(0.1) },
    }),
  },
  {
    name: "GELU with PyTorch's weights and AdamW under a warm-up",
    expected: null,
    make: async (seed) => ({
      model: network({ sizes: [784, 64, 10], activation: "gelu" }, seed),
      data: await digits(),
      options: {
        loss: crossEntropy,
        optimizer: optim.adamW({ learningRate: optim.linearWarmup({ learningRate: 2e-3, steps: 200 }) }),
      },
    }),
  },
  {
    name: "sigmoid outputs with the quadratic cost and Glorot's weights",
    expected: null,
    make: async (seed) => ({
      model: network(
        { sizes: [784, 30, 10], activation: "sigmoid", init: xavierUniform, output: "sigmoid" },
        seed,
      ),
      data: await digits(),
      options: { loss: "quadratic", optimizer: sgd(3), batchSize: 10 },
    }),
  },
  {
    name: "a convolutional network",
    expected: null,
    make: async (seed) => {
      const [a, b, c] = random.split(random.key(seed), 3);
      const model = new nn.Sequential(
        new nn.Conv2d(1, 6, 3, { key: a, padding: "same" }),
        new nn.Activation("relu"),
        new nn.MaxPool2d(2),
        new nn.Conv2d(6, 8, 3, { key: b }),
        new nn.Activation("relu"),
        new nn.Flatten(),
        new nn.Linear(200, 10, { key: c }),
      );
      const options: HealthOptions = {
        loss: crossEntropy,
        optimizer: optim.adam({ learningRate: 2e-3 }),
        examples: 128,
      };
      return { model, data: await images(), options };
    },
  },
  {
    name: "regression with tanh and Adam",
    expected: null,
    make: async (seed) => ({
      model: network({ sizes: [2, 32, 32, 2], activation: "tanh" }, seed),
      data: curve(seed),
      options: { loss: "meanSquaredError", optimizer: optim.adam({ learningRate: 5e-3 }) },
    }),
  },
  {
    name: "an LSTM",
    expected: null,
    make: async (seed) => {
      const [a, b] = random.split(random.key(seed), 2);
      const model = new Last(new nn.LSTM(1, 16, { key: a }), new nn.Linear(16, 2, { key: b }));
      const options: HealthOptions = {
        loss: crossEntropy,
        optimizer: optim.adam({ learningRate: 1e-2 }),
        examples: 64,
      };
      return { model, data: sequences(seed), options };
    },
  },
  {
    name: "batch normalisation, a residual block and dropout",
    expected: null,
    make: async (seed) => {
      const [a, b, c] = random.split(random.key(seed), 3);
      const block = new nn.Sequential(
        new nn.Linear(32, 32, { key: b }),
        new nn.LayerNorm([32]),
        new nn.Activation("relu"),
      );
      const model = new nn.Sequential(
        new nn.Linear(784, 32, { key: a }),
        new nn.BatchNorm(32),
        new nn.Activation("silu"),
        new nn.Residual(block),
        new nn.Dropout(0.2),
        new nn.Linear(32, 10, { key: c }),
      );
      return {
        model,
        data: await digits(),
        options: { loss: crossEntropy, optimizer: optim.adam({ learningRate: 1e-3 }) },
      };
    },
  },
];

/** Glorot's sigmoid network with descent: healthy but for what is changed. */
async function plain(seed: number, change: Partial<Shape> & { readonly rate?: number }): Promise<Recipe> {
  const { rate = 0.5, ...shape } = change;
  return {
    model: network({ sizes: [784, 30, 10], activation: "sigmoid", init: xavierUniform, ...shape }, seed),
    data: await digits(),
    options: { loss: crossEntropy, optimizer: sgd(rate), batchSize: 10 },
  };
}

export const sick: readonly Named<string>[] = [
  {
    name: "eight layers of sigmoid",
    expected: "vanishing-gradient",
    make: (seed) => plain(seed, { sizes: [784, 30, 30, 30, 30, 30, 30, 30, 30, 10] }),
  },
  { name: "weights of zero", expected: "symmetric-units", make: (seed) => plain(seed, { init: zeros }) },
  {
    name: "huge weights",
    expected: "weights-too-large",
    make: (seed) => plain(seed, { init: scaled(normal, 3), activation: "tanh" }),
  },
  {
    name: "a hundred times the learning rate",
    expected: "learning-rate-too-high",
    make: (seed) => plain(seed, { rate: 50 }),
  },
  {
    name: "a thousandth of the learning rate",
    expected: "learning-rate-too-low",
    make: (seed) => plain(seed, { rate: 5e-4 }),
  },
  {
    name: "ReLU units with a bias far below zero",
    expected: "dead-units",
    make: async (seed) => {
      const recipe = await plain(seed, { activation: "relu", init: heNormal, rate: 0.1 });
      const model = changed(recipe.model, (name, value) => (name === "0.bias" ? value.sub(10) : value));
      return { ...recipe, model };
    },
  },
  {
    name: "saturated outputs under the quadratic cost",
    expected: "saturated-output",
    make: async (seed) => {
      const recipe = await plain(seed, { output: "sigmoid", rate: 3 });
      const model = changed(recipe.model, (name, value) => (name === "2.bias" ? value.add(6) : value));
      return { ...recipe, model, options: { ...recipe.options, loss: "quadratic" } };
    },
  },
  {
    name: "a recurrent chain whose weights grow what they are given",
    expected: "exploding-gradient",
    make: async (seed) => {
      const x = random.normal(random.key(seed + 200), { shape: [200, 25, 1] });
      return {
        model: new Chain(16, 1.5, seed),
        data: { x, y: x.sum([1, 2]).gt(0).cast("int32") },
        options: { loss: crossEntropy, optimizer: sgd(0.05), examples: 64, batchSize: 16 },
      };
    },
  },
  {
    name: "pixels from 0 to 255",
    expected: "unnormalised-inputs",
    make: async (seed) => {
      const recipe = await plain(seed, {});
      const scale = (await digits()).map(({ x, y }) => ({ x: x.mul(255), y }));
      return { ...recipe, data: scale };
    },
  },
  {
    name: "a softmax before the softmax cross-entropy",
    expected: "wrong-loss",
    make: (seed) => plain(seed, { output: "softmax" }),
  },
];

/** The network of the notes: it learns to 95 %, but its first layer starts saturated, as the third chapter of its book says. */
export async function notesNetwork(seed: number): Promise<Recipe> {
  return {
    model: network(
      { sizes: [784, 30, 10], activation: "sigmoid", init: nn.init.nielsen, output: "sigmoid" },
      seed,
    ),
    data: await digits(),
    options: { loss: "quadratic", optimizer: sgd(3), batchSize: 10 },
  };
}
