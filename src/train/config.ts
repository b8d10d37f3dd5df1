/**
 * A training run as a value: model, data and all `fit` is told, in a file of its own that `adjoint train` runs. What is drawn at
 * random is made by functions, which are called once the seed is known, so that a seed decides all of a run.
 */
import type { Dataset } from "../data/index.js";
import { random, setSeed, type Tensor } from "../index.js";
import type { Module } from "../nn/index.js";
import type { Optimizer } from "../optim/index.js";
import { checkOptionNames, checkOptions, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkModel } from "./model.js";
import type { FitOptions } from "./run.js";

/** A value, or a function that makes it of a random key. */
export type Lazy<T> = T | ((key: Tensor) => T | Promise<T>);

/** What a file for `adjoint train` exports as default: `fit`'s options, and the model they are for. */
export interface TrainConfig<Model extends Module = Module>
  extends Omit<
    FitOptions<Model>,
    "data" | "validation" | "optimizer" | "optimizerState" | "signal" | "resume" | "record"
  > {
  /** A model, or a function that makes one of a key: `(key) => new nn.Linear(4, 3, { key })`. */
  readonly model: Lazy<Model>;
  /** What is learned, or a function that reads it, such as `() => data.csv("iris.csv", { label: "species" })`. */
  readonly data: Lazy<FitOptions["data"]>;
  /** Measured after every epoch: data, a function that reads them, or the fraction of a dataset that is held out. */
  readonly validation?: Lazy<FitOptions["data"]> | number;
  /**
   * The update rule, or a function of the learning rate of the command line (undefined without one):
   * `(learningRate = 0.001) => optim.adam({ learningRate })`.
   */
  readonly optimizer: Optimizer | ((learningRate?: number) => Optimizer);
  /** What messages and directories call the run. Default: the name of the file. */
  readonly name?: string;
  /** The directory for what is written. Default: runs/NAME-1, or the next number that is free. */
  readonly out?: string;
}

/** What may be decided later than in the file. */
export interface ConfigOverrides extends Pick<FitOptions, "epochs" | "batchSize" | "seed"> {
  /** Given to the configuration's optimizer, which must be a function for it. */
  readonly learningRate?: number;
}

/** A configuration whose functions have been called: what `fit` takes. */
export interface ResolvedConfig<Model extends Module> {
  readonly model: Model;
  readonly options: FitOptions<Model> & { readonly seed: number };
}

const operation = "train.defineConfig";

const optionNames = [
  "model",
  "data",
  "validation",
  "loss",
  "optimizer",
  "epochs",
  "batchSize",
  "accumulate",
  "metrics",
  "seed",
  "shuffle",
  "checkpoint",
  "earlyStopping",
  "health",
  "onNotice",
  "onEpoch",
  "onBatch",
  "onProgress",
  "name",
  "out",
] as const satisfies readonly (keyof TrainConfig)[];

/**
 * A training run to be exported by a file that `adjoint train FILE.ts` runs; gives back what it is given, with its types.
 *
 * Options are those of `fit`, and `model`. A model, data and an optimizer may be functions: they are called when the run
 * begins, after the seed is set, with a key of their own.
 *
 * @throws AdjointError `invalid-argument` for a model, data, a loss or an optimizer that is missing or not one, and for an
 * option there is not
 * @example
 * const config = train.defineConfig({
 *   model: (key) => new nn.Linear(2, 1, { key }),
 *   data: () => data.arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [2]]),
 *   loss: "meanSquaredError",
 *   optimizer: (learningRate = 0.1) => optim.sgd({ learningRate }),
 *   epochs: 200,
 * });
 * const { model, options } = await train.resolveConfig(config, { seed: 7 });
 * const run = await train.fit(model, options);
 * run.history.length; // → 200
 */
export function defineConfig<Model extends Module>(config: TrainConfig<Model>): TrainConfig<Model> {
  checkConfig(config);
  return config;
}

/**
 * Calls a configuration's functions, once the seed is set.
 *
 * The seed decides the keys they get, what layers draw that were given none, the rows that are held out, and all that `fit`
 * draws. Default: the configuration's, else 1.
 *
 * @param overrides what goes before the configuration's own values; undefined ones do not
 * @returns the arguments of `fit`
 * @throws AdjointError `invalid-argument` for what is no configuration, and for a learning rate where the optimizer is no
 * function; what the functions throw
 * @example
 * const model = new nn.Activation("identity");
 * const config = { model, data: { x: ones([2, 1]), y: ones([2, 1]) }, loss: "huber", optimizer: optim.sgd({ learningRate: 1 }) };
 * const { options } = await train.resolveConfig(config, { epochs: 3 });
 * [options.epochs, options.seed]; // → 3,1
 */
