/** A model out of a directory of checkpoints, to use it rather than to train on. */
import { AdjointError, type Tensor } from "../../index.js";
import type { Module } from "../../nn/index.js";
import { checkOptionNames, invalidArgument } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { checkModel } from "../model.js";
import type { EpochRecord } from "../run.js";
import { type CheckpointFiles, nodeFiles } from "./files.js";
import { checkFingerprint, fingerprintOf } from "./fingerprint.js";
import { damaged } from "./format.js";
import type { Notice } from "./options.js";
import { parseRecord } from "./record.js";
import { modelFrom } from "./restore.js";
import { bestName, CheckpointStore } from "./store.js";

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
  const store = new CheckpointStore(directory, options.files ?? (await nodeFiles()), 1);
  const found = which === "best" ? await store.best() : await store.latest(onNotice);
  if (found === undefined)
    throw new AdjointError(
      "checkpoint-missing",
      `loadCheckpoint: there is no ${which === "best" ? bestName : "checkpoint"} in ${directory}${directory.endsWith(".safetensors") ? "; give the directory of the checkpoints, not one of its files" : ""}`,
      { operation, argument: "directory", expected: "a checkpoint", file: directory },
    );
  const { file, tensors } = found;
  const record = parseRecord(found.record, file);
  const ofModel = Object.entries(record.fingerprint).filter(([name]) => /^model(\.|$)/.test(name));
  const remedy = "give a model made as the one that was trained";
  checkFingerprint(Object.fromEntries(ofModel), fingerprintOf(model), file, { operation, remedy });
  const take = (name: string): Tensor => {
    const leaf = tensors.get(name);
    if (leaf !== undefined) return leaf;
    throw damaged(file, `it has no tensor ${name}`);
  };
  const { history, position } = record;
  return { model: modelFrom(model, "model", take, file), history, step: position.steps, file };
}

/** Where nobody listens to notices. */
export function warn({ message }: Notice): void {
  console.warn(`adjoint: ${message}`);
}
