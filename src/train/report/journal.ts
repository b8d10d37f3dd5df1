/**
 * The journal of a run, `metrics.jsonl`: one line of JSON for every finished epoch. NaN and the infinities, which JSON has not, are
 * written as strings.
 */
import { AdjointError } from "../../index.js";
import type { EpochRecord } from "../run.js";

/** A line: an epoch, the updates of the run up to it, and when it was written. */
export interface JournalEntry extends EpochRecord {
  readonly steps: number;
  /** ISO 8601, UTC. */
  readonly time: string;
}

const notFinite = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** JSON in which numbers that it does not have are strings. */
export function toJson(value: unknown, indent?: number): string {
  const plain = (_key: string, one: unknown): unknown =>
    typeof one === "number" && !Number.isFinite(one) ? String(one) : one;
  return JSON.stringify(value, plain, indent);
}

export function journalLine(entry: JournalEntry): string {
  const { epoch, steps, loss, validation, seconds, time } = entry;
  return `${toJson({ epoch, steps, loss, validation, seconds, time })}\n`;
}

/**
 * The entries of a journal. What stands behind the last line's end is what a crash left of a line, and is left out.
 * @throws AdjointError `file-format` with the line of what is no entry
 */
export function parseJournal(text: string, file: string, operation: string): JournalEntry[] {
  const lines = text.split("\n");
  lines.pop();
  return lines.map((line, i) => entryOf(line) ?? refuse(file, i + 1, operation));
}

function entryOf(line: string): JournalEntry | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof parsed !== "object" || parsed === null) return undefined;
  const { epoch, steps, loss, validation, seconds, time } = parsed as Record<string, unknown>;
  const numbers = [epoch, steps, loss, seconds].map(numberOf);
  if (numbers.includes(undefined) || typeof time !== "string") return undefined;
  if (typeof validation !== "object" || validation === null) return undefined;
  const measured = Object.entries(validation).map(([name, value]) => [name, numberOf(value)] as const);
  if (measured.some(([, value]) => value === undefined)) return undefined;
  const [at, updates, mean, wall] = numbers as number[];
  return {
    epoch: at,
    steps: updates,
    loss: mean,
    validation: Object.fromEntries(measured) as Record<string, number>,
    seconds: wall,
    time,
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : typeof value === "string" ? notFinite.get(value) : undefined;
}

function refuse(file: string, line: number, operation: string): never {
  throw new AdjointError(
    "file-format",
    `${operation}: ${file}, line ${line}: expected one finished epoch as JSON, { epoch, steps, loss, validation, seconds, time }`,
    { operation, file, line },
  );
}
