/** Wrong uses that the compiler must refuse; each expectation fails the check where it would let one through. */
import { grad, hessian, jacobian, jit, jvp, type Tensor, tensor, vjp, vmap } from "adjoint";

declare const x: Tensor;

const square = (t: Tensor): Tensor => t.mul(t);
const weighted = (w: { readonly value: Tensor }, t: Tensor): Tensor => w.value.mul(t).sum();

export function functions(): void {
  // @ts-expect-error a gradient needs a function of tensors
  grad(x);
  // @ts-expect-error the function must return a tensor
  grad((t: Tensor) => t.size);
  // @ts-expect-error derivatives of asynchronous functions are not defined
  grad(async (t: Tensor) => t);
  // @ts-expect-error hasAux needs a pair
  grad(square, { hasAux: true });
  // @ts-expect-error the pair needs hasAux
  grad((t: Tensor): [Tensor, number] => [t, 1]);
  // @ts-expect-error a Jacobian is of one tensor
  jacobian((t: Tensor) => [t, t]);
  // @ts-expect-error a Hessian needs a scalar tensor
  hessian((t: Tensor) => t.shape);
}

export function arguments_(): void {
  // @ts-expect-error too few arguments
  grad(weighted)({ value: x });
  // @ts-expect-error another tree
  grad(weighted)({ weight: x }, x);
  // @ts-expect-error a string is no tensor
  grad(square)("3");
  // @ts-expect-error too many arguments
  jit(square)(x, x);
  // @ts-expect-error one tangent an argument
  jvp(weighted, [{ value: x }, x], [x]);
  // @ts-expect-error the cotangent has the tree of the output
  vjp(square, x)[1]({ value: x });
  // @ts-expect-error a number only where the function is differentiated: the other argument is passed on as it is
  grad((a: Tensor, b: Tensor) => b.mul(a))(2, 3);
  // @ts-expect-error the same for a chosen argument
  hessian((a: Tensor, b: Tensor) => a.mul(b), { argnum: 1 })(2, 3);
  // @ts-expect-error vmap keeps the arguments
  vmap(weighted)(x, x);
}

export function options(): void {
  // @ts-expect-error a misspelt option
  grad(square, { argnum: 0 });
  // @ts-expect-error argnums is a number or an array of them
  grad(square, { argnums: "0" });
  // @ts-expect-error no such mode
  jacobian(square, { mode: "backward" });
  // @ts-expect-error donate lists arguments
  jit(square, { donate: true });
  // @ts-expect-error no such dtype
  tensor([1], { dtype: "float8" });
}

export function operators(): void {
  // @ts-expect-error JavaScript's operators are not a tensor's
  x * 2;
  // @ts-expect-error a gradient has no other fields than its argument
  grad(weighted)({ value: x }, x).bias;
  // @ts-expect-error shapes are read-only
  x.shape[0] = 3;
}
