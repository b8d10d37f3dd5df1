/**
 * Unary pointwise primitives, as a table of derivatives: name, function, derivative. The Jacobian is diagonal and so
 * its own transpose: one rule, t ↦ t ⊙ f′(x), serves tangents and cotangents.
 */

import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import type { UnaryOp } from "../loops/ir.js";
import type { DType } from "../types/dtype.js";
import { add, div, mul, sub } from "./binary.js";
import { erf as erfOf, roundHalfEven } from "./special.js";
import { allocateOutput, elementCost, fill, sameTypes } from "./support.js";

interface UnaryRow {
  /** y = f(x), in float64. */
  readonly f: (x: number) => number;
  /** t ⊙ f′(x), from x and y = f(x); "none" where f′ is 0 or does not exist. */
  readonly derivative: ((t: Node, x: Node, y: Node) => Node) | "none";
  /** Where f is defined and smooth: random tests sample here. */
  readonly domain: readonly [low: number, high: number];
  readonly dtypes: readonly DType[];
}

const floats: readonly DType[] = ["float32", "float64"];
const numbers: readonly DType[] = ["int32", "float32", "float64"];
const twoOverRootPi = 2 / Math.sqrt(Math.PI);

export const unaryTable = {
  // f(x), t·f′(x)
  neg: { f: (x) => -x, derivative: (t) => neg(t), domain: [-3, 3], dtypes: numbers },
  abs: { f: Math.abs, derivative: (t, x) => mul(t, sign(x)), domain: [0.1, 3], dtypes: numbers },
  sign: { f: Math.sign, derivative: "none", domain: [0.1, 3], dtypes: numbers },
  exp: { f: Math.exp, derivative: (t, _x, y) => mul(t, y), domain: [-3, 3], dtypes: floats },
  expm1: {
    f: Math.expm1,
    derivative: (t, _x, y) => mul(t, add(y, fill(y, 1))),
    domain: [-3, 3],
    dtypes: floats,
  },
  log: { f: Math.log, derivative: (t, x) => div(t, x), domain: [0.1, 4], dtypes: floats },
  log1p: {
    f: Math.log1p,
    derivative: (t, x) => div(t, add(x, fill(x, 1))),
    domain: [-0.8, 4],
    dtypes: floats,
  },
  sqrt: {
    f: Math.sqrt,
    derivative: (t, _x, y) => div(t, mul(fill(y, 2), y)),
    domain: [0.1, 4],
    dtypes: floats,
  },
  sin: { f: Math.sin, derivative: (t, x) => mul(t, cos(x)), domain: [-4, 4], dtypes: floats },
  cos: { f: Math.cos, derivative: (t, x) => neg(mul(t, sin(x))), domain: [-4, 4], dtypes: floats },
  tan: {
    f: Math.tan,
    derivative: (t, _x, y) => mul(t, add(mul(y, y), fill(y, 1))),
    domain: [-1.3, 1.3],
    dtypes: floats,
  },
  asin: {
    f: Math.asin,
    derivative: (t, x) => div(t, sqrt(oneMinusSquare(x))),
    domain: [-0.8, 0.8],
    dtypes: floats,
  },
  acos: {
    f: Math.acos,
    derivative: (t, x) => neg(div(t, sqrt(oneMinusSquare(x)))),
    domain: [-0.8, 0.8],
    dtypes: floats,
  },
  atan: {
    f: Math.atan,
    derivative: (t, x) => div(t, add(mul(x, x), fill(x, 1))),
    domain: [-4, 4],
    dtypes: floats,
  },
  sinh: { f: Math.sinh, derivative: (t, x) => mul(t, cosh(x)), domain: [-3, 3], dtypes: floats },
  cosh: { f: Math.cosh, derivative: (t, x) => mul(t, sinh(x)), domain: [-3, 3], dtypes: floats },
  tanh: {
    f: Math.tanh,
    derivative: (t, _x, y) => mul(t, oneMinusSquare(y)),
    domain: [-3, 3],
    dtypes: floats,
  },
  // σ′ = σ(1 − σ): at most 1/4
  sigmoid: {
    f: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
    derivative: (t, _x, y) => mul(t, mul(y, sub(fill(y, 1), y))),
    domain: [-4, 4],
    dtypes: floats,
  },
  erf: {
    f: erfOf,
    derivative: (t, x) => mul(t, mul(fill(x, twoOverRootPi), exp(neg(mul(x, x))))),
    domain: [-3, 3],
    dtypes: floats,
  },
  floor: { f: Math.floor, derivative: "none", domain: [0.1, 0.9], dtypes: floats },
  ceil: { f: Math.ceil, derivative: "none", domain: [0.1, 0.9], dtypes: floats },
  round: { f: roundHalfEven, derivative: "none", domain: [0.6, 1.4], dtypes: floats },
  // logical for bool, bitwise for int32
  not: { f: (x) => ~x, derivative: "none", domain: [0, 1], dtypes: ["bool", "int32"] },
} satisfies Record<UnaryOp, UnaryRow>;

