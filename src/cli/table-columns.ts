/**
 * What `adjoint train` makes of a table that is not all numbers: words become columns of 0 and 1, holes are filled, what is of no use
 * is left out, and all of it is said. A table of numbers without a hole needs none of this.
 */

import { numberIn } from "../data/cells.js";
import {
  type ColumnKind,
  type ColumnOptions,
  fitTable,
  type InferredColumn,
  inferColumns,
  type Table,
  type TableTransformJson,
} from "../data/index.js";
import { AdjointError, random } from "../index.js";
import { usage } from "./arguments.js";
import { grouped, visible } from "./output.js";

/** What was asked of the columns. */
export interface ColumnRequest {
  readonly answers: readonly string[];
  readonly isLabel: boolean;
  /** The columns of inputs; by default all that are of use. */
  readonly features: readonly string[] | undefined;
  /** Columns of numbers that are names, such as postcodes. */
  readonly categorical: readonly string[];
  readonly standardize: boolean;
  /** The fraction of rows held out, and the seed that chooses them: columns are fitted to the others. */
  readonly validation: number;
  readonly seed: number;
}

/** Words of one column that get inputs of their own; the rarer ones share the lack of any. */
const mostWords = 50;

/**
 * Deviations of a target that the learning rates of the defaults are made for. Others are scaled to 1: prices in hundreds of thousands
 * would make the first updates as large.
 */
const usualDeviation = { least: 0.1, most: 10 };

/**
 * How the cells of a table become numbers; undefined where they are numbers already, none is missing, and nothing is to be scaled.
 * @throws AdjointError `usage`, and `invalid-data` with line and column for a word among numbers
 */
export function fitColumns(table: Table, request: ColumnRequest): TableTransformJson | undefined {
  const { answers, isLabel, features, categorical, standardize, validation, seed } = request;
  const inferred = new Map(inferColumns(table).map((column) => [column.name, column]));
  const inputs = features ?? table.columns.filter((name) => !answers.includes(name));
  const isPlain = (name: string) =>
    inferred.get(name)?.missing === 0 && !categorical.includes(name) && isAllNumbers(table, name);
  const targets = isLabel ? [] : answers;
  const scaleTargets = standardize && targets.some((name) => isUnusual(table, name));
  const needed = [...inputs, ...targets].some((name) => !isPlain(name));
  // a label's holes are rows without an answer
  if (!needed && !scaleTargets && answers.every((name) => inferred.get(name)?.missing === 0))
    return undefined;

  const columns: Record<string, ColumnOptions> = {};
  for (const name of [...inputs, ...targets]) checkScalable(table, name);
  for (const name of inputs) {
    const column = inferred.get(name);
    if (column === undefined) continue;
    const kind = categorical.includes(name) ? "categorical" : kindOf(table, column, features !== undefined);
    // a hole where there was none in training is more likely a mistake
    const missing = column.missing > 0 ? "median" : "refuse";
    columns[name] = kind === "none" ? { kind } : { kind, missing, unseen: "other", maxCategories: mostWords };
  }
  const [training] = table.split(1 - validation, random.key(seed));
  try {
    return fitTable(training.size === 0 ? table : training, {
      ...(isLabel ? { label: answers[0], classes: classesIn(table, answers[0]) } : { target: answers }),
      ...(features === undefined ? {} : { features }),
      columns,
      standardize,
      standardizeTarget: standardize && !isLabel,
    }).toJSON();
  } catch (error) {
    throw error instanceof AdjointError ? forCommand(error) : error;
  }
}

/** Far above anything that is measured, and its square is still a number. */
const largestNumber = 1e150;

/** @throws AdjointError `invalid-data` with the line of a number whose square, and so the deviation, is none */
function checkScalable(table: Table, name: string): void {
  const at = table.columns.indexOf(name);
  const row = table.rows.find(({ cells }) => Math.abs(numberIn(cells[at]) ?? 0) > largestNumber);
  if (row === undefined) return;
  throw new AdjointError(
    "invalid-data",
    `${table.file}, line ${row.line}, column "${name}": expected a number of at most ${largestNumber} in size, received ${row.cells[at]}`,
    { file: table.file, line: row.line },
  );
}

/** Decimal numbers in every cell. */
function isAllNumbers(table: Table, name: string): boolean {
  return table.column(name).every((cell) => numberIn(cell) !== undefined);
}

function isUnusual(table: Table, name: string): boolean {
  const values = table.column(name).flatMap((cell) => numberIn(cell) ?? []);
  const mean = values.reduce((total, value) => total + value / values.length, 0);
  const variance = values.reduce((total, value) => total + (value - mean) ** 2 / values.length, 0);
  const deviation = Math.sqrt(variance);
  return deviation > 0 && (deviation < usualDeviation.least || deviation > usualDeviation.most);
}

