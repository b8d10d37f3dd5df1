/** Tables of text cells that remember their lines, so that whatever is wrong with one can be found. */
import { AdjointError, type ErrorCode, random, type Tensor } from "../index.js";
import { checkOptions, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";

/** A row of a table. */
export interface Row {
  /** 1-based; where the row ends, if a quoted cell holds line breaks. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** A row by its columns' names, as JSON has it; null and undefined are missing values. */
export type TableRecord = Readonly<Record<string, string | number | boolean | null | undefined>>;

/**
 * Rows of text under named columns; `data.readTable` makes one of a CSV file.
 *
 * @example
 * const towns = data.Table.from([{ town: "Ulm", people: 129882 }, { town: "Bonn", people: null }]);
 * towns.column("people"); // → 129882,
 * towns.split(1).map(({ size }) => size); // → 2,0
 */
export class Table {
  /** What messages call it. */
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];

  constructor(file: string, columns: readonly string[], rows: readonly Row[]) {
    this.file = file;
    this.columns = columns;
    this.rows = rows;
  }

  /**
   * A table of records, one a row; its columns are the names in the first record.
   *
   * @param file what messages call it
   * @throws AdjointError `invalid-argument` for what is no record, `invalid-data` for values that are no text, number, truth value or null
   * @example data.Table.from([{ a: 1, b: true }]).rows[0].cells; // → 1,true
   */
  static from(records: readonly TableRecord[], file = "the records"): Table {
    if (!Array.isArray(records) || records.length === 0)
      throw invalidArgument(
        "Table.from",
        "records",
        "an array of at least one record",
        formatReceived(records),
      );
    for (const record of records)
      checkOptions(record, "Table.from", "an object such as { rooms: 3 }", "a record");
    const columns = Object.keys(records[0]);
    const rows = records.map((record, i) => ({
      line: i + 1,
      cells: columns.map((name) => cellOf(record, name, file, i + 1)),
    }));
    return new Table(file, columns, rows);
  }

  /** The number of rows. */
  get size(): number {
    return this.rows.length;
  }

  /**
   * The cells of a column.
   * @throws AdjointError `invalid-argument` where there is no such column, naming those there are
   */
  column(name: string): string[] {
    const at = columnIndex(this, name, "name", "table.column");
    return this.rows.map(({ cells }) => cells[at]);
  }

  /**
   * The first `ratio` of the rows (rounded to a whole number) and the rest; with a key, after shuffling. A ratio above 1 is a
   * number of rows.
   * @throws AdjointError `invalid-argument`
   */
  split(ratio: number, key?: Tensor): [Table, Table] {
    const isNumber = typeof ratio === "number" && ratio >= 0;
    const count = !isNumber ? -1 : ratio > 1 ? ratio : Math.round(ratio * this.size);
    if (!isNatural(count) || count > this.size)
      throw invalidArgument(
        "table.split",
        "ratio",
        `from 0 to 1, or a number of rows up to ${this.size}`,
        formatReceived(ratio),
      );
    const order = key === undefined ? undefined : random.permutation(key, this.size).dataSync();
    const rows = order === undefined ? this.rows : Array.from(order, (row) => this.rows[row]);
    return [this.with(rows.slice(0, count)), this.with(rows.slice(count))];
  }

  /** The same columns over other rows. */
  with(rows: readonly Row[]): Table {
    return new Table(this.file, this.columns, rows);
  }

  /** `Table houses.csv: 3 rows of rooms, town, price`: what Node prints. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Table ${this.file}: ${this.size} rows of ${this.columns.join(", ")}`;
  }
}

function cellOf(record: TableRecord, name: string, file: string, line: number): string {
  const value: unknown = Object.hasOwn(record, name) ? record[name] : undefined;
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value.trim();
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw cellError(
    "invalid-data",
    "Table.from",
    file,
    line,
    `expected a text, a number, true, false or null, received ${formatReceived(value)}`,
    { column: name },
  );
}

/** The refusal of a cell or a line. */
export function cellError(
  code: ErrorCode,
  operation: string,
  file: string,
  line: number,
  message: string,
  { column, cause }: { readonly column?: string; readonly cause?: unknown } = {},
): AdjointError {
  const at = column === undefined ? "" : `, column "${column}"`;
  return new AdjointError(
    code,
    `${operation}: ${file}, line ${line}${at}: ${message}`,
    { operation, file, line, ...(column === undefined ? {} : { argument: column }) },
    { cause },
  );
}

/**
 * Where a column is.
 * @throws AdjointError `invalid-argument`, naming the columns there are
 */
export function columnIndex(
  table: Pick<Table, "columns" | "file">,
  name: string,
  argument: string,
  operation: string,
): number {
  const index = table.columns.indexOf(name);
  if (index < 0)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: ${table.file} has no column "${name}" (${argument}); its ${listed(table.columns)}`,
      { operation, argument, expected: table.columns.join(" | "), received: name, file: table.file },
    );
  return index;
}

/** What columns there are, and whether they seem to be one for want of the right delimiter. */
function listed(columns: readonly string[]): string {
  const most = 50;
  const shown = columns.slice(0, most).join(", ");
  const delimiter = columns.length === 1 ? /[;\t|]/.exec(columns[0])?.[0] : undefined;
  if (delimiter !== undefined)
    return `only column is ${JSON.stringify(columns[0])}; is { delimiter: ${JSON.stringify(delimiter)} } meant?`;
  return columns.length > most
    ? `columns are ${shown} and ${columns.length - most} more`
    : `columns are ${shown}`;
}
