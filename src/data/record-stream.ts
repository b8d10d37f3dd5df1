/** Streams from IDX and NPY files: by position where they lie on the disk as they are, in order where they are packed. */
import { AdjointError, type Tensor, tensor } from "../index.js";
import { decodeIdx, decodeNpy } from "../io/index.js";
import { checkFinite, checkOptionNames, checkOptions, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkFlag, checkText, checkTexts } from "./checks.js";
import { openRecords, pickRows, type RecordFile, rowsInOrder, withHeader } from "./record-file.js";
import { idxElementBytes, idxHeader, npyElementBytes, npyHeader } from "./record-headers.js";
import { checkBuffer, IndexedStream, SequentialStream, type Stream } from "./stream-base.js";
import type { Recipe } from "./worker-batches.js";

/** A file of inputs and one of targets: paths. */
export interface FilePair {
  readonly inputs: string;
  readonly targets: string;
}

/** Options of `data.stream.idx` and `data.stream.npy`. */
export interface RecordStreamOptions {
  /** Rows that a packed file, which can only be read in order, is shuffled among; 0 for none. Default 1024. */
  readonly shuffle?: number;
  /** What inputs are multiplied by; for IDX files by default 1/255 for uint8, so that pixels lie in [0, 1], and 1 for all else. */
  readonly scale?: number;
  /** Whether an input is a row of numbers instead of what the file has. Default false, but images of h × w are [1, h, w]. */
  readonly flatten?: boolean;
  readonly classes?: readonly string[];
  /** What messages call it; by default the file of inputs. */
  readonly name?: string;
}

/** Decodes a small file of rows as inputs or targets. */
type Decode = (bytes: Uint8Array, file: RecordFile) => Tensor;

/**
 * A stream from two IDX files, as MNIST's; gzipped ones are read in order and shuffled in a buffer.
 *
 * @throws AdjointError `file-not-found`, `file-format`, `invalid-data` where they do not fit each other, `invalid-argument`
 * @example
 * await io.writeAtomically("pixels", Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255));
 * await io.writeAtomically("labels", Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7));
 * const digits = await data.stream.idx({ inputs: "pixels", targets: "labels" });
 * (await digits.first(1)).x.array(); // → 0,1
 */
export async function idxStream(source: FilePair, options: RecordStreamOptions = {}): Promise<Stream> {
  const operation = "data.stream.idx";
  checkRecordOptions(source, options, operation);
  const inputs = await openRecords(source.inputs, idxHeader, idxElementBytes, operation);
  const targets = await openRecords(source.targets, idxHeader, idxElementBytes, operation);
  const decodeInputs: Decode = (bytes, { path }) => {
    const { data, element } = decodeIdx(bytes, path);
    const scale = options.scale ?? (element === "uint8" ? 1 / 255 : 1);
    const values = data instanceof Float64Array ? data : new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) values[i] = data[i] * scale;
    return tensor(values);
  };
  const decodeTargets: Decode = (bytes, { path }) => {
    const { data, element } = decodeIdx(bytes, path);
    return tensor(element.startsWith("float") ? (data as Float32Array) : Int32Array.from(data));
  };
  const recipe: Recipe = { kind: "idx", source, options };
  return streamOf(inputs, targets, { decodeInputs, decodeTargets }, { ...options, recipe, operation });
}

/**
 * A stream from two NumPy files with as many rows.
 *
 * @throws AdjointError `file-not-found`, `file-format`, `invalid-data` where they do not fit each other, `invalid-argument`
 * @example
 * await io.saveNpy("inputs.npy", tensor([[1, 2], [3, 4]]));
 * await io.saveNpy("targets.npy", tensor([[3], [7]]));
 * const rows = await data.stream.npy({ inputs: "inputs.npy", targets: "targets.npy" });
 * (await rows.first(2)).y.array(); // → 3,7
 */
export async function npyStream(source: FilePair, options: RecordStreamOptions = {}): Promise<Stream> {
  const operation = "data.stream.npy";
  checkRecordOptions(source, options, operation);
  const inputs = await openRecords(source.inputs, npyHeader, npyElementBytes, operation);
  const targets = await openRecords(source.targets, npyHeader, npyElementBytes, operation);
  const decodeInputs: Decode = (bytes, { path }) => {
    const x = decodeNpy(bytes, path);
    const { scale = 1 } = options;
    const numbers = x.dtype === "bool" ? x.cast("float32") : x;
    return scale === 1 ? numbers : (x.dtype === "int32" ? x.cast("float32") : numbers).mul(scale);
  };
  const decodeTargets: Decode = (bytes, { path }) => {
    const y = decodeNpy(bytes, path);
    return y.dtype === "bool" ? y.cast(y.rank === 1 ? "int32" : "float32") : y;
  };
  const recipe: Recipe = { kind: "npy", source, options };
  return streamOf(inputs, targets, { decodeInputs, decodeTargets }, { ...options, recipe, operation });
}

