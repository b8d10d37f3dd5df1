/** Measures of classes: how often the right one is found, and what of each is found. */
import { arange, full, oneHot, type Tensor } from "../../index.js";
import { checkOptionNames, invalidArgument, isNatural } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { classesOf, predictedClasses, targetClasses } from "./labels.js";
import type { MergedMetric, Metric, MetricContext } from "./metric.js";

/**
 * The fraction of rows whose predicted class is the target's. The class of a row of outputs is that of the largest, the
 * first of several; of a single output, 1 where it is above the threshold. A row with a NaN is of no class.
 *
 * @example train.metrics.accuracy().name; // → accuracy
 */
export function accuracy(): Metric {
  return accuracyMetric;
}

const accuracyMetric: Metric = {
  name: "accuracy",
  better: "higher",
  labels: true,
  // a count is exact, and in float64 so is its share but for the last digit: 0.95 is not shown as 0.949999988
  compute(output, target, { threshold }) {
    const right = rightRows(output, target, threshold);
    return right.cast("float64").sum().div(right.size);
  },
};

/** Which rows are taken for what they are: none with a NaN, which has no largest output. */
function rightRows(output: Tensor, target: Tensor, threshold: number): Tensor {
  const unknown = output.rank < 2 ? output.isNaN() : output.isNaN().any(-1);
  return predictedClasses(output, threshold).eq(targetClasses(output, target)).and(unknown.not());
}

/**
 * The fraction of rows whose class is among the k largest outputs. Of equal outputs the first counts as the larger, so that
 * topK(1) is the accuracy; a NaN is among the largest of nothing.
 *
 * @param k at most the number of classes has an effect
 * @returns a metric named `top5` for k = 5
 * @throws AdjointError `invalid-argument` unless k is an integer of at least 1
 * @example
 * const scores = { x: tensor([[3, 2, 1], [3, 2, 1]]), y: tensor([1, 2], { dtype: "int32" }) };
 * const identity = new nn.Activation("identity");
 * (await train.evaluate(identity, scores, [train.metrics.topK(2)])).top2; // → 0.5
 */
export function topK(k: number): Metric {
  if (!isNatural(k) || k === 0)
    throw invalidArgument("metrics.topK", "k", "an integer of at least 1", formatReceived(k));
  return {
    name: `top${k}`,
    better: "higher",
    labels: true,
    compute(output, target, { threshold }) {
      const truth = targetClasses(output, target);
      const classes = classesOf(output);
      if (output.rank < 2 || output.shape[output.rank - 1] === 1) {
        const right = rightRows(output, target, threshold);
        return k >= classes ? full([], 1, { dtype: "float64" }) : right.cast("float64").mean();
      }
      const label = truth.expandDims(-1);
      const own = output.takeAlong(label.clip(0, classes - 1), -1);
      const isFirst = arange(classes, undefined, undefined, { dtype: "int32" }).lt(label);
      // not "larger": a NaN is in front of every number, itself among them
      const inFront = output.le(own).not().or(output.eq(own).and(isFirst));
      return inFront.cast("int32").sum(-1).lt(k).cast("float64").mean();
    },
  };
}

/** What precision, recall and F1 are averaged over. */
export type Average = "binary" | "macro" | "micro" | "weighted";

/** How precision, recall and F1 become one number. */
export interface ClassOptions {
  /**
   * "binary": of class 1, where there are two. "macro": the mean over the classes that occur, as target or as output.
   * "weighted": that mean weighted by how often each is the target. "micro": of the hits of all classes together, which is the
   * accuracy. Default: "binary" for two classes, "macro" for more.
   */
  readonly average?: Average;
  /** The value of this class alone, instead of an average. */
  readonly class?: number;
}

/** Of each class: how often it was right, predicted, and meant. */
interface Counts {
  readonly hits: Tensor;
  readonly predicted: Tensor;
  readonly support: Tensor;
}

/** The same as numbers. */
export interface ClassCounts {
  readonly hits: number;
  readonly predicted: number;
  readonly support: number;
}

type Formula = (counts: ClassCounts) => number;

/** 0 ÷ 0 is 0: what never occurs is not found. */
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

export const precisionOf: Formula = ({ hits, predicted }) => ratio(hits, predicted);
export const recallOf: Formula = ({ hits, support }) => ratio(hits, support);
export const f1Of: Formula = ({ hits, predicted, support }) => ratio(2 * hits, predicted + support);

/**
 * Precision: of the rows taken for a class, the share that is of it; 0 where none was taken for it.
 *
 * @returns a metric named `precision`, or by what was asked for: `precision-macro`, `precision-class-2`
 * @throws AdjointError `invalid-argument`
 * @example
 * const x = tensor([[2, 1], [1, 2], [1, 2]]);
 * const examples = { x, y: tensor([0, 0, 1], { dtype: "int32" }) };
 * (await train.evaluate(new nn.Activation("identity"), examples, ["precision"])).precision; // → 0.5
 */
