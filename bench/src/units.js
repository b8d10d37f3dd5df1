/** Numbers for people. */

/** Three significant digits, without an exponent. @param {number} value */
export function digits(value) {
  if (value === 0) return "0";
  const places = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(places, 4));
}

/** A time in the unit that fits: 48.2 µs. @param {number} seconds */
export function duration(seconds) {
  const [unit, scale] = unitOf(seconds);
  return `${digits(seconds / scale)} ${unit}`;
}

/** @param {number} seconds @returns {readonly [unit: string, seconds: number]} */
export function unitOf(seconds) {
  if (seconds < 999.5e-6) return ["µs", 1e-6];
  return seconds < 999.5e-3 ? ["ms", 1e-3] : ["s", 1];
}

/** @param {number} count of bytes */
export function bytes(count) {
  if (count < 999.5) return `${Math.round(count)} B`;
  if (count < 999.5e3) return `${digits(count / 1e3)} kB`;
  return count < 999.5e6 ? `${digits(count / 1e6)} MB` : `${digits(count / 1e9)} GB`;
}

/** @param {number} fraction */
export const percent = (fraction) => `${(100 * fraction).toFixed(0)} %`;

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
export const table = (head, rows) =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
