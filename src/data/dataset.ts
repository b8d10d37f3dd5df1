/**
 * A data set in memory: one row of inputs and one of targets for each example, in two flat typed arrays. Everything
 * that trains reads these arrays directly; tensors are made a batch at a time.
 */
import { AdjointError, isTensor, random, type Tensor, tensor } from "../index.js";
import { invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived, formatShape } from "../util/errors.js";
import { type Batch, Batches } from "./batches.js";
import { checkLabels, checkParts, type DatasetParts, type InputArray, type TargetArray } from "./parts.js";

/** Examples with known answers; made by {@link dataset}, or by a reader such as `data.csv`. */
export interface Dataset {
  /** The number of examples. */
  readonly size: number;
  /** The shape of one input: `[784]` for a flattened image. */
  readonly inputShape: readonly number[];
  /** The shape of one target: `[]` for a class label. */
  readonly targetShape: readonly number[];
  /** Every input, row-major: [size, ...inputShape]. */
  readonly inputs: InputArray;
  /** Every target, row-major: [size, ...targetShape]; an Int32Array of labels 0 … classes − 1 for classification. */
  readonly targets: TargetArray;
  /** The names of the classes that labels count, where there are any. */
  readonly classes?: readonly string[];
  /** What messages call it. */
  readonly name?: string;
  /** These examples, in this order; consecutive ones share memory with the whole. */
  subset(indices: ArrayLike<number>): Dataset;
  /**
   * The first `ratio` of the examples (rounded to a whole number) and the rest; with a key, after shuffling.
   * A ratio above 1 is a number of examples.
   */
  split(ratio: number, key?: Tensor): [Dataset, Dataset];
  /** The same examples in a random order, the same for the same key. */
  shuffle(key: Tensor): Dataset;
  /** Batches of `n` examples as tensors x [n, ...inputShape] and y [n, ...targetShape]; the last may be smaller. */
  batch(n: number): Batches<Batch>;
  /**
   * Another data set, its inputs and targets computed by `f`, which sees batches of rows along axis 0 and must treat
   * each row by itself.
   */
  map(f: (batch: Batch) => Batch): Dataset;
}

/** Rows that `map` gives its function at once: enough to amortise a call, few enough to stay in cache. */
const mapRows = 256;

/**
 * A data set over typed arrays, which it keeps and does not copy.
 *
 * @throws AdjointError `shape-mismatch` where an array does not hold whole rows or their numbers differ, `invalid-data`
 * for a label outside the classes, `invalid-argument`
 * @example
 * const parts = { inputs: new Float32Array(6), inputShape: [2], targets: Int32Array.of(0, 1, 1), targetShape: [] };
 * data.dataset(parts).size; // → 3
 */
export function dataset(parts: DatasetParts): Dataset {
  checkParts(parts);
  const inputWidth = product(parts.inputShape);
  const targetWidth = product(parts.targetShape);
  const size = rowsOf(parts.targets, targetWidth, "targets", parts.targetShape);
  const inputRows = rowsOf(parts.inputs, inputWidth, "inputs", parts.inputShape);
  if (size !== inputRows)
    throw new AdjointError(
      "shape-mismatch",
      `dataset: ${inputRows} inputs and ${size} targets; expected as many of each`,
      {
        operation: "dataset",
        argument: "targets",
        expected: String(inputRows),
        received: String(size),
      },
    );
  checkLabels(parts);
  return new ArrayDataset(parts, size, inputWidth, targetWidth);
}

class ArrayDataset implements Dataset {
  readonly size: number;
  readonly inputs: InputArray;
  readonly targets: TargetArray;
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  readonly classes?: readonly string[];
  readonly name?: string;
  private readonly inputWidth: number;
  private readonly targetWidth: number;

  constructor(parts: DatasetParts, size: number, inputWidth: number, targetWidth: number) {
    this.size = size;
    this.inputs = parts.inputs;
    this.targets = parts.targets;
    this.inputShape = [...parts.inputShape];
    this.targetShape = [...parts.targetShape];
    if (parts.classes !== undefined) this.classes = [...parts.classes];
    if (parts.name !== undefined) this.name = parts.name;
    this.inputWidth = inputWidth;
    this.targetWidth = targetWidth;
  }

  subset(indices: ArrayLike<number>): Dataset {
    if (!Array.isArray(indices) && !(ArrayBuffer.isView(indices) && "length" in indices))
      throw invalidArgument("dataset.subset", "indices", "an array of integers", formatReceived(indices));
    for (let i = 0; i < indices.length; i++)
      if (!Number.isInteger(indices[i]) || indices[i] < 0 || indices[i] >= this.size)
        throw new AdjointError(
          "index-out-of-range",
          `dataset.subset: index ${formatReceived(indices[i])} at position ${i} is outside ${this.size} examples`,
          {
            operation: "dataset.subset",
            argument: "indices",
            expected: `0 … ${this.size - 1}`,
            received: formatReceived(indices[i]),
          },
        );
    return this.with({
      inputs: pickRows(this.inputs, this.inputWidth, indices),
      targets: pickRows(this.targets, this.targetWidth, indices),
    });
  }

