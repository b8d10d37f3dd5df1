/**
 * What update rules have in common: the walk over parameters, the step count, the rate, and tensors remembered for each
 * parameter. A rule adds its formula. A formula is element-wise from end to end, and what does not differ between
 * elements is computed once a step as a scalar, so that a compiled update passes over each parameter once.
 */
import { type Tensor, tensor, zeros } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkLearningRate, type LearningRate, resolveLearningRate } from "./learning-rate.js";
import {
  checkState,
  floatingLeaves,
  type Optimizer,
  type OptimizerState,
  type Slot,
  slotState,
  updateLeaves,
} from "./optimizer.js";

/** A tensor like each parameter, by the parameter's path. */
export type Remembered = Readonly<Record<string, Tensor>>;

/** The fields of a state that hold a tensor for each parameter. */
type Names<State extends OptimizerState> = Exclude<keyof State, "step"> & string;

/** What an update makes of one parameter. */
export interface Updated<State extends OptimizerState> {
  readonly param: Tensor;
  /** What is remembered of it: exactly the names the rule keeps. */
  readonly kept?: { readonly [Name in Names<State>]?: Tensor };
}

/** A formula: how one parameter changes, given what is remembered of it under a name. */
type Update<State extends OptimizerState> = (
  slot: Slot,
  remembered: (name: Names<State>) => Tensor,
) => Updated<State>;

/** An update rule without what all have in common. */
export interface Rule<State extends OptimizerState> {
  readonly name: string;
  readonly learningRate: LearningRate;
  /** What is remembered for each parameter. */
  readonly keeps: readonly Names<State>[];
  /** The number all that is remembered starts with. Default 0. */
  readonly start?: number;
  /** Once a step: the scalars of this update, and with them its formula. `step` counts the updates before, int32. */
  prepare(rate: number | Tensor, step: Tensor): Update<State>;
}

/** The optimizer of a rule. */
export function optimizerOf<State extends OptimizerState>(rule: Rule<State>): Optimizer<State> {
  const { name, learningRate, keeps, start = 0 } = rule;
  const rateAt = checkLearningRate(learningRate, name);
  return {
    name,
    ...(typeof learningRate === "function" ? { schedule: rateAt } : {}),
    init(params) {
      const leaves = floatingLeaves(params, `${name}.init`);
      const beginning = (): Remembered =>
        Object.fromEntries(
          leaves.map(([path, { shape, dtype }]) => {
            const zero = zeros(shape, { dtype });
            return [path, start === 0 ? zero : zero.add(start)];
          }),
        );
      const step = tensor(0, { dtype: "int32" });
      return stateOf<State>(step, new Map(keeps.map((kept) => [kept, beginning()])));
    },
    step(params, gradients, state, override) {
      const operation = `${name}.step`;
      checkState(state, operation);
      const rate = resolveLearningRate(learningRate, override, state.step, operation);
      const update = rule.prepare(rate, state.step);
      const next = new Map(keeps.map((kept): [string, Record<string, Tensor>] => [kept, {}]));
      const updated = updateLeaves(params, gradients, operation, (slot) => {
        const { param, kept } = update(slot, (field) =>
          slotState(state[field] as Remembered | undefined, slot, operation),
        );
        for (const field of keeps) {
          const [values, value] = [next.get(field), kept?.[field]];
          if (values !== undefined && value !== undefined) values[slot.path] = value;
        }
        return param;
      });
      return [updated, stateOf<State>(state.step.add(1), next)];
    },
  };
}

/** The state of a rule: its count, and what the rule says it keeps, which is what its State declares. */
function stateOf<State extends OptimizerState>(step: Tensor, kept: ReadonlyMap<string, Remembered>): State {
  return { step, ...Object.fromEntries(kept) } as State;
}

/** A scalar in the dtype of what it meets: without it a float64 scalar would make float32 parameters float64. */
export function like(scalar: number | Tensor, param: Tensor): number | Tensor {
  return typeof scalar === "number" ? scalar : scalar.cast(param.dtype);
}

/** The gradient with λ w added, the derivative of ½ λ ‖w‖². */
export function decayed({ param, gradient }: Slot, weightDecay: number): Tensor {
  return weightDecay === 0 ? gradient : gradient.add(param.mul(weightDecay));
}

/** The moving average β a + (1 − β) x. */
export function average(before: Tensor, beta: number, x: Tensor): Tensor {
  return before.mul(beta).add(x.mul(1 - beta));
}

/** @throws AdjointError `invalid-argument` unless a finite number ≥ 0 */
export function checkNotNegative(value: unknown, operation: string, argument: string): void {
  if (!(typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY))
    throw invalidArgument(operation, argument, "a finite number of at least 0", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless 0 ≤ value < 1: how much of an average is kept */
export function checkShare(value: unknown, operation: string, argument: string): void {
  if (!(typeof value === "number" && value >= 0 && value < 1))
    throw invalidArgument(operation, argument, "at least 0 and less than 1", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` */
export function checkFlag(value: unknown, operation: string, argument: string): void {
  if (typeof value !== "boolean")
    throw invalidArgument(operation, argument, "true or false", formatReceived(value));
}
