/** Training: mini-batch descent over a number of epochs. */
import { isTensor, random } from "../index.js";
import type { Module } from "../nn/index.js";
import type { OptimizerState } from "../optim/index.js";
import { checkOptionNames, checkOptions, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { measureAll, resolveMetrics } from "./evaluate.js";
import { checkModel, copyTree, dtypeOf } from "./model.js";
import { resolveLoss } from "./objective.js";
import { checkPositive } from "./options.js";
import type { EpochRecord, FitOptions, Run } from "./run.js";
import { sourceOf } from "./source.js";
import { compileStep, newTally, progressFrom } from "./step.js";
import { Trainer } from "./trainer.js";
import { checkMonitor, Watch } from "./watch.js";

/**
 * Trains a model: for every epoch, batches of examples in a new random order, for each the loss, its gradient and an
 * update, compiled into one program for each size of batch. Statistics that layers gather (`BatchNorm`) go from step to
 * step with the model. The given model does not change and stays usable. Same seed, same result.
 *
 * @param model any {@link Module}
 * @returns the trained model, its history of losses and validation metrics, and the optimizer's state to go on with
 * @throws AdjointError `non-finite` naming the step where the loss became NaN or infinite, `invalid-argument`,
 * `shape-mismatch`, `invalid-data`
 * @example
 * setSeed(0);
 * const xor = { x: tensor([[0, 0], [0, 1], [1, 0], [1, 1]]), y: tensor([0, 1, 1, 0], { dtype: "int32" }) };
 * const model = new nn.Sequential(new nn.Linear(2, 8), new nn.Activation("tanh"), new nn.Linear(8, 2));
 * const optimizer = optim.sgd({ learningRate: 0.5, momentum: 0.9 });
 * const run = await train.fit(model, { data: xor, loss: "softmaxCrossEntropy", optimizer, epochs: 200, seed: 1 });
 * await train.confusion(run.model, xor); // → 2,0,0,2
 */
export async function fit<Model extends Module>(
  model: Model,
  options: FitOptions<Model>,
): Promise<Run<Model>> {
  checkModel(model, "fit");
  checkFitOptions(options);
  const { epochs = 1, batchSize = 32, optimizer, seed, signal } = options;
  const loss = resolveLoss(options.loss, "fit");
  const source = await sourceOf(options.data, "fit", "data");
  const validation =
    options.validation === undefined ? undefined : await sourceOf(options.validation, "fit", "validation");
  const metrics = validation && resolveMetrics(options.metrics, validation, loss, "fit");
  const dtype = dtypeOf(model);
  const [orderKey, layerKey] = random.split(seed === undefined ? random.next() : random.key(seed));

  // the step uses up what it is given, so it is given copies
  const given = checkOptimizerState(options.optimizerState ?? optimizer.init(model));
  const state = await copyTree(given);
  const stepsBefore = await state.step.item();
  // a run that goes on from another draws what that one would have drawn
  const drawKey = layerKey.add(stepsBefore);
  const trainer = new Trainer(
    {
      source,
      batchSize: Math.min(batchSize, source.size),
      epochs,
      dtype,
      key: orderKey,
      step: compileStep(loss, optimizer, source.largestLabel, drawKey, options.onBatch !== undefined),
      stepsBefore,
      ...(options.health && {
        watch: new Watch(options.health, { optimizer, loss, data: options.data, batchSize }),
      }),
    },
    options,
    progressFrom({ model: await copyTree(model), state }, newTally(dtype)),
  );

  const history: EpochRecord[] = [];
  let ended: Run<Model>["ended"] = "finished";
  for (let epoch = 1; epoch <= epochs && ended === "finished"; epoch++) {
    const before = trainer.seconds;
    const mean = await trainer.runEpoch(epoch);
    const seconds = trainer.seconds - before;
    if (mean === undefined) {
      ended = "aborted";
      break;
    }
    const measured =
      validation && metrics ? await measureAll(trainer.trained.model, validation, metrics, loss) : {};
    const record: EpochRecord = { epoch, loss: mean, validation: measured, seconds };
    history.push(record);
    if (options.onEpoch !== undefined) {
      // updates keep the classes and fields of the model
      const snapshot = (await copyTree(trainer.trained.model)) as Model;
      if ((await options.onEpoch({ ...record, epochs, model: snapshot })) === false) ended = "stopped";
    }
    if (signal?.aborted === true && epoch < epochs) ended = "aborted";
  }
  const { model: trained, state: optimizerState } = trainer.trained;
  return {
    model: trained as Model,
    optimizerState,
    history,
    steps: trainer.steps,
    seconds: trainer.seconds,
    ended,
  };
}

const optionNames = [
  "data",
  "loss",
  "optimizer",
  "epochs",
  "batchSize",
  "validation",
  "metrics",
  "seed",
  "shuffle",
  "optimizerState",
  "onEpoch",
  "onBatch",
  "onProgress",
  "health",
  "signal",
] as const satisfies readonly (keyof FitOptions)[];

function checkFitOptions(options: unknown): asserts options is FitOptions {
  checkOptions(options, "fit", "an object such as { data, loss, optimizer }");
  const given = options as Partial<FitOptions>;
  checkOptionNames(given, optionNames, "fit");
  const { epochs = 1, batchSize = 32, optimizer, signal } = given;
  checkPositive(epochs, "fit", "epochs");
  checkPositive(batchSize, "fit", "batchSize");
  if (given.shuffle !== undefined && typeof given.shuffle !== "boolean")
    throw invalidArgument("fit", "shuffle", "true or false", formatReceived(given.shuffle));
  for (const name of ["onEpoch", "onBatch", "onProgress"] as const)
    if (given[name] !== undefined && typeof given[name] !== "function")
      throw invalidArgument("fit", name, "a function", formatReceived(given[name]));
  if (given.health !== undefined) checkMonitor(given.health);
  if (signal !== undefined && typeof signal?.aborted !== "boolean")
    throw invalidArgument("fit", "signal", "an AbortSignal", formatReceived(signal));
  if (typeof optimizer?.step === "function" && typeof optimizer.init === "function") return;
  throw invalidArgument(
    "fit",
    "optimizer",
    "one such as optim.sgd({ learningRate: 0.1 })",
    formatReceived(optimizer),
  );
}

/** @throws AdjointError `invalid-argument` for what no optimizer's `init` or `step` gave */
function checkOptimizerState(state: OptimizerState): OptimizerState {
  if (isTensor(state?.step) && state.step.size === 1) return state;
  throw invalidArgument("fit", "optimizerState", "what an earlier run left", formatReceived(state));
}
