/** What training needs of a model, besides calling it. */
import { isTensor, type Tensor, type TypedArray, tensor } from "../index.js";
import { type ForwardOptions, isModule, type Module } from "../nn/index.js";
import { invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived } from "../util/errors.js";
import { flatten, unflatten } from "../util/tree.js";
import type { FloatDType } from "./source.js";

/** @throws AdjointError `invalid-argument` */
export function checkModel(model: unknown, operation: string): asserts model is Module {
  if (isModule(model)) return;
  throw new AdjointError(
    "invalid-argument",
    `${operation}: model must have a forward method, received ${formatReceived(model)}`,
    { operation, argument: "model", expected: "a model", received: formatReceived(model) },
  );
}

/**
 * What a model makes of a batch.
 * @throws AdjointError `invalid-argument` for a model of the user's that gives no tensor
 */
export function outputsOf(model: Module, x: Tensor, options: ForwardOptions, operation: string): Tensor {
  return checkOutput(model.forward(x, options), operation);
}

/** @throws AdjointError `invalid-argument` for what no model gives */
export function checkOutput(output: unknown, operation: string): Tensor {
  if (isTensor(output)) return output;
  throw invalidArgument(operation, "what model.forward gives", "a tensor", formatReceived(output));
}

/** float64 where a parameter is, float32 otherwise. */
export function dtypeOf(model: Module): FloatDType {
  return flatten(model, isTensor).leaves.some((leaf) => leaf.dtype === "float64") ? "float64" : "float32";
}

/** The same tree with copies of its tensors: what happens to either does not touch the other. */
export async function copyTree<T>(tree: T): Promise<T> {
  const { leaves, structure } = flatten(tree, isTensor);
  const values: TypedArray[] = await Promise.all(leaves.map((leaf) => leaf.data()));
  const copies = leaves.map(({ shape, dtype }, i) => tensor(values[i], { shape, dtype }));
  // the same tree with other tensors in it
  return unflatten(structure, copies) as T;
}

/** Whether a tensor holds neither NaN nor infinities. */
export function hasOnlyFinite(leaf: Tensor): boolean {
  // the elements themselves, which nobody writes: a copy would take longer than the look
  const values = leaf.storage?.read() ?? leaf.dataSync();
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}
