/**
 * Guesses what the columns of a table are. Every guess comes with its reason, and any of them can be overridden: a guess that
 * nobody sees is how a postcode becomes a quantity.
 */
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { daysIn, isTruthWord, numberIn, usualMissing } from "./cells.js";
import { checkTexts } from "./checks.js";
import { Table } from "./table.js";

/** What a column holds: numbers, one of several words, truth values, dates, or nothing of use. */
export type ColumnKind = "number" | "categorical" | "boolean" | "date" | "none";

/** What a column seems to be. */
export interface InferredColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Why, in words. */
  readonly reason: string;
  /** How many cells are missing. */
  readonly missing: number;
  /** How many different values the others hold. */
  readonly distinct: number;
  /** The first few of them. */
  readonly examples: readonly string[];
}

/** Words in more kinds than this, and in more than half as many as there are cells, are names or notes rather than categories. */
const manyWords = 50;

/**
 * What the columns of a table seem to be, with reasons: `number` where every cell is one, `boolean` for true and false or yes and
 * no, `date` for ISO 8601 dates, `categorical` for words, and `none` for what is of no use: empty columns, and words of which
 * nearly every one is another (names, notes). Missing cells do not count.
 *
 * @param options.missingValues what counts as missing; by default the empty cell, NA, N/A, NaN, null, None and ?
 * @throws AdjointError `invalid-argument`
 * @example
 * const houses = await data.readTable("rooms,town,sold\n3,Ulm,yes\nNA,Bonn,no\n4,Ulm,no");
 * data.inferColumns(houses).map(({ name, kind }) => `${name}: ${kind}`); // → rooms: number,town: categorical,sold: boolean
 * data.inferColumns(houses)[0].missing; // → 1
 */
export function inferColumns(
  table: Table,
  options: { readonly missingValues?: readonly string[] } = {},
): InferredColumn[] {
  if (!(table instanceof Table))
    throw invalidArgument(
      "data.inferColumns",
      "table",
      "a table, as data.readTable gives it",
      formatReceived(table),
    );
  checkOptionNames(options, ["missingValues"], "data.inferColumns");
  checkTexts(options.missingValues, "data.inferColumns", "missingValues");
  const isMissing = missingTest(options.missingValues);
  return table.columns.map((name) => inferColumn(name, table.column(name), isMissing));
}

/** What counts as missing. The empty cell always does. */
export function missingTest(words: readonly string[] = usualMissing): (cell: string) => boolean {
  const known = new Set(words);
  return (cell) => cell === "" || known.has(cell);
}

/** What one column seems to be. */
export function inferColumn(
  name: string,
  all: readonly string[],
  isMissing: (cell: string) => boolean,
): InferredColumn {
  const cells = all.filter((cell) => !isMissing(cell));
  const distinct = new Set(cells);
  const [kind, reason] = guess(cells, distinct);
  const examples = [...distinct].slice(0, 3);
  return { name, kind, reason, missing: all.length - cells.length, distinct: distinct.size, examples };
}

function guess(cells: readonly string[], distinct: ReadonlySet<string>): [ColumnKind, string] {
  if (cells.length === 0) return ["none", "empty"];
  if (cells.every((cell) => numberIn(cell) !== undefined)) return ["number", "every cell is a number"];
  if (cells.every(isTruthWord)) return ["boolean", `every cell is ${[...distinct].slice(0, 4).join(" or ")}`];
  if (cells.every((cell) => daysIn(cell) !== undefined)) return ["date", "every cell is a date"];
  const numbers = cells.filter((cell) => numberIn(cell) !== undefined).length;
  if (distinct.size > manyWords && distinct.size > cells.length / 2)
    return ["none", `${distinct.size} different words in ${cells.length} cells: names or notes`];
  // a few words among many numbers are more likely marks of missing values than categories
  const word = cells.find((cell) => numberIn(cell) === undefined);
  return numbers === 0
    ? ["categorical", `${distinct.size} different words`]
    : ["categorical", `${distinct.size} different values, and not all are numbers: "${word}"`];
}