export async function resolveConfig<Model extends Module>(
  config: TrainConfig<Model>,
  overrides: ConfigOverrides = {},
): Promise<ResolvedConfig<Model>> {
  checkConfig(config);
  checkOptions(overrides, "train.resolveConfig", "an object such as { epochs: 3 }", "overrides");
  const { model, data, validation, optimizer, name: _name, out: _out, ...others } = config;
  const { seed = config.seed ?? 1, epochs, batchSize, learningRate } = overrides;
  // checks the seed, too
  const [modelKey, dataKey, validationKey] = random.split(random.key(seed), 3);
  // layers that are given no key draw from this
  setSeed(seed);
  // before the data: a model must not need them, since it is also made without, to be used
  const network = await modelFrom(model, modelKey);
  const all = await made(data, dataKey);
  const [training, held] = await splitOf(all, validation, validationKey);
  return {
    model: network,
    options: {
      ...others,
      data: training,
      ...(held === undefined ? {} : { validation: held }),
      optimizer: optimizerOf(optimizer, learningRate),
      ...(epochs === undefined ? {} : { epochs }),
      ...(batchSize === undefined ? {} : { batchSize }),
      seed,
    },
  };
}

/**
 * The model of a configuration alone, as a run with that seed begins with it.
 * @throws AdjointError `invalid-argument`, and what the functions throw
 */
export async function modelOfConfig<Model extends Module>(
  config: TrainConfig<Model>,
  seed: number,
): Promise<Model> {
  checkConfig(config);
  const [key] = random.split(random.key(seed), 3);
  setSeed(seed);
  return modelFrom(config.model, key);
}

async function modelFrom<Model extends Module>(given: Lazy<Model>, key: Tensor): Promise<Model> {
  const model = await made<Model>(given, key);
  checkModel(model, "train.resolveConfig");
  return model;
}

/** A function is called; nothing that is data or a model is one. */
async function made<T>(value: Lazy<T>, key: Tensor): Promise<T> {
  return typeof value === "function" ? (value as (key: Tensor) => T | Promise<T>)(key) : value;
}

async function splitOf(
  data: FitOptions["data"],
  validation: TrainConfig["validation"],
  key: Tensor,
): Promise<[training: FitOptions["data"], validation: FitOptions["data"] | undefined]> {
  if (validation === undefined) return [data, undefined];
  if (typeof validation !== "number") return [data, await made(validation, key)];
  const { split } = data as Partial<Dataset>;
  if (typeof split !== "function")
    throw invalidArgument(
      operation,
      "validation",
      "data, where the data are no dataset in memory of which a fraction could be held out",
      formatReceived(validation),
    );
  return (data as Dataset).split(1 - validation, key);
}

function optimizerOf(given: TrainConfig["optimizer"], learningRate: number | undefined): Optimizer {
  if (typeof given === "function") return given(learningRate);
  if (learningRate === undefined) return given;
  throw invalidArgument(
    operation,
    "optimizer",
    "a function of the learning rate to take another one, such as (learningRate = 0.1) => optim.sgd({ learningRate })",
    "a finished optimizer",
  );
}

/** @throws AdjointError `invalid-argument` */
function checkConfig(config: unknown): void {
  checkOptions(config, operation, "an object such as { model, data, loss, optimizer }", "config");
  // here, and not only when fit is called: the error then names the line of the file that calls this
  checkOptionNames(config as object, optionNames, operation);
  const { model, data, loss, optimizer, validation, name, out } = config as Partial<TrainConfig>;
  const isObject = (value: unknown) => typeof value === "object" && value !== null;
  const isMade = (value: unknown) => typeof value === "function" || isObject(value);
  if (!isMade(model)) throw refusal("model", "a model, or a function that makes one", model);
  if (!isMade(data)) throw refusal("data", "data, or a function that reads them", data);
  if (typeof loss !== "string" && typeof loss !== "function")
    throw refusal("loss", 'the name of a loss, such as "softmaxCrossEntropy", or a function', loss);
  if (!isMade(optimizer))
    throw refusal("optimizer", "one such as optim.sgd({ learningRate: 0.1 }), or a function", optimizer);
  const isFraction = typeof validation === "number" && validation > 0 && validation < 1;
  if (validation !== undefined && !isFraction && !isMade(validation))
    throw refusal("validation", "data, a function that reads them, or a fraction below 1", validation);
  for (const [argument, value] of Object.entries({ name, out }))
    if (value !== undefined && (typeof value !== "string" || value === ""))
      throw refusal(argument, "a text", value);
}

function refusal(argument: string, expected: string, value: unknown) {
  return invalidArgument(operation, argument, expected, formatReceived(value));
}
