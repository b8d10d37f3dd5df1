/**
 * What an update rule is: pure functions on trees. Parameters are any tree of objects, arrays and class instances;
 * its floating-point tensors are updated, everything else passes through. The state is a tree of tensors too, so that
 * it can be passed through `jit`, donated, and saved.
 */
import { AdjointError, isTensor, type Tensor } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived, formatShape } from "../util/errors.js";
import { notLearned } from "../util/not-learned.js";
import { flatten, leafPaths, unflatten } from "../util/tree.js";

/** The state every optimizer's has at least. */
export interface OptimizerState {
  /** Updates made so far: int32, a scalar. */
  readonly step: Tensor;
}

/**
 * An update rule.
 *
 * @example
 * const optimizer = optim.sgd({ learningRate: 0.1 });
 * let w = tensor([1, 2]);
 * let state = optimizer.init(w);
 * [w, state] = optimizer.step(w, tensor([10, 0]), state);
 * w.array(); // → 0,2
 */
export interface Optimizer<State extends OptimizerState = OptimizerState> {
  /** What messages and progress displays call it. */
  readonly name: string;
  /** The learning rate after so many updates, where it is a schedule. */
  readonly schedule?: (step: number) => number;
  /** The state before the first update. */
  init(params: unknown): State;
  /**
   * One update: new parameters of the same tree, and the new state. Nothing given is changed.
   *
   * @param gradients the tree of the parameters, as `grad` gives it
   * @param learningRate this update's rate instead of the optimizer's own: a number, or a scalar tensor, which inside
   * `jit` may change from call to call
   * @throws AdjointError `tree-mismatch`, `shape-mismatch`, `invalid-argument`
   */
  step<Params>(
    params: Params,
    gradients: Params,
    state: State,
    learningRate?: number | Tensor,
  ): [params: Params, state: State];
}

/** A parameter and its gradient, with the name of its place in the tree, such as `layers.0.weight`. */
export interface Slot {
  readonly path: string;
  readonly param: Tensor;
  readonly gradient: Tensor;
}

/** A tensor, or something that is passed through whole. */
type Entry = Tensor | { readonly [notLearned]: true };

function isEntry(value: unknown): value is Entry {
  if (isTensor(value)) return true;
  return typeof value === "object" && value !== null && Reflect.get(value, notLearned) === true;
}

/** The floating-point tensor an optimizer updates, if this is one. */
function parameterOf(entry: Entry): Tensor | undefined {
  return isTensor(entry) && (entry.dtype === "float32" || entry.dtype === "float64") ? entry : undefined;
}

/** The floating-point tensors of a tree by path: what an optimizer keeps state for. */
export function floatingLeaves(params: unknown, operation: string): [path: string, param: Tensor][] {
  const flat = flatten(params, isEntry);
  const paths = leafPaths(flat.structure);
  const found = flat.leaves.flatMap((leaf, i): [string, Tensor][] => {
    const param = parameterOf(leaf);
    return param === undefined ? [] : [[paths[i], param]];
  });
  if (found.length === 0)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: params has no floating-point tensor to update, received ${formatReceived(params)}`,
      {
        operation,
        argument: "params",
        expected: "float32 or float64 tensors",
        received: formatReceived(params),
      },
    );
  return found;
}

/**
 * The same tree with every floating-point tensor of it changed.
 * @throws AdjointError `invalid-argument` for a tree without any
 */
export function mapLeaves<Tree>(tree: Tree, operation: string, change: (leaf: Tensor) => Tensor): Tree {
  const { leaves, structure } = flatten(tree, isEntry);
  if (leaves.every((leaf) => parameterOf(leaf) === undefined))
    throw invalidArgument(
      operation,
      "gradients",
      "a tree with floating-point tensors, as grad gives it",
      formatReceived(tree),
    );
  const changed = leaves.map((leaf) => {
    const value = parameterOf(leaf);
    return value === undefined ? leaf : change(value);
  });
  // the same tree with other tensors in it
  return unflatten(structure, changed) as Tree;
}

/**
 * Replaces every floating-point tensor by what `update` makes of it and its gradient.
 * @throws AdjointError `tree-mismatch`, `shape-mismatch`
 */
export function updateLeaves<Params>(
  params: Params,
  gradients: Params,
  operation: string,
  update: (slot: Slot) => Tensor,
): Params {
  const given = flatten(params, isEntry);
  const slopes = flatten(gradients, isEntry).leaves;
  if (slopes.length !== given.leaves.length)
    throw new AdjointError(
      "tree-mismatch",
      `${operation}: gradients must have the tree of params, ${given.leaves.length} tensors, received ${slopes.length}`,
      {
        operation,
        argument: "gradients",
        expected: `${given.leaves.length} tensors`,
        received: `${slopes.length} tensors`,
      },
    );
  const paths = leafPaths(given.structure);
  const updated = given.leaves.map((entry, i) => {
    const param = parameterOf(entry);
    if (param === undefined) return entry;
    const path = paths[i];
    const gradient = parameterOf(slopes[i]);
    if (gradient === undefined || formatShape(gradient.shape) !== formatShape(param.shape))
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: the gradient of ${path || "params"} must have its shape ${formatShape(param.shape)}, received ${describe(slopes[i])}`,
        {
          operation,
          argument: "gradients",
          expected: formatShape(param.shape),
          received: describe(slopes[i]),
        },
      );
    return update({ path, param, gradient });
  });
  // the same tree with other tensors in it
  return unflatten(given.structure, updated) as Params;
}

/** What was found in a gradient's place. */
function describe(entry: Entry): string {
  if (!isTensor(entry)) return formatReceived(entry);
  return parameterOf(entry) === undefined
    ? `${entry.dtype}${formatShape(entry.shape)}`
    : formatShape(entry.shape);
}

/** @throws AdjointError `invalid-argument` for what neither `init` nor `step` gave */
export function checkState(state: unknown, operation: string): void {
  const { step } = typeof state === "object" && state !== null ? (state as Partial<OptimizerState>) : {};
  if (isTensor(step) && step.rank === 0 && step.dtype === "int32") return;
  const received = formatReceived(state);
  throw invalidArgument(operation, "state", "what init(params) or the step before gave", received);
}

/**
 * The state an optimizer keeps for a parameter.
 * @throws AdjointError `tree-mismatch` where the state belongs to other parameters
 */
export function slotState(
  kept: Readonly<Record<string, Tensor>> | undefined,
  { path, param }: Pick<Slot, "path" | "param">,
  operation: string,
): Tensor {
  // a state may have been read from a file: it is looked at as one of unknown origin
  const found: unknown =
    typeof kept === "object" && kept !== null && Object.hasOwn(kept, path) ? kept[path] : undefined;
  if (!isTensor(found) || formatShape(found.shape) !== formatShape(param.shape))
    throw new AdjointError(
      "tree-mismatch",
      `${operation}: the state has ${isTensor(found) ? `${found.dtype}${formatShape(found.shape)}` : "nothing"} for ${path || "params"}; it belongs to other parameters or options: make it with init(params)`,
      { operation, argument: "state", expected: `${formatShape(param.shape)} for ${path || "params"}` },
    );
  return found;
}
