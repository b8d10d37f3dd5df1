/**
 * IDX and NPY files as rows of fixed length, read some at a time. The rows that are wanted are put behind a header that announces
 * as many, and the reader of whole files does the rest: element types, byte order and checks are in one place.
 */
import { AdjointError } from "../index.js";
import { formatShape } from "../util/errors.js";
import { fileSize, isGzip, pieces, readRange } from "./open-file.js";

/** What a file's header says. */
export interface Header {
  /** Bytes before the first element. */
  readonly length: number;
  /** [rows, …] */
  readonly shape: readonly number[];
  /** The header of a file with another number of rows. */
  withRows(rows: number): Uint8Array;
}

/** Reads a header from the first bytes of a file, or says how many bytes it needs. */
export type ReadHeader = (bytes: Uint8Array, refuse: (problem: string) => AdjointError) => Header | number;

/** A file of rows. */
export interface RecordFile {
  readonly path: string;
  readonly header: Header;
  readonly rowBytes: number;
  readonly isPacked: boolean;
}

/** More than any header: IDX has at most 255 dimensions, NPY says how long its is. */
const longestHeader = 1 << 20;

/** The elements of the file are as many bytes each; what the header announces must be there. */
export async function openRecords(
  path: string,
  readHeader: ReadHeader,
  bytesPerElement: (header: Header, bytes: Uint8Array) => number,
  operation: string,
): Promise<RecordFile> {
  const refuse = (problem: string): AdjointError =>
    new AdjointError("file-format", `${operation}: ${path}: ${problem}`, { operation, file: path });
  const isPacked = await isGzip(path, operation);
  let bytes = await beginning(path, 256, isPacked, operation);
  let header = readHeader(bytes, refuse);
  if (typeof header === "number" && header <= longestHeader) {
    bytes = await beginning(path, header, isPacked, operation);
    header = readHeader(bytes, refuse);
  }
  if (typeof header === "number") throw refuse("the file ends within its header");
  if (header.shape.length === 0) throw refuse("expected rows, received a single number");
  const width = header.shape.slice(1).reduce((total, extent) => total * extent, 1);
  const rowBytes = width * bytesPerElement(header, bytes);
  const expected = header.length + header.shape[0] * rowBytes;
  const received = isPacked ? expected : await fileSize(path, operation);
  if (expected !== received)
    throw refuse(
      `expected ${expected} bytes for the shape ${formatShape(header.shape)}, received ${received}`,
    );
  return { path, header, rowBytes, isPacked };
}

async function beginning(
  path: string,
  length: number,
  isPacked: boolean,
  operation: string,
): Promise<Uint8Array> {
  if (!isPacked) return readRange(path, 0, length, operation);
  let start = new Uint8Array(0);
  for await (const piece of pieces(path, operation)) {
    start = joined([start, piece]);
    if (start.length >= length) break;
  }
  return start.subarray(0, length);
}

/** A small file with the rows at the indices, neighbours read at once. */
export async function pickRows(
  file: RecordFile,
  indices: Int32Array,
  operation: string,
): Promise<Uint8Array> {
  const { closeSync, openSync, readSync } = await import("node:fs");
  const { path, header, rowBytes } = file;
  const head = header.withRows(indices.length);
  const bytes = new Uint8Array(head.length + indices.length * rowBytes);
  bytes.set(head);
  const descriptor = openSync(path, "r");
  try {
    for (let i = 0; i < indices.length; ) {
      let stop = i + 1;
      while (stop < indices.length && indices[stop] === indices[stop - 1] + 1) stop++;
      const length = (stop - i) * rowBytes;
      const read = readSync(
        descriptor,
        bytes,
        head.length + i * rowBytes,
        length,
        header.length + indices[i] * rowBytes,
      );
      if (read !== length)
        throw new AdjointError("file-format", `${operation}: ${path} became shorter while it was read`, {
          operation,
          file: path,
        });
      i = stop;
    }
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}

/** Rows one after the other, in chunks as they come. */
export async function* rowsInOrder(file: RecordFile, operation: string): AsyncGenerator<Uint8Array[]> {
  const { header, path, rowBytes } = file;
  let rest = new Uint8Array(0);
  let toSkip = header.length;
  let count = 0;
  for await (const piece of pieces(path, operation)) {
    const skipped = Math.min(toSkip, piece.length);
    toSkip -= skipped;
    rest = joined([rest, piece.subarray(skipped)]);
    const whole = rowBytes === 0 ? 0 : Math.floor(rest.length / rowBytes);
    const rows = Array.from({ length: whole }, (_, i) => rest.slice(i * rowBytes, (i + 1) * rowBytes));
    rest = rest.slice(whole * rowBytes);
    count += rows.length;
    if (rows.length > 0) yield rows;
  }
  if (count !== header.shape[0] || rest.length > 0)
    throw new AdjointError(
      "file-format",
      `${operation}: ${path}: expected ${header.shape[0]} rows of ${rowBytes} bytes, received ${count}${rest.length > 0 ? ` and ${rest.length} bytes` : ""}`,
      { operation, file: path, expected: String(header.shape[0]), received: String(count) },
    );
}

/** A small file with these rows. */
export function withHeader(file: RecordFile, rows: readonly Uint8Array[]): Uint8Array {
  return joined([file.header.withRows(rows.length), ...rows]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
