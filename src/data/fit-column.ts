/** What the training rows say of one column: its categories, its mean and deviation, what stands in for a missing cell. */
import { AdjointError } from "../index.js";
import { decimal, truthIn } from "./cells.js";
import type { MissingRule } from "./fit-table.js";
import { type CategoricalColumn, expectedIn, type ScalarColumn, scalarIn } from "./fitted-columns.js";
import { cellError, type Table } from "./table.js";

/** What was asked of a column. */
interface Settled {
  readonly name: string;
  readonly missing: MissingRule;
  readonly unseen: "refuse" | "other";
  readonly encode: "oneHot" | "code";
  readonly standardize: boolean;
  readonly categories?: readonly string[];
  readonly maxCategories?: number;
}

type MissingTest = (cell: string) => boolean;

const operation = "data.fitTable";

/** A column of numbers, dates or truth values. */
export function fitScalar(
  table: Table,
  kind: ScalarColumn["kind"],
  { name, missing, standardize }: Settled,
  isMissing: MissingTest,
): ScalarColumn {
  const values = numbersIn(table, name, kind, isMissing, operation);
  const scaled = standardize && kind !== "boolean";
  const { mean, deviation } = scaled ? scaleOf(values) : { mean: 0, deviation: 1 };
  return { name, kind, missing: scalarMissing(table, name, kind, missing, values), mean, deviation };
}

/**
 * The values of a column that are not missing.
 * @throws AdjointError `invalid-data` with file, line and column for a cell of another kind
 */
export function numbersIn(
  table: Table,
  name: string,
  kind: ScalarColumn["kind"],
  isMissing: MissingTest,
  here: string,
): Float64Array {
  const at = table.columns.indexOf(name);
  const values: number[] = [];
  for (const { cells, line } of table.rows) {
    if (isMissing(cells[at])) continue;
    const value = scalarIn(kind, cells[at]);
    if (value === undefined)
      throw cellError(
        "invalid-data",
        here,
        table.file,
        line,
        `expected ${expectedIn(kind)}, received "${cells[at]}"`,
        { column: name },
      );
    values.push(value);
  }
  return Float64Array.from(values);
}

/** The mean and the deviation (of all, ddof 0); 1 for what is constant, which then only moves to 0. */
export function scaleOf(values: Float64Array): { mean: number; deviation: number } {
  const mean = meanOf(values);
  const variance = meanOf(values.map((value) => (value - mean) ** 2));
  return { mean, deviation: variance > 0 ? Math.sqrt(variance) : 1 };
}

/** The mean, summed as differences from the first value: of equal values it is that value, without rounding. */
function meanOf(values: Float64Array): number {
  if (values.length === 0) return 0;
  const [origin] = values;
  const mean = origin + values.reduce((total, value) => total + (value - origin), 0) / values.length;
  // numbers beyond half of what there is have no difference
  return Number.isFinite(mean) ? mean : values.reduce((total, value) => total + value / values.length, 0);
}

function medianOf(values: Float64Array): number {
  const sorted = values.toSorted();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The value there is most of; of several, the one that comes first. */
function mostFrequent<T>(values: Iterable<T>): T {
  return byFrequency(values)[0][0];
}

/** Values with their counts, the most frequent first; equally frequent ones as they come. */
function byFrequency<T>(values: Iterable<T>): [T, number][] {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

function scalarMissing(
  table: Table,
  name: string,
  kind: ScalarColumn["kind"],
  rule: MissingRule,
  values: Float64Array,
): number | null {
  if (rule === "refuse") return null;
  if (typeof rule === "object") {
    const cell = String(rule.constant);
    const value = kind === "boolean" ? truthIn(cell) : Number(cell === "" ? Number.NaN : cell);
    const usable = value !== undefined && Number.isFinite(value) ? value : scalarIn(kind, cell);
    if (usable !== undefined) return usable;
    throw new AdjointError(
      "invalid-argument",
      `${operation}: the constant for missing cells of column "${name}" must be ${expectedIn(kind)}, received "${cell}"`,
      { operation, argument: `columns.${name}.missing`, received: cell },
    );
  }
  if (values.length === 0) throw nothingToLearn(table, name, rule);
  if (rule === "mostFrequent" || kind === "boolean") return mostFrequent(values);
  return rule === "mean" ? meanOf(values) : medianOf(values);
}

function nothingToLearn(table: Table, name: string, rule: string): AdjointError {
  return new AdjointError(
    "invalid-data",
    `${operation}: ${table.file}: every cell of column "${name}" is missing, so there is no ${rule} to stand in for it; give { constant }`,
    { operation, argument: name, file: table.file },
  );
}

/** A column of words. */
export function fitCategorical(table: Table, settled: Settled, isMissing: MissingTest): CategoricalColumn {
  const { name, encode, missing, maxCategories } = settled;
  const words = table.column(name).filter((cell) => !isMissing(cell));
  const ranked = byFrequency(words).map(([word]) => word);
  const tooMany = maxCategories !== undefined && ranked.length > maxCategories;
  const categories = [...(settled.categories ?? sortedWords(ranked.slice(0, maxCategories)))];
  const standIn = categoryFor(table, name, missing, ranked);
  // a constant that is no word of the table, such as "unknown", is a category of its own
  if (standIn !== null && !categories.includes(standIn)) categories.push(standIn);
  if (categories.length === 0) throw nothingToLearn(table, name, "category");
  const unseen = tooMany ? "other" : settled.unseen;
  const known = new Set(categories);
  const at = table.columns.indexOf(name);
  const stranger = table.rows.find((row) => {
    const cell = row.cells[at];
    return unseen === "refuse" && !isMissing(cell) && !known.has(cell);
  });
  if (stranger !== undefined)
    throw cellError(
      "invalid-data",
      operation,
      table.file,
      stranger.line,
      `expected one of ${categories.join(", ")}, received "${stranger.cells[at]}"`,
      { column: name },
    );
  return { name, kind: "categorical", encode, categories, unseen, missing: standIn };
}

function categoryFor(
  table: Table,
  name: string,
  rule: MissingRule,
  ranked: readonly string[],
): string | null {
  if (rule === "refuse") return null;
  if (typeof rule === "object") return String(rule.constant);
  if (ranked.length === 0) throw nothingToLearn(table, name, "most frequent word");
  return ranked[0];
}

/** Different words, sorted; as numbers where all are. */
export function sortedWords(words: readonly string[]): string[] {
  const different = [...new Set(words)];
  const numeric = different.every((word) => decimal.test(word));
  return different.sort(numeric ? (a, b) => Number(a) - Number(b) : undefined);
}
