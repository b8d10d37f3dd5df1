/**
 * What a measurement is. Some are means over the examples and combine as means do. Others are not (F1, the area under a
 * curve, R²): of these, each batch gives a summary, two summaries make one, and the last one is the result, so that it does
 * not depend on how the examples were cut into batches.
 */
import { concat, isTensor, type Tensor } from "../../index.js";
import { checkOptions, invalidArgument } from "../../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../../util/errors.js";
import { flatten, sameStructure, unflatten } from "../../util/tree.js";

/** What a metric is told besides outputs and targets. */
export interface MetricContext {
  /** Above which a single output means class 1: 0 for logits, ½ for probabilities. */
  readonly threshold: number;
}

/** What all metrics say of themselves. */
interface Described {
  /** The key of its value. */
  readonly name: string;
  /** Which values are the better ones; lets a run keep its best model. */
  readonly better?: "higher" | "lower";
  /** Integer targets are labels that the outputs must have a class for: the data are checked. Default false. */
  readonly labels?: boolean;
}

/** A measurement that is a mean over the examples, so that batches of any size combine to the mean over all. */
export interface MeanMetric extends Described {
  /** The mean over the batch, a scalar; compiled, so it may only compute. */
  compute(output: Tensor, target: Tensor, context: MetricContext): Tensor;
}

/** A measurement that is no mean: made of a summary of all examples, which grows batch by batch. */
export interface MergedMetric<Summary> extends Described {
  /** What one batch contributes, a tree of tensors; compiled, so it may only compute. */
  summarize(output: Tensor, target: Tensor, context: MetricContext): Summary;
  /**
   * How the contributions of two batches become that of both: "add", tensor by tensor; "concat", one behind the other along
   * axis 0; or a function. Default "add".
   */
  readonly merge?: "add" | "concat" | ((earlier: Summary, later: Summary) => Summary);
  /** The value, from the contributions of all examples. */
  result(total: Summary): number | Tensor | Promise<number>;
}

/** A merged metric of whatever summary: it takes back only what it gave. */
export interface AnyMergedMetric extends Described {
  summarize(output: Tensor, target: Tensor, context: MetricContext): unknown;
  readonly merge?: "add" | "concat" | ((earlier: never, later: never) => unknown);
  result(total: never): number | Tensor | Promise<number>;
}

/** Anything that `evaluate` and `fit` measure. */
export type Metric = MeanMetric | AnyMergedMetric;

/**
 * A metric of one's own with a summary, its types inferred and its fields checked.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const largestError = train.metrics.define({
 *   name: "largest error",
 *   summarize: (output, target) => output.sub(target).abs().max(),
 *   merge: (a, b) => a.maximum(b),
 *   result: (total) => total,
 * });
 * const points = { x: tensor([[1], [2], [5]]), y: tensor([[1], [1], [2]]) };
 * const identity = new nn.Activation("identity");
 * (await train.evaluate(identity, points, [largestError], { batchSize: 2 }))["largest error"]; // → 3
 */
export function define<Summary>(metric: MergedMetric<Summary>): MergedMetric<Summary> {
  const expected = "an object such as { name, summarize, result }";
  checkOptions(metric, "metrics.define", expected, "metric");
  if (!isMetric(metric)) throw invalidArgument("metrics.define", "metric", expected, formatReceived(metric));
  return metric;
}

export function isMerged(metric: Metric): metric is AnyMergedMetric {
  return "summarize" in metric;
}

export function isMetric(value: unknown): value is Metric {
  if (typeof value !== "object" || value === null) return false;
  const given = value as Partial<MeanMetric> & Partial<AnyMergedMetric>;
  if (typeof given.name !== "string") return false;
  if (typeof given.compute === "function") return true;
  const { merge } = given;
  const merges = merge === undefined || merge === "add" || merge === "concat" || typeof merge === "function";
  return typeof given.summarize === "function" && typeof given.result === "function" && merges;
}

