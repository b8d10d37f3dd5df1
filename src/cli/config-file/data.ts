/** What can be told of data of any kind: datasets, tensors, streams. */
import type { ExampleStream } from "../../data/index.js";
import { isTensor } from "../../index.js";
import type * as training from "../../train/index.js";

/** How many examples there are, where that is known. */
export function sizeOf(data: unknown): number | undefined {
  const { size, x } = data as { readonly size?: unknown; readonly x?: unknown };
  return typeof size === "number" ? size : isTensor(x) ? x.shape[0] : undefined;
}

/** The shape of one example's inputs or targets. */
export function shapeOf(data: unknown, side: "input" | "target"): readonly number[] {
  const parts = data as Partial<Record<"x" | "y" | "inputShape" | "targetShape", unknown>>;
  const tensors = side === "input" ? parts.x : parts.y;
  if (isTensor(tensors)) return tensors.shape.slice(1);
  return (side === "input" ? parts.inputShape : parts.targetShape) as readonly number[];
}

/** The shape of one answer: `[]` for a class alone, so that a column of plain numbers is `[1]`. */
export function answerShape(data: training.Data | ExampleStream): readonly number[] {
  const shape = shapeOf(data, "target");
  return shape.length > 0 || isStream(data) || isLabels(data) ? shape : [1];
}

/** The names of the classes, where there are any. */
export function classesOf(data: unknown): readonly string[] | undefined {
  return (data as { readonly classes?: readonly string[] }).classes;
}

/** Are the targets classes, of examples that lie in memory? */
export function isLabels(data: unknown): data is training.Data {
  const { targets, y } = data as { readonly targets?: unknown; readonly y?: unknown };
  return targets instanceof Int32Array || (isTensor(y) && y.dtype === "int32");
}

/** Are the inputs whole numbers, such as tokens? */
export function isIntegral(data: unknown): boolean {
  const { inputs, x } = data as { readonly inputs?: unknown; readonly x?: unknown };
  return inputs instanceof Int32Array || (isTensor(x) && x.dtype === "int32");
}

/** Do examples come one batch after the other? */
export function isStream(data: training.Data | ExampleStream): data is ExampleStream {
  return !("x" in data) && !("inputs" in data);
}
