/** What a DATA argument and its options mean: MNIST, a directory of IDX files, or a CSV file and its columns. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { decimal } from "../data/cells.js";
import { readTable, type Table } from "../data/index.js";
import { AdjointError } from "../index.js";
import { suggestion, usage } from "./arguments.js";
import type { DataConfig } from "./config.js";
import { grouped } from "./output.js";
import { fitColumns } from "./table-columns.js";

/** Options of commands that read data. */
export interface DataOptions {
  readonly label?: string;
  readonly target?: readonly string[];
  readonly features?: readonly string[];
  readonly delimiter?: string;
  /** Columns of numbers that are names rather than quantities. */
  readonly categorical?: readonly string[];
  /** The fraction of a CSV file's rows that is held out. Default 0.2. */
  readonly validation?: number;
  /** False: the columns of a CSV file are used as they are. */
  readonly standardize?: boolean;
  readonly limit?: number;
  readonly seed?: number;
}

/**
 * What a DATA argument means.
 * @throws AdjointError `usage` for columns and options that do not belong to it, `file-not-found`
 */
export async function describeData(argument: string, options: DataOptions): Promise<DataConfig> {
  if (argument === "mnist") {
    checkCsvOnly(argument, options);
    return { kind: "mnist" };
  }
  const found = await stat(argument).catch(() => undefined);
  if (found === undefined) {
    const meant = suggestion(argument, ["mnist"]);
    if (meant !== "")
      throw usage(
        `DATA must be mnist, a CSV file, a directory of IDX files or a configuration file, received "${argument}"${meant}`,
        "DATA",
      );
    throw new AdjointError(
      "file-not-found",
      `there is no file or directory ${argument}; DATA is mnist, a CSV file, a directory of IDX files or a configuration file`,
      { file: argument },
    );
  }
  if (found.isDirectory()) {
    checkCsvOnly(argument, options);
    await refusePictures(argument);
    return { kind: "idx", path: resolve(argument) };
  }
  return describeCsv(argument, options);
}

/** @throws AdjointError `usage` for folders of pictures, which need a network for their size and a choice of what they are cut to */
async function refusePictures(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const files = await readdir(join(directory, entry.name)).catch(() => []);
    const picture = files.find((name) => /\.(png|jpe?g)$/i.test(name));
    if (picture !== undefined)
      throw usage(
        `${directory} holds folders of pictures, such as ${join(entry.name, picture)}: train them by a configuration file with data: () => data.images(${JSON.stringify(directory)}), as docs/config.md says`,
        "DATA",
      );
  }
}

async function describeCsv(path: string, options: DataOptions): Promise<DataConfig> {
  const { label, target, features, validation = 0.2, seed = 1, categorical = [] } = options;
  const delimiter = options.delimiter ?? (/\.tsv(\.gz)?$/i.test(path) ? "\t" : ",");
  const table = await readTable(path, { delimiter }).catch(async (error: unknown) => {
    throw await withDelimiter(error, path, delimiter);
  });
  checkDelimiter(table, delimiter);
  if ((label === undefined) === (target === undefined))
    throw usage(
      `${path}: name the column of the answers with ${label === undefined ? "" : "only one of "}--label COLUMN (classes) or --target COLUMN (numbers); its columns are ${table.columns.join(", ")}`,
      "--label",
    );
  const answers = label === undefined ? (target ?? []) : [label];
  for (const [names, option] of [
    [answers, label === undefined ? "--target" : "--label"],
    [features ?? [], "--features"],
    [categorical, "--categorical"],
  ] as const)
    checkColumns(table.columns, names, option, path);
  const inputs = features ?? table.columns.filter((name) => !answers.includes(name));
  const leaked = inputs.find((name) => answers.includes(name));
  if (leaked !== undefined)
    throw usage(`column "${leaked}" is both an input (--features) and the answer`, "--features");
  if (inputs.length === 0)
    throw usage(`${path} has no column of inputs beside ${answers.join(", ")}`, "DATA");
  if (label === undefined)
    for (const name of answers)
      checkNumeric(table, name, "--target", `--target is for numbers; for classes use --label ${name}`);
  else checkFewClasses(table, label);
  if (
    options.validation !== undefined &&
    validation > 0 &&
    Math.round((1 - validation) * table.size) === table.size
  )
    throw usage(
      `--validation ${validation} holds out none of the ${grouped(table.size)} rows of ${path}; --validation 0 measures on the rows that train`,
      "--validation",
    );
  const answer = label === undefined ? { target: answers } : { label };
  const fitted = fitColumns(table, {
    answers,
    isLabel: label !== undefined,
    features,
    categorical,
    standardize: options.standardize !== false,
    validation,
    seed,
  });
  const used = fitted?.columns.map(({ name }) => name) ?? inputs;
  const where = {
    kind: "csv",
    path: resolve(path),
    ...answer,
    features: used,
    delimiter,
    validation,
    seed,
  } as const;
  return fitted === undefined ? where : { ...where, table: fitted };
}

