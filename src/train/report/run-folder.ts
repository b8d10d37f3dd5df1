/** What `fit` is given to write a run down: checked at once, and loaded when a run begins. */
import { invalidArgument } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import type { RunRecorder } from "../recorder.js";
import { checkRunFolderOptions, type RunFolderOptions } from "./folder-options.js";

/**
 * Writes a run down in a folder, for `fit`'s `record`:
 *
 * - `config.json`: settings, seed, data, model, versions, machine, at the start;
 * - `metrics.jsonl`: a line of JSON for each epoch, on the disk when the epoch ends;
 * - `events.out.tfevents.…`: the same for TensorBoard, tags such as `loss/train` and `accuracy/validation`, by epoch;
 * - at the end, also of a run that failed: `model.safetensors`, `result.json`, and `report.html` with curves, numbers, confusion
 *   matrix, worst examples, health, settings and model, a page that needs nothing else.
 *
 * A run that goes on from a checkpoint goes on here: lines of epochs that are trained again are dropped.
 *
 * @param directory made where there is none
 * @throws AdjointError `invalid-argument`; and while the run goes, `unwritable-output`
 * @example
 * const recorder = train.runFolder("runs/xor");
 * typeof recorder.epoch; // → function
 */
export function runFolder(directory: string, options: RunFolderOptions = {}): RunRecorder {
  if (typeof directory !== "string" || directory === "")
    throw invalidArgument("runFolder", "directory", "a path", formatReceived(directory));
  checkRunFolderOptions(options);
  let folder: Promise<RunRecorder> | undefined;
  // pages, pictures and TensorBoard's records are nothing to a program that writes no run down
  const opened = (): Promise<RunRecorder> => {
    folder ??= import("./folder.js").then(({ Folder }) => new Folder(directory, options));
    return folder;
  };
  return {
    start: async (run) => (await opened()).start(run),
    epoch: async (record) => (await opened()).epoch(record),
    end: async (run) => (await opened()).end(run),
  };
}
