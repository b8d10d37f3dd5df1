/** What all streams of examples have in common, and the two kinds there are: by position, and one after the other. */
import { AdjointError, isTensor, random } from "../index.js";
import { checkOptionNames, checkOptions, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import type { Batch } from "./batches.js";
import { checkFlag, checkNames, checkShape } from "./checks.js";
import { ahead } from "./prefetch.js";
import { Draws, shuffled } from "./shuffle-buffer.js";
import type { ExampleStream, Pass } from "./stream.js";
import { type Recipe, workerBatches } from "./worker-batches.js";

/** What a stream says about its examples. */
export interface StreamShape {
  readonly size?: number;
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  readonly classes?: readonly string[];
  readonly name?: string;
}

/** How far a stream reads ahead. */
export interface PrefetchOptions {
  /**
   * Whether reading, decoding and parsing go on in a worker of their own, beside the training. Default false. Where there are no
   * workers (on a web page) the same batches come from this thread.
   */
  readonly worker?: boolean;
}

/**
 * A stream of examples with what can be done to any: made by `data.stream` and `data.text`.
 *
 * @example
 * const numbers = data.stream.generate(
 *   { inputShape: [1], targetShape: [1] },
 *   function* () { for (let i = 0; i < 3; i++) yield { x: [i], y: [2 * i] }; },
 * );
 * const { x } = await numbers.map(({ x, y }) => ({ x: x.mul(10), y })).first(2);
 * x.array(); // → 0,10
 */
export abstract class Stream implements ExampleStream {
  readonly size?: number;
  readonly inputShape: readonly number[];
  readonly targetShape: readonly number[];
  readonly classes?: readonly string[];
  readonly name?: string;

  /** @throws AdjointError `invalid-argument` for shapes that are none */
  constructor(shape: StreamShape) {
    checkOptions(shape, "Stream", "{ inputShape, targetShape }", "shape");
    const { size, inputShape, targetShape, classes, name } = shape;
    checkShape(inputShape, "Stream", "inputShape");
    checkShape(targetShape, "Stream", "targetShape");
    checkNames(classes, "Stream", "classes");
    if (size !== undefined) this.size = size;
    this.inputShape = [...inputShape];
    this.targetShape = [...targetShape];
    if (classes !== undefined) this.classes = [...classes];
    if (name !== undefined) this.name = name;
  }

  /** One pass: x [n, ...inputShape] and y [n, ...targetShape]; the last batch may be smaller. */
  batches(batchSize: number, pass: Pass = {}): AsyncIterable<Batch> {
    if (!isNatural(batchSize) || batchSize === 0)
      throw invalidArgument(
        "stream.batches",
        "batchSize",
        "an integer of at least 1",
        formatReceived(batchSize),
      );
    checkOptionNames(pass, ["key", "skip"], "stream.batches");
    const { skip = 0 } = pass;
    if (!isNatural(skip))
      throw invalidArgument("stream.batches", "skip", "an integer of at least 0", formatReceived(skip));
    return this.walk(batchSize, pass);
  }

  /**
   * The first batch of a pass: to look at, or to try a model on.
   * @throws AdjointError `invalid-data` where there are no examples
   */
  async first(batchSize: number, pass: Pass = {}): Promise<Batch> {
    for await (const batch of this.batches(batchSize, pass)) return batch;
    throw new AdjointError("invalid-data", `stream.first: ${this.name ?? "the stream"} has no examples`, {
      operation: "stream.first",
    });
  }

  /** The batches of a pass whose arguments are right. */
  protected abstract walk(batchSize: number, pass: Pass): AsyncIterable<Batch>;

  /** How a worker makes this stream anew; undefined where it cannot. */
  get recipe(): Recipe | undefined {
    return undefined;
  }

  /**
   * The same examples, `k` batches ahead of the one in use: while a step computes, the next files are read; with `{ worker: true }`
   * they are decoded and parsed beside it, too, in a worker that ends with the pass and never keeps the process alive.
   *
   * @throws AdjointError `invalid-argument` for a worker where the stream runs functions of the caller's, which cannot go to one
   */
  prefetch(k: number, options: PrefetchOptions = {}): Stream {
    if (!isNatural(k) || k === 0)
      throw invalidArgument("stream.prefetch", "k", "an integer of at least 1", formatReceived(k));
    checkOptionNames(options, ["worker"], "stream.prefetch");
    checkFlag(options.worker, "stream.prefetch", "worker");
    const { recipe } = this;
    if (options.worker !== true)
      return new Derived(this, (batchSize, pass) => ahead(this.batches(batchSize, pass), k));
    if (recipe === undefined)
      throw invalidArgument(
        "stream.prefetch",
        "worker",
        "false for a stream with functions of yours in it, which cannot go to a worker (so prefetch before map)",
        "true",
      );
    return new Derived(
      this,
      (batchSize, pass) =>
        workerBatches({ recipe, batchSize, ahead: k, ...pass }) ?? ahead(this.batches(batchSize, pass), k),
    );
  }

  /**
   * The same examples, each batch changed by `f` as it comes.
   *
   * @param f takes a batch and its number in the pass (from 0, those skipped included), and gives one with as many rows, perhaps later
   * @param shapes where `f` changes them: those of one input and one target
   */
  map(
    f: (batch: Batch, index: number) => Batch | Promise<Batch>,
    shapes: { readonly inputShape?: readonly number[]; readonly targetShape?: readonly number[] } = {},
  ): Stream {
    if (typeof f !== "function") throw invalidArgument("stream.map", "f", "a function", formatReceived(f));
    checkOptionNames(shapes, ["inputShape", "targetShape"], "stream.map");
    const walk = async function* (this: Stream, batchSize: number, pass: Pass): AsyncGenerator<Batch> {
      let index = pass.skip ?? 0;
      for await (const batch of this.batches(batchSize, pass)) yield checkMapped(await f(batch, index++));
    };
    return new Derived({ ...this, ...shapes }, walk.bind(this));
  }

  /** `Stream reviews: [64] → [64]`: what Node prints. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const size = this.size === undefined ? "" : `${this.size} × `;
    const name = this.name === undefined ? "" : ` ${this.name}`;
    return `Stream${name}: ${size}[${this.inputShape.join(", ")}] → [${this.targetShape.join(", ")}]`;
  }
}

/** @throws AdjointError `invalid-argument` unless x and y are tensors */
function checkMapped(batch: Batch): Batch {
  if (isTensor(batch?.x) && isTensor(batch.y)) return batch;
  throw invalidArgument(
    "stream.map",
    "f",
    "a function that gives { x, y } of tensors",
    formatReceived(batch),
  );
}

type Walk = (batchSize: number, pass: Pass) => AsyncIterable<Batch>;

/** A stream made of another. */
class Derived extends Stream {
  private readonly go: Walk;

  constructor(shape: StreamShape, go: Walk) {
    super(shape);
    this.go = go;
  }

  protected override walk(batchSize: number, pass: Pass): AsyncIterable<Batch> {
    return this.go(batchSize, pass);
  }
}

/** A stream whose examples can be read in any order, so that a key shuffles all of them and skipping costs nothing. */
export class IndexedStream extends Stream {
  override readonly size: number;
  private readonly read: (indices: Int32Array) => Batch | Promise<Batch>;
  private readonly ownRecipe: Recipe | undefined;

  constructor(
    shape: StreamShape & { readonly size: number },
    read: (indices: Int32Array) => Batch | Promise<Batch>,
    recipe?: Recipe,
  ) {
    super(shape);
    this.size = shape.size;
    this.read = read;
    this.ownRecipe = recipe;
  }

  override get recipe(): Recipe | undefined {
    return this.ownRecipe;
  }

  protected override async *walk(batchSize: number, { key, skip = 0 }: Pass): AsyncGenerator<Batch> {
    const order =
      key === undefined
        ? Int32Array.from({ length: this.size }, (_, i) => i)
        : Int32Array.from(await random.permutation(key, this.size).data());
    for (let start = skip * batchSize; start < this.size; start += batchSize)
      yield await this.read(order.subarray(start, start + batchSize));
  }
}

/** Where a stream's rows come from, in chunks of any length, anew for every pass. */
export interface RowSource<Row> {
  rows(): AsyncIterable<readonly Row[]>;
  /** What the rows are as a batch. */
  encode(rows: readonly Row[]): Batch;
}

/** A stream that can only be read from its beginning; a key shuffles the rows within a buffer. */
export class SequentialStream<Row> extends Stream {
  private readonly source: RowSource<Row>;
  private readonly buffer: number;
  private readonly ownRecipe: Recipe | undefined;

  constructor(shape: StreamShape, source: RowSource<Row>, buffer: number, recipe?: Recipe) {
    super(shape);
    this.source = source;
    this.buffer = buffer;
    this.ownRecipe = recipe;
  }

  override get recipe(): Recipe | undefined {
    return this.ownRecipe;
  }

  protected override async *walk(batchSize: number, { key, skip = 0 }: Pass): AsyncGenerator<Batch> {
    const chunks = this.source.rows();
    const rows =
      key === undefined || this.buffer < 2 ? chunks : shuffled(chunks, this.buffer, new Draws(key));
    // what is skipped is read and shuffled, as its order decides the rest, but not encoded
    let toSkip = skip * batchSize;
    let waiting: Row[] = [];
    for await (const chunk of rows) {
      const from = Math.min(toSkip, chunk.length);
      toSkip -= from;
      for (let i = from; i < chunk.length; i++) {
        waiting.push(chunk[i]);
        if (waiting.length < batchSize) continue;
        yield this.source.encode(waiting);
        waiting = [];
      }
    }
    if (waiting.length > 0) yield this.source.encode(waiting);
  }
}

/** The default number of rows a sequential stream shuffles among. */
export const defaultBuffer = 1024;

/** @throws AdjointError `invalid-argument` unless undefined or a number of rows */
export function checkBuffer(value: unknown, operation: string): number {
  if (value === undefined) return defaultBuffer;
  if (!isNatural(value))
    throw invalidArgument(operation, "shuffle", "a number of rows", formatReceived(value));
  return value;
}
