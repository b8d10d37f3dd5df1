/**
 * Numbers a model gathers while it trains, without learning them by gradients. A forward pass is pure, so it cannot write
 * them into its layers: they come back beside its output (`trainForward`), and a new model is made with them
 * (`withStatistics`). Both work under `jit` and `grad`, as they are nothing but functions of tensors.
 */
import { isTensor, type Tensor } from "../index.js";
import { checkOptions, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { notLearned } from "../util/not-learned.js";
import { flatten, leafPaths, unflatten } from "../util/tree.js";
import { type ForwardOptions, isModule, type Module } from "./module.js";
import { stateNames } from "./names.js";

/**
 * The mean and variance of each channel over the batches seen, as `BatchNorm` keeps them.
 * @example new nn.BatchNorm(2).statistics.variance.array(); // → 1,1
 */
export class RunningStatistics {
  /** [channels] */
  readonly mean: Tensor;
  /** [channels], of the population: with ddof 1 in each batch */
  readonly variance: Tensor;
  /** How many batches went into them: int32, a scalar */
  readonly batches: Tensor;

  constructor(mean: Tensor, variance: Tensor, batches: Tensor) {
    this.mean = mean;
    this.variance = variance;
    this.batches = batches;
  }

  /** Optimizers ask for this: what is not learned they pass through. */
  get [notLearned](): true {
    return true;
  }

  /** PyTorch's names, from the layer's own. */
  [stateNames](path: string): string {
    return { mean: "running_mean", variance: "running_var", batches: "num_batches_tracked" }[path] ?? path;
  }
}

/** Where layers leave their new statistics during one forward pass: for each old one, the new. */
export type StatisticsSink = Map<RunningStatistics, RunningStatistics>;

/** The running statistics of a model by their place in it, such as `layers.1.statistics`. */
export type Statistics = Readonly<Record<string, RunningStatistics>>;

/** Tensors are leaves as well: they have insides that are no tree. */
function isLeaf(value: unknown): value is Tensor | RunningStatistics {
  return isTensor(value) || value instanceof RunningStatistics;
}

/**
 * A forward pass in training, with the running statistics it leads to: `[output, statistics]`. Give the statistics to
 * `withStatistics` after the update; without layers that keep any, they are an empty object.
 *
 * @param x [batch, …]
 * @param options.key for layers that draw random numbers
 * @throws AdjointError `invalid-argument` for what is no model, and whatever its layers throw
 * @example
 * let model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm(3), new nn.Linear(3, 1));
 * const optimizer = optim.sgd({ learningRate: 0.1 });
 * let state = optimizer.init(model);
 * const step = jit((current, momenta, x, y) => {
 *   const loss = (network) => {
 *     const [output, statistics] = nn.trainForward(network, x);
 *     return [losses.meanSquaredError(output, y), statistics];
 *   };
 *   const [[value, statistics], gradient] = valueAndGrad(loss, { hasAux: true })(current);
 *   const [next, nextMomenta] = optimizer.step(current, gradient, momenta);
 *   return [nn.withStatistics(next, statistics), nextMomenta];
 * });
 * [model, state] = step(model, state, tensor([[1, 2], [3, 4], [5, 9]]), tensor([[1], [0], [1]]));
 * model.layers[1].statistics.batches.item(); // → 1
 */
export function trainForward(
  model: Module,
  x: Tensor,
  options: Pick<ForwardOptions, "key"> = {},
): [output: Tensor, statistics: Statistics] {
  if (!isModule(model))
    throw invalidArgument("trainForward", "model", "a model, with a forward method", formatReceived(model));
  checkOptions(options, "trainForward");
  const statistics: StatisticsSink = new Map();
  const output: unknown = model.forward(x, { ...options, train: true, statistics });
  if (!isTensor(output))
    throw invalidArgument("trainForward", "what model.forward gives", "a tensor", formatReceived(output));
  const { leaves, structure } = flatten(model, isLeaf);
  const paths = leafPaths(structure);
  const entries = leaves.flatMap((leaf, i): [string, RunningStatistics][] =>
    isTensor(leaf) ? [] : [[paths[i], statistics.get(leaf) ?? leaf]],
  );
  return [output, Object.fromEntries(entries)];
}

/**
 * The same model with other running statistics; the given model does not change.
 *
 * @param statistics from `trainForward` of the model, or of one with the same tree
 * @throws AdjointError `tree-mismatch` where they belong to another model
 * @example
 * const model = new nn.BatchNorm(1);
 * const [, statistics] = nn.trainForward(model, tensor([[1], [3]]));
 * nn.withStatistics(model, statistics).statistics.mean.mul(10).round().array(); // → 2
 */
export function withStatistics<Model>(model: Model, statistics: Statistics): Model {
  checkOptions(statistics, "withStatistics", "an object as trainForward gives it", "statistics");
  const { leaves, structure } = flatten(model, isLeaf);
  const paths = leafPaths(structure);
  const replaced = leaves.map((leaf, i) => {
    if (isTensor(leaf)) return leaf;
    const found = Object.hasOwn(statistics, paths[i]) ? statistics[paths[i]] : undefined;
    if (found instanceof RunningStatistics) return found;
    throw otherModel(`${paths[i] || "the model"} has none`);
  });
  const own = new Set(paths.filter((_, i) => !isTensor(leaves[i])));
  const extra = Object.keys(statistics).filter((path) => !own.has(path));
  if (extra.length > 0) throw otherModel(`there are none at ${extra.join(", ")}`);
  // the same tree with other statistics in it
  return unflatten(structure, replaced) as Model;
}

function otherModel(what: string): AdjointError {
  return new AdjointError(
    "tree-mismatch",
    `withStatistics: the statistics are not this model's: ${what}; they come from trainForward(model, x)`,
    { operation: "withStatistics", argument: "statistics" },
  );
}
