/** Planted bugs in the derivatives of pointwise primitives: what people get wrong on paper. */
import type { Node } from "../../src/graph/node.js";
import { add, div, mul } from "../../src/primitives/binary.js";
import { ge } from "../../src/primitives/compare.js";
import { stopGradient } from "../../src/primitives/control.js";
import { select } from "../../src/primitives/select.js";
import { fill } from "../../src/primitives/support.js";
import { exp, neg, sigmoid, sign, sin, sqrt, type UnaryName } from "../../src/primitives/unary.js";
import { bug, change, only, type PlantedBug } from "./plant.js";

const times = (x: Node, factor: number): Node => mul(x, fill(x, factor));

/** A unary primitive whose vjp is t ↦ rule(t, x, y). */
function unary(name: string, primitive: UnaryName, rule: (t: Node, x: Node, y: Node) => Node): PlantedBug {
  return bug(name, primitive, {
    vjp: ({ cotangents: [t], primals: [x], outputs: [y] }) => [t === null ? null : rule(t, x, y)],
  });
}

const oneMinus = (x: Node): Node => add(fill(x, 1), neg(x));

export const pointwiseBugs: readonly PlantedBug[] = [
  unary("the sign of cos′ lost", "cos", (t, x) => mul(t, sin(x))),
  unary("the derivative of exp by x instead of y", "exp", (t, x) => mul(t, x)),
  unary("the derivative of expm1 by y instead of y + 1", "expm1", (t, _x, y) => mul(t, y)),
  unary("log′ as x instead of 1 / x", "log", (t, x) => mul(t, x)),
  unary("log1p′ as 1 / x", "log1p", (t, x) => div(t, x)),
  unary("the ½ of sqrt′ lost", "sqrt", (t, _x, y) => div(t, y)),
  unary("tanh′ as 1 − x² instead of 1 − y²", "tanh", (t, x) => mul(t, oneMinus(mul(x, x)))),
  unary("σ′(a) for σ′(z)", "sigmoid", (t, _x, a) => mul(t, mul(sigmoid(a), oneMinus(sigmoid(a))))),
  unary("σ′ as σ alone", "sigmoid", (t, _x, y) => mul(t, y)),
  unary("the 2/√π of erf′ lost", "erf", (t, x) => mul(t, exp(neg(mul(x, x))))),
  unary("abs′ without the sign", "abs", (t) => t),
  unary("the root in asin′ lost", "asin", (t, x) => div(t, oneMinus(mul(x, x)))),
  unary("the sign of acos′ lost", "acos", (t, x) => div(t, sqrt(oneMinus(mul(x, x))))),
  unary("atan′ with x for x²", "atan", (t, x) => div(t, add(x, fill(x, 1)))),
  unary("cosh′ with the sign of cos′", "cosh", (t, x) => neg(mul(t, mul(sign(x), fill(x, 1))))),
  bug("a factor 2 in tanh′, the same in both modes", "tanh", {
    vjp: (_context, right) => only(right, (bar) => times(bar, 2)),
    jvp: (_context, right) => only(right, (dot) => times(dot, 2)),
  }),
  bug("the sign of sin′ lost in forward mode alone", "sin", { jvp: (_context, right) => only(right, neg) }),
  bug("the second operand of sub not negated", "sub", {
    vjp: ({ cotangents: [t] }) => [t, t],
  }),
  bug("the operands of mul exchanged", "mul", {
    vjp: ({ cotangents: [t], primals: [a, b] }) => (t === null ? [null, null] : [mul(t, a), mul(t, b)]),
  }),
  bug("the product rule without its second term", "mul", {
    jvp: ({ tangents: [aDot], primals: [, b] }) => [aDot === null ? null : mul(aDot, b)],
  }),
  bug("the sign of the quotient rule lost", "div", { vjp: (_context, right) => change(right, 1, neg) }),
  bug("1 / b for 1 / b² in the quotient rule", "div", {
    vjp: ({ primals: [, b] }, right) => change(right, 1, (bar) => mul(bar, b)),
  }),
  bug("the factor b of pow lost", "pow", {
    vjp: ({ primals: [, b] }, right) => change(right, 0, (bar) => div(bar, b)),
  }),
  bug("the logarithm in the exponent's derivative of pow lost", "pow", {
    vjp: ({ cotangents: [t], outputs: [y] }, right) =>
      change(right, 1, (bar) => (t === null ? bar : mul(t, y))),
  }),
  bug("the gradient of maximum to both operands", "max", { vjp: ({ cotangents: [t] }) => [t, t] }),
  bug("the branches of minimum exchanged", "min", { vjp: (_context, right) => [right[1], right[0]] }),
  bug("the quotient in mod′ not rounded down", "mod", {
    vjp: ({ cotangents: [t], primals: [a, b] }, right) =>
      change(right, 1, (bar) => (t === null ? bar : neg(mul(t, div(a, b))))),
  }),
  bug("the operands of atan2 exchanged", "atan2", { vjp: (_context, right) => [right[1], right[0]] }),
  bug("the branches of where exchanged", "select", { vjp: (_context, right) => [null, right[2], right[1]] }),
  bug("gradient in both branches of where", "select", { vjp: ({ cotangents: [t] }) => [null, t, t] }),
  bug("where in forward mode by the first branch alone", "select", {
    jvp: ({ tangents: [, aDot, bDot] }) => [aDot ?? bDot],
  }),
  bug("a derivative lost in a cast between floats", "cast", { vjp: () => [null] }),
];

/** Right to first order, wrong to second: the derivative's own dependence on x is cut. */
export const secondOrderBugs: readonly PlantedBug[] = [
  bug("the output held constant in exp′", "exp", {
    vjp: ({ cotangents: [t], outputs: [y] }) => [t === null ? null : mul(t, stopGradient(y))],
  }),
  bug("an operand held constant in the product rule", "mul", {
    vjp: ({ cotangents: [t], primals: [a, b] }) =>
      t === null ? [null, null] : [mul(t, stopGradient(b)), mul(t, stopGradient(a))],
  }),
  bug("the slope of tanh held constant", "tanh", {
    vjp: ({ cotangents: [t], outputs: [y] }) => [
      t === null ? null : mul(t, stopGradient(oneMinus(mul(y, y)))),
    ],
  }),
];

/** Only where elements tie: finite differences say nothing there, but the two modes must still agree. */
export const tieBugs: readonly PlantedBug[] = [
  bug("the tie of maximum not halved", "max", {
    vjp: ({ cotangents: [t], primals: [a, b] }) => {
      if (t === null) return [null, null];
      const toFirst = select(ge(a, b), t, fill(t, 0));
      return [toFirst, add(t, neg(toFirst))];
    },
  }),
];
