/**
 * The safetensors format of Hugging Face: eight bytes with the length of a JSON header, the header, then the elements of
 * every tensor, little-endian and row-major. Nothing in it is ever executed.
 */
import { AdjointError, type DType, isTensor, type Tensor } from "../index.js";
import { formatReceived } from "../util/errors.js";
import { checkBytes } from "./arguments.js";
import { formatNames } from "./element-formats.js";
import { bytesOfTensor, tensorOfBytes } from "./elements.js";
import { checkPath, writeAtomically } from "./files.js";
import { allocateBytes } from "./limits.js";
import { parseHeader, refuse, type TensorEntry } from "./safetensors-header.js";
import { withSource } from "./source.js";

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
  return joined(safetensorsParts(tensors, metadata));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A file in parts: its header, then the elements of one tensor after the other, which are not copied where they lie in memory. */
function safetensorsParts(tensors: NamedTensors, metadata: Metadata): Uint8Array[] {
  const named = pairsOf(tensors, "tensors");
  for (const [name, value] of named) {
    if (!isTensor(value)) throw badArgument("tensors", `${JSON.stringify(name)} must be a tensor`, value);
    if (name === "__metadata__") throw badArgument("tensors", "no tensor can be named __metadata__", name);
    checkText(name, "tensors");
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
  const start = new Uint8Array(8 + padded);
  new DataView(start.buffer).setBigUint64(0, BigInt(padded), true);
  start.fill(0x20, 8).set(header, 8);
  // all at once: a tensor may be given up to a program while the file is being written
  return [start, ...placed.map(([, value]) => bytesOfTensor(value, "safetensors"))];
}

/** JSON written by hand: an object would lose a tensor called __proto__, and would move names that are numbers. */
function headerText(
  named: readonly (readonly [string, Tensor])[],
  starts: ReadonlyMap<string, number>,
  metadata: readonly (readonly [string, string])[],
): string {
  const members: string[] = [];
  for (const [key, text] of metadata) {
    if (typeof text !== "string")
      throw badArgument("metadata", `${JSON.stringify(key)} must be a string`, text);
    checkText(key, "metadata");
    checkText(text, "metadata");
  }
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
 * `unsupported` for a dtype that tensors cannot hold, or a whole number that int32 has no place for; `invalid-argument` for what is no Uint8Array
 * @example
 * io.decodeSafetensors(io.encodeSafetensors({}, { version: "1" })).metadata.get("version"); // → 1
 */
export function decodeSafetensors(bytes: Uint8Array, file = "the bytes"): LoadedTensors {
  checkBytes(bytes, file, "decodeSafetensors");
  const base = dataStart(bytes.subarray(0, beginning), bytes.length, file);
  const header = parseHeader(bytes.subarray(8, base), bytes.length - base, file);
  const tensors = header.entries.map((entry): [string, Tensor] => {
    // a copy; the `slice` of Node's Buffer, which is a Uint8Array too, would not be one
    const part = new Uint8Array(bytes.subarray(base + entry.start, base + entry.end));
    return [entry.name, tensorOf(entry, part, base, file)];
  });
  return new LoadedTensors(tensors, header.metadata);
}

/** The length of the header, and the brace it begins with. */
const beginning = 9;

/**
 * Where the data begin, from the first 9 bytes of a file.
 * @throws AdjointError `file-format`
 */
function dataStart(start: Uint8Array, size: number, file: string): number {
  if (size < 8) throw notSafetensors(file, `expected the 8 bytes of the header's length, received ${size}`);
  const length = Number(new DataView(start.buffer, start.byteOffset).getBigUint64(0, true));
  // whatever the length says, a file that was one begins so
  if (start[8] !== 0x7b || length === 0) throw notSafetensors(file, "the header must begin with { at byte 8");
  if (length > size - 8)
    throw refuse(file, `the header should be ${length} bytes long, and ${size - 8} follow`, 0);
  if (length > maxHeaderLength)
    throw refuse(file, `the header should be ${length} bytes long, and ${maxHeaderLength} are allowed`, 0);
  return 8 + length;
}

function tensorOf(
  { name, format, shape, start }: TensorEntry,
  bytes: Uint8Array<ArrayBuffer>,
  base: number,
  file: string,
): Tensor {
  const subject = `tensor ${JSON.stringify(name)}: `;
  return tensorOfBytes(bytes, shape, format, {
    operation: "safetensors",
    file,
    subject,
    offset: base + start,
  });
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

/** UTF-8 has no place for half of a surrogate pair, and other readers refuse it. */
function checkText(text: string, argument: string): void {
  if (/\p{Surrogate}/u.test(text)) throw badArgument(argument, "texts must be whole characters", text);
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
  await writeAtomically(path, safetensorsParts(tensors, metadata), "saveSafetensors");
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
  return withSource(path, "loadSafetensors", async (source) => {
    const { file, size } = source;
    const start = new Uint8Array(Math.min(beginning, size));
    await source.read(0, start);
    const base = dataStart(start, size, file);
    const header = new Uint8Array(base - 8);
    await source.read(8, header);
    const parsed = parseHeader(header, size - base, file);
    const tensors: [string, Tensor][] = [];
    for (const entry of parsed.entries) {
      const bytes = allocateBytes(entry.end - entry.start, "safetensors", file);
      await source.read(base + entry.start, bytes);
      tensors.push([entry.name, tensorOf(entry, bytes, base, file)]);
    }
    return new LoadedTensors(tensors, parsed.metadata);
  });
}
