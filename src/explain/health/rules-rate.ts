/** What may be wrong with the learning rate: judged by training, not by the gradient alone. */
import { fromReal, real, show } from "../numbers.js";
import type { Draft } from "./draft.js";
import type { Facts } from "./facts.js";
import { limitOf } from "./thresholds.js";
import { rate } from "./treatments.js";
import type { Tried } from "./trial.js";

/** Shares of the constant outputs' loss: what counts as a difference between two runs, and as hardly any change. */
const noticeable = 0.05;
export const hardlyAny = 0.01;

/** Runs the same training at so many times the rate. */
export type AtRate = (times: number) => Promise<Tried>;

/** Updates of the size of the weights, and a tenth of the rate that learns better: or updates far too small. */
export async function judgeRate(
  facts: Facts,
  baseline: Tried,
  atRate: AtRate,
  schedule: ((step: number) => number) | undefined,
): Promise<Draft | null> {
  return (await tooHigh(facts, baseline, atRate)) ?? (await tooLow(facts, baseline, atRate, schedule));
}

/** Weights in the order of the layers, with the sizes of their updates. */
function updatesOf({ anatomy }: Facts, { updates }: Tried): { layer: string; mean: number; peak: number }[] {
  return anatomy.layers.flatMap(({ name, weightPath }) => {
    const found = updates.get(weightPath);
    return found === undefined ? [] : [{ layer: name, ...found }];
  });
}

function scaleOf({ constantLoss, lossValue }: Facts): number {
  return constantLoss ?? lossValue;
}

async function tooHigh(facts: Facts, baseline: Tried, atRate: AtRate): Promise<Draft | null> {
  const { thresholds } = facts;
  const large = updatesOf(facts, baseline).filter(({ peak }) => !(peak <= thresholds.updateHigh));
  if (large.length === 0) return null;
  const slower = await atRate(0.1);
  const end = fromReal(baseline.trial.loss.end);
  const better = fromReal(slower.trial.loss.end);
  const gained = Number.isFinite(end) ? end - better : Number.POSITIVE_INFINITY;
  if (!(gained > noticeable * scaleOf(facts))) return null;
  const peak = Math.max(...large.map((update) => update.peak));
  const isWorse = !Number.isFinite(end) || end > fromReal(baseline.trial.loss.start);
  const told = isWorse
    ? "rises; at a tenth of the rate it ends lower"
    : "falls less than at a tenth of the rate";
  return {
    code: "learning-rate-too-high",
    severity: "error",
    layers: large.map(({ layer }) => layer),
    summary: `Updates are up to ${show(real(peak), 3)} of the size of the weights, and in ${baseline.trial.steps} steps the loss ${told}.`,
    evidence: [
      ...large.map(({ layer, peak }) => ({ what: `largest ‖Δw‖ / ‖w‖ of ${layer}`, value: real(peak) })),
      { what: "loss before", value: baseline.trial.loss.start },
      { what: `after ${baseline.trial.steps} steps`, value: baseline.trial.loss.end },
      { what: "the same at a tenth of the rate", value: slower.trial.loss.end },
    ],
    limit: limitOf("updateHigh", thresholds),
    meaning:
      "The step leaves the neighbourhood in which the gradient tells the way down: the loss jumps, units saturate or die, and it may not come back.",
    remedy:
      "Divide the learning rate by 10, and again if need be; warm it up (optim.linearWarmup) or clip gradients.",
    treatments: [rate(0.1, "a tenth of the learning rate"), rate(0.01, "a hundredth of the learning rate")],
  };
}

async function tooLow(
  facts: Facts,
  baseline: Tried,
  atRate: AtRate,
  schedule: ((step: number) => number) | undefined,
): Promise<Draft | null> {
  const { thresholds } = facts;
  const updates = updatesOf(facts, baseline);
  const rise = riseOf(schedule, baseline.trial.steps);
  if (updates.length === 0 || !updates.every(({ mean }) => mean * rise < thresholds.updateLow)) return null;
  const start = fromReal(baseline.trial.loss.start);
  const slow = start - fromReal(baseline.trial.loss.end);
  if (slow > hardlyAny * scaleOf(facts)) return null;
  const peak = Math.max(...updates.map((update) => update.peak));
  // no rate moves what has no gradient
  if (peak === 0) return null;
  const typical = Math.max(...updates.map(({ mean }) => mean));
  // as far as updates stay below what would be too much: a power of ten
  const times = 10 ** Math.floor(Math.log10(thresholds.updateHigh / (peak * rise)));
  const { trial } = await atRate(times);
  const fast = start - fromReal(trial.loss.end);
  const faster = `at ${times.toLocaleString("en")} times the rate`;
  if (!(fast > noticeable * scaleOf(facts) && fast > 10 * slow)) return null;
  return {
    code: "learning-rate-too-low",
    severity: "warning",
    layers: updates.map(({ layer }) => layer),
    summary: `Updates are on average at most ${show(real(typical), 3)} of the size of the weights. In ${baseline.trial.steps} steps the loss falls by ${show(real(slow), 3)}, ${faster} by ${show(real(fast), 3)}.`,
    evidence: [
      ...updates.map(({ layer, mean }) => ({ what: `mean ‖Δw‖ / ‖w‖ of ${layer}`, value: real(mean) })),
      { what: "loss before", value: baseline.trial.loss.start },
      { what: `after ${baseline.trial.steps} steps`, value: baseline.trial.loss.end },
      { what: `the same ${faster}`, value: trial.loss.end },
    ],
    limit: limitOf("updateLow", thresholds),
    meaning: "It learns, but hardly moves: the same place is reached with many times fewer steps.",
    remedy:
      "Multiply the learning rate by 10 until updates are about 1e-3 of the weights or the loss no longer falls faster.",
    treatments: [rate(times, `${times.toLocaleString("en")} times the learning rate`)],
  };
}

/** How much a schedule rises after the first steps: a warm-up is no low rate. */
function riseOf(schedule: ((step: number) => number) | undefined, steps: number): number {
  if (schedule === undefined) return 1;
  const now = Math.max(...Array.from({ length: steps }, (_, step) => schedule(step)));
  const later = Math.max(...Array.from({ length: 1000 }, (_, i) => schedule(i * 20)));
  return now > 0 ? Math.max(1, later / now) : Number.POSITIVE_INFINITY;
}
