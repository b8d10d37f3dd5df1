/** A model as a table: what it is made of, what shapes flow through it, how many numbers it learns. */
import { type DType, isTensor, type Tensor, zeros } from "../index.js";
import { checkOptionNames, invalidArgument, isList, isNatural } from "../util/checks.js";
import { formatList, formatReceived } from "../util/errors.js";
import { isModule } from "./module.js";
import { Sequential } from "./sequential.js";
import { parameters } from "./state.js";

interface Row {
  readonly layer: string;
  readonly shape: string;
  readonly count: number;
}

/** Columns of the table; with two spaces between them they fill 80 characters. */
const widths = { layer: 40, shape: 22, count: 14 };

/**
 * A table of the layers in order: each layer's output shape and number of parameters, and the total; at most 80 columns
 * wide. The shapes are found by running the model on one example of zeros.
 *
 * @param inputShape of one example, without the batch: `[784]`, `[1, 28, 28]`
 * @param options.dtype of the example. Default: that of the model's first parameter
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
  const dtype = options.dtype ?? all[0]?.[1].dtype ?? "float32";
  walk(model, "", zeros([1, ...inputShape], { dtype }), rows);
  const total = countOf(model);
  const bytes = all.reduce(
    (sum, [, { size, dtype: kind }]) => sum + size * (kind === "float64" ? 8 : kind === "bool" ? 1 : 4),
    0,
  );
  const line = "─".repeat(80);
  return [
    format("Layer", "Output shape", "Parameters"),
    line,
    format("input", batchShape([1, ...inputShape]), ""),
    ...rows.map(({ layer, shape, count }) => format(layer, shape, grouped(count))),
    line,
    format("total", formatBytes(bytes), grouped(total)),
  ].join("\n");
}

/** Runs a layer and adds its rows; a Sequential's children come one by one. */
function walk(layer: unknown, path: string, x: Tensor, rows: Row[]): Tensor {
  if (layer instanceof Sequential) {
    const indent = path === "" ? "" : `${path}.`;
    return layer.layers.reduce<Tensor>(
      (value, child, index) => walk(child, `${indent}${index}`, value, rows),
      x,
    );
  }
  const name = nameOf(layer);
  const y = isModule(layer) ? layer.forward(x) : (layer as (x: Tensor) => Tensor)(x);
  if (!isTensor(y)) throw invalidArgument("summary", `the output of ${name}`, "a tensor", formatReceived(y));
  rows.push({
    layer: path === "" ? name : `${path}  ${name}`,
    shape: batchShape(y.shape),
    count: countOf(layer),
  });
  return y;
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

function format(layer: string, shape: string, count: string): string {
  const shorten = (text: string, width: number): string =>
    text.length > width ? `${text.slice(0, width - 1)}…` : text;
  const left = shorten(layer, widths.layer).padEnd(widths.layer);
  const middle = shorten(shape, widths.shape).padEnd(widths.shape);
  return `${left}  ${middle}  ${count.padStart(widths.count)}`.trimEnd();
}

/** 23,550: the same in every locale. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
