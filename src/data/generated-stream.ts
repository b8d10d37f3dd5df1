/** Streams of examples that a function gives, and of those in a data set. */
import { AdjointError, type Tensor, type TensorData, tensor } from "../index.js";
import { checkOptionNames, checkOptions, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived, formatShape } from "../util/errors.js";
import type { Batch } from "./batches.js";
import { checkNames, checkShape, checkText } from "./checks.js";
import type { Dataset } from "./dataset.js";
import { checkBuffer, IndexedStream, SequentialStream, type Stream } from "./stream-base.js";

/** One example: numbers, nested arrays or typed arrays of the shapes that were announced. */
export interface Example {
  readonly x: TensorData;
  /** A class label for the target shape [], numbers for others. */
  readonly y: TensorData;
}

/** What is known of generated examples before there are any. */
export interface GenerateOptions {
  readonly inputShape: readonly number[];
  /** [] for class labels. */
  readonly targetShape: readonly number[];
  /** How many there are, where that is known. */
  readonly size?: number;
  readonly classes?: readonly string[];
  readonly name?: string;
  /** int32 for inputs such as token numbers; default float32. */
  readonly dtype?: "float32" | "float64" | "int32";
  /** Examples to shuffle among; 0 for none. Default 1024. */
  readonly shuffle?: number;
}

const operation = "data.stream.generate";

/**
 * A stream of whatever a generator gives: from a database, a socket, a simulation. It is called for every pass, and the same examples
 * must come in the same order if training is to go on from the middle of a pass.
 *
 * @param examples gives an iterable of examples, async or not
 * @throws AdjointError `invalid-argument`; `shape-mismatch` for an example of another shape, as it is met
 * @example
 * const squares = data.stream.generate({ inputShape: [1], targetShape: [1] }, function* () {
 *   for (let i = 0; i < 5; i++) yield { x: [i], y: [i * i] };
 * });
 * const { x, y } = await squares.first(3);
 * y.array(); // → 0,1,4
 */
export function generate(
  options: GenerateOptions,
  examples: () => Iterable<Example> | AsyncIterable<Example>,
): Stream {
  checkGenerateOptions(options);
  if (typeof examples !== "function")
    throw invalidArgument(
      operation,
      "examples",
      "a function that gives an iterable",
      formatReceived(examples),
    );
  const given = new WeakSet<object>();
  const fresh = () => freshExamples(examples, given);
  const { inputShape, targetShape, dtype = "float32" } = options;
  const targetType = targetShape.length === 0 ? "int32" : dtype === "int32" ? "float32" : dtype;
  const stacked = (
    values: TensorData[],
    shape: readonly number[],
    type: typeof dtype,
    role: string,
  ): Tensor => {
    const width = shape.reduce((total, extent) => total * extent, 1);
    const all = new { float32: Float32Array, float64: Float64Array, int32: Int32Array }[type](
      values.length * width,
    );
    values.forEach((value, i) => {
      const one = tensor(value, { dtype: type });
      if (formatShape(one.shape) !== formatShape(shape))
        throw new AdjointError(
          "shape-mismatch",
          `${operation}: ${role} of an example must have the shape ${formatShape(shape)}, received ${formatShape(one.shape)}`,
          { operation, argument: role, expected: formatShape(shape), received: formatShape(one.shape) },
        );
      all.set(one.dataSync(), i * width);
    });
    return tensor(all, { shape: [values.length, ...shape] });
  };
  return new SequentialStream<Example>(
    options,
    {
      rows: () => chunked(fresh),
      encode: (rows) => ({
        x: stacked(
          rows.map(({ x }) => x),
          inputShape,
          dtype,
          "x",
        ),
        y: stacked(
          rows.map(({ y }) => y),
          targetShape,
          targetType,
          "y",
        ),
      }),
    },
    checkBuffer(options.shuffle, operation),
  );
}

/**
 * The examples of one pass.
 * @throws AdjointError `invalid-argument` for what gives none, or an iterator that an earlier pass has used up
 */
function freshExamples(
  examples: () => Iterable<Example> | AsyncIterable<Example>,
  given: WeakSet<object>,
): Iterable<Example> | AsyncIterable<Example> {
  const made: unknown = examples();
  const refuse = (received: string) =>
    invalidArgument(operation, "examples", "a function that gives an iterable anew for every pass", received);
  if (typeof made !== "object" || made === null || !(Symbol.iterator in made || Symbol.asyncIterator in made))
    throw refuse(`one that gives ${formatReceived(made)}`);
  // an array can be gone through again, a generator's iterator cannot
  if ("next" in made && given.has(made)) throw refuse("one that gives the same iterator again");
  given.add(made);
  return made as Iterable<Example> | AsyncIterable<Example>;
}

async function* chunked(
  examples: () => Iterable<Example> | AsyncIterable<Example>,
): AsyncGenerator<Example[]> {
  for await (const example of examples()) {
    checkOptions(example, operation, "{ x, y }", "an example");
    for (const role of ["x", "y"] as const)
      if (example[role] === undefined)
        throw invalidArgument(operation, `${role} of an example`, "numbers", "undefined");
    yield [example];
  }
}

/**
 * The examples of a data set as a stream, for what takes only streams.
 *
 * @throws AdjointError `invalid-argument` for what is no data set
 * @example
 * const xor = data.arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]);
 * data.stream.of(xor).size; // → 4
 */
export function of(data: Dataset): Stream {
  if (typeof data?.subset !== "function")
    throw invalidArgument("data.stream.of", "data", "a data set", formatReceived(data));
  return new IndexedStream(data, (indices): Batch => {
    const [batch] = data.subset(indices).batch(indices.length);
    return batch;
  });
}

function checkGenerateOptions(options: GenerateOptions): void {
  checkOptionNames(
    options,
    [
      "inputShape",
      "targetShape",
      "size",
      "classes",
      "name",
      "dtype",
      "shuffle",
    ] satisfies (keyof GenerateOptions)[],
    operation,
  );
  const { inputShape, targetShape, size, classes, name, dtype } = options;
  checkShape(inputShape, operation, "inputShape");
  checkShape(targetShape, operation, "targetShape");
  if (size !== undefined && !isNatural(size))
    throw invalidArgument(operation, "size", "a number of examples", formatReceived(size));
  checkNames(classes, operation, "classes");
  checkText(name, operation, "name");
  if (dtype !== undefined && !["float32", "float64", "int32"].includes(dtype))
    throw invalidArgument(operation, "dtype", '"float32", "float64" or "int32"', formatReceived(dtype));
}
