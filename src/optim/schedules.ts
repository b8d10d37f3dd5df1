/**
 * Schedules: learning rates as functions of the number of updates made before, 0 at the first. They are plain
 * functions, so one can be plotted, composed, or written by hand. Where a schedule has an end its last rate stays,
 * which PyTorch's cosine (it rises again) and one-cycle (an error) do not do.
 */
import { checkOptionNames, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkLearningRate, type LearningRate } from "./learning-rate.js";
import { checkNotNegative, checkShare } from "./rule.js";

/** A learning rate as a function of the number of updates made before. */
export type Schedule = (step: number) => number;

/**
 * Always the same.
 *
 * @throws AdjointError `invalid-argument` unless the rate is a finite number ≥ 0
 * @example optim.constant(0.1)(1000); // → 0.1
 */
export function constant(learningRate: number): Schedule {
  checkNotNegative(learningRate, "constant", "learningRate");
  return () => learningRate;
}

/**
 * Half a cosine from the learning rate down to `end` (default 0) in so many steps (Loshchilov and Hutter 2017):
 * end + (η − end) (1 + cos(π t / steps)) / 2. PyTorch's CosineAnnealingLR.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const rate = optim.cosine({ learningRate: 0.5, steps: 100 });
 * [rate(0), rate(50).toFixed(3), rate(100), rate(200)]; // → 0.5,0.250,0,0
 */
export function cosine(options: {
  readonly learningRate: number;
  readonly steps: number;
  readonly end?: number;
}): Schedule {
  checkOptionNames(options, ["learningRate", "steps", "end"], "cosine");
  const { learningRate, steps, end = 0 } = options;
  checkNotNegative(learningRate, "cosine", "learningRate");
  checkSteps(steps, "cosine", "steps");
  checkNotNegative(end, "cosine", "end");
  return (step) => between(learningRate, end, step / steps, "cosine");
}

/**
 * Multiplied by `factor` (default 0.1) after every so many steps. PyTorch's StepLR.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const rate = optim.stepDecay({ learningRate: 1, every: 10, factor: 0.5 });
 * [rate(9), rate(10), rate(20)]; // → 1,0.5,0.25
 */
export function stepDecay(options: {
  readonly learningRate: number;
  readonly every: number;
  readonly factor?: number;
}): Schedule {
  checkOptionNames(options, ["learningRate", "every", "factor"], "stepDecay");
  const { learningRate, every, factor = 0.1 } = options;
  checkNotNegative(learningRate, "stepDecay", "learningRate");
  checkSteps(every, "stepDecay", "every");
  checkNotNegative(factor, "stepDecay", "factor");
  return (step) => learningRate * factor ** Math.floor(step / every);
}

/**
 * Multiplied by `factor` at every step. PyTorch's ExponentialLR.
 *
 * @throws AdjointError `invalid-argument`
 * @example optim.exponential({ learningRate: 1, factor: 0.5 })(3); // → 0.125
 */
export function exponential(options: { readonly learningRate: number; readonly factor: number }): Schedule {
  checkOptionNames(options, ["learningRate", "factor"], "exponential");
  const { learningRate, factor } = options;
  checkNotNegative(learningRate, "exponential", "learningRate");
  checkNotNegative(factor, "exponential", "factor");
  return (step) => learningRate * factor ** step;
}

/**
 * In so many steps evenly up to the learning rate, from `startFactor` (default ⅓) of it, and then that rate, which
 * may be a schedule of its own, beginning at its 0. PyTorch's LinearLR, followed in a SequentialLR by another.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const rate = optim.linearWarmup({ learningRate: 0.5, steps: 4, startFactor: 0 });
 * [rate(0), rate(1), rate(4), rate(9)]; // → 0,0.125,0.5,0.5
 * const then = optim.exponential({ learningRate: 1, factor: 0.5 });
 * optim.linearWarmup({ learningRate: then, steps: 4 })(5); // → 0.5
 */
export function linearWarmup(options: {
  readonly learningRate: LearningRate;
  readonly steps: number;
  readonly startFactor?: number;
}): Schedule {
  checkOptionNames(options, ["learningRate", "steps", "startFactor"], "linearWarmup");
  const { learningRate, steps, startFactor = 1 / 3 } = options;
  const rateAt = checkLearningRate(learningRate, "linearWarmup");
  checkSteps(steps, "linearWarmup", "steps");
  checkNotNegative(startFactor, "linearWarmup", "startFactor");
  return (step) =>
    step < steps ? rateAt(0) * (startFactor + (1 - startFactor) * (step / steps)) : rateAt(step - steps);
}

/** How one cycle goes; defaults as in PyTorch's OneCycleLR. */
export interface OneCycleOptions {
  /** The rate at the peak. */
  readonly learningRate: number;
  /** Of the whole cycle, at least 2. */
  readonly steps: number;
  /** Which share of the steps leads up to the peak, in [0, 1). Default 0.3. */
  readonly warmup?: number;
  /** The first rate is the peak's divided by this. Default 25. */
  readonly startDivisor?: number;
  /** The last rate is the first divided by this. Default 10,000. */
  readonly endDivisor?: number;
  /** The form of both ways. Default "cosine". */
  readonly shape?: "cosine" | "linear";
}

/**
 * Up to a peak, and down far below where it began (Smith and Topin 2019). PyTorch's OneCycleLR.
 *
 * @throws AdjointError `invalid-argument`
 * @example
 * const rate = optim.oneCycle({ learningRate: 1, steps: 11, shape: "linear" });
 * [rate(0), rate(2.3).toFixed(2), rate(10)]; // → 0.04,1.00,0.000004
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  checkOptionNames(
    options,
    ["learningRate", "steps", "warmup", "startDivisor", "endDivisor", "shape"],
    "oneCycle",
  );
  const {
    learningRate,
    steps,
    warmup = 0.3,
    startDivisor = 25,
    endDivisor = 1e4,
    shape = "cosine",
  } = options;
  checkNotNegative(learningRate, "oneCycle", "learningRate");
  if (steps === 1) throw invalidArgument("oneCycle", "steps", "at least 2", "1");
  checkSteps(steps, "oneCycle", "steps");
  checkShare(warmup, "oneCycle", "warmup");
  checkDivisor(startDivisor, "startDivisor");
  checkDivisor(endDivisor, "endDivisor");
  if (shape !== "cosine" && shape !== "linear")
    throw invalidArgument("oneCycle", "shape", '"cosine" or "linear"', formatReceived(shape));
  const first = learningRate / startDivisor;
  const last = first / endDivisor;
  const peak = warmup * steps - 1;
  // without a step before the peak the cycle begins on its way down
  return (step) =>
    step <= peak && peak > 0
      ? between(first, learningRate, step / peak, shape)
      : between(learningRate, last, (step - peak) / (steps - 1 - peak), shape);
}

/** From one rate to another as the share goes from 0 to 1, and no further. */
function between(from: number, to: number, share: number, shape: "cosine" | "linear"): number {
  if (share <= 0) return from;
  if (share >= 1) return to;
  return shape === "linear"
    ? from + (to - from) * share
    : to + ((from - to) * (1 + Math.cos(Math.PI * share))) / 2;
}

function checkSteps(value: unknown, operation: string, argument: string): void {
  if (!isNatural(value) || value === 0)
    throw invalidArgument(operation, argument, "an integer of at least 1", formatReceived(value));
}

function checkDivisor(value: unknown, argument: string): void {
  if (!(typeof value === "number" && value > 0 && value < Number.POSITIVE_INFINITY))
    throw invalidArgument("oneCycle", argument, "a finite number above 0", formatReceived(value));
}
