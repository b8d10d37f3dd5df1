/**
 * The Cholesky factor of symmetric positive definite matrices, and its derivatives.
 *
 * Source: I. Murray, "Differentiation of the Cholesky decomposition" (2016), equations 8 and 10. Deviation: as only the lower
 * triangle is an input, an element below the diagonal stands for its mirror image too.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { add } from "./binary.js";
import { choleskyInPlace, type TriangularParams } from "./dense.js";
import { extentsOf, product, squareOf, transposed, triangle } from "./matrix.js";
import { allocateOutput } from "./support.js";
import { triangularSolve } from "./triangular-solve.js";

const lower: TriangularParams = { lower: true, transpose: false, unitDiagonal: false };
const lowerTransposed: TriangularParams = { ...lower, transpose: true };

/** Φ: the lower triangle with half the diagonal. */
const phi = (x: Node): Node => triangle(x, "lower", 0.5);

/** a [batch…, n, n], of which the lower triangle is read → L, lower triangular, with A = L·Lᵀ */
export const choleskyPrimitive: Primitive<undefined> = {
  name: "cholesky",
  outputTypes([a]) {
    squareOf("cholesky", a);
    return [{ shape: a.shape, dtype: a.dtype }];
  },
  evaluate([a], context) {
    const y = allocateOutput(context);
    const { matrices, rows: n } = extentsOf(context.inputTypes[0].shape);
    for (let i = 0; i < matrices; i++) {
      const factor = Float64Array.from(a.subarray(i * n * n, (i + 1) * n * n));
      choleskyInPlace(factor, n);
      y.set(factor, i * n * n);
    }
    return [y];
  },
  // L̇ = L·Φ(L⁻¹ Ȧ L⁻ᵀ)
  jvp: ({ outputs: [l], tangents: [aDot] }) => {
    if (aDot === null) return [null];
    const symmetric = add(triangle(aDot, "lower", 1), transposed(triangle(aDot, "lower", 0)));
    const left = triangularSolve(l, symmetric, lower);
    return [product(l, phi(triangularSolve(l, transposed(left), lower)))];
  },
  // Ā = Φ(G + Gᵀ) with G = L⁻ᵀ Φ(LᵀL̄) L⁻¹
  vjp: ({ outputs: [l], cotangents: [lBar] }) => {
    if (lBar === null) return [null];
    const left = triangularSolve(l, phi(product(transposed(l), lBar)), lowerTransposed);
    const g = triangularSolve(l, transposed(left), lowerTransposed);
    return [phi(add(g, transposed(g)))];
  },
  batch: ({ inputs: [a] }) => [cholesky(a)],
  lowering: {
    kind: "kernels",
    inMemory: () => [0],
    emit({ inputs: [a], buffer, outputBuffer, emit, name }) {
      const { matrices, rows: n } = extentsOf(a.shape);
      emit({
        kind: "factor",
        name,
        op: "cholesky",
        dtype: a.dtype,
        matrices,
        n,
        input: buffer(0),
        output: outputBuffer,
      });
    },
  },
  cost: ([a]) => {
    const { matrices, rows: n } = extentsOf(a.shape);
    return { flops: Math.ceil((matrices * n ** 3) / 3) };
  },
};

/** L with A = L·Lᵀ, from the lower triangle; NaN where A is not positive definite. */
export function cholesky(a: Node): Node {
  return bind(choleskyPrimitive, [a], undefined);
}
