/**
 * Determinants, their logarithms, and cofactors, from the factors of `lu`.
 *
 * Source: M. B. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"
 * (2008), 2.2.4. Deviation: det's derivative is the matrix of cofactors, which singular matrices have too. It is computed with
 * a pivot that is 0 raised to the rounding error of the matrix, so that it is the exact one of a matrix as near as rounding is;
 * where two are 0, so are all cofactors.
 *
 * Known weakness: the derivative of a cofactor goes through the inverse, so the second derivative of det at a singular matrix,
 * though it exists, is infinite or NaN.
 */
import { bind, type Node } from "../graph/node.js";
import type { EvaluateContext, Primitive } from "../graph/primitive.js";
import type { TypedArray } from "../types/dtype.js";
import { range } from "../types/shape.js";
import { add, mul, sub } from "./binary.js";
import { broadcast, sum } from "./broadcast.js";
import { eq, gt } from "./compare.js";
import { eliminate, solveFactored } from "./dense.js";
import { lu, luFlops, luSolve } from "./lu.js";
import { extentsOf, identityLike, innerProduct, product, spread, squareOf, transposed } from "./matrix.js";
import { concat, slice, sliceAxis } from "./pad.js";
import { reduceMax } from "./reduce.js";
import { reshape } from "./reshape.js";
import { cast, select } from "./select.js";
import { solve } from "./solve.js";
import { iota } from "./source.js";
import { allocateOutput, fill } from "./support.js";
import { abs as absOf, log as logOf } from "./unary.js";

/** Calls `use` with the factors, packed and eliminated in float64, and the pivots of each matrix. */
function forEachFactored(
  a: TypedArray,
  { inputTypes: [{ shape }] }: EvaluateContext<undefined>,
  use: (matrix: number, factors: Float64Array, pivots: Float64Array, n: number) => void,
): void {
  const { matrices, rows: n } = extentsOf(shape);
  const pivots = new Float64Array(n);
  for (let i = 0; i < matrices; i++) {
    const factors = Float64Array.from(a.subarray(i * n * n, (i + 1) * n * n));
    eliminate(factors, n, pivots);
    use(i, factors, pivots, n);
  }
}

function determinantOf(factors: Float64Array, pivots: Float64Array, n: number): number {
  let value = 1;
  for (let k = 0; k < n; k++) value *= pivots[k] === k ? factors[k * n + k] : -factors[k * n + k];
  return value;
}

const batchType = ([a]: Parameters<Primitive["outputTypes"]>[0]) => {
  squareOf("det", a);
  return [{ shape: a.shape.slice(0, -2), dtype: a.dtype }];
};

/** a [batch…, n, n] → [batch…] */
export const detPrimitive: Primitive<undefined> = {
  name: "det",
  outputTypes: batchType,
  evaluate([a], context) {
    const y = allocateOutput(context);
    forEachFactored(a, context, (i, factors, pivots, n) => {
      y[i] = determinantOf(factors, pivots, n);
    });
    return [y];
  },
  // ẏ = ⟨C, Ȧ⟩ with the cofactors C = det(A)·A⁻ᵀ
  jvp: ({ primals: [a], tangents: [aDot] }) => [aDot === null ? null : innerProduct(cofactor(a), aDot)],
  // Ā = ȳ·C
  vjp: ({ primals: [a], cotangents: [yBar] }) => [yBar === null ? null : mul(spread(yBar, a), cofactor(a))],
  batch: ({ inputs: [a] }) => [det(a)],
  lowering: { kind: "inline", expand: ([a]) => [productOf(signedPivots(lu(a)))] },
  cost: ([a]) => ({ flops: luFlops(a.shape) }),
};

export function det(a: Node): Node {
  return bind(detPrimitive, [a], undefined);
}

/** a [batch…, n, n] → [batch…]: log |det A| */
export const logAbsDetPrimitive: Primitive<undefined> = {
  name: "logAbsDet",
  outputTypes: batchType,
  evaluate([a], context) {
    const y = allocateOutput(context);
    forEachFactored(a, context, (i, factors, _pivots, n) => {
      let value = 0;
      for (let k = 0; k < n; k++) value += Math.log(Math.abs(factors[k * n + k]));
      y[i] = value;
    });
    return [y];
  },
  // ẏ = ⟨A⁻ᵀ, Ȧ⟩
  jvp: ({ primals: [a], tangents: [aDot] }) => [
    aDot === null ? null : innerProduct(inverseTransposed(a), aDot),
  ],
  // Ā = ȳ·A⁻ᵀ
  vjp: ({ primals: [a], cotangents: [yBar] }) => [
    yBar === null ? null : mul(spread(yBar, a), inverseTransposed(a)),
  ],
  batch: ({ inputs: [a] }) => [logAbsDet(a)],
  lowering: {
    kind: "inline",
    expand([a]) {
      const pivots = diagonalOf(lu(a));
      return [sum(logOf(absOf(pivots)), [pivots.shape.length - 1])];
    },
  },
  cost: ([a]) => ({ flops: luFlops(a.shape) }),
};

export function logAbsDet(a: Node): Node {
  return bind(logAbsDetPrimitive, [a], undefined);
}

