/**
 * simplify: local algebra, as a table of rewrites `before → after` that hold for every value, NaN and infinities included
 * (signed zeros excepted: −0 + 0 is rewritten to −0).
 *
 * Requires: a flat graph. Guarantees: the same values up to the sign of zero and one rounding of x².
 */
import { evaluateGraph, type Graph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import * as binary from "../../primitives/binary.js";
import { type BroadcastParams, broadcast } from "../../primitives/broadcast.js";
import { type PermuteParams, permute, type ReshapeParams, reshape } from "../../primitives/reshape.js";
import { type CastParams, cast } from "../../primitives/select.js";
import * as unary from "../../primitives/unary.js";
import { rewrite, uniformOf } from "../rewrite.js";

type Rewrite = (inputs: readonly Node[], params: unknown) => Node | null;

const made = (node: Node, primitive: string): Operation | null =>
  node.operation?.primitive.name === primitive ? node.operation : null;

const isUniform = (node: Node, value: number): boolean => !node.isAbstract && uniformOf(node) === value;

/** By primitive; the first rewrite that applies wins. */
const table: Readonly<Record<string, readonly Rewrite[]>> = {
  add: [
    // x + 0 → x
    ([a, b]) => (isUniform(b, 0) ? a : isUniform(a, 0) ? b : null),
    // a + (−b) → a − b
    ([a, b]) => {
      const negated = made(b, "neg");
      return negated === null ? null : binary.sub(a, negated.inputs[0]);
    },
    // (−a) + b → b − a
    ([a, b]) => {
      const negated = made(a, "neg");
      return negated === null ? null : binary.sub(b, negated.inputs[0]);
    },
  ],
  sub: [
    // x − 0 → x
    ([a, b]) => (isUniform(b, 0) ? a : null),
    // a − (−b) → a + b
    ([a, b]) => {
      const negated = made(b, "neg");
      return negated === null ? null : binary.add(a, negated.inputs[0]);
    },
  ],
  mul: [
    // x · 1 → x
    ([a, b]) => (isUniform(b, 1) ? a : isUniform(a, 1) ? b : null),
    // x · (−1) → −x
    ([a, b]) => (isUniform(b, -1) ? unary.neg(a) : isUniform(a, -1) ? unary.neg(b) : null),
  ],
  // x / 1 → x
  div: [([a, b]) => (isUniform(b, 1) ? a : null)],
  pow: [
    // x¹ → x, x² → x · x
    ([a, b]) => (isUniform(b, 1) ? a : isUniform(b, 2) ? binary.mul(a, a) : null),
  ],
  neg: [
    // −(−x) → x
    ([x]) => made(x, "neg")?.inputs[0] ?? null,
  ],
  reshape: [
    // reshape(reshape(x)) → reshape(x)
    ([x], params) => {
      const inner = made(x, "reshape");
      return inner === null ? null : reshape(inner.inputs[0], (params as ReshapeParams).shape);
    },
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
  ],
  // broadcast of a uniform constant is one
  broadcast: [
    ([x], params) => {
      const { axes, sizes } = params as BroadcastParams;
      return x.isAbstract || uniformOf(x) === undefined ? null : broadcast(x, axes, sizes);
    },
  ],
  cast: [
    // cast to the dtype it has
    ([x], params) => (x.dtype === (params as CastParams).dtype ? cast(x, x.dtype) : null),
  ],
};

export function simplify(graph: Graph): Graph {
  return rewrite(graph, (inputs) =>
    evaluateGraph(graph, inputs, ({ primitive, params }, operands) => {
      for (const rule of table[primitive.name] ?? []) {
        const result = rule(operands, params);
        if (result !== null) return [result];
      }
      return bindAll(primitive, operands, params);
    }),
  );
}