export type UnaryName = keyof typeof unaryTable;

function unary(name: UnaryName): Primitive<undefined> {
  const row: UnaryRow = unaryTable[name];
  const rule = row.derivative;
  return {
    name,
    outputTypes: (inputs) => [sameTypes(name, inputs)],
    evaluate([x], context) {
      const y = allocateOutput(context);
      const f = name === "not" && context.inputTypes[0].dtype === "bool" ? (v: number) => 1 - v : row.f;
      for (let i = 0; i < y.length; i++) y[i] = f(x[i]);
      return [y];
    },
    jvp:
      rule === "none"
        ? "none"
        : ({ primals: [x], outputs: [y], tangents: [xDot] }) => [xDot === null ? null : rule(xDot, x, y)],
    vjp:
      rule === "none"
        ? "none"
        : ({ primals: [x], outputs: [y], cotangents: [yBar] }) => [yBar === null ? null : rule(yBar, x, y)],
    batch: ({ inputs }) => [apply(name, inputs[0])],
    lowering: {
      kind: "pointwise",
      expr: ([x], { output }) => ({ kind: "unary", op: name, dtype: output.dtype, x }),
    },
    cost: elementCost(1),
  };
}

export const unaryPrimitives: { readonly [N in UnaryName]: Primitive<undefined> } = {
  neg: unary("neg"),
  abs: unary("abs"),
  sign: unary("sign"),
  exp: unary("exp"),
  expm1: unary("expm1"),
  log: unary("log"),
  log1p: unary("log1p"),
  sqrt: unary("sqrt"),
  sin: unary("sin"),
  cos: unary("cos"),
  tan: unary("tan"),
  asin: unary("asin"),
  acos: unary("acos"),
  atan: unary("atan"),
  sinh: unary("sinh"),
  cosh: unary("cosh"),
  tanh: unary("tanh"),
  sigmoid: unary("sigmoid"),
  erf: unary("erf"),
  floor: unary("floor"),
  ceil: unary("ceil"),
  round: unary("round"),
  not: unary("not"),
};

function apply(name: UnaryName, x: Node): Node {
  return bind(unaryPrimitives[name], [x], undefined);
}

/** 1 − x² as (1 − x)(1 + x), which keeps its digits near ±1. */
function oneMinusSquare(x: Node): Node {
  return mul(sub(fill(x, 1), x), add(fill(x, 1), x));
}

export const neg = (x: Node): Node => apply("neg", x);
export const abs = (x: Node): Node => apply("abs", x);
export const sign = (x: Node): Node => apply("sign", x);
export const exp = (x: Node): Node => apply("exp", x);
export const expm1 = (x: Node): Node => apply("expm1", x);
export const log = (x: Node): Node => apply("log", x);
export const log1p = (x: Node): Node => apply("log1p", x);
export const sqrt = (x: Node): Node => apply("sqrt", x);
export const sin = (x: Node): Node => apply("sin", x);
export const cos = (x: Node): Node => apply("cos", x);
export const tan = (x: Node): Node => apply("tan", x);
export const asin = (x: Node): Node => apply("asin", x);
export const acos = (x: Node): Node => apply("acos", x);
export const atan = (x: Node): Node => apply("atan", x);
export const sinh = (x: Node): Node => apply("sinh", x);
export const cosh = (x: Node): Node => apply("cosh", x);
export const tanh = (x: Node): Node => apply("tanh", x);
export const sigmoid = (x: Node): Node => apply("sigmoid", x);
export const erf = (x: Node): Node => apply("erf", x);
export const floor = (x: Node): Node => apply("floor", x);
export const ceil = (x: Node): Node => apply("ceil", x);
export const round = (x: Node): Node => apply("round", x);
export const not = (x: Node): Node => apply("not", x);
