/** What `adjoint train` uses where it is not told: the notes' settings for images, modest ones for tables. */
import { AdjointError } from "../index.js";
import { usage } from "./arguments.js";
import type { Examples } from "./examples.js";
import {
  type Activation,
  defaultOutput,
  type InitName,
  type Loss,
  type NetworkConfig,
  type OutputActivation,
} from "./network.js";
import { type Descent, type DescentOptions, descentOf } from "./optimizer.js";
import { grouped } from "./output.js";

/** Options of the network and its training; what is undefined is decided by the data. */
export interface TrainingOptions extends DescentOptions {
  readonly layers?: readonly number[];
  readonly activation?: Activation;
  readonly output?: OutputActivation;
  readonly init?: InitName;
  readonly loss?: Loss;
  readonly epochs?: number;
  readonly batch?: number;
}

export interface Settings extends Descent {
  readonly network: NetworkConfig;
  readonly loss: Loss;
  readonly epochs: number;
  readonly batch: number;
}

const images = {
  activation: "sigmoid",
  init: "nielsen",
  loss: "quadratic",
  lr: 3,
  momentum: 0,
  epochs: 30,
  batch: 10,
} as const;
const tableOf = {
  activation: "tanh",
  init: "xavier-uniform",
  momentum: 0.9,
  batch: 16,
} as const;
// epochs: of 20 seeds on examples/iris.csv 30 leave 22 of 600 held-out flowers wrong, 20 leave 21, 100 leave 27
const classTable = { ...tableOf, loss: "softmax-cross-entropy", lr: 0.05, epochs: 30 } as const;
const numberTable = { ...tableOf, loss: "mean-squared-error", lr: 0.01, epochs: 100 } as const;

/** Hidden neurons of the notes' network. */
const hidden = 30;

/**
 * The settings for these examples.
 * @throws AdjointError `usage` where layers or loss do not fit them
 */
export function settingsFor(examples: Examples, options: TrainingOptions): Settings {
  const classes = examples.train.targetShape.length === 0;
  const defaults = examples.config.kind !== "csv" ? images : classes ? classTable : numberTable;
  const loss = options.loss ?? defaults.loss;
  if (!classes && loss === "softmax-cross-entropy")
    throw usage(`--loss ${loss} needs classes: name their column with --label, not --target`, "--loss");
  const [inputs] = examples.train.inputShape;
  const layers = options.layers ?? [inputs, hidden, examples.outputs];
  checkLayers(layers, examples, loss);
  checkSize(layers);
  const network: NetworkConfig = {
    layers,
    activation: options.activation ?? defaults.activation,
    output: outputFor(loss, classes, options.output),
    init: options.init ?? defaults.init,
  };
  return {
    network,
    loss,
    ...descentOf(options, defaults),
    epochs: options.epochs ?? defaults.epochs,
    batch: options.batch ?? defaults.batch,
  };
}

/** @throws AdjointError `usage` for an output that the loss computes once more: the network would learn a fraction of what it could */
function outputFor(loss: Loss, classes: boolean, asked: OutputActivation | undefined): OutputActivation {
  if (asked !== undefined && loss === `${asked}-cross-entropy`)
    throw usage(
      `--output ${asked} beside --loss ${loss} would apply ${asked} twice, as the loss has it inside; leave --output out`,
      "--output",
    );
  return asked ?? defaultOutput(loss, classes);
}

function checkLayers(layers: readonly number[], examples: Examples, loss: Loss): void {
  const [inputs] = examples.train.inputShape;
  if (layers[0] !== inputs)
    throw usage(
      `--layers: the first layer must be ${inputs} for ${examples.name} (${examples.inputs}), received ${layers[0]}`,
      "--layers",
    );
  const last = layers[layers.length - 1];
  // two classes can also be told apart by one output
  const single = last === 1 && examples.train.targetShape.length === 0 && examples.outputs === 2;
  if (single && loss !== "softmax-cross-entropy") return;
  if (last !== examples.outputs)
    throw usage(
      `--layers: the last layer must be ${examples.outputs} for ${examples.name} (${examples.outputsText}), received ${last}`,
      "--layers",
    );
}

/** Elements of one tensor. */
const mostWeights = 2 ** 31 - 1;

function checkSize(layers: readonly number[]): void {
  const at = layers.findIndex((size, i) => i > 0 && size * layers[i - 1] > mostWeights);
  if (at < 0) return;
  throw usage(
    `--layers: ${grouped(layers[at - 1])} inputs of ${grouped(layers[at])} neurons are more weights than the ${grouped(mostWeights)} of a tensor`,
    "--layers",
  );
}

/** @throws AdjointError `invalid-data` for a trained model and examples that do not fit it */
export function checkFits(
  network: NetworkConfig,
  examples: Pick<Examples, "name" | "inputs">,
  inputs: number,
): void {
  if (network.layers[0] === inputs) return;
  throw new AdjointError(
    "invalid-data",
    `the model takes ${network.layers[0]} inputs; ${examples.name} has ${inputs} (${examples.inputs})`,
  );
}
