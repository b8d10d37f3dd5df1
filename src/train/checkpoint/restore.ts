/** A run's state to and from the contents of a checkpoint. */
import { isTensor, type Tensor } from "../../index.js";
import type { Module } from "../../nn/index.js";
import type { Optimizer } from "../../optim/index.js";
import { invalidArgument } from "../../util/checks.js";
import { formatShape } from "../../util/errors.js";
import { flatten, leafPaths, unflatten } from "../../util/tree.js";
import type { Progress, Trained } from "../step.js";
import { progressFrom, trainedOf } from "../step.js";
import { type CheckpointContents, damaged } from "./format.js";
import { type CheckpointRecord, toPlain } from "./record.js";
import { buildTree, describeTree, namedLeaves } from "./tree.js";

/** All of a run that its continuation needs, but for what the program itself is. */
export interface RunState {
  readonly progress: Progress;
  /** Decides the order of the epoch that is running, and of those after it. */
  readonly orderKey: Tensor;
  /** What layers draw from. */
  readonly drawKey: Tensor;
  /** The model of the best epoch, where it is to come back at the end. */
  readonly bestModel?: Module;
  readonly record: Omit<CheckpointRecord, "state" | "sums">;
}

/**
 * Tensors are kept by their paths, in which a field called `a.b` is the same as a field b of a field a.
 * @throws AdjointError `invalid-argument` for a model that has both
 */
export function checkNames(model: Module): void {
  const paths = leafPaths(flatten(model, isTensor).structure);
  const twice = paths.find((path, i) => paths.indexOf(path) !== i);
  if (twice === undefined) return;
  throw invalidArgument(
    "fit",
    "model",
    "one whose tensors have names that differ, to be kept in checkpoints",
    `two called ${twice}`,
  );
}

/** What a checkpoint of this state holds. */
export function contentsOf(state: RunState): CheckpointContents {
  const { model, state: optimizerState, sums } = trainedOf(state.progress);
  const { total, finite } = state.progress.tally;
  const record: CheckpointRecord = {
    ...state.record,
    state: describeTree(optimizerState),
    ...(sums && { sums: describeTree(sums) }),
  };
  return {
    tensors: new Map([
      ...namedLeaves(model, "model"),
      ...namedLeaves(optimizerState, "state"),
      ...(sums === undefined ? [] : namedLeaves(sums, "sums")),
      ...(state.bestModel === undefined ? [] : namedLeaves(state.bestModel, "best")),
      ["total", total],
      ["finite", finite],
      ["keys.order", state.orderKey],
      ["keys.draw", state.drawKey],
    ]),
    record: toPlain(record),
  };
}

/**
 * The state a checkpoint holds, in the classes of this program's model and optimizer.
 *
 * @throws AdjointError `checkpoint-mismatch`, `checkpoint-damaged`
 */
export function stateFrom(
  { tensors }: CheckpointContents,
  record: CheckpointRecord,
  model: Module,
  optimizer: Optimizer,
  file: string,
): RunState {
  const take = (name: string): Tensor => {
    const found = tensors.get(name);
    if (found === undefined) throw damaged(file, `it has no tensor ${name}`);
    return found;
  };
  const state = buildTree(record.state, optimizer.init(model), "state", take, "the optimizer's state");
  const sums = record.sums && buildTree(record.sums, undefined, "sums", take, "the sum of gradients");
  const trained = {
    model: modelFrom(model, "model", take, file),
    state,
    ...(sums === undefined ? {} : { sums }),
    // both were described when they were written
  } as Trained;
  const isBestKept = [...tensors.keys()].some((name) => name.startsWith("best."));
  return {
    progress: progressFrom(trained, { total: take("total"), finite: take("finite") }),
    orderKey: take("keys.order"),
    drawKey: take("keys.draw"),
    ...(isBestKept && { bestModel: modelFrom(model, "best", take, file) }),
    record,
  };
}

/** The model with the tensors of these names. @throws AdjointError `checkpoint-damaged` */
export function modelFrom<Model>(
  model: Model,
  prefix: string,
  take: (name: string) => Tensor,
  file: string,
): Model {
  const { leaves, structure } = flatten(model, isTensor);
  const paths = leafPaths(structure);
  const found = leaves.map(({ dtype, shape }, i) => {
    const name = `${prefix}.${paths[i]}`;
    const leaf = take(name);
    if (leaf.dtype === dtype && formatShape(leaf.shape) === formatShape(shape)) return leaf;
    throw damaged(
      file,
      `${name} is ${leaf.dtype}${formatShape(leaf.shape)} instead of ${dtype}${formatShape(shape)}`,
    );
  });
  // the same tree with other tensors in it
  return unflatten(structure, found) as Model;
}
