/**
 * The header of a safetensors file: JSON that says of each tensor its dtype, its shape and where its bytes lie. It is read by the
 * rules of the format's own reader in Rust (no name twice, whole numbers only, tensors that cover the data without overlap or
 * gap), and stops at the first byte that breaks one: a general JSON parser would first build whatever a hostile header holds, and
 * would pass over a repeated name. Stricter than Rust's: no further entries beside dtype, shape and data_offsets, and no null for
 * the metadata.
 */
import { AdjointError } from "../index.js";
import { formatReceived } from "../util/errors.js";
import { type Format, formats } from "./element-formats.js";
import { JsonCursor } from "./json-cursor.js";
import { checkExtents, countOf, formatType } from "./limits.js";
import { quoteName } from "./names.js";

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

/** Where the header begins, after its length. */
const headerStart = 8;

/**
 * Reads the bytes of the header and checks that its tensors cover the data exactly: no overlap, no gap, nothing outside.
 * @throws AdjointError `file-format`, `unsupported` for a dtype or a size that tensors do not have
 */
export function parseHeader(bytes: Uint8Array, dataLength: number, file: string): Header {
  const json = new JsonCursor(bytes, (problem, at) =>
    refuse(file, `the header is not JSON of tensors: ${problem}`, headerStart + at),
  );
  const entries: TensorEntry[] = [];
  const names = new Set<string>();
  let metadata: ReadonlyMap<string, string> = new Map();
  json.object((name, at) => {
    if (names.has(name)) throw refuse(file, `the header names ${quoteName(name)} twice`, headerStart + at);
    names.add(name);
    if (name === "__metadata__") metadata = readMetadata(json, file);
    else entries.push(readEntry(json, name, dataLength, file));
  });
  json.end();
  checkCover(entries, dataLength, file);
  return { entries, metadata };
}

function readMetadata(json: JsonCursor, file: string): Map<string, string> {
  const metadata = new Map<string, string>();
  if (!json.begins("{")) throw problem();
  json.object((key, at) => {
    if (!json.begins('"')) throw problem();
    if (metadata.has(key))
      throw refuse(file, `the header names ${quoteName(key)} of __metadata__ twice`, headerStart + at);
    metadata.set(key, json.string());
  });
  return metadata;

  function problem(): AdjointError {
    return refuse(file, "__metadata__ must be an object of strings", headerStart + json.position);
  }
}

function readEntry(json: JsonCursor, name: string, dataLength: number, file: string): TensorEntry {
  const which = `tensor ${quoteName(name)}`;
  const at = headerStart + json.position;
  if (!json.begins("{")) throw refuse(file, `${which} must be described by an object`, at);
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  json.object((key, place) => {
    const seen = { dtype, shape, data_offsets: offsets };
    if (!Object.hasOwn(seen, key))
      throw refuse(file, `${which} has an unknown entry ${quoteName(key)}`, headerStart + place);
    if (seen[key as keyof typeof seen] !== undefined)
      throw refuse(file, `${which}: the header names ${quoteName(key)} twice`, headerStart + place);
    const here = headerStart + json.position;
    if (key === "dtype") {
      if (!json.begins('"')) throw refuse(file, `${which}: dtype must be a string`, here);
      dtype = json.string();
    } else {
      const list = json.counts();
      if (list === undefined || (key === "data_offsets" && list.length !== 2)) {
        const expected =
          key === "shape" ? "a list of whole numbers of at least 0" : "two whole numbers of at least 0";
        throw refuse(file, `${which}: ${key} must be ${expected}`, here);
      }
      if (key === "shape") shape = list;
      else offsets = list;
    }
  });
  if (dtype === undefined) throw refuse(file, `${which} has no dtype`, at);
  if (shape === undefined) throw refuse(file, `${which} has no shape`, at);
  if (offsets === undefined) throw refuse(file, `${which} has no data_offsets`, at);
  return placed(name, formatOf(dtype, which, file), shape, offsets, dataLength, { file, which, at, dtype });
}

function formatOf(dtype: string, which: string, file: string): Format {
  const format = formats.get(dtype);
  if (format !== undefined) return format;
  const known = [...formats.keys()];
  throw new AdjointError(
    "unsupported",
    `safetensors: ${file}: ${which} is of dtype ${quoteName(dtype)}; known are ${known.join(", ")}, so convert it first`,
    { operation: "safetensors", file, expected: known.join(" | "), received: formatReceived(dtype) },
  );
}

interface Place {
  readonly file: string;
  readonly which: string;
  readonly at: number;
  readonly dtype: string;
}

function placed(
  name: string,
  format: Format,
  shape: readonly number[],
  [start, end]: readonly number[],
  dataLength: number,
  { file, which, at, dtype }: Place,
): TensorEntry {
  if (start > end || end > dataLength)
    throw refuse(
      file,
      `${which}: data_offsets [${start}, ${end}] do not lie in order within ${dataLength} bytes of data`,
      at,
    );
  const bytes = countOf(shape) * format.width;
  if (end - start !== bytes) {
    const taken = Number.isNaN(bytes) ? "more bytes than can be counted" : `${bytes} bytes`;
    const type = formatType(dtype, shape);
    throw refuse(file, `${which}: ${type} takes ${taken}, its data_offsets hold ${end - start}`, at);
  }
  checkExtents(shape, "safetensors", `${file}: ${which}`, file);
  return { name, format, shape, start, end };
}

function checkCover(entries: readonly TensorEntry[], dataLength: number, file: string): void {
  let covered = 0;
  for (const { name, start, end } of entries.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < covered)
      throw refuse(
        file,
        `tensor ${quoteName(name)} overlaps another at byte ${start} of the data`,
        headerStart,
      );
    if (start > covered)
      throw refuse(file, `bytes ${covered} to ${start} of the data belong to no tensor`, headerStart);
    covered = end;
  }
  if (covered < dataLength)
    throw refuse(file, `bytes ${covered} to ${dataLength} of the data belong to no tensor`, headerStart);
}
