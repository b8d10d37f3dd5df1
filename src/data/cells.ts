/** What the text of a cell means: a number, a truth value, a date, or nothing at all. */

/** How numbers are written: decimal, with a point, perhaps with an exponent. */
export const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** What stands in tables where a value is missing. */
export const usualMissing: readonly string[] = [
  "",
  "NA",
  "N/A",
  "n/a",
  "NaN",
  "nan",
  "NULL",
  "null",
  "None",
  "?",
];

/** The number a cell holds, or undefined for anything else and for what is too large for a float64. */
export function numberIn(cell: string): number | undefined {
  if (!decimal.test(cell)) return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

const truth: ReadonlyMap<string, number> = new Map([
  ["true", 1],
  ["yes", 1],
  ["false", 0],
  ["no", 0],
]);

/** 1 for true and yes, 0 for false and no, in letters of any size; 1 and 0 themselves; or undefined. */
export function truthIn(cell: string): number | undefined {
  return truth.get(cell.toLowerCase()) ?? (cell === "1" ? 1 : cell === "0" ? 0 : undefined);
}

/** Whether a cell holds a word for a truth value, rather than a number that may be one. */
export function isTruthWord(cell: string): boolean {
  return truth.has(cell.toLowerCase());
}

const isoDate =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/;
const millisecondsADay = 86_400_000;

/**
 * Days since 1970-01-01, UTC, of a date written as ISO 8601 has it (`2024-05-01`, `2024-05-01 13:30`, `2024-05-01T13:30:00+02:00`;
 * without a zone, UTC), or undefined for anything else, days that no calendar has included.
 */
export function daysIn(cell: string): number | undefined {
  const parts = isoDate.exec(cell);
  if (parts === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "0", zone = "Z"] = parts;
  // Date.UTC would take the years 0 to 99 for those of the last century
  const back = new Date(0);
  const date = back.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (back.getUTCMonth() !== Number(month) - 1 || back.getUTCDate() !== Number(day)) return undefined;
  if (Number(hour) > 24 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const time = Number(hour) * 3600 + Number(minute) * 60 + Number(second) + Number(`0.${fraction}`);
  // 24:00 ends a day; nothing comes after it
  if (Number(hour) === 24 && time > 86_400) return undefined;
  return (date + (time - zoneSeconds(zone)) * 1000) / millisecondsADay;
}

/** Seconds that a zone is ahead of UTC. */
function zoneSeconds(zone: string): number {
  if (zone === "Z") return 0;
  const sign = zone.startsWith("-") ? -1 : 1;
  return sign * (Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(-2)) * 60);
}
