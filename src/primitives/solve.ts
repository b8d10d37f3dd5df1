/**
 * Linear systems with any square matrix. The derivative is that of the solution, not of the elimination: it knows nothing of pivots.
 *
 * Source: M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
 * (2008), 2.3.1.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { sizeOf } from "../types/shape.js";
import { sub } from "./binary.js";
import { eliminate, solveFactored } from "./dense.js";
import { lu, luFlops, luSolve, type SolveParams } from "./lu.js";
import { extentsOf, product, transposed } from "./matrix.js";
import { allocateOutput } from "./support.js";
import { batchSystem, systemType } from "./triangular-solve.js";
import { neg } from "./unary.js";

/** a [batch…, n, n], b [batch…, n, k] → X with op(A)·X = B; a singular A divides by 0 */
export const solvePrimitive: Primitive<SolveParams> = {
  name: "solve",
  outputTypes: ([a, b]) => [systemType("solve", a, b)],
  evaluate([a, b], context) {
    const y = allocateOutput(context);
    const { matrices, rows: n, columns } = extentsOf(context.outputTypes[0].shape);
    const x = Float64Array.from(b);
    const pivots = new Float64Array(n);
    for (let i = 0; i < matrices; i++) {
      const array = Float64Array.from(a.subarray(i * n * n, (i + 1) * n * n));
      eliminate(array, n, pivots);
      solveFactored({ array, start: 0, n }, pivots, x, i * n * columns, columns, context.params.transpose);
    }
    y.set(x);
    return [y];
  },
  // Ẋ = op(A)⁻¹ (Ḃ − op(Ȧ)·X)
  jvp: ({ primals: [a], tangents: [aDot, bDot], outputs: [x], params }) => {
    if (aDot === null) return [bDot === null ? null : solve(a, bDot, params)];
    const moved = product(params.transpose ? transposed(aDot) : aDot, x);
    return [solve(a, bDot === null ? neg(moved) : sub(bDot, moved), params)];
  },
  // B̄ = op(A)⁻ᵀ X̄, Ā = −B̄·Xᵀ (of op = transposition −X·B̄ᵀ)
  vjp: ({ primals: [a], outputs: [x], cotangents: [xBar], params, needs }) => {
    if (xBar === null) return [null, null];
    const bBar = solve(a, xBar, { transpose: !params.transpose });
    const aBar = (): Node => {
      const [left, right] = params.transpose ? [x, bBar] : [bBar, x];
      return neg(product(left, transposed(right)));
    };
    return [needs[0] ? aBar() : null, needs[1] ? bBar : null];
  },
  batch: (context) => [batchSystem(context, (a, b) => solve(a, b, context.params))],
  lowering: { kind: "inline", expand: ([a, b], params) => [luSolve(lu(a), b, params)] },
  cost: ([a], [x]) => ({ flops: luFlops(a.shape) + 2 * sizeOf(x.shape) * a.shape[a.shape.length - 1] }),
};

/** X with op(A)·X = B. */
export function solve(a: Node, b: Node, params: SolveParams): Node {
  return bind(solvePrimitive, [a, b], params);
}
