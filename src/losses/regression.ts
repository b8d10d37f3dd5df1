/** Losses of numbers against numbers. */
import { minimum, type Tensor } from "../index.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { batchMean, checkOutput, denseTarget } from "./targets.js";

function difference(output: Tensor, target: Tensor, operation: string): Tensor {
  const a = checkOutput(output, operation, "output");
  return a.sub(denseTarget(a, target, operation, "output"));
}

/**
 * C = ½ ‖a − y‖², the squared distance of each example's outputs, averaged over the batch: Nielsen's quadratic cost.
 * Its derivative in an output is (a − y) / batch, without a factor 2.
 *
 * @param output [batch, …] floating; without a batch axis, one number
 * @param target the same shape, or int32 labels [batch], which are one-hot encoded
 * @returns a scalar
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example losses.quadratic(tensor([[3, 0]]), tensor([[0, 4]])).item(); // → 12.5
 */
export function quadratic(output: Tensor, target: Tensor): Tensor {
  return batchMean(difference(output, target, "quadratic").square()).mul(0.5);
}

/**
 * (a − y)², averaged over all elements.
 *
 * @param output floating, any shape
 * @param target the same shape, or int32 labels with one axis fewer, which are one-hot encoded
 * @returns a scalar
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example losses.meanSquaredError(tensor([[3, 0]]), tensor([[0, 4]])).item(); // → 12.5
 */
export function meanSquaredError(output: Tensor, target: Tensor): Tensor {
  return difference(output, target, "meanSquaredError").square().mean();
}

/**
 * |a − y|, averaged over all elements; the derivative where they are equal is 0.
 *
 * @param output floating, any shape
 * @param target the same shape, or int32 labels with one axis fewer, which are one-hot encoded
 * @returns a scalar
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`
 * @example losses.absoluteError(tensor([3, 0]), tensor([0, 4])).item(); // → 3.5
 */
export function absoluteError(output: Tensor, target: Tensor): Tensor {
  return difference(output, target, "absoluteError").abs().mean();
}

/**
 * ½ d² where d = |a − y| ≤ δ, and δ (d − ½ δ) beyond (Huber 1964), averaged over all elements: the square near the
 * target, a straight line far from it.
 *
 * @param output floating, any shape
 * @param target the same shape, or int32 labels with one axis fewer, which are one-hot encoded
 * @param options.delta where the line takes over, in units of the output; default 1
 * @returns a scalar
 * @throws AdjointError `shape-mismatch`, `dtype-mismatch`, `invalid-argument` unless delta is positive
 * @example losses.huber(tensor([0.5, 4]), tensor([0, 0])).item(); // → 1.8125
 */
export function huber(output: Tensor, target: Tensor, options: { readonly delta?: number } = {}): Tensor {
  checkOptionNames(options, ["delta"], "huber");
  const { delta = 1 } = options;
  if (!(typeof delta === "number" && delta > 0 && delta < Number.POSITIVE_INFINITY))
    throw invalidArgument("huber", "delta", "a positive number", formatReceived(delta));
  const distance = difference(output, target, "huber").abs();
  // with q = min(d, δ): ½ q² + δ (d − q) is both branches at once, and its derivative q + … has no kink at δ
  const near = minimum(distance, delta);
  return near.square().mul(0.5).add(distance.sub(near).mul(delta)).mean();
}
