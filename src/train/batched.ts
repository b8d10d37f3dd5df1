/** Walking through data in large batches. */
import type { Tensor } from "../index.js";
import type { Module } from "../nn/index.js";
import { dtypeOf } from "./model.js";
import { BatchReader, type Source } from "./source.js";

/** Rows in a batch of evaluation: enough to keep the device busy, few enough to keep memory small. */
export const defaultBatchSize = 1000;

/** Visits the examples in order, `batchSize` at a time; the last batch may be smaller. */
export async function eachBatch(
  source: Source,
  model: Module,
  batchSize: number,
  visit: (x: Tensor, y: Tensor, count: number) => Promise<void>,
): Promise<void> {
  const size = Math.min(batchSize, source.size);
  const reader = new BatchReader(source, dtypeOf(model), size);
  for (let start = 0; start < source.size; start += size) {
    const stop = Math.min(source.size, start + size);
    const { x, y } = reader.read(start, stop);
    await visit(x, y, stop - start);
  }
}
