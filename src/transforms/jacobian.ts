/** Whole matrices of derivatives, and products with them that never form them. */

import { isTensor } from "../tensor/convert.js";
import { eye } from "../tensor/create.js";
import type { Tensor } from "../tensor/tensor.js";
import { isFloating } from "../types/dtype.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { checkFunction, type LiftableArguments, type Lifted, lift } from "./arguments.js";
import { grad, vjp } from "./grad.js";
import { jvp, linearize } from "./jvp.js";
import { requireTensor, vmap } from "./vmap.js";

type Anything = readonly unknown[];

/** What to differentiate towards, and how. */
export interface JacobianOptions {
  /** The argument to differentiate: one tensor. Default 0. */
  readonly argnum?: number;
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
  const x = lift(args[argnum]);
  if (!isTensor(x) || !isFloating(x.dtype))
    throw new AdjointError(
      "not-differentiable",
      `${operation}: argument ${argnum} must be a float32 or float64 tensor, received ${isTensor(x) ? x.dtype : formatReceived(x)}`,
      { operation, argument: `argument ${argnum}`, expected: "a floating-point tensor" },
    );
  const alone = (value: Tensor): Tensor => {
    const all = [...args];
    all[argnum] = value;
    // the other arguments are passed on as they came
    return requireTensor(f(...(all as unknown as A)), operation);
  };
  return { x, alone };
}

/**
 * The Jacobian ∂yᵢ/∂xⱼ of a tensor-valued function: shape output.shape ++ input.shape.
 *
 * @throws AdjointError `not-differentiable`, `invalid-argument`
 * @example jacobian((x) => x.mul(x))(tensor([1, 2])).array(); // → 2,0,0,4
 */
export function jacobian<A extends Anything = Tensor[]>(
  f: (...args: A) => Tensor,
  options: JacobianOptions = {},
): Lifted<A, Tensor> {
  checkFunction(f, "jacobian");
  const { argnum = 0, mode = "auto" } = options;
  if (!["auto", "forward", "reverse"].includes(mode))
    throw new AdjointError(
      "invalid-argument",
      `jacobian: mode must be "auto", "forward" or "reverse", received ${formatReceived(mode)}`,
      {
        operation: "jacobian",
        argument: "mode",
        expected: '"auto" | "forward" | "reverse"',
        received: formatReceived(mode),
      },
    );
  return (...args: readonly unknown[]) => {
    const { x, alone } = isolate(f, args, argnum, "jacobian");
    if (mode === "forward") return forwardJacobian(alone, x);
    const [y, pull] = vjp(alone, x);
    if (mode === "auto" && x.size < y.size) return forwardJacobian(alone, x);
    if (y.size === 0) return y.reshape([...y.shape, ...x.shape]);
    const rows = eye(y.size, y.size, { dtype: isFloating(y.dtype) ? y.dtype : "float32" });
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

/** What to differentiate towards. */
export interface HessianOptions {
  /** The argument to differentiate: one tensor. Default 0. */
  readonly argnum?: number;
}

/**
 * The matrix of second derivatives of a scalar function: shape input.shape ++ input.shape. Forward over reverse: one
 * tangent an input element through the gradient.
 *
 * @throws AdjointError `non-scalar-output`, `not-differentiable`
 * @example hessian((x) => x.mul(x).mul(x).sum())(tensor([1, 2])).array(); // → 6,0,0,12
 */
export function hessian<A extends Anything = Tensor[]>(
  f: (...args: A) => Tensor,
  options: HessianOptions = {},
): Lifted<A, Tensor> {
  checkFunction(f, "hessian");
  return (...args: readonly unknown[]) => {
    const { x, alone } = isolate(f, args, options.argnum ?? 0, "hessian");
    return forwardJacobian(grad(alone), x);
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
  f: (...args: A) => Tensor,
  primals: readonly [...A],
  tangents: readonly [...A],
): A {
  checkFunction(f, "hvp");
  const all = primals.map((_, index) => index);
  // the gradient towards every argument, as a function of every argument
  const gradient = grad(f, { argnums: all }) as unknown as (...args: A) => A;
  return jvp(gradient, primals, tangents)[1];
}
