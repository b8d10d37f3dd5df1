/** Reading a table as it stands, before anybody decides what its columns mean. */
import { checkOptionNames } from "../util/checks.js";
import { checkFlag, checkText } from "./checks.js";
import { readTable as read, type TableOptions } from "./csv-table.js";
import type { Table } from "./table.js";

/**
 * Reads a CSV file as a table of text: blank lines are skipped, cells trimmed, quotes understood.
 *
 * @param source a path (gzip files are unpacked), or the text itself, with its line breaks
 * @throws AdjointError `file-not-found`, `file-format` naming file and line, `invalid-argument`
 * @example
 * const houses = await data.readTable("rooms,town,price\n3,Ulm,200\n4,Bonn,350");
 * houses.columns; // → rooms,town,price
 */
export async function readTable(source: string, options: TableOptions = {}): Promise<Table> {
  checkOptionNames(options, ["header", "delimiter", "name"], "data.readTable");
  checkFlag(options.header, "data.readTable", "header");
  checkText(options.name, "data.readTable", "name");
  return read(source, options, "data.readTable");
}
