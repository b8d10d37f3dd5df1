/** Linear algebra of matrices in the last two axes; leading axes are a batch. */
import type { Node } from "../graph/node.js";
import { broadcastTo } from "../primitives/broadcast.js";
import { cholesky as choleskyNode } from "../primitives/cholesky.js";
import type { TriangularParams } from "../primitives/dense.js";
import { det as detNode, logAbsDet, productOf, signedPivots } from "../primitives/determinant.js";
import { lu } from "../primitives/lu.js";
import { identityLike, transposed } from "../primitives/matrix.js";
import { permute, reshape } from "../primitives/reshape.js";
import { select } from "../primitives/select.js";
import { solve as solveNode } from "../primitives/solve.js";
import { fill } from "../primitives/support.js";
import { triangularSolve as triangularSolveNode } from "../primitives/triangular-solve.js";
import { sign as signNode } from "../primitives/unary.js";
import { type DType, isFloating, promote } from "../types/dtype.js";
import { broadcastShapes, range, sizeOf } from "../types/shape.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { asTensor, convert, fromNode, type TensorLike } from "./convert.js";
import type { Tensor } from "./tensor.js";

/** How `triangularSolve` reads its matrix. */
export interface TriangularSolveOptions {
  /** Whether the lower triangle is meant, or else the upper one; the other is not read. Default true. */
  readonly lower?: boolean;
  /** Whether to solve with the transposed matrix. Default false. */
  readonly transpose?: boolean;
  /** Whether the diagonal is taken for ones, and not read. Default false. */
  readonly unitDiagonal?: boolean;
}

/** @throws AdjointError `dtype-mismatch` unless the elements are floats */
function asFloats(value: TensorLike, operation: string, argument: string): Tensor {
  const x = asTensor(value, operation, argument);
  if (isFloating(x.dtype)) return x;
  throw new AdjointError(
    "dtype-mismatch",
    `${operation}: ${argument} must be float32 or float64, received ${x.dtype}; use ${argument}.cast("float32")`,
    { operation, argument, expected: "float32 or float64", received: x.dtype },
  );
}

