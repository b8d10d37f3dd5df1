/**
 * Factorisations and substitution on arrays, element by element in float64: the reference.
 *
 * Source: Golub and Van Loan, Matrix Computations (4th ed.), algorithms 3.1.1 (substitution), 3.4.1 (LU with partial
 * pivoting) and 4.2.1 (Cholesky).
 */

export interface TriangularParams {
  /** Which triangle of the matrix is read. */
  readonly lower: boolean;
  /** Whether the transposed matrix is solved with. */
  readonly transpose: boolean;
  /** Whether the diagonal is taken for 1, and not read. */
  readonly unitDiagonal: boolean;
}

/** A matrix in an array: where it starts, and its order. */
export interface SquareMatrix {
  readonly array: ArrayLike<number>;
  readonly start: number;
  readonly n: number;
}

/** x [n, columns] at `start` becomes op(T)⁻¹ · x for a triangular T; a zero on the diagonal divides. */
export function substitute(
  { array, start: origin, n }: SquareMatrix,
  x: Float64Array,
  start: number,
  columns: number,
  { lower, transpose, unitDiagonal }: TriangularParams,
): void {
  const isForward = lower !== transpose;
  const element = (i: number, j: number): number => array[origin + (transpose ? j * n + i : i * n + j)];
  for (let step = 0; step < n; step++) {
    const i = isForward ? step : n - 1 - step;
    const row = start + i * columns;
    for (let done = 0; done < step; done++) {
      const p = isForward ? done : n - 1 - done;
      const factor = element(i, p);
      for (let j = 0; j < columns; j++) x[row + j] -= factor * x[start + p * columns + j];
    }
    if (unitDiagonal) continue;
    const divisor = element(i, i);
    for (let j = 0; j < columns; j++) x[row + j] /= divisor;
  }
}

/**
 * P·A = L·U in place, by Gaussian elimination with partial pivoting; a column without a pivot leaves a 0 on the diagonal of
 * U. NaN makes its row NaN.
 *
 * @param pivots row k was exchanged with row pivots[k] at step k
 */
export function eliminate(a: Float64Array, n: number, pivots: Float64Array): void {
  for (let k = 0; k < n; k++) {
    let pivot = k;
    let largest = Math.abs(a[k * n + k]);
    for (let i = k + 1; i < n; i++) {
      const size = Math.abs(a[i * n + k]);
      if (size > largest) {
        pivot = i;
        largest = size;
      }
    }
    pivots[k] = pivot;
    if (pivot !== k) exchangeRows(a, 0, n, k, pivot);
    const divisor = a[k * n + k];
    for (let i = k + 1; i < n; i++) {
      // below a pivot of 0 are zeros, or NaN, which goes on into its row
      if (divisor !== 0) a[i * n + k] /= divisor;
      const factor = a[i * n + k];
      for (let j = k + 1; j < n; j++) a[i * n + j] -= factor * a[k * n + j];
    }
  }
}

export function exchangeRows(x: Float64Array, start: number, columns: number, i: number, k: number): void {
  for (let j = 0; j < columns; j++) {
    const held = x[start + i * columns + j];
    x[start + i * columns + j] = x[start + k * columns + j];
    x[start + k * columns + j] = held;
  }
}

/** x [n, columns] at `start` becomes A⁻¹ · x, or A⁻ᵀ · x, from the factors and pivots of `eliminate`. */
export function solveFactored(
  factors: SquareMatrix,
  pivots: ArrayLike<number>,
  x: Float64Array,
  start: number,
  columns: number,
  transpose: boolean,
): void {
  const { n } = factors;
  const lower = { lower: true, transpose, unitDiagonal: true };
  const upper = { lower: false, transpose, unitDiagonal: false };
  if (!transpose) for (let k = 0; k < n; k++) exchangeRows(x, start, columns, k, pivots[k]);
  for (const part of transpose ? [upper, lower] : [lower, upper])
    substitute(factors, x, start, columns, part);
  if (transpose) for (let k = n - 1; k >= 0; k--) exchangeRows(x, start, columns, k, pivots[k]);
}

/** A = L·Lᵀ in place, of the lower triangle; all NaN where A is not positive definite. */
export function choleskyInPlace(a: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) for (let k = 0; k < j; k++) a[i * n + j] -= a[i * n + k] * a[j * n + k];
    const square = a[j * n + j];
    // false for NaN too
    if (!(square > 0)) {
      a.fill(Number.NaN);
      return;
    }
    const root = Math.sqrt(square);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) a[i * n + j] /= root;
    for (let i = 0; i < j; i++) a[i * n + j] = 0;
  }
}
