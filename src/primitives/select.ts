/** select(c, a, b) = a where c, b elsewhere; and cast between dtypes. */

import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { type DType, isFloating } from "../types/dtype.js";
import { invariant } from "../util/errors.js";
import { broadcast } from "./broadcast.js";
import { allocateOutput, batchAll, elementCost, fill, sameTypes } from "./support.js";

export const selectPrimitive: Primitive<undefined> = {
  name: "select",
  outputTypes([condition, ...branches]) {
    const type = sameTypes("select", branches);
    invariant(condition.dtype === "bool", `select with a ${condition.dtype} condition`);
    sameTypes("select", [{ ...type, dtype: "bool" }, condition]);
    return [type];
  },
  evaluate([c, a, b], context) {
    const y = allocateOutput(context);
    for (let i = 0; i < y.length; i++) y[i] = c[i] !== 0 ? a[i] : b[i];
    return [y];
  },
  // ẏ = c ? ȧ : ḃ
  jvp: ({ primals: [c], tangents: [, aDot, bDot] }) => {
    if (aDot === null && bDot === null) return [null];
    return [
      aDot === null
        ? select(c, fill(bDot ?? c, 0), bDot ?? c)
        : select(c, aDot, bDot === null ? fill(aDot, 0) : bDot),
    ];
  },
  // ā = c ? ȳ : 0, b̄ = c ? 0 : ȳ
  vjp: ({ primals: [c], cotangents: [yBar], needs }) =>
    yBar === null
      ? [null, null, null]
      : [
          null,
          needs[1] ? select(c, yBar, fill(yBar, 0)) : null,
          needs[2] ? select(c, fill(yBar, 0), yBar) : null,
        ],
  batch(context) {
    const [c, a, b] = batchAll(context, broadcast);
    return [select(c, a, b)];
  },
  lowering: {
    kind: "pointwise",
    expr: ([condition, x, y], { output }) => ({ kind: "select", dtype: output.dtype, condition, x, y }),
  },
  cost: elementCost(1),
};

export function select(condition: Node, a: Node, b: Node): Node {
  return bind(selectPrimitive, [condition, a, b], undefined);
}

export interface CastParams {
  readonly dtype: DType;
}

/** A float that does not fit an int32 saturates; NaN becomes 0, as in WebAssembly's saturating conversion. */
function toInt32(x: number): number {
  return Number.isNaN(x) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x)));
}

export const castPrimitive: Primitive<CastParams> = {
  name: "cast",
  outputTypes: ([x], { dtype }) => [{ shape: x.shape, dtype }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const { dtype } = context.params;
    if (dtype === "bool") for (let i = 0; i < y.length; i++) y[i] = x[i] !== 0 ? 1 : 0;
    else if (dtype === "int32") for (let i = 0; i < y.length; i++) y[i] = toInt32(x[i]);
    else y.set(x);
    return [y];
  },
  // between float types the derivative is 1; to or from integers there is none
  jvp: ({ primals: [x], tangents: [xDot], params }) => [
    xDot === null || !isFloating(x.dtype) || !isFloating(params.dtype) ? null : cast(xDot, params.dtype),
  ],
  vjp: ({ primals: [x], cotangents: [yBar], params }) => [
    yBar === null || !isFloating(x.dtype) || !isFloating(params.dtype) ? null : cast(yBar, x.dtype),
  ],
  batch: ({ inputs, params }) => [cast(inputs[0], params.dtype)],
  lowering: { kind: "pointwise", expr: ([x], { params }) => ({ kind: "cast", dtype: params.dtype, x }) },
  cost: elementCost(0),
};

/** The same node where it already has that dtype. */
export function cast(x: Node, dtype: DType): Node {
  return x.dtype === dtype ? x : bind(castPrimitive, [x], { dtype });
}
