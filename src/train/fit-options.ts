/** What `fit` accepts. */
import { isTensor } from "../index.js";
import type { OptimizerState } from "../optim/index.js";
import { checkOptionNames, checkOptions, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkEarlyStopping } from "./early-stopping.js";
import { checkPositive } from "./options.js";
import type { FitOptions } from "./run.js";
import { checkMonitor } from "./watch.js";

const optionNames = [
  "data",
  "loss",
  "optimizer",
  "epochs",
  "batchSize",
  "accumulate",
  "validation",
  "metrics",
  "seed",
  "shuffle",
  "optimizerState",
  "checkpoint",
  "resume",
  "earlyStopping",
  "record",
  "onNotice",
  "onEpoch",
  "onBatch",
  "onProgress",
  "health",
  "signal",
] as const satisfies readonly (keyof FitOptions)[];

/** @throws AdjointError `invalid-argument` */
export function checkFitOptions(options: unknown): asserts options is FitOptions {
  checkOptions(options, "fit", "an object such as { data, loss, optimizer }");
  const given = options as Partial<FitOptions>;
  checkOptionNames(given, optionNames, "fit");
  const { epochs = 1, batchSize = 32, accumulate = 1, optimizer, signal, record } = given;
  checkPositive(epochs, "fit", "epochs");
  checkPositive(batchSize, "fit", "batchSize");
  checkPositive(accumulate, "fit", "accumulate");
  if (given.shuffle !== undefined && typeof given.shuffle !== "boolean")
    throw invalidArgument("fit", "shuffle", "true or false", formatReceived(given.shuffle));
  for (const name of ["onEpoch", "onBatch", "onProgress", "onNotice"] as const)
    if (given[name] !== undefined && typeof given[name] !== "function")
      throw invalidArgument("fit", name, "a function", formatReceived(given[name]));
  if (given.health !== undefined) checkMonitor(given.health);
  if (given.earlyStopping !== undefined) checkEarlyStopping(given.earlyStopping);
  for (const name of ["start", "epoch", "end"] as const)
    if (record !== undefined && typeof record?.[name] !== "function")
      throw invalidArgument(
        "fit",
        "record",
        "one such as train.runFolder(directory)",
        formatReceived(record),
      );
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
export function checkOptimizerState(state: OptimizerState): OptimizerState {
  if (isTensor(state?.step) && state.step.size === 1) return state;
  throw invalidArgument("fit", "optimizerState", "what an earlier run left", formatReceived(state));
}
