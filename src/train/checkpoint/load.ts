/** A model out of a directory of checkpoints, to use it rather than to train on. */
import type { Module } from "../../nn/index.js";
import { checkOptionNames, invalidArgument } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { checkModel } from "../model.js";
import type { EpochRecord } from "../run.js";
import type { CheckpointFiles } from "./files.js";
import { type Notice, warn } from "./options.js";

/** Which checkpoint, and where from. */
export interface LoadCheckpointOptions {
  /** "latest" (default), or "best" where the run kept it. */
  readonly which?: "latest" | "best";
  /** Told where the latest is damaged and the one before it is used. Default: a warning on the console. */
  readonly onNotice?: (notice: Notice) => unknown;
  /** The file system. Default: Node's. */
  readonly files?: CheckpointFiles;
}

/** A checkpoint's model, and how far it had come. */
export interface LoadedCheckpoint<Model> {
  readonly model: Model;
  /** The epochs that were finished then, in order. */
  readonly history: readonly EpochRecord[];
  /** Updates made. */
  readonly step: number;
  readonly file: string;
}

/**
 * The model of a checkpoint that `fit` wrote.
 *
 * @param directory what `fit` was given as `checkpoint`
 * @param model one of the same classes and shapes, made as before training; it does not change
 * @throws AdjointError `checkpoint-missing`, `checkpoint-damaged`, `checkpoint-mismatch` for another model
 * @example
 * const model = new nn.Linear(1, 1);
 * const points = data.arrays([[0], [1]], [[1], [3]]);
 * const optimizer = optim.sgd({ learningRate: 0.1 });
 * await train.fit(model, { data: points, loss: "meanSquaredError", optimizer, epochs: 2, checkpoint: "loading" });
 * const { step, history } = await train.loadCheckpoint("loading", new nn.Linear(1, 1));
 * [step, history.length]; // → 2,2
 */
export async function loadCheckpoint<Model extends Module>(
  directory: string,
  model: Model,
  options: LoadCheckpointOptions = {},
): Promise<LoadedCheckpoint<Model>> {
  const operation = "loadCheckpoint";
  if (typeof directory !== "string" || directory === "")
    throw invalidArgument(operation, "directory", "a directory", formatReceived(directory));
  checkModel(model, operation);
  checkOptionNames(options, ["which", "onNotice", "files"], operation);
  const { which = "latest", onNotice = warn } = options;
  if (which !== "latest" && which !== "best")
    throw invalidArgument(operation, "which", '"latest" or "best"', formatReceived(which));
  if (typeof onNotice !== "function")
    throw invalidArgument(operation, "onNotice", "a function", formatReceived(onNotice));
  // who only trains needs none of it
  const { readModel } = await import("./read-model.js");
  return readModel(directory, model, { ...options, which, onNotice });
}