/** What one batch gives: a scalar of a mean, a tree of tensors of the others. Inside the compiled program. */
export function contribution(
  metric: Metric,
  output: Tensor,
  target: Tensor,
  context: MetricContext,
  operation: string,
): unknown {
  if (!isMerged(metric))
    return checkScalar(
      metric.compute(output, target, context),
      metric.name,
      `${operation}: the metric ${metric.name} must give`,
      operation,
    );
  const summary = metric.summarize(output, target, context);
  if (flatten(summary, isTensor, operation).leaves.length > 0) return summary;
  throw invalidArgument(
    operation,
    `what summarize of the metric ${metric.name} gives`,
    "a tree of tensors",
    formatReceived(summary),
  );
}

/** @throws AdjointError `non-scalar-output` for a metric of the user's that gives anything else */
function checkScalar(value: unknown, name: string, begin: string, operation: string): Tensor {
  if (isTensor(value) && value.rank === 0) return value;
  const received = isTensor(value) ? formatShape(value.shape) : formatReceived(value);
  throw new AdjointError(
    "non-scalar-output",
    `${begin} a scalar tensor, received ${received}; reduce it with mean()`,
    { operation, argument: `metrics: ${name}`, expected: "shape []", received },
  );
}

/** A metric at work: contributions in, one after the other, the value out. */
export interface Accumulator {
  add(contributed: unknown, examples: number): Promise<void>;
  value(): Promise<number>;
}

export function accumulatorOf(metric: Metric, operation: string): Accumulator {
  if (!isMerged(metric)) return new Mean();
  return metric.merge === "concat" ? new Gathered(metric, operation) : new Merged(metric, operation);
}

/** Σ mean · examples ÷ Σ examples, in float64. */
class Mean implements Accumulator {
  private sum = 0;
  private examples = 0;

  async add(contributed: unknown, examples: number): Promise<void> {
    this.sum += (await (contributed as Tensor).item()) * examples;
    this.examples += examples;
  }

  async value(): Promise<number> {
    return this.sum / this.examples;
  }
}

class Merged implements Accumulator {
  private readonly metric: AnyMergedMetric;
  private readonly operation: string;
  private total: unknown;

  constructor(metric: AnyMergedMetric, operation: string) {
    this.metric = metric;
    this.operation = operation;
  }

  async add(contributed: unknown): Promise<void> {
    this.total = this.total === undefined ? contributed : this.merged(this.total, contributed);
  }

  private merged(earlier: unknown, later: unknown): unknown {
    const { merge } = this.metric;
    // what summarize gave is what merge takes
    if (typeof merge === "function") return merge(earlier as never, later as never);
    const a = flatten(earlier, isTensor);
    const b = flatten(later, isTensor);
    if (sameStructure(a.structure, b.structure))
      return unflatten(
        a.structure,
        a.leaves.map((leaf, i) => leaf.add(b.leaves[i])),
      );
    throw invalidArgument(
      this.operation,
      `what summarize of the metric ${this.metric.name} gives`,
      "the same tree for every batch",
      "another",
    );
  }

  async value(): Promise<number> {
    return resultOf(this.metric, this.total, this.operation);
  }
}

/** Contributions one behind the other, joined once at the end. */
class Gathered implements Accumulator {
  private readonly metric: AnyMergedMetric;
  private readonly operation: string;
  private readonly parts: unknown[] = [];

  constructor(metric: AnyMergedMetric, operation: string) {
    this.metric = metric;
    this.operation = operation;
  }

  async add(contributed: unknown): Promise<void> {
    this.parts.push(contributed);
  }

  async value(): Promise<number> {
    const flat = this.parts.map((part) => flatten(part, isTensor));
    const [{ structure, leaves }] = flat;
    const joined = leaves.map((leaf, i) =>
      flat.length === 1
        ? leaf
        : concat(
            flat.map((part) => part.leaves[i]),
            0,
          ),
    );
    return resultOf(this.metric, unflatten(structure, joined), this.operation);
  }
}

/** @throws AdjointError `non-scalar-output` for what is no number */
async function resultOf(metric: AnyMergedMetric, total: unknown, operation: string): Promise<number> {
  const value: unknown = await metric.result(total as never);
  if (typeof value === "number") return value;
  const begin = `${operation}: the result of the metric ${metric.name} must be a number or`;
  return await checkScalar(value, metric.name, begin, operation).item();
}