/** What a column is taken for. Where most cells are numbers a word is a slip, to be shown with its line. */
function kindOf(table: Table, column: InferredColumn, wanted: boolean): ColumnKind {
  const { name, kind } = column;
  // many different words may also be ticket numbers, of which some have letters: there a slip is what is rare
  if ((kind === "categorical" || kind === "none") && numberShare(table, name) > (kind === "none" ? 0.9 : 0.5))
    return "number";
  const useless = uselessBecause(column);
  if (useless !== undefined && wanted)
    throw usage(`column "${name}" (--features) is of no use: ${useless}`, "--features");
  return useless === undefined ? kind : "none";
}

/** Of the cells that are not missing, how many are numbers. */
function numberShare(table: Table, name: string): number {
  const cells = table.column(name).filter((cell) => !isMissing(cell));
  return cells.filter((cell) => numberIn(cell) !== undefined).length / cells.length;
}

/** Why nothing can be learned from a column, if so. */
function uselessBecause({ kind, reason, distinct, examples }: InferredColumn): string | undefined {
  if (distinct === 0) return "empty";
  if (distinct === 1) return `always ${examples[0]}`;
  return kind === "none" ? reason : undefined;
}

function classesIn(table: Table, name: string): string[] {
  const words = [...new Set(table.column(name))].filter((cell) => !isMissing(cell));
  const isNumeric = words.every((word) => numberIn(word) !== undefined);
  return words.sort(isNumeric ? (a, b) => Number(a) - Number(b) : undefined);
}

const missing = new Set(["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?"]);
const isMissing = (cell: string): boolean => missing.has(cell);

/** The library's remedies are options of its functions; a command has its own. */
function forCommand(error: AdjointError): AdjointError {
  const column = error.details.argument;
  const isNumber = / expected a finite number, received "/.test(error.message);
  const remedy = isNumber ? `; if its cells are names rather than numbers: --categorical ${column}` : "";
  const message = error.message
    .replace(/^data\.fitTable: /, "")
    .replace(/; data\.inferColumns says why$/, "");
  return new AdjointError(error.code, `${message}${remedy}`, error.details, { cause: error });
}

/** The columns of a transform and what was left out, as lines of 80 columns. */
export function describeColumns(json: TableTransformJson, table: Table): string[] {
  const groups = { numbers: [], words: [], "yes/no": [], dates: [] } as Record<string, string[]>;
  const inferred = new Map(inferColumns(table).map((column) => [column.name, column]));
  for (const column of json.columns) {
    const holes = inferred.get(column.name)?.missing ?? 0;
    const filled =
      holes === 0 || column.missing === null
        ? ""
        : ` (${grouped(holes)} missing: ${typeof column.missing === "number" ? standIn(column.kind, column.missing) : column.missing})`;
    if (column.kind === "categorical") {
      const { distinct = 0 } = inferred.get(column.name) ?? {};
      const some = distinct > column.categories.length ? ` of ${grouped(distinct)}` : "";
      groups.words.push(`${column.name}: ${grouped(column.categories.length)}${some}${filled}`);
    } else
      groups[{ number: "numbers", date: "dates", boolean: "yes/no" }[column.kind]].push(
        `${column.name}${filled}`,
      );
  }
  const { answer } = json;
  const answers = answer.kind === "classes" ? [answer.column] : answer.columns;
  const used = new Set([...json.columns.map(({ name }) => name), ...answers]);
  const left = table.columns
    .filter((name) => !used.has(name))
    .map((name) => {
      const column = inferred.get(name);
      const reason = column && uselessBecause(column);
      return reason === undefined ? name : `${name} (${reason})`;
    });
  const lines = Object.entries(groups).flatMap(([kind, names]) =>
    names.length > 0 ? wrapped(kind, names) : [],
  );
  const unanswered = table.rows.filter(({ cells }) =>
    answers.some((name) => isMissing(cells[table.columns.indexOf(name)])),
  ).length;
  return [
    ...lines,
    ...(left.length === 0 ? [] : wrapped("unused", left)),
    ...(unanswered === 0
      ? []
      : [
          `missing  ${grouped(unanswered)} ${unanswered === 1 ? "row" : "rows"} without ${answers.join(", ")}: left out`,
        ]),
  ];
}

function standIn(kind: "number" | "date" | "boolean" | "categorical", value: number): string {
  if (kind === "boolean") return value === 1 ? "yes" : "no";
  if (kind === "date") return new Date(value * 86_400_000).toISOString().slice(0, 10);
  return String(Number(value.toPrecision(6)));
}

/** `words    town: 8, street: 50 of 312`, over as many lines as it takes. */
function wrapped(head: string, parts: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "";
  for (const part of parts) {
    if (line !== "" && 9 + line.length + 2 + part.length > 79) {
      lines.push(`${line},`);
      line = "";
    }
    line += line === "" ? part : `, ${part}`;
  }
  return [...lines, line].map((text, i) => `${(i === 0 ? head : "").padEnd(9)}${visible(text)}`);
}
