/**
 * RMSprop (Tieleman and Hinton 2012), centered as Graves 2013 has it. The formulas are those of PyTorch's
 * torch.optim.RMSprop: ε is added outside of the root.
 */
import type { Tensor } from "../index.js";
import { checkOptionNames } from "../util/checks.js";
import type { LearningRate } from "./learning-rate.js";
import type { Optimizer, OptimizerState } from "./optimizer.js";
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

/** How RMSprop goes; defaults as in PyTorch, but for the rate, which must be given. */
export interface RmspropOptions {
  /** The size of a step: a finite number ≥ 0, or a schedule. PyTorch's is 0.01. */
  readonly learningRate: LearningRate;
  /** α: how much of the average of squares is kept, in [0, 1). Default 0.99. */
  readonly decay?: number;
  /** ε: keeps the divisor from 0. Default 1e-8. */
  readonly epsilon?: number;
  /** μ: how much of the previous step is repeated, ≥ 0. Default 0. */
  readonly momentum?: number;
  /** Divides by the standard deviation of gradients instead of their root mean square. Default false. */
  readonly centered?: boolean;
  /** λ: adds λ · w to the gradient. Default 0. */
  readonly weightDecay?: number;
}

const optionNames = [
  "learningRate",
  "decay",
  "epsilon",
  "momentum",
  "centered",
  "weightDecay",
] as const satisfies readonly (keyof RmspropOptions)[];

/** What RMSprop remembers between steps. */
export interface RmspropState extends OptimizerState {
  /** v: the average of squared gradients. */
  readonly secondMoment: Remembered;
  /** m: the average of gradients; only with `centered`. */
  readonly firstMoment?: Remembered;
  /** b: only with momentum. */
  readonly velocity?: Remembered;
}

/**
 * RMSprop: v ← α v + (1 − α) g², w ← w − η g / (√v + ε). With `centered`, v − m² stands under the root, m the average of
 * gradients; with momentum b ← μ b + g / (√v + ε), and w ← w − η b.
 *
 * @returns an optimizer; its state has the int32 scalar `step`, and one to three tensors like each parameter
 * @throws AdjointError `invalid-argument` for options out of range, or unknown ones
 * @example
 * const optimizer = optim.rmsprop({ learningRate: 1, decay: 0.75, epsilon: 0 });
 * const w = tensor([5]);
 * const [next] = optimizer.step(w, tensor([3]), optimizer.init(w));
 * next.array(); // → 3
 */
export function rmsprop(options: RmspropOptions): Optimizer<RmspropState> {
  checkOptionNames(options, optionNames, "rmsprop");
  const { learningRate, decay = 0.99, epsilon = 1e-8, momentum = 0, centered = false } = options;
  const { weightDecay = 0 } = options;
  checkShare(decay, "rmsprop", "decay");
  checkNotNegative(epsilon, "rmsprop", "epsilon");
  checkNotNegative(momentum, "rmsprop", "momentum");
  checkFlag(centered, "rmsprop", "centered");
  checkNotNegative(weightDecay, "rmsprop", "weightDecay");

  return optimizerOf<RmspropState>({
    name: "rmsprop",
    learningRate,
    keeps: [
      "secondMoment",
      ...(centered ? (["firstMoment"] as const) : []),
      ...(momentum === 0 ? [] : (["velocity"] as const)),
    ],
    prepare: (rate) => (slot, remembered) => {
      const gradient = decayed(slot, weightDecay);
      const secondMoment = average(remembered("secondMoment"), decay, gradient.mul(gradient));
      let kept: { secondMoment: Tensor; firstMoment?: Tensor; velocity?: Tensor } = { secondMoment };
      let spread = secondMoment;
      if (centered) {
        const firstMoment = average(remembered("firstMoment"), decay, gradient);
        spread = secondMoment.sub(firstMoment.mul(firstMoment));
        kept = { ...kept, firstMoment };
      }
      let direction = gradient.div(spread.sqrt().add(epsilon));
      if (momentum !== 0) {
        direction = remembered("velocity").mul(momentum).add(direction);
        kept = { ...kept, velocity: direction };
      }
      return { param: slot.param.sub(direction.mul(like(rate, slot.param))), kept };
    },
  });
}
