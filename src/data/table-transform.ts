/**
 * How rows of a table become numbers, as decided on the training rows once and for all: kinds, categories, what stands in for
 * missing values, means and deviations. It is plain JSON, so it can lie beside the model and treat new rows as it treated the
 * old ones.
 */
import { AdjointError, isTensor, type Tensor, tensor } from "../index.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { formatReceived, formatShape } from "../util/errors.js";
import { numberIn } from "./cells.js";
import { checkClassCount } from "./checks.js";
import { type Dataset, dataset } from "./dataset.js";
import { type CellEncoder, encoderOf, type FittedColumn } from "./fitted-columns.js";
import { missingTest } from "./infer-columns.js";
import type { InputArray } from "./parts.js";
import { cellError, columnIndex, type Row, Table, type TableRecord } from "./table.js";
import { checkTransformJson } from "./table-json.js";

/** The column or columns of the answers. */
export type FittedAnswer =
  | { readonly kind: "classes"; readonly column: string; readonly classes: readonly string[] }
  | {
      readonly kind: "numbers";
      readonly columns: readonly string[];
      /** Targets are (value − mean) / deviation. */
      readonly mean: readonly number[];
      readonly deviation: readonly number[];
    };

/** A fitted transform as JSON. */
export interface TableTransformJson {
  readonly format: "adjoint-table";
  readonly version: 1;
  readonly dtype: "float32" | "float64";
  /** The inputs, in order. */
  readonly columns: readonly FittedColumn[];
  readonly answer: FittedAnswer;
  /** What counts as missing, beside the empty cell. */
  readonly missingValues: readonly string[];
}

/** Where the cells of inputs and answers are in the rows of one table. */
export interface Layout {
  readonly file: string;
  readonly inputs: readonly number[];
  readonly answers: readonly number[];
}

const operation = "TableTransform";

/** Bytes that an array may have. */
const largestArray = 2 ** 32;

/**
 * What makes inputs and targets of tables; `data.fitTable` learns one, `TableTransform.fromJSON` reads one that was stored.
 *
 * @example
 * const houses = await data.readTable("rooms,town,price\n3,Ulm,200\n5,Bonn,350");
 * const transform = data.fitTable(houses, { target: "price" });
 * transform.inputNames; // → rooms,town=Bonn,town=Ulm
 * transform.apply(houses).inputs; // → 3,0,1,5,1,0
 * const stored = data.TableTransform.fromJSON(JSON.parse(JSON.stringify(transform)));
 * stored.inputs([{ town: "Bonn", rooms: 4 }]).array(); // → 4,1,0
 */
export class TableTransform {
  /** All there is to it, as JSON. */
  private readonly json: TableTransformJson;
  private readonly encoders: readonly CellEncoder[];
  private readonly isMissing: (cell: string) => boolean;
  /** What each number of an input is: `rooms`, or `town=Ulm`. */
  readonly inputNames: readonly string[];

  /** @throws AdjointError `invalid-data` for what is no transform's JSON */
  constructor(json: TableTransformJson) {
    checkTransformJson(json);
    this.json = json;
    this.isMissing = missingTest(json.missingValues);
    this.encoders = json.columns.map((column) => encoderOf(column, this.isMissing));
    this.inputNames = this.encoders.flatMap(({ names }) => names);
  }

  /**
   * The transform that JSON describes.
   * @throws AdjointError `invalid-data` naming what is wrong with it
   */
  static fromJSON(json: unknown): TableTransform {
    return new TableTransform(checkTransformJson(json));
  }

  /** What `JSON.stringify` writes. */
  toJSON(): TableTransformJson {
    return this.json;
  }

  /** The columns of inputs, as they were fitted. */
  get columns(): readonly FittedColumn[] {
    return this.json.columns;
  }

  /** The column or columns of the answers. */
  get answer(): FittedAnswer {
    return this.json.answer;
  }

  /** The element type of inputs, and of targets that are numbers. */
  get dtype(): "float32" | "float64" {
    return this.json.dtype;
  }