export function precision(options: ClassOptions = {}): Metric {
  return classMetric("precision", precisionOf, options);
}

/**
 * Recall: of the rows of a class, the share that is taken for it; 0 where there are none.
 *
 * @returns a metric named `recall`, or by what was asked for: `recall-macro`, `recall-class-2`
 * @throws AdjointError `invalid-argument`
 * @example
 * const x = tensor([[2, 1], [1, 2], [1, 2]]);
 * const examples = { x, y: tensor([0, 0, 1], { dtype: "int32" }) };
 * (await train.evaluate(new nn.Activation("identity"), examples, ["recall"])).recall; // → 1
 */
export function recall(options: ClassOptions = {}): Metric {
  return classMetric("recall", recallOf, options);
}

/**
 * F1: the harmonic mean of precision and recall, 2 · hits ÷ (predicted + meant); 0 where a class is neither.
 *
 * @returns a metric named `f1`, or by what was asked for: `f1-macro`, `f1-class-2`
 * @throws AdjointError `invalid-argument`
 * @example
 * const x = tensor([[2, 1], [1, 2], [1, 2]]);
 * const examples = { x, y: tensor([0, 0, 1], { dtype: "int32" }) };
 * const f1 = train.metrics.f1({ class: 0 });
 * (await train.evaluate(new nn.Activation("identity"), examples, [f1]))["f1-class-0"].toFixed(3); // → 0.667
 */
export function f1(options: ClassOptions = {}): Metric {
  return classMetric("f1", f1Of, options);
}

const averages: readonly Average[] = ["binary", "macro", "micro", "weighted"];

function classMetric(word: string, formula: Formula, options: ClassOptions): Metric {
  const operation = `metrics.${word}`;
  checkOptionNames(options, ["average", "class"], operation);
  const { average, class: one } = options;
  if (average !== undefined && !averages.includes(average))
    throw invalidArgument(operation, "average", averages.join(" | "), formatReceived(average));
  if (one !== undefined && !isNatural(one))
    throw invalidArgument(operation, "class", "the number of a class, from 0", formatReceived(one));
  if (one !== undefined && average !== undefined)
    throw invalidArgument(operation, "average", "left out where class is given", formatReceived(average));
  const suffix = one !== undefined ? `-class-${one}` : average === undefined ? "" : `-${average}`;
  const metric: MergedMetric<Counts> = {
    name: `${word}${suffix}`,
    better: "higher",
    labels: true,
    summarize: (output, target, context) => {
      const classes = classesOf(output);
      if (one !== undefined && one >= classes)
        throw invalidArgument(operation, "class", `below ${classes}, the model's classes`, String(one));
      if (average === "binary" && classes !== 2)
        throw invalidArgument(
          operation,
          "average",
          `"macro", "micro" or "weighted" for ${classes} classes`,
          '"binary"',
        );
      return countsOf(output, target, context);
    },
    async result(total) {
      const counts = await readCounts(total);
      if (one !== undefined) return formula(counts[one]);
      return averaged(counts, formula, average ?? (counts.length === 2 ? "binary" : "macro"));
    },
  };
  return metric;
}

function countsOf(output: Tensor, target: Tensor, { threshold }: MetricContext): Counts {
  const classes = classesOf(output);
  const truth = oneHot(targetClasses(output, target).flatten(), classes, { dtype: "int32" });
  const guess = oneHot(predictedClasses(output, threshold).flatten(), classes, { dtype: "int32" });
  return { hits: truth.mul(guess).sum(0), predicted: guess.sum(0), support: truth.sum(0) };
}

async function readCounts({ hits, predicted, support }: Counts): Promise<ClassCounts[]> {
  const [right, guessed, meant] = await Promise.all([hits.data(), predicted.data(), support.data()]);
  return Array.from(right, (count, i) => ({ hits: count, predicted: guessed[i], support: meant[i] }));
}

export function averaged(counts: readonly ClassCounts[], formula: Formula, average: Average): number {
  const total = (part: (one: ClassCounts) => number): number =>
    counts.reduce((sum, one) => sum + part(one), 0);
  switch (average) {
    case "binary":
      return formula(counts[1]);
    case "micro":
      return formula({
        hits: total(({ hits }) => hits),
        predicted: total(({ predicted }) => predicted),
        support: total(({ support }) => support),
      });
    case "weighted":
      return ratio(
        total((one) => one.support * formula(one)),
        total(({ support }) => support),
      );
    case "macro": {
      // a class that is neither meant nor predicted is not there
      const there = counts.filter(({ predicted, support }) => predicted + support > 0);
      return ratio(
        there.reduce((sum, one) => sum + formula(one), 0),
        there.length,
      );
    }
  }
}
