/** Examples to look at and to train on for a moment: rows of a dataset or of two tensors. */
import type { Dataset } from "../../data/index.js";
import {
  AdjointError,
  type DType,
  isTensor,
  random,
  type Tensor,
  type TypedArray,
  tensor,
} from "../../index.js";
import type { Data } from "../../train/index.js";
import { invalidArgument } from "../../util/checks.js";
import { formatReceived, formatShape } from "../../util/errors.js";

/** A batch. */
export interface Batch {
  /** [batch, …] */
  readonly x: Tensor;
  /** [batch, …], or int32 labels [batch] */
  readonly y: Tensor;
}

interface Rows {
  readonly values: TypedArray;
  /** Of one row. */
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** Rows of inputs and targets, picked at random, the same for the same seed. */
export class ExampleRows {
  readonly size: number;
  private readonly inputs: Rows;
  private readonly targets: Rows;
  private readonly seed: number;

  constructor(inputs: Rows, targets: Rows, size: number, seed: number) {
    this.inputs = inputs;
    this.targets = targets;
    this.size = size;
    this.seed = seed;
  }

  /** At most `count` different rows. */
  sample(count: number): Batch {
    return this.pick(this.order().subarray(0, Math.min(count, this.size)));
  }

  /** Batches of at most `size` rows, as training would draw them: every row once, then in a new order. */
  batches(size: number, count: number): Batch[] {
    const batch = Math.min(size, this.size);
    let order = this.order(1);
    let at = 0;
    return Array.from({ length: count }, (_, i) => {
      if (at + batch > this.size) {
        order = this.order(i + 2);
        at = 0;
      }
      at += batch;
      return this.pick(order.subarray(at - batch, at));
    });
  }

  private order(draw = 0): Int32Array {
    const [key] = random.split(random.key(this.seed).add(draw), 1);
    return Int32Array.from(random.permutation(key, this.size).dataSync());
  }

  private pick(rows: Int32Array): Batch {
    return { x: picked(this.inputs, rows), y: picked(this.targets, rows) };
  }
}

function picked({ values, shape, dtype }: Rows, rows: Int32Array): Tensor {
  const width = shape.reduce((product, extent) => product * extent, 1);
  const size = rows.length * width;
  const chosen =
    dtype === "float64"
      ? new Float64Array(size)
      : dtype === "float32"
        ? new Float32Array(size)
        : new Int32Array(size);
  rows.forEach((row, i) => {
    chosen.set(values.subarray(row * width, (row + 1) * width), i * width);
  });
  return tensor(chosen, { shape: [rows.length, ...shape], dtype });
}

/**
 * @param dtype of floating-point rows: the model's
 * @throws AdjointError `invalid-argument`, `shape-mismatch`, `invalid-data` where there are no examples
 */
export async function examplesOf(
  data: Data,
  dtype: "float32" | "float64",
  seed: number,
  operation: string,
): Promise<ExampleRows> {
  const typed = (values: TypedArray): DType =>
    values instanceof Float32Array || values instanceof Float64Array ? dtype : "int32";
  const parts = isDataset(data)
    ? {
        size: data.size,
        inputs: data.inputs,
        inputShape: data.inputShape,
        targets: data.targets,
        targetShape: data.targetShape,
      }
    : await partsOf(data, operation);
  const { size, inputs, inputShape, targets, targetShape } = parts;
  if (size === 0)
    throw new AdjointError("invalid-data", `${operation}: data has no examples`, {
      operation,
      argument: "data",
    });
  return new ExampleRows(
    { values: inputs, shape: inputShape, dtype: typed(inputs) },
    { values: targets, shape: targetShape, dtype: typed(targets) },
    size,
    seed,
  );
}

function isDataset(data: unknown): data is Dataset {
  if (typeof data !== "object" || data === null) return false;
  const { size, inputs, targets } = data as Partial<Dataset>;
  return typeof size === "number" && ArrayBuffer.isView(inputs) && ArrayBuffer.isView(targets);
}

async function partsOf(data: unknown, operation: string) {
  const { x, y } = typeof data === "object" && data !== null ? (data as Partial<Batch>) : {};
  if (!isTensor(x) || !isTensor(y))
    throw invalidArgument(operation, "data", "a dataset, or { x, y } of tensors", formatReceived(data));
  if (x.rank === 0 || y.rank === 0 || x.shape[0] !== y.shape[0])
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: data must have as many inputs as targets along axis 0, received x ${formatShape(x.shape)} and y ${formatShape(y.shape)}`,
      { operation, argument: "data", received: `x ${formatShape(x.shape)}, y ${formatShape(y.shape)}` },
    );
  const [inputs, targets] = await Promise.all([x.data(), y.data()]);
  return { size: x.shape[0], inputs, inputShape: x.shape.slice(1), targets, targetShape: y.shape.slice(1) };
}
