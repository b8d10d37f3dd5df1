/** Checks of plain arguments, shared by every operation: a few comparisons where all is well, a full message where not. */
import { AdjointError, formatReceived } from "./errors.js";

/** More elements than this are refused: positions are int32. */
const largestCount = 2 ** 31 - 1;

/** The refusal of one argument: `operation: argument must be expected, received received`. */
export function invalidArgument(
  operation: string,
  argument: string,
  expected: string,
  received: string,
): AdjointError {
  return new AdjointError(
    "invalid-argument",
    `${operation}: ${argument} must be ${expected}, received ${received}`,
    { operation, argument, expected, received },
  );
}

/** An array whose entries, holes included, all pass. */
export function isList<T>(value: unknown, fits: (entry: unknown) => entry is T): value is T[] {
  if (!Array.isArray(value)) return false;
  for (const entry of value) if (!fits(entry)) return false;
  return true;
}

/** A number without a fraction; infinities and NaN are none. */
export function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

/** An integer of at least 0. */
export function isNatural(value: unknown): value is number {
  return isInteger(value) && value >= 0;
}

/** @throws AdjointError `invalid-argument` unless `options` is an object */
export function checkOptions(
  options: unknown,
  operation: string,
  expected = "an object",
  argument = "options",
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw invalidArgument(operation, argument, expected, formatReceived(options));
}

/** @throws AdjointError `invalid-argument` unless `value` is a number, which NaN and the infinities are */
export function checkNumber(value: unknown, operation: string, argument: string): number {
  if (typeof value === "number") return value;
  throw invalidArgument(operation, argument, "a number", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless `value` is a finite number */
export function checkFinite(value: unknown, operation: string, argument: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw invalidArgument(operation, argument, "a finite number", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless `value` is an integer of at least 0 that can count elements */
export function checkCount(value: unknown, operation: string, argument: string): number {
  if (isNatural(value) && value <= largestCount) return value;
  const expected = isNatural(value) ? `at most ${largestCount}` : "an integer of at least 0";
  throw invalidArgument(operation, argument, expected, formatReceived(value));
}

/**
 * An options object with no name but the known ones: a mistyped option must not be silently without effect.
 * @throws AdjointError `invalid-argument`, offering the nearest name
 */
export function checkOptionNames(options: object, known: readonly string[], operation: string): void {
  checkOptions(options, operation);
  for (const name in options) {
    if (known.includes(name)) continue;
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `the options are ${known.join(", ")}` : `did you mean ${nearest}?`;
    throw new AdjointError("invalid-argument", `${operation}: there is no option ${name}; ${hint}`, {
      operation,
      argument: name,
      expected: known.join(" | "),
      received: name,
    });
  }
}

/** The known name that a mistyped one most likely means: a third of its letters wrong is a slip, more is another word. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  if (best === undefined || best.distance > Math.max(1, Math.floor(best.candidate.length / 3)))
    return undefined;
  return best.candidate;
}

/** Insertions, deletions, substitutions and swaps of neighbours from one word to the other (Damerau 1964). */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, replaced));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}
