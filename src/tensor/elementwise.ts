/** Element-wise operations: promotion and broadcasting around the pointwise primitives, and what is composed of them. */

import { type Node, uniformNode } from "../graph/node.js";
import * as binary from "../primitives/binary.js";
import { broadcastTo } from "../primitives/broadcast.js";
import * as compare from "../primitives/compare.js";
import { stopGradient as stop } from "../primitives/control.js";
import { select } from "../primitives/select.js";
import { fill } from "../primitives/support.js";
import * as unary from "../primitives/unary.js";
import { checkDType, type DType, isFloating, promote, weakDType } from "../types/dtype.js";
import { broadcastShapes, sameShape } from "../types/shape.js";
import { checkNumber, checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import {
  asFloat,
  asNumeric,
  asTensor,
  convert,
  fromNode,
  promoteOperands,
  type TensorLike,
} from "./convert.js";
import type { Tensor } from "./tensor.js";

/** Repeats to a shape it broadcasts to; a uniform scalar becomes a uniform tensor. */
function stretch(x: Tensor, shape: readonly number[]): Node {
  if (sameShape(x.shape, shape)) return x;
  const uniform = x.recording === null ? x.storage?.uniform : undefined;
  return uniform === undefined ? broadcastTo(x, shape) : uniformNode(shape, x.dtype, uniform);
}

function pairwise(operation: string, a: TensorLike, b: TensorLike, f: (a: Node, b: Node) => Node): Tensor {
  const [left, right] = promoteOperands(a, b, operation);
  const shape = broadcastShapes(left.shape, right.shape, operation);
  return fromNode(f(stretch(left, shape), stretch(right, shape)));
}

/** Arithmetic: bools count as int32. */
function arithmetic(operation: string, a: TensorLike, b: TensorLike, f: (a: Node, b: Node) => Node): Tensor {
  const [left, right] = promoteOperands(a, b, operation);
  if (left.dtype === "bool") return pairwise(operation, convert(left, "int32"), convert(right, "int32"), f);
  return pairwise(operation, left, right, f);
}

/** Integers and bools are computed in float32. */
function floating(operation: string, a: TensorLike, b: TensorLike, f: (a: Node, b: Node) => Node): Tensor {
  const [left, right] = promoteOperands(a, b, operation);
  if (isFloating(left.dtype)) return pairwise(operation, left, right, f);
  return pairwise(operation, convert(left, "float32"), convert(right, "float32"), f);
}

/** a + b, broadcasting. @example add(tensor([1, 2]), 3).array(); // → 4,5 */
export const add = (a: TensorLike, b: TensorLike): Tensor => arithmetic("add", a, b, binary.add);
/** a − b, broadcasting. @example sub(5, tensor([1, 2])).array(); // → 4,3 */
export const sub = (a: TensorLike, b: TensorLike): Tensor => arithmetic("sub", a, b, binary.sub);
/** a · b element by element (the Hadamard product), broadcasting. @example mul(tensor([1, 2]), tensor([3, 4])).array(); // → 3,8 */
export const mul = (a: TensorLike, b: TensorLike): Tensor => arithmetic("mul", a, b, binary.mul);
/** a / b, broadcasting; integers divide as float32. @example div(tensor([1, 2]), 4).array(); // → 0.25,0.5 */
export const div = (a: TensorLike, b: TensorLike): Tensor => floating("div", a, b, binary.div);
/** a to the power b, broadcasting. @example pow(tensor([2, 3]), 2).array(); // → 4,9 */
export const pow = (a: TensorLike, b: TensorLike): Tensor => arithmetic("pow", a, b, binary.pow);
/** The remainder of a / b with the sign of b, as Python's. @example mod(tensor([-1, 5]), 3).array(); // → 2,2 */
export const mod = (a: TensorLike, b: TensorLike): Tensor => arithmetic("mod", a, b, binary.mod);
/** The larger element; NaN wins; a tie shares the gradient evenly. @example maximum(tensor([1, 5]), 3).array(); // → 3,5 */
export const maximum = (a: TensorLike, b: TensorLike): Tensor => arithmetic("maximum", a, b, binary.max);
/** The smaller element; NaN wins; a tie shares the gradient evenly. @example minimum(tensor([1, 5]), 3).array(); // → 1,3 */
export const minimum = (a: TensorLike, b: TensorLike): Tensor => arithmetic("minimum", a, b, binary.min);
/** The angle of the point (b, a) in −π … π. @example atan2(tensor([0]), 1).array(); // → 0 */
export const atan2 = (a: TensorLike, b: TensorLike): Tensor => floating("atan2", a, b, binary.atan2);

/** a = b, as bool. @example eq(tensor([1, 2]), 2).array(); // → false,true */
export const eq = (a: TensorLike, b: TensorLike): Tensor => pairwise("eq", a, b, compare.eq);
/** a ≠ b, as bool. @example ne(tensor([1, 2]), 2).array(); // → true,false */
export const ne = (a: TensorLike, b: TensorLike): Tensor => pairwise("ne", a, b, compare.ne);
/** a < b, as bool. @example lt(tensor([1, 2]), 2).array(); // → true,false */
export const lt = (a: TensorLike, b: TensorLike): Tensor => pairwise("lt", a, b, compare.lt);
/** a ≤ b, as bool. @example le(tensor([1, 2]), 1).array(); // → true,false */
export const le = (a: TensorLike, b: TensorLike): Tensor => pairwise("le", a, b, compare.le);
/** a > b, as bool. @example gt(tensor([1, 2]), 1).array(); // → false,true */
export const gt = (a: TensorLike, b: TensorLike): Tensor => pairwise("gt", a, b, compare.gt);
/** a ≥ b, as bool. @example ge(tensor([1, 2]), 2).array(); // → false,true */
export const ge = (a: TensorLike, b: TensorLike): Tensor => pairwise("ge", a, b, compare.ge);

/** Both operands as bool (a number is true when it is not 0). */
function logical(operation: string, a: TensorLike, b: TensorLike, f: (a: Node, b: Node) => Node): Tensor {
  return pairwise(operation, truth(a, operation, "a"), truth(b, operation, "b"), f);
}

function truth(value: TensorLike, operation: string, argument: string): Tensor {
  const x = asTensor(value, operation, argument);
  return x.dtype === "bool" ? x : convert(x, "bool");
}

/** Logical and. @example and(tensor([true, true]), tensor([true, false])).array(); // → true,false */
export const and = (a: TensorLike, b: TensorLike): Tensor => logical("and", a, b, binary.and);
/** Logical or. @example or(tensor([false, true]), tensor([false, false])).array(); // → false,true */
export const or = (a: TensorLike, b: TensorLike): Tensor => logical("or", a, b, binary.or);
/** Logical not. @example not(tensor([true, false])).array(); // → false,true */
export const not = (x: TensorLike): Tensor => fromNode(unary.not(truth(x, "not", "x")));

// made as properties, which gives the functions the names that stacks and explanations show
const numeric = (operation: string, f: (x: Node) => Node): ((x: TensorLike) => Tensor) =>
  ({ [operation]: (x: TensorLike): Tensor => fromNode(f(asNumeric(x, operation))) })[operation];
const float = (operation: string, f: (x: Node) => Node): ((x: TensorLike) => Tensor) =>
  ({ [operation]: (x: TensorLike): Tensor => fromNode(f(asFloat(x, operation))) })[operation];

/** −x. @example neg(tensor([1, -2])).array(); // → -1,2 */
export const neg = numeric("neg", unary.neg);
/** |x|; the derivative at 0 is 0. @example abs(tensor([1, -2])).array(); // → 1,2 */
export const abs = numeric("abs", unary.abs);
/** −1, 0 or 1. @example sign(tensor([3, -2])).array(); // → 1,-1 */
export const sign = numeric("sign", unary.sign);
/** eˣ. @example exp(tensor([0])).array(); // → 1 */
export const exp = float("exp", unary.exp);
/** eˣ − 1, exact near 0. @example expm1(tensor([0])).array(); // → 0 */
export const expm1 = float("expm1", unary.expm1);
/** The natural logarithm. @example log(tensor([1])).array(); // → 0 */
export const log = float("log", unary.log);
/** log(1 + x), exact near 0. @example log1p(tensor([0])).array(); // → 0 */
export const log1p = float("log1p", unary.log1p);
/** √x; the derivative at 0 is ∞. @example sqrt(tensor([9])).array(); // → 3 */
export const sqrt = float("sqrt", unary.sqrt);
/** 1 / √x. @example rsqrt(tensor([4])).array(); // → 0.5 */
export const rsqrt = float("rsqrt", (x) => binary.div(fill(x, 1), unary.sqrt(x)));
/** x². @example square(tensor([3])).array(); // → 9 */
export const square = numeric("square", (x) => binary.mul(x, x));
/** 1 / x. @example reciprocal(tensor([4])).array(); // → 0.25 */
export const reciprocal = float("reciprocal", (x) => binary.div(fill(x, 1), x));
/** Sine of radians. @example sin(tensor([0])).array(); // → 0 */
export const sin = float("sin", unary.sin);
/** Cosine of radians. @example cos(tensor([0])).array(); // → 1 */
export const cos = float("cos", unary.cos);
/** Tangent of radians. @example tan(tensor([0])).array(); // → 0 */
export const tan = float("tan", unary.tan);
/** Inverse sine, in radians. @example asin(tensor([0])).array(); // → 0 */
export const asin = float("asin", unary.asin);
/** Inverse cosine, in radians. @example acos(tensor([1])).array(); // → 0 */
export const acos = float("acos", unary.acos);
/** Inverse tangent, in radians. @example atan(tensor([0])).array(); // → 0 */
export const atan = float("atan", unary.atan);
/** Hyperbolic sine. @example sinh(tensor([0])).array(); // → 0 */
export const sinh = float("sinh", unary.sinh);
/** Hyperbolic cosine. @example cosh(tensor([0])).array(); // → 1 */
export const cosh = float("cosh", unary.cosh);
/** Hyperbolic tangent. @example tanh(tensor([0])).array(); // → 0 */
export const tanh = float("tanh", unary.tanh);
/** σ(x) = 1 / (1 + e⁻ˣ); σ′ = σ(1 − σ) is at most ¼. @example sigmoid(tensor([0])).array(); // → 0.5 */
export const sigmoid = float("sigmoid", unary.sigmoid);
/** The error function. @example erf(tensor([0])).array(); // → 0 */
export const erf = float("erf", unary.erf);

const rounding = (operation: string, f: (x: Node) => Node) => {
  return (x: TensorLike): Tensor => {
    const value = asNumeric(x, operation);
    return isFloating(value.dtype) ? fromNode(f(value)) : value;
  };
};

/** The integer below. @example floor(tensor([1.5])).array(); // → 1 */
export const floor = rounding("floor", unary.floor);
/** The integer above. @example ceil(tensor([1.5])).array(); // → 2 */
export const ceil = rounding("ceil", unary.ceil);
/** The nearest integer, halves to the even one. @example round(tensor([0.5, 1.5, 2.5])).array(); // → 0,2,2 */
export const round = rounding("round", unary.round);

/** log(1 + eˣ), finite wherever x is. @example softplus(tensor([1000])).array(); // → 1000 */
export const softplus = float("softplus", (x) => {
  // max(x, 0) + log1p(e^−|x|); the ½ of the tie at 0 is σ(0)
  return binary.add(binary.max(x, fill(x, 0)), unary.log1p(unary.exp(unary.neg(unary.abs(x)))));
});

/** max(x, 0); the derivative at 0 is 0, and NaN passes through. @example relu(tensor([-1, 2])).array(); // → 0,2 */
export const relu = numeric("relu", (x) => select(compare.le(x, fill(x, 0)), fill(x, 0), x));

/** x where x > 0, slope · x elsewhere (default slope 0.01). @example leakyRelu(tensor([-2, 2]), 0.5).array(); // → -1,2 */
export function leakyRelu(x: TensorLike, slope = 0.01): Tensor {
  const value = asFloat(x, "leakyRelu");
  checkNumber(slope, "leakyRelu", "slope");
  return fromNode(select(compare.gt(value, fill(value, 0)), value, binary.mul(fill(value, slope), value)));
}

/** x where x > 0, α(eˣ − 1) elsewhere (default α 1). @example elu(tensor([0, 2])).array(); // → 0,2 */
export function elu(x: TensorLike, alpha = 1): Tensor {
  const value = asFloat(x, "elu");
  checkNumber(alpha, "elu", "alpha");
  const zero = fill(value, 0);
  const positive = compare.gt(value, zero);
  // the branch not taken must stay finite, or 0 · ∞ would reach its derivative
  const negative = select(positive, zero, value);
  return fromNode(select(positive, value, binary.mul(fill(value, alpha), unary.expm1(negative))));
}

/** x · Φ(x): exact, or with approximate: "tanh" the tanh formula. @example gelu(tensor([0])).array(); // → 0 */
export function gelu(x: TensorLike, options: { approximate?: "none" | "tanh" } = {}): Tensor {
  const value = asFloat(x, "gelu");
  checkOptionNames(options, ["approximate"], "gelu");
  switch (options.approximate ?? "none") {
    case "none": {
      const half = binary.mul(fill(value, 0.5), value);
      const inner = binary.mul(value, fill(value, Math.SQRT1_2));
      return fromNode(binary.mul(half, binary.add(fill(value, 1), unary.erf(inner))));
    }
    case "tanh": {
      // Hendrycks and Gimpel 2016: ½x(1 + tanh z), z = √(2/π)(x + 0.044715 x³), which is x·σ(2z) with fewer operations
      const factor = 2 * Math.sqrt(2 / Math.PI);
      const square = binary.mul(value, value);
      const growing = binary.add(fill(value, factor), binary.mul(fill(value, 0.044715 * factor), square));
      return fromNode(binary.mul(value, unary.sigmoid(binary.mul(value, growing))));
    }
    default:
      throw invalidArgument("gelu", "approximate", '"none" or "tanh"', formatReceived(options.approximate));
  }
}

/** x · σ(x). @example silu(tensor([0])).array(); // → 0 */
export const silu = float("silu", (x) => binary.mul(x, unary.sigmoid(x)));

/**
 * Limits x to lo … hi; either may be left out with undefined. The derivative is 1 inside and at the bounds, 0 outside.
 * @example clip(tensor([-1, 0.5, 2]), 0, 1).array(); // → 0,0.5,1
 */
export function clip(x: TensorLike, lo?: number, hi?: number): Tensor {
  const source = asNumeric(x, "clip");
  const low = lo === undefined ? undefined : checkBound(lo, "lo");
  const high = hi === undefined ? undefined : checkBound(hi, "hi");
  if (low !== undefined && high !== undefined && low > high)
    throw new AdjointError("invalid-argument", `clip: lo ${low} is above hi ${high}`, {
      operation: "clip",
      argument: "lo",
      expected: `at most ${high}`,
      received: String(low),
    });
  // a fraction limits integers as float32, as it would beside them in any operation
  const dtype = [low, high].reduce<DType>(
    (common, bound) => (bound === undefined ? common : promote(common, weakDType(bound, source.dtype))),
    source.dtype,
  );
  let value: Node = convert(source, dtype);
  if (low !== undefined) value = select(compare.lt(value, fill(value, low)), fill(value, low), value);
  if (high !== undefined) value = select(compare.gt(value, fill(value, high)), fill(value, high), value);
  return fromNode(value);
}

function checkBound(value: unknown, argument: string): number {
  const bound = checkNumber(value, "clip", argument);
  if (Number.isNaN(bound)) throw invalidArgument("clip", argument, "a number, or undefined for none", "NaN");
  return bound;
}

/**
 * a where the condition holds, b elsewhere, broadcasting; only the branch taken gets gradient.
 * @example where(tensor([true, false]), 1, tensor([5, 6])).array(); // → 1,6
 */
export function where(condition: TensorLike, a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = promoteOperands(a, b, "where");
  const mask = truth(condition, "where", "condition");
  const shape = broadcastShapes(mask.shape, broadcastShapes(left.shape, right.shape, "where"), "where");
  return fromNode(select(stretch(mask, shape), stretch(left, shape), stretch(right, shape)));
}

/** x ≠ x. @example isNaN(tensor([NaN, 1])).array(); // → true,false */
export const isNaN = numeric("isNaN", (x) => compare.ne(x, x));
/** Neither NaN nor infinite. @example isFinite(tensor([Infinity, 1])).array(); // → false,true */
export const isFinite = numeric("isFinite", (x) =>
  isFloating(x.dtype) ? compare.lt(unary.abs(x), fill(x, Number.POSITIVE_INFINITY)) : compare.eq(x, x),
);

/** The same numbers in another dtype: to int32 truncates, to bool is x ≠ 0. @example cast(tensor([1.7]), "int32").array(); // → 1 */
export function cast(x: TensorLike, dtype: DType): Tensor {
  return convert(asTensor(x, "cast", "x"), checkDType(dtype, "cast"));
}

/** The same value, a constant to every derivative. @example grad((x) => x.mul(stopGradient(x)))(3).item(); // → 3 */
export function stopGradient(x: TensorLike): Tensor {
  return fromNode(stop(asTensor(x, "stopGradient", "x")));
}