function checkColumns(
  columns: readonly string[],
  names: readonly string[],
  option: string,
  path: string,
): void {
  const name = names.find((one) => !columns.includes(one));
  if (name !== undefined)
    throw usage(
      `${path} has no column "${name}" (${option})${suggestion(name, columns)}; its columns are ${columns.join(", ")}`,
      option,
    );
  const twice = names.find((one, at) => names.indexOf(one) < at);
  if (twice !== undefined) throw usage(`${option} names column "${twice}" twice`, option);
}

/** What cells are separated by where it is no comma, and how it is asked for. */
const delimiters = [
  [";", "semicolons", '--delimiter ";"'],
  ["\t", "tabs", "--delimiter tab"],
  ["|", "bars", '--delimiter "|"'],
  [",", "commas", '--delimiter ","'],
] as const;

/** ` (its cells seem separated by tabs: --delimiter tab)`, or nothing where the first line does not look so. */
function delimiterHint(first: string, delimiter: string): string {
  if (first.includes(delimiter)) return "";
  const found = delimiters.find(([other]) => first.includes(other));
  return found === undefined ? "" : `; its cells seem to be separated by ${found[1]}: ${found[2]}`;
}

/** @throws AdjointError `usage` for a table of one column whose name holds what usually separates cells */
function checkDelimiter({ columns, file }: Table, delimiter: string): void {
  const hint = columns.length === 1 ? delimiterHint(columns[0], delimiter) : "";
  if (hint !== "") throw usage(`${file} has only one column${hint}`, "--delimiter");
}

/** Lines of unequal numbers of cells are what another separator looks like, too. */
async function withDelimiter(error: unknown, path: string, delimiter: string): Promise<unknown> {
  if (!(error instanceof AdjointError) || error.code !== "file-format" || path.endsWith(".gz")) return error;
  const text = await readFile(path, "utf8").catch(() => "");
  const [first] = text.split(/[\r\n]/, 1);
  const hint = delimiterHint(first, delimiter);
  return hint === ""
    ? error
    : new AdjointError(error.code, `${error.message}${hint}`, error.details, { cause: error });
}

/** A word of a column that has words alone: not one bad cell, but a column for something else. */
function wordIn(table: Table, name: string): string | undefined {
  const cells = cellsOf(table, name);
  return cells.some((cell) => decimal.test(cell)) ? undefined : cells.find((cell) => cell !== "");
}

/** @throws AdjointError `usage` for a column of words where numbers are needed */
function checkNumeric(table: Table, name: string, option: string, remedy: string): void {
  const word = wordIn(table, name);
  if (word !== undefined)
    throw usage(`${table.file}: column "${name}" holds words, such as "${word}"; ${remedy}`, option);
}

/** More classes than this, and more than half as many as rows, are measurements rather than names. */
const manyClasses = 50;

/** @throws AdjointError `usage` for a --label that is a column of measurements */
function checkFewClasses(table: Table, name: string): void {
  const cells = cellsOf(table, name);
  const { size } = new Set(cells);
  if (size <= manyClasses || size <= cells.length / 2 || !cells.every((cell) => decimal.test(cell))) return;
  throw usage(
    `${table.file}: column "${name}" (--label) holds ${grouped(size)} different numbers in ${grouped(cells.length)} rows; to predict numbers use --target ${name}`,
    "--label",
  );
}

function cellsOf({ columns, rows }: Table, name: string): string[] {
  const at = columns.indexOf(name);
  return rows.map(({ cells }) => cells[at]);
}

/** The options that say how a table is read. */
const csvOnly = {
  label: "--label",
  target: "--target",
  features: "--features",
  delimiter: "--delimiter",
  categorical: "--categorical",
  validation: "--validation",
} as const satisfies Partial<Record<keyof DataOptions, string>>;

/** @throws AdjointError `usage` for options that images have no use for, rather than to ignore them */
function checkCsvOnly(argument: string, options: DataOptions): void {
  const given = Object.entries(csvOnly).find(([name]) => options[name as keyof typeof csvOnly] !== undefined);
  const option = options.standardize === false ? "--no-standardize" : given?.[1];
  if (option !== undefined)
    throw usage(`${option} is for CSV files; ${argument} holds images and their labels`, option);
}
