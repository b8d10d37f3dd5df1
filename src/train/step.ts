/** One training step as one compiled program: forward, backward, update, and the sums that say how it went. */
import { isTensor, jit, random, type Tensor, tensor, valueAndGrad, zeros } from "../index.js";
import type { Loss } from "../losses/index.js";
import { type Module, type Statistics, trainForward, withStatistics } from "../nn/index.js";
import type { Optimizer, OptimizerState } from "../optim/index.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { flatten, type Structure, sameStructure, unflatten } from "../util/tree.js";
import { classesOf } from "./metrics/labels.js";
import { checkOutput } from "./model.js";
import { checkLabelRange } from "./objective.js";
import type { Taken } from "./replay.js";
import type { FloatDType } from "./source.js";

/** What is learned. */
export interface Trained {
  readonly model: Module;
  readonly state: OptimizerState;
  /** Where an update is made of several batches: what they gave so far. */
  readonly sums?: Sums;
}

/** Gradients of several batches, each counted by its examples, so that their mean is that of one large batch. */
export interface Sums {
  /** Σ gradient · examples, for each tensor of the model. */
  readonly gradient: readonly Tensor[];
  readonly examples: Tensor;
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

/** The tally's total and finite, as the program takes them: an array is put together faster than an object. */
type Counts = readonly [total: Tensor, finite: Tensor];

export function progressFrom(trained: Trained, tally: Tally): Progress {
  return { ...flatten(trained, isTensor), tally };
}

/** What was learned so far, as the trees it came in. */
export function trainedOf({ structure, leaves }: Pick<Progress, "structure" | "leaves">): Trained {
  // the structure is one of such trees
  return unflatten(structure, leaves) as Trained;
}

/** A step: what it is given as progress is used up. */
export type Step = (progress: Progress, taken: Taken) => [progress: Progress, loss: Tensor | undefined];

export function newTally(dtype: FloatDType): Tally {
  return { total: zeros([], { dtype }), finite: zeros([], { dtype: "int32" }) };
}

/** Nothing added yet. */
export function newSums(model: Module, dtype: FloatDType): Sums {
  const { leaves } = flatten(model, isTensor);
  return {
    gradient: leaves.map((leaf) => zeros(leaf.shape, { dtype: leaf.dtype })),
    examples: zeros([], { dtype }),
  };
}

/** How a step is made. */
export interface StepOptions {
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** The largest label so far, asked for while the step is traced. */
  readonly largestLabel: () => number | undefined;
  /** What layers draw from: each step's key is made of it and the number of steps before. */
  readonly key: Tensor;
  /** Whether each step also gives its own loss. */
  readonly withLoss: boolean;
  /** Told, while tracing, how many classes the model tells apart. */
  readonly onClasses?: (classes: number) => void;
}

/** The key of the step after so many good ones. Made of a number that is counted anyway, it costs nothing where no layer draws from it. */
export function stepKeyOf(key: Tensor, finite: Tensor): Tensor {
  return random.split(key.add(finite), 1)[0];
}

/** The loss of a batch in training, and the statistics it leads to. */
export function trainingLoss(
  { loss, largestLabel, onClasses }: StepOptions,
  network: Module,
  x: Tensor,
  y: Tensor,
  key: Tensor,
): [loss: Tensor, statistics: Statistics] {
  const [output, statistics] = trainForward(network, x, { key });
  checkLabelRange(loss, largestLabel(), checkOutput(output, "fit"), "fit");
  onClasses?.(classesOf(output));
  return [checkLoss(loss(output, y)), statistics];
}

/** Compiles a step. */
export function compileStep(options: StepOptions): Step {
  const { optimizer, key, withLoss } = options;
  // an update may give other trees than it was given, such as a state that grows at the first one; known once traced
  const after = new Map<Structure, Structure>();
  const step = (
    leaves: readonly Tensor[],
    tally: Counts,
    x: Tensor,
    y: Tensor,
    learningRate: Tensor | undefined,
    structure: Structure,
    applies: boolean,
  ): [leaves: readonly Tensor[], tally: Counts, loss: Tensor | undefined] => {
    const { model, state, sums } = trainedOf({ structure, leaves });
    const [totalBefore, finiteBefore] = tally;
    const stepKey = stepKeyOf(key, finiteBefore);
    const objective = (network: Module): [loss: Tensor, statistics: Statistics] =>
      trainingLoss(options, network, x, y, stepKey);
    const [[value, statistics], gradient] = valueAndGrad(objective, { hasAux: true })(model);
    const updated = update(optimizer, { model, state, ...(sums && { sums }) }, gradient, x.shape[0], {
      learningRate,
      applies,
    });
    const nextModel = withStatistics(updated.model, statistics);
    const next = flatten({ ...updated, model: nextModel } satisfies Trained, isTensor);
    const known = [structure, ...after.keys()].find((one) => sameStructure(one, next.structure));
    after.set(structure, known ?? next.structure);
    const total = totalBefore.add(value.cast(totalBefore.dtype).mul(x.shape[0]));
    const finite = finiteBefore.add(total.isFinite().cast("int32"));
    return [next.leaves, [total, finite], withLoss ? value : undefined];
  };
  const compiled = jit(step, { donate: [0, 1], static: [5, 6] });
  return ({ leaves, structure, tally }, { x, y, rate, applies }) => {
    const before: Counts = [tally.total, tally.finite];
    const [next, [total, finite], value] = compiled(leaves, before, x, y, rate, structure, applies);
    return [{ leaves: next, structure: after.get(structure) ?? structure, tally: { total, finite } }, value];
  };
}

/** The update by this gradient, or by the mean of those since the last update; or none, where more are to come. */
function update(
  optimizer: Optimizer,
  { model, state, sums }: Trained,
  gradient: Module,
  examples: number,
  { learningRate, applies }: { readonly learningRate: Tensor | undefined; readonly applies: boolean },
): Trained {
  if (sums === undefined) {
    const [next, nextState] = optimizer.step(model, gradient, state, learningRate);
    return { model: next, state: nextState };
  }
  const { leaves, structure } = flatten(gradient, isTensor);
  const isAdded = (leaf: Tensor): boolean => leaf.dtype === "float32" || leaf.dtype === "float64";
  // Σ nᵢ gᵢ
  const added = leaves.map((leaf, i) => (isAdded(leaf) ? sums.gradient[i].add(leaf.mul(examples)) : leaf));
  const count = sums.examples.add(examples);
  if (!applies) return { model, state, sums: { gradient: added, examples: count } };
  // Σ nᵢ gᵢ / Σ nᵢ
  const means = added.map((leaf) => (isAdded(leaf) ? leaf.div(count.cast(leaf.dtype)) : leaf));
  // the same tree with other tensors in it
  const mean = unflatten(structure, means) as Module;
  const [next, nextState] = optimizer.step(model, mean, state, learningRate);
  const none = {
    gradient: added.map((leaf) => zeros(leaf.shape, { dtype: leaf.dtype })),
    examples: tensor(0, { dtype: count.dtype }),
  };
  return { model: next, state: nextState, sums: none };
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
