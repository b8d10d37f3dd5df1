/** Metrics that have a name. */
import { nearestName } from "../../util/checks.js";
import { AdjointError, formatReceived } from "../../util/errors.js";
import { auc } from "./auc.js";
import { accuracy, f1, precision, recall, topK } from "./classes.js";
import { logLoss, perplexity } from "./likelihood.js";
import { isMetric, type Metric } from "./metric.js";
import { meanAbsoluteError, meanSquaredError, r2, rootMeanSquaredError } from "./regression.js";

const makers = {
  accuracy,
  precision,
  recall,
  f1,
  auc,
  logLoss,
  perplexity,
  meanAbsoluteError,
  meanSquaredError,
  rootMeanSquaredError,
  r2,
} satisfies Record<string, () => Metric>;

/** Metrics that can be asked for by name: "loss" is the loss in use, "top5" and its like the share among the five largest. */
export type MetricName = "loss" | keyof typeof makers | `top${number}`;

// one object for each name, so that what was compiled for it is found again
const known = new Map<string, Metric>();

/** The metric of a name, or undefined. */
function metricOf(name: string): Metric | undefined {
  const found = known.get(name);
  if (found !== undefined) return found;
  const k = /^top([1-9]\d{0,8})$/.exec(name)?.[1];
  const made =
    k !== undefined
      ? topK(Number(k))
      : Object.hasOwn(makers, name)
        ? makers[name as keyof typeof makers]()
        : undefined;
  if (made !== undefined) known.set(name, made);
  return made;
}

/**
 * A metric by name or as given; "loss" is for the caller to know.
 * @throws AdjointError `invalid-argument`
 */
export function resolveMetric(metric: unknown, operation: string): Metric {
  const found = typeof metric === "string" ? metricOf(metric) : metric;
  if (isMetric(found)) return found;
  const names = ["loss", ...Object.keys(makers), "top5"];
  const nearest = typeof metric === "string" ? nearestName(metric, names) : undefined;
  const hint = nearest === undefined ? `the names are ${names.join(", ")}` : `did you mean ${nearest}?`;
  throw new AdjointError(
    "invalid-argument",
    `${operation}: a metric is "loss", "accuracy" or another name, or { name, compute }, received ${formatReceived(metric)}; ${hint}`,
    {
      operation,
      argument: "metrics",
      expected: `${names.join(" | ")} | { name, compute } | { name, summarize, result }`,
      received: formatReceived(metric),
    },
  );
}

/**
 * Which values of a measurement are the better ones, as far as its name or object tells: lower for losses and errors.
 */
export function betterOf(metric: string | Metric): "higher" | "lower" | undefined {
  if (metric === "loss") return "lower";
  if (typeof metric !== "string") return metric.better;
  // f1-macro and its like are named after their options
  const [word] = metric.split(/-(?:binary|macro|micro|weighted|class-\d+)$/);
  return metricOf(word)?.better;
}
