/**
 * The area under the ROC curve: how likely an example of a class gets a larger score than one that is not of it (Hanley and
 * McNeil 1982), a tie counting one half. It is counted from all scores in order, so no threshold is chosen and nothing is rounded.
 */
import type { Tensor } from "../../index.js";
import { checkOptionNames, invalidArgument, isNatural } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { classesOf, isSingle, targetClasses } from "./labels.js";
import type { MergedMetric, Metric } from "./metric.js";

/** How the area of several classes becomes one number, and what the outputs are. */
export interface AucOptions {
  /** "macro": the mean over the classes, each against all others; "weighted": weighted by their examples. Default "macro". */
  readonly average?: "macro" | "weighted";
  /** The area of this class against all others alone. */
  readonly class?: number;
  /**
   * What the outputs of more than two classes are. Logits go through a softmax first, as scores of different examples must be
   * comparable. Default: probabilities where no output of the data is negative and each row adds up to 1, else logits.
   */
  readonly outputs?: "logits" | "probabilities";
}

/** How far from 1 a row of float32 probabilities may add up to: a thousand roundings of 6e-8, and room. */
const sumTolerance = 1e-3;

interface Scores {
  /** float64 [rows] of two classes, [rows, classes] of more. */
  readonly scores: Tensor;
  readonly labels: Tensor;
}

/**
 * The area under the ROC curve, from 0 to 1; ½ for scores that say nothing. Of two classes it is that of class 1; of more, one
 * against the rest. A class without examples, or without others, has no curve and is left out; where none has one, the area is NaN.
 * Keeps all scores until the end: 8 bytes for each example and class.
 *
 * @returns a metric named `auc`, or by what was asked for: `auc-weighted`, `auc-class-2`
 * @throws AdjointError `invalid-argument`
 * @example
 * const scores = { x: tensor([[0.1], [0.4], [0.35], [0.8]]), y: tensor([0, 0, 1, 1], { dtype: "int32" }) };
 * (await train.evaluate(new nn.Activation("identity"), scores, ["auc"])).auc; // → 0.75
 */
export function auc(options: AucOptions = {}): Metric {
  checkOptionNames(options, ["average", "class", "outputs"], "metrics.auc");
  const { average, class: one, outputs } = options;
  if (average !== undefined && average !== "macro" && average !== "weighted")
    throw invalidArgument("metrics.auc", "average", "macro | weighted", formatReceived(average));
  if (outputs !== undefined && outputs !== "logits" && outputs !== "probabilities")
    throw invalidArgument("metrics.auc", "outputs", "logits | probabilities", formatReceived(outputs));
  if (one !== undefined && !isNatural(one))
    throw invalidArgument("metrics.auc", "class", "the number of a class, from 0", formatReceived(one));
  if (one !== undefined && average !== undefined)
    throw invalidArgument("metrics.auc", "average", "left out where class is given", formatReceived(average));
  const suffix = one !== undefined ? `-class-${one}` : average === undefined ? "" : `-${average}`;
  const metric: MergedMetric<Scores> = {
    name: `auc${suffix}`,
    better: "higher",
    labels: true,
    merge: "concat",
    summarize(output, target) {
      const classes = classesOf(output);
      if (one !== undefined && one >= classes)
        throw invalidArgument(
          "metrics.auc",
          "class",
          `below ${classes}, the model's classes`,
          formatReceived(one),
        );
      const labels = targetClasses(output, target, "auc").flatten();
      const exact = output.cast("float64");
      if (isSingle(output)) return { scores: exact.flatten(), labels };
      const rows = exact.reshape([labels.size, classes]);
      // of two logits the softmax grows with their difference, and so it is for two probabilities
      return { scores: classes === 2 ? rows.slice(null, 1).sub(rows.slice(null, 0)) : rows, labels };
    },
    async result({ scores, labels }) {
      const [values, truth] = [await scores.data(), await labels.data()];
      // the curve of class 0, its scores being the opposite, has the same area
      if (scores.rank === 1) return areaOf(values, 0, 1, truth, 1);
      const classes = scores.shape[1];
      const isLogits = outputs === undefined ? !areProbabilities(values, classes) : outputs === "logits";
      const comparable = isLogits ? softmaxRows(values, classes) : values;
      const area = (label: number): number => areaOf(comparable, label, classes, truth, label);
      if (one !== undefined) return area(one);
      let [sum, weights] = [0, 0];
      for (let label = 0; label < classes; label++) {
        const count = countOf(truth, label);
        if (count === 0 || count === truth.length) continue;
        const weight = average === "weighted" ? count : 1;
        sum += weight * area(label);
        weights += weight;
      }
      return sum / weights;
    },
  };
  return metric;
}

function countOf(truth: ArrayLike<number>, label: number): number {
  let count = 0;
  for (let i = 0; i < truth.length; i++) if (truth[i] === label) count++;
  return count;
}

function areProbabilities(values: ArrayLike<number>, classes: number): boolean {
  for (let start = 0; start < values.length; start += classes) {
    let sum = 0;
    for (let i = start; i < start + classes; i++) {
      if (!(values[i] >= 0)) return false;
      sum += values[i];
    }
    if (Math.abs(sum - 1) > sumTolerance) return false;
  }
  return true;
}

function softmaxRows(values: ArrayLike<number>, classes: number): Float64Array {
  const rows = Float64Array.from(values);
  for (let start = 0; start < rows.length; start += classes) {
    const row = rows.subarray(start, start + classes);
    const largest = row.reduce((most, value) => (value > most || Number.isNaN(value) ? value : most));
    let sum = 0;
    for (let i = 0; i < classes; i++) {
      row[i] = Math.exp(row[i] - largest);
      sum += row[i];
    }
    for (let i = 0; i < classes; i++) row[i] /= sum;
  }
  return rows;
}

/**
 * The share of pairs of an example of the class and one that is not in which the first has the larger score.
 *
 * @param from the first score, and `step` from one to the next
 */
function areaOf(
  values: ArrayLike<number>,
  from: number,
  step: number,
  truth: ArrayLike<number>,
  label: number,
): number {
  const inside: number[] = [];
  const outside: number[] = [];
  for (let i = 0; i < truth.length; i++) {
    const score = values[from + i * step];
    if (Number.isNaN(score)) return Number.NaN;
    (truth[i] === label ? inside : outside).push(score);
  }
  const positives = Float64Array.from(inside).sort();
  const negatives = Float64Array.from(outside).sort();
  // of each positive: the negatives below, and half of those beside it
  let [below, upTo, wins] = [0, 0, 0];
  for (const score of positives) {
    while (below < negatives.length && negatives[below] < score) below++;
    while (upTo < negatives.length && negatives[upTo] <= score) upTo++;
    wins += below + upTo;
  }
  return wins / (2 * positives.length * negatives.length);
}
