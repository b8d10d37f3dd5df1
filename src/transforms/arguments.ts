/** How transforms see a user's function: trees in, trees out, tensors as leaves. */

import type { Node } from "../graph/node.js";
import { isTensor, tensor } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { type Flat, flatten, type Structure, unflatten } from "../util/tree.js";

/** Where a tensor is declared, a transform also takes a plain number. */
export type Liftable<T> = T | (T extends Tensor ? number : never);
export type LiftableArguments<A extends readonly unknown[]> = { [K in keyof A]: Liftable<A[K]> };

/**
 * A function of the arguments A that also takes numbers for tensors. The exact signature comes last, which is the one
 * inference sees, so that transforms of transforms keep the types of the function at the bottom.
 */
export interface Lifted<A extends readonly unknown[], R> {
  (...args: LiftableArguments<A>): R;
  (...args: A): R;
}

export function flattenTensors(tree: unknown): Flat<Tensor> {
  return flatten(tree, isTensor);
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
