/** A small problem, a network for it, and what the tests of training read from runs. */
import { random, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import type * as train from "../../src/train/index.js";

export const labels = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });
export const corners = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
export const xor = { x: corners, y: labels(0, 1, 1, 0) };

export const network = (seed = 3): nn.Sequential => {
  const [first, second] = random.split(random.key(seed));
  return new nn.Sequential(
    new nn.Linear(2, 8, { key: first }),
    new nn.Activation("tanh"),
    new nn.Linear(8, 2, { key: second }),
  );
};
export const options = (): train.FitOptions<nn.Sequential> => ({
  data: xor,
  loss: "softmaxCrossEntropy",
  optimizer: optim.sgd({ learningRate: 0.5, momentum: 0.9 }),
  epochs: 3,
  batchSize: 3,
  seed: 1,
});
export const valuesOf = (model: unknown): number[] =>
  nn.parameters(model).flatMap(([, value]) => [...value.dataSync()]);
export const lossesOf = (run: train.Run<unknown>): number[] => run.history.map(({ loss }) => loss);

/** One sigmoid neuron 1 → 1 in float64. */
export const neuron = (w: number, b: number): nn.Sequential =>
  new nn.Sequential(
    nn.loadStateDict(new nn.Linear(1, 1, { dtype: "float64" }), { weight: tensor([[w]]), bias: tensor([b]) }),
    new nn.Activation("sigmoid"),
  );
