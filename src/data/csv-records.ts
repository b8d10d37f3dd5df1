/** The records of a CSV file, parsed as they are read: a piece of the file is in memory. */
import { AdjointError } from "../index.js";
import { headerNames, type ParsedRecord, parseError, parseOptions } from "./csv-table.js";
import { pieces } from "./open-file.js";
import type { Row } from "./table.js";

/** The names of the columns of a file. */
export async function columnsOf(
  path: string,
  delimiter: string,
  header: boolean,
  operation: string,
): Promise<string[]> {
  for await (const [first] of records(path, delimiter, operation))
    return headerNames(first.record, header, path, operation);
  throw new AdjointError(
    "file-format",
    `${operation}: ${path}, line 1: expected at least one line, received none`,
    {
      operation,
      file: path,
      line: 1,
    },
  );
}

/** The rows of a file, in chunks as they come. */
export async function* rowsOf(
  path: string,
  delimiter: string,
  header: boolean,
  operation: string,
): AsyncGenerator<Row[]> {
  let isFirst = header;
  for await (const chunk of records(path, delimiter, operation)) {
    const rows = chunk.map(({ record, info }) => ({ line: info.lines, cells: record }));
    yield isFirst ? rows.slice(1) : rows;
    isFirst = false;
  }
}

/** Bytes that one record may have: a quote that is never closed must not read the whole file into one cell. */
const longestRecord = 1 << 24;

/** Records that are handed on together. */
const chunkSize = 256;

async function* records(path: string, delimiter: string, operation: string): AsyncGenerator<ParsedRecord[]> {
  const { parse } = await import("csv-parse");
  const { Readable } = await import("node:stream");
  const source = Readable.from(decoded(path, operation));
  const parser = parse({ ...parseOptions(delimiter), max_record_size: longestRecord });
  // an error of the file has to reach whoever reads the records
  source.on("error", (cause) => parser.destroy(cause));
  source.pipe(parser);
  let chunk: ParsedRecord[] = [];
  try {
    for await (const record of parser) {
      chunk.push(record as ParsedRecord);
      if (chunk.length < chunkSize) continue;
      yield chunk;
      chunk = [];
    }
  } catch (cause) {
    // rows before the one that is refused are good, and come before the refusal
    if (chunk.length > 0) yield chunk;
    throw cause instanceof AdjointError ? cause : parseError(cause, path, operation);
  } finally {
    source.destroy();
    parser.destroy();
  }
  if (chunk.length > 0) yield chunk;
}

async function* decoded(path: string, operation: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const piece of pieces(path, operation)) yield decoder.decode(piece, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    if (cause instanceof AdjointError) throw cause;
    throw new AdjointError(
      "file-format",
      `${operation}: ${path} is not UTF-8 text`,
      { operation, file: path },
      { cause },
    );
  }
}
