/** AdaGrad (Duchi, Hazan and Singer 2011). The formulas are those of PyTorch's torch.optim.Adagrad. */
import { checkOptionNames } from "../util/checks.js";
import type { LearningRate } from "./learning-rate.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
import { checkNotNegative, decayed, like, optimizerOf, type Remembered } from "./rule.js";

/** How AdaGrad goes; defaults as in PyTorch, but for the rate, which must be given. */
export interface AdagradOptions {
  /** The size of a first step: a finite number ≥ 0, or a schedule. PyTorch's is 0.01. */
  readonly learningRate: LearningRate;
  /** κ: the rate of the t-th step is η / (1 + (t − 1) κ). Default 0. */
  readonly rateDecay?: number;
  /** λ: adds λ · w to the gradient. Default 0. */
  readonly weightDecay?: number;
  /** What the sum of squares starts with. Default 0. */
  readonly initialSum?: number;
  /** ε: keeps the divisor from 0. Default 1e-10. */
  readonly epsilon?: number;
}

const optionNames = [
  "learningRate",
  "rateDecay",
  "weightDecay",
  "initialSum",
  "epsilon",
] as const satisfies readonly (keyof AdagradOptions)[];

/** What AdaGrad remembers between steps. */
export interface AdagradState extends OptimizerState {
  /** s: the sum of squared gradients. */
  readonly sum: Remembered;
}

/**
 * AdaGrad: s ← s + g², w ← w − η g / (√s + ε). Steps become shorter with every gradient, most where gradients are large.
 *
 * @returns an optimizer; its state has the int32 scalar `step`, and a tensor like each parameter
 * @throws AdjointError `invalid-argument` for options out of range, or unknown ones
 * @example
 * const optimizer = optim.adagrad({ learningRate: 1 });
 * let [w, state] = optimizer.step(tensor([5]), tensor([3]), optimizer.init(tensor([5])));
 * [w, state] = optimizer.step(w, tensor([4]), state);
 * w.mul(10).round().array(); // → 32
 */
export function adagrad(options: AdagradOptions): Optimizer<AdagradState> {
  checkOptionNames(options, optionNames, "adagrad");
  const { learningRate, rateDecay = 0, weightDecay = 0, initialSum = 0, epsilon = 1e-10 } = options;
  checkNotNegative(rateDecay, "adagrad", "rateDecay");
  checkNotNegative(weightDecay, "adagrad", "weightDecay");
  checkNotNegative(initialSum, "adagrad", "initialSum");
  checkNotNegative(epsilon, "adagrad", "epsilon");

  return optimizerOf<AdagradState>({
    name: "adagrad",
    learningRate,
    keeps: ["sum"],
    start: initialSum,
    prepare(given, step) {
      const slowed = step.cast("float64").mul(rateDecay).add(1).reciprocal();
      const rate =
        rateDecay === 0 ? given : slowed.mul(typeof given === "number" ? given : given.cast("float64"));
      return (slot, remembered) => {
        const gradient = decayed(slot, weightDecay);
        const sum = remembered("sum").add(gradient.mul(gradient));
        const step = gradient.mul(like(rate, slot.param)).div(sum.sqrt().add(epsilon));
        return { param: slot.param.sub(step), kept: { sum } };
      };
    },
  });
}
