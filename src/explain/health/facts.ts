/** What the rules look at: a recorded network, its numbers, its examples, and what its loss and outputs are. */
import { isTensor, oneHot, type Tensor, tensor } from "../../index.js";
import type { Loss } from "../../losses/index.js";
import * as losses from "../../losses/index.js";
import type { Anatomy } from "./anatomy.js";
import type { Batch } from "./examples.js";
import type { MeasuredLayer } from "./measure.js";
import type { Thresholds } from "./thresholds.js";

/** Everything a rule may ask. */
export interface Facts {
  readonly anatomy: Anatomy;
  readonly layers: readonly MeasuredLayer[];
  readonly batch: Batch;
  readonly loss: Loss;
  readonly lossName: string;
  readonly lossValue: number;
  /** What outputs cost that are the same for every example; null where that is not known. */
  readonly constantLoss: number | null;
  readonly output: Tensor;
  /** Targets in the shape of the outputs; null where they are something else. */
  readonly target: Tensor | null;
  readonly thresholds: Thresholds;
  readonly seed: number;
  /** Whether a short run takes the loss below that of constant outputs; null where there was none. */
  readonly learns: boolean | null;
}

/** The name of a loss of the library, else of the function. */
export function lossNameOf(loss: Loss): string {
  const found = Object.entries(losses).find(([, value]) => value === loss);
  return found?.[0] ?? (loss.name || "a function");
}

/** Targets as numbers beside the outputs: labels one-hot encoded, or as they are beside a single output. */
export function denseTargets(output: Tensor, y: Tensor): Tensor | null {
  const isLabels = y.dtype === "int32" && y.rank === output.rank - 1;
  const classes = output.shape[output.rank - 1];
  if (isLabels && classes === 1) return y.cast(output.dtype).expandDims(-1);
  if (isLabels) return oneHot(y, classes, { dtype: output.dtype });
  return y.shape.join() === output.shape.join() ? y.cast(output.dtype) : null;
}

/** Losses that take logits, or logarithms of probabilities: at 0 all classes are alike. */
const ofClasses = new Set(["softmaxCrossEntropy", "sigmoidCrossEntropy", "negativeLogLikelihood"]);
const ofNumbers = new Set(["quadratic", "meanSquaredError", "absoluteError", "huber"]);

/** What an undecided unit gives: the activation of z = 0. */
function undecided(activation: string | null, classes: number): number | null {
  if (activation === "softmax") return 1 / classes;
  return activation === "sigmoid" ? 0.5 : activation === "tanh" ? 0 : null;
}

/**
 * What outputs cost that are the same for every example: undecided ones where they stand for classes or end in an activation,
 * −ln(1/C) for a softmax of C; the mean of the targets where they are plain numbers.
 */
export function constantLossOf(
  name: string,
  loss: Loss,
  output: Tensor,
  y: Tensor,
  activation: string | null,
): number | null {
  const target = denseTargets(output, y);
  if (target === null) return null;
  const classes = output.shape[output.rank - 1];
  const like = (value: number): Tensor =>
    tensor(new Float64Array(output.size).fill(value), { shape: output.shape, dtype: output.dtype });
  if (name === "negativeLogLikelihood") return loss(like(-Math.log(classes)), y).itemSync();
  if (ofClasses.has(name)) return loss(like(0), y).itemSync();
  if (!ofNumbers.has(name)) return null;
  const middle = undecided(activation, classes);
  if (middle !== null) return loss(like(middle), y).itemSync();
  return loss(target.mean(0, { keepDims: true }).broadcastTo(output.shape), y).itemSync();
}

/** The elements of a tensor, or nothing. */
export function numbersOf(value: Tensor | null): ArrayLike<number> {
  return isTensor(value) ? value.dataSync() : [];
}
