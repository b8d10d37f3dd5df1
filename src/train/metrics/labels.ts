/** Which classes outputs and targets mean. */
import { argmax, type Tensor } from "../../index.js";
import { AdjointError, formatShape } from "../../util/errors.js";

/** The number of classes that outputs [batch…, outputs] tell apart: a single output tells two. */
export function classesOf(output: Tensor): number {
  const outputs = output.rank < 2 ? 1 : output.shape[output.rank - 1];
  return outputs === 1 ? 2 : outputs;
}

/** Whether each row has one output only. */
export function isSingle(output: Tensor): boolean {
  return output.rank < 2 || output.shape[output.rank - 1] === 1;
}

/** The shape of labels for these outputs: one for each row. */
export function labelShapeOf(output: Tensor): readonly number[] {
  return output.rank < 2 ? output.shape : output.shape.slice(0, -1);
}

/**
 * The class of each row, int32 [batch…]: the largest output, or which side of the threshold a single one is on.
 */
export function predictedClasses(output: Tensor, threshold: number): Tensor {
  if (!isSingle(output)) return argmax(output, -1);
  return (output.rank < 2 ? output : output.squeeze(-1)).gt(threshold).cast("int32");
}

/**
 * The class each target means, int32 [batch…]: labels as they are, distributions by their largest probability.
 * @throws AdjointError `shape-mismatch` where the targets belong to other outputs
 */
export function targetClasses(output: Tensor, target: Tensor, operation = "accuracy"): Tensor {
  const labelShape = formatShape(labelShapeOf(output));
  const areLabels = target.dtype === "int32" && formatShape(target.shape) === labelShape;
  const classes = areLabels ? target : predictedClasses(target, 0.5);
  // one number for each row of several outputs is a label only as an integer: a threshold would make 0 and 1 of all of them
  const areNumbers = !areLabels && !isSingle(output) && isSingle(target);
  if (formatShape(classes.shape) === labelShape && !areNumbers) return classes;
  throw new AdjointError(
    "shape-mismatch",
    `${operation}: targets must be int32 labels ${labelShape} or of the outputs' shape ${formatShape(output.shape)}, received ${target.dtype}${formatShape(target.shape)}`,
    { operation, argument: "target", expected: labelShape, received: formatShape(target.shape) },
  );
}
