/** What a run is told about its checkpoints. */
import { checkOptionNames, checkOptions, invalidArgument, isNatural } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { type Measured, type MonitoredMetric, resolveMonitored } from "../monitored.js";
import type { CheckpointFiles } from "./files.js";

/** Where checkpoints are written, when, and which are kept. */
export interface CheckpointOptions {
  /** Made where it does not exist. It belongs to one run. */
  readonly directory: string;
  /** Also in the midst of an epoch: after every so many updates. */
  readonly everySteps?: number;
  /** After every so many epochs. Default 1. The end of a run is always kept. */
  readonly everyEpochs?: number;
  /** Also in the midst of an epoch: when so many seconds have passed since the last. */
  readonly everySeconds?: number;
  /** How many of the latest are kept. Default 3. */
  readonly keep?: number;
  /**
   * Keeps the best epoch besides, as `best.safetensors`: by "loss" (of the validation data where there are any), "accuracy",
   * or any metric that is measured.
   */
  readonly best?: string | MonitoredMetric;
  /** The file system. Default: Node's. */
  readonly files?: CheckpointFiles;
}

/** What a run says while it goes that is neither progress nor an error. */
export type Notice =
  | {
      /** A checkpoint was damaged, and the one before it is looked at. */
      readonly kind: "checkpoint-damaged";
      readonly file: string;
      readonly reason: string;
      readonly message: string;
    }
  | {
      /** A run goes on from a checkpoint: `epoch` (from 1) is the one it is in, after `batch` of its batches. */
      readonly kind: "resumed";
      readonly file: string;
      readonly epoch: number;
      readonly batch: number;
      /** Updates made before. */
      readonly step: number;
      readonly message: string;
    };

/** Where nobody listens to notices. */
export function warn({ message }: Notice): void {
  console.warn(`adjoint: ${message}`);
}

/** The options as a run uses them. */
export interface CheckpointPlan extends CheckpointOptions {
  readonly everyEpochs: number;
  readonly keep: number;
}

/** @throws AdjointError `invalid-argument` */
export function checkCheckpointOptions(given: unknown, resume: unknown): CheckpointPlan | undefined {
  if (resume !== undefined && typeof resume !== "boolean" && resume !== "auto")
    throw invalidArgument("fit", "resume", 'true, false or "auto"', formatReceived(resume));
  if (given === undefined) {
    if (resume === undefined || resume === false) return undefined;
    throw invalidArgument("fit", "checkpoint", "a directory where a run is to be resumed", "undefined");
  }
  if (given === "") throw invalidArgument("fit", "checkpoint", "a directory", '""');
  const options = typeof given === "string" ? { directory: given } : given;
  checkOptions(options, "fit", "a directory, or { directory, everySteps }", "checkpoint");
  const plan = options as Partial<CheckpointOptions>;
  const names = ["directory", "everySteps", "everyEpochs", "everySeconds", "keep", "best", "files"] as const;
  checkOptionNames(plan, names satisfies readonly (keyof CheckpointOptions)[], "fit: checkpoint");
  const { directory, everyEpochs = 1, keep = 3, everySeconds } = plan;
  if (typeof directory !== "string" || directory === "")
    throw invalidArgument("fit", "checkpoint.directory", "a directory", formatReceived(directory));
  for (const [name, value] of Object.entries({ everySteps: plan.everySteps ?? 1, everyEpochs, keep }))
    if (!isNatural(value) || value === 0)
      throw invalidArgument("fit", `checkpoint.${name}`, "an integer of at least 1", formatReceived(value));
  if (everySeconds !== undefined && !(typeof everySeconds === "number" && everySeconds > 0))
    throw invalidArgument("fit", "checkpoint.everySeconds", "a number above 0", formatReceived(everySeconds));
  if (plan.files !== undefined) checkFiles(plan.files);
  return { ...plan, directory, everyEpochs, keep };
}

const fileOperations = [
  "makeDirectory",
  "list",
  "read",
  "create",
  "rename",
  "link",
  "remove",
  "syncDirectory",
] as const satisfies readonly (keyof CheckpointFiles)[];

/** Said before the run rather than by its first checkpoint. */
function checkFiles(files: Partial<CheckpointFiles>): void {
  checkOptions(files, "fit", "a file system", "checkpoint.files");
  for (const name of fileOperations)
    if (typeof files[name] !== "function")
      throw invalidArgument("fit", `checkpoint.files.${name}`, "a function", formatReceived(files[name]));
}

/** What the best is chosen by. */
export function bestOf(
  { best }: CheckpointOptions,
  measured: readonly Measured[],
): MonitoredMetric | undefined {
  return best === undefined ? undefined : resolveMonitored(best, measured, "checkpoint.best");
}
