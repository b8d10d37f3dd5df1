/** The file and the model behind `loadCheckpoint`, once what it was told is checked. */
import { AdjointError, type Tensor } from "../../index.js";
import type { Module } from "../../nn/index.js";
import { nodeFiles } from "./files.js";
import { checkFingerprint, fingerprintOf } from "./fingerprint.js";
import { damaged } from "./format.js";
import type { LoadCheckpointOptions, LoadedCheckpoint } from "./load.js";
import { parseRecord } from "./record.js";
import { modelFrom } from "./restore.js";
import { bestName, CheckpointStore } from "./store.js";

const operation = "loadCheckpoint";

/** @throws AdjointError `checkpoint-missing`, `checkpoint-damaged`, `checkpoint-mismatch` */
export async function readModel<Model extends Module>(
  directory: string,
  model: Model,
  {
    which,
    onNotice,
    files,
  }: LoadCheckpointOptions & Required<Pick<LoadCheckpointOptions, "which" | "onNotice">>,
): Promise<LoadedCheckpoint<Model>> {
  const store = new CheckpointStore(directory, files ?? (await nodeFiles()), 1);
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
