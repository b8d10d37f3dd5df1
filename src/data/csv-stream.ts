/** A stream from a CSV file of any length: a piece of it is in memory, and the rows of the shuffle buffer. */
import { tensor } from "../index.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { checkFlag, checkName, checkNames, checkText } from "./checks.js";
import { columnsOf, rowsOf } from "./csv-records.js";
import type { TableOptions } from "./csv-table.js";
import { answersOf } from "./fit-table.js";
import { checkBuffer, SequentialStream, type Stream } from "./stream-base.js";
import { columnIndex, type Row } from "./table.js";
import { TableTransform, type TableTransformJson } from "./table-transform.js";

/** Options of `data.stream.csv`. */
export interface CsvStreamOptions extends TableOptions {
  /** What the columns mean, as `data.fitTable` learned it from some of the rows; or say it by the options below. */
  readonly transform?: TableTransform | TableTransformJson;
  /** The column of classes; needs `classes`. */
  readonly label?: string;
  /** The column or columns of numbers to regress on. */
  readonly target?: string | readonly string[];
  /** The columns of inputs, numbers all, in order; by default all others. */
  readonly features?: readonly string[];
  /** The names of the classes in the order of their labels: a stream cannot know them before it has been read. */
  readonly classes?: readonly string[];
  /** Default float32. */
  readonly dtype?: "float32" | "float64";
  /** Rows to shuffle among; 0 for none. Default 1024. */
  readonly shuffle?: number;
}

const operation = "data.stream.csv";

/**
 * A stream from a CSV file, plain or gzipped.
 *
 * @throws AdjointError `file-not-found`, `file-format` and `invalid-data` naming file, line and column, as they are met; `invalid-argument`
 * @example
 * await io.writeAtomically("sums.csv", new TextEncoder().encode("a,b,sum\n1,2,3\n4,5,9\n"));
 * const sums = await data.stream.csv("sums.csv", { target: "sum" });
 * (await sums.first(10)).x.array(); // → 1,2,4,5
 */
export async function csvStream(path: string, options: CsvStreamOptions): Promise<Stream> {
  checkCsvStreamOptions(path, options);
  const { delimiter = ",", header = true, name = path } = options;
  const columns = await columnsOf(path, delimiter, header, operation);
  const transform = transformFrom(options, columns, path);
  const layout = transform.layoutOf(columns, path);
  const buffer = checkBuffer(options.shuffle, operation);
  const { classes, inputShape, targetShape } = transform;
  return new SequentialStream<Row>(
    { inputShape, targetShape, name, ...(classes === undefined ? {} : { classes }) },
    {
      rows: () => rowsOf(path, delimiter, header, operation),
      encode: (rows) => ({
        x: tensor(transform.encodeInputs(rows, layout), { shape: [rows.length, ...inputShape] }),
        y: tensor(transform.encodeTargets(rows, layout), { shape: [rows.length, ...targetShape] }),
      }),
    },
    buffer,
    {
      kind: "csv",
      source: path,
      options: { delimiter, header, name, shuffle: buffer, transform: transform.toJSON() },
    },
  );
}

/** The transform given, or one of numbers. */
function transformFrom(options: CsvStreamOptions, columns: readonly string[], path: string): TableTransform {
  const { transform, label, classes, dtype = "float32" } = options;
  if (transform !== undefined)
    return transform instanceof TableTransform ? transform : TableTransform.fromJSON(transform);
  const answers = answersOf(options, operation);
  for (const name of answers) columnIndex({ columns, file: path }, name, "the answer", operation);
  if (label !== undefined && classes === undefined)
    throw invalidArgument(
      operation,
      "classes",
      "the names of the classes, which a stream cannot know before it is read",
      "none",
    );
  const features = options.features ?? columns.filter((name) => !answers.includes(name));
  const leaked = features.find((name) => answers.includes(name));
  if (leaked !== undefined || features.length === 0)
    throw invalidArgument(
      operation,
      "features",
      "columns beside the answer",
      leaked === undefined ? "none" : `"${leaked}", which is the answer`,
    );
  return new TableTransform({
    format: "adjoint-table",
    version: 1,
    dtype,
    columns: features.map((name) => ({ name, kind: "number", missing: null, mean: 0, deviation: 1 })),
    answer:
      label === undefined || classes === undefined
        ? { kind: "numbers", columns: answers, mean: answers.map(() => 0), deviation: answers.map(() => 1) }
        : { kind: "classes", column: label, classes },
    missingValues: [""],
  });
}

function checkCsvStreamOptions(path: unknown, options: CsvStreamOptions): void {
  if (typeof path !== "string" || path === "")
    throw invalidArgument(operation, "path", "a path", formatReceived(path));
  const known = [
    "transform",
    "label",
    "target",
    "features",
    "classes",
    "dtype",
    "shuffle",
    "header",
    "delimiter",
    "name",
  ];
  checkOptionNames(options, known, operation);
  const { transform, label, target, features, classes, dtype, header, delimiter, name } = options;
  for (const [argument, value] of Object.entries({ label, target, features, classes, dtype }))
    if (transform !== undefined && value !== undefined)
      throw invalidArgument(
        operation,
        argument,
        "left out where there is a transform, which says it",
        formatReceived(value),
      );
  checkText(label, operation, "label");
  if (typeof target !== "string") checkNames(target, operation, "target");
  checkNames(features, operation, "features");
  checkNames(classes, operation, "classes");
  checkName(dtype, ["float32", "float64"], operation, "dtype");
  checkFlag(header, operation, "header");
  checkText(name, operation, "name");
  if (
    delimiter !== undefined &&
    (typeof delimiter !== "string" || delimiter === "" || /["\r\n]/.test(delimiter))
  )
    throw invalidArgument(operation, "delimiter", 'a text such as ","', formatReceived(delimiter));
}
