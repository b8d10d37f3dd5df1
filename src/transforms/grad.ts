/** Derivatives of scalar functions, and the pullback of any function. */

import type { Node } from "../graph/node.js";
import { uniformNode } from "../graph/node.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatList, formatReceived } from "../util/errors.js";
import {
  type ArgNums,
  argumentName,
  checkArgumentIndex,
  checkFunction,
  checkPrimals,
  checkScalar,
  checkSynchronous,
  describe,
  flattenTensors,
  type Liftable,
  type LiftableArguments,
  type Lifted,
  lift,
  matchLeaves,
  rebuild,
} from "./arguments.js";
import { pullBack, recordOn } from "./reverse.js";

/** The gradient has the tree of its argument: one argument's, or an array of them. */
export type Gradients<A extends readonly unknown[], N extends ArgNums> = N extends number
  ? A[N]
  : N extends readonly number[]
    ? { -readonly [K in keyof N]: N[K] extends number ? A[N[K]] : never }
    : never;

/** What to differentiate towards. */
export interface GradOptions<N extends ArgNums> {
  /** Differentiate towards this argument, or towards these, and the gradients come as an array. Default 0. */
  readonly argnums?: N;
}

type Anything = readonly unknown[];

function zeroLike(x: Node): Node {
  return uniformNode(x.shape, x.dtype, 0);
}

/** Checks argnums against the arguments and gives them as a list. */
function resolveArgnums(argnums: unknown, count: number, operation: string): number[] {
  if (!Array.isArray(argnums)) return [checkArgumentIndex(argnums, count, operation, "argnums")];
  if (argnums.length === 0)
    throw invalidArgument(operation, "argnums", "an argument, or several", "an empty array");
  const list = Array.from(argnums, (index) => checkArgumentIndex(index, count, operation, "argnums"));
  const twice = list.find((index, i) => list.indexOf(index) !== i);
  if (twice !== undefined)
    throw new AdjointError("invalid-argument", `${operation}: argnums names argument ${twice} twice`, {
      operation,
      argument: "argnums",
      expected: "distinct arguments",
      received: formatList(list),
    });
  return list;
}

/**
 * Flattens the differentiated arguments: floating-point tensors are the variables, all else is held.
 * @throws AdjointError `not-differentiable` for an argument without any
 */
function variablesOf(args: readonly unknown[], chosen: readonly number[], operation: string) {
  return chosen.map((index) => {
    const flat = flattenTensors(args[index], operation);
    if (!flat.leaves.some((leaf) => isFloating(leaf.dtype))) {
      const received = describe(args[index]);
      throw new AdjointError(
        "not-differentiable",
        `${operation}: ${argumentName(index)} has no floating-point tensor to differentiate, received ${received}`,
        { operation, argument: argumentName(index), expected: "float32 or float64 tensors", received },
      );
    }
    return { index, ...flat };
  });
}

/** Value and gradient at a point, for all that is built on them; refusals name `operation`. */
export function gradientAt(
  operation: string,
  f: (...args: Anything) => unknown,
  given: readonly unknown[],
  argnums: ArgNums = 0,
  hasAux = false,
): { result: unknown; gradient: unknown } {
  const chosen = resolveArgnums(argnums, given.length, operation);
  const args = given.map((value, index) => (chosen.includes(index) ? lift(value) : value));
  const variables = variablesOf(args, chosen, operation);
  const primals = variables.flatMap(({ leaves }) => leaves.filter((leaf) => isFloating(leaf.dtype)));
  const { recorded, result } = recordOn(operation, primals, (leaves) => {
    let next = 0;
    const substituted = [...args];
    for (const { index, leaves: originals, structure } of variables)
      substituted[index] = rebuild(
        structure,
        originals.map((leaf) => (isFloating(leaf.dtype) ? leaves[next++] : leaf)),
      );
    const value = f(...substituted);
    checkSynchronous(value, operation);
    const scalar = hasAux ? firstOf(value, operation) : value;
    return { outputs: [checkScalar(scalar, operation)], result: value };
  });
  const seed = uniformNode([], recorded.outputs[0].dtype, 1);
  const bars = pullBack(recorded, [seed]);
  let next = 0;
  const gradients = variables.map(({ leaves, structure }) =>
    rebuild(
      structure,
      leaves.map((leaf) => (isFloating(leaf.dtype) ? (bars[next++] ?? zeroLike(leaf)) : zeroLike(leaf))),
    ),
  );
  return { result, gradient: typeof argnums === "number" ? gradients[0] : gradients };
}

/**
 * The function and its gradient together, in one forward and one backward pass.
 *
 * @param f returns a scalar floating-point tensor, or [scalar, auxiliary] with `hasAux`
 * @returns a function of the same arguments giving [value, gradient] (or [[value, auxiliary], gradient])
 * @throws AdjointError `non-scalar-output`, `not-differentiable`, `invalid-argument`, `async-function`
 * @example valueAndGrad((x) => x.mul(x))(3).map((t) => t.item()); // → 9,6
 */
