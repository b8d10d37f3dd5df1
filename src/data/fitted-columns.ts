/** Columns as a fitted transform knows them: plain data, which JSON carries, and how each turns a cell into numbers. */
import { daysIn, numberIn, truthIn } from "./cells.js";

/** A column of numbers, of dates as days since 1970-01-01, or of truth values as 0 and 1. */
export interface ScalarColumn {
  readonly name: string;
  readonly kind: "number" | "date" | "boolean";
  /** What stands in for a missing cell; null where missing cells are refused. */
  readonly missing: number | null;
  /** Subtracted from every value. */
  readonly mean: number;
  /** Divided by. */
  readonly deviation: number;
}

/** A column of words. */
export interface CategoricalColumn {
  readonly name: string;
  readonly kind: "categorical";
  /** One column of 0 or 1 for each category, or one column with the category's number. */
  readonly encode: "oneHot" | "code";
  readonly categories: readonly string[];
  /** What happens to a word that is no category; "other" is all zeros, or the number after the last. */
  readonly unseen: "refuse" | "other";
  /** The category that stands in for a missing cell; null where missing cells are refused. */
  readonly missing: string | null;
}

/** A column as the training rows made it. */
export type FittedColumn = ScalarColumn | CategoricalColumn;

/** Writes a cell's numbers at a place that holds zeros, or says what it expected instead. */
export interface CellEncoder {
  readonly column: FittedColumn;
  /** Numbers it writes. */
  readonly width: number;
  /** Their names: `rooms`, or `town=Ulm` and so on. */
  readonly names: readonly string[];
  /** @returns undefined, or what was expected */
  write(cell: string, to: Float32Array | Float64Array, at: number): string | undefined;
}

const readers = {
  number: { read: numberIn, expected: "a finite number" },
  date: { read: daysIn, expected: "a date such as 2024-05-31" },
  boolean: { read: truthIn, expected: "true, false, yes, no, 1 or 0" },
} as const;

/** The value of a cell of a column of that kind, or undefined. */
export function scalarIn(kind: ScalarColumn["kind"], cell: string): number | undefined {
  return readers[kind].read(cell);
}

/** What a cell of a column of that kind should be. */
export function expectedIn(kind: ScalarColumn["kind"]): string {
  return readers[kind].expected;
}

/** How a column turns cells into numbers. */
export function encoderOf(column: FittedColumn, isMissing: (cell: string) => boolean): CellEncoder {
  return column.kind === "categorical"
    ? categoricalEncoder(column, isMissing)
    : scalarEncoder(column, isMissing);
}

const missingRemedy = "; say what stands in for missing values with { missing }";

function scalarEncoder(column: ScalarColumn, isMissing: (cell: string) => boolean): CellEncoder {
  const { kind, missing, mean, deviation } = column;
  const { read, expected } = readers[kind];
  return {
    column,
    width: 1,
    names: [column.name],
    write(cell, to, at) {
      const absent = isMissing(cell);
      const value = absent ? missing : read(cell);
      if (value === null || value === undefined) return absent ? `${expected}${missingRemedy}` : expected;
      to[at] = (value - mean) / deviation;
      // finite as a float64 may still be infinite as a float32
      return Number.isFinite(to[at]) ? undefined : expected;
    },
  };
}

function categoricalEncoder(column: CategoricalColumn, isMissing: (cell: string) => boolean): CellEncoder {
  const { categories, encode, missing, unseen } = column;
  const codes = new Map(categories.map((category, code) => [category, code]));
  const known = categories.length <= 20 ? categories.join(", ") : `the ${categories.length} known categories`;
  const expected = `one of ${known}`;
  return {
    column,
    width: encode === "code" ? 1 : categories.length,
    names: encode === "code" ? [column.name] : categories.map((category) => `${column.name}=${category}`),
    write(cell, to, at) {
      // a mark of missing values may be given as a category, and then is one
      const absent = isMissing(cell) && !codes.has(cell);
      if (absent && missing === null) return `${expected}${missingRemedy}`;
      const code = codes.get(absent && missing !== null ? missing : cell);
      if (code === undefined && unseen === "refuse")
        return `${expected}; { unseen: "other" } takes other words for none of them`;
      if (encode === "code") to[at] = code ?? categories.length;
      else if (code !== undefined) to[at + code] = 1;
      return undefined;
    },
  };
}
