/** Losses of distributions: cross-entropies from logits, and divergences from logarithms of probabilities. */
import { log, softplus, type Tensor, where } from "../index.js";
import { formatShape } from "../util/errors.js";
import { areLabels, batchMean, checkOutput, denseTarget, refusal } from "./targets.js";

/** Rows [batch, classes]: the classes are the last axis. */
function checkRows(value: Tensor, operation: string, argument: string): Tensor {
  const x = checkOutput(value, operation, argument);
  if (x.rank === 0 || x.shape[x.rank - 1] === 0)
    throw refusal("shape-mismatch", operation, argument, "of shape [batch…, classes]", formatShape(x.shape));
  return x;
}

/** −Σ y log p of each row of log-probabilities, averaged over the rows. */
function crossEntropy(
  logProbabilities: Tensor,
  target: Tensor,
  operation: string,
  outputName: string,
): Tensor {
  const y = denseTarget(logProbabilities, target, operation, outputName);
  // a class of probability 0 that the target does not name costs nothing: 0 · −∞ must not be NaN
  const terms = areLabels(logProbabilities, target)
    ? where(y.eq(0), 0, logProbabilities.neg())
    : y.mul(logProbabilities.neg());
  const rows = logProbabilities.size / logProbabilities.shape[logProbabilities.rank - 1];
  return terms.sum().div(rows);
}

/**
 * The cross-entropy −Σ y log softmax(z) of each row, averaged over the rows (natural logarithm); computed from the
 * logits, so it stays finite where the softmax would round to 0. Its derivative in the logits is (softmax(z) − y) / rows.
 *
 * @param logits [batch…, classes] floating, before any softmax
 * @param target int32 labels [batch…], or a distribution over the classes for each row, of the shape of the logits
 * @returns a scalar
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example
 * const labels = tensor([1], { dtype: "int32" });
 * losses.softmaxCrossEntropy(tensor([[0, 1000]]), labels).item(); // → 0
 */
export function softmaxCrossEntropy(logits: Tensor, target: Tensor): Tensor {
  const z = checkRows(logits, "softmaxCrossEntropy", "logits");
  return crossEntropy(z.logSoftmax(-1), target, "softmaxCrossEntropy", "logits");
}

/**
 * The cross-entropy −y log σ(z) − (1 − y) log(1 − σ(z)) of independent yes-or-no outputs, averaged over all elements
 * (natural logarithm); computed from the logits as softplus(z) − y z, finite wherever z is. Its derivative in the logits is
 * (σ(z) − y) / elements: no σ′, so a saturated output that is wrong still learns.
 *
 * @param logits floating, any shape, before any sigmoid
 * @param target probabilities 0 … 1 of the same shape (any dtype), or int32 labels with one axis fewer, which are one-hot
 * encoded
 * @returns a scalar
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example losses.sigmoidCrossEntropy(tensor([1000, -1000]), tensor([1, 0])).item(); // → 0
 */
export function sigmoidCrossEntropy(logits: Tensor, target: Tensor): Tensor {
  const z = checkOutput(logits, "sigmoidCrossEntropy", "logits");
  const y = denseTarget(z, target, "sigmoidCrossEntropy", "logits");
  return softplus(z).sub(y.mul(z)).mean();
}

/**
 * −log p of the right class, averaged over the rows, from logarithms of probabilities such as `logSoftmax` gives.
 *
 * @param logProbabilities [batch…, classes] floating, each ≤ 0
 * @param target int32 labels [batch…], or a distribution over the classes for each row, of the same shape
 * @returns a scalar
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example
 * const labels = tensor([0, 1], { dtype: "int32" });
 * losses.negativeLogLikelihood(tensor([[-1, -9], [-9, -2]]), labels).item(); // → 1.5
 */
export function negativeLogLikelihood(logProbabilities: Tensor, target: Tensor): Tensor {
  const logs = checkRows(logProbabilities, "negativeLogLikelihood", "logProbabilities");
  return crossEntropy(logs, target, "negativeLogLikelihood", "logProbabilities");
}

/**
 * The divergence Σ p (log p − log q) of the model's q from the target's p, summed over each example, averaged over the
 * batch (natural logarithm); a term with p = 0 is 0.
 *
 * @param logProbabilities log q, [batch, …] floating, such as `logSoftmax` gives
 * @param target p: probabilities of the same shape
 * @returns a scalar, ≥ 0 for distributions and 0 where they are equal
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example losses.klDivergence(log(tensor([[0.5, 0.5]])), tensor([[0.5, 0.5]])).item(); // → 0
 */
export function klDivergence(logProbabilities: Tensor, target: Tensor): Tensor {
  const logs = checkOutput(logProbabilities, "klDivergence", "logProbabilities");
  const p = denseTarget(logs, target, "klDivergence", "logProbabilities");
  const empty = p.eq(0);
  // where p = 0 both logarithms are replaced by finite ones, so that neither value nor derivative meets 0 · ∞
  const logRatio = log(where(empty, 1, p)).sub(where(empty, 0, logs));
  return batchMean(p.mul(logRatio));
}
