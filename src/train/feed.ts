/** Where a run's batches come from: rows of arrays, picked as they are read, or a stream, whose next batch is on its way meanwhile. */
import type { ExampleStream } from "../data/index.js";
import { AdjointError, random, type Tensor } from "../index.js";
import { formatShape } from "../util/errors.js";
import { BatchReader } from "./batches.js";
import type { Examples, FloatDType, Source } from "./source.js";

/** A batch, and whether it is the epoch's last. */
export interface Fed extends Examples {
  readonly count: number;
  readonly isLast: boolean;
}

/** The batches of one epoch after the other. */
export interface Feed {
  /** Batches of an epoch, and its examples; undefined until a stream was read once. */
  readonly batches: number | undefined;
  /** The largest label so far, where targets are labels. */
  readonly largestLabel: number | undefined;
  /** Begins an epoch, without its first `skip` batches; without a key, in the order of the data. */
  begin(key: Tensor | undefined, skip: number): void;
  /** The next batch; undefined at the end of the epoch. A promise only where one must be waited for. */
  next(): Fed | undefined | Promise<Fed | undefined>;
  /** Bytes that live as long as the batch does; none where its rows are picked when they are read. */
  heldBytes(fed: Fed): number;
  /** Lets go of what an epoch that is not finished holds. */
  end(): Promise<void>;
}

/** Batches of rows of arrays. */
export class ArrayFeed implements Feed {
  readonly batches: number;
  readonly largestLabel: number | undefined;
  private readonly reader: BatchReader;
  private readonly size: number;
  private readonly batchSize: number;
  private order: ArrayLike<number> | undefined;
  private at = 0;

  constructor(source: Source, dtype: FloatDType, batchSize: number) {
    this.reader = new BatchReader(source, dtype);
    this.size = source.size;
    this.batchSize = batchSize;
    this.batches = Math.ceil(source.size / batchSize);
    this.largestLabel = source.largestLabel;
  }

  begin(key: Tensor | undefined, skip: number): void {
    this.order = key && random.permutation(key, this.size).dataSync();
    this.at = skip;
  }

  next(): Fed | undefined {
    const start = this.at * this.batchSize;
    if (start >= this.size) return undefined;
    this.at++;
    const stop = Math.min(this.size, start + this.batchSize);
    const { x, y } = this.reader.read(start, stop, this.order);
    return { x, y, count: stop - start, isLast: stop === this.size };
  }

  heldBytes(): number {
    return 0;
  }

  async end(): Promise<void> {}
}

type Arriving = Promise<IteratorResult<Examples, unknown>>;

/** Batches of a stream; one more than is asked for is on its way while the program computes. */
export class StreamFeed implements Feed {
  batches: number | undefined;
  largestLabel: number | undefined;
  private readonly stream: ExampleStream;
  private readonly dtype: FloatDType;
  private readonly batchSize: number;
  /** Knowing which batch is the last takes waiting for the one after it. */
  private readonly needsLast: boolean;
  private iterator: AsyncIterator<Examples, unknown> | undefined;
  private ahead: Arriving | undefined;
  private given = 0;

  constructor(stream: ExampleStream, dtype: FloatDType, batchSize: number, needsLast: boolean) {
    this.stream = stream;
    this.dtype = dtype;
    this.batchSize = batchSize;
    this.needsLast = needsLast;
    this.batches = stream.size === undefined ? undefined : Math.ceil(stream.size / batchSize);
  }

  begin(key: Tensor | undefined, skip: number): void {
    const pass = { ...(key === undefined ? {} : { key }), ...(skip === 0 ? {} : { skip }) };
    this.iterator = this.stream.batches(this.batchSize, pass)[Symbol.asyncIterator]();
    this.given = skip;
    this.ahead = this.ask();
  }

  async next(): Promise<Fed | undefined> {
    const arrived = await this.ahead;
    if (arrived === undefined || arrived.done === true) {
      this.iterator = undefined;
      this.ahead = undefined;
      this.batches = this.given;
      return undefined;
    }
    this.ahead = this.ask();
    this.given++;
    const isLast = this.needsLast && (await this.ahead)?.done === true;
    return { ...this.take(arrived.value), isLast };
  }

  heldBytes({ x, y }: Fed): number {
    return 8 * (x.size + y.size);
  }

  async end(): Promise<void> {
    const { iterator, ahead } = this;
    this.iterator = undefined;
    this.ahead = undefined;
    // a batch on its way may fail; nobody waits for it any more
    await ahead?.catch(() => {});
    await iterator?.return?.();
  }

  private ask(): Arriving | undefined {
    const arriving = this.iterator?.next();
    // whoever waits for it is told; until then a failure is not unhandled
    arriving?.catch(() => {});
    return arriving;
  }

  /** @throws AdjointError `shape-mismatch`, `invalid-data` */
  private take({ x, y }: Examples): Omit<Fed, "isLast"> {
    const [count] = x.shape;
    const { inputShape, targetShape, name = "data" } = this.stream;
    const expected = `x ${formatShape([count, ...inputShape])} and y ${formatShape([count, ...targetShape])}`;
    const received = `x ${formatShape(x.shape)} and y ${formatShape(y.shape)}`;
    if (expected !== received || !(count > 0))
      throw new AdjointError(
        "shape-mismatch",
        `fit: batch ${this.given} of ${name} must have ${expected}, received ${received}`,
        { operation: "fit", argument: "data", expected, received },
      );
    if (y.dtype === "int32" && targetShape.length === 0) this.lookAtLabels(y);
    return { x: this.cast(x), y: this.cast(y), count };
  }

  private lookAtLabels(y: Tensor): void {
    for (const label of y.dataSync()) {
      if (label < 0)
        throw new AdjointError(
          "invalid-data",
          `fit: labels of ${this.stream.name ?? "data"} must be 0, 1, 2, …, received ${label} in batch ${this.given}`,
          { operation: "fit", argument: "data", expected: "labels ≥ 0", received: String(label) },
        );
      this.largestLabel = Math.max(this.largestLabel ?? 0, label);
    }
  }

  private cast(values: Tensor): Tensor {
    const isFloating = values.dtype === "float32" || values.dtype === "float64";
    return isFloating && values.dtype !== this.dtype ? values.cast(this.dtype) : values;
  }
}
