/** Measuring a model on data it does not learn from. */
import { isTensor, jit, type Tensor } from "../index.js";
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import { invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { identityOf } from "../util/tree.js";
import { defaultBatchSize, eachBatch } from "./batches.js";
import { checkModel, outputsOf } from "./model.js";
import {
  accuracyMetric,
  checkLabelRange,
  isClassification,
  type LossName,
  type Metric,
  type MetricName,
  resolveLoss,
  thresholdOf,
} from "./objective.js";
import { checkEvaluateOptions } from "./options.js";
import { type Data, type Source, sourceOf } from "./source.js";

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

/** Computes metrics of one batch, compiled; kept as long as its loss lives, so that evaluating again compiles nothing. */
type Measure = (model: Module, x: Tensor, y: Tensor) => Record<string, Tensor>;

const measures = new WeakMap<Loss, Map<string, Measure>>();
const noLoss: Loss = (output) => output;

function measureOf(
  metrics: readonly Metric[],
  loss: Loss | undefined,
  largestLabel: number | undefined,
): Measure {
  const owner = loss ?? noLoss;
  const known = measures.get(owner) ?? new Map<string, Measure>();
  measures.set(owner, known);
  const key = `${metrics.map(identityOf).join()} ${largestLabel}`;
  let measure = known.get(key);
  if (measure === undefined) {
    measure = jit((model: Module, x: Tensor, y: Tensor) => {
      const output = outputsOf(model, x, { train: false }, "evaluate");
      if (loss !== undefined) checkLabelRange(loss, largestLabel, output, "evaluate");
      return Object.fromEntries(metrics.map((metric) => [metric.name, measured(metric, output, y)]));
    });
    known.set(key, measure);
  }
  return measure;
}

/** @throws AdjointError `non-scalar-output` for a metric of the user's that gives anything else */
function measured(metric: Metric, output: Tensor, y: Tensor): Tensor {
  const value: unknown = metric.compute(output, y);
  if (isTensor(value) && value.rank === 0) return value;
  const received = isTensor(value) ? formatShape(value.shape) : formatReceived(value);
  throw new AdjointError(
    "non-scalar-output",
    `evaluate: the metric ${metric.name} must give a scalar tensor, received ${received}; reduce it with mean()`,
    { operation: "evaluate", argument: "metrics", expected: "shape []", received },
  );
}

// one metric object for each meaning, so that `measureOf` knows it again
const accuracies = new Map<number, Metric>();
const lossMetrics = new WeakMap<Loss, Metric>();

function accuracyAt(threshold: number): Metric {
  const metric = accuracies.get(threshold) ?? accuracyMetric(threshold);
  accuracies.set(threshold, metric);
  return metric;
}

function lossMetric(loss: Loss): Metric {
  const metric = lossMetrics.get(loss) ?? { name: "loss", compute: (output, target) => loss(output, target) };
  lossMetrics.set(loss, metric);
  return metric;
}

/** @throws AdjointError `invalid-argument` */
export function resolveMetrics(
  metrics: readonly (MetricName | Metric)[] | undefined,
  source: Source,
  loss: Loss | undefined,
  operation: string,
  threshold = thresholdOf(loss),
): Metric[] {
  const classify = source.largestLabel !== undefined || isClassification(loss);
  const natural: MetricName[] = [
    ...(loss === undefined ? [] : (["loss"] as const)),
    ...(classify ? (["accuracy"] as const) : []),
  ];
  if (metrics !== undefined && !Array.isArray(metrics))
    throw invalidArgument(operation, "metrics", 'an array such as ["loss"]', formatReceived(metrics));
  const chosen = (metrics ?? natural).map((metric) => {
    if (metric === "accuracy") return accuracyAt(threshold);
    if (metric === "loss") {
      if (loss !== undefined) return lossMetric(loss);
      throw new AdjointError(
        "invalid-argument",
        `${operation}: to measure "loss", say which: { loss: "softmaxCrossEntropy" }`,
        { operation, argument: "options.loss", expected: "a loss" },
      );
    }
    if (
      typeof metric === "object" &&
      metric !== null &&
      typeof metric.compute === "function" &&
      typeof metric.name === "string"
    )
      return metric;
    throw new AdjointError(
      "invalid-argument",
      `${operation}: a metric is "loss", "accuracy" or { name, compute }, received ${formatReceived(metric)}`,
      {
        operation,
        argument: "metrics",
        expected: '"loss" | "accuracy" | { name, compute }',
        received: formatReceived(metric),
      },
    );
  });
  if (chosen.length === 0)
    throw new AdjointError("invalid-argument", `${operation}: nothing to measure: name metrics, or a loss`, {
      operation,
      argument: "metrics",
    });
  return chosen;
}

/** Means over all examples. */
export async function measureAll(
  model: Module,
  source: Source,
  metrics: readonly Metric[],
  loss: Loss | undefined,
  batchSize = defaultBatchSize,
): Promise<Measurements> {
  const measure = measureOf(metrics, loss, source.largestLabel);
  const totals: Measurements = Object.fromEntries(metrics.map(({ name }) => [name, 0]));
  await eachBatch(source, model, batchSize, async (x, y, count) => {
    const values = measure(model, x, y);
    for (const { name } of metrics) totals[name] += (await values[name].item()) * count;
  });
  for (const { name } of metrics) totals[name] /= source.size;
  return totals;
}

/**
 * Measures a model on data: the mean of each metric over all examples, in large compiled batches, with `train: false`.
 *
 * @param data a dataset, or { x, y } of tensors with the examples along axis 0
 * @param metrics "loss" (which needs `options.loss`), "accuracy" (the fraction of examples whose largest output is the
 * right class), or { name, compute }. Default: the loss where one is given, and the accuracy where the targets are labels
 * or the loss is one of classes
 * @throws AdjointError `invalid-argument`, `shape-mismatch`, `invalid-data`
 * @example
 * const identity = new nn.Activation("identity");
 * const examples = { x: tensor([[1, 0], [0, 1], [0, 1]]), y: tensor([0, 1, 0], { dtype: "int32" }) };
 * const { accuracy } = await train.evaluate(identity, examples);
 * accuracy.toFixed(3); // → 0.667
 */
export async function evaluate(
  model: Module,
  data: Data,
  metrics?: readonly (MetricName | Metric)[],
  options: EvaluateOptions = {},
): Promise<Measurements> {
  checkModel(model, "evaluate");
  checkEvaluateOptions(options, ["loss", "batchSize", "threshold"], "evaluate");
  const { batchSize = defaultBatchSize } = options;
  const loss = options.loss === undefined ? undefined : resolveLoss(options.loss, "evaluate");
  const source = await sourceOf(data, "evaluate", "data");
  const chosen = resolveMetrics(metrics, source, loss, "evaluate", options.threshold);
  return measureAll(model, source, chosen, loss, batchSize);
}
