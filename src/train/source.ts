/** Training data as flat arrays. */
import type { Dataset } from "../data/index.js";
import { AdjointError, isTensor, type Tensor, type TypedArray } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived, formatShape } from "../util/errors.js";

/** Tensors with the examples along axis 0: inputs x [size, …], and targets y [size, …] or int32 labels [size]. */
export interface Examples {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** What training and evaluation read. */
export type Data = Dataset | Examples;

/** The element type floating-point batches are made in: the model's. */
export type FloatDType = "float32" | "float64";

/** Examples as rows of flat arrays. */
export interface Source {
  readonly size: number;
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  readonly inputs: Rows;
  readonly targets: Rows;
  /** The largest label where targets are int32 labels, one an example. */
  readonly largestLabel?: number;
}

/** Elements of inputs or targets. */
export type Rows = Float32Array | Float64Array | Int32Array;

/**
 * The data as rows.
 * @throws AdjointError `invalid-argument`, `shape-mismatch`, `invalid-data` where there are no examples or a label is negative
 */
export async function sourceOf(
  data: unknown,
  operation: string,
  argument: string,
  expected = "a dataset, or { x, y } of tensors",
): Promise<Source> {
  const source = isDataset(data) ? data : await sourceOfTensors(data, operation, argument, expected);
  if (source.size === 0)
    throw new AdjointError("invalid-data", `${operation}: ${argument} has no examples`, {
      operation,
      argument,
    });
  const { size, inputShape, targetShape, inputs, targets } = source;
  if (!(targets instanceof Int32Array) || targetShape.length > 0)
    return { size, inputShape, targetShape, inputs, targets };
  const { largest, smallest } = rangeOf(targets);
  if (smallest < 0)
    throw new AdjointError(
      "invalid-data",
      `${operation}: labels of ${argument} must be 0, 1, 2, …, received ${smallest}`,
      {
        operation,
        argument,
        expected: "labels ≥ 0",
        received: String(smallest),
      },
    );
  return { size, inputShape, targetShape, inputs, targets, largestLabel: largest };
}

/** What was given where no data were: its x and y, where it has them. */
function receivedData(data: unknown, x: unknown, y: unknown): string {
  if (x === undefined && y === undefined) return formatReceived(data);
  return `{ x: ${isTensor(x) ? "a tensor" : formatReceived(x)}, y: ${isTensor(y) ? "a tensor" : formatReceived(y)} }`;
}

function isDataset(data: unknown): data is Dataset {
  if (typeof data !== "object" || data === null) return false;
  const { size, inputs, targets, inputShape, targetShape } = data as Partial<Dataset>;
  return (
    typeof size === "number" &&
    ArrayBuffer.isView(inputs) &&
    ArrayBuffer.isView(targets) &&
    Array.isArray(inputShape) &&
    Array.isArray(targetShape)
  );
}

async function sourceOfTensors(
  data: unknown,
  operation: string,
  argument: string,
  expected: string,
): Promise<Source> {
  const { x, y } = typeof data === "object" && data !== null ? (data as Partial<Examples>) : {};
  if (!isTensor(x) || !isTensor(y))
    throw invalidArgument(operation, argument, expected, receivedData(data, x, y));
  if (x.rank === 0 || y.rank === 0 || x.shape[0] !== y.shape[0])
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: ${argument} must have as many inputs as targets along axis 0, received x ${formatShape(x.shape)} and y ${formatShape(y.shape)}`,
      { operation, argument, received: `x ${formatShape(x.shape)}, y ${formatShape(y.shape)}` },
    );
  const [inputs, targets] = await Promise.all([x.data(), y.data()]);
  return {
    size: x.shape[0],
    inputShape: x.shape.slice(1),
    targetShape: y.shape.slice(1),
    inputs: rowsOf(inputs, false),
    targets: rowsOf(targets, y.rank === 1),
  };
}

/** Booleans, one an example, are labels; elsewhere they are numbers. */
function rowsOf(values: TypedArray, single: boolean): Rows {
  if (!(values instanceof Uint8Array)) return values;
  return single ? Int32Array.from(values) : Float32Array.from(values);
}

function rangeOf(labels: Int32Array): { largest: number; smallest: number } {
  let largest = Number.NEGATIVE_INFINITY;
  let smallest = Number.POSITIVE_INFINITY;
  for (const label of labels) {
    if (label > largest) largest = label;
    if (label < smallest) smallest = label;
  }
  return { largest, smallest };
}
