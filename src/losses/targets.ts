/** What losses ask of their arguments: floating outputs, and targets that belong to them. */
import { AdjointError, type ErrorDetails, isTensor, oneHot, type Tensor, tensor } from "../index.js";
import { formatReceived, formatShape } from "../util/errors.js";

/** A loss: outputs and targets of a batch in, a scalar to be made small out. */
export type Loss = (output: Tensor, target: Tensor) => Tensor;

const isFloat = (x: Tensor): boolean => x.dtype === "float32" || x.dtype === "float64";

/** int32 labels for outputs [batch…, classes]: one label for each row of outputs. */
export function areLabels(output: Tensor, target: Tensor): boolean {
  return target.dtype === "int32" && sameShape(target.shape, output.shape.slice(0, -1)) && output.rank > 0;
}

/**
 * The output of a model as a floating-point tensor.
 * @throws AdjointError `invalid-argument`, `dtype-mismatch`
 */
export function checkOutput(value: unknown, operation: string, argument: string): Tensor {
  const x = typeof value === "number" ? tensor(value) : value;
  if (!isTensor(x))
    throw refusal(
      "invalid-argument",
      operation,
      argument,
      "a tensor, such as tensor([[1, 2]])",
      formatReceived(value),
    );
  if (!isFloat(x)) throw refusal("dtype-mismatch", operation, argument, "float32 or float64", x.dtype);
  return x;
}

/**
 * Targets of the shape and dtype of the outputs. int32 labels, which have one axis fewer, are one-hot encoded (beside
 * a single output, where they are 0 or 1, they are the targets themselves); other integers and bools become numbers of the outputs' dtype.
 * @throws AdjointError `invalid-argument`, `shape-mismatch`
 */
export function denseTarget(output: Tensor, value: unknown, operation: string, outputName: string): Tensor {
  const target = typeof value === "number" ? tensor(value, { dtype: output.dtype }) : value;
  if (!isTensor(target))
    throw refusal(
      "invalid-argument",
      operation,
      "target",
      "a tensor, such as tensor([[1, 2]])",
      formatReceived(value),
    );
  // a single output has two classes: the labels 0 and 1 are its targets as they are
  if (areLabels(output, target) && output.shape[output.rank - 1] === 1)
    return target.cast(output.dtype).expandDims(-1);
  if (areLabels(output, target))
    return oneHot(target, output.shape[output.rank - 1], { dtype: output.dtype });
  if (!sameShape(output.shape, target.shape))
    throw refusal(
      "shape-mismatch",
      operation,
      "target",
      `the shape of ${outputName}, ${formatShape(output.shape)}${output.rank > 0 ? `, or int32 labels ${formatShape(output.shape.slice(0, -1))}` : ""}`,
      `${target.dtype}${formatShape(target.shape)}`,
    );
  return isFloat(target) ? target : target.cast(output.dtype);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

/** The mean over the batch (axis 0) of the sum over everything else; without axes, the value itself. */
export function batchMean(terms: Tensor): Tensor {
  if (terms.rank === 0) return terms;
  return terms.sum().div(terms.shape[0]);
}

export function refusal(
  code: "invalid-argument" | "dtype-mismatch" | "shape-mismatch",
  operation: string,
  argument: string,
  expected: string,
  received: string,
): AdjointError {
  const details: ErrorDetails = { operation, argument, expected, received };
  return new AdjointError(
    code,
    `${operation}: ${argument} must be ${expected}, received ${received}`,
    details,
  );
}
