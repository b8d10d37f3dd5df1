/** Lion (Chen et al. 2023, "Symbolic discovery of optimization algorithms", algorithm 2). */
import { checkOptionNames } from "../util/checks.js";
import type { LearningRate } from "./learning-rate.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
import { average, checkNotNegative, checkShare, like, optimizerOf, type Remembered } from "./rule.js";

/** How Lion goes; defaults as in the paper, but for the rate, which must be given. */
export interface LionOptions {
  /** The size of a step in every element: a finite number ≥ 0, or a schedule. A third to a tenth of Adam's does well. */
  readonly learningRate: LearningRate;
  /** β₁: how much the average counts in the direction, in [0, 1). Default 0.9. */
  readonly beta1?: number;
  /** β₂: how much of the average of gradients is kept, in [0, 1). Default 0.99. */
  readonly beta2?: number;
  /** λ: decoupled, as in `adamW`. Default 0. */
  readonly weightDecay?: number;
}

const optionNames = [
  "learningRate",
  "beta1",
  "beta2",
  "weightDecay",
] as const satisfies readonly (keyof LionOptions)[];

/** What Lion remembers between steps. */
export interface LionState extends OptimizerState {
  /** m: the average of gradients. */
  readonly firstMoment: Remembered;
}

/**
 * Lion: w ← w − η (sign(β₁ m + (1 − β₁) g) + λ w), then m ← β₂ m + (1 − β₂) g. Every element moves by the same amount.
 *
 * @returns an optimizer; its state has the int32 scalar `step`, and a tensor like each parameter
 * @throws AdjointError `invalid-argument` for options out of range, or unknown ones
 * @example
 * const optimizer = optim.lion({ learningRate: 0.5 });
 * const w = tensor([1, 1, 1]);
 * const [next] = optimizer.step(w, tensor([100, -0.01, 0]), optimizer.init(w));
 * next.array(); // → 0.5,1.5,1
 */
export function lion(options: LionOptions): Optimizer<LionState> {
  checkOptionNames(options, optionNames, "lion");
  const { learningRate, beta1 = 0.9, beta2 = 0.99, weightDecay = 0 } = options;
  checkShare(beta1, "lion", "beta1");
  checkShare(beta2, "lion", "beta2");
  checkNotNegative(weightDecay, "lion", "weightDecay");

  return optimizerOf<LionState>({
    name: "lion",
    learningRate,
    keeps: ["firstMoment"],
    prepare: (rate) => (slot, remembered) => {
      const { param, gradient } = slot;
      const before = remembered("firstMoment");
      const sign = average(before, beta1, gradient).sign();
      const direction = weightDecay === 0 ? sign : sign.add(param.mul(weightDecay));
      return {
        param: param.sub(direction.mul(like(rate, param))),
        kept: { firstMoment: average(before, beta2, gradient) },
      };
    },
  });
}
