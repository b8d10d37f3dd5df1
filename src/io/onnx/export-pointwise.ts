/**
 * Element-wise primitives as ONNX operators: one where there is one of the same meaning, a composition where not. Integers
 * wrap, divide and shift here as they do in JavaScript, so what the format leaves open (division by zero, the smallest
 * integer by −1) is decided before the operator sees it.
 */
import type { DType } from "../../index.js";
import type { Builder } from "./builder.js";
import { elementOf, elementTypes } from "./elements.js";
import { type Emission, type Emitter, textOf } from "./emission.js";
import type { Held } from "./specs.js";

type Like = Held;

/** Shorthand for compositions. */
class Algebra {
  private readonly builder: Builder;

  constructor(builder: Builder) {
    this.builder = builder;
  }

  number(value: number, like: Like): Held {
    return this.builder.number(value, like.dtype, like.shape);
  }

  apply(operator: string, ...operands: Held[]): Held {
    return this.builder.elementwise(operator, operands);
  }

  test(operator: string, ...operands: Held[]): Held {
    return this.builder.elementwise(operator, operands, "bool");
  }

  where(condition: Held, a: Held, b: Held): Held {
    // runtimes have no choice between truth values, and do not need one
    if (a.dtype === "bool") {
      const otherwise = this.test("And", this.test("Not", condition), b);
      return this.test("Or", this.test("And", condition, a), otherwise);
    }
    return this.builder.elementwise("Where", [condition, a, b], a.dtype);
  }

  cast(x: Held, element: keyof typeof elementTypes, dtype: DType): Held {
    return this.builder.elementwise("Cast", [x], dtype, { to: elementTypes[element] });
  }
}

/** An operator of the same meaning. */
export function same(operator: string): Emitter {
  return ({ builder, inputs, output }) => builder.elementwise(operator, inputs, output.dtype);
}

/** An operator for truth values, another for integers. */
function byType(bool: string, other: string): Emitter {
  return (emission) => same(emission.inputs[0].dtype === "bool" ? bool : other)(emission);
}

function composed(make: (algebra: Algebra, ...operands: Held[]) => Held): Emitter {
  return ({ builder, inputs }) => make(new Algebra(builder), ...inputs);
}

/** Integers by the first rule, floats by the second. */
function perKind(integer: Emitter, float: Emitter): Emitter {
  return (emission) => (emission.inputs[0].dtype === "int32" ? integer : float)(emission);
}

// e^x − 1 = tanh(x/2) · (e^x + 1), without cancellation near 0
const expm1 = composed((a, x) => {
  const half = a.apply("Tanh", a.apply("Mul", x, a.number(0.5, x)));
  return a.apply("Mul", half, a.apply("Add", a.apply("Exp", x), a.number(1, x)));
});

// log(1 + x) = log(u) · x / (u − 1) with u = 1 + x as rounded (Kahan 1981); x where u = 1, ∞ at ∞
const log1p = composed((a, x) => {
  const one = a.number(1, x);
  const u = a.apply("Add", x, one);
  const scaled = a.apply("Div", a.apply("Mul", a.apply("Log", u), x), a.apply("Sub", u, one));
  const atEnd = a.test("Equal", x, a.number(Number.POSITIVE_INFINITY, x));
  return a.where(a.test("Or", a.test("Equal", u, one), atEnd), x, scaled);
});

// ⌊a / b⌋; 0 for b = 0, −a for b = −1: what division of integers does there is the processor's
const floorDiv = composed((a, x, y) => {
  const zero = a.number(0, x);
  const isZero = a.test("Equal", y, zero);
  const isMinusOne = a.test("Equal", y, a.number(-1, x));
  const safe = a.where(a.test("Or", isZero, isMinusOne), a.number(1, x), y);
  const quotient = a.apply("Div", x, safe);
  const rest = a.apply("Sub", x, a.apply("Mul", quotient, safe));
  const signsDiffer = a.test("Xor", a.test("Less", rest, zero), a.test("Less", safe, zero));
  const inexact = a.test("Not", a.test("Equal", rest, zero));
  const floored = a.where(
    a.test("And", inexact, signsDiffer),
    a.apply("Sub", quotient, a.number(1, x)),
    quotient,
  );
  return a.where(isZero, zero, a.where(isMinusOne, a.apply("Neg", x), floored));
});

// the operator for integers has the sign of the divisor, as ours; 0 for b = 0 and for b = −1
const integerMod = composed((a, x, y) => {
  const zero = a.number(0, x);
  const special = a.test("Or", a.test("Equal", y, zero), a.test("Equal", y, a.number(-1, x)));
  return a.where(special, zero, a.apply("Mod", x, a.where(special, a.number(1, x), y)));
});

// the operator for floats has the sign of the dividend: one divisor more where signs differ
const floatMod: Emitter = ({ builder, inputs: [x, y] }) => {
  const a = new Algebra(builder);
  const zero = a.number(0, x);
  const rest = builder.elementwise("Mod", [x, y], x.dtype, { fmod: 1 });
  const signsDiffer = a.test("Xor", a.test("Less", rest, zero), a.test("Less", y, zero));
  const inexact = a.test("Not", a.test("Equal", rest, zero));
  return a.where(a.test("And", inexact, signsDiffer), a.apply("Add", rest, y), rest);
};

