/** What data sets are made of, and whether it fits together. */
import { AdjointError } from "../index.js";
import { checkOptions, invalidArgument } from "../util/checks.js";
import { formatReceived, formatShape } from "../util/errors.js";
import { checkNames, checkShape, checkText } from "./checks.js";

/** Elements of the inputs. */
export type InputArray = Float32Array | Float64Array;

/** Elements of the targets: an Int32Array holds class labels. */
export type TargetArray = Float32Array | Float64Array | Int32Array;

/** The parts of a data set; see `Dataset`. */
export interface DatasetParts {
  readonly inputs: InputArray;
  readonly targets: TargetArray;
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  readonly classes?: readonly string[];
  readonly name?: string;
}

/** @throws AdjointError `invalid-argument` for parts of other types */
export function checkParts(parts: unknown): asserts parts is DatasetParts {
  checkOptions(parts, "dataset", "an object of inputs, inputShape, targets and targetShape", "parts");
  const { inputs, targets, inputShape, targetShape, classes, name } = parts as Partial<DatasetParts>;
  const isFloats = (value: unknown) => value instanceof Float32Array || value instanceof Float64Array;
  if (!isFloats(inputs))
    throw invalidArgument("dataset", "inputs", "a Float32Array or Float64Array", formatReceived(inputs));
  if (!isFloats(targets) && !(targets instanceof Int32Array))
    throw invalidArgument(
      "dataset",
      "targets",
      "an Int32Array of labels, a Float32Array or a Float64Array",
      formatReceived(targets),
    );
  checkShape(inputShape, "dataset", "inputShape");
  checkShape(targetShape, "dataset", "targetShape");
  checkNames(classes, "dataset", "classes");
  checkText(name, "dataset", "name");
}

/** @throws AdjointError `invalid-data` for a label outside the classes, `shape-mismatch` */
export function checkLabels({ targets, targetShape, classes }: DatasetParts): void {
  if (!(targets instanceof Int32Array)) return;
  if (targetShape.length > 0)
    throw new AdjointError(
      "shape-mismatch",
      `dataset: labels (an Int32Array) are one number an example, targetShape [], received ${formatShape(targetShape)}; other targets are a Float32Array`,
      { operation: "dataset", argument: "targetShape", expected: "[]", received: formatShape(targetShape) },
    );
  const limit = classes?.length ?? Number.POSITIVE_INFINITY;
  const bad = targets.findIndex((label) => label < 0 || label >= limit);
  if (bad >= 0)
    throw new AdjointError(
      "invalid-data",
      `dataset: label ${targets[bad]} of example ${bad} is outside ${classes === undefined ? "0, 1, 2, …" : `the ${limit} classes 0 … ${limit - 1}`}`,
      { operation: "dataset", argument: "targets", received: String(targets[bad]) },
    );
}
