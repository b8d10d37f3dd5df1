/**
 * Short training runs of a copy: some steps on given batches, the loss on given examples before and after. The same run with
 * one thing changed is what a finding's remedy is tried by.
 */
import { argmax, isTensor, jit, random, stack, type Tensor, valueAndGrad } from "../../index.js";
import type { Loss } from "../../losses/index.js";
import { type Module, trainForward, withStatistics } from "../../nn/index.js";
import type { Optimizer, OptimizerState } from "../../optim/index.js";
import { flatten, leafPaths, unflatten } from "../../util/tree.js";
import { fromReal, real } from "../numbers.js";
import type { Trial } from "./document.js";
import type { Batch } from "./examples.js";

/** What a run trains, and how. */
export interface Setup {
  readonly model: Module;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  /** The optimizer's state to begin with; null for its first. */
  readonly state: OptimizerState | null;
  /** Every update is taken this many times: what a learning rate so many times as large does, whatever the optimizer. */
  readonly rate: number;
  /** Applied to inputs before the model sees them. */
  readonly prepare: (x: Tensor) => Tensor;
  /** From outputs to what targets are compared with. */
  readonly read: (output: Tensor) => Tensor;
  /** Above which a single output means class 1. */
  readonly threshold: number;
}

/** The batches of a run and the examples it is measured on. */
export interface Course {
  readonly batches: readonly Batch[];
  readonly measured: Batch;
  readonly seed: number;
}

/** A run, with what is not in the document. */
export interface Tried {
  readonly trial: Trial;
  /** ‖Δw‖ / ‖w‖ of each weight, by path: the mean over the steps, and the largest. */
  readonly updates: ReadonlyMap<string, { readonly mean: number; readonly peak: number }>;
}

/** Trains a copy. Each step is one compiled program. */
export async function tryOut(setup: Setup, { batches, measured, seed }: Course): Promise<Tried> {
  const { optimizer, loss, prepare } = setup;
  const paths = weightPaths(setup.model);
  const step = jit(
    (model: Module, state: ReturnType<typeof optimizer.init>, x: Tensor, y: Tensor, key: Tensor) => {
      const objective = (network: Module) => {
        const [output, statistics] = trainForward(network, prepare(x), { key });
        return [loss(output, y), statistics] as [Tensor, typeof statistics];
      };
      const [[, statistics], gradient] = valueAndGrad(objective, { hasAux: true })(model);
      const [updated, next] = optimizer.step(model, gradient, state);
      const moved = setup.rate === 1 ? updated : stretched(model, updated, setup.rate);
      return [withStatistics(moved, statistics), next, ratiosOf(model, moved)] as const;
    },
  );
  const keys = random.split(random.key(seed), batches.length + 1);
  const before = await measure(setup, setup.model, measured, keys[batches.length]);
  let model = setup.model;
  let state = setup.state ?? optimizer.init(model);
  const sums = paths.map(() => 0);
  const peaks = paths.map(() => 0);
  let finished = 0;
  for (const { x, y } of batches) {
    const [trained, next, ratios] = step(model, state, x, y, keys[finished]);
    const values = await ratios.data();
    if (!values.every(Number.isFinite)) break;
    values.forEach((value, i) => {
      sums[i] += value;
      peaks[i] = Math.max(peaks[i], value);
    });
    model = trained;
    state = next;
    finished++;
  }
  const isWhole = finished === batches.length;
  const after = await measure(setup, model, measured, keys[batches.length]);
  return {
    trial: {
      steps: batches.length,
      finished,
      loss: { start: real(before.loss), end: isWhole ? real(after.loss) : "NaN" },
      score: { name: before.name, start: real(before.score), end: real(after.score) },
    },
    updates: new Map(
      paths.map((path, i) => {
        const isBroken = finished === 0;
        const mean = isBroken ? Number.POSITIVE_INFINITY : sums[i] / finished;
        return [path, { mean, peak: isBroken ? mean : peaks[i] }];
      }),
    ),
  };
}

/** The floating-point weights of a model, which have two axes or more. */
export function weightPaths(model: Module): string[] {
  const { leaves, structure } = flatten(model, isTensor);
  const paths = leafPaths(structure);
  return leaves.flatMap((leaf, i) => (isWeight(leaf) ? [paths[i]] : []));
}

function isWeight({ dtype, rank }: Tensor): boolean {
  return rank >= 2 && (dtype === "float32" || dtype === "float64");
}

function leavesOf(model: Module): readonly Tensor[] {
  return flatten(model, isTensor).leaves;
}

/** w + rate · (w′ − w) */
function stretched(model: Module, updated: Module, rate: number): Module {
  const old = leavesOf(model);
  const { leaves, structure } = flatten(updated, isTensor);
  const moved = leaves.map((leaf, i) =>
    leaf === old[i] || (leaf.dtype !== "float32" && leaf.dtype !== "float64")
      ? leaf
      : old[i].add(leaf.sub(old[i]).mul(rate)),
  );
  // the same tree with other tensors in it
  return unflatten(structure, moved) as Module;
}

/** ‖w′ − w‖ / ‖w‖ of every weight, [weights]; a weight of zeros that moves has a ratio of 1 to itself afterwards. */
function ratiosOf(model: Module, updated: Module): Tensor {
  const old = leavesOf(model);
  const ratios = leavesOf(updated).flatMap((leaf, i) => {
    if (!isWeight(leaf)) return [];
    const [before, after, change] = [old[i], leaf, leaf.sub(old[i])].map((w) => w.square().sum().sqrt());
    // the larger of the two sizes, so that zeros divide nothing; 1e-30 where both are 0
    return [change.div(before.maximum(after).maximum(1e-30)).cast("float64")];
  });
  return stack(ratios);
}

interface Measured {
  readonly loss: number;
  readonly name: "accuracy" | "rms error";
  readonly score: number;
}

async function measure(setup: Setup, model: Module, { x, y }: Batch, key: Tensor): Promise<Measured> {
  const [output] = trainForward(model, setup.prepare(x), { key });
  const loss = await setup.loss(output, y).item();
  const read = setup.read(output);
  if (y.dtype === "int32" && y.rank === read.rank - 1) {
    const isSingle = read.shape[read.rank - 1] === 1;
    const classes = isSingle ? read.squeeze(-1).gt(setup.threshold).cast("int32") : argmax(read, -1);
    const right = await classes.eq(y).cast("float64").mean().item();
    return { loss, name: "accuracy", score: right };
  }
  const error =
    read.shape.join() === y.shape.join() ? await read.sub(y).square().mean().sqrt().item() : Number.NaN;
  return { loss, name: "rms error", score: error };
}

/**
 * Whether the second run ended better: under the same loss by the loss, else by the score.
 * @param margin how much lower the loss must be
 */
export function isBetter(without: Trial, changed: Trial, sameLoss: boolean, margin: number): boolean {
  const [a, b] = [fromReal(without.score.end), fromReal(changed.score.end)];
  const [before, after] = [fromReal(without.loss.end), fromReal(changed.loss.end)];
  if (!Number.isFinite(after)) return false;
  if (!Number.isFinite(before)) return true;
  if (sameLoss) return before - after > margin;
  return without.score.name === "accuracy" ? b > a : b < a;
}
