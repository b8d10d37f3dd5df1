/** How much probability the right class was given. */
import { full, oneHot, softplus, type Tensor, where } from "../../index.js";
import { checkOptionNames, invalidArgument } from "../../util/checks.js";
import { formatReceived } from "../../util/errors.js";
import { classesOf, isSingle, labelShapeOf, targetClasses } from "./labels.js";
import type { MergedMetric, Metric } from "./metric.js";

/** What the outputs are. */
export interface LikelihoodOptions {
  /** Logits, or probabilities after a softmax or sigmoid. Default "logits". */
  readonly outputs?: "logits" | "probabilities";
}

/** Probabilities below this, the spacing of float32 at 1, count as this: one that was rounded to 0 must not cost an infinity. */
const smallestProbability = 2 ** -23;

interface Surprise {
  /** Σ −log p. */
  readonly total: Tensor;
  readonly rows: Tensor;
}

/**
 * −log p of the target's class (natural logarithm), the mean over all rows, in float64; of a target that is a distribution,
 * the mean under it. Of a single output it is that of two classes.
 *
 * @returns a metric named `logLoss`
 * @throws AdjointError `invalid-argument`
 * @example
 * const halves = { x: tensor([[0], [0]]), y: tensor([[0], [1]]) };
 * (await train.evaluate(new nn.Activation("identity"), halves, ["logLoss"])).logLoss.toFixed(4); // → 0.6931
 */
export function logLoss(options: LikelihoodOptions = {}): Metric {
  return likelihood("logLoss", options, (mean) => mean);
}

/**
 * e to the mean of −log p: among how many equally likely classes one would be as unsure. For language, rows are positions:
 * outputs [batch, time, classes], labels [batch, time].
 *
 * @returns a metric named `perplexity`
 * @throws AdjointError `invalid-argument`
 * @example
 * const unsure = { x: zeros([2, 4]), y: tensor([3, 0], { dtype: "int32" }) };
 * (await train.evaluate(new nn.Activation("identity"), unsure, ["perplexity"])).perplexity.toFixed(3); // → 4.000
 */
export function perplexity(options: LikelihoodOptions = {}): Metric {
  return likelihood("perplexity", options, Math.exp);
}

function likelihood(name: string, options: LikelihoodOptions, value: (mean: number) => number): Metric {
  checkOptionNames(options, ["outputs"], `metrics.${name}`);
  const { outputs = "logits" } = options;
  if (outputs !== "logits" && outputs !== "probabilities")
    throw invalidArgument(`metrics.${name}`, "outputs", "logits | probabilities", formatReceived(outputs));
  const isLogits = outputs === "logits";
  const metric: MergedMetric<Surprise> = {
    name,
    better: "lower",
    labels: true,
    summarize(output, target) {
      const exact = output.cast("float64");
      const terms = isSingle(output)
        ? singleTerms(exact, targetOf(output, target, name), isLogits)
        : rowTerms(exact, distributionOf(output, target, name), isLogits);
      const rows = labelShapeOf(output).reduce((product, extent) => product * extent, 1);
      return { total: terms.sum(), rows: full([], rows, { dtype: "float64" }) };
    },
    async result({ total, rows }) {
      return value((await total.item()) / (await rows.item()));
    },
  };
  return metric;
}

/** The target of each single output, as numbers of its shape. */
function targetOf(output: Tensor, target: Tensor, name: string): Tensor {
  const isAlike = target.shape.join() === output.shape.join();
  return (isAlike ? target : targetClasses(output, target, name).reshape(output.shape)).cast("float64");
}

function distributionOf(output: Tensor, target: Tensor, name: string): Tensor {
  if (target.shape.join() === output.shape.join() && target.dtype !== "int32") return target.cast("float64");
  return oneHot(targetClasses(output, target, name), classesOf(output), { dtype: "float64" });
}

/** −y log p − (1 − y) log(1 − p) */
function singleTerms(output: Tensor, y: Tensor, isLogits: boolean): Tensor {
  if (isLogits) return softplus(output).sub(y.mul(output));
  const p = output.clip(smallestProbability, 1 - smallestProbability);
  return y.mul(p.log()).add(y.neg().add(1).mul(p.neg().log1p())).neg();
}

/** −y log p, where a probability that the target does not name costs nothing, were it 0. */
function rowTerms(output: Tensor, y: Tensor, isLogits: boolean): Tensor {
  const logs = isLogits ? output.logSoftmax(-1) : output.clip(smallestProbability, 1).log();
  return where(y.eq(0), 0, y.mul(logs.neg()));
}
