/**
 * simplify: local algebra, as a table of rewrites `before → after` that hold for every value, NaN and infinities included
 * (signed zeros excepted: −0 + 0 is rewritten to −0, and −(0 − 0) to 0).
 *
 * Requires: a flat graph. Guarantees: the same values up to the sign of zero, and one rounding of x² and of a row's quotients.
 */
import { evaluateGraph, type Graph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import type { DotDimensions } from "../../loops/lowering.js";
import * as binary from "../../primitives/binary.js";
import { type AxesParams, type BroadcastParams, broadcast, sum } from "../../primitives/broadcast.js";
import * as compare from "../../primitives/compare.js";
import { dot, freeAxes } from "../../primitives/dot.js";
import { type PermuteParams, permute, type ReshapeParams, reshape } from "../../primitives/reshape.js";
import { type CastParams, cast, select } from "../../primitives/select.js";
import { fill } from "../../primitives/support.js";
import * as unary from "../../primitives/unary.js";
import { isFloating } from "../../types/dtype.js";
import { rewrite, uniformOf } from "../rewrite.js";
import { joinPads } from "./join-pads.js";
import { byReciprocal } from "./reciprocal.js";

/** Gives what to put in place of an operation, or null. `single`: nothing else uses the first input. */
type Rewrite = (inputs: readonly Node[], params: unknown, single: boolean) => Node | null;

const made = (node: Node, primitive: string): Operation | null =>
  node.operation?.primitive.name === primitive ? node.operation : null;

const isUniform = (node: Node, value: number): boolean => !node.isAbstract && uniformOf(node) === value;

/** x where the node is −x of floats, or a constant. */
const negated = (node: Node): Node | null => made(node, "neg")?.inputs[0] ?? null;

/** The condition where the node is a number made of it: 1 where it holds, 0 elsewhere. */
function truthOf(node: Node): Node | null {
  const x = made(node, "cast")?.inputs[0];
  return x?.dtype === "bool" ? x : null;
}

/** −(…) of an operation on −x: negations move outwards, where a sum or difference takes them in. */
const outwards =
  (apply: (x: Node, params: unknown) => Node): Rewrite =>
  ([x], params) => {
    const inner = negated(x);
    return inner === null ? null : unary.neg(apply(inner, params));
  };

function negatedProduct(a: Node, b: Node): Node | null {
  const inner = negated(a);
  if (inner === null) return null;
  const constant = b.isAbstract ? undefined : uniformOf(b);
  return constant === undefined ? unary.neg(binary.mul(inner, b)) : binary.mul(inner, fill(b, -constant));
}

/** By primitive; the first rewrite that applies wins. */
const table: Readonly<Record<string, readonly Rewrite[]>> = {
  add: [
    // x + 0 → x
    ([a, b]) => (isUniform(b, 0) ? a : isUniform(a, 0) ? b : null),
    // a + (−b) → a − b
    ([a, b]) => {
      const inner = negated(b);
      return inner === null ? null : binary.sub(a, inner);
    },
    // (−a) + b → b − a
    ([a, b]) => {
      const inner = negated(a);
      return inner === null ? null : binary.sub(b, inner);
    },
    // parts among zeros, side by side → a concatenation
    ([a, b]) => joinPads(a, b),
  ],
  sub: [
    // x − 0 → x
    ([a, b]) => (isUniform(b, 0) ? a : null),
    // a − (−b) → a + b
    ([a, b]) => {
      const inner = negated(b);
      return inner === null ? null : binary.add(a, inner);
    },
  ],
  mul: [
    // x · 1 → x
    ([a, b]) => (isUniform(b, 1) ? a : isUniform(a, 1) ? b : null),
    // x · (−1) → −x
    ([a, b]) => (isUniform(b, -1) ? unary.neg(a) : isUniform(a, -1) ? unary.neg(b) : null),
    // (−a) · b → a · (−b) for a constant b, else −(a · b)
    ([a, b]) => negatedProduct(a, b) ?? negatedProduct(b, a),
  ],
  div: [
    // x / 1 → x
    ([a, b]) => (isUniform(b, 1) ? a : null),
    // x / 2ᵏ → x · 2⁻ᵏ, which rounds alike
    ([a, b]) => {
      const divisor = b.isAbstract ? undefined : uniformOf(b);
      if (divisor === undefined || !isFloating(a.dtype)) return null;
      const exponent = Math.log2(Math.abs(divisor));
      return Number.isInteger(exponent) && Math.abs(exponent) <= 100
        ? binary.mul(a, fill(b, 1 / divisor))
        : null;
    },
    // (−a) / b → −(a / b)
    ([a, b]) => {
      const inner = isFloating(a.dtype) ? negated(a) : null;
      return inner === null ? null : unary.neg(binary.div(inner, b));
    },
    // a / broadcast(b) → a · broadcast(1 / b), where that changes no more than the rounding
    ([a, b]) => byReciprocal(a, b),
  ],
  pow: [
    // x¹ → x, x² → x · x
    ([a, b]) => (isUniform(b, 1) ? a : isUniform(b, 2) ? binary.mul(a, a) : null),
  ],
  neg: [
    // −(−x) → x
    ([x]) => negated(x),
    // −(a − b) → b − a
    ([x], _params, single) => {
      const inner = made(x, "sub");
      return inner === null || !single ? null : binary.sub(inner.inputs[1], inner.inputs[0]);
    },
  ],
  sum: [outwards((x, params) => sum(x, (params as AxesParams).axes))],
  not: [
    // not (not c) → c, not (a = b) → a ≠ b, not (a ≠ b) → a = b
    ([x]) => {
      if (x.dtype !== "bool") return null;
      const equal = made(x, "eq");
      if (equal !== null) return compare.ne(equal.inputs[0], equal.inputs[1]);
      const unequal = made(x, "ne");
      if (unequal !== null) return compare.eq(unequal.inputs[0], unequal.inputs[1]);
      return made(x, "not")?.inputs[0] ?? null;
    },
  ],
  // for a number c that is 1 or 0 by a condition: c = 0 → not c, c = 1 → c
  eq: [([a, b]) => asCondition(a, b, 1)],
  // c ≠ 0 → c, c ≠ 1 → not c
  ne: [([a, b]) => asCondition(a, b, 0)],
  select: [
    // c ? x : x → x
    ([, x, y]) => (x === y ? x : null),
    // true ? x : y → x
    ([condition, x, y]) => (isUniform(condition, 1) ? x : isUniform(condition, 0) ? y : null),
    // not c ? x : y → c ? y : x
    ([condition, x, y]) => {
      const inner = made(condition, "not")?.inputs[0];
      return inner === undefined ? null : select(inner, y, x);
    },
  ],
  reshape: [
    // reshape(reshape(x)) → reshape(x)
    ([x], params) => {
      const inner = made(x, "reshape");
      return inner === null ? null : reshape(inner.inputs[0], (params as ReshapeParams).shape);
    },
    outwards((x, params) => reshape(x, (params as ReshapeParams).shape)),
  ],
  permute: [
    // permute(permute(x, p), q) → permute(x, p ∘ q)
    ([x], params) => {
      const inner = made(x, "permute");
      if (inner === null) return null;
      const first = (inner.params as PermuteParams).permutation;
      return permute(
        inner.inputs[0],
        (params as PermuteParams).permutation.map((axis) => first[axis]),
      );
    },
    // (a · b)ᵀ → bᵀ · aᵀ
    ([x], params, single) => {
      const inner = made(x, "dot");
      if (inner === null || !single) return null;
      const [a, b] = inner.inputs;
      const { batchA, batchB, contractA, contractB } = inner.params as DotDimensions;
      const batch = batchA.map((_, i) => i);
      const rows = freeAxes(a.shape, batchA, contractA).map((_, i) => batch.length + i);
      const columns = freeAxes(b.shape, batchB, contractB).map((_, i) => batch.length + rows.length + i);
      const swapped = [...batch, ...columns, ...rows];
      if (String(swapped) !== String((params as PermuteParams).permutation)) return null;
      return dot(b, a, { batchA: batchB, batchB: batchA, contractA: contractB, contractB: contractA });
    },
    outwards((x, params) => permute(x, (params as PermuteParams).permutation)),
  ],
  broadcast: [
    // broadcast of a uniform constant is one
    ([x], params) => {
      const { axes, sizes } = params as BroadcastParams;
      return x.isAbstract || uniformOf(x) === undefined ? null : broadcast(x, axes, sizes);
    },
    outwards((x, params) =>
      broadcast(x, (params as BroadcastParams).axes, (params as BroadcastParams).sizes),
    ),
  ],
  cast: [
    // cast to the dtype it has
    ([x], params) => (x.dtype === (params as CastParams).dtype ? x : null),
    // cast(cast(c)) → cast(c) for a condition
    ([x], params) => {
      const condition = truthOf(x);
      return condition === null ? null : cast(condition, (params as CastParams).dtype);
    },
  ],
};

/** For a number that is 1 or 0 by a condition, and 0 or 1 beside it: the condition where that is `holds`, its contrary else. */
function asCondition(a: Node, b: Node, holds: 0 | 1): Node | null {
  const [number, constant] = truthOf(a) === null ? [b, a] : [a, b];
  const condition = truthOf(number);
  if (condition === null || constant.isAbstract) return null;
  const value = uniformOf(constant);
  return value === holds ? condition : value === 1 - holds ? unary.not(condition) : null;
}

export function simplify(graph: Graph): Graph {
  const uses = new Map<Node, number>();
  const use = (node: Node): void => {
    uses.set(node, (uses.get(node) ?? 0) + 1);
  };
  for (const { inputs } of graph.operations) inputs.forEach(use);
  graph.outputs.forEach(use);
  return rewrite(graph, (leaves) =>
    evaluateGraph(graph, leaves, ({ primitive, params, inputs }, operands) => {
      const single = inputs.length > 0 && uses.get(inputs[0]) === 1;
      for (const rule of table[primitive.name] ?? []) {
        const result = rule(operands, params, single);
        if (result !== null) return [result];
      }
      return bindAll(primitive, operands, params);
    }),
  );
}
