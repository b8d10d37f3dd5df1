/** Comparisons: operands of one type, a bool result, no derivative. NaN is unequal to everything. */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import type { CompareOp } from "../loops/ir.js";
import { broadcast } from "./broadcast.js";
import { allocateOutput, batchAll, elementCost, sameTypes } from "./support.js";

export const compareTable = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
} satisfies Record<CompareOp, (a: number, b: number) => boolean>;

function compare(name: CompareOp): Primitive<undefined> {
  const f: (a: number, b: number) => boolean = compareTable[name];
  return {
    name,
    outputTypes: (inputs) => [{ shape: sameTypes(name, inputs).shape, dtype: "bool" }],
    evaluate([a, b], context) {
      const y = allocateOutput(context);
      for (let i = 0; i < y.length; i++) y[i] = f(a[i], b[i]) ? 1 : 0;
      return [y];
    },
    jvp: "none",
    vjp: "none",
    batch(context) {
      const [a, b] = batchAll(context, broadcast);
      return [apply(name, a, b)];
    },
    lowering: { kind: "pointwise", expr: ([x, y]) => ({ kind: "compare", op: name, dtype: "bool", x, y }) },
    cost: elementCost(1),
  };
}

export const comparePrimitives: { readonly [N in CompareOp]: Primitive<undefined> } = {
  eq: compare("eq"),
  ne: compare("ne"),
  lt: compare("lt"),
  le: compare("le"),
  gt: compare("gt"),
  ge: compare("ge"),
};

function apply(name: CompareOp, a: Node, b: Node): Node {
  return bind(comparePrimitives[name], [a, b], undefined);
}

export const eq = (a: Node, b: Node): Node => apply("eq", a, b);
export const ne = (a: Node, b: Node): Node => apply("ne", a, b);
export const lt = (a: Node, b: Node): Node => apply("lt", a, b);
export const le = (a: Node, b: Node): Node => apply("le", a, b);
export const gt = (a: Node, b: Node): Node => apply("gt", a, b);
export const ge = (a: Node, b: Node): Node => apply("ge", a, b);
