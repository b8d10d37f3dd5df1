/** What is optimised: losses by name or function, and the checks only the whole can make. */
import type { Tensor } from "../index.js";
import type { Loss } from "../losses/index.js";
import * as losses from "../losses/index.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { classesOf } from "./metrics/labels.js";

export type { Metric } from "./metrics/metric.js";
export type { MetricName } from "./metrics/names.js";

const lossesByName = {
  quadratic: losses.quadratic,
  meanSquaredError: losses.meanSquaredError,
  absoluteError: losses.absoluteError,
  huber: (output, target) => losses.huber(output, target),
  softmaxCrossEntropy: losses.softmaxCrossEntropy,
  sigmoidCrossEntropy: losses.sigmoidCrossEntropy,
  negativeLogLikelihood: losses.negativeLogLikelihood,
  klDivergence: losses.klDivergence,
} satisfies Record<string, Loss>;

/** The losses that have a name. */
export type LossName = keyof typeof lossesByName;

/** @throws AdjointError `invalid-argument` */
export function resolveLoss(loss: unknown, operation: string): Loss {
  if (typeof loss === "function") return loss as Loss;
  if (typeof loss === "string" && Object.hasOwn(lossesByName, loss)) return lossesByName[loss as LossName];
  const names = Object.keys(lossesByName);
  throw new AdjointError(
    "invalid-argument",
    `${operation}: loss must be a function or one of ${names.join(", ")}, received ${formatReceived(loss)}`,
    { operation, argument: "loss", expected: names.join(" | "), received: formatReceived(loss) },
  );
}

/** What a loss is called: its name here, or that of the function. */
export function nameOfLoss(loss: Loss): string {
  const found = Object.entries<Loss>(lossesByName).find(([, known]) => known === loss);
  return found?.[0] ?? (loss.name === "" ? "a function" : loss.name);
}

/** Losses of classes: where accuracy is worth measuring unasked. */
export function isClassification(loss: Loss | undefined): boolean {
  return (
    loss === losses.softmaxCrossEntropy ||
    loss === losses.sigmoidCrossEntropy ||
    loss === losses.negativeLogLikelihood
  );
}

/** Between the two classes of a single output: 0 for logits of the sigmoid cross-entropy, ½ for probabilities. */
export function thresholdOf(loss: Loss | undefined): number {
  return loss === losses.sigmoidCrossEntropy ? 0 : 0.5;
}

/** Whether integers beside it are labels: a loss of the user's own may mean something else by them. */
export function isLibraryLoss(loss: Loss | undefined): boolean {
  return loss !== undefined && Object.values<Loss>(lossesByName).includes(loss);
}

/**
 * Refuses labels the outputs have no class for: one-hot encoded they would be silent rows of zeros. Only the library's losses are
 * checked.
 * @throws AdjointError `invalid-data`
 */
export function checkLabelRange(
  loss: Loss,
  largestLabel: number | undefined,
  output: Tensor,
  operation: string,
): void {
  if (largestLabel === undefined || !isLibraryLoss(loss)) return;
  const classes = classesOf(output);
  if (largestLabel >= classes) throw labelOutOfRange(largestLabel, classes, operation);
}

export function labelOutOfRange(largestLabel: number, classes: number, operation: string): AdjointError {
  return new AdjointError(
    "invalid-data",
    `${operation}: the data have a label ${largestLabel}, but the model tells ${classes} classes apart, 0 … ${classes - 1}; give its last layer an output for each class`,
    { operation, argument: "data", expected: `labels below ${classes}`, received: String(largestLabel) },
  );
}