/** a [batch…, n, n] → C = det(A)·A⁻ᵀ, the matrix of cofactors, of singular matrices too */
export const cofactorPrimitive: Primitive<undefined> = {
  name: "cofactor",
  outputTypes([a]) {
    squareOf("cofactor", a);
    return [{ shape: a.shape, dtype: a.dtype }];
  },
  evaluate([a], context) {
    const y = allocateOutput(context);
    const epsilon = epsilonOf(context.inputTypes[0].dtype);
    forEachFactored(a, context, (i, factors, pivots, n) => {
      let size = 0;
      for (let k = i * n * n; k < (i + 1) * n * n; k++) size = Math.max(size, Math.abs(a[k]));
      const least = epsilon * (size === 0 ? 1 : size);
      const x = new Float64Array(n * n);
      let zeros = 0;
      for (let k = 0; k < n; k++) {
        x[k * n + k] = 1;
        if (factors[k * n + k] !== 0) continue;
        zeros++;
        factors[k * n + k] = least;
      }
      if (zeros > 1) return;
      solveFactored({ array: factors, start: 0, n }, pivots, x, 0, n, true);
      const scale = determinantOf(factors, pivots, n);
      for (let k = 0; k < n * n; k++) y[i * n * n + k] = scale * x[k];
    });
    return [y];
  },
  // Ċ = ⟨W, Ȧ⟩·C − W·Ȧᵀ·C with W = A⁻ᵀ
  jvp: ({ primals: [a], tangents: [aDot], outputs: [c] }) => {
    if (aDot === null) return [null];
    const w = inverseTransposed(a);
    const grown = mul(spread(innerProduct(w, aDot), a), c);
    return [sub(grown, product(product(w, transposed(aDot)), c))];
  },
  // Ā = ⟨C̄, C⟩·W − C·C̄ᵀ·W
  vjp: ({ primals: [a], cotangents: [cBar], outputs: [c] }) => {
    if (cBar === null) return [null];
    const w = inverseTransposed(a);
    const grown = mul(spread(innerProduct(cBar, c), a), w);
    return [sub(grown, product(product(c, transposed(cBar)), w))];
  },
  batch: ({ inputs: [a] }) => [cofactor(a)],
  lowering: {
    kind: "inline",
    expand([a]) {
      const rank = a.shape.length;
      const size = reduceMax(absOf(a), [rank - 2, rank - 1]);
      const scale = select(eq(size, fill(size, 0)), fill(size, 1), size);
      const least = spread(mul(scale, fill(scale, epsilonOf(a.dtype))), a);
      const factors = lu(a);
      const n = a.shape[rank - 1];
      const packed = sliceAxis(factors, rank - 2, 0, n);
      const identity = identityLike(a);
      const isZeroPivot = eq(add(absOf(packed), sub(fill(identity, 1), identity)), fill(packed, 0));
      const raised = concat(
        [select(isZeroPivot, least, packed), sliceAxis(factors, rank - 2, n, n + 1)],
        rank - 2,
      );
      const inverse = luSolve(raised, identity, { transpose: true });
      const cofactors = mul(spread(productOf(signedPivots(raised)), a), inverse);
      const zeros = sum(cast(isZeroPivot, a.dtype), [rank - 2, rank - 1]);
      return [select(spread(gt(zeros, fill(zeros, 1)), a), fill(a, 0), cofactors)];
    },
  },
  cost: ([a]) => ({ flops: 4 * luFlops(a.shape) }),
};

export function cofactor(a: Node): Node {
  return bind(cofactorPrimitive, [a], undefined);
}

function epsilonOf(dtype: string): number {
  return dtype === "float32" ? 2 ** -23 : 2 ** -52;
}

function inverseTransposed(a: Node): Node {
  return solve(a, identityLike(a), { transpose: true });
}

/** [batch…, n + 1, n] of `lu` → [batch…, n]: the diagonal of U */
function diagonalOf(factors: Node): Node {
  const batch = factors.shape.slice(0, -2);
  const n = factors.shape[factors.shape.length - 1];
  const flat = reshape(factors, [...batch, (n + 1) * n]);
  const start = flat.shape.map(() => 0);
  return slice(flat, start, [...batch, n * n], [...batch.map(() => 1), n + 1]);
}

/** The diagonal of U, with the opposite sign where rows were exchanged: the determinant is its product. */
export function signedPivots(factors: Node): Node {
  const rank = factors.shape.length;
  const n = factors.shape[rank - 1];
  const diagonal = diagonalOf(factors);
  const exchanges = reshape(sliceAxis(factors, rank - 2, n, n + 1), diagonal.shape);
  const batch = range(rank - 2);
  const places = broadcast(
    iota(n, factors.dtype),
    batch,
    batch.map((axis) => factors.shape[axis]),
  );
  const sign = select(eq(exchanges, places), fill(diagonal, 1), fill(diagonal, -1));
  return mul(sign, diagonal);
}

/** [batch…, n] → [batch…], by pairs; 1 of nothing */
export function productOf(x: Node): Node {
  const last = x.shape.length - 1;
  const shape = x.shape.slice(0, -1);
  if (x.shape[last] === 0) return fill({ shape, dtype: x.dtype }, 1);
  let rest = x;
  while (rest.shape[last] > 1) {
    const length = rest.shape[last];
    const half = length >> 1;
    const pairs = mul(sliceAxis(rest, last, 0, half), sliceAxis(rest, last, half, 2 * half));
    rest = length % 2 === 0 ? pairs : concat([pairs, sliceAxis(rest, last, length - 1, length)], last);
  }
  return reshape(rest, shape);
}
