/** Inputs for a model, of whatever a source holds: rows of a table, JSON a line, images. */

import { numberIn } from "../../data/cells.js";
import type { Row, TableTransform } from "../../data/index.js";
import { AdjointError } from "../../index.js";
import { decodeIdx, decodeNpy } from "../../io/index.js";
import { isPicture, pictureInput } from "./picture.js";
import { csvRows, type JsonRow, jsonRows, lineError } from "./rows.js";
import { type ByteSource, textOf, wholeOf } from "./source.js";

/** What a model takes. */
export interface InputForm {
  /** Of one input. */
  readonly shape: readonly number[];
  /** For a table: how its cells become numbers. */
  readonly transform?: TableTransform;
  /** Between the cells of a CSV file. */
  readonly delimiter: string;
  /** The numbers are those of images as IDX files have them: from 0 to 1. */
  readonly pixels?: boolean;
}

/** Some inputs: [count, ...shape], row-major. */
export type InputBlock = { readonly values: Float32Array | Float64Array; readonly count: number };

const product = (shape: readonly number[]): number => shape.reduce((total, extent) => total * extent, 1);

/**
 * The inputs in a source, in order, as many at a time as have come.
 * @throws AdjointError naming source, line and column; the inputs before have been given
 */
export function inputsOf(source: ByteSource, form: InputForm): AsyncGenerator<InputBlock> {
  const [first, second] = source.head;
  if (isPicture(source.head)) return pictureInputs(source, form);
  if (first === 0 && second === 0) return idxInputs(source, form);
  if (first === 0x93 && second === 0x4e) return npyInputs(source, form);
  const start = new TextDecoder()
    .decode(source.head)
    .replace(/^\uFEFF/, "")
    .trimStart();
  return /^[{[]/.test(start) ? jsonInputs(source, form) : csvInputs(source, form);
}

async function* csvInputs(source: ByteSource, form: InputForm): AsyncGenerator<InputBlock> {
  const { name } = source;
  let encode: ((rows: readonly Row[]) => InputBlock["values"]) | undefined;
  let isEmpty = true;
  for await (const block of csvRows(textOf(source), name, form.delimiter)) {
    let rows = block;
    if (encode === undefined) {
      const { encoder, isHeader } = cellsEncoder(block[0], name, form);
      encode = encoder;
      if (isHeader) rows = block.slice(1);
    }
    isEmpty &&= rows.length === 0;
    yield* encoded(rows, encode);
  }
  if (isEmpty) throw lineError(name, 1, "there are no rows of inputs");
}

/** Tables find their columns by name; pixels have none, so a first line of numbers is a row. */
function cellsEncoder(first: Row, name: string, { transform, shape, pixels = false }: InputForm) {
  if (transform !== undefined) {
    const layout = transform.layoutOf(first.cells, name, false);
    return {
      isHeader: true,
      encoder: (rows: readonly Row[]) => plainly(() => transform.encodeInputs(rows, layout)),
    };
  }
  const width = product(shape);
  const isHeader = !first.cells.every((cell) => numberIn(cell) !== undefined);
  if (first.cells.length !== width)
    throw new AdjointError(
      "invalid-data",
      `${name}: the model takes ${width} numbers a row, received ${first.cells.length}`,
      { file: name },
    );
  const encoder = (rows: readonly Row[]): Float32Array => {
    const values = new Float32Array(rows.length * width);
    rows.forEach(({ cells, line }, row) => {
      cells.forEach((cell, i) => {
        const value = numberIn(cell);
        if (value === undefined) {
          const received = cell === "" ? "an empty cell" : `"${cell}"`;
          const column = isHeader ? `"${first.cells[i]}"` : String(i + 1);
          throw lineError(name, line, `column ${column}: expected a finite number, received ${received}`);
        }
        values[row * width + i] = value;
      });
    });
    if (pixels) checkPixels(values, (at) => `line ${rows[Math.floor(at / width)].line}`, name);
    return values;
  };
  return { isHeader, encoder };
}

/** What the library says of its options says nothing to those who called a command. */
function plainly<R>(run: () => R): R {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof AdjointError)) throw error;
    const message = error.message
      .replace("; say what stands in for missing values with { missing }", "; in training none was missing")
      .replace(/; \{ unseen: "other" \} takes [^,]*/, "");
    throw new AdjointError(error.code, message, error.details, { cause: error });
  }
}

/** All rows at once, or where one is wrong those before it, and then its error. */
function* encoded<R extends { readonly line: number }>(
  rows: readonly R[],
  encode: (rows: readonly R[]) => InputBlock["values"],
): Generator<InputBlock> {
  if (rows.length === 0) return;
  try {
    yield { values: encode(rows), count: rows.length };
    return;
  } catch (error) {
    if (rows.length === 1) throw error;
  }
  for (const row of rows) yield { values: encode([row]), count: 1 };
}

