/**
 * Adam (Kingma and Ba 2015), with AMSGrad (Reddi et al. 2018), and AdamW (Loshchilov and Hutter 2019). The formulas
 * are those of PyTorch's torch.optim.Adam and AdamW, with one rearrangement: PyTorch divides √v of every element by
 * the square root of its bias correction; here ε is multiplied by it instead, and the rate by the ratio of both
 * corrections, which is the same in exact arithmetic and leaves one operation fewer for each element. Corrections are
 * computed as −expm1(t · ln β): the plain 1 − βᵗ would lose digits at the first steps.
 */
import { maximum, type Tensor } from "../index.js";
import { checkOptionNames } from "../util/checks.js";
import type { LearningRate } from "./learning-rate.js";
import type { Optimizer, OptimizerState, Slot } from "./optimizer.js";
import {
  average,
  checkFlag,
  checkNotNegative,
  checkShare,
  decayed,
  like,
  optimizerOf,
  type Remembered,
} from "./rule.js";

/** How Adam goes; defaults as in PyTorch, but for the rate, which must be given. */
export interface AdamOptions {
  /**
   * About the size of a step, whatever the size of the gradient: a finite number ≥ 0, or a schedule. PyTorch's is
   * 0.001.
   */
  readonly learningRate: LearningRate;
  /** β₁: how much of the average of gradients is kept, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** β₂: how much of the average of their squares is kept, in [0, 1). Default 0.999. */
  readonly beta2?: number;
  /** ε: keeps the divisor from 0. Default 1e-8. */
  readonly epsilon?: number;
  /** λ. Default 0 for adam, 0.01 for adamW. */
  readonly weightDecay?: number;
  /** Divides by the largest average of squares so far instead of the current one. Default false. */
  readonly amsgrad?: boolean;
}

const optionNames = [
  "learningRate",
  "beta1",
  "beta2",
  "epsilon",
  "weightDecay",
  "amsgrad",
] as const satisfies readonly (keyof AdamOptions)[];

/** What Adam remembers between steps. */
export interface AdamState extends OptimizerState {
  /** m: the average of gradients. */
  readonly firstMoment: Remembered;
  /** v: the average of their squares. */
  readonly secondMoment: Remembered;
  /** The largest v so far; only with `amsgrad`. */
  readonly largestMoment?: Remembered;
}

/**
 * Adam: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η m̂ / (√v̂ + ε), where m̂ = m / (1 − β₁ᵗ) and
 * v̂ = v / (1 − β₂ᵗ) at the t-th step. Weight decay adds λ w to g first; to keep it out of the averages, use `adamW`.
 *
 * @returns an optimizer; its state has the int32 scalar `step`, and two tensors like each parameter
 * @throws AdjointError `invalid-argument` for options out of range, or unknown ones
 * @example
 * const optimizer = optim.adam({ learningRate: 0.5 });
 * const w = tensor([1, 1]);
 * const [next] = optimizer.step(w, tensor([100, -0.01]), optimizer.init(w));
 * next.mul(10).round().array(); // → 5,15
 */
export function adam(options: AdamOptions): Optimizer<AdamState> {
  return moments("adam", options, 0, false);
}

/**
 * AdamW: Adam with decoupled weight decay: w ← (1 − η λ) w first, and then Adam's step, in whose averages the decay
 * has no part.
 *
 * @returns an optimizer; its state has the int32 scalar `step`, and two tensors like each parameter
 * @throws AdjointError `invalid-argument` for options out of range, or unknown ones
 * @example
 * const optimizer = optim.adamW({ learningRate: 0.5, weightDecay: 0.5 });
 * const w = tensor([8]);
 * const [next] = optimizer.step(w, tensor([0]), optimizer.init(w));
 * next.array(); // → 6
 */
export function adamW(options: AdamOptions): Optimizer<AdamState> {
  return moments("adamW", options, 0.01, true);
}

function moments(
  name: string,
  options: AdamOptions,
  defaultDecay: number,
  decoupled: boolean,
): Optimizer<AdamState> {
  checkOptionNames(options, optionNames, name);
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, amsgrad = false } = options;
  const { weightDecay = defaultDecay } = options;
  checkShare(beta1, name, "beta1");
  checkShare(beta2, name, "beta2");
  checkNotNegative(epsilon, name, "epsilon");
  checkNotNegative(weightDecay, name, "weightDecay");
  checkFlag(amsgrad, name, "amsgrad");

  return optimizerOf<AdamState>({
    name,
    learningRate,
    keeps: ["firstMoment", "secondMoment", ...(amsgrad ? (["largestMoment"] as const) : [])],
    prepare(given, step) {
      // scalars in float64, so that float64 parameters lose nothing
      const rate = typeof given === "number" ? given : given.cast("float64");
      const t = step.add(1).cast("float64");
      const root2 = correction(beta2, t).sqrt();
      // η m̂ / (√v̂ + ε) = (η √(1 − β₂ᵗ) / (1 − β₁ᵗ)) m / (√v + ε √(1 − β₂ᵗ))
      const scale = root2.div(correction(beta1, t)).mul(rate);
      const shift = root2.mul(epsilon);
      const shrink = typeof rate === "number" ? 1 - rate * weightDecay : rate.mul(-weightDecay).add(1);
      return (slot: Slot, remembered) => {
        const { param } = slot;
        const gradient = decoupled ? slot.gradient : decayed(slot, weightDecay);
        const firstMoment = average(remembered("firstMoment"), beta1, gradient);
        const secondMoment = average(remembered("secondMoment"), beta2, gradient.mul(gradient));
        const largestMoment = amsgrad ? maximum(remembered("largestMoment"), secondMoment) : secondMoment;
        const divisor = largestMoment.sqrt().add(like(shift, param));
        const start = decoupled && weightDecay !== 0 ? param.mul(like(shrink, param)) : param;
        return {
          param: start.sub(firstMoment.mul(like(scale, param)).div(divisor)),
          kept: { firstMoment, secondMoment, largestMoment },
        };
      };
    },
  });
}

/** 1 − βᵗ, a scalar. */
function correction(beta: number, t: Tensor): Tensor {
  return t.mul(Math.log(beta)).expm1().neg();
}
