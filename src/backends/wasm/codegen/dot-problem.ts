/** A bare matrix product, out[b…, m, n] = Σ_k a[b…, m, k] · b[b…, k, n], and its equal rewritings. */
import type { DotKernel, MatrixView } from "../../../loops/ir.js";

export interface DotProblem {
  readonly dtype: DotKernel["dtype"];
  readonly batch: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixView;
  readonly b: MatrixView;
  readonly out: MatrixView;
}

/** (A·B)ᵀ = Bᵀ·Aᵀ */
export function swapped({ m, n, a, b, out, ...rest }: DotProblem): DotProblem {
  return { ...rest, m: n, n: m, a: transposed(b), b: transposed(a), out: transposed(out) };
}

function transposed(view: MatrixView): MatrixView {
  return { ...view, rowStride: view.columnStride, columnStride: view.rowStride };
}

/** Fewer batch loops: those of extent 1 go, adjacent ones join, and rows of a batch that shares B are more rows of A. */
export function withoutNeedlessBatch(given: DotProblem): DotProblem {
  const keptLoops = given.batch.flatMap((extent, loop) => (extent === 1 ? [] : [loop]));
  const groups: number[][] = [];
  for (const loop of keptLoops) {
    const group = groups[groups.length - 1];
    const outer = group?.[group.length - 1];
    const joins =
      outer !== undefined &&
      [given.a, given.b, given.out].every(
        ({ batchStrides }) => batchStrides[outer] === batchStrides[loop] * given.batch[loop],
      );
    if (joins) group.push(loop);
    else groups.push([loop]);
  }
  const view = (v: MatrixView): MatrixView => ({
    ...v,
    batchStrides: groups.map((group) => v.batchStrides[group[group.length - 1]]),
  });
  const merged: DotProblem = {
    ...given,
    batch: groups.map((group) => group.reduce((extent, loop) => extent * given.batch[loop], 1)),
    a: view(given.a),
    b: view(given.b),
    out: view(given.out),
  };
  return batchAsRows(merged) ?? merged;
}

function batchAsRows(problem: DotProblem): DotProblem | undefined {
  const { batch, m, a, b, out } = problem;
  const last = batch.length - 1;
  if (last < 0 || b.batchStrides[last] !== 0) return undefined;
  if (m !== 1 && [a, out].some((view) => view.batchStrides[last] !== m * view.rowStride)) return undefined;
  const drop = (view: MatrixView): MatrixView => ({
    ...view,
    batchStrides: view.batchStrides.slice(0, last),
  });
  const rows = (view: MatrixView): MatrixView => ({
    ...drop(view),
    // One row a batch element: its stride is that of the batch.
    rowStride: m === 1 ? view.batchStrides[last] : view.rowStride,
  });
  return {
    ...problem,
    batch: batch.slice(0, last),
    m: m * batch[last],
    a: rows(a),
    b: drop(b),
    out: rows(out),
  };
}
