/** Going through examples that are measured: rows in memory, or a stream. */
import type { ExampleStream } from "../../data/index.js";
import { isTensor, type Tensor } from "../../index.js";
import type { Module } from "../../nn/index.js";
import { invalidArgument } from "../../util/checks.js";
import { AdjointError, formatReceived } from "../../util/errors.js";
import { eachBatch } from "../batches.js";
import { dtypeOf } from "../model.js";
import { type Source, sourceOf } from "../source.js";

/** Examples that can be gone through once. */
export type Examined = Source | ExampleStream;

/** Whether data come batch by batch; what only claims so fails where it is read. */
export function isStream(data: unknown): data is ExampleStream {
  return (
    typeof data === "object" &&
    data !== null &&
    typeof (data as Partial<ExampleStream>).batches === "function"
  );
}

/** @throws those of `sourceOf` */
export async function examinedOf(
  data: unknown,
  operation: string,
  argument: string,
  expected?: string,
): Promise<Examined> {
  return isStream(data) ? data : sourceOf(data, operation, argument, expected);
}

/** Whether targets are class labels, as far as that is known before a look at them. */
export function hasLabels(data: Examined): boolean {
  return isStream(data) ? data.classes !== undefined : data.largestLabel !== undefined;
}

/**
 * Visits the examples in order, `batchSize` at a time; the last batch may be smaller.
 * @throws AdjointError `invalid-data` for a stream without examples, `invalid-argument` for one that gives no batches
 */
export async function eachExamined(
  data: Examined,
  model: Module,
  batchSize: number,
  operation: string,
  visit: (x: Tensor, y: Tensor, count: number) => Promise<void>,
): Promise<void> {
  if (!isStream(data)) return eachBatch(data, model, batchSize, visit);
  const dtype = dtypeOf(model);
  // a program reads numbers of the model's element type; labels and tokens stay as they are
  const fitting = (value: Tensor): Tensor => (value.dtype === "int32" ? value : value.cast(dtype));
  let isEmpty = true;
  for await (const batch of data.batches(batchSize)) {
    const { x, y } = batch ?? {};
    if (!isTensor(x) || !isTensor(y) || x.rank === 0)
      throw invalidArgument(operation, "a batch of the stream", "{ x, y } of tensors", formatReceived(batch));
    if (x.shape[0] === 0) continue;
    isEmpty = false;
    await visit(fitting(x), fitting(y), x.shape[0]);
  }
  if (isEmpty)
    throw new AdjointError("invalid-data", `${operation}: ${data.name ?? "data"} has no examples`, {
      operation,
      argument: "data",
    });
}

/**
 * The largest label of a batch where targets are labels, else −1: of rows in memory it is known from the start.
 * @throws AdjointError `invalid-data` for a negative one
 */
export async function largestLabelOf(data: Examined, y: Tensor, operation: string): Promise<number> {
  if (!isStream(data) && data.largestLabel !== undefined) return data.largestLabel;
  if (y.dtype !== "int32") return -1;
  let largest = -1;
  for (const label of await y.data()) {
    if (label < 0)
      throw new AdjointError(
        "invalid-data",
        `${operation}: labels of the data must be 0, 1, 2, …, received ${label}`,
        { operation, argument: "data", expected: "labels ≥ 0", received: String(label) },
      );
    if (label > largest) largest = label;
  }
  return largest;
}
