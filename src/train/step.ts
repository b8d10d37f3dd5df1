/** One training step as one compiled program: forward, backward, update, and the sums that say how it went. */
import { isTensor, jit, random, type Tensor, valueAndGrad, zeros } from "../index.js";
import type { Loss } from "../losses/index.js";
import { type Module, type Statistics, trainForward, withStatistics } from "../nn/index.js";
import type { Optimizer, OptimizerState } from "../optim/index.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { flatten, type Structure, sameStructure, unflatten } from "../util/tree.js";
import { checkOutput } from "./model.js";
import { checkLabelRange } from "./objective.js";
import type { FloatDType } from "./source.js";

/** What is learned. */
export interface Trained {
  readonly model: Module;
  readonly state: OptimizerState;
}

/** What a run carries from step to step beside that, so that nothing is read back while it goes. */
export interface Tally {
  /** Σ loss · examples since it was last read. */
  readonly total: Tensor;
  /** Steps whose total was finite: once a loss is not, no later total is, so this is the number of the last good step. */
  readonly finite: Tensor;
}

/**
 * What a step takes and gives. What is learned goes as its bare tensors: walking the trees of model and state before and
 * after each step would cost a quarter of a small one (6 of 25 µs for [784, 30, 10] in batches of 10).
 */
export interface Progress {
  readonly leaves: readonly Tensor[];
  /** The trees of `Trained` that the leaves belong to. */
  readonly structure: Structure;
  readonly tally: Tally;
}

export function progressFrom(trained: Trained, tally: Tally): Progress {
  return { ...flatten(trained, isTensor), tally };
}

/** What was learned so far, as the trees it came in. */
export function trainedOf({ structure, leaves }: Pick<Progress, "structure" | "leaves">): Trained {
  // the structure is one of such trees
  return unflatten(structure, leaves) as Trained;
}

export type Step = (
  progress: Progress,
  x: Tensor,
  y: Tensor,
  learningRate: Tensor | undefined,
) => [progress: Progress, loss: Tensor | undefined];

export function newTally(dtype: FloatDType): Tally {
  return { total: zeros([], { dtype }), finite: zeros([], { dtype: "int32" }) };
}

/**
 * Compiles a step. What it is given as progress is used up.
 *
 * @param key what layers draw from: each step's key is made of it and the number of steps before
 * @param withLoss whether each step also gives its own loss
 */
export function compileStep(
  loss: Loss,
  optimizer: Optimizer,
  largestLabel: number | undefined,
  key: Tensor,
  withLoss: boolean,
): Step {
  // an update may give other trees than it was given, such as a state that grows at the first one; known once traced
  const after = new Map<Structure, Structure>();
  const step = (
    leaves: readonly Tensor[],
    tally: Tally,
    x: Tensor,
    y: Tensor,
    learningRate: Tensor | undefined,
    structure: Structure,
  ): [leaves: readonly Tensor[], tally: Tally, loss: Tensor | undefined] => {
    const { model, state } = trainedOf({ structure, leaves });
    // made of a number that is counted anyway, it costs nothing where no layer draws from it
    const [stepKey] = random.split(key.add(tally.finite), 1);
    const objective = (network: Module): [loss: Tensor, statistics: Statistics] => {
      const [output, statistics] = trainForward(network, x, { key: stepKey });
      checkLabelRange(loss, largestLabel, checkOutput(output, "fit"), "fit");
      return [checkLoss(loss(output, y)), statistics];
    };
    const [[value, statistics], gradient] = valueAndGrad(objective, { hasAux: true })(model);
    const [updated, nextState] = optimizer.step(model, gradient, state, learningRate);
    const nextModel = withStatistics(updated, statistics);
    const next = flatten({ model: nextModel, state: nextState } satisfies Trained, isTensor);
    const known = [structure, ...after.keys()].find((one) => sameStructure(one, next.structure));
    after.set(structure, known ?? next.structure);
    const total = tally.total.add(value.cast(tally.total.dtype).mul(x.shape[0]));
    const finite = tally.finite.add(total.isFinite().cast("int32"));
    return [next.leaves, { total, finite }, withLoss ? value : undefined];
  };
  const compiled = jit(step, { donate: [0, 1], static: [5] });
  return ({ leaves, structure, tally }, x, y, learningRate) => {
    const [next, nextTally, value] = compiled(leaves, tally, x, y, learningRate, structure);
    return [{ leaves: next, structure: after.get(structure) ?? structure, tally: nextTally }, value];
  };
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
