/** Numbers in a few characters, and tables. */
import { escapeHtml } from "../../util/html-escape.js";

/** Four digits: `0.1234`, `12,345`, `1.2e-7`. */
export function brief(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return withMinus(grouped(value));
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7))
    return withMinus(
      value
        .toExponential(2)
        .replace(/\.?0+e/, "e")
        .replace("e+", "e"),
    );
  return withMinus(String(Number(value.toPrecision(4))));
}

/** 23,550: the same in every locale. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

function withMinus(text: string): string {
  return text.replace(/^-/, "−");
}

/** `1.4 ms`, `0.41 s`, `3 min 20 s`, `2 h 5 min` */
export function duration(seconds: number): string {
  if (seconds < 0.1) return `${brief(Number((1000 * seconds).toPrecision(3)))}\u00a0ms`;
  if (seconds < 60) return `${brief(Number(seconds.toPrecision(3)))}\u00a0s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A share with four decimals, so that columns of them line up. */
export function share(value: number): string {
  return Number.isFinite(value) ? value.toFixed(4) : brief(value);
}

/** `[1, 28, 28]`, or what one number is called. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "one number" : `[${shape.join(", ")}]`;
}

/** A table: the first row is its head, the first column names the rows. Cells are markup. */
export function tableHtml(
  [head, ...body]: readonly (readonly string[])[],
  caption: string,
  { numeric = [] as readonly number[], name = "" } = {},
): string {
  const kind = (column: number): string => (numeric.includes(column) ? ' class="number"' : "");
  const row = (cells: readonly string[]): string =>
    `<tr>${cells.map((cell, i) => (i === 0 ? `<th scope="row">${cell}</th>` : `<td${kind(i)}>${cell}</td>`)).join("")}</tr>`;
  return [
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}">`,
    `<table${name === "" ? "" : ` class="${name}"`}><caption class="hidden">${escapeHtml(caption)}</caption>`,
    `<thead><tr>${head.map((cell, i) => `<th scope="col"${kind(i)}>${cell}</th>`).join("")}</tr></thead>`,
    `<tbody>${body.map(row).join("")}</tbody></table></div>`,
  ].join("");
}
