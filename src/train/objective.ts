/** What is optimised and measured: losses by name or function, metrics, and the checks only the whole can make. */
import { argmax, type Tensor } from "../index.js";
import type { Loss } from "../losses/index.js";
import * as losses from "../losses/index.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";

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

/** A measurement: a scalar that is a mean over the batch, so that batches of any size combine to the mean over all. */
export interface Metric {
  readonly name: string;
  compute(output: Tensor, target: Tensor): Tensor;
}

/** Metrics that have a name. */
export type MetricName = "loss" | "accuracy";

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

/** The number of classes that outputs [batch, outputs] tell apart: a single output tells two. */
export function classesOf(output: Tensor): number {
  const outputs = output.rank < 2 ? 1 : output.shape[output.rank - 1];
  return outputs === 1 ? 2 : outputs;
}

/**
 * The class of each row, int32 [batch]: the largest output, or which side of the threshold a single one is on.
 */
export function predictedClasses(output: Tensor, threshold: number): Tensor {
  const single = output.rank < 2 || output.shape[output.rank - 1] === 1;
  if (!single) return argmax(output, -1);
  return (output.rank < 2 ? output : output.squeeze(-1)).gt(threshold).cast("int32");
}

/**
 * The class each target means, int32 [batch]: labels as they are, distributions by their largest probability.
 * @throws AdjointError `shape-mismatch` where the targets belong to other outputs
 */
export function targetClasses(output: Tensor, target: Tensor): Tensor {
  const labelShape = formatShape(output.rank < 2 ? output.shape : output.shape.slice(0, -1));
  const classes =
    target.dtype === "int32" && formatShape(target.shape) === labelShape
      ? target
      : predictedClasses(target, 0.5);
  if (formatShape(classes.shape) === labelShape) return classes;
  throw new AdjointError(
    "shape-mismatch",
    `accuracy: targets must be labels ${labelShape} or of the outputs' shape ${formatShape(output.shape)}, received ${target.dtype}${formatShape(target.shape)}`,
    { operation: "accuracy", argument: "target", expected: labelShape, received: formatShape(target.shape) },
  );
}

/** The fraction of rows whose predicted class is the target's. */
export function accuracyMetric(threshold: number): Metric {
  return {
    name: "accuracy",
    // a count is exact, and in float64 so is its share but for the last digit: 0.95 is not shown as 0.949999988
    compute(output, target) {
      const right = predictedClasses(output, threshold).eq(targetClasses(output, target));
      return right.cast("float64").sum().div(right.size);
    },
  };
}

/**
 * Refuses labels the outputs have no class for: one-hot encoded they would be silent rows of zeros. A loss of the user's own
 * may mean something else by integers, so only the library's losses are checked.
 * @throws AdjointError `invalid-data`
 */
export function checkLabelRange(
  loss: Loss,
  largestLabel: number | undefined,
  output: Tensor,
  operation: string,
): void {
  if (largestLabel === undefined || !Object.values<Loss>(lossesByName).includes(loss)) return;
  const classes = classesOf(output);
  if (largestLabel < classes) return;
  throw new AdjointError(
    "invalid-data",
    `${operation}: the data have a label ${largestLabel}, but the model tells ${classes} classes apart, 0 … ${classes - 1}; give its last layer an output for each class`,
    { operation, argument: "data", expected: `labels below ${classes}`, received: String(largestLabel) },
  );
}