function streamOf(
  inputs: RecordFile,
  targets: RecordFile,
  { decodeInputs, decodeTargets }: { decodeInputs: Decode; decodeTargets: Decode },
  options: RecordStreamOptions & { readonly recipe: Recipe; readonly operation: string },
): Stream {
  const { operation, classes, name = inputs.path, recipe, flatten = false } = options;
  const [size, ...own] = inputs.header.shape;
  const [count, ...targetShape] = targets.header.shape;
  if (size !== count)
    throw new AdjointError(
      "invalid-data",
      `${operation}: ${inputs.path} holds ${size} inputs, ${targets.path} ${count} targets; expected as many of each`,
      { operation, file: targets.path, expected: String(size), received: String(count) },
    );
  const width = own.reduce((total, extent) => total * extent, 1);
  const isImage = own.length === 2 && recipe.kind === "idx";
  const inputShape = flatten ? [width] : own.length === 0 ? [1] : isImage ? [1, ...own] : own;
  const targetIsNumber = targetShape.length > 0;
  const shape = { size, inputShape, targetShape, name, ...(classes === undefined ? {} : { classes }) };
  const batchOf = (x: Tensor, y: Tensor, rows: number) => ({
    x: x.reshape([rows, ...inputShape]),
    y: targetIsNumber ? y.reshape([rows, ...targetShape]) : y,
  });
  if (!inputs.isPacked && !targets.isPacked)
    return new IndexedStream(
      shape,
      async (indices) =>
        batchOf(
          decodeInputs(await pickRows(inputs, indices, operation), inputs),
          decodeTargets(await pickRows(targets, indices, operation), targets),
          indices.length,
        ),
      recipe,
    );
  return new SequentialStream<readonly [Uint8Array, Uint8Array]>(
    shape,
    {
      rows: () => pairs(rowsInOrder(inputs, operation), rowsInOrder(targets, operation)),
      encode: (rows) =>
        batchOf(
          decodeInputs(
            withHeader(
              inputs,
              rows.map(([input]) => input),
            ),
            inputs,
          ),
          decodeTargets(
            withHeader(
              targets,
              rows.map(([, target]) => target),
            ),
            targets,
          ),
          rows.length,
        ),
    },
    checkBuffer(options.shuffle, operation),
    recipe,
  );
}

/** Two sequences of chunks as one of pairs. */
async function* pairs<A, B>(
  first: AsyncGenerator<readonly A[]>,
  second: AsyncGenerator<readonly B[]>,
): AsyncGenerator<[A, B][]> {
  let waiting: B[] = [];
  try {
    for await (const chunk of first) {
      while (waiting.length < chunk.length) {
        const next = await second.next();
        if (next.done === true) break;
        waiting = waiting.concat(next.value);
      }
      yield chunk.map((item, i) => [item, waiting[i]]);
      waiting = waiting.slice(chunk.length);
    }
    // what the second file says at its end, such as that it is damaged, is wanted too
    for await (const _ of second);
  } finally {
    await second.return(undefined);
  }
}

function checkRecordOptions(source: unknown, options: RecordStreamOptions, operation: string): void {
  checkOptions(source, operation, "{ inputs, targets }, two paths", "source");
  checkOptionNames(source as object, ["inputs", "targets"], operation);
  for (const role of ["inputs", "targets"] as const) {
    const path: unknown = (source as Partial<FilePair>)[role];
    if (typeof path !== "string" || path === "")
      throw invalidArgument(operation, role, "a path", formatReceived(path));
  }
  checkOptionNames(options, ["shuffle", "scale", "flatten", "classes", "name"], operation);
  checkBuffer(options.shuffle, operation);
  if (options.scale !== undefined) checkFinite(options.scale, operation, "scale");
  checkFlag(options.flatten, operation, "flatten");
  checkTexts(options.classes, operation, "classes");
  checkText(options.name, operation, "name");
}
