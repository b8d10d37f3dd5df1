/** One number of each epoch that says how good the model is: by it the best is kept, and training ends when it no longer improves. */
import { invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import type { EpochRecord } from "./run.js";

/** A metric by name, and whether small or large values of it are good. */
export interface MonitoredMetric {
  readonly metric: string;
  readonly mode: "min" | "max";
}

/** What is known of the metrics a run measures. */
export interface Measured {
  readonly name: string;
  readonly better?: "higher" | "lower";
}

/** Where a metric does not say which of its values are good. */
const modes: Readonly<Record<string, "min" | "max">> = { loss: "min", accuracy: "max" };

/**
 * A metric by its name, or with its mode.
 *
 * @param measured what is measured on the validation data; empty where there are none
 * @throws AdjointError `invalid-argument` for a metric that is not measured, or whose mode nobody knows
 */
export function resolveMonitored(
  given: unknown,
  measured: readonly Measured[],
  argument: string,
): MonitoredMetric {
  const { metric, mode }: Partial<MonitoredMetric> =
    typeof given === "string"
      ? { metric: given }
      : typeof given === "object" && given !== null
        ? (given as Partial<MonitoredMetric>)
        : {};
  if (typeof metric !== "string")
    throw invalidArgument(
      "fit",
      argument,
      "the name of a metric, or { metric, mode }",
      formatReceived(given),
    );
  if (mode !== undefined && mode !== "min" && mode !== "max")
    throw invalidArgument("fit", `${argument}.mode`, '"min" or "max"', formatReceived(mode));
  // the loss is always there: of the training data where nothing is validated
  const names = ["loss", ...measured.map(({ name }) => name).filter((name) => name !== "loss")];
  if (!names.includes(metric))
    throw new AdjointError(
      "invalid-argument",
      `fit: ${argument} names the metric ${JSON.stringify(metric)}, which is not measured; there ${names.length === 1 ? "is" : "are"} ${names.join(", ")}${measured.length === 0 ? " (others need validation data)" : ""}`,
      { operation: "fit", argument, expected: names.join(" | "), received: metric },
    );
  const better = measured.find(({ name }) => name === metric)?.better;
  const known = better === undefined ? modes[metric] : better === "higher" ? "max" : "min";
  const chosen = mode ?? known;
  if (chosen !== undefined) return { metric, mode: chosen };
  throw new AdjointError(
    "invalid-argument",
    `fit: ${argument}: say whether small or large values of ${metric} are good: { metric: ${JSON.stringify(metric)}, mode: "min" }`,
    { operation: "fit", argument, expected: "{ metric, mode }", received: metric },
  );
}

/** `loss, min` */
export function nameOfMonitored({ metric, mode }: MonitoredMetric): string {
  return `${metric}, ${mode}`;
}

/** What an epoch measured. */
export function monitoredValue({ validation, loss }: EpochRecord, { metric }: MonitoredMetric): number {
  if (Object.hasOwn(validation, metric)) return validation[metric];
  return metric === "loss" ? loss : Number.NaN;
}

/** Whether a value is better than the best by more than `minDelta`; NaN never is. */
export function improves(
  value: number,
  best: number | undefined,
  { mode }: MonitoredMetric,
  minDelta = 0,
): boolean {
  if (Number.isNaN(value)) return false;
  if (best === undefined) return true;
  return mode === "min" ? value < best - minDelta : value > best + minDelta;
}
