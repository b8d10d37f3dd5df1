/** Data sets from CSV files. */
import { AdjointError } from "../index.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { checkClassCount, checkFlag, checkName, checkNames, checkText } from "./checks.js";
import { classesOf, columnIndex, numbersOf, readTable, type Table, type TableOptions } from "./csv-table.js";
import { type Dataset, dataset } from "./dataset.js";
import { type FitTableOptions, fitTable, fitTableOptionNames } from "./fit-table.js";

/** Options of {@link csv}: which columns are what, and how the file is written. */
export interface CsvOptions extends TableOptions, Omit<FitTableOptions, "columns"> {
  /** The column of classes, numbers or words: targets are labels. Give this or `target`. */
  readonly label?: string;
  /** The column or columns of numbers to regress on: targets are [columns]. Give this or `label`. */
  readonly target?: string | readonly string[];
  /** The columns of inputs, in order; by default all others, in the order of the file. */
  readonly features?: readonly string[];
  /** The names of the classes in the order of their labels; by default those in the file, sorted. */
  readonly classes?: readonly string[];
  /** Default float32. */
  readonly dtype?: "float32" | "float64";
  /** What the data set is called; by default the path. */
  readonly name?: string;
  /**
   * What single columns are, as for `data.fitTable`; "infer" to have all of them inferred. Without this and the other options of
   * `data.fitTable`, every input must be a number.
   */
  readonly columns?: "infer" | FitTableOptions["columns"];
}

const operation = "data.csv";
const optionNames = [
  ...fitTableOptionNames,
  "header",
  "delimiter",
  "name",
] as const satisfies readonly (keyof CsvOptions)[];

/** Options that ask for more than a table of numbers. */
const typedOptions = [
  "columns",
  "missing",
  "unseen",
  "encode",
  "standardize",
  "standardizeTarget",
  "missingValues",
] as const satisfies readonly (keyof CsvOptions)[];

/**
 * Reads a table of numbers, one example a line, with the column of the answers named: `label` for classes, `target` for
 * numbers. Every input must be a finite number; blank lines are skipped, cells trimmed, quotes understood.
 *
 * Words, truth values, dates and missing cells are taken with the options of `data.fitTable`, learned here from all rows: where some
 * are for validation, or new rows will come, fit a transform on the training rows instead and keep it.
 *
 * @param source a path (gzip files are unpacked), or the text itself, with its line breaks
 * @throws AdjointError `file-not-found`, `file-format` and `invalid-data` naming file, line and column,
 * `invalid-argument` for a column that is not there; a single class is `invalid-data`
 * @example
 * const flowers = await data.csv("petal,kind\n1.4,setosa\n4.7,versicolor\n1.3,setosa", { label: "kind" });
 * flowers.classes; // → setosa,versicolor
 * flowers.targets; // → 0,1,0
 * const houses = await data.csv("rooms,town,price\n3,Ulm,2\n,Bonn,3", { target: "price", columns: "infer", missing: "mean" });
 * houses.inputs; // → 3,0,1,3,1,0
 */
export async function csv(source: string, options: CsvOptions): Promise<Dataset> {
  checkCsvOptions(options);
  const { label, target } = options;
  if ((label === undefined) === (target === undefined))
    throw new AdjointError(
      "invalid-argument",
      `${operation}: name the column of the answers: label for classes, or target for numbers (one of them), received ${label === undefined ? "neither" : "both"}`,
      { operation, argument: "label" },
    );
  const table = await readTable(source, options, operation);
  if (typedOptions.some((option) => options[option] !== undefined)) return typed(table, options);
  const targets = target === undefined ? [] : typeof target === "string" ? [target] : target;
  const answers =
    label === undefined
      ? targets.map((name) => columnIndex(table, name, "target", operation))
      : [columnIndex(table, label, "label", operation)];
  const features =
    options.features?.map((name) => columnIndex(table, name, "features", operation)) ??
    table.columns.map((_, i) => i).filter((i) => !answers.includes(i));
  const leaked = features.find((column) => answers.includes(column));
  if (features.length === 0 || leaked !== undefined)
    throw new AdjointError(
      "invalid-argument",
      leaked === undefined
        ? `${operation}: ${table.file} has no column of inputs beside the answers`
        : `${operation}: column "${table.columns[leaked]}" is both an input and the answer`,
      { operation, argument: "features", file: table.file },
    );
  const allocate = (length: number) =>
    options.dtype === "float64" ? new Float64Array(length) : new Float32Array(length);
  const inputs = numbersOf(table, features, allocate, operation);
  const name = options.name ?? table.file;
  const inputShape = [features.length];
  if (label === undefined)
    return dataset({
      name,
      inputs,
      inputShape,
      targets: numbersOf(table, answers, allocate, operation),
      targetShape: [answers.length],
    });
  const { classes, labels } = classesOf(table, answers[0], options.classes, operation);
  checkClassCount(classes, operation, `${table.file}: column "${label}"`);
  return dataset({ name, inputs, inputShape, targets: labels, targetShape: [], classes });
}

/** Columns of any kind. */
function typed(table: Table, options: CsvOptions): Dataset {
  const { columns, header: _header, delimiter: _delimiter, name = table.file, ...fitting } = options;
  const described = columns === undefined || columns === "infer" ? {} : { columns };
  return fitTable(table, { ...fitting, ...described }).apply(table, { name });
}

/** @throws AdjointError `invalid-argument` */
function checkCsvOptions(options: CsvOptions): void {
  checkOptionNames(options, optionNames, operation);
  const { label, target, features, classes, header, dtype, name } = options;
  checkText(label, operation, "label");
  if (typeof target !== "string") checkNames(target, operation, "target");
  if (target?.length === 0) throw invalidArgument(operation, "target", "a column or more", "none");
  checkNames(features, operation, "features");
  checkNames(classes, operation, "classes");
  checkFlag(header, operation, "header");
  checkName(dtype, ["float32", "float64"], operation, "dtype");
  checkText(name, operation, "name");
}
