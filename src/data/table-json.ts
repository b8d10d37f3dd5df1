/** Whether JSON that says it is a fitted transform is one: it may come from a file that anybody wrote. */
import { AdjointError } from "../index.js";
import { isList } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { isText } from "./checks.js";
import type { FittedColumn } from "./fitted-columns.js";
import type { FittedAnswer, TableTransformJson } from "./table-transform.js";

type Fields = Readonly<Record<string, unknown>>;

/** @throws AdjointError `invalid-data` naming the field */
export function checkTransformJson(json: unknown): TableTransformJson {
  const fields = objectAt(json, "the transform");
  const { format, version, dtype, columns, answer, missingValues } = fields;
  expectAt(format === "adjoint-table", "format", '"adjoint-table"', format);
  expectAt(version === 1, "version", "1, the only version this library reads", version);
  expectAt(dtype === "float32" || dtype === "float64", "dtype", '"float32" or "float64"', dtype);
  expectAt(isList(missingValues, isText), "missingValues", "an array of texts", missingValues);
  expectAt(Array.isArray(columns) && columns.length > 0, "columns", "at least one column", columns);
  const list: unknown[] = Array.isArray(columns) ? columns : [];
  for (const [i, column] of list.entries()) checkColumn(column, `columns[${i}]`);
  checkAnswer(answer, "answer");
  // every field has been looked at
  return fields as unknown as TableTransformJson;
}

function checkColumn(value: unknown, place: string): asserts value is FittedColumn {
  const column = objectAt(value, place);
  expectAt(isText(column.name), `${place}.name`, "a text", column.name);
  const { kind, missing } = column;
  if (kind === "categorical") {
    const { encode, categories, unseen } = column;
    expectAt(encode === "oneHot" || encode === "code", `${place}.encode`, '"oneHot" or "code"', encode);
    checkNames(categories, `${place}.categories`);
    expectAt(unseen === "refuse" || unseen === "other", `${place}.unseen`, '"refuse" or "other"', unseen);
    const isCategory = isText(missing) && categories.includes(missing);
    expectAt(missing === null || isCategory, `${place}.missing`, "null or one of the categories", missing);
    return;
  }
  const isScalar = kind === "number" || kind === "date" || kind === "boolean";
  expectAt(isScalar, `${place}.kind`, '"number", "date", "boolean" or "categorical"', kind);
  expectAt(missing === null || Number.isFinite(missing), `${place}.missing`, "null or a number", missing);
  checkScale(column.mean, column.deviation, place);
}

function checkAnswer(value: unknown, place: string): asserts value is FittedAnswer {
  const answer = objectAt(value, place);
  if (answer.kind === "classes") {
    expectAt(isText(answer.column), `${place}.column`, "a text", answer.column);
    checkNames(answer.classes, `${place}.classes`);
    return;
  }
  expectAt(answer.kind === "numbers", `${place}.kind`, '"classes" or "numbers"', answer.kind);
  const { columns, mean, deviation } = answer;
  checkNames(columns, `${place}.columns`);
  const fits = (list: unknown) => Array.isArray(list) && list.length === columns.length;
  expectAt(fits(mean) && fits(deviation), `${place}.mean`, "a mean and a deviation for each column", mean);
  columns.forEach((_, i) => {
    checkScale((mean as unknown[])[i], (deviation as unknown[])[i], place);
  });
}

function checkScale(mean: unknown, deviation: unknown, place: string): void {
  expectAt(Number.isFinite(mean), `${place}.mean`, "a finite number", mean);
  const isScale = typeof deviation === "number" && Number.isFinite(deviation) && deviation > 0;
  expectAt(isScale, `${place}.deviation`, "a positive number", deviation);
}

function checkNames(value: unknown, place: string): asserts value is string[] {
  const isNames = isList(value, isText) && value.length > 0 && new Set(value).size === value.length;
  expectAt(isNames, place, "different texts, at least one", value);
}

function objectAt(value: unknown, place: string): Fields {
  expectAt(typeof value === "object" && value !== null && !Array.isArray(value), place, "an object", value);
  return value as Fields;
}

function expectAt(holds: boolean, place: string, expected: string, received: unknown): asserts holds {
  if (holds) return;
  throw new AdjointError(
    "invalid-data",
    `TableTransform: ${place} must be ${expected}, received ${formatReceived(received)}`,
    { operation: "TableTransform", argument: place, expected, received: formatReceived(received) },
  );
}
