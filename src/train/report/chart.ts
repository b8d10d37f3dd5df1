/**
 * Curves as SVG: axes with round numbers, lines that differ in dashes as well as in colour, and a number at every point for who
 * points at it. Drawn so that it can be read on a phone without being scaled.
 */
import { escapeHtml } from "../../util/html-escape.js";
import { brief } from "./page-parts.js";

/** A line; points that are no numbers are gaps. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  /** What is upwards, with its unit. */
  readonly label: string;
  /** What goes to the right. */
  readonly across: string;
  readonly series: readonly Series[];
  /** Whether values that span orders of magnitude get a logarithmic axis. */
  readonly mayBeLogarithmic?: boolean;
}

const width = 400;
const height = 250;
const margin = { left: 58, right: 14, top: 28, bottom: 44 };
/** Points that can be pointed at, of a line; and corners of it: more cannot be told apart. */
const mostTitles = 60;
const mostCorners = 800;
/** Where values span more than this, the axis has equal ratios instead of equal differences. */
const wide = 50;

/** A direction of the drawing: numbers to places, and the numbers that are written beside it. */
interface Axis {
  readonly place: (value: number) => number;
  readonly ticks: readonly number[];
}

export function chartHtml({ title, label, across, series, mayBeLogarithmic = true }: Chart): string {
  const shown = series
    .map(({ name, points }) => ({ name, points: points.filter(([, y]) => Number.isFinite(y)) }))
    .filter(({ points }) => points.length > 0);
  if (shown.length === 0) return "";
  const xs = shown.flatMap(({ points }) => points.map(([x]) => x));
  const ys = shown.flatMap(({ points }) => points.map(([, y]) => y));
  const isLogarithmic = mayBeLogarithmic && least(ys) > 0 && most(ys) / least(ys) > wide;
  const x = linear(xs, margin.left, width - margin.right, true);
  const y = isLogarithmic
    ? logarithmic(ys, height - margin.bottom, margin.top)
    : linear(ys, height - margin.bottom, margin.top, false);
  const caption = `${label}${isLogarithmic ? ", logarithmic" : ""}`;
  const names = shown.map(({ name }) => name).join(" and ");
  return [
    '<figure class="chart">',
    `<figcaption>${escapeHtml(title)}</figcaption>`,
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${title}: ${caption} over ${across}, ${names}`)}">`,
    ...y.ticks.map((tick) => horizontal(tick, y.place(tick))),
    ...x.ticks.map((tick) => vertical(tick, x.place(tick))),
    `<path class="axis" d="M${margin.left} ${margin.top}V${height - margin.bottom}H${width - margin.right}"/>`,
    `<text class="label" x="${(margin.left + width - margin.right) / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(across)}</text>`,
    `<text class="label" x="4" y="14">${escapeHtml(caption)}</text>`,
    ...shown.map((one) =>
      lineSvg(
        one,
        series.findIndex(({ name }) => name === one.name),
        x,
        y,
        across,
      ),
    ),
    "</svg>",
    shown.length > 1 ? legend(shown.map(({ name }) => name)) : "",
    "</figure>",
  ].join("");
}

function legend(names: readonly string[]): string {
  const items = names.map(
    (name, i) =>
      `<li><svg viewBox="0 0 28 8" aria-hidden="true"><path class="line line-${i}" d="M1 4H27"/></svg>${escapeHtml(name)}</li>`,
  );
  return `<ul class="legend">${items.join("")}</ul>`;
}

function lineSvg({ name, points }: Series, i: number, x: Axis, y: Axis, across: string): string {
  const corners = thinned(points, mostCorners).map(([a, b]) => `${place(x.place(a))} ${place(y.place(b))}`);
  const dots = thinned(points, mostTitles).map(([a, b]) => {
    const text = `${name}, ${across} ${brief(a)}: ${brief(b)}`;
    return `<circle class="dot line-${i}" cx="${place(x.place(a))}" cy="${place(y.place(b))}" r="${points.length > 25 ? 1.5 : 3}"><title>${escapeHtml(text)}</title></circle>`;
  });
  return `<path class="line line-${i}" d="M${corners.join("L")}"/>${dots.join("")}`;
}

function horizontal(tick: number, at: number): string {
  return `<path class="grid" d="M${margin.left} ${place(at)}H${width - margin.right}"/><text class="tick" x="${margin.left - 6}" y="${place(at + 4)}" text-anchor="end">${brief(tick)}</text>`;
}

function vertical(tick: number, at: number): string {
  const foot = height - margin.bottom;
  return `<path class="axis" d="M${place(at)} ${foot}v4"/><text class="tick" x="${place(at)}" y="${foot + 17}" text-anchor="middle">${brief(tick)}</text>`;
}

function place(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Round numbers at equal differences: 1, 2 or 5 times a power of ten (of whole numbers, at least 1). */
function linear(values: readonly number[], from: number, to: number, areWhole: boolean): Axis {
  let [low, high] = [least(values), most(values)];
  if (low === high) {
    const room = areWhole ? 0.5 : Math.abs(low) * 0.1 || 1;
    [low, high] = [low - room, high + room];
  } else if (!areWhole) {
    const room = (high - low) * 0.05;
    // 0 and 1 are where many measures end, and nothing is beyond
    const [bottom, top] = [low - room, high + room];
    low = low >= 0 && bottom < 0 ? 0 : bottom;
    high = high <= 1 && top > 1 ? 1 : top;
  }
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const ratio = rough / power;
  const exact = (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10) * power;
  const step = areWhole ? Math.max(1, exact) : exact;
  const ticks: number[] = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++)
    ticks.push(Number((k * step).toPrecision(12)));
  return { place: (value) => from + ((value - low) / (high - low)) * (to - from), ticks };
}

/** Powers of ten, with 2 and 5 between them where there are few. */
function logarithmic(values: readonly number[], from: number, to: number): Axis {
  const [low, high] = [Math.log10(least(values)) - 0.05, Math.log10(most(values)) + 0.05];
  const decades = high - low;
  const every = Math.ceil(decades / 6);
  const ticks: number[] = [];
  for (let k = Math.floor(low); k <= high; k++)
    for (const factor of decades < 3 ? [1, 2, 5] : [1]) {
      const tick = Number((factor * 10 ** k).toPrecision(3));
      if (k % every === 0 && Math.log10(tick) >= low && Math.log10(tick) <= high) ticks.push(tick);
    }
  return { place: (value) => from + ((Math.log10(value) - low) / decades) * (to - from), ticks };
}

/** At most so many, evenly, the last among them. */
function thinned<T>(points: readonly T[], count: number): T[] {
  if (points.length <= count) return [...points];
  return Array.from({ length: count }, (_, i) => points[Math.round((i * (points.length - 1)) / (count - 1))]);
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
}
