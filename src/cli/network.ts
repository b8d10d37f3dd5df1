/** The networks the command line builds: fully connected layers with one activation between them. */
import { type DType, random, type Tensor } from "../index.js";
import {
  absoluteError,
  huber,
  meanSquaredError,
  quadratic,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
} from "../losses/index.js";
import * as nn from "../nn/index.js";
import type { LossName } from "../train/index.js";

/** The names of options, and what they mean to the library. */
export const losses = {
  quadratic: "quadratic",
  "mean-squared-error": "meanSquaredError",
  "absolute-error": "absoluteError",
  huber: "huber",
  "softmax-cross-entropy": "softmaxCrossEntropy",
  "sigmoid-cross-entropy": "sigmoidCrossEntropy",
} as const satisfies Record<string, LossName>;
export type Loss = keyof typeof losses;
export const lossNames = Object.keys(losses) as Loss[];

/** The losses themselves. */
export const lossFunctions = {
  absoluteError,
  huber,
  meanSquaredError,
  quadratic,
  sigmoidCrossEntropy,
  softmaxCrossEntropy,
} as const;

export const activationNames = [
  "sigmoid",
  "tanh",
  "relu",
  "gelu",
  "silu",
  "softplus",
  "elu",
  "identity",
] as const;
export type Activation = (typeof activationNames)[number];

export const outputNames = ["sigmoid", "tanh", "softmax", "identity"] as const;
export type OutputActivation = (typeof outputNames)[number];

export const inits = {
  nielsen: nn.init.nielsen,
  standard: nn.init.standard,
  "xavier-uniform": nn.init.xavierUniform,
  "xavier-normal": nn.init.xavierNormal,
  "he-uniform": nn.init.heUniform,
  "he-normal": nn.init.heNormal,
  "lecun-normal": nn.init.lecunNormal,
  orthogonal: nn.init.orthogonal,
  zeros: nn.init.zeros,
} as const satisfies Record<string, nn.Init>;
export type InitName = keyof typeof inits;
export const initNames = Object.keys(inits) as InitName[];

/** What a network is, apart from its weights. */
export interface NetworkConfig {
  /** Neurons of every layer, the inputs first. */
  readonly layers: readonly number[];
  /** After every layer but the last. */
  readonly activation: Activation;
  /** After the last. */
  readonly output: OutputActivation;
  readonly init: InitName;
}

/** A network with the weights its init and the key give. */
export function buildNetwork(config: NetworkConfig, key: Tensor, dtype: DType = "float32"): nn.Sequential {
  const { layers, activation, output, init } = config;
  const keys = random.split(key, layers.length - 1);
  const parts = keys.flatMap((layerKey, i) => {
    const linear = new nn.Linear(layers[i], layers[i + 1], { key: layerKey, init: inits[init], dtype });
    const after = i < keys.length - 1 ? activation : output;
    return after === "identity" ? [linear] : [linear, new nn.Activation(after)];
  });
  return new nn.Sequential(parts);
}

/**
 * What follows the last layer unless told: cross-entropies take plain numbers, and so does regression; classes measured by
 * squares lie in (0, 1).
 */
export function defaultOutput(loss: Loss, classes: boolean): OutputActivation {
  return classes && !loss.endsWith("cross-entropy") ? "sigmoid" : "identity";
}
