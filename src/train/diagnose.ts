/** What first went wrong in a run whose loss is no longer finite. */
import type { Tensor } from "../index.js";
import { firstNonFinite } from "../transforms/non-finite.js";
import { AdjointError } from "../util/errors.js";
import type { Replay } from "./replay.js";
import { type Step, type StepOptions, stepKeyOf, trainingLoss } from "./step.js";

/** The first number that is not finite: who made it, and in which words that is said. */
interface Diagnosis {
  readonly node: string;
  readonly summary: string;
  /** What to do about it, where that is no matter of the learning rate. */
  readonly remedy?: string;
  readonly file?: string;
  readonly line?: number;
}

/** What happened, as the run knows it. */
export interface Breakdown {
  /** `the loss became NaN` */
  readonly what: string;
  readonly received: number;
  /** The update, from 1. */
  readonly step: number;
  readonly epoch: number;
  /** The last checkpoint, where there is one. */
  readonly checkpoint?: string;
}

/** The error a run ends with. */
export async function nonFinite(
  { what, received, step, epoch, checkpoint }: Breakdown,
  replay: Replay,
  compiled: Step,
  options: StepOptions,
): Promise<AdjointError> {
  // a model that cannot be recorded has already failed for a better reason
  const found = await diagnose(replay, compiled, options).catch(() => undefined);
  const remedy =
    found?.remedy ??
    "a smaller learning rate often helps, and so does looking for extreme values in the data";
  const kept = checkpoint === undefined ? "" : `; the last checkpoint is ${checkpoint}`;
  return new AdjointError(
    "non-finite",
    `fit: ${what} at step ${step} (epoch ${epoch})${found === undefined ? "" : `: ${found.summary}`}; ${remedy}${kept}`,
    {
      operation: "fit",
      argument: `step ${step}`,
      expected: "a finite loss",
      received: String(received),
      step,
      epoch,
      ...(found && { node: found.node }),
      ...(found?.file !== undefined && { file: found.file, line: found.line }),
    },
  );
}

/** Makes the last steps again, operation by operation: the gradient of one may have broken what the next began with. */
async function diagnose(
  replay: Replay,
  compiled: Step,
  options: StepOptions,
): Promise<Diagnosis | undefined> {
  let isFirst = true;
  for await (const { trained, finite, taken } of replay.last(2, compiled)) {
    const { x, y } = taken;
    const data = inData("inputs", x) ?? inData("targets", y);
    if (data !== undefined) return data;
    const key = stepKeyOf(options.key, finite);
    const found = firstNonFinite(
      "fit",
      // the tree is the model's, with leaves that are watched
      (model) => trainingLoss(options, model as typeof trained.model, x, y, key)[0],
      trained.model,
    );
    if (found === null) {
      isFirst = false;
      continue;
    }
    const { phase, node, value } = found;
    // a line of a package, such as the one that runs a command, is not the user's
    const place =
      found.place === null || /[\\/]node_modules[\\/]/.test(found.place.file) ? null : found.place;
    if (phase === "argument")
      return isFirst
        ? {
            node,
            summary: `the parameter ${node} already contained ${value}`,
            remedy: "look at what made the model, or at the steps before",
          }
        : {
            node: "the update",
            summary: `the update before it, by ${options.optimizer.name}, made ${node} ${value}`,
          };
    const where = place === null ? "" : `, at ${place.file}:${place.line}`;
    return {
      node,
      summary: `the first number that is not finite is ${value}, which ${node} made going ${phase}${where}`,
      ...(place !== null && { file: place.file, line: place.line }),
    };
  }
  return undefined;
}

function inData(name: "inputs" | "targets", values: Tensor): Diagnosis | undefined {
  for (const value of values.dataSync())
    if (!Number.isFinite(value))
      return {
        node: "the data",
        summary: `the ${name} of its batch contain ${value}`,
        remedy: "leave such examples out, or put numbers in their place",
      };
  return undefined;
}
