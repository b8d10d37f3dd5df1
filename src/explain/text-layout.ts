/** Laying out text in 80 columns: widths, tables, wrapping. */
import type { SourcePlace } from "./document.js";

/** Columns of a terminal that everything fits in. */
export const lineWidth = 80;

/** Columns a text takes: combining marks take none. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) if (!/\p{M}/u.test(character)) width++;
  return width;
}

/** The text at least this wide. */
export function padTo(text: string, width: number, side: "left" | "right" = "right"): string {
  const space = " ".repeat(Math.max(0, width - widthOf(text)));
  return side === "right" ? text + space : space + text;
}

/** No wider than this, an ellipsis where something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  return `${[...text].slice(0, Math.max(0, width - 1)).join("")}…`;
}

/** Words in lines of at most `width` columns, the first indented as the text is, the others by `indent`. */
export function wrap(text: string, indent = "", width = lineWidth): string[] {
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  let isEmpty = true;
  for (const word of text.trim().split(" ")) {
    if (!isEmpty && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

/** A heading, underlined. */
export function heading(text: string): string[] {
  return ["", text, "─".repeat(lineWidth)];
}

/** A column of a table. */
export interface Column {
  readonly align?: "left" | "right";
  /** The widest it may get. */
  readonly most?: number;
}

/** Rows in columns of their width, two spaces between them; the last may be cut so that a line fits. */
export function table(
  rows: readonly (readonly string[])[],
  columns: readonly Column[],
  indent = "  ",
): string[] {
  const widths = columns.map(({ most = lineWidth }, c) =>
    Math.min(most, Math.max(0, ...rows.map((row) => widthOf(row[c] ?? "")))),
  );
  return rows.map((row) => {
    const cells = columns.map(({ align = "left" }, c) =>
      padTo(cut(row[c] ?? "", widths[c]), widths[c], align === "left" ? "right" : "left"),
    );
    return cut((indent + cells.join("  ")).trimEnd(), lineWidth);
  });
}

/** A part left out of a long list. */
export function more(count: number, what: string): string[] {
  return count > 0 ? [`  … ${count.toLocaleString("en")} more ${what}`] : [];
}

/** `file.ts:12` */
export function placeText(place: SourcePlace | null): string {
  return place === null ? "" : `${place.file.split(/[\\/]/).at(-1)}:${place.line}`;
}
