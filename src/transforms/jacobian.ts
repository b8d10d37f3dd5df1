/** Whole matrices of derivatives, and products with them that never form them. */

import { isTensor } from "../tensor/convert.js";
import { eye } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import {
  checkArgumentIndex,
  checkFunction,
  checkSynchronous,
  describe,
  type LiftableArguments,
  type Lifted,
  lift,
} from "./arguments.js";
import { gradientAt, vjp } from "./grad.js";
import { checkArrays, jvpAt, linearize } from "./jvp.js";
import { requireTensor, vmap } from "./vmap.js";

type Anything = readonly unknown[];

/** What to differentiate, and how. */
export interface JacobianOptions<N extends number = number> {
  /** The argument to differentiate: one tensor. Default 0. */
  readonly argnum?: N;
  /**
   * "forward" pushes one tangent an input element, "reverse" pulls one cotangent an output element; "auto" (default)
   * takes the fewer.
   */
  readonly mode?: "auto" | "forward" | "reverse";
}

/** The function of its argument `argnum` alone, and that argument as a floating-point tensor. */
function isolate<A extends Anything>(
  f: (...args: A) => unknown,
  args: readonly unknown[],
  argnum: number,
  operation: string,
) {
  checkArgumentIndex(argnum, args.length, operation, "argnum");
  const x = lift(args[argnum]);
  if (!isTensor(x) || !isFloating(x.dtype))
    throw new AdjointError(
      "not-differentiable",
      `${operation}: argument ${argnum} must be a float32 or float64 tensor, received ${describe(x)}`,
      {
        operation,
        argument: `argument ${argnum}`,
        expected: "a floating-point tensor",
        received: describe(x),
      },
    );
  const alone = (value: Tensor): Tensor => {
    const all = [...args];
    all[argnum] = value;
    // the other arguments are passed on as they came
    const result = f(...(all as unknown as A));
    checkSynchronous(result, operation);
    const y = requireTensor(result, operation);
    if (!isFloating(y.dtype))
      throw new AdjointError(
        "dtype-mismatch",
        `${operation}: the result must be floating-point to have a derivative, received ${y.dtype}`,
        { operation, expected: "float32 | float64", received: y.dtype },
      );
    return y;
  };
  return { x, alone };
}

/**
 * The Jacobian ∂yᵢ/∂xⱼ of a tensor-valued function: shape output.shape ++ input.shape.
 *
 * @throws AdjointError `not-differentiable`, `invalid-argument`
 * @example jacobian((x) => x.mul(x))(tensor([1, 2])).array(); // → 2,0,0,4
 */
export function jacobian<A extends Anything = Tensor[], const N extends number = 0>(
  f: (...args: A) => Tensor,
  options: JacobianOptions<N> = {},
): Lifted<A, Tensor, N> {
  checkFunction(f, "jacobian");
  checkOptionNames(options, ["argnum", "mode"], "jacobian");
  const { argnum = 0, mode = "auto" } = options;
  if (!["auto", "forward", "reverse"].includes(mode))
    throw invalidArgument("jacobian", "mode", '"auto", "forward" or "reverse"', formatReceived(mode));
  return (...args: readonly unknown[]) => {
    const { x, alone } = isolate(f, args, argnum, "jacobian");
    if (mode === "forward") return forwardJacobian(alone, x);
    const [y, pull] = vjp(alone, x);
    if (mode === "auto" && x.size < y.size) return forwardJacobian(alone, x);
    if (y.size === 0) return y.reshape([...y.shape, ...x.shape]);
    const rows = eye(y.size, y.size, { dtype: y.dtype });
    const bars = vmap((cotangent: Tensor) => pull(cotangent.reshape(y.shape))[0])(rows);
    return bars.reshape([...y.shape, ...x.shape]);
  };
}

function forwardJacobian(f: (x: Tensor) => Tensor, x: Tensor): Tensor {
  const [y, push] = linearize(f, x);
  if (x.size === 0) return y.reshape([...y.shape, ...x.shape]);
  const columns = eye(x.size, x.size, { dtype: x.dtype });
  const dots = vmap((tangent: Tensor) => push(tangent.reshape(x.shape)), { outAxes: -1 })(columns);
  return dots.reshape([...y.shape, ...x.shape]);
}

/** What to differentiate. */
export interface HessianOptions<N extends number = number> {
  /** The argument to differentiate: one tensor. Default 0. */
  readonly argnum?: N;
}

/**
 * The matrix of second derivatives of a scalar function: shape input.shape ++ input.shape. Forward over reverse: one
 * tangent an input element through the gradient.
 *
 * @throws AdjointError `non-scalar-output`, `not-differentiable`
 * @example hessian((x) => x.mul(x).mul(x).sum())(tensor([1, 2])).array(); // → 6,0,0,12
 */
export function hessian<A extends Anything = Tensor[], const N extends number = 0>(
  f: (...args: A) => Tensor,
  options: HessianOptions<N> = {},
): Lifted<A, Tensor, N> {
  checkFunction(f, "hessian");
  checkOptionNames(options, ["argnum"], "hessian");
  const { argnum = 0 } = options;
  return (...args: readonly unknown[]) => {
    const { x, alone } = isolate(f, args, argnum, "hessian");
    // the gradient of a function of one tensor is a tensor
    const gradient = (...at: Tensor[]): Tensor =>
      gradientAt("hessian", (...leaves) => alone(leaves[0] as Tensor), at).gradient as Tensor;
    return forwardJacobian(gradient, x);
  };
}

/**
 * The Hessian of a scalar function times a direction, without forming it: two passes.
 *
 * @param primals the arguments, as an array
 * @param tangents a direction for each; derivatives are taken towards all arguments
 * @returns one tensor tree an argument
 * @example hvp((x) => x.mul(x).mul(x).sum(), [tensor([1, 2])], [tensor([1, 0])])[0].array(); // → 6,0
 */
export function hvp<A extends Anything>(
  f: (...args: A) => Tensor,
  primals: readonly [...A],
  tangents: readonly [...A],
): A;
export function hvp<A extends Anything>(
  f: (...args: A) => Tensor,
  primals: readonly [...LiftableArguments<A>],
  tangents: readonly [...LiftableArguments<A>],
): A;
export function hvp<A extends Anything>(
  f: (...args: never) => Tensor,
  primals: readonly unknown[],
  tangents: readonly unknown[],
): A {
  checkFunction(f, "hvp");
  checkArrays(primals, tangents, "hvp");
  const all = primals.map((_, index) => index);
  // the gradient towards every argument, as a function of every argument
  const gradient = (...args: Anything): unknown =>
    gradientAt("hvp", f as (...args: Anything) => unknown, args, all).gradient;
  return jvpAt("hvp", gradient, primals, tangents)[1] as A;
}