async function* jsonInputs(source: ByteSource, form: InputForm): AsyncGenerator<InputBlock> {
  const { name } = source;
  const { transform, shape } = form;
  for await (const block of jsonRows(textOf(source), name)) {
    if (transform === undefined) {
      yield* encoded(block, (rows) => {
        const values = numbersOf(rows, shape, name);
        const place = (at: number) => `line ${rows[Math.floor((at * rows.length) / values.length)].line}`;
        if (form.pixels) checkPixels(values, place, name);
        return values;
      });
      continue;
    }
    const names = transform.columns.map((column) => column.name);
    const layout = transform.layoutOf(names, name, false);
    const encode = (rows: readonly JsonRow[]) =>
      plainly(() =>
        transform.encodeInputs(
          rows.map((row) => rowOf(row, names, name)),
          layout,
        ),
      );
    yield* encoded(block, encode);
  }
}

/** An object as a row of cells; what it leaves out is missing. */
function rowOf({ line, value }: JsonRow, names: readonly string[], name: string): Row {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw lineError(name, line, `expected an object such as {"${names[0]}": …}`);
  const cells = names.map((column) => {
    const cell: unknown = Object.hasOwn(value, column) ? (value as Record<string, unknown>)[column] : null;
    if (cell === null) return "";
    if (typeof cell === "string") return cell.trim();
    if (typeof cell === "number" || typeof cell === "boolean") return String(cell);
    throw lineError(name, line, `column "${column}": expected a text, a number, true, false or null`);
  });
  return { line, cells };
}

function numbersOf(rows: readonly JsonRow[], shape: readonly number[], name: string): Float32Array {
  const width = product(shape);
  const values = new Float32Array(rows.length * width);
  rows.forEach(({ line, value }, row) => {
    const flat: unknown[] = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [];
    if (flat.length !== width || !flat.every((entry) => typeof entry === "number"))
      throw lineError(
        name,
        line,
        `expected an array of ${width} numbers, one input of shape [${shape.join(", ")}]`,
      );
    values.set(flat as number[], row * width);
  });
  return values;
}

async function* idxInputs(source: ByteSource, { shape }: InputForm): AsyncGenerator<InputBlock> {
  const { name } = source;
  const { data, shape: found, element } = decodeIdx(await wholeOf(source), name);
  checkImages(found, shape, `${element}[${found.join(", ")}]`, name);
  const scale = element === "uint8" ? 1 / 255 : 1;
  yield { values: Float32Array.from(data, (pixel) => pixel * scale), count: found[0] };
}

async function* pictureInputs(
  source: ByteSource,
  { shape, transform }: InputForm,
): AsyncGenerator<InputBlock> {
  const { name } = source;
  if (transform !== undefined)
    throw new AdjointError("invalid-data", `${name} is an image; the model takes rows of a table`, {
      file: name,
    });
  yield { values: await pictureInput(await wholeOf(source), name, shape), count: 1 };
}

async function* npyInputs(
  source: ByteSource,
  { shape, pixels = false }: InputForm,
): AsyncGenerator<InputBlock> {
  const { name } = source;
  const array = decodeNpy(await wholeOf(source), name);
  checkImages(array.shape, shape, `${array.dtype}[${array.shape.join(", ")}]`, name);
  const values = Float32Array.from(await array.data());
  if (pixels) checkPixels(values, (at) => `input ${1 + Math.floor(at / product(shape))}`, name);
  yield { values, count: array.shape[0] };
}

/**
 * Bytes where a fraction is expected give an answer, and a wrong one.
 * @throws AdjointError `invalid-data` for pixels that are not from 0 to 1
 */
function checkPixels(values: Float32Array, placeOf: (at: number) => string, name: string): void {
  const at = values.findIndex((value) => !(value >= 0 && value <= 1));
  if (at < 0) return;
  throw new AdjointError(
    "invalid-data",
    `${name}, ${placeOf(at)}: pixels are numbers from 0 to 1, received ${values[at]}; divide bytes by 255`,
    { file: name },
  );
}

/** @throws AdjointError `invalid-data` unless they are whole inputs */
function checkImages(
  found: readonly number[],
  shape: readonly number[],
  received: string,
  name: string,
): void {
  const width = product(shape);
  if (found.length >= 2 && product(found.slice(1)) === width) return;
  throw new AdjointError(
    "invalid-data",
    `${name}: the model takes ${width} ${shape.length === 1 ? "pixels an image" : `numbers an input, of shape [${shape.join(", ")}]`}, received ${received}`,
    { file: name },
  );
}
