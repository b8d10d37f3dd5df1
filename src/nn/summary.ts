/** A model as a table: what it is made of, what shapes flow through it, how many numbers it learns. */
import { AdjointError, type DType, graphOf, isTensor, type Tensor, zeros } from "../index.js";
import { checkOptionNames, invalidArgument, isList, isNatural } from "../util/checks.js";
import { formatList, formatReceived } from "../util/errors.js";
import { MultiHeadAttention } from "./attention.js";
import { callsOf, type LayerCall } from "./calls.js";
import { Embedding } from "./embedding.js";
import { isModule } from "./module.js";
import { Sequential } from "./sequential.js";
import { parameters } from "./state.js";
import { TransformerBlock } from "./transformer.js";

interface Row {
  readonly layer: string;
  readonly shape: string;
  readonly count: number;
  readonly flops: number;
}

/** Columns of the table; with two spaces between them they fill 80 characters. */
const widths = { layer: 34, shape: 19, count: 12, flops: 9 };

/**
 * A table of the layers in the order they are called: each layer's output shape, number of parameters, and floating-point
 * operations for one example (a multiply-add counts 2), and the totals; at most 80 columns wide. Models of your own classes are
 * shown by the layers they call, and what they have or do besides as a line of their own. A layer that is called twice has two
 * lines, and its parameters in the first. The shapes are found by running the model on one example of zeros.
 *
 * @param inputShape of one example, without the batch: `[784]`, `[1, 28, 28]`
 * @param options.dtype of the example. Default: that of the model's first parameter, int32 where it begins with an
 * Embedding
 * @throws AdjointError `invalid-argument` for what is no model, and whatever its layers throw for that shape
 * @example nn.summary(new nn.Sequential(new nn.Linear(784, 30)), [784]).includes("23,550"); // → true
 */
export function summary(
  model: unknown,
  inputShape: readonly number[],
  options: { readonly dtype?: DType } = {},
): string {
  if (!isModule(model))
    throw invalidArgument("summary", "model", "a model, with a forward method", formatReceived(model));
  if (!isList(inputShape, isNatural))
    throw invalidArgument(
      "summary",
      "inputShape",
      "the shape of one example, such as [784]",
      formatList(inputShape),
    );
  checkOptionNames(options, ["dtype"], "summary");
  const all = parameters(model);
  const rows: Row[] = [];
  const dtype = options.dtype ?? (readsRows(model) ? "int32" : (all[0]?.[1].dtype ?? "float32"));
  addRows(callsOf(model, zeros([1, ...inputShape], { dtype })), rows, new Set());
  const total = countOf(model);
  const bytes = all.reduce(
    (sum, [, { size, dtype: kind }]) => sum + size * (kind === "float64" ? 8 : kind === "bool" ? 1 : 4),
    0,
  );
  const line = "─".repeat(80);
  return [
    format("Layer", "Output shape", "Parameters", "FLOPs"),
    line,
    format("input", batchShape([1, ...inputShape]), "", ""),
    ...rows.map(({ layer, shape, count, flops }) => format(layer, shape, grouped(count), shortened(flops))),
    line,
    format(
      "total",
      formatBytes(bytes),
      grouped(total),
      shortened(rows.reduce((sum, { flops }) => sum + flops, 0)),
    ),
  ].join("\n");
}

/** Layers of the library that are made of others, and yet are one to those who use them. */
const whole = [MultiHeadAttention, TransformerBlock];

/** Adds the rows of a call, or of those inside it. `counted` are the parameters that rows have had. */
function addRows(call: LayerCall, rows: Row[], counted: Set<Tensor>): void {
  const { path, layer, input, output, inside } = call;
  const name = nameOf(layer);
  if (!isTensor(output))
    throw invalidArgument("summary", `the output of ${name}`, "a tensor", formatReceived(output));
  const isOne = inside.length === 0 || whole.some((kind) => layer instanceof kind);
  const first = rows.length;
  if (!isOne) for (const one of inside) addRows(one, rows, counted);
  let count = 0;
  for (const [, parameter] of parameters(layer))
    if (!counted.has(parameter)) {
      counted.add(parameter);
      count += parameter.size;
    }
  const forward = (x: Tensor): Tensor =>
    isModule(layer) ? layer.forward(x) : (layer as (x: Tensor) => Tensor)(x);
  const flops = rows.slice(first).reduce((rest, row) => rest - row.flops, flopsOf(forward, input));
  // what is made of others may do something besides, or nothing
  if (!isOne && count === 0 && !(flops > 0)) return;
  const shown = path === "" ? name : `${path}  ${name}`;
  rows.push({ layer: isOne ? shown : `${shown}, itself`, shape: batchShape(output.shape), count, flops });
}

/** Floating-point operations of a layer; NaN for one of the user's that reads values, which has no graph. */
function flopsOf(forward: (x: Tensor) => Tensor, x: Tensor): number {
  try {
    return graphOf(forward, x).cost().flops;
  } catch (error) {
    if (error instanceof AdjointError && error.code === "abstract-value") return Number.NaN;
    throw error;
  }
}

/** Whether the first layer takes rows of a table. */
function readsRows(model: unknown): boolean {
  return model instanceof Sequential ? readsRows(model.layers[0]) : model instanceof Embedding;
}

function nameOf(layer: unknown): string {
  if (typeof layer === "function") return layer.name === "" ? "function" : layer.name;
  // an object without a prototype has no text of its own
  const text = typeof layer?.toString === "function" ? String(layer) : "[object]";
  return text.startsWith("[object") ? formatReceived(layer) : text;
}

function countOf(layer: unknown): number {
  return parameters(layer).reduce((sum, [, { size }]) => sum + size, 0);
}

/** `[batch, 30]` */
function batchShape(shape: readonly number[]): string {
  return shape.length === 0 ? "[]" : `[${["batch", ...shape.slice(1)].join(", ")}]`;
}

function format(layer: string, shape: string, count: string, flops: string): string {
  const shorten = (text: string, width: number): string =>
    text.length > width ? `${text.slice(0, width - 1)}…` : text;
  const left = shorten(layer, widths.layer).padEnd(widths.layer);
  const middle = shorten(shape, widths.shape).padEnd(widths.shape);
  return `${left}  ${middle}  ${count.padStart(widths.count)}  ${flops.padStart(widths.flops)}`.trimEnd();
}

/** 23,550: the same in every locale. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** 1.23 M: three digits are enough to compare by. */
function shortened(count: number): string {
  if (Number.isNaN(count)) return "?";
  const units = ["", " k", " M", " G", " T", " P"];
  let [value, unit] = [count, 0];
  // 999.5 has four digits when rounded to three
  while (value >= 999.5 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toPrecision(3)}${units[unit]}`;
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
