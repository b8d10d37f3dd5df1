/** A series as a plot of block characters. */
import { padTo } from "../text-layout.js";

const blocks = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** How to draw a series. */
export interface PlotOptions {
  /** The step a dotted line is drawn before. */
  readonly turn: number;
  /** The value at the top. */
  readonly most: number;
  readonly width: number;
  readonly height: number;
  /** What the peak is called. */
  label(value: number): string;
}

/** Lines of text, the topmost first, the largest value beside it; a column is the most of the steps it stands for. */
export function plot(series: readonly number[], options: PlotOptions): string[] {
  const { turn, most, width, height, label } = options;
  if (series.length === 0 || most === 0) return [];
  // short series in steps of equal width, long ones with several steps in a column
  const repeat = Math.max(1, Math.min(4, Math.floor((width - 1) / series.length)));
  const columns = Math.min(width - 1, series.length * repeat);
  const heights = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * series.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * series.length) / columns));
    const value = series.slice(from, to).reduce((peak, one) => Math.max(peak, one), 0);
    // anything above nothing is seen
    return value === 0 ? 0 : Math.max(1, Math.round((value / most) * height * 8));
  });
  const at = Math.round((turn * columns) / series.length);
  const peak = series.reduce((largest, one) => Math.max(largest, one), 0);
  return Array.from({ length: height }, (_, row) => {
    const base = (height - 1 - row) * 8;
    const cells = heights.map((eighths) => blocks[Math.max(0, Math.min(8, eighths - base))]);
    cells.splice(at, 0, "┆");
    const line = cells.join("");
    return row === height - 1 ? `${line}  peak ${label(peak)}` : padTo(line, 0).trimEnd();
  });
}
