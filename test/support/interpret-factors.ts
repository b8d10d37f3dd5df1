/** Factorisations and substitution of the loop IR, one number at a time, rounded after every operation, and in no way blocked. */
import type { FactorKernel, SubstituteKernel } from "../../src/loops/ir.js";
import type { DType, TypedArray } from "../../src/types/dtype.js";
import { round } from "./interpret-scalars.js";

export function interpretFactor(kernel: FactorKernel, buffers: readonly TypedArray[]): void {
  const { op, dtype, matrices, n, input, output } = kernel;
  for (let matrix = 0; matrix < matrices; matrix++) {
    const from = buffers[input].subarray(matrix * n * n, (matrix + 1) * n * n);
    const size = op === "lu" ? (n + 1) * n : n * n;
    const to = buffers[output].subarray(matrix * size, (matrix + 1) * size);
    if (op === "lu") factorLu(from, to, n, dtype);
    else factorCholesky(from, to, n, dtype);
  }
}

/** Row by row: every element of the factor from those above and before it. */
function factorCholesky(a: TypedArray, l: TypedArray, n: number, dtype: DType): void {
  l.fill(0);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let rest = a[i * n + j];
      for (let k = 0; k < j; k++) rest = round(dtype, rest - round(dtype, l[i * n + k] * l[j * n + k]));
      if (i !== j) l[i * n + j] = rest / l[j * n + j];
      else if (rest > 0) l[i * n + i] = Math.sqrt(rest);
      else {
        l.fill(Number.NaN);
        return;
      }
    }
}

function factorLu(a: TypedArray, f: TypedArray, n: number, dtype: DType): void {
  f.set(a);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) {
      const [size, best] = [Math.abs(f[i * n + k]), Math.abs(f[pivot * n + k])];
      if (size > best) pivot = i;
    }
    f[n * n + k] = pivot;
    exchange(f, n, k, pivot);
    for (let i = k + 1; i < n; i++) {
      if (f[k * n + k] !== 0) f[i * n + k] /= f[k * n + k];
      for (let j = k + 1; j < n; j++) f[i * n + j] -= round(dtype, f[i * n + k] * f[k * n + j]);
    }
  }
}

function exchange(x: TypedArray, columns: number, i: number, k: number): void {
  for (let j = 0; j < columns; j++) {
    const held = x[i * columns + j];
    x[i * columns + j] = x[k * columns + j];
    x[k * columns + j] = held;
  }
}

export function interpretSubstitute(kernel: SubstituteKernel, buffers: readonly TypedArray[]): void {
  const { matrix, dtype, matrices, n, columns, factors, input, output } = kernel;
  buffers[output].set(buffers[input].subarray(0, matrices * n * columns));
  for (let number = 0; number < matrices; number++) {
    const size = matrix.kind === "lu" ? (n + 1) * n : n * n;
    const f = buffers[factors].subarray(number * size, (number + 1) * size);
    const x = buffers[output].subarray(number * n * columns, (number + 1) * n * columns);
    const { transpose } = matrix;
    const run = (lower: boolean, unitDiagonal: boolean): void => {
      for (let step = 0; step < n; step++) {
        const i = lower !== transpose ? step : n - 1 - step;
        for (let j = 0; j < columns; j++) {
          let rest = x[i * columns + j];
          for (let done = 0; done < step; done++) {
            const p = lower !== transpose ? done : n - 1 - done;
            const element = transpose ? f[p * n + i] : f[i * n + p];
            rest = round(dtype, rest - round(dtype, element * x[p * columns + j]));
          }
          x[i * columns + j] = unitDiagonal ? rest : rest / f[i * n + i];
        }
      }
    };
    if (matrix.kind === "triangular") run(matrix.lower, matrix.unitDiagonal);
    else if (transpose) {
      run(false, false);
      run(true, true);
      for (let k = n - 1; k >= 0; k--) exchange(x, columns, k, f[n * n + k]);
    } else {
      for (let k = 0; k < n; k++) exchange(x, columns, k, f[n * n + k]);
      run(true, true);
      run(false, false);
    }
  }
}
