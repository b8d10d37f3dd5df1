/** The derivative of a layer's activation: f′(z) where it is element by element, a Jacobian where outputs are coupled. */
import type { FoundCost } from "./cost-form.js";
import { type Dense, dense } from "./dense.js";
import type { Equation } from "./document.js";
import type { LayerNumbers } from "./layer-numbers.js";
import { matrixOf } from "./numbers.js";

/** Outputs of one layer whose Jacobian is still written down. */
const largestJacobian = 64;
const at = ({ columns, data }: Dense, row: number, column: number): number => data[row * columns + column];

/** f′(z), one row an example; null where outputs are coupled. */
export function slopesOf({ found, z, through }: LayerNumbers): Dense | null {
  return found.activation.coupled ? null : through(dense(z.rows, z.columns, () => 1));
}

/** [a × z] of one example: each row is pulled back from one output. */
export function jacobianOf(
  { found, z, through }: LayerNumbers,
  example: number,
  limit: number,
): Equation["jacobian"] {
  const n = z.columns;
  if (!found.activation.coupled || n > largestJacobian) return null;
  const rows = Array.from({ length: n }, (_, k) =>
    through(dense(z.rows, n, (e, j) => (e === example && j === k ? 1 : 0))).data.slice(
      example * n,
      (example + 1) * n,
    ),
  );
  const matrix = dense(n, n, (k, j) => rows[k][j]);
  return { example, matrix: matrixOf(n, n, matrix.data, limit) };
}

/** The Jacobian of the softmax or σ that logits stand for. */
export function impliedJacobian(cost: FoundCost, example: number, limit: number): Equation["jacobian"] {
  const { output, form } = cost;
  if (output === null || form.kind !== "softmaxCrossEntropy" || output.columns > largestJacobian) return null;
  const n = output.columns;
  const a = output.data.subarray(example * n, (example + 1) * n);
  const matrix = dense(n, n, (k, j) => a[k] * ((j === k ? 1 : 0) - a[j]));
  return { example, matrix: matrixOf(n, n, matrix.data, limit) };
}

/** ∂C/∂a of outputs that are no node of the graph. */
export function impliedTowardsA({ output, target, scale }: FoundCost): Dense {
  if (output === null || target === null || scale === null) return dense(0, 0, () => 0);
  return dense(output.rows, output.columns, (e, j) => (-scale * at(target, e, j)) / at(output, e, j));
}