  split(ratio: number, key?: Tensor): [Dataset, Dataset] {
    const isNumber = typeof ratio === "number" && ratio >= 0;
    const count = !isNumber ? -1 : ratio > 1 ? ratio : Math.round(ratio * this.size);
    if (!isNatural(count) || count > this.size)
      throw invalidArgument(
        "dataset.split",
        "ratio",
        `from 0 to 1, or a number of examples up to ${this.size}`,
        formatReceived(ratio),
      );
    const source = key === undefined ? this : this.shuffle(key);
    return [source.subset(integers(0, count)), source.subset(integers(count, this.size))];
  }

  shuffle(key: Tensor): Dataset {
    return this.subset(random.permutation(key, this.size).dataSync());
  }

  batch(n: number): Batches<Batch> {
    if (!isNatural(n) || n === 0)
      throw invalidArgument("dataset.batch", "n", "an integer of at least 1", formatReceived(n));
    return new Batches(Math.ceil(this.size / n), (i) => this.rows(i * n, Math.min(this.size, (i + 1) * n)));
  }

  map(f: (batch: Batch) => Batch): Dataset {
    if (typeof f !== "function") throw invalidArgument("dataset.map", "f", "a function", formatReceived(f));
    const parts = [...this.batch(mapRows)].map((batch) => {
      const mapped = f(batch);
      if (!isTensor(mapped?.x) || !isTensor(mapped.y))
        throw invalidArgument(
          "dataset.map",
          "f",
          "a function that gives { x, y } of tensors",
          formatReceived(mapped),
        );
      for (const side of ["x", "y"] as const)
        if (mapped[side].shape[0] !== batch.x.shape[0])
          throw new AdjointError(
            "shape-mismatch",
            `dataset.map: f must keep the rows: received ${batch.x.shape[0]} and gave ${side} of shape ${formatShape(mapped[side].shape)}`,
            { operation: "dataset.map", argument: "f", received: formatShape(mapped[side].shape) },
          );
      return { x: mapped.x, y: mapped.y };
    });
    if (parts.length === 0) return this;
    const xs = parts.map(({ x }) => x);
    const ys = parts.map(({ y }) => y);
    return this.with({
      inputs: join(xs, "inputs") as InputArray,
      targets: join(ys, "targets"),
      inputShape: xs[0].shape.slice(1),
      targetShape: ys[0].shape.slice(1),
    });
  }

  /** A batch of the rows from `start` up to, not including, `stop`. */
  private rows(start: number, stop: number): Batch {
    const part = <A extends TargetArray>(array: A, width: number, shape: readonly number[]): Tensor =>
      tensor(array.subarray(start * width, stop * width), { shape: [stop - start, ...shape] });
    return {
      x: part(this.inputs, this.inputWidth, this.inputShape),
      y: part(this.targets, this.targetWidth, this.targetShape),
    };
  }

  /** `Dataset iris: 150 × [4] → 3 classes`: what Node prints, instead of every number. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const name = this.name === undefined ? "" : ` ${this.name}`;
    const isLabels = this.targetShape.length === 0 && this.targets instanceof Int32Array;
    const labels = this.classes === undefined ? "labels" : `${this.classes.length} classes`;
    const answers = isLabels ? labels : formatShape(this.targetShape);
    return `Dataset${name}: ${this.size} × ${formatShape(this.inputShape)} → ${answers}`;
  }

  private with(changes: Partial<DatasetParts>): Dataset {
    return dataset({ ...this, ...changes });
  }
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, extent) => total * extent, 1);
}

function integers(start: number, stop: number): Int32Array {
  return Int32Array.from({ length: stop - start }, (_, i) => start + i);
}

function rowsOf(array: TargetArray, width: number, argument: string, shape: readonly number[]): number {
  const rows = width === 0 ? 0 : array.length / width;
  if (!Number.isInteger(rows) || (width === 0 && array.length > 0))
    throw new AdjointError(
      "shape-mismatch",
      `dataset: ${argument} holds ${array.length} numbers, which are no whole rows of shape ${formatShape(shape)}`,
      { operation: "dataset", argument, expected: `a multiple of ${width}`, received: String(array.length) },
    );
  return rows;
}

/** The rows at the indices: a view where they follow each other, else a copy. */
function pickRows<A extends TargetArray>(source: A, width: number, indices: ArrayLike<number>): A {
  const start = indices[0] ?? 0;
  let consecutive = true;
  for (let i = 1; consecutive && i < indices.length; i++) consecutive = indices[i] === start + i;
  // subarray and a fresh array of the same class are of the class of the source, which its type does not say
  if (consecutive) return source.subarray(start * width, (start + indices.length) * width) as A;
  const picked = new (source.constructor as new (length: number) => A)(indices.length * width);
  for (let i = 0; i < indices.length; i++) {
    const from = indices[i] * width;
    picked.set(source.subarray(from, from + width), i * width);
  }
  return picked;
}

/** The elements of the tensors one after the other, as inputs (floating) or targets. */
function join(tensors: readonly Tensor[], role: "inputs" | "targets"): TargetArray {
  const [{ dtype, rank }] = tensors;
  const total = tensors.reduce((sum, { size }) => sum + size, 0);
  const labels = role === "targets" && rank === 1 && (dtype === "int32" || dtype === "bool");
  const joined: TargetArray =
    dtype === "float64" ? new Float64Array(total) : labels ? new Int32Array(total) : new Float32Array(total);
  let at = 0;
  for (const part of tensors) {
    joined.set(part.dataSync(), at);
    at += part.size;
  }
  return joined;
}
