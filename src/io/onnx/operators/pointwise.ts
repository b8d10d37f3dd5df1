/** Element-wise operators of ONNX. */
import {
  and,
  eq,
  ge,
  gt,
  le,
  lt,
  maximum,
  minimum,
  ne,
  not,
  or,
  type Tensor,
  where,
} from "../../../index.js";
import { type Call, giving, narrow, type Operators, one, two } from "../call.js";
import { type ElementName, elementName, elementTypes } from "../elements.js";
import { castTo } from "./cast.js";

/** The quotient cut off towards zero, as the format has it for integers: exact in float64. */
function divide(a: Tensor, b: Tensor): Tensor {
  if (a.dtype !== "int32") return a.div(b);
  return a.cast("float64").div(b.cast("float64")).cast("int32");
}

/** The remainder with the sign of the divisor, or of the dividend. */
function modulo(a: Tensor, b: Tensor, call: Call): Tensor {
  if (call.number("fmod", 0) === 0) return a.mod(b);
  const rest = a.abs().mod(b.abs());
  return where(lt(a, 0), rest.neg(), rest);
}

/** The power in the type of the base. */
function power(a: Tensor, b: Tensor): Tensor {
  if (a.dtype === b.dtype) return a.pow(b);
  if (a.dtype === "int32") return a.cast(b.dtype).pow(b).cast("int32");
  return a.pow(b.cast(a.dtype));
}

function folded(f: (a: Tensor, b: Tensor) => Tensor) {
  return {
    inputs: [1, Number.POSITIVE_INFINITY] as const,
    run: ({ all }: Call): Tensor => all.reduce((total, x) => f(total, x)),
  };
}

/** Limits as numbers where they are known, so that the derivative at a bound is 1; as tensors where not. */
function clip(call: Call): Tensor {
  const x = call.input(0);
  const bound = (name: string, i: number): Tensor | number | undefined =>
    call.has(name) ? call.number(name) : call.maybe(i);
  const [low, high] = [bound("min", 1), bound("max", 2)];
  const raised = low === undefined ? x : where(lt(x, low), low, x);
  return high === undefined ? raised : where(gt(raised, high), high, raised);
}

const selu = { alpha: 1.6732632423543772, gamma: 1.0507009873554805 };

/** γ · (x where x > 0, α(eˣ − 1) elsewhere) */
function scaledElu(x: Tensor, call: Call): Tensor {
  return x.elu(call.number("alpha", selu.alpha)).mul(call.number("gamma", selu.gamma));
}

/** α(e^(x/α) − 1) where x is negative: smooth at 0 */
function celu(x: Tensor, call: Call): Tensor {
  const alpha = call.number("alpha", 1);
  return where(gt(x, 0), x, minimum(x, 0).div(alpha).expm1().mul(alpha));
}

function shrink(x: Tensor, call: Call): Tensor {
  const lambda = call.number("lambd", 0.5);
  const bias = call.number("bias", 0);
  const small = where(gt(x, lambda), x.sub(bias), x.mul(0));
  return where(lt(x, -lambda), x.add(bias), small);
}

/** The slope broadcasts; before version 7 one for each channel stands at axis 1. */
function prelu(x: Tensor, slope: Tensor, call: Call): Tensor {
  const isOld = call.version < 7 && slope.rank === 1 && slope.size > 1;
  const each = isOld ? slope.reshape([slope.size, ...x.shape.slice(2).map(() => 1)]) : slope;
  return where(lt(x, 0), each.mul(x), x);
}

function isInfinite(x: Tensor, call: Call): Tensor {
  const positive = call.number("detect_positive", 1) === 1;
  const negative = call.number("detect_negative", 1) === 1;
  const above = and(eq(x, Number.POSITIVE_INFINITY), positive);
  return or(above, and(eq(x, Number.NEGATIVE_INFINITY), negative));
}

/** log(x + √(x² + 1)), of |x|, so that nothing cancels */
function asinh(x: Tensor): Tensor {
  const size = x.abs();
  // log1p(s + s² / (1 + √(s² + 1)))
  const square = size.square();
  const value = size.add(square.div(square.add(1).sqrt().add(1))).log1p();
  return where(lt(x, 0), value.neg(), value);
}

/** log(x + √(x² − 1)) */
function acosh(x: Tensor): Tensor {
  const above = x.sub(1);
  return above.add(above.mul(x.add(1)).sqrt()).log1p();
}

/** ½ log((1 + x) / (1 − x)) */
function atanh(x: Tensor): Tensor {
  return x.log1p().sub(x.neg().log1p()).mul(0.5);
}

