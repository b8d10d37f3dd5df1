/**
 * Binary pointwise primitives: name, function, the partial derivative towards each operand. The operands have one type;
 * broadcasting and promotion are explicit nodes before them.
 */

import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import type { BinaryOp } from "../loops/ir.js";
import type { DType } from "../types/dtype.js";
import { broadcast } from "./broadcast.js";
import { eq, lt } from "./compare.js";
import { select } from "./select.js";
import { allocateOutput, batchAll, elementCost, fill, sameTypes } from "./support.js";
import { floor, log, neg } from "./unary.js";

/** t ⊙ ∂f/∂operand, from the operands a, b and the output y. */
type Partial = (t: Node, a: Node, b: Node, y: Node) => Node;

interface BinaryRow {
  readonly f: (a: number, b: number) => number;
  /** Where int32 needs other arithmetic than float64's. */
  readonly integer?: (a: number, b: number) => number;
  readonly partials: readonly [Partial, Partial] | "none";
  /** Where random tests sample each operand. */
  readonly domains: readonly [readonly [number, number], readonly [number, number]];
  readonly dtypes: readonly DType[];
}

const floats: readonly DType[] = ["float32", "float64"];
const numbers: readonly DType[] = ["int32", "float32", "float64"];
const anywhere = [
  [-3, 3],
  [-3, 3],
] as const;

/** The remainder with the sign of the divisor, as Python, NumPy and PyTorch have it. */
function floorMod(a: number, b: number): number {
  const r = a % b;
  if (r === 0) return b < 0 || Object.is(b, -0) ? -0 : 0;
  return r < 0 !== b < 0 ? r + b : r;
}

function powC(a: number, b: number): number {
  // C and PyTorch: pow(1, b) = 1 and pow(−1, ±∞) = 1, where ECMAScript says NaN
  if (a === 1) return 1;
  if (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) return 1;
  return a ** b;
}

