/** Data sets from values at hand. */
import { AdjointError, isTensor, type Tensor, type TensorData, tensor } from "../index.js";
import { checkOptionNames } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkText, checkTexts } from "./checks.js";
import { type Dataset, dataset } from "./dataset.js";
import type { InputArray, TargetArray } from "./parts.js";

/** Options of {@link arrays}. */
export interface ArraysOptions {
  /** The names of the classes: targets are then labels 0 … classes − 1. */
  readonly classes?: readonly string[];
  /** What messages call the data. */
  readonly name?: string;
}

/**
 * A data set from inputs x [size, …] and targets y [size, …]: tensors, nested arrays or typed arrays, copied.
 *
 * One-dimensional int32 (or boolean) targets, and any targets beside `classes`, are class labels; all others are numbers to
 * regress on. Inputs or targets of shape [size] become [size, 1]: one number an example, as layers take and give it.
 *
 * @throws AdjointError `shape-mismatch`, `invalid-data`, `invalid-argument`, and those of `tensor`
 * @example
 * const xor = data.arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]);
 * xor.inputShape; // → 2
 * data.arrays([[0.2], [0.9]], [0, 1], { classes: ["low", "high"] }).targets; // → 0,1
 */
export function arrays(x: Tensor | TensorData, y: Tensor | TensorData, options: ArraysOptions = {}): Dataset {
  checkOptionNames(options, ["classes", "name"], "data.arrays");
  checkTexts(options.classes, "data.arrays", "classes");
  checkText(options.name, "data.arrays", "name");
  const inputs = asRows(x, "x");
  let targets = asRows(y, "y");
  if (options.classes !== undefined && targets.dtype !== "int32")
    targets = tensor(integral(targets), { shape: targets.shape, dtype: "int32" });
  const labels = targets.rank === 1 && (targets.dtype === "int32" || targets.dtype === "bool");
  return dataset({
    inputs: floats(inputs),
    inputShape: inputs.rank === 1 ? [1] : inputs.shape.slice(1),
    targets: labels ? Int32Array.from(targets.dataSync()) : floats(targets),
    targetShape: labels ? [] : targets.rank === 1 ? [1] : targets.shape.slice(1),
    ...options,
  });
}

function asRows(value: Tensor | TensorData, argument: string): Tensor {
  const rows = isTensor(value) ? value : tensor(value);
  if (rows.rank === 0)
    throw new AdjointError(
      "shape-mismatch",
      `data.arrays: ${argument} must have an axis of examples, received one number`,
      {
        operation: "data.arrays",
        argument,
        expected: "[size, …]",
        received: "[]",
      },
    );
  return rows;
}

function floats(rows: Tensor): InputArray {
  const values = rows.dataSync();
  return values instanceof Float64Array || values instanceof Float32Array
    ? values
    : Float32Array.from(values);
}

/** The labels as whole numbers. */
function integral(labels: Tensor): TargetArray {
  const values = labels.dataSync();
  const bad = values.findIndex((value) => !Number.isInteger(value));
  if (bad >= 0)
    throw new AdjointError(
      "invalid-data",
      `data.arrays: with classes, y holds labels 0, 1, 2, …, received ${formatReceived(values[bad])} at element ${bad}`,
      { operation: "data.arrays", argument: "y", expected: "integers", received: String(values[bad]) },
    );
  return Int32Array.from(values);
}