export const pointwiseOperators: Operators = {
  Abs: one((x) => x.abs()),
  Neg: one((x) => x.neg()),
  Sign: one((x) => x.sign()),
  Exp: one((x) => x.exp()),
  Log: one((x) => x.log()),
  Sqrt: one((x) => x.sqrt()),
  Reciprocal: one((x) => x.reciprocal()),
  Sin: one((x) => x.sin()),
  Cos: one((x) => x.cos()),
  Tan: one((x) => x.tan()),
  Asin: one((x) => x.asin()),
  Acos: one((x) => x.acos()),
  Atan: one((x) => x.atan()),
  Sinh: one((x) => x.sinh()),
  Cosh: one((x) => x.cosh()),
  Tanh: one((x) => x.tanh()),
  Asinh: one(asinh),
  Acosh: one(acosh),
  Atanh: one(atanh),
  Erf: one((x) => x.erf()),
  Floor: one((x) => x.floor()),
  Ceil: one((x) => x.ceil()),
  Round: one((x) => x.round()),
  Sigmoid: one((x) => x.sigmoid()),
  Softplus: one((x) => x.softplus()),
  Softsign: one((x) => x.div(x.abs().add(1))),
  Relu: one((x) => x.relu()),
  LeakyRelu: one((x, call) => x.leakyRelu(call.number("alpha", 0.01))),
  ThresholdedRelu: one((x, call) => where(gt(x, call.number("alpha", 1)), x, x.mul(0))),
  Elu: one((x, call) => x.elu(call.number("alpha", 1))),
  Selu: one(scaledElu),
  Celu: one(celu),
  Gelu: one((x, call) =>
    x.gelu({ approximate: call.text("approximate", "none") === "tanh" ? "tanh" : "none" }),
  ),
  HardSigmoid: one((x, call) => x.mul(call.number("alpha", 0.2)).add(call.number("beta", 0.5)).clip(0, 1)),
  HardSwish: one((x) => x.mul(x.div(6).add(0.5).clip(0, 1))),
  Mish: one((x) => x.mul(x.softplus().tanh())),
  Swish: one((x, call) => x.mul(x.mul(call.number("alpha", 1)).sigmoid())),
  Shrink: one(shrink),
  PRelu: two(prelu),
  Identity: narrow(one((x) => x)),
  Add: two((a, b) => a.add(b)),
  Sub: two((a, b) => a.sub(b)),
  Mul: two((a, b) => a.mul(b)),
  Div: two(divide),
  Pow: two(power),
  Mod: narrow(two(modulo)),
  Max: narrow(folded(maximum)),
  Min: narrow(folded(minimum)),
  Sum: folded((a, b) => a.add(b)),
  Mean: { ...folded((a, b) => a.add(b)), run: ({ all }) => all.reduce((a, b) => a.add(b)).div(all.length) },
  And: two(and),
  Or: two(or),
  Xor: two(ne),
  Not: one((x) => not(x)),
  BitwiseNot: one((x) => x.neg().sub(1)),
  Equal: giving("bool", narrow(two(eq))),
  Less: giving("bool", narrow(two(lt))),
  LessOrEqual: giving("bool", narrow(two(le))),
  Greater: giving("bool", narrow(two(gt))),
  GreaterOrEqual: giving("bool", narrow(two(ge))),
  IsNaN: giving(
    "bool",
    one((x) => ne(x, x)),
  ),
  IsInf: giving("bool", one(isInfinite)),
  Where: {
    inputs: [3, 3],
    narrow: true,
    gives: ({ elements }) => [elements[1]],
    run: (call) => where(call.input(0), call.input(1), call.input(2)),
  },
  Clip: { inputs: [1, 3], narrow: true, run: clip },
  Cast: {
    inputs: [1, 1],
    narrow: true,
    gives: ({ attributes }) => [castTarget(attributes.get("to"))],
    run: (call) => castTo(call.input(0), castTarget(call.facts.attributes.get("to")), call),
  },
  CastLike: {
    inputs: [2, 2],
    narrow: true,
    gives: ({ elements }) => [elements[1]],
    run: (call) => castTo(call.input(0), call.facts.elements[1], call),
  },
};

/** A number; a name in capitals in the oldest files. */
function castTarget(to: unknown): ElementName | undefined {
  if (typeof to === "string") {
    const name = to.toLowerCase();
    return name in elementTypes ? (name as ElementName) : undefined;
  }
  const name = elementName(Number(to));
  return name in elementTypes ? (name as ElementName) : undefined;
}