function integerPow(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  let base = a | 0;
  for (let n = b; n > 0; n >>>= 1) {
    if (n & 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}

/** Half of t to each operand where they tie, all of it to the one that wins. */
const toLarger = (t: Node, a: Node, b: Node): Node =>
  select(eq(a, b), mul(t, fill(t, 0.5)), select(lt(a, b), fill(t, 0), t));
const toSmaller = (t: Node, a: Node, b: Node): Node =>
  select(eq(a, b), mul(t, fill(t, 0.5)), select(lt(b, a), fill(t, 0), t));

export const binaryTable = {
  // ȧ + ḃ
  add: { f: (a, b) => a + b, partials: [(t) => t, (t) => t], domains: anywhere, dtypes: numbers },
  sub: { f: (a, b) => a - b, partials: [(t) => t, (t) => neg(t)], domains: anywhere, dtypes: numbers },
  // ā = ȳ · b, b̄ = ȳ · a
  mul: {
    f: (a, b) => a * b,
    integer: Math.imul,
    partials: [(t, _a, b) => mul(t, b), (t, a) => mul(t, a)],
    domains: anywhere,
    dtypes: numbers,
  },
  // ā = ȳ / b, b̄ = −ȳ · y / b
  div: {
    f: (a, b) => a / b,
    integer: (a, b) => (b === 0 ? 0 : Math.floor(a / b)),
    partials: [(t, _a, b) => div(t, b), (t, _a, b, y) => neg(div(mul(t, y), b))],
    domains: [
      [-3, 3],
      [0.5, 3],
    ],
    dtypes: numbers,
  },
  // ā = ȳ · b · a^(b − 1), 0 for b = 0; b̄ = ȳ · y · log a, 0 for a = 0 and b ≥ 0
  pow: {
    f: powC,
    integer: integerPow,
    partials: [
      (t, a, b) => select(eq(b, fill(b, 0)), fill(t, 0), mul(t, mul(b, pow(a, sub(b, fill(b, 1)))))),
      (t, a, b, y) => {
        const vanishes = logicalAndNot(eq(a, fill(a, 0)), lt(b, fill(b, 0)));
        return select(vanishes, fill(t, 0), mul(t, mul(y, log(select(vanishes, fill(a, 1), a)))));
      },
    ],
    domains: [
      [0.3, 3],
      [-2, 2],
    ],
    dtypes: numbers,
  },
  // ā = ȳ, b̄ = −ȳ · ⌊a / b⌋
  mod: {
    f: floorMod,
    integer: (a, b) => (b === 0 ? 0 : floorMod(a, b)),
    partials: [(t) => t, (t, a, b) => neg(mul(t, floor(div(a, b))))],
    domains: [
      [0.2, 0.9],
      [1.1, 2.9],
    ],
    dtypes: numbers,
  },
  max: {
    f: Math.max,
    partials: [toLarger, (t, a, b) => toLarger(t, b, a)],
    domains: anywhere,
    dtypes: numbers,
  },
  min: {
    f: Math.min,
    partials: [toSmaller, (t, a, b) => toSmaller(t, b, a)],
    domains: anywhere,
    dtypes: numbers,
  },
  // atan2(a, b): ā = ȳ · b / (a² + b²), b̄ = −ȳ · a / (a² + b²)
  atan2: {
    f: Math.atan2,
    partials: [
      (t, a, b) => div(mul(t, b), add(mul(a, a), mul(b, b))),
      (t, a, b) => neg(div(mul(t, a), add(mul(a, a), mul(b, b)))),
    ],
    domains: [
      [0.3, 3],
      [0.3, 3],
    ],
    dtypes: floats,
  },
  and: { f: (a, b) => a & b, partials: "none", domains: anywhere, dtypes: ["bool", "int32"] },
  or: { f: (a, b) => a | b, partials: "none", domains: anywhere, dtypes: ["bool", "int32"] },
  xor: { f: (a, b) => a ^ b, partials: "none", domains: anywhere, dtypes: ["bool", "int32"] },
  shl: { f: (a, b) => a << b, partials: "none", domains: anywhere, dtypes: ["int32"] },
  shr: { f: (a, b) => a >>> b, partials: "none", domains: anywhere, dtypes: ["int32"] },
} satisfies Record<BinaryOp, BinaryRow>;

export type BinaryName = keyof typeof binaryTable;

function binary(name: BinaryName): Primitive<undefined> {
  const row: BinaryRow = binaryTable[name];
  const partials = row.partials;
  return {
    name,
    outputTypes: (inputs) => [sameTypes(name, inputs)],
    evaluate([a, b], context) {
      const y = allocateOutput(context);
      const f = (context.inputTypes[0].dtype === "int32" && row.integer) || row.f;
      for (let i = 0; i < y.length; i++) y[i] = f(a[i], b[i]);
      return [y];
    },
    jvp:
      partials === "none"
        ? "none"
        : ({ primals: [a, b], outputs: [y], tangents: [aDot, bDot] }) => {
            const fromA = aDot === null ? null : partials[0](aDot, a, b, y);
            const fromB = bDot === null ? null : partials[1](bDot, a, b, y);
            return [fromA === null ? fromB : fromB === null ? fromA : add(fromA, fromB)];
          },
    vjp:
      partials === "none"
        ? "none"
        : ({ primals: [a, b], outputs: [y], cotangents: [yBar], needs }) =>
            yBar === null
              ? [null, null]
              : [needs[0] ? partials[0](yBar, a, b, y) : null, needs[1] ? partials[1](yBar, a, b, y) : null],
    batch(context) {
      const [a, b] = batchAll(context, broadcast);
      return [apply(name, a, b)];
    },
    lowering: {
      kind: "pointwise",
      expr: ([x, y], { output }) => ({ kind: "binary", op: name, dtype: output.dtype, x, y }),
    },
    cost: elementCost(1),
  };
}

export const binaryPrimitives: { readonly [N in BinaryName]: Primitive<undefined> } = {
  add: binary("add"),
  sub: binary("sub"),
  mul: binary("mul"),
  div: binary("div"),
  pow: binary("pow"),
  mod: binary("mod"),
  max: binary("max"),
  min: binary("min"),
  atan2: binary("atan2"),
  and: binary("and"),
  or: binary("or"),
  xor: binary("xor"),
  shl: binary("shl"),
  shr: binary("shr"),
};

function apply(name: BinaryName, a: Node, b: Node): Node {
  return bind(binaryPrimitives[name], [a, b], undefined);
}

/** a ∧ ¬b */
function logicalAndNot(a: Node, b: Node): Node {
  return and(a, xor(b, fill(b, 1)));
}

export const add = (a: Node, b: Node): Node => apply("add", a, b);
export const sub = (a: Node, b: Node): Node => apply("sub", a, b);
export const mul = (a: Node, b: Node): Node => apply("mul", a, b);
export const div = (a: Node, b: Node): Node => apply("div", a, b);
export const pow = (a: Node, b: Node): Node => apply("pow", a, b);
export const mod = (a: Node, b: Node): Node => apply("mod", a, b);
export const max = (a: Node, b: Node): Node => apply("max", a, b);
export const min = (a: Node, b: Node): Node => apply("min", a, b);
export const atan2 = (a: Node, b: Node): Node => apply("atan2", a, b);
export const and = (a: Node, b: Node): Node => apply("and", a, b);
export const or = (a: Node, b: Node): Node => apply("or", a, b);
export const xor = (a: Node, b: Node): Node => apply("xor", a, b);
export const shl = (a: Node, b: Node): Node => apply("shl", a, b);
export const shr = (a: Node, b: Node): Node => apply("shr", a, b);
