/** Reading a table as it stands, before anybody decides what its columns mean. */
import { checkOptionNames, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkFlag, checkText } from "./checks.js";
import { columnsOf, rowsOf } from "./csv-records.js";
import { readTable as readWhole, type TableOptions } from "./csv-table.js";
import { type Row, Table } from "./table.js";

/** Options of {@link readTable}. */
export interface ReadTableOptions extends TableOptions {
  /** No more than so many rows, from the beginning, are read of a file: enough to fit a transform for a stream of the rest. */
  readonly rows?: number;
}

const operation = "data.readTable";

/**
 * Reads a CSV file as a table of text: blank lines are skipped, cells trimmed, quotes understood.
 *
 * @param source a path (gzip files are unpacked), or the text itself, with its line breaks
 * @throws AdjointError `file-not-found`, `file-format` naming file and line, `invalid-argument`
 * @example
 * const houses = await data.readTable("rooms,town,price\n3,Ulm,200\n4,Bonn,350");
 * houses.columns; // → rooms,town,price
 */
export async function readTable(source: string, options: ReadTableOptions = {}): Promise<Table> {
  checkOptionNames(options, ["header", "delimiter", "name", "rows"], operation);
  const { header = true, delimiter = ",", name, rows } = options;
  checkFlag(header, operation, "header");
  checkText(name, operation, "name");
  if (rows !== undefined && !(isNatural(rows) && rows > 0))
    throw invalidArgument(operation, "rows", "an integer of at least 1", formatReceived(rows));
  const isText = typeof source !== "string" || /[\r\n]/.test(source);
  if (isText || rows === undefined) {
    const table = await readWhole(source, options, operation);
    return rows === undefined ? table : table.with(table.rows.slice(0, rows));
  }
  const columns = await columnsOf(source, delimiter, header, operation);
  const read: Row[] = [];
  for await (const chunk of rowsOf(source, delimiter, header, operation)) {
    read.push(...chunk);
    if (read.length >= rows) break;
  }
  return new Table(source, columns, read.slice(0, rows));
}
