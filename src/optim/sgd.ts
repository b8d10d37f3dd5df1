/**
 * Stochastic gradient descent (Robbins and Monro 1951), with momentum (Polyak 1964) and Nesterov's variant as Sutskever et
 * al. 2013 arrange it. The formulas and their order are those of PyTorch's torch.optim.SGD.
 */
import { AdjointError, where } from "../index.js";
import { checkFinite, checkOptionNames } from "../util/checks.js";
import type { LearningRate } from "./learning-rate.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
import { checkFlag, checkNotNegative, decayed, like, optimizerOf, type Remembered } from "./rule.js";

/** How gradient descent goes; names and defaults as in PyTorch, but for the rate, which must be given. */
export interface SgdOptions {
  /** The size of a step: a finite number ≥ 0, or a schedule. */
  readonly learningRate: LearningRate;
  /** μ: how much of the previous step is repeated, ≥ 0. Default 0. */
  readonly momentum?: number;
  /** τ: how much less of the gradient enters the momentum from the second step on. Default 0. */
  readonly dampening?: number;
  /** λ: adds λ · w to the gradient, the derivative of ½ λ ‖w‖². Default 0. */
  readonly weightDecay?: number;
  /** Looks ahead along the momentum; needs momentum, and no dampening. Default false. */
  readonly nesterov?: boolean;
}

const optionNames = [
  "learningRate",
  "momentum",
  "dampening",
  "weightDecay",
  "nesterov",
] as const satisfies readonly (keyof SgdOptions)[];

/** What gradient descent remembers between steps. */
export interface SgdState extends OptimizerState {
  /** v for each parameter, by its path; only with momentum. */
  readonly velocity?: Remembered;
}

/**
 * Gradient descent: w ← w − η g. With weight decay g ← g + λ w first; with momentum v ← μ v + (1 − τ) g (v ← g at the first
 * step), and w ← w − η v, or w ← w − η (g + μ v) with `nesterov`.
 *
 * @returns an optimizer; its state has the int32 scalar `step`, and with momentum a tensor like each parameter
 * @throws AdjointError `invalid-argument` for options out of range, or unknown ones
 * @example
 * const optimizer = optim.sgd({ learningRate: (step) => 0.5 / (1 + step) });
 * let [w, state] = optimizer.step(tensor([1]), tensor([1]), optimizer.init(tensor([1])));
 * [w, state] = optimizer.step(w, tensor([1]), state);
 * w.array(); // → 0.25
 */
export function sgd(options: SgdOptions): Optimizer<SgdState> {
  checkOptionNames(options, optionNames, "sgd");
  const { learningRate, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
  checkNotNegative(momentum, "sgd", "momentum");
  checkNotNegative(weightDecay, "sgd", "weightDecay");
  checkFinite(dampening, "sgd", "dampening");
  checkFlag(nesterov, "sgd", "nesterov");
  if (nesterov && (momentum === 0 || dampening !== 0))
    throw new AdjointError(
      "invalid-argument",
      `sgd: nesterov needs momentum above 0 and dampening 0, received momentum ${momentum} and dampening ${dampening}`,
      { operation: "sgd", argument: "nesterov" },
    );

  return optimizerOf<SgdState>({
    name: "sgd",
    learningRate,
    keeps: momentum === 0 ? [] : ["velocity"],
    prepare: (rate, step) => (slot, remembered) => {
      const { param } = slot;
      const gradient = decayed(slot, weightDecay);
      const scale = like(rate, param);
      if (momentum === 0) return { param: param.sub(gradient.mul(scale)) };
      const blended = remembered("velocity")
        .mul(momentum)
        .add(gradient.mul(1 - dampening));
      // at the first step v = 0, and only dampening tells (1 − τ) g from g
      const velocity = dampening === 0 ? blended : where(step.eq(0), gradient, blended);
      const direction = nesterov ? gradient.add(velocity.mul(momentum)) : velocity;
      return { param: param.sub(direction.mul(scale)), kept: { velocity } };
    },
  });
}