/** @throws AdjointError `shape-mismatch` unless the last two axes are those of square matrices */
function asSquare(value: TensorLike, operation: string): Tensor {
  const a = asTensor(value, operation, "a");
  const expected = "square matrices [..., n, n]";
  if (a.rank < 2 || a.shape[a.rank - 1] !== a.shape[a.rank - 2])
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: a must be ${expected}, received ${formatShape(a.shape)}`,
      { operation, argument: "a", expected, received: formatShape(a.shape) },
    );
  return asFloats(a, operation, "a");
}

/**
 * The lower triangular L with A = L·Lᵀ, for symmetric positive definite matrices [..., n, n]; of other matrices their symmetric part
 * ½(A + Aᵀ) is taken. A matrix that is not positive definite gives NaN throughout, and leaves others of its batch alone.
 *
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example cholesky(tensor([[4, 2], [2, 5]])).array(); // → 2,0,1,2
 */
export function cholesky(a: TensorLike): Tensor {
  const matrix = asSquare(a, "cholesky");
  return fromNode(choleskyNode(matrix.add(fromNode(transposed(matrix))).mul(0.5)));
}

/**
 * X with A·X = B, or Aᵀ·X = B, for triangular matrices a [..., n, n]. b is [..., n, k], or a vector [n]; leading axes broadcast. A
 * zero on the diagonal gives infinities and NaN.
 *
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`, `invalid-argument`
 * @example triangularSolve(tensor([[2, 0], [1, 2]]), tensor([2, 5])).array(); // → 1,2
 */
export function triangularSolve(a: TensorLike, b: TensorLike, options: TriangularSolveOptions = {}): Tensor {
  checkOptionNames(options, ["lower", "transpose", "unitDiagonal"], "triangularSolve");
  const flag = (name: keyof TriangularSolveOptions, otherwise: boolean): boolean => {
    const value = options[name] ?? otherwise;
    if (typeof value === "boolean") return value;
    throw invalidArgument("triangularSolve", name, "true or false", formatReceived(value));
  };
  const params: TriangularParams = {
    lower: flag("lower", true),
    transpose: flag("transpose", false),
    unitDiagonal: flag("unitDiagonal", false),
  };
  return solveSystems("triangularSolve", a, b, (matrix, sides) => triangularSolveNode(matrix, sides, params));
}

/**
 * X with A·X = B, for square matrices a [..., n, n]. b is [..., n, k], or a vector [n]; leading axes broadcast. A singular matrix
 * gives infinities or NaN in every column.
 *
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example solve(tensor([[2, 0], [1, 4]]), tensor([2, 9])).array(); // → 1,2
 */
export function solve(a: TensorLike, b: TensorLike): Tensor {
  return solveSystems("solve", a, b, (matrix, sides) => solveNode(matrix, sides, { transpose: false }));
}

/** Both operands with one batch, or one matrix for all right sides, and these as columns. */
function solveSystems(
  operation: string,
  a: TensorLike,
  b: TensorLike,
  apply: (a: Node, b: Node) => Node,
): Tensor {
  const given = asSquare(a, operation);
  const sides = asFloats(b, operation, "b");
  const n = given.shape[given.rank - 1];
  const isVector = sides.rank === 1;
  const rows = sides.shape[Math.max(0, sides.rank - 2)];
  if (sides.rank === 0 || rows !== n)
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: b must have ${n} rows, as a ${formatShape(given.shape)} has columns: [${n}] or [..., ${n}, k]; received ${formatShape(sides.shape)}`,
      {
        operation,
        argument: "b",
        expected: `[${n}] or [..., ${n}, k]`,
        received: formatShape(sides.shape),
      },
    );
  const dtype: DType = promote(given.dtype, sides.dtype);
  const matrix: Node = convert(given, dtype);
  const columns: Node = isVector ? reshape(convert(sides, dtype), [n, 1]) : convert(sides, dtype);
  const batchA = matrix.shape.slice(0, -2);
  const batchB = columns.shape.slice(0, -2);
  const k = columns.shape[columns.shape.length - 1];
  if (batchA.length === 0 && batchB.length > 0) {
    // one matrix for all: [batch…, n, k] → [n, batch · k]
    const last = columns.shape.length;
    const rowsFirst = permute(columns, [last - 2, ...range(last - 2), last - 1]);
    const x = apply(matrix, reshape(rowsFirst, [n, sizeOf(batchB) * k]));
    return fromNode(
      permute(reshape(x, [n, ...batchB, k]), [...range(last - 2).map((axis) => axis + 1), 0, last - 1]),
    );
  }
  const batch = broadcastShapes(batchA, batchB, operation, given.shape, sides.shape);
  const x = apply(broadcastTo(matrix, [...batch, n, n]), broadcastTo(columns, [...batch, n, k]));
  return fromNode(isVector ? reshape(x, [...batch, n]) : x);
}

/**
 * The inverses of square matrices [..., n, n]; infinities or NaN in every column of a singular one's. To solve a system use `solve`,
 * which is faster and more accurate.
 *
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example inv(tensor([[2, 0], [0, 4]])).array(); // → 0.5,0,0,0.25
 */
export function inv(a: TensorLike): Tensor {
  const matrix = asSquare(a, "inv");
  return fromNode(solveNode(matrix, identityLike(matrix), { transpose: false }));
}

/**
 * The determinants of square matrices: [..., n, n] → [...]; 1 for n = 0. Its gradient is the matrix of cofactors, at singular matrices
 * too; second derivatives need an invertible one.
 *
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example det(tensor([[2, 1], [4, 6]])).item(); // → 8
 */
export function det(a: TensorLike): Tensor {
  return fromNode(detNode(asSquare(a, "det")));
}

/**
 * The logarithms of determinants: [..., n, n] → [...], without overflow where the determinant has it. NaN where that is negative (see
 * `slogDet`), −Infinity where it is 0; the gradient is A⁻ᵀ.
 *
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example logDet(tensor([[2, 0], [0, 0.5]])).item(); // → 0
 */
export function logDet(a: TensorLike): Tensor {
  const [sign, magnitude] = signAndLog(a, "logDet");
  // a factor, so that the gradient is NaN too where there is no logarithm
  return magnitude.mul(fromNode(select(sign.lt(0), fill(sign, Number.NaN), fill(sign, 1))));
}

/**
 * The signs of determinants (−1, 0 or 1) and the logarithms of their magnitudes, of square matrices [..., n, n]: det = sign · exp(log).
 *
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example slogDet(tensor([[0, 1], [1, 0]])).map((part) => part.item()); // → -1,0
 */
export function slogDet(a: TensorLike): [sign: Tensor, logAbsDet: Tensor] {
  return signAndLog(a, "slogDet");
}

function signAndLog(a: TensorLike, operation: string): [Tensor, Tensor] {
  const matrix = asSquare(a, operation);
  return [fromNode(productOf(signNode(signedPivots(lu(matrix))))), fromNode(logAbsDet(matrix))];
}
