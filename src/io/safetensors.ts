/**
 * The safetensors format of Hugging Face: eight bytes with the length of a JSON header, the header, then the elements of
 * every tensor, little-endian and row-major. Nothing in it is ever executed.
 */
import { AdjointError, type DType, isTensor, type Tensor, type TypedArray, tensor } from "../index.js";
import { formatReceived } from "../util/errors.js";
import { checkBytes } from "./arguments.js";
import { checkPath, readBytes, writeAtomically } from "./files.js";
import { formatNames } from "./safetensors-formats.js";
import { parseHeader, refuse, type TensorEntry } from "./safetensors-header.js";

/** Tensors under their names; as a Map, any name is safe. */
export type NamedTensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>;

/** Texts stored beside the tensors. */
export type Metadata = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

/**
 * What a safetensors file holds: a Map of name to tensor, in the order of the file, and its metadata.
 *
 * @example
 * const loaded = io.decodeSafetensors(io.encodeSafetensors({ w: eye(2) }, { epoch: "3" }));
 * [...loaded.keys(), ...loaded.metadata.keys()]; // → w,epoch
 */
export class LoadedTensors extends Map<string, Tensor> {
  /** The texts of the file's `__metadata__`. */
  readonly metadata: ReadonlyMap<string, string>;

  /** @throws AdjointError `invalid-argument` */
  constructor(entries: Iterable<readonly [string, Tensor]>, metadata: ReadonlyMap<string, string>) {
    super(checkEntries(entries));
    this.metadata = metadata;
  }
}

/** Entries a Map can be made of. */
function checkEntries(entries: unknown): [string, Tensor][] {
  const expected = "must be pairs of a name and a tensor";
  if (typeof (entries as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== "function")
    throw badArgument("entries", `entries ${expected}`, entries);
  const pairs = [...(entries as Iterable<unknown>)];
  for (const pair of pairs)
    if (!Array.isArray(pair) || typeof pair[0] !== "string" || !isTensor(pair[1]))
      throw badArgument("entries", `each entry ${expected}`, pair);
  return pairs as [string, Tensor][];
}

/** A header larger than this is refused unread: no model needs it, and a false length must not exhaust memory. */
const maxHeaderLength = 100_000_000;

const byteWidths: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, bool: 1 };

/** Data begin at a multiple of this, so that every element is aligned in a mapped file. */
const alignment = 8;

/**
 * The bytes of a safetensors file.
 *
 * @param tensors float32, float64, int32 and bool tensors become F32, F64, I32 and BOOL
 * @throws AdjointError `invalid-argument` for what is no tensor, no text, or named `__metadata__`
 * @example
 * const bytes = io.encodeSafetensors({ w: tensor([1, 2]) }, { note: "two weights" });
 * io.decodeSafetensors(bytes).get("w").array(); // → 1,2
 */
export function encodeSafetensors(tensors: NamedTensors, metadata: Metadata = {}): Uint8Array {
  const named = pairsOf(tensors, "tensors");
  for (const [name, value] of named) {
    if (!isTensor(value)) throw badArgument("tensors", `${JSON.stringify(name)} must be a tensor`, value);
    if (name === "__metadata__") throw badArgument("tensors", "no tensor can be named __metadata__", name);
  }
  // wide elements first: then each begins at a multiple of its width
  const placed = named.toSorted(([, a], [, b]) => byteWidths[b.dtype] - byteWidths[a.dtype]);
  const starts = new Map<string, number>();
  let length = 0;
  for (const [name, value] of placed) {
    starts.set(name, length);
    length += value.size * byteWidths[value.dtype];
  }
  const header = new TextEncoder().encode(headerText(named, starts, pairsOf(metadata, "metadata")));
  const padded = Math.ceil(header.length / alignment) * alignment;
  const bytes = new Uint8Array(8 + padded + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, 8, 8 + padded).set(header, 8);
  for (const [name, value] of placed) {
    const elements = value.dataSync();
    bytes.set(bytesOf(elements), 8 + padded + (starts.get(name) ?? 0));
  }
  return bytes;
}

