/** One training step as one compiled program: forward, backward, update, and the sums that say how it went. */
import { isTensor, jit, random, type Tensor, valueAndGrad, where, zeros } from "../index.js";
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import type { Optimizer, OptimizerState } from "../optim/index.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { outputsOf } from "./model.js";
import { checkLabelRange } from "./objective.js";
import type { FloatDType } from "./source.js";

/** What a run carries from step to step beside the model, so that nothing is read back while it goes. */
export interface Tally {
  /** Σ loss · examples since it was last read. */
  readonly total: Tensor;
  /** Steps whose total was finite: once a loss is not, no later total is, so this is the number of the last good step. */
  readonly finite: Tensor;
  /** The key the next step draws from. */
  readonly key: Tensor;
}

export interface Progress {
  readonly model: Module;
  readonly state: OptimizerState;
  readonly tally: Tally;
}

export type Step = (
  progress: Progress,
  x: Tensor,
  y: Tensor,
  learningRate: Tensor | undefined,
) => [progress: Progress, loss: Tensor | undefined];

export function newTally(key: Tensor, dtype: FloatDType): Tally {
  return { total: zeros([], { dtype }), finite: zeros([], { dtype: "int32" }), key };
}

/**
 * Compiles a step. What it is given as progress is used up.
 *
 * @param withLoss whether each step also gives its own loss
 */
export function compileStep(
  loss: Loss,
  optimizer: Optimizer,
  largestLabel: number | undefined,
  withLoss: boolean,
): Step {
  const step: Step = ({ model, state, tally }, x, y, learningRate) => {
    const [nextKey, key] = random.split(tally.key);
    const objective = (network: Module): Tensor => {
      const output = outputsOf(network, x, { train: true, key }, "fit");
      checkLabelRange(loss, largestLabel, output, "fit");
      return checkLoss(loss(output, y));
    };
    const [value, gradient] = valueAndGrad(objective)(model);
    const [nextModel, nextState] = optimizer.step(model, gradient, state, learningRate);
    const total = tally.total.add(value.cast(tally.total.dtype).mul(x.shape[0]));
    const finite = tally.finite.add(where(total.isFinite(), 1, 0));
    const progress = { model: nextModel, state: nextState, tally: { total, finite, key: nextKey } };
    return [progress, withLoss ? value : undefined];
  };
  return jit(step, { donate: [0] });
}

/** @throws AdjointError `non-scalar-output` */
function checkLoss(value: unknown): Tensor {
  if (isTensor(value) && value.rank === 0) return value;
  const received = isTensor(value) ? formatShape(value.shape) : formatReceived(value);
  throw new AdjointError(
    "non-scalar-output",
    `fit: loss must give a scalar tensor, received ${received}; reduce it with mean()`,
    { operation: "fit", argument: "loss", expected: "shape []", received },
  );
}
