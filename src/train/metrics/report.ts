/** What a confusion matrix says of each class. */
import { invalidArgument, isList, isNatural } from "../../util/checks.js";
import { AdjointError, formatReceived } from "../../util/errors.js";
import { averaged, type ClassCounts, f1Of, precisionOf, recallOf } from "./classes.js";

/** Precision, recall and F1 of a class, and how many examples are of it. */
export interface ClassScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

/** The scores of every class and their averages. */
export interface ClassReport {
  readonly accuracy: number;
  /** In the order of the classes, under their names where there are any. */
  readonly classes: readonly (ClassScores & { readonly name: string })[];
  /** The means over the classes that occur. */
  readonly macro: ClassScores;
  /** The means weighted by support. */
  readonly weighted: ClassScores;
}

/**
 * Precision, recall and F1 of every class from the counts that `confusion` gives; 0 where there is nothing to divide by.
 *
 * @param counts `counts[truth][predicted]`
 * @param names of the classes. Default: their numbers
 * @throws AdjointError `invalid-argument`, `shape-mismatch`
 * @example
 * const report = train.classReport([[2, 1], [0, 1]], ["cat", "dog"]);
 * report.classes.map(({ name, precision, recall }) => `${name} ${precision} ${recall.toFixed(2)}`); // → cat 1 0.67,dog 0.5 1.00
 */
export function classReport(counts: readonly (readonly number[])[], names?: readonly string[]): ClassReport {
  const isRow = (value: unknown): value is number[] => isList(value, isNatural);
  if (!isList(counts, isRow) || counts.length === 0)
    throw invalidArgument("classReport", "counts", "what confusion gives", formatReceived(counts));
  const size = counts.length;
  const uneven = counts.find((row) => row.length !== size);
  if (uneven !== undefined)
    throw new AdjointError(
      "shape-mismatch",
      `classReport: counts must be as many columns as rows, received ${size} rows, one of ${uneven.length}`,
      { operation: "classReport", argument: "counts", expected: `rows of ${size}` },
    );
  const isText = (value: unknown): value is string => typeof value === "string";
  if (names !== undefined && (!isList(names, isText) || names.length < size))
    throw invalidArgument(
      "classReport",
      "names",
      `a name for each of ${size} classes`,
      formatReceived(names),
    );
  const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);
  const each = counts.map(
    (row, i): ClassCounts => ({
      hits: row[i],
      support: sum(row),
      predicted: sum(counts.map((other) => other[i])),
    }),
  );
  const support = sum(each.map((one) => one.support));
  const means = (average: "macro" | "weighted"): ClassScores => ({
    precision: averaged(each, precisionOf, average),
    recall: averaged(each, recallOf, average),
    f1: averaged(each, f1Of, average),
    support,
  });
  return {
    accuracy: averaged(each, recallOf, "micro"),
    classes: each.map((one, i) => ({
      name: names?.[i] ?? String(i),
      precision: precisionOf(one),
      recall: recallOf(one),
      f1: f1Of(one),
      support: one.support,
    })),
    macro: means("macro"),
    weighted: means("weighted"),
  };
}
