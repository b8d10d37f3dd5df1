/** CSV files as tables of text cells that remember their lines, and the numbers and classes in their columns. */
import type { AdjointError } from "../index.js";
import { readBytes } from "../io/index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { decimal } from "./cells.js";
import type { InputArray } from "./parts.js";
import { cellError, Table } from "./table.js";
import { decodeText } from "./utf8.js";

// the command line reads these two with the rest of a table
export { decimal } from "./cells.js";
export { columnIndex, type Table } from "./table.js";

export interface TableOptions {
  /** true (default): the first line names the columns; false: they are called 1, 2, 3, …. */
  readonly header?: boolean;
  /** Between cells; default a comma. */
  readonly delimiter?: string;
  /** What messages call text that comes from no file; by default "the text". */
  readonly name?: string;
}

/** A line as the parser gives it. */
export interface ParsedRecord {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/**
 * Reads a table from a path, or from text that holds at least one line break.
 * @throws AdjointError `file-not-found`, `file-format` with file and line, `invalid-argument`
 */
export async function readTable(source: string, options: TableOptions, operation: string): Promise<Table> {
  if (typeof source !== "string")
    throw invalidArgument(operation, "source", "a path, or text with line breaks", formatReceived(source));
  const { delimiter = "," } = options;
  if (typeof delimiter !== "string" || delimiter === "" || /["\r\n]/.test(delimiter))
    throw invalidArgument(operation, "delimiter", 'a text such as ","', formatReceived(delimiter));
  const isText = /[\r\n]/.test(source);
  const file = isText ? (options.name ?? "the text") : source;
  const text = isText ? source : decodeText(await readBytes(source, operation), operation);
  const records = await parse(text, delimiter, file, operation);
  if (records.length === 0)
    throw cellError("file-format", operation, file, 1, "expected at least one line, received none");
  const names = headerNames(records[0].record, options.header !== false, file, operation);
  const rows = (options.header === false ? records : records.slice(1)).map(({ record, info }) => ({
    line: info.lines,
    cells: record,
  }));
  if (rows.length === 0)
    throw cellError("file-format", operation, file, 1, "the header has no rows below it");
  return new Table(file, names, rows);
}

/**
 * The names of the columns: those in the first line, or 1, 2, 3, ….
 * @throws AdjointError `file-format` for a column without a name, or two with the same
 */
export function headerNames(
  first: readonly string[],
  header: boolean,
  file: string,
  operation: string,
): string[] {
  const names = header ? [...first] : first.map((_, i) => String(i + 1));
  const seen = new Set<string>();
  names.forEach((name, i) => {
    if (name === "")
      throw cellError("file-format", operation, file, 1, `column ${i + 1} has no name in the header`);
    if (seen.has(name)) throw cellError("file-format", operation, file, 1, `two columns are named "${name}"`);
    seen.add(name);
  });
  return names;
}

/** How files are parsed, whole and in pieces. */
export function parseOptions(delimiter: string) {
  return {
    bom: true,
    delimiter,
    info: true,
    // all of them: files that several programs wrote to mix them
    record_delimiter: ["\r\n", "\n", "\r"],
    skip_empty_lines: true,
    trim: true,
  };
}

/** The refusal of what the parser refused. */
export function parseError(cause: unknown, file: string, operation: string): AdjointError {
  const line = (cause as { readonly lines?: number }).lines ?? 1;
  return cellError("file-format", operation, file, line, parseProblem(cause), { cause });
}

async function parse(
  text: string,
  delimiter: string,
  file: string,
  operation: string,
): Promise<ParsedRecord[]> {
  // the parser's usual build needs Node's Buffer; the other brings its own
  const { parse } =
    typeof Buffer === "undefined"
      ? await import("csv-parse/browser/esm/sync")
      : await import("csv-parse/sync");
  try {
    // with `info` each record comes with its line, which the parser's types leave out
    return parse(text, parseOptions(delimiter)) as unknown as ParsedRecord[];
  } catch (cause) {
    throw parseError(cause, file, operation);
  }
}

/** What the parser refused, in the words of the other messages. */
function parseProblem(cause: unknown): string {
  const { code, message, record, columns } = cause as {
    readonly code?: string;
    readonly message: string;
    readonly record?: readonly string[];
    readonly columns?: unknown;
  };
  switch (code) {
    case "CSV_RECORD_INCONSISTENT_FIELDS_LENGTH": {
      const expected = /expect (\d+)/.exec(message)?.[1];
      return expected === undefined || record === undefined || Array.isArray(columns)
        ? message
        : `expected ${expected} cells, as in the first line, received ${record.length}`;
    }
    case "CSV_MAX_RECORD_SIZE":
      return "a line of more than 16 MiB; is a quote not closed?";
    case "CSV_QUOTE_NOT_CLOSED":
      return "the text ends here within a quoted cell: a quote before is not closed";
    case "CSV_INVALID_CLOSING_QUOTE":
    case "INVALID_OPENING_QUOTE":
      return "a quote inside a cell; a cell that holds quotes is quoted and doubles them";
    default:
      return message;
  }
}

/**
 * The numbers of some columns, row-major [rows, columns].
 * @throws AdjointError `invalid-data` with file, line and column for an empty, non-numeric or non-finite cell
 */
export function numbersOf<A extends InputArray>(
  table: Table,
  columns: readonly number[],
  allocate: (length: number) => A,
  operation: string,
): A {
  const values = allocate(table.rows.length * columns.length);
  table.rows.forEach(({ line, cells }, row) => {
    columns.forEach((column, i) => {
      const cell = cells[column];
      const value = decimal.test(cell) ? Number(cell) : Number.NaN;
      const at = row * columns.length + i;
      values[at] = value;
      if (!Number.isFinite(values[at])) {
        const received = cell === "" ? "an empty cell" : `"${cell}"`;
        throw cellError(
          "invalid-data",
          operation,
          table.file,
          line,
          `expected a finite number, received ${received}`,
          { column: table.columns[column] },
        );
      }
    });
  });
  return values;
}

/**
 * A column as classes: their names, sorted (as numbers where all are), and the index of each row's.
 *
 * @param known the classes, where they are decided already
 * @throws AdjointError `invalid-data` with file, line and column for an empty cell or an unknown class
 */
export function classesOf(
  table: Table,
  column: number,
  known: readonly string[] | undefined,
  operation: string,
): { classes: readonly string[]; labels: Int32Array } {
  const cells = table.rows.map((row) => row.cells[column]);
  const classes = known ?? sortedClasses(cells);
  const indices = new Map(classes.map((name, i) => [name, i]));
  const labels = Int32Array.from(cells, (cell, row) => {
    const index = cell === "" ? undefined : indices.get(cell);
    if (index !== undefined) return index;
    const expected = known === undefined ? "a class" : `one of ${classes.join(", ")}`;
    throw cellError(
      "invalid-data",
      operation,
      table.file,
      table.rows[row].line,
      `expected ${expected}, received ${cell === "" ? "an empty cell" : `"${cell}"`}`,
      { column: table.columns[column] },
    );
  });
  return { classes, labels };
}

function sortedClasses(cells: readonly string[]): string[] {
  const distinct = [...new Set(cells)].filter((cell) => cell !== "");
  const numeric = distinct.every((cell) => decimal.test(cell));
  return distinct.sort(numeric ? (a, b) => Number(a) - Number(b) : undefined);
}
