/**
 * Linear systems with a triangular matrix, by substitution, and their derivatives.
 *
 * Source: M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
 * (2008), 2.3.1. Deviation: only one triangle is an input, so only it has a derivative.
 */
import { bind, type Node } from "../graph/node.js";
import type { BatchContext, Primitive, TensorType } from "../graph/primitive.js";
import { sameShape, sizeOf } from "../types/shape.js";
import { formatShape, invariant } from "../util/errors.js";
import { sub } from "./binary.js";
import { broadcast } from "./broadcast.js";
import { substitute, type TriangularParams } from "./dense.js";
import { extentsOf, product, squareOf, transposed, triangle } from "./matrix.js";
import { permute, reshape } from "./reshape.js";
import { allocateOutput, batchAll } from "./support.js";
import { neg } from "./unary.js";

/** a [batch…, n, n] triangular, b [batch…, n, k] → X with op(A)·X = B */
export const triangularSolvePrimitive: Primitive<TriangularParams> = {
  name: "triangularSolve",
  outputTypes: ([a, b]) => [systemType("triangularSolve", a, b)],
  evaluate([a, b], context) {
    const y = allocateOutput(context);
    const { matrices, rows: n, columns } = extentsOf(context.outputTypes[0].shape);
    const x = Float64Array.from(b);
    for (let i = 0; i < matrices; i++)
      substitute({ array: a, start: i * n * n, n }, x, i * n * columns, columns, context.params);
    y.set(x);
    return [y];
  },
  // Ẋ = op(A)⁻¹ (Ḃ − op(Ȧ)·X), of Ȧ the triangle
  jvp: ({ primals: [a], tangents: [aDot, bDot], outputs: [x], params }) => {
    if (aDot === null) return [bDot === null ? null : triangularSolve(a, bDot, params)];
    const part = triangleOf(aDot, params);
    const moved = product(params.transpose ? transposed(part) : part, x);
    return [triangularSolve(a, bDot === null ? neg(moved) : sub(bDot, moved), params)];
  },
  // B̄ = op(A)⁻ᵀ X̄, Ā = −B̄·Xᵀ (of op = transposition −X·B̄ᵀ), of it the triangle
  vjp: ({ primals: [a], outputs: [x], cotangents: [xBar], params, needs }) => {
    if (xBar === null) return [null, null];
    const bBar = triangularSolve(a, xBar, { ...params, transpose: !params.transpose });
    const aBar = (): Node => {
      const [left, right] = params.transpose ? [x, bBar] : [bBar, x];
      return neg(triangleOf(product(left, transposed(right)), params));
    };
    return [needs[0] ? aBar() : null, needs[1] ? bBar : null];
  },
  batch: (context) => [batchSystem(context, (a, b) => triangularSolve(a, b, context.params))],
  lowering: {
    kind: "kernels",
    inMemory: () => [0, 1],
    emit({ inputs: [a, b], params, buffer, outputBuffer, emit, name }) {
      const { matrices, rows: n, columns } = extentsOf(b.shape);
      emit({
        kind: "substitute",
        name,
        matrix: { kind: "triangular", ...params },
        dtype: a.dtype,
        matrices,
        n,
        columns,
        factors: buffer(0),
        input: buffer(1),
        output: outputBuffer,
      });
    },
  },
  cost: ([a], [x]) => ({ flops: sizeOf(x.shape) * a.shape[a.shape.length - 1] }),
};

/** X with op(A)·X = B for a triangular A. */
export function triangularSolve(a: Node, b: Node, params: TriangularParams): Node {
  return bind(triangularSolvePrimitive, [a, b], params);
}

function triangleOf(x: Node, { lower, unitDiagonal }: TriangularParams): Node {
  return triangle(x, lower ? "lower" : "upper", unitDiagonal ? 0 : 1);
}

/** The type of the solution of systems a [batch…, n, n], b [batch…, n, k]. */
export function systemType(name: string, a: TensorType, b: TensorType): TensorType {
  const n = squareOf(name, a);
  invariant(
    a.dtype === b.dtype && b.shape.length === a.shape.length && b.shape[b.shape.length - 2] === n,
    `${name} of ${a.dtype}${formatShape(a.shape)} and ${b.dtype}${formatShape(b.shape)}`,
  );
  invariant(sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), `${name}: other batches`);
  return { shape: b.shape, dtype: b.dtype };
}

/** Systems over a batch; where one matrix serves all, the right sides of the batch become its columns. */
export function batchSystem<P>(context: BatchContext<P>, solve: (a: Node, b: Node) => Node): Node {
  const [a, b] = context.inputs;
  if (context.batched[0] || a.shape.length > 2) {
    const [all, sides] = batchAll(context, broadcast);
    return solve(all, sides);
  }
  // [batch, n, k] → [n, batch · k]
  const [size, n, columns] = b.shape;
  const x = solve(a, reshape(permute(b, [1, 0, 2]), [n, size * columns]));
  return permute(reshape(x, [n, size, columns]), [1, 0, 2]);
}
