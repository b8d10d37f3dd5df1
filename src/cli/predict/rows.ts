/** Rows of text as they come: of CSV, and of JSON with a value a line. */
import type { Row } from "../../data/index.js";
import { AdjointError } from "../../index.js";

/** Rows at once: what has come, but not more than this. */
const largestBlock = 1024;

/** Refuses a line. */
export function lineError(name: string, line: number, problem: string): AdjointError {
  return new AdjointError("file-format", `${name}, line ${line}: ${problem}`, { file: name, line });
}

/** A row longer than this has a quote that is never closed. */
const longestRow = 1 << 26;

/**
 * The records of a CSV text, those that have come at a time: who writes a line gets the answer to it, and a large file is never
 * in memory. Blank lines are skipped, cells trimmed.
 *
 * @throws AdjointError `file-format` with the line; the rows before have been given
 */
export async function* csvRows(
  text: AsyncIterable<string>,
  name: string,
  delimiter: string,
): AsyncGenerator<readonly Row[]> {
  const { parse } = await import("csv-parse/sync");
  let width: number | undefined;
  for await (const { part, line } of wholeLines(text, name)) {
    const rows: Row[] = [];
    let refusal: AdjointError | undefined;
    const add = (cells: readonly string[], { lines }: { readonly lines: number }): void => {
      width ??= cells.length;
      if (cells.length === width && refusal === undefined) rows.push({ line: line + lines, cells });
      else
        refusal ??= lineError(
          name,
          line + lines,
          `expected ${width} cells, as in the first line, received ${cells.length}`,
        );
    };
    try {
      const options = { delimiter, skip_empty_lines: true, trim: true, relax_column_count: true } as const;
      // what is read before something goes wrong is answered, too
      parse(part, { ...options, on_record: (cells: readonly string[], context) => void add(cells, context) });
    } catch (error) {
      refusal ??= csvError(error, name, line);
    }
    if (rows.length > 0) yield rows;
    if (refusal !== undefined) throw refusal;
  }
}

/** A text in parts of whole records, with the number of lines before each: a line break inside of quotes ends none. */
async function* wholeLines(
  text: AsyncIterable<string>,
  name: string,
): AsyncGenerator<{ readonly part: string; readonly line: number }> {
  let rest = "";
  let line = 0;
  // of the rest: quotes seen, and where its last record ends
  let [seen, isQuoted, end] = [0, false, 0];
  for await (const chunk of text) {
    rest += line === 0 && rest === "" ? chunk.replace(/^\uFEFF/, "") : chunk;
    for (; seen < rest.length; seen++) {
      const character = rest.charCodeAt(seen);
      if (character === quote) isQuoted = !isQuoted;
      else if (character === lineFeed && !isQuoted) end = seen + 1;
    }
    if (end > 0) {
      const part = rest.slice(0, end);
      yield { part, line };
      line += part.split("\n").length - 1;
      rest = rest.slice(end);
      [seen, end] = [rest.length, 0];
    }
    if (rest.length > longestRow)
      throw lineError(name, line + 1, "a row of more than 64 million characters; is a quote not closed?");
  }
  if (rest !== "") yield { part: rest, line };
}

const quote = 0x22;
const lineFeed = 0x0a;

function csvError(cause: unknown, name: string, before: number): AdjointError {
  const {
    code,
    message,
    lines = 1,
  } = cause as {
    readonly code?: string;
    readonly message: string;
    readonly lines?: number;
  };
  const known: Readonly<Record<string, string>> = {
    CSV_QUOTE_NOT_CLOSED: "a quoted cell is not closed",
    CSV_INVALID_CLOSING_QUOTE: "a quote inside a cell; a cell that holds quotes is quoted and doubles them",
    INVALID_OPENING_QUOTE: "a quote inside a cell; a cell that holds quotes is quoted and doubles them",
  };
  return lineError(name, before + lines, known[code ?? ""] ?? message);
}

/** A value of JSON and its line. */
export interface JsonRow {
  readonly line: number;
  readonly value: unknown;
}

/**
 * The values of a text with one a line, those that have come at a time; blank lines are skipped.
 * @throws AdjointError `file-format` with the line; what was read before has been given
 */
export async function* jsonRows(
  text: AsyncIterable<string>,
  name: string,
): AsyncGenerator<readonly JsonRow[]> {
  let rest = "";
  let line = 0;
  async function* parsed(lines: readonly string[]): AsyncGenerator<readonly JsonRow[]> {
    let block: JsonRow[] = [];
    for (const written of lines) {
      line++;
      if (written.trim() === "") continue;
      let value: unknown;
      try {
        value = JSON.parse(written);
      } catch {
        if (block.length > 0) yield block;
        throw lineError(name, line, "expected a value of JSON, all of it in this line");
      }
      block.push({ line, value });
      if (block.length < largestBlock) continue;
      yield block;
      block = [];
    }
    if (block.length > 0) yield block;
  }
  for await (const chunk of text) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* parsed(lines);
  }
  yield* parsed([rest]);
}