/** JSON written by hand: an object would lose a tensor called __proto__, and would move names that are numbers. */
function headerText(
  named: readonly (readonly [string, Tensor])[],
  starts: ReadonlyMap<string, number>,
  metadata: readonly (readonly [string, string])[],
): string {
  const members: string[] = [];
  for (const [key, text] of metadata)
    if (typeof text !== "string")
      throw badArgument("metadata", `${JSON.stringify(key)} must be a string`, text);
  if (metadata.length > 0)
    members.push(
      `"__metadata__":{${metadata.map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`).join(",")}}`,
    );
  for (const [name, { dtype, shape, size }] of named) {
    const start = starts.get(name) ?? 0;
    const end = start + size * byteWidths[dtype];
    members.push(
      `${JSON.stringify(name)}:{"dtype":"${formatNames[dtype]}","shape":[${shape.join(",")}],"data_offsets":[${start},${end}]}`,
    );
  }
  return `{${members.join(",")}}`;
}

/**
 * Reads the bytes of a safetensors file.
 *
 * @param file what messages call the bytes
 * @throws AdjointError `file-format` for anything that is not exactly right: a false length, a header that is not JSON or
 * names a tensor twice, a shape that does not fit its bytes, overlaps, gaps, a bool that is neither 0 nor 1;
 * `unsupported` for a dtype that is not of the format, or a whole number that int32 has no place for; `invalid-argument` for what is no Uint8Array
 * @example
 * io.decodeSafetensors(io.encodeSafetensors({}, { version: "1" })).metadata.get("version"); // → 1
 */
export function decodeSafetensors(bytes: Uint8Array, file = "the bytes"): LoadedTensors {
  checkBytes(bytes, file, "decodeSafetensors");
  if (bytes.length < 8)
    throw notSafetensors(file, `expected the 8 bytes of the header's length, received ${bytes.length}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  // whatever the length says, a file that was one begins so
  if (bytes[8] !== 0x7b || length === 0) throw notSafetensors(file, "the header must begin with { at byte 8");
  if (length > maxHeaderLength || length > bytes.length - 8)
    throw refuse(file, `the header should be ${length} bytes long, and ${bytes.length - 8} follow`, 0);
  const header = parseHeader(
    decodeText(bytes.subarray(8, 8 + length), file),
    bytes.length - 8 - length,
    file,
  );
  const data = bytes.subarray(8 + length);
  return new LoadedTensors(
    header.entries.map((entry) => [entry.name, readTensor(data, entry, file, 8 + length)] as const),
    header.metadata,
  );
}

/** Another kind of file, rather than a damaged one. */
function notSafetensors(file: string, problem: string): AdjointError {
  return new AdjointError("file-format", `safetensors: ${file} is no safetensors file: ${problem}`, {
    operation: "safetensors",
    file,
    offset: 0,
    expected: "a safetensors file",
  });
}

function decodeText(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse(file, "the header is not UTF-8 text", 8);
  }
}

function readTensor(
  data: Uint8Array,
  { name, format, shape, start, end }: TensorEntry,
  file: string,
  base: number,
): Tensor {
  // a copy; the `slice` of Node's Buffer, which is a Uint8Array too, would not be one
  const part = new Uint8Array(data.subarray(start, end));
  if (format.dtype === "bool") {
    const bad = part.findIndex((byte) => byte > 1);
    if (bad >= 0)
      throw refuse(
        file,
        `tensor ${JSON.stringify(name)}: a BOOL must be 0 or 1, received ${part[bad]}`,
        base + start + bad,
      );
  }
  // typed arrays are little-endian, as the format is, on every platform that JavaScript engines are made for today
  const elements = format.decode(part);
  if ("outside" in elements)
    throw new AdjointError(
      "unsupported",
      `safetensors: ${file}: tensor ${JSON.stringify(name)} holds ${elements.outside}, which int32 has no place for`,
      { operation: "safetensors", file, expected: "−2³¹ … 2³¹ − 1", received: String(elements.outside) },
    );
  return tensor(elements, { shape, dtype: format.dtype });
}

function bytesOf(elements: TypedArray): Uint8Array {
  return new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
}

function pairsOf<T>(
  values: ReadonlyMap<string, T> | Readonly<Record<string, T>>,
  argument: string,
): (readonly [string, T])[] {
  if (typeof values !== "object" || values === null || Array.isArray(values) || isTensor(values))
    throw badArgument(argument, `${argument} must be an object or a Map`, values);
  const pairs = values instanceof Map ? [...values] : Object.entries(values);
  for (const [name] of pairs)
    if (typeof name !== "string") throw badArgument(argument, "names must be strings", name);
  return pairs;
}

function badArgument(argument: string, problem: string, received: unknown): AdjointError {
  return new AdjointError(
    "invalid-argument",
    `safetensors: ${problem}, received ${formatReceived(received)}`,
    {
      operation: "safetensors",
      argument,
      received: formatReceived(received),
    },
  );
}

/**
 * Writes tensors and texts to a safetensors file, at once: a reader finds the old file or the whole new one.
 *
 * @throws AdjointError `unwritable-output`, and those of {@link encodeSafetensors}
 * @example
 * await io.saveSafetensors("example.safetensors", { w: eye(2) }, { epoch: "3" });
 * (await io.loadSafetensors("example.safetensors")).get("w").shape; // → 2,2
 */
export async function saveSafetensors(
  path: string,
  tensors: NamedTensors,
  metadata: Metadata = {},
): Promise<void> {
  await writeAtomically(path, encodeSafetensors(tensors, metadata), "saveSafetensors");
}

/**
 * Reads a safetensors file: a Map of name to tensor, with the file's texts as its `metadata`.
 *
 * @throws AdjointError `file-not-found`, and those of {@link decodeSafetensors}
 * @example
 * await io.saveSafetensors("example.safetensors", { w: eye(2) }, { epoch: "3" });
 * (await io.loadSafetensors("example.safetensors")).metadata.get("epoch"); // → 3
 */
export async function loadSafetensors(path: string): Promise<LoadedTensors> {
  checkPath(path, "loadSafetensors");
  return decodeSafetensors((await readBytes(path, "loadSafetensors")).bytes, path);
}