  /** `[numbers in an input]` */
  get inputShape(): readonly number[] {
    return [this.inputNames.length];
  }

  /** `[]` for classes, `[columns]` for numbers. */
  get targetShape(): readonly number[] {
    return this.answer.kind === "classes" ? [] : [this.answer.columns.length];
  }

  /** The names of the classes, where the answers are classes. */
  get classes(): readonly string[] | undefined {
    return this.answer.kind === "classes" ? this.answer.classes : undefined;
  }

  /**
   * Inputs and targets of a table with the answers in it.
   *
   * @param options.name what the data set is called; by default the file
   * @param options.missingTarget rows without an answer are refused (default) or left out ("drop")
   * @throws AdjointError `invalid-data` naming file, line and column, `invalid-argument` for a column that is not there
   */
  apply(
    table: Table,
    options: { readonly name?: string; readonly missingTarget?: "refuse" | "drop" } = {},
  ): Dataset {
    checkOptionNames(options, ["name", "missingTarget"], operation);
    checkTable(table, operation);
    const { name = table.file, missingTarget = "refuse" } = options;
    const layout = this.layoutOf(table.columns, table.file);
    const rows =
      missingTarget === "drop" ? table.rows.filter((row) => this.hasAnswer(row, layout)) : table.rows;
    const { classes } = this;
    if (classes !== undefined) checkClassCount(classes, operation, `${table.file}: the answer`);
    return dataset({
      name,
      inputs: this.encodeInputs(rows, layout),
      inputShape: this.inputShape,
      targets: this.encodeTargets(rows, layout),
      targetShape: this.targetShape,
      ...(classes === undefined ? {} : { classes }),
    });
  }

  /**
   * Inputs alone, of rows whose answers are wanted: [rows, ...inputShape].
   *
   * @param rows a table, or records such as { rooms: 3, town: "Ulm" }; columns that are no inputs are not looked at
   * @throws AdjointError `invalid-data` naming file, line and column, `invalid-argument` for a column that is not there
   */
  inputs(rows: Table | readonly TableRecord[]): Tensor {
    const table = rows instanceof Table ? rows : this.tableOf(rows);
    const layout = this.layoutOf(table.columns, table.file, false);
    return tensor(this.encodeInputs(table.rows, layout), { shape: [table.size, ...this.inputShape] });
  }

  /** Records as a table with the columns of the inputs, whatever order each record has them in. */
  private tableOf(records: readonly TableRecord[]): Table {
    const table = Table.from(records);
    const others = this.json.columns.map(({ name }) => name).filter((name) => !table.columns.includes(name));
    // a name that the first record leaves out may be in the second; one in none is refused where it is looked for
    const found = others.filter((name) => records.some((record) => Object.hasOwn(record, name)));
    if (found.length === 0) return table;
    const [first, ...rest] = records;
    return Table.from([{ ...Object.fromEntries(found.map((name) => [name, null])), ...first }, ...rest]);
  }

  /**
   * The numbers that outputs mean: where targets were scaled, their scale undone.
   *
   * @param outputs [rows, columns] of the answers
   * @throws AdjointError `invalid-argument` where the answers are classes, or the outputs not as many as the columns
   */
  unscale(outputs: Tensor): Tensor {
    const { answer } = this;
    if (answer.kind === "classes")
      throw invalidArgument(
        "transform.unscale",
        "outputs",
        "of numbers",
        "a transform whose answers are classes",
      );
    if (!isTensor(outputs) || outputs.shape.at(-1) !== answer.columns.length)
      throw invalidArgument(
        "transform.unscale",
        "outputs",
        `a tensor [rows, ${answer.columns.length}]`,
        isTensor(outputs) ? formatShape(outputs.shape) : formatReceived(outputs),
      );
    const row = (values: readonly number[]) => tensor([...values], { dtype: outputs.dtype });
    return outputs.mul(row(answer.deviation)).add(row(answer.mean));
  }

