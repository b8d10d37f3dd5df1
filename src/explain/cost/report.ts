/** What a gradient costs, as text in 80 columns. */
import type { SourcePlace } from "../document.js";
import { show } from "../numbers.js";
import { heading, lineWidth, more, table, wrap } from "../text-layout.js";
import type { CostDocument, LineCost, MethodCost, StrategyCost } from "./document.js";
import { plot } from "./plot.js";

/** Rows of a table. */
const shownRows = 30;

/**
 * What a gradient costs. The document is all there is; the text is a rendering of it.
 *
 * @example
 * import { explain } from "adjoint/explain";
 * const report = explain.cost((w) => w.sin().sin().sin(), [0.5], { measure: false });
 * report.toText().split("\n")[0]; // → What the gradient costs
 */
export class CostReport {
  readonly document: CostDocument;

  constructor(document: CostDocument) {
    this.document = document;
  }

  /** Plain text in 80 columns, with a plot of memory over time. */
  toText(): string {
    return [...costText(this.document), ""].join("\n");
  }

  /** The document: plain data, with a `format` and a `version`. */
  toJSON(): CostDocument {
    return this.document;
  }

  /** The text. */
  toString(): string {
    return this.toText();
  }
}

function costText(document: CostDocument): string[] {
  const { parameters, forward, backward, savedBytes, operations } = document;
  const ratio = backward.flops / forward.flops;
  return [
    ...heading("What the gradient costs").slice(1),
    ...wrap(
      `Towards ${counted(parameters, "number")}: ${flopsText(forward.flops)} forward, ${flopsText(backward.flops)} back${Number.isFinite(ratio) ? ` (${show(ratio, 3)} times as much)` : ""}; ${counted(operations.length, "operation")} forward; ${bytesText(savedBytes)} of results kept for the way back.`,
    ),
    "",
    ...linesText(document),
    ...methodsText(document),
    ...strategiesText(document),
  ];
}

function linesText({ lines, operations }: CostDocument): string[] {
  const isPlaced = lines.some(({ place }) => place !== null);
  const rows = isPlaced
    ? lines.map((line) => [placeText(line.place), String(line.operations), ...workCells(line)])
    : operations.map((one) => [
        `${one.primitive} [${one.shape.join(",")}]`,
        one.calls.at(-1) ?? "",
        ...workCells(one),
      ]);
  const shown = rows.slice(0, shownRows);
  const head = [
    isPlaced ? "line" : "operation",
    isPlaced ? "operations" : "of",
    "forward",
    "back",
    "moved",
    "kept",
  ];
  return [
    ...table(
      [head, ...shown],
      [
        { most: 26 },
        isPlaced ? { align: "right" } : { most: 12 },
        { align: "right" },
        { align: "right" },
        { align: "right" },
        { align: "right" },
      ],
    ),
    ...more(rows.length - shown.length, isPlaced ? "lines" : "operations"),
  ];
}

function workCells({
  forward,
  backward,
  savedBytes,
}: Pick<LineCost, "forward" | "backward" | "savedBytes">): string[] {
  return [
    flopsText(forward.flops),
    flopsText(backward.flops),
    bytesText(forward.bytes + backward.bytes),
    savedBytes === 0 ? "" : bytesText(savedBytes),
  ];
}

const methodNames: Readonly<Record<MethodCost["method"], string>> = {
  reverse: "reverse mode",
  forward: "forward mode (jvp)",
  centredDifferences: "centred differences",
};

function methodsText({ methods, parameters }: CostDocument): string[] {
  const isMeasured = methods.some(({ seconds }) => seconds !== null);
  const rows = methods.map(({ method, runs, flops, flopsPerRun, ratio, secondsPerRun, seconds }) => [
    methodNames[method],
    runs.toLocaleString("en"),
    flopsText(flopsPerRun),
    flopsText(flops),
    `${show(ratio, 3)} ×`,
    ...(isMeasured ? [timeText(secondsPerRun), timeText(seconds)] : []),
  ]);
  const head = ["method", "runs", "a run", "all", "", ...(isMeasured ? ["a run", "all"] : [])];
  const right = { align: "right" } as const;
  return [
    ...heading(
      parameters === 1
        ? "The derivative, in three ways"
        : `All ${counted(parameters, "derivative")}, in three ways`,
    ),
    ...table([head, ...rows], [{}, right, right, right, right, right, right]),
    ...(isMeasured
      ? wrap("Times are medians of compiled runs; where there are several runs, one was measured.")
      : []),
  ];
}

const strategyNames: Readonly<Record<StrategyCost["strategy"], string>> = {
  store: "store everything",
  written: "as written, with checkpoints",
  segments: "store every √n-th, recompute between",
  recompute: "recompute everything",
};

function strategiesText({ strategies }: CostDocument): string[] {
  const rows = strategies.map(({ strategy, flops, repeatedFlops, peakBytes }) => [
    strategyNames[strategy],
    flopsText(flops),
    repeatedFlops === 0 ? "" : flopsText(repeatedFlops),
    bytesText(peakBytes),
  ]);
  const right = { align: "right" } as const;
  const most = strategies.reduce((peak, { peakBytes }) => Math.max(peak, peakBytes), 0);
  return [
    ...heading("Store or recompute"),
    ...table([["", "work", "of it twice", "peak memory"], ...rows], [{}, right, right, right]),
    ...wrap(
      "Values and adjoints alive after each step, from left to right, on one scale; the arguments are not counted. ┆ is the turn to the way back.",
    ),
    ...strategies.flatMap(({ strategy, timeline, turn }) => [
      "",
      `  ${strategyNames[strategy]}`,
      ...plot(timeline, { turn, most, width: lineWidth - 14, height: 3, label: bytesText }).map(
        (line) => `  ${line}`,
      ),
    ]),
  ];
}

function placeText(place: SourcePlace | null): string {
  return place === null ? "(not known)" : `${place.file.split(/[\\/]/).at(-1)}:${place.line}`;
}

function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

function withUnit(value: number, unit: string): string {
  const scale = ["", "k", "M", "G", "T"];
  let size = value;
  let at = 0;
  while (size >= 1000 && at < scale.length - 1) {
    size /= 1000;
    at++;
  }
  return `${show(size, 3)} ${scale[at]}${unit}`;
}

function flopsText(flops: number): string {
  return withUnit(flops, "FLOP");
}

function bytesText(count: number): string {
  return withUnit(count, "B");
}

function timeText(seconds: number | null): string {
  if (seconds === null) return "";
  if (seconds < 1e-3) return `${show(seconds * 1e6, 3)} µs`;
  return seconds < 1 ? `${show(seconds * 1e3, 3)} ms` : `${show(seconds, 3)} s`;
}
