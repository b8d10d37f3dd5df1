/** Matrices in the last two axes, leading axes as a batch: the small algebra that the rules of linear algebra are written in. */
import type { Node } from "../graph/node.js";
import type { TensorType } from "../graph/primitive.js";
import { range, type Shape, sizeOf } from "../types/shape.js";
import { formatShape, invariant } from "../util/errors.js";
import { mul, sub } from "./binary.js";
import { broadcast, sum } from "./broadcast.js";
import { ge } from "./compare.js";
import { dot } from "./dot.js";
import { permute } from "./reshape.js";
import { cast, select } from "./select.js";
import { iota } from "./source.js";
import { fill } from "./support.js";

/** How many matrices, and their rows and columns. */
export function extentsOf(shape: Shape): { matrices: number; rows: number; columns: number } {
  const [rows, columns] = shape.slice(-2);
  return { matrices: sizeOf(shape.slice(0, -2)), rows, columns };
}

/** The rows of square matrices. */
export function squareOf(name: string, { shape, dtype }: TensorType): number {
  const { rows, columns } = extentsOf(shape);
  invariant(
    shape.length >= 2 && rows === columns && (dtype === "float32" || dtype === "float64"),
    `${name} of ${dtype}${formatShape(shape)}`,
  );
  return rows;
}

/** [batch…, m, n] → [batch…, n, m] */
export function transposed(x: Node): Node {
  const rank = x.shape.length;
  return permute(x, [...range(rank - 2), rank - 1, rank - 2]);
}

/** [batch…, m, k] · [batch…, k, n] → [batch…, m, n] */
export function product(a: Node, b: Node): Node {
  const rank = a.shape.length;
  const batch = range(rank - 2);
  return dot(a, b, { batchA: batch, batchB: batch, contractA: [rank - 1], contractB: [rank - 2] });
}

/** ⟨a, b⟩ = Σ a ∘ b over each pair of matrices: [batch…, m, n] → [batch…] */
export function innerProduct(a: Node, b: Node): Node {
  const rank = a.shape.length;
  return sum(mul(a, b), [rank - 2, rank - 1]);
}

/** A number for each matrix, at all of its elements: [batch…] → [batch…, m, n] */
export function spread(x: Node, like: TensorType): Node {
  const rank = like.shape.length;
  return broadcast(x, [rank - 2, rank - 1], like.shape.slice(-2));
}

/** 1 on the diagonal of every matrix of a type. */
export function identityLike(like: TensorType): Node {
  const { rows, columns } = extentsOf(like.shape);
  const rowNumber = broadcast(iota(rows, "int32"), [1], [columns]);
  const columnNumber = broadcast(iota(columns, "int32"), [0], [rows]);
  const atLeast = cast(ge(rowNumber, columnNumber), like.dtype);
  const above = cast(ge(sub(rowNumber, fill(rowNumber, 1)), columnNumber), like.dtype);
  return overBatch(sub(atLeast, above), like.shape);
}

/** The elements on and below the diagonal (or on and above it), the diagonal times `diagonal`, and 0 elsewhere. */
export function triangle(x: Node, side: "lower" | "upper", diagonal: 0 | 0.5 | 1): Node {
  const { rows, columns } = extentsOf(x.shape);
  const counted = (length: number, other: number, axis: number): Node =>
    broadcast(iota(length, "int32"), [axis], [other]);
  const rowNumber = counted(rows, columns, 1);
  const columnNumber = counted(columns, rows, 0);
  const [far, near] = side === "lower" ? [rowNumber, columnNumber] : [columnNumber, rowNumber];
  const isStrict = overBatch(ge(sub(far, fill(far, 1)), near), x.shape);
  const isPart = overBatch(ge(far, near), x.shape);
  const zero = fill(x, 0);
  if (diagonal === 0) return select(isStrict, x, zero);
  if (diagonal === 1) return select(isPart, x, zero);
  return select(isStrict, x, select(isPart, mul(x, fill(x, 0.5)), zero));
}

/** One matrix for the whole batch. */
function overBatch(matrix: Node, shape: Shape): Node {
  const batch = range(shape.length - 2);
  return broadcast(
    matrix,
    batch,
    batch.map((axis) => shape[axis]),
  );
}