  /**
   * Where the cells of its columns are.
   * @throws AdjointError `invalid-argument` for a column that is not there
   */
  layoutOf(columns: readonly string[], file: string, withAnswers = true): Layout {
    const at = (name: string, argument: string) => columnIndex({ columns, file }, name, argument, operation);
    const { answer } = this;
    const names = answer.kind === "classes" ? [answer.column] : answer.columns;
    return {
      file,
      inputs: this.json.columns.map(({ name }) => at(name, "an input")),
      answers: withAnswers ? names.map((name) => at(name, "the answer")) : [],
    };
  }

  /** [rows, width], row-major. */
  encodeInputs(rows: readonly Row[], layout: Layout): InputArray {
    const width = this.inputNames.length;
    const values = this.allocate(rows.length * width);
    rows.forEach((row, i) => {
      let at = i * width;
      this.encoders.forEach((encoder, k) => {
        const cell = row.cells[layout.inputs[k]];
        const expected = encoder.write(cell, values, at);
        if (expected !== undefined)
          throw wrongCell(layout.file, row.line, encoder.column.name, expected, cell);
        at += encoder.width;
      });
    });
    return values;
  }

  /** Labels, or [rows, columns] of numbers. */
  encodeTargets(rows: readonly Row[], layout: Layout): Int32Array | InputArray {
    const { answer } = this;
    if (answer.kind === "classes") {
      const codes = new Map(answer.classes.map((name, code) => [name, code]));
      return Int32Array.from(rows, ({ cells, line }) => {
        const cell = cells[layout.answers[0]];
        const code = codes.get(cell);
        if (code !== undefined) return code;
        throw this.wrongAnswer(layout.file, line, answer.column, `one of ${answer.classes.join(", ")}`, cell);
      });
    }
    const width = answer.columns.length;
    const values = this.allocate(rows.length * width);
    rows.forEach(({ cells, line }, i) => {
      answer.columns.forEach((name, k) => {
        const cell = cells[layout.answers[k]];
        const value = numberIn(cell) ?? Number.NaN;
        values[i * width + k] = (value - answer.mean[k]) / answer.deviation[k];
        if (!Number.isFinite(values[i * width + k]))
          throw this.wrongAnswer(layout.file, line, name, "a finite number", cell);
      });
    });
    return values;
  }

  /** The refusal of an answer, with what to do where there is none. */
  private wrongAnswer(file: string, line: number, column: string, expected: string, cell: string) {
    const remedy = this.isMissing(cell)
      ? `, which counts as missing; transform.apply leaves such rows out with { missingTarget: "drop" }`
      : "";
    return wrongCell(file, line, column, expected, cell, remedy);
  }

  /** @throws AdjointError `invalid-data` for more numbers than an array of bytes holds */
  private allocate(length: number): InputArray {
    const bytes = (this.dtype === "float64" ? 8 : 4) * length;
    if (bytes > largestArray)
      throw new AdjointError(
        "invalid-data",
        `${operation}: ${length} numbers are more than 4 GiB; take rare words together with { maxCategories }, encode them as numbers with { encode: "code" }, or train from data.stream.csv with this transform`,
        { operation, expected: `at most ${largestArray} bytes`, received: String(bytes) },
      );
    return this.dtype === "float64" ? new Float64Array(length) : new Float32Array(length);
  }

  private hasAnswer({ cells }: Row, { answers }: Layout): boolean {
    // a mark of missing values may be given as a class, and then is one
    const { classes } = this;
    return answers.every((column) => !this.isMissing(cells[column]) || classes?.includes(cells[column]));
  }
}

function wrongCell(
  file: string,
  line: number,
  column: string,
  expected: string,
  cell: string,
  remedy = "",
): AdjointError {
  const received = cell === "" ? "an empty cell" : `"${cell}"`;
  const message = `expected ${expected}, received ${received}${remedy}`;
  return cellError("invalid-data", operation, file, line, message, { column });
}

/** @throws AdjointError `invalid-argument` for what is no table */
export function checkTable(table: unknown, here: string): asserts table is Table {
  if (!(table instanceof Table))
    throw invalidArgument(here, "table", "a table, as data.readTable gives it", formatReceived(table));
}
