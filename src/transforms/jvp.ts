/** Forward-mode derivatives: directional, and the linear map itself. */

import { type Node, uniformNode } from "../graph/node.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { AdjointError } from "../util/errors.js";
import type { Structure } from "../util/tree.js";
import {
  checkFunction,
  checkPrimals,
  checkSynchronous,
  flattenTensors,
  type LiftableArguments,
  lift,
  matchLeaves,
  rebuild,
} from "./arguments.js";
import { pushForward } from "./forward.js";
import { type Recorded, recordOn } from "./reverse.js";

type Anything = readonly unknown[];

interface Linear {
  readonly recorded: Recorded;
  readonly inputs: { readonly structure: Structure; readonly leaves: readonly Tensor[] };
  readonly output: { readonly structure: Structure; readonly leaves: readonly Tensor[] };
}

function recordFunction(
  operation: string,
  f: (...args: Anything) => unknown,
  primals: readonly unknown[],
): Linear {
  checkFunction(f, operation);
  const lifted = primals.map(lift);
  const inputs = flattenTensors(lifted, operation);
  checkPrimals(lifted, inputs.leaves, operation);
  const variables = inputs.leaves.filter((leaf) => isFloating(leaf.dtype));
  const { recorded, result: output } = recordOn(operation, variables, (leaves) => {
    let next = 0;
    const args = rebuild<Anything>(
      inputs.structure,
      inputs.leaves.map((leaf) => (isFloating(leaf.dtype) ? leaves[next++] : leaf)),
    );
    const value = f(...args);
    checkSynchronous(value, operation);
    const flat = flattenTensors(value, operation);
    return { outputs: flat.leaves, result: flat };
  });
  return { recorded, inputs, output };
}

function push(
  { recorded, inputs, output }: Linear,
  tangents: readonly unknown[],
  operation: string,
): unknown {
  const matched = matchLeaves(tangents.map(lift), inputs.structure, inputs.leaves, operation, "tangents");
  const dots = pushForward(
    recorded,
    matched.filter((_, i) => isFloating(inputs.leaves[i].dtype)),
  );
  return rebuild(
    output.structure,
    dots.map((dot, i): Node => dot ?? uniformNode(recorded.outputs[i].shape, recorded.outputs[i].dtype, 0)),
  );
}

/** @throws AdjointError `invalid-argument` unless both are arrays of one entry an argument */
export function checkArrays(primals: unknown, tangents: unknown, operation: string): void {
  if (Array.isArray(primals) && Array.isArray(tangents) && primals.length === tangents.length) return;
  throw new AdjointError(
    "invalid-argument",
    `${operation}: primals and tangents must be arrays of one entry an argument, of the same length`,
    { operation, argument: "tangents", expected: "an array as long as primals" },
  );
}

/**
 * The function's output and its derivative in a direction, J · ẋ, in one pass: forward mode.
 *
 * @param primals the arguments, as an array
 * @param tangents a direction for each, of the same trees and shapes
 * @returns [output, output tangent]
 * @throws AdjointError `invalid-argument`, `tree-mismatch`, `shape-mismatch`, `async-function`
 * @example jvp((x) => x.mul(x), [tensor([1, 2])], [tensor([1, 10])]).map((t) => t.array()); // → 1,4,2,40
 */
export function jvp<A extends Anything, R>(
  f: (...args: A) => R,
  primals: readonly [...A],
  tangents: readonly [...A],
): [output: R, tangent: R];
export function jvp<A extends Anything, R>(
  f: (...args: A) => R,
  primals: readonly [...LiftableArguments<A>],
  tangents: readonly [...LiftableArguments<A>],
): [output: R, tangent: R];
export function jvp<R>(
  f: (...args: never) => R,
  primals: readonly unknown[],
  tangents: readonly unknown[],
): [output: R, tangent: R] {
  // f is called with arguments of the trees it declares
  const [output, tangent] = jvpAt("jvp", f as (...args: Anything) => unknown, primals, tangents);
  return [output as R, tangent as R];
}

/** Output and tangent, for all that is built on them; refusals name `operation`. */
export function jvpAt(
  operation: string,
  f: (...args: Anything) => unknown,
  primals: readonly unknown[],
  tangents: readonly unknown[],
): [output: unknown, tangent: unknown] {
  checkFunction(f, operation);
  checkArrays(primals, tangents, operation);
  const linear = recordFunction(operation, f, primals);
  const tangent = push(linear, tangents, operation);
  return [rebuild(linear.output.structure, linear.recorded.outputs), tangent];
}

/**
 * The function's output and its derivative as a linear map of tangents: recorded once, applied as often as wanted.
 *
 * @returns [output, map]; the map takes one tangent an argument
 * @example
 * const [y, push] = linearize((x) => x.mul(x), tensor(3));
 * push(tensor(2)).item(); // → 12
 */
export function linearize<A extends Anything, R>(
  f: (...args: A) => R,
  ...primals: A
): [output: R, map: (...tangents: LiftableArguments<A>) => R];
export function linearize<A extends Anything, R>(
  f: (...args: A) => R,
  ...primals: LiftableArguments<A>
): [output: R, map: (...tangents: LiftableArguments<A>) => R];
export function linearize<A extends Anything, R>(
  f: (...args: A) => R,
  ...primals: readonly unknown[]
): [output: R, map: (...tangents: LiftableArguments<A>) => R] {
  const linear = recordFunction("linearize", f as (...args: Anything) => unknown, primals);
  const map = (...tangents: LiftableArguments<A>): R => {
    checkArrays(primals, tangents, "linearize");
    return push(linear, tangents, "linearize") as R;
  };
  return [rebuild<R>(linear.output.structure, linear.recorded.outputs), map];
}