// negative exponents: 1 / a^|b| is 0 but for a = ±1
const integerPow = composed((a, x, y) => {
  const [zero, one] = [a.number(0, x), a.number(1, x)];
  const power = a.apply("Pow", x, a.where(a.test("Less", y, zero), zero, y));
  const odd = a.test("Equal", a.apply("Mod", y, a.number(2, x)), one);
  const ofMinusOne = a.where(odd, a.number(-1, x), one);
  const inverse = a.where(
    a.test("Equal", x, one),
    one,
    a.where(a.test("Equal", x, a.number(-1, x)), ofMinusOne, zero),
  );
  return a.where(a.test("Less", y, zero), inverse, power);
});

// the angle of the slope y / x, and half a turn where x is negative; a zero's sign is that of 1 over it
const atan2 = composed((a, y, x) => {
  const zero = a.number(0, x);
  const isNegative = (v: Held): Held =>
    a.test("Or", a.test("Less", v, zero), a.test("Less", a.apply("Div", a.number(1, v), v), zero));
  const isInfinite = (v: Held): Held =>
    a.test("Equal", a.apply("Abs", v), a.number(Number.POSITIVE_INFINITY, v));
  const diagonal = a.apply("Mul", a.apply("Sign", y), a.apply("Sign", x));
  const both = a.test("And", isInfinite(y), isInfinite(x));
  const slope = a.where(both, diagonal, a.apply("Div", y, x));
  // 0 / 0 is none, but for x that is NaN
  const flat = a.test("And", a.test("Equal", y, zero), a.test("Equal", x, zero));
  const angle = a.apply("Atan", a.where(flat, y, slope));
  const turn = a.where(isNegative(y), a.number(-Math.PI, x), a.number(Math.PI, x));
  return a.where(isNegative(x), a.apply("Add", angle, turn), angle);
});

/** Shifts are of unsigned integers in the format, and by the lowest five bits in JavaScript. */
function shift(direction: "LEFT" | "RIGHT"): Emitter {
  return ({ builder, inputs: [x, distance] }) => {
    const a = new Algebra(builder);
    const bits = a.cast(a.apply("BitwiseAnd", distance, a.number(31, x)), "uint32", "int32");
    const shifted = builder.elementwise("BitShift", [a.cast(x, "uint32", "int32"), bits], "int32", {
      direction,
    });
    return a.cast(shifted, "int32", "int32");
  };
}

/** Comparisons have no operator for truth values but Equal; those are compared as integers. */
function compare(operator: string): Emitter {
  return ({ builder, inputs }) => {
    const a = new Algebra(builder);
    return a.test(operator, ...inputs.map((x) => (x.dtype === "bool" ? a.cast(x, "int32", "int32") : x)));
  };
}

// to int32: cut off at its ends, 0 for NaN; the format leaves both open
function castToInt(a: Algebra, x: Held): Held {
  // the largest float32 below 2³¹; float64 has 2³¹ − 1 itself
  const top = x.dtype === "float32" ? 2147483520 : 2 ** 31 - 1;
  const known = a.where(a.test("IsNaN", x), a.number(0, x), x);
  const low = a.apply("Max", known, a.number(-(2 ** 31), x));
  const whole = a.cast(a.apply("Min", low, a.number(top, x)), "int32", "int32");
  const above = a.test("GreaterOrEqual", x, a.number(2 ** 31, x));
  return a.where(above, a.number(2 ** 31 - 1, whole), whole);
}

const cast: Emitter = ({ builder, inputs: [x], output, operation }: Emission) => {
  const a = new Algebra(builder);
  const target = textOf(operation, "dtype");
  if (target === "int32" && (x.dtype === "float32" || x.dtype === "float64")) return castToInt(a, x);
  return a.cast(x, elementOf[output.dtype], output.dtype);
};

/** One entry for each element-wise primitive. */
export const pointwiseEmitters = {
  neg: same("Neg"),
  abs: same("Abs"),
  sign: same("Sign"),
  exp: same("Exp"),
  expm1,
  log: same("Log"),
  log1p,
  sqrt: same("Sqrt"),
  sin: same("Sin"),
  cos: same("Cos"),
  tan: same("Tan"),
  asin: same("Asin"),
  acos: same("Acos"),
  atan: same("Atan"),
  sinh: same("Sinh"),
  cosh: same("Cosh"),
  tanh: same("Tanh"),
  sigmoid: same("Sigmoid"),
  erf: same("Erf"),
  floor: same("Floor"),
  ceil: same("Ceil"),
  round: same("Round"),
  not: byType("Not", "BitwiseNot"),
  add: same("Add"),
  sub: same("Sub"),
  div: perKind(floorDiv, same("Div")),
  pow: perKind(integerPow, same("Pow")),
  mod: perKind(integerMod, floatMod),
  max: same("Max"),
  min: same("Min"),
  atan2,
  and: byType("And", "BitwiseAnd"),
  or: byType("Or", "BitwiseOr"),
  xor: byType("Xor", "BitwiseXor"),
  shl: shift("LEFT"),
  shr: shift("RIGHT"),
  eq: same("Equal"),
  ne: composed((a, x, y) => a.test("Not", a.test("Equal", x, y))),
  lt: compare("Less"),
  le: compare("LessOrEqual"),
  gt: compare("Greater"),
  ge: compare("GreaterOrEqual"),
  select: composed((a, condition, x, y) => a.where(condition, x, y)),
  cast,
} satisfies Readonly<Record<string, Emitter>>;
