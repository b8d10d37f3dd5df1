/** How transforms see a user's function: trees in, trees out, tensors as leaves. */

import type { Node } from "../graph/node.js";
import { asTensor, isTensor, tensor } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { sameShape } from "../types/shape.js";
import { invalidArgument, isNatural } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { type Flat, flatten, leafPaths, type Structure, unflatten } from "../util/tree.js";

/** Where a tensor is declared, a transform also takes a plain number. */
export type Liftable<T> = T | (T extends Tensor ? number : never);
export type LiftableArguments<A extends readonly unknown[]> = { [K in keyof A]: Liftable<A[K]> };

/** Which arguments: their index, or several. */
export type ArgNums = number | readonly number[];

type Indices<N extends ArgNums> = N extends number ? N : N extends readonly number[] ? N[number] : never;

/** The arguments A, with numbers allowed for the tensors that are differentiated; the others are passed on as they are. */
export type LiftedArguments<A extends readonly unknown[], N extends ArgNums> = number extends A["length"]
  ? N extends number
    ? [Liftable<A[number]>, ...A]
    : LiftableArguments<A>
  : { [K in keyof A]: K extends `${Indices<N>}` ? Liftable<A[K]> : A[K] };

/**
 * A function of the arguments A that also takes numbers for the tensors it differentiates. The exact signature comes
 * last, which is the one inference sees, so that transforms of transforms keep the types of the function at the bottom.
 */
export interface Lifted<A extends readonly unknown[], R, N extends ArgNums> {
  (...args: LiftedArguments<A, N>): R;
  (...args: A): R;
}

/** The tensors of a tree, and the tree around them; `operation` is named where the tree is refused. */
export function flattenTensors(tree: unknown, operation?: string): Flat<Tensor> {
  return flatten(tree, isTensor, operation);
}

/** The tree of a function's result in another set of leaves; its structure is that of T, which types cannot follow. */
export function rebuild<T>(structure: Structure, leaves: readonly Node[]): T {
  return unflatten(structure, leaves) as T;
}

/** A number in a tensor's place becomes one. */
export function lift(value: unknown): unknown {
  return typeof value === "number" ? tensor(value) : value;
}

/**
 * @throws AdjointError `async-function` for a promise: derivatives of asynchronous functions are not defined
 */
export function checkSynchronous(result: unknown, operation: string): void {
  if (result instanceof Promise) {
    // its rejection, if any, is not the news
    result.catch(() => undefined);
    throw new AdjointError(
      "async-function",
      `${operation}: the function returned a Promise; it must be synchronous. Await the data outside and pass them in`,
      { operation, expected: "tensors", received: "Promise" },
    );
  }
}

/** @throws AdjointError `invalid-argument` unless `f` is a function */
export function checkFunction(f: unknown, operation: string): void {
  if (typeof f !== "function")
    throw new AdjointError(
      "invalid-argument",
      `${operation}: expected a function, received ${formatReceived(f)}`,
      {
        operation,
        argument: "f",
        expected: "a function",
        received: formatReceived(f),
      },
    );
}

/** @throws AdjointError `invalid-argument` unless `index` is that of one of `count` arguments */
export function checkArgumentIndex(index: unknown, count: number, operation: string, option: string): number {
  if (isNatural(index) && index < count) return index;
  const received = formatReceived(index);
  throw new AdjointError(
    "invalid-argument",
    `${operation}: ${option} ${received} is not one of the ${count} arguments`,
    { operation, argument: option, expected: count === 0 ? "an argument" : `0 … ${count - 1}`, received },
  );
}

/**
 * @throws AdjointError `invalid-argument` without any primal, `not-differentiable` where none holds a floating-point
 * tensor
 */
export function checkPrimals(primals: readonly unknown[], leaves: readonly Node[], operation: string): void {
  if (primals.length === 0)
    throw invalidArgument(operation, "primals", "at least one argument of the function", "none");
  if (leaves.some((leaf) => isFloating(leaf.dtype))) return;
  const received = primals.map(describe).join(", ");
  throw new AdjointError(
    "not-differentiable",
    `${operation}: no argument has a floating-point tensor to differentiate, received ${received}`,
    { operation, argument: "primals", expected: "float32 or float64 tensors", received },
  );
}

/** A tensor by its dtype, anything else as messages show it. */
export function describe(value: unknown): string {
  return isTensor(value) ? value.dtype : formatReceived(value);
}

/**
 * Leaves of a user's (co)tangent tree, checked against what they must match.
 * @throws AdjointError `tree-mismatch`, `shape-mismatch`
 */
export function matchLeaves(
  value: unknown,
  structure: Structure,
  nodes: readonly Node[],
  operation: string,
  argument: string,
): (Node | null)[] {
  const single =
    structure.kind === "leaf" && typeof value === "number"
      ? asTensor(value, operation, argument, nodes[0].dtype)
      : value;
  const flat = flattenTensors(single, operation);
  if (flat.leaves.length !== nodes.length)
    throw treeMismatch(operation, argument, `${nodes.length} tensors`, `${flat.leaves.length}`);
  if (structure.kind !== "leaf" || flat.structure.kind !== "leaf") {
    // what is no tensor may differ: the tangent of an option is left out, or null
    const [expected, received] = [leafPaths(structure), leafPaths(flat.structure)];
    const at = expected.findIndex((path, i) => path !== received[i]);
    if (at >= 0)
      throw treeMismatch(operation, argument, `a tensor at "${expected[at]}"`, `"${received[at]}"`);
  }
  return flat.leaves.map((leaf, i) => {
    if (!sameShape(leaf.shape, nodes[i].shape))
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: ${argument} must have shape ${formatShape(nodes[i].shape)}, received ${formatShape(leaf.shape)}`,
        { operation, argument, expected: formatShape(nodes[i].shape), received: formatShape(leaf.shape) },
      );
    if (!isFloating(nodes[i].dtype)) return null;
    return leaf.dtype === nodes[i].dtype ? leaf : leaf.cast(nodes[i].dtype);
  });
}

function treeMismatch(operation: string, argument: string, expected: string, received: string): AdjointError {
  return new AdjointError(
    "tree-mismatch",
    `${operation}: ${argument} must have the tree of what it belongs to: ${expected}, received ${received}`,
    { operation, argument, expected, received },
  );
}

/**
 * The result as a scalar floating-point tensor.
 * @throws AdjointError `non-scalar-output`, `dtype-mismatch`
 */
export function checkScalar(value: unknown, operation: string): Tensor {
  if (!isTensor(value))
    throw new AdjointError(
      "non-scalar-output",
      `${operation}: the function must return a scalar tensor, received ${formatReceived(value)}`,
      { operation, expected: "a scalar tensor", received: formatReceived(value) },
    );
  if (value.size !== 1 || value.rank !== 0)
    throw new AdjointError(
      "non-scalar-output",
      `${operation}: the function must return a scalar tensor, received shape ${formatShape(value.shape)}; reduce it with sum() or mean(), or use vjp or jacobian`,
      { operation, expected: "shape []", received: formatShape(value.shape) },
    );
  if (!isFloating(value.dtype))
    throw new AdjointError(
      "dtype-mismatch",
      `${operation}: the result must be floating-point to have a gradient, received ${value.dtype}`,
      { operation, expected: "float32 | float64", received: value.dtype },
    );
  return value;
}

export function argumentName(index: number): string {
  return `argument ${index}`;
}