export function valueAndGrad<A extends Anything = Tensor[], const N extends ArgNums = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N> & { readonly hasAux?: false },
): Lifted<A, [Tensor, Gradients<A, N>], N>;
export function valueAndGrad<A extends Anything, Aux, const N extends ArgNums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradOptions<N> & { readonly hasAux: true },
): Lifted<A, [[Tensor, Aux], Gradients<A, N>], N>;
export function valueAndGrad(
  f: (...args: Anything) => unknown,
  options: { argnums?: ArgNums; hasAux?: boolean } = {},
): (...args: Anything) => [unknown, unknown] {
  checkFunction(f, "valueAndGrad");
  checkOptionNames(options, ["argnums", "hasAux"], "valueAndGrad");
  const { argnums, hasAux } = options;
  return (...args) => {
    const { result, gradient } = gradientAt("valueAndGrad", f, args, argnums, hasAux === true);
    return [result, gradient];
  };
}

function firstOf(value: unknown, operation: string): unknown {
  if (!Array.isArray(value) || value.length !== 2)
    throw new AdjointError(
      "non-scalar-output",
      `${operation}: with hasAux the function must return [scalar, auxiliary], received ${formatReceived(value)}`,
      { operation, expected: "[scalar, auxiliary]", received: formatReceived(value) },
    );
  return value[0];
}

/**
 * The gradient of a scalar function: a function of the same arguments whose result has the tree, shapes and dtypes of
 * the argument differentiated. A transform of a function is a function, so they nest: grad(grad(f)).
 *
 * @param f returns a scalar floating-point tensor, or [scalar, auxiliary] with `hasAux`
 * @returns the gradient, or [gradient, auxiliary]
 * @throws AdjointError `non-scalar-output`, `not-differentiable`, `invalid-argument`, `async-function`
 * @example grad((x) => x.mul(x).mul(x))(2).item(); // → 12
 * @example grad(grad((x) => x.mul(x).mul(x)))(2).item(); // → 12
 */
export function grad<A extends Anything = Tensor[], const N extends ArgNums = 0>(
  f: (...args: A) => Tensor,
  options?: GradOptions<N> & { readonly hasAux?: false },
): Lifted<A, Gradients<A, N>, N>;
export function grad<A extends Anything, Aux, const N extends ArgNums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradOptions<N> & { readonly hasAux: true },
): Lifted<A, [Gradients<A, N>, Aux], N>;
export function grad(
  f: (...args: Anything) => unknown,
  options: { argnums?: ArgNums; hasAux?: boolean } = {},
): (...args: Anything) => unknown {
  checkFunction(f, "grad");
  checkOptionNames(options, ["argnums", "hasAux"], "grad");
  const { argnums, hasAux } = options;
  return (...args) => {
    const { result, gradient } = gradientAt("grad", f, args, argnums, hasAux === true);
    return hasAux === true ? [gradient, (result as readonly unknown[])[1]] : gradient;
  };
}

/**
 * A function's output and its pullback: the map from a cotangent of the output to cotangents of the arguments, J ᵀ· ȳ. The
 * function is recorded once; the pullback may be called any number of times.
 *
 * @returns [output, pullback]; the pullback takes the output's tree and gives an array, one entry an argument
 * @throws AdjointError `not-differentiable`, `tree-mismatch`, `shape-mismatch`, `async-function`
 * @example
 * const [y, pull] = vjp((x) => x.mul(x), tensor([1, 2]));
 * pull(tensor([1, 10]))[0].array(); // → 2,40
 */
export function vjp<A extends Anything, R>(
  f: (...args: A) => R,
  ...primals: A
): [output: R, pullback: (cotangent: Liftable<R>) => A];
export function vjp<A extends Anything, R>(
  f: (...args: A) => R,
  ...primals: LiftableArguments<A>
): [output: R, pullback: (cotangent: Liftable<R>) => A];
export function vjp<A extends Anything, R>(
  f: (...args: A) => R,
  ...primals: readonly unknown[]
): [output: R, pullback: (cotangent: Liftable<R>) => A] {
  checkFunction(f, "vjp");
  const args = primals.map(lift);
  const flat = flattenTensors(args, "vjp");
  checkPrimals(args, flat.leaves, "vjp");
  const variables = flat.leaves.filter((leaf) => isFloating(leaf.dtype));
  const { recorded, result } = recordOn("vjp", variables, (leaves) => {
    let next = 0;
    const value = f(
      ...rebuild<A>(
        flat.structure,
        flat.leaves.map((leaf) => (isFloating(leaf.dtype) ? leaves[next++] : leaf)),
      ),
    );
    checkSynchronous(value, "vjp");
    const output = flattenTensors(value, "vjp");
    return { outputs: output.leaves, result: output };
  });
  const pullback = (cotangent: unknown): A => {
    const bars = pullBack(
      recorded,
      matchLeaves(cotangent, result.structure, recorded.outputs, "vjp", "cotangent"),
    );
    let next = 0;
    return rebuild<A>(
      flat.structure,
      flat.leaves.map((leaf) => (isFloating(leaf.dtype) ? (bars[next++] ?? zeroLike(leaf)) : zeroLike(leaf))),
    );
  };
  return [rebuild<R>(result.structure, recorded.outputs), pullback];
}
