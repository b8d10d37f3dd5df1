/** Derivatives of scalar functions, and the pullback of any function. */

import type { Node } from "../graph/node.js";
import { uniformNode } from "../graph/node.js";
import { asTensor, isTensor } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { sameShape } from "../types/shape.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import type { Structure } from "../util/tree.js";
import {
  argumentName,
  checkFunction,
  checkScalar,
  checkSynchronous,
  flattenTensors,
  type Liftable,
  type LiftableArguments,
  type Lifted,
  lift,
  rebuild,
} from "./arguments.js";
import { pullBack, recordOn } from "./reverse.js";

/** Which arguments: their index, or several. */
export type ArgNums = number | readonly number[];

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
function resolveArgnums(argnums: ArgNums, count: number, operation: string): number[] {
  const list = typeof argnums === "number" ? [argnums] : [...argnums];
  for (const index of list)
    if (!Number.isInteger(index) || index < 0 || index >= count)
      throw new AdjointError(
        "invalid-argument",
        `${operation}: argnums ${String(index)} is not one of the ${count} arguments`,
        { operation, argument: "argnums", expected: `0 … ${count - 1}`, received: String(index) },
      );
  return list;
}

/**
 * Flattens the differentiated arguments: floating-point tensors are the variables, all else is held.
 * @throws AdjointError `not-differentiable` for an argument without any
 */
function variablesOf(args: readonly unknown[], chosen: readonly number[], operation: string) {
  return chosen.map((index) => {
    const flat = flattenTensors(args[index]);
    if (!flat.leaves.some((leaf) => isFloating(leaf.dtype))) {
      const received = isTensor(args[index]) ? args[index].dtype : formatReceived(args[index]);
      throw new AdjointError(
        "not-differentiable",
        `${operation}: ${argumentName(index)} has no floating-point tensor to differentiate, received ${received}`,
        { operation, argument: argumentName(index), expected: "float32 or float64 tensors", received },
      );
    }
    return { index, ...flat };
  });
}

function gradientAt<R>(
  operation: string,
  f: (...args: Anything) => R,
  given: readonly unknown[],
  argnums: ArgNums,
  scalarOf: (result: R) => unknown,
): { result: R; gradient: unknown } {
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
    return { outputs: [checkScalar(scalarOf(value), operation)], result: value };
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
): Lifted<A, [Tensor, Gradients<A, N>]>;
export function valueAndGrad<A extends Anything, Aux, const N extends ArgNums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradOptions<N> & { readonly hasAux: true },
): Lifted<A, [[Tensor, Aux], Gradients<A, N>]>;
export function valueAndGrad(
  f: (...args: Anything) => unknown,
  options: { argnums?: ArgNums; hasAux?: boolean } = {},
): (...args: Anything) => [unknown, unknown] {
  checkFunction(f, "grad");
  const scalarOf = options.hasAux === true ? firstOf : (value: unknown): unknown => value;
  return (...args) => {
    const { result, gradient } = gradientAt("grad", f, args, options.argnums ?? 0, scalarOf);
    return [result, gradient];
  };
}

function firstOf(value: unknown): unknown {
  if (!Array.isArray(value) || value.length !== 2)
    throw new AdjointError(
      "non-scalar-output",
      `grad: with hasAux the function must return [scalar, auxiliary], received ${formatReceived(value)}`,
      { operation: "grad", expected: "[scalar, auxiliary]", received: formatReceived(value) },
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
): Lifted<A, Gradients<A, N>>;
export function grad<A extends Anything, Aux, const N extends ArgNums = 0>(
  f: (...args: A) => readonly [Tensor, Aux],
  options: GradOptions<N> & { readonly hasAux: true },
): Lifted<A, [Gradients<A, N>, Aux]>;
export function grad(
  f: (...args: Anything) => unknown,
  options: { argnums?: ArgNums; hasAux?: boolean } = {},
): (...args: Anything) => unknown {
  checkFunction(f, "grad");
  const scalarOf = options.hasAux === true ? firstOf : (value: unknown): unknown => value;
  return (...args) => {
    const { result, gradient } = gradientAt("grad", f, args, options.argnums ?? 0, scalarOf);
    return options.hasAux === true ? [gradient, (result as readonly unknown[])[1]] : gradient;
  };
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
  const flat = flattenTensors(single);
  if (flat.leaves.length !== nodes.length)
    throw new AdjointError(
      "tree-mismatch",
      `${operation}: ${argument} must have the tree of what it belongs to: ${nodes.length} tensors, received ${flat.leaves.length}`,
      { operation, argument, expected: `${nodes.length} tensors`, received: `${flat.leaves.length}` },
    );
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
  const flat = flattenTensors(args);
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
    const output = flattenTensors(value);
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
