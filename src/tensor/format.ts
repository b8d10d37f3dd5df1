/** Tensors as text, abbreviated like NumPy's. */
import type { DType, TypedArray } from "../types/dtype.js";
import { formatShape } from "../util/errors.js";

/** More elements than this are abbreviated to `edge` at each end of every axis. */
const threshold = 1000;
const edge = 3;

function formatNumber(value: number, dtype: DType): string {
  if (dtype === "bool") return value === 0 ? "false" : "true";
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e8) return Object.is(value, -0) ? "-0" : String(value);
  const digits = dtype === "float64" ? 8 : 6;
  return String(Number(value.toPrecision(digits)));
}

/** `tensor([[1, 2],\n        [3, 4]], shape [2, 2], float32)` */
export function formatTensor(data: TypedArray, shape: readonly number[], dtype: DType): string {
  const abbreviate = data.length > threshold;
  const cells: string[] = [];
  const collect = (axis: number, at: number): void => {
    if (axis === shape.length) {
      cells.push(formatNumber(data[at], dtype));
      return;
    }
    for (const i of shown(shape[axis])) if (i >= 0) collect(axis + 1, at * shape[axis] + i);
  };
  const shown = (extent: number): number[] =>
    abbreviate && extent > 2 * edge
      ? [...Array(edge).keys(), -1, ...[...Array(edge).keys()].map((i) => extent - edge + i)]
      : [...Array(extent).keys()];
  collect(0, 0);
  const width = Math.max(0, ...cells.map((cell) => cell.length));
  let next = 0;
  const render = (axis: number, indent: number): string => {
    if (axis === shape.length) return shape.length === 0 ? cells[next++] : cells[next++].padStart(width);
    const last = axis === shape.length - 1;
    const parts = shown(shape[axis]).map((i) => (i < 0 ? "…" : render(axis + 1, indent + 1)));
    const separator = last ? ", " : `,${"\n".repeat(shape.length - axis - 1)}${" ".repeat(indent + 1)}`;
    return `[${last ? wrap(parts, indent + 1) : parts.join(separator)}]`;
  };
  const body = render(0, "tensor(".length);
  return `tensor(${body}, shape ${formatShape(shape)}, ${dtype})`;
}

/** Breaks a row of numbers at 80 columns. */
function wrap(parts: readonly string[], indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const [i, part] of parts.entries()) {
    const piece = i === parts.length - 1 ? part : `${part}, `;
    if (line !== "" && indent + line.length + piece.trimEnd().length > 78) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += piece;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

/** Nested arrays of the elements: numbers, or booleans for bool. */
export function nest(data: TypedArray, shape: readonly number[], dtype: DType): unknown {
  let at = 0;
  const build = (axis: number): unknown => {
    if (axis === shape.length) {
      const value = data[at++];
      return dtype === "bool" ? value !== 0 : value;
    }
    return Array.from({ length: shape[axis] }, () => build(axis + 1));
  };
  return build(0);
}
