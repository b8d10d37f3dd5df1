/**
 * Stochastic gradient descent (Robbins and Monro 1951), with momentum (Polyak 1964) and Nesterov's variant as Sutskever et
 * al. 2013 arrange it. The formulas and their order are those of PyTorch's torch.optim.SGD.
 */
import { AdjointError, type Tensor, tensor, where, zeros } from "../index.js";
import { checkFinite, checkOptionNames, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkLearningRate, type LearningRate, resolveLearningRate } from "./learning-rate.js";
import {
  checkState,
  floatingLeaves,
  type Optimizer,
  type OptimizerState,
  slotState,
  updateLeaves,
} from "./optimizer.js";

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
  readonly velocity?: Readonly<Record<string, Tensor>>;
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
  const rateAt = checkLearningRate(learningRate, "sgd");
  checkNotNegative(momentum, "momentum");
  checkNotNegative(weightDecay, "weightDecay");
  checkFinite(dampening, "sgd", "dampening");
  if (typeof nesterov !== "boolean")
    throw invalidArgument("sgd", "nesterov", "true or false", formatReceived(nesterov));
  if (nesterov && (momentum === 0 || dampening !== 0))
    throw new AdjointError(
      "invalid-argument",
      `sgd: nesterov needs momentum above 0 and dampening 0, received momentum ${momentum} and dampening ${dampening}`,
      { operation: "sgd", argument: "nesterov" },
    );

  return {
    name: "sgd",
    ...(typeof learningRate === "function" ? { schedule: rateAt } : {}),
    init(params) {
      const leaves = floatingLeaves(params, "sgd.init");
      const step = tensor(0, { dtype: "int32" });
      if (momentum === 0) return { step };
      return {
        step,
        velocity: Object.fromEntries(
          leaves.map(([path, { shape, dtype }]) => [path, zeros(shape, { dtype })]),
        ),
      };
    },
    step(params, gradients, state, override) {
      checkState(state, "sgd.step");
      const rate = resolveLearningRate(learningRate, override, state.step, "sgd.step");
      const velocity: Record<string, Tensor> = {};
      const updated = updateLeaves(params, gradients, "sgd.step", ({ path, param, gradient }) => {
        let direction = weightDecay === 0 ? gradient : gradient.add(param.mul(weightDecay));
        if (momentum !== 0) {
          const before = slotState(state.velocity, { path, param }, "sgd.step").mul(momentum);
          const blended = before.add(direction.mul(1 - dampening));
          // at the first step v = 0, and only dampening tells (1 − τ) g from g
          const v = dampening === 0 ? blended : where(state.step.eq(0), direction, blended);
          velocity[path] = v;
          direction = nesterov ? direction.add(v.mul(momentum)) : v;
        }
        return param.sub(direction.mul(typeof rate === "number" ? rate : rate.cast(param.dtype)));
      });
      const step = state.step.add(1);
      return [updated, momentum === 0 ? { step } : { step, velocity }];
    },
  };
}

function checkNotNegative(value: unknown, argument: string): void {
  if (!(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY))
    throw invalidArgument("sgd", argument, "a finite number of at least 0", formatReceived(value));
}
