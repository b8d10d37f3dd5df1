/**
 * Factors of general matrices, and systems solved with them: what `solve` and the determinants become in a compiled program,
 * where one factorisation then serves all that need it.
 *
 * They have no derivatives of their own: nothing is differentiated after it has become these, and of the factors only the signs are
 * used directly, which are constant wherever they have a derivative.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { sizeOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { broadcast } from "./broadcast.js";
import { eliminate, solveFactored } from "./dense.js";
import { extentsOf, squareOf } from "./matrix.js";
import { allocateOutput, batchAll } from "./support.js";

/**
 * a [batch…, n, n] → [batch…, n + 1, n]: P·A = L·U with U on and above the diagonal and the unit lower triangular L below it;
 * the last row holds the exchanges of rows, step k's at k, as numbers.
 */
export const luPrimitive: Primitive<undefined> = {
  name: "lu",
  outputTypes([a]) {
    const n = squareOf("lu", a);
    return [{ shape: [...a.shape.slice(0, -2), n + 1, n], dtype: a.dtype }];
  },
  evaluate([a], context) {
    const y = allocateOutput(context);
    const { matrices, rows: n } = extentsOf(context.inputTypes[0].shape);
    const pivots = new Float64Array(n);
    for (let i = 0; i < matrices; i++) {
      const factors = Float64Array.from(a.subarray(i * n * n, (i + 1) * n * n));
      eliminate(factors, n, pivots);
      y.set(factors, i * (n + 1) * n);
      y.set(pivots, i * (n + 1) * n + n * n);
    }
    return [y];
  },
  jvp: "none",
  vjp: "none",
  batch: ({ inputs: [a] }) => [lu(a)],
  lowering: {
    kind: "kernels",
    inMemory: () => [0],
    emit({ inputs: [a], buffer, outputBuffer, emit, name }) {
      const { matrices, rows: n } = extentsOf(a.shape);
      emit({
        kind: "factor",
        name,
        op: "lu",
        dtype: a.dtype,
        matrices,
        n,
        input: buffer(0),
        output: outputBuffer,
      });
    },
  },
  cost: ([a]) => ({ flops: luFlops(a.shape) }),
};

/** Multiplications and additions of an elimination. */
export function luFlops(shape: readonly number[]): number {
  const { matrices, rows: n } = extentsOf(shape);
  return Math.ceil((matrices * 2 * n ** 3) / 3);
}

/** Factors and pivots, packed. */
export function lu(a: Node): Node {
  return bind(luPrimitive, [a], undefined);
}

export interface SolveParams {
  /** Whether the transposed matrix is solved with. */
  readonly transpose: boolean;
}

/** factors [batch…, n + 1, n] of `lu`, b [batch…, n, k] → X with op(A)·X = B */
export const luSolvePrimitive: Primitive<SolveParams> = {
  name: "luSolve",
  outputTypes([factors, b]) {
    const n = b.shape[b.shape.length - 2];
    const { rows, columns } = extentsOf(factors.shape);
    invariant(rows === n + 1 && columns === n && factors.dtype === b.dtype, "luSolve of other factors");
    return [{ shape: b.shape, dtype: b.dtype }];
  },
  evaluate([factors, b], context) {
    const y = allocateOutput(context);
    const { matrices, rows: n, columns } = extentsOf(context.outputTypes[0].shape);
    const x = Float64Array.from(b);
    for (let i = 0; i < matrices; i++) {
      const start = i * (n + 1) * n;
      const pivots = factors.subarray(start + n * n, start + (n + 1) * n);
      const { transpose } = context.params;
      solveFactored({ array: factors, start, n }, pivots, x, i * n * columns, columns, transpose);
    }
    y.set(x);
    return [y];
  },
  jvp: "none",
  vjp: "none",
  batch(context) {
    const [factors, b] = batchAll(context, broadcast);
    return [luSolve(factors, b, context.params)];
  },
  lowering: {
    kind: "kernels",
    inMemory: () => [0, 1],
    emit({ inputs: [, b], params, buffer, outputBuffer, emit, name }) {
      const { matrices, rows: n, columns } = extentsOf(b.shape);
      emit({
        kind: "substitute",
        name,
        matrix: { kind: "lu", transpose: params.transpose },
        dtype: b.dtype,
        matrices,
        n,
        columns,
        factors: buffer(0),
        input: buffer(1),
        output: outputBuffer,
      });
    },
  },
  cost: (_inputs, [x]) => ({ flops: 2 * sizeOf(x.shape) * x.shape[x.shape.length - 2] }),
};

/** X with op(A)·X = B, from A's factors. */
export function luSolve(factors: Node, b: Node, params: SolveParams): Node {
  return bind(luSolvePrimitive, [factors, b], params);
}
