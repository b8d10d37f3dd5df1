/** Values and places in a few characters, and tables. */

import { escapeHtml } from "../../util/html-escape.js";
import type { Matrix, Real, SourcePlace, Values } from "../document.js";
import { show } from "../numbers.js";

/** Rows and columns of a matrix that are shown. */
const shownRows = 8;
const shownColumns = 8;

/** A value in a few characters: its number, or from … to. */
export function briefValues({ size, elements, min, max }: Values, digits = 4): string {
  if (size === 0) return "empty";
  if (elements !== null && size <= 2) return elements.map((value) => show(value, digits)).join(", ");
  return `${show(min, 3)} … ${show(max, 3)}`;
}

/** `file.ts:12` */
export function briefPlace({ file, line }: SourcePlace): string {
  return `${file.split(/[\\/]/).at(-1)}:${line}`;
}

/** `2 × 3`; a number has no shape. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "one number" : `[${shape.join(" × ")}]`;
}

/** A table: the first row is its head. Cells are markup; a table of columns named in `numeric` is aligned for them. */
export function tableHtml(
  rows: readonly (readonly string[])[],
  options: { readonly caption: string; readonly numeric?: readonly number[]; readonly name?: string },
): string {
  const { caption, numeric = [], name = "" } = options;
  const [head, ...body] = rows;
  const attribute = (column: number): string => (numeric.includes(column) ? ' class="number"' : "");
  const row = (cells: readonly string[]): string =>
    `<tr>${cells.map((cell, i) => (i === 0 ? `<th scope="row">${cell}</th>` : `<td${attribute(i)}>${cell}</td>`)).join("")}</tr>`;
  return [
    `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(caption)}"><table${name === "" ? "" : ` class="${name}"`}>`,
    `<caption class="hidden">${escapeHtml(caption)}</caption>`,
    `<thead><tr>${head.map((cell, i) => `<th scope="col"${attribute(i)}>${cell}</th>`).join("")}</tr></thead>`,
    `<tbody>${body.map(row).join("\n")}</tbody></table></div>`,
  ].join("");
}

/** Numbers in rows, or what they are like where they were not kept. */
export function matrixHtml({ rows, columns, values }: Matrix): string {
  const { elements } = values;
  if (elements === null)
    return `<p class="muted">[${rows} × ${columns}], from ${show(values.min, 4)} to ${show(values.max, 4)}, root mean square ${show(values.rms, 4)}</p>`;
  const shown = Math.min(rows, shownRows);
  const line = (i: number): string => {
    const cells = elements.slice(i * columns, i * columns + Math.min(columns, shownColumns));
    return `<tr>${cells.map((value) => `<td>${show(value, 4)}</td>`).join("")}${columns > shownColumns ? "<td>…</td>" : ""}</tr>`;
  };
  const more = rows > shown ? `<p class="muted">… ${rows - shown} more rows</p>` : "";
  return `<div class="scroll"><table class="matrix" aria-label="${rows} by ${columns} numbers"><tbody>${Array.from({ length: shown }, (_, i) => line(i)).join("")}</tbody></table></div>${more}`;
}

/** A tensor as rows of its last axis. */
export function valuesHtml(values: Values, shape: readonly number[]): string {
  if (values.size === 0) return '<p class="muted">empty</p>';
  const columns = shape.at(-1) ?? 1;
  return matrixHtml({ rows: values.size / columns, columns, values });
}

/** A number with its sign as a class, so that colour is not all that tells it. */
export function signed(value: Real): string {
  const name = Number(value) < 0 ? "minus" : Number(value) > 0 ? "plus" : "zero";
  return `<span class="${name}">${show(value)}</span>`;
}
