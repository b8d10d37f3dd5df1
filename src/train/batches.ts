/**
 * Batches of rows of flat arrays. A batch is picked when it is read: by a program, straight into the memory it computes in, so
 * that between the data and the program there is no copy and nothing to allocate.
 */
import { type Tensor, type TypedArray, zeros } from "../index.js";
import type { Module } from "../nn/index.js";
import { dtypeOf } from "./model.js";
import type { Examples, FloatDType, Rows, Source } from "./source.js";

/** Rows in a batch of evaluation: enough to keep the device busy, few enough to keep memory small. */
export const defaultBatchSize = 1000;

/** Visits the examples in order, `batchSize` at a time; the last batch may be smaller. */
export async function eachBatch(
  source: Source,
  model: Module,
  batchSize: number,
  visit: (x: Tensor, y: Tensor, count: number) => Promise<void>,
): Promise<void> {
  const reader = new BatchReader(source, dtypeOf(model));
  for (let start = 0; start < source.size; start += batchSize) {
    const stop = Math.min(source.size, start + batchSize);
    const { x, y } = reader.read(start, stop);
    await visit(x, y, stop - start);
  }
}

/** Which examples: order[start] … order[stop − 1]; without an order, start … stop − 1. */
interface Selection {
  readonly start: number;
  readonly stop: number;
  /** Not to be written while a batch of it may be read. */
  readonly order: ArrayLike<number> | undefined;
}

/** Makes batches of a source, floating-point rows in the given element type. */
export class BatchReader {
  private readonly source: Source;
  private readonly inputDType: "int32" | FloatDType;
  private readonly targetDType: "int32" | FloatDType;

  constructor(source: Source, dtype: FloatDType) {
    this.source = source;
    this.inputDType = source.inputs instanceof Int32Array ? "int32" : dtype;
    this.targetDType = source.targets instanceof Int32Array ? "int32" : dtype;
  }

  /** The examples order[start] … order[stop − 1]; without an order, start … stop − 1. */
  read(start: number, stop: number, order?: ArrayLike<number>): Examples {
    const { inputs, targets, inputShape, targetShape } = this.source;
    const selection = { start, stop, order };
    return {
      x: pickedLater(inputs, inputShape, this.inputDType, selection),
      y: pickedLater(targets, targetShape, this.targetDType, selection),
    };
  }
}

function pickedLater(
  rows: Rows,
  shape: readonly number[],
  dtype: "int32" | FloatDType,
  selection: Selection,
): Tensor {
  // zeros take no memory until they are read, and here others are read instead
  const batch = zeros([selection.stop - selection.start, ...shape], { dtype });
  batch.storage = new PickedRows(rows, batch.size, dtype, selection);
  return batch;
}

/** Below this width a loop is faster than a view of the row, which has to be made. */
const shortRow = 16;

/** The elements of a batch, picked at every reading. */
class PickedRows {
  private readonly rows: Rows;
  private readonly size: number;
  private readonly dtype: "int32" | FloatDType;
  private readonly selection: Selection;

  constructor(rows: Rows, size: number, dtype: "int32" | FloatDType, selection: Selection) {
    this.rows = rows;
    this.size = size;
    this.dtype = dtype;
    this.selection = selection;
  }

  /** The elements in an array of their own. */
  read(): TypedArray {
    const { size, dtype } = this;
    const picked =
      dtype === "int32"
        ? new Int32Array(size)
        : dtype === "float64"
          ? new Float64Array(size)
          : new Float32Array(size);
    this.copyTo(picked);
    return picked;
  }

  /** Writes the elements to an array of the batch's size and element type. */
  copyTo(target: TypedArray): void {
    const { rows, selection } = this;
    const { start, stop, order } = selection;
    const width = this.size / (stop - start);
    if (order === undefined) target.set(rows.subarray(start * width, stop * width));
    else if (width > shortRow)
      for (let i = start, to = 0; i < stop; i++, to += width) {
        const from = order[i] * width;
        target.set(rows.subarray(from, from + width), to);
      }
    else
      for (let i = start, to = 0; i < stop; i++) {
        const from = order[i] * width;
        for (let k = 0; k < width; k++) target[to++] = rows[from + k];
      }
  }
}
