/** Learning from training rows how a table becomes numbers. */
import { AdjointError } from "../index.js";
import { checkOptionNames, checkOptions, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { usualMissing } from "./cells.js";
import { checkClassCount, checkFlag, checkName, checkNames, checkText, checkTexts } from "./checks.js";
import { fitCategorical, fitScalar, numbersIn, scaleOf, sortedWords } from "./fit-column.js";
import type { FittedColumn } from "./fitted-columns.js";
import { type ColumnKind, type InferredColumn, inferColumn, missingTest } from "./infer-columns.js";
import { columnIndex, type Table } from "./table.js";
import { checkTable, type FittedAnswer, TableTransform } from "./table-transform.js";

/**
 * What stands in for a missing cell: nothing ("refuse"), the mean or median of the training rows (of words and truth values, the
 * most frequent one), their most frequent value, or a constant.
 */
export type MissingRule =
  | "refuse"
  | "mean"
  | "median"
  | "mostFrequent"
  | { readonly constant: number | string | boolean };

/** What is to be done with one column; whatever is left out is inferred, or as it is for all columns. */
export interface ColumnOptions {
  /** What it holds; "none" leaves it out. */
  readonly kind?: ColumnKind;
  /** Words as one 0 or 1 for each category, or as the category's number (for an Embedding). */
  readonly encode?: "oneHot" | "code";
  readonly missing?: MissingRule;
  /** What happens to words the training rows do not have. */
  readonly unseen?: "refuse" | "other";
  /** The categories in order; by default those of the training rows, sorted. */
  readonly categories?: readonly string[];
  /** Only the most frequent words are categories; the others are "other", whatever `unseen` says. */
  readonly maxCategories?: number;
  /** Whether its numbers become (value − mean) / deviation. */
  readonly standardize?: boolean;
}

/** Options of {@link fitTable}. */
export interface FitTableOptions {
  /** The column of classes. Give this or `target`. */
  readonly label?: string;
  /** The column or columns of numbers to regress on. Give this or `label`. */
  readonly target?: string | readonly string[];
  /** The columns of inputs, in order; by default all others that are of use. */
  readonly features?: readonly string[];
  /** The names of the classes in the order of their labels; by default those in the table, sorted. */
  readonly classes?: readonly string[];
  /** What single columns are: a kind, or more about it. What is not said is inferred. */
  readonly columns?: Readonly<Record<string, ColumnKind | ColumnOptions>>;
  /** What stands in for missing cells, unless a column says otherwise. Default "refuse". */
  readonly missing?: MissingRule;
  /** What happens to words the training rows do not have, unless a column says otherwise. Default "refuse". */
  readonly unseen?: "refuse" | "other";
  /** How words become numbers, unless a column says otherwise. Default "oneHot". */
  readonly encode?: "oneHot" | "code";
  /** Whether numbers and dates become (value − mean) / deviation, unless a column says otherwise. Default false. */
  readonly standardize?: boolean;
  /** Whether targets do, too; `transform.unscale` undoes it. Default false. */
  readonly standardizeTarget?: boolean;
  /** What counts as missing beside the empty cell. Default NA, N/A, NaN, null, None, ?. */
  readonly missingValues?: readonly string[];
  /** float32 (default) or float64. */
  readonly dtype?: "float32" | "float64";
}

export const fitTableOptionNames = [
  "label",
  "target",
  "features",
  "classes",
  "columns",
  "missing",
  "unseen",
  "encode",
  "standardize",
  "standardizeTarget",
  "missingValues",
  "dtype",
] as const satisfies readonly (keyof FitTableOptions)[];

const operation = "data.fitTable";

/**
 * Decides on the training rows how a table becomes numbers: what its columns are (inferred, see `data.inferColumns`, or as
 * `columns` says), their categories, what stands in for missing cells, means and deviations. Apply it to training rows,
 * validation rows and new rows alike; what it does never depends on those.
 *
 * Columns of no use (empty, names or notes) are left out unless `features` or `columns` ask for them. A column of dates
 * is refused unless asked for: as days since 1970-01-01 with kind "date", or not at all with "none".
 *
 * @throws AdjointError `invalid-data` naming file, line and column, `invalid-argument`
 * @example
 * const houses = await data.readTable("rooms,town,price\n3,Ulm,200\n,Bonn,350\n4,Ulm,300");
 * const transform = data.fitTable(houses, { target: "price", missing: "mean", unseen: "other" });
 * transform.inputs([{ rooms: null, town: "Kiel" }]).array(); // → 3.5,0,0
 */
export function fitTable(table: Table, options: FitTableOptions): TableTransform {
  checkTable(table, operation);
  checkFitTableOptions(options, operation);
  const answers = answersOf(options, operation);
  for (const name of answers)
    columnIndex(table, name, options.label === undefined ? "target" : "label", operation);
  const leaked = options.features?.find((name) => answers.includes(name));
  if (leaked !== undefined)
    throw invalidArgument(
      operation,
      "features",
      "columns beside the answer",
      `"${leaked}", which is the answer`,
    );
  for (const name of Object.keys(options.columns ?? {})) columnIndex(table, name, "columns", operation);
  const { missingValues = usualMissing, dtype = "float32" } = options;
  const isMissing = missingTest(missingValues);
  const names = options.features ?? table.columns.filter((name) => !answers.includes(name));
  const columns = names.flatMap((name) => fitColumn(table, name, options, isMissing));
  if (columns.length === 0)
    throw new AdjointError(
      "invalid-data",
      `${operation}: ${table.file} has no column of inputs that is of use beside ${answers.join(", ")}; data.inferColumns says why`,
      { operation, file: table.file },
    );
  const answer = fitAnswer(table, options, answers, isMissing);
  return new TableTransform({ format: "adjoint-table", version: 1, dtype, columns, answer, missingValues });
}

/** The columns of the answers. @throws AdjointError `invalid-argument` unless there is exactly one of label and target */
export function answersOf(
  { label, target }: Pick<FitTableOptions, "label" | "target">,
  here: string,
): readonly string[] {
  if ((label === undefined) === (target === undefined))
    throw new AdjointError(
      "invalid-argument",
      `${here}: name the column of the answers: label for classes, or target for numbers (one of them), received ${label === undefined ? "neither" : "both"}`,
      { operation: here, argument: "label" },
    );
  if (label !== undefined) return [label];
  return typeof target === "string" ? [target] : (target ?? []);
}

function fitColumn(
  table: Table,
  name: string,
  options: FitTableOptions,
  isMissing: (cell: string) => boolean,
): FittedColumn[] {
  columnIndex(table, name, "features", operation);
  const given =
    options.columns !== undefined && Object.hasOwn(options.columns, name) ? options.columns[name] : {};
  const own: ColumnOptions = typeof given === "string" ? { kind: given } : given;
  const inferred = inferColumn(name, table.column(name), isMissing);
  const kind = own.kind ?? usableKind(inferred, options.features !== undefined, table.file);
  const { missing = "refuse", unseen = "refuse", encode = "oneHot", standardize = false } = options;
  const settled = { name, missing, unseen, encode, standardize, ...own };
  switch (kind) {
    case "none":
      return [];
    case "categorical":
      return [fitCategorical(table, settled, isMissing)];
    case "number":
    case "date":
    case "boolean":
      return [fitScalar(table, kind, settled, isMissing)];
  }
}

/** The kind of a column nobody described. */
function usableKind(
  { name, kind, reason, examples }: InferredColumn,
  wanted: boolean,
  file: string,
): ColumnKind {
  if (kind === "date" || (kind === "none" && wanted)) {
    const what =
      kind === "date" ? `holds dates, such as ${examples[0]}` : `seems to be of no use (${reason})`;
    const ways =
      kind === "date"
        ? `"date" makes days since 1970-01-01 of them, "none" leaves the column out`
        : `say what it is, such as "number" or "categorical"`;
    throw new AdjointError(
      "invalid-data",
      `${operation}: ${file}: column "${name}" ${what}; in { columns: { ${JSON.stringify(name)}: … } } ${ways}`,
      { operation, argument: name, file, received: reason },
    );
  }
  return kind;
}

function fitAnswer(
  table: Table,
  options: FitTableOptions,
  answers: readonly string[],
  isMissing: (cell: string) => boolean,
): FittedAnswer {
  if (options.label !== undefined) {
    const cells = table.column(options.label).filter((cell) => !isMissing(cell));
    const classes = options.classes ?? sortedWords(cells);
    checkClassCount(classes, operation, `${table.file}: column "${options.label}"`);
    return { kind: "classes", column: options.label, classes };
  }
  const scales = answers.map((name) =>
    options.standardizeTarget === true
      ? scaleOf(numbersIn(table, name, "number", isMissing, operation))
      : { mean: 0, deviation: 1 },
  );
  return {
    kind: "numbers",
    columns: answers,
    mean: scales.map(({ mean }) => mean),
    deviation: scales.map(({ deviation }) => deviation),
  };
}

/** @throws AdjointError `invalid-argument` */
export function checkFitTableOptions(options: FitTableOptions, here: string): void {
  checkOptionNames(options, fitTableOptionNames, here);
  const { label, target, features, classes, columns, missingValues, dtype } = options;
  checkText(label, here, "label");
  if (typeof target !== "string") checkNames(target, here, "target");
  if (target?.length === 0) throw invalidArgument(here, "target", "a column or more", "none");
  checkNames(features, here, "features");
  checkNames(classes, here, "classes");
  checkTexts(missingValues, here, "missingValues");
  checkName(dtype, ["float32", "float64"], here, "dtype");
  checkFlag(options.standardizeTarget, here, "standardizeTarget");
  checkColumnOptions(options, "options", here);
  if (columns === undefined) return;
  if (typeof columns !== "object" || columns === null || Array.isArray(columns))
    throw invalidArgument(
      here,
      "columns",
      'an object such as { town: "categorical" }',
      formatReceived(columns),
    );
  for (const [name, given] of Object.entries<ColumnKind | ColumnOptions>(columns)) {
    const own = typeof given === "string" ? { kind: given } : given;
    checkOptions(own, here, "a kind, or an object of options", `columns.${name}`);
    checkOptionNames(own, columnOptionNames, here);
    checkName(own.kind, ["number", "categorical", "boolean", "date", "none"], here, `columns.${name}`);
    checkNames(own.categories, here, `columns.${name}.categories`);
    const { maxCategories: most } = own;
    if (most !== undefined && !(isNatural(most) && most > 0))
      throw invalidArgument(
        here,
        `columns.${name}.maxCategories`,
        "an integer of at least 1",
        formatReceived(most),
      );
    checkColumnOptions(own, `columns.${name}`, here);
  }
}

const columnOptionNames = [
  "kind",
  "encode",
  "missing",
  "unseen",
  "categories",
  "maxCategories",
  "standardize",
] as const satisfies readonly (keyof ColumnOptions)[];

function checkColumnOptions(own: ColumnOptions, place: string, here: string): void {
  checkName(own.encode, ["oneHot", "code"], here, `${place}.encode`);
  checkName(own.unseen, ["refuse", "other"], here, `${place}.unseen`);
  checkFlag(own.standardize, here, `${place}.standardize`);
  const { missing } = own;
  if (missing === undefined || typeof missing === "string") {
    checkName(missing, ["refuse", "mean", "median", "mostFrequent"], here, `${place}.missing`);
    return;
  }
  checkOptions(
    missing,
    here,
    '"refuse", "mean", "median", "mostFrequent" or { constant }',
    `${place}.missing`,
  );
  checkOptionNames(missing, ["constant"], here);
  if (!["number", "string", "boolean"].includes(typeof missing.constant))
    throw invalidArgument(
      here,
      `${place}.missing.constant`,
      "a number, a text, true or false",
      formatReceived(missing.constant),
    );
}
