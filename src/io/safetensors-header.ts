/** The header of a safetensors file: JSON that says of each tensor its dtype, its shape and where its bytes lie. */
import { AdjointError } from "../index.js";
import { formatReceived, formatShape } from "../util/errors.js";
import { type Format, formats } from "./safetensors-formats.js";

/** Where one tensor lies in the data that follow the header. */
export interface TensorEntry {
  readonly name: string;
  readonly format: Format;
  readonly shape: readonly number[];
  /** Bytes from the start of the data. */
  readonly start: number;
  readonly end: number;
}

export interface Header {
  /** In the order of the file. */
  readonly entries: readonly TensorEntry[];
  readonly metadata: ReadonlyMap<string, string>;
}

/** A refusal that names the file; `offset` is the byte it is about. */
export function refuse(file: string, problem: string, offset?: number): AdjointError {
  const at = offset === undefined ? "" : `, byte ${offset}`;
  return new AdjointError("file-format", `safetensors: ${file}${at}: ${problem}`, {
    operation: "safetensors",
    file,
    ...(offset === undefined ? {} : { offset }),
  });
}

/**
 * Reads the header's text and checks that its tensors cover the data exactly: no overlap, no gap, nothing outside.
 * @throws AdjointError `file-format`, `unsupported` for a dtype that tensors do not have
 */
export function parseHeader(text: string, dataLength: number, file: string): Header {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw refuse(
      file,
      `the header is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
      8,
    );
  }
  if (!isObject(parsed))
    throw refuse(file, `the header must be an object, received ${formatReceived(parsed)}`, 8);
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw refuse(file, `the header names ${JSON.stringify(repeated)} twice`, 8);
  const entries: TensorEntry[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  // entries, not property look-ups: a tensor may be called __proto__
  for (const [name, value] of Object.entries(parsed))
    if (name === "__metadata__") metadata = parseMetadata(value, file);
    else entries.push(parseEntry(name, value, dataLength, file));
  checkCover(entries, dataLength, file);
  return { entries, metadata };
}

function parseMetadata(value: unknown, file: string): Map<string, string> {
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string"))
    throw refuse(file, "__metadata__ must be an object of strings", 8);
  return new Map(Object.entries(value) as [string, string][]);
}

function parseEntry(name: string, value: unknown, dataLength: number, file: string): TensorEntry {
  const which = `tensor ${quote(name)}`;
  if (!isObject(value))
    throw refuse(file, `${which} must be described by an object, received ${formatReceived(value)}`, 8);
  const extra = Object.keys(value).find((key) => !["dtype", "shape", "data_offsets"].includes(key));
  if (extra !== undefined) throw refuse(file, `${which} has an unknown entry ${quote(extra)}`, 8);
  if (typeof value.dtype !== "string") throw refuse(file, `${which} has no dtype`, 8);
  const format = formats.get(value.dtype);
  if (format === undefined) {
    const known = [...formats.keys()];
    throw new AdjointError(
      "unsupported",
      `safetensors: ${file}: ${which} is of dtype ${quote(value.dtype)}; known are ${known.join(", ")}, so convert it first`,
      { operation: "safetensors", file, expected: known.join(" | "), received: value.dtype },
    );
  }
  const { shape, data_offsets: offsets } = value;
  if (!isCounts(shape))
    throw refuse(file, `${which}: shape must be a list of whole numbers of at least 0`, 8);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw refuse(file, `${which}: data_offsets must be two whole numbers of at least 0`, 8);
  const [start, end] = offsets;
  if (start > end || end > dataLength)
    throw refuse(
      file,
      `${which}: data_offsets [${start}, ${end}] do not lie in order within ${dataLength} bytes of data`,
      8,
    );
  const bytes = shape.reduce((total, extent) => total * extent, format.width);
  if (end - start !== bytes)
    throw refuse(
      file,
      `${which}: ${value.dtype}${formatShape(shape)} takes ${bytes} bytes, its data_offsets hold ${end - start}`,
      8,
    );
  return { name, format, shape, start, end };
}

function checkCover(entries: readonly TensorEntry[], dataLength: number, file: string): void {
  let covered = 0;
  for (const { name, start, end } of entries.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < covered)
      throw refuse(file, `tensor ${quote(name)} overlaps another at byte ${start} of the data`, 8);
    if (start > covered)
      throw refuse(file, `bytes ${covered} to ${start} of the data belong to no tensor`, 8);
    covered = end;
  }
  if (covered < dataLength)
    throw refuse(file, `bytes ${covered} to ${dataLength} of the data belong to no tensor`, 8);
}

/** The first key that an object of this valid JSON text holds twice, which JSON.parse passes over in silence. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  let last: string | undefined;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}:,[\]]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (token === ":" && last !== undefined) {
      const key = JSON.parse(last) as string;
      if (open.at(-1)?.has(key)) return key;
      open.at(-1)?.add(key);
    }
    last = token.startsWith('"') ? token : undefined;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** A name in quotes, never more than 60 characters of it. */
function quote(name: string): string {
  return JSON.stringify(name.length > 60 ? `${name.slice(0, 59)}…` : name);
}
