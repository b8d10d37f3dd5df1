/** What a look at a network's health may be told. */

import { isTensor } from "../../index.js";
import type { Loss } from "../../losses/index.js";
import * as losses from "../../losses/index.js";
import { isModule, type Module } from "../../nn/index.js";
import type { Optimizer, OptimizerState } from "../../optim/index.js";
import type { LossName } from "../../train/index.js";
import {
  checkFinite,
  checkOptionNames,
  checkOptions,
  invalidArgument,
  isNatural,
} from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { type Thresholds, thresholdsOf } from "./thresholds.js";

/** How to look at a network. */
export interface HealthOptions {
  /** What it is trained to make small: a name, or a function (output, target) => scalar, as in `fit`. */
  readonly loss: LossName | Loss;
  /** How it is trained. Without one nothing is said of the learning rate, and remedies are tried with Adam at 0.001. */
  readonly optimizer?: Optimizer;
  /** Where the optimizer has got to, as a run leaves it. Default: its beginning. */
  readonly optimizerState?: OptimizerState;
  /** Examples in a step of the trial runs. Default 32. */
  readonly batchSize?: number;
  /** Examples that are looked at: the more, the surer that a dead unit is dead. Default 256. */
  readonly examples?: number;
  /** Steps of a trial run. Default 30; 0 runs none, and then says nothing of the learning rate. */
  readonly steps?: number;
  /** After so many seconds no further remedy is tried. Default 20. */
  readonly seconds?: number;
  /** Chooses the examples, and what layers and remedies draw. Default 0. */
  readonly seed?: number;
  /** Limits other than the published ones. */
  readonly thresholds?: Partial<Thresholds>;
}

/** The same with every default in its place. */
export interface Resolved {
  readonly loss: Loss;
  readonly optimizer: Optimizer | undefined;
  readonly optimizerState: OptimizerState | null;
  readonly batchSize: number;
  readonly examples: number;
  readonly steps: number;
  readonly seconds: number;
  readonly seed: number;
  readonly thresholds: Thresholds;
}

const optionNames = [
  "loss",
  "optimizer",
  "optimizerState",
  "batchSize",
  "examples",
  "steps",
  "seconds",
  "seed",
  "thresholds",
] as const satisfies readonly (keyof HealthOptions)[];

/** @throws AdjointError `invalid-argument` */
export function resolveOptions(given: HealthOptions, operation: string): Resolved {
  checkOptions(given, operation, 'an object such as { loss: "softmaxCrossEntropy" }');
  checkOptionNames(given, optionNames, operation);
  const { optimizer, batchSize = 32, examples = 256, steps = 30, seconds = 20, seed = 0 } = given;
  for (const [name, value, least] of [
    ["batchSize", batchSize, 1],
    ["examples", examples, 1],
    ["steps", steps, 0],
    ["seed", seed, 0],
  ] as const)
    if (!isNatural(value) || value < least)
      throw invalidArgument(operation, name, `an integer of at least ${least}`, formatReceived(value));
  if (checkFinite(seconds, operation, "seconds") < 0)
    throw invalidArgument(operation, "seconds", "at least 0", formatReceived(seconds));
  if (
    optimizer !== undefined &&
    (typeof optimizer?.step !== "function" || typeof optimizer.init !== "function")
  )
    throw invalidArgument(
      operation,
      "optimizer",
      "one such as optim.sgd({ learningRate: 0.1 })",
      formatReceived(optimizer),
    );
  return {
    loss: lossOf(given.loss, operation),
    optimizer,
    optimizerState: stateOf(given.optimizerState, operation),
    batchSize,
    examples,
    steps,
    seconds,
    seed,
    thresholds: thresholdsOf(given.thresholds, operation),
  };
}

function stateOf(state: unknown, operation: string): OptimizerState | null {
  if (state === undefined) return null;
  const { step } = (state ?? {}) as Partial<OptimizerState>;
  // what an optimizer's init or step gave has a count
  if (isTensor(step)) return state as OptimizerState;
  throw invalidArgument(operation, "optimizerState", "what an earlier run left", formatReceived(state));
}

function lossOf(loss: unknown, operation: string): Loss {
  const known: Readonly<Record<string, Loss>> = losses;
  if (typeof loss === "function") return loss as Loss;
  if (typeof loss === "string" && Object.hasOwn(known, loss)) return known[loss];
  const names = Object.keys(known).sort().join(", ");
  throw invalidArgument(operation, "loss", `a function or one of ${names}`, formatReceived(loss));
}

/** @throws AdjointError `invalid-argument` */
export function checkHealthModel(model: unknown, operation: string): asserts model is Module {
  if (!isModule(model))
    throw invalidArgument(operation, "model", "an object with a forward method", formatReceived(model));
}
