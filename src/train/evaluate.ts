/** Measuring a model on data it does not learn from. */
import type { ExampleStream } from "../data/index.js";
import { full, jit, type Tensor } from "../index.js";
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import { invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { identityOf } from "../util/tree.js";
import { defaultBatchSize } from "./batches.js";
import { classesOf, labelShapeOf } from "./metrics/labels.js";
import { accumulatorOf, contribution, type Metric } from "./metrics/metric.js";
import { type MetricName, resolveMetric } from "./metrics/names.js";
import { type Examined, eachExamined, examinedOf, hasLabels, largestLabelOf } from "./metrics/pass.js";
import { checkModel, outputsOf } from "./model.js";
import {
  isClassification,
  isLibraryLoss,
  type LossName,
  labelOutOfRange,
  resolveLoss,
  thresholdOf,
} from "./objective.js";
import { checkEvaluateOptions } from "./options.js";
import type { Data } from "./source.js";

/** How a model is measured. */
export interface EvaluateOptions {
  /** What "loss" measures; also tells a single output's threshold: 0 for sigmoidCrossEntropy, ½ otherwise. */
  readonly loss?: LossName | Loss;
  /** Examples evaluated at once. Default 1000. */
  readonly batchSize?: number;
  /** Above which a single output means class 1. Default: see `loss`. */
  readonly threshold?: number;
}

/** Measurements by the names of their metrics. */
export type Measurements = Record<string, number>;

/** What one batch contributes to each metric, and how many classes the outputs tell apart where the targets are labels, else 0. */
type Measure = (model: Module, x: Tensor, y: Tensor) => [contributions: unknown[], classes: Tensor];

/** Compiled; kept as long as its loss lives, so that evaluating again compiles nothing. */
const measures = new WeakMap<Loss, Map<string, Measure>>();
const noLoss: Loss = (output) => output;

function measureOf(
  metrics: readonly Metric[],
  loss: Loss | undefined,
  threshold: number,
  operation: string,
): Measure {
  const owner = loss ?? noLoss;
  const known = measures.get(owner) ?? new Map<string, Measure>();
  measures.set(owner, known);
  const key = `${metrics.map(identityOf).join()} ${threshold} ${operation}`;
  let measure = known.get(key);
  if (measure === undefined) {
    measure = jit((model: Module, x: Tensor, y: Tensor): [unknown[], Tensor] => {
      const output = outputsOf(model, x, { train: false }, operation);
      const areLabels = y.dtype === "int32" && y.shape.join() === labelShapeOf(output).join();
      const classes = full([], areLabels ? classesOf(output) : 0, { dtype: "int32" });
      return [metrics.map((metric) => contribution(metric, output, y, { threshold }, operation)), classes];
    });
    known.set(key, measure);
  }
  return measure;
}

// one metric object for each loss, so that `measureOf` knows it again
const lossMetrics = new WeakMap<Loss, Metric>();

function lossMetric(loss: Loss): Metric {
  const metric: Metric = lossMetrics.get(loss) ?? {
    name: "loss",
    better: "lower",
    labels: isLibraryLoss(loss),
    compute: (output, target) => loss(output, target),
  };
  lossMetrics.set(loss, metric);
  return metric;
}

/** @throws AdjointError `invalid-argument` */
export function resolveMetrics(
  metrics: readonly (MetricName | Metric)[] | undefined,
  data: Examined,
  loss: Loss | undefined,
  operation: string,
): Metric[] {
  const classify = hasLabels(data) || isClassification(loss);
  const natural: MetricName[] = [
    ...(loss === undefined ? [] : (["loss"] as const)),
    ...(classify ? (["accuracy"] as const) : []),
  ];
  if (metrics !== undefined && !Array.isArray(metrics))
    throw invalidArgument(operation, "metrics", 'an array such as ["loss"]', formatReceived(metrics));
  const chosen = new Map<string, Metric>();
  for (const one of metrics ?? natural) {
    const metric = one === "loss" && loss !== undefined ? lossMetric(loss) : resolveOther(one, operation);
    const other = chosen.get(metric.name);
    if (other !== undefined && other !== metric)
      throw invalidArgument(operation, "metrics", "of different names", `two called ${metric.name}`);
    chosen.set(metric.name, metric);
  }
  if (chosen.size > 0) return [...chosen.values()];
  throw new AdjointError("invalid-argument", `${operation}: nothing to measure: name metrics, or a loss`, {
    operation,
    argument: "metrics",
  });
}

function resolveOther(metric: unknown, operation: string): Metric {
  if (metric !== "loss") return resolveMetric(metric, operation);
  throw new AdjointError(
    "invalid-argument",
    `${operation}: to measure "loss", say which: { loss: "softmaxCrossEntropy" }`,
    { operation, argument: "options.loss", expected: "a loss" },
  );
}

/** The metrics over all examples, each in its own way. */
export async function measureAll(
  model: Module,
  data: Examined,
  metrics: readonly Metric[],
  loss: Loss | undefined,
  batchSize = defaultBatchSize,
  { threshold = thresholdOf(loss), operation = "evaluate" } = {},
): Promise<Measurements> {
  const measure = measureOf(metrics, loss, threshold, operation);
  const accumulators = metrics.map((metric) => accumulatorOf(metric, operation));
  // a label the outputs have no class for would be a silent row of zeros
  const checksLabels = isLibraryLoss(loss) || metrics.some(({ labels = false }) => labels);
  await eachExamined(data, model, batchSize, operation, async (x, y, count) => {
    const [contributions, told] = measure(model, x, y);
    const classes = checksLabels ? await told.item() : 0;
    if (classes > 0) {
      const largest = await largestLabelOf(data, y, operation);
      if (largest >= classes) throw labelOutOfRange(largest, classes, operation);
    }
    for (const [i, accumulator] of accumulators.entries()) await accumulator.add(contributions[i], count);
  });
  const values: Measurements = {};
  for (const [i, { name }] of metrics.entries()) values[name] = await accumulators[i].value();
  return values;
}

/**
 * Measures a model on data, in large compiled batches, with `train: false`. What comes out does not depend on the batches, but for
 * the rounding of sums: means are those over all examples, and measures that are no means (F1, the area under the curve, R²) are
 * made of what all batches contribute.
 *
 * @param data a dataset, { x, y } of tensors with the examples along axis 0, or a stream
 * @param metrics by name: "loss" (which needs `options.loss`), "accuracy" (the fraction of examples whose largest output is the
 * right class), "top5" and its like, "precision", "recall", "f1", "auc", "logLoss", "perplexity", "meanAbsoluteError",
 * "meanSquaredError", "rootMeanSquaredError", "r2"; or with options, such as `train.metrics.f1({ average: "macro" })`; or one of your
 * own, { name, compute } or `train.metrics.define`. Default: the loss where one is given, and the accuracy where the targets are
 * labels or the loss is one of classes
 * @throws AdjointError `invalid-argument`, `shape-mismatch`, `invalid-data`
 * @example
 * const identity = new nn.Activation("identity");
 * const examples = { x: tensor([[1, 0], [0, 1], [0, 1]]), y: tensor([0, 1, 0], { dtype: "int32" }) };
 * const { accuracy, f1 } = await train.evaluate(identity, examples, ["accuracy", "f1"]);
 * [accuracy.toFixed(3), f1.toFixed(3)]; // → 0.667,0.667
 */
export async function evaluate(
  model: Module,
  data: Data | ExampleStream,
  metrics?: readonly (MetricName | Metric)[],
  options: EvaluateOptions = {},
): Promise<Measurements> {
  checkModel(model, "evaluate");
  checkEvaluateOptions(options, ["loss", "batchSize", "threshold"], "evaluate");
  const loss = options.loss === undefined ? undefined : resolveLoss(options.loss, "evaluate");
  const examined = await examinedOf(data, "evaluate", "data");
  const chosen = resolveMetrics(metrics, examined, loss, "evaluate");
  return measureAll(model, examined, chosen, loss, options.batchSize, {
    ...(options.threshold !== undefined && { threshold: options.threshold }),
  });
}
