/**
 * The graph that is exported: a listing of the recorded function. Where the size of the batch is to stay open, the function
 * is recorded with three sizes: numbers that differ between the listings are linear in the size (two points make the line,
 * the third is on it), or the function cannot be exported so.
 */
import { AdjointError, graphOf, isTensor, type Tensor, zeros } from "../../index.js";
import { flatten, leafPaths } from "../../util/tree.js";
import type { Extent, Linear } from "./extents.js";

/** Static parameters of an operation: as listed, with extents (as objects) in place of numbers that depend on the batch. */
export type Parameter =
  | null
  | boolean
  | string
  | number
  | readonly Parameter[]
  | { readonly [key: string]: Parameter };

export interface TracedValue {
  readonly id: number;
  readonly shape: readonly Extent[];
  readonly dtype: Tensor["dtype"];
}

export interface TracedConstant extends TracedValue {
  readonly value: number | string | readonly (number | string)[] | Linear | null;
  /** The shape of `value`, where it has 1 for extents that depend on the batch, along which it repeats. */
  readonly dims?: readonly Extent[];
}

export interface TracedOperation {
  readonly primitive: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly TracedValue[];
  readonly params?: Parameter;
}

export interface TracedFunction {
  readonly inputs: readonly TracedValue[];
  readonly constants: readonly TracedConstant[];
  readonly operations: readonly TracedOperation[];
  readonly outputs: readonly number[];
}

/** The whole: its inputs are the tensors of the model, then the inputs of the function. */
export interface Trace extends TracedFunction {
  readonly functions: readonly TracedFunction[];
  /** Where each output stands in what the function returns, such as `logits`; "" for a bare tensor. */
  readonly outputPaths: readonly string[];
}

/** A function of the model and its inputs. */
export type Inference = (model: unknown, ...inputs: Tensor[]) => unknown;

/** Sizes without a common factor, and larger than 1, which broadcasts. */
const batchSizes = [5, 7, 11] as const;

/**
 * Records an inference.
 *
 * @param open the inputs whose first axis is the batch, of any size; none for a graph of fixed shapes
 * @throws AdjointError `invalid-argument` where the function does not return tensors, `unsupported` where its graph depends
 * on the size of the batch otherwise than by linear extents
 */
export function traceInference(
  f: Inference,
  model: unknown,
  inputs: readonly Tensor[],
  open: ReadonlySet<number>,
): Trace {
  if (open.size === 0) return listingOf(f, model, inputs);
  const [first, second, third] = batchSizes.map((size) =>
    listingOf(
      f,
      model,
      inputs.map((input, i) =>
        open.has(i) ? zeros([size, ...input.shape.slice(1)], { dtype: input.dtype }) : input,
      ),
    ),
  );
  // the merged listing has the form of each, with extents for numbers
  return merge(first, second, third, "") as unknown as Trace;
}

function listingOf(f: Inference, model: unknown, inputs: readonly Tensor[]): Trace {
  let outputPaths: readonly string[] = [];
  const graph = graphOf(
    (tree: unknown, ...leaves: Tensor[]) => {
      const result = f(tree, ...leaves);
      const { structure, leaves: tensors } = flatten(result, isTensor, "exportOnnx");
      if (tensors.length === 0 && !(result instanceof Promise))
        throw new AdjointError("invalid-argument", "exportOnnx: the function must return a tensor or more", {
          operation: "exportOnnx",
          argument: "f",
          expected: "tensors",
        });
      outputPaths = leafPaths(structure);
      return result;
    },
    model,
    ...inputs,
  ).toJSON();
  return { ...graph, outputPaths };
}

/** Facts of a listing that are no part of the computation. */
const skipped = new Set(["flops", "bytes"]);

function merge(a: unknown, b: unknown, c: unknown, path: string): unknown {
  if (Object.is(a, b) && Object.is(b, c)) return a;
  if (typeof a === "number" && typeof b === "number" && typeof c === "number") {
    const [n, m, k] = batchSizes;
    const perExample = (b - a) / (m - n);
    const plus = a - perExample * n;
    if (Number.isInteger(perExample) && Number.isInteger(plus) && perExample * k + plus === c)
      return { perExample, plus };
    throw dependsOnBatch(path, `${a}, ${b} and ${c}`);
  }
  if (Array.isArray(a) && Array.isArray(b) && Array.isArray(c)) {
    if (a.length !== b.length || b.length !== c.length)
      throw dependsOnBatch(path, `lists of ${a.length}, ${b.length} and ${c.length}`);
    return a.map((item, i) => merge(item, b[i], c[i], `${path}[${i}]`));
  }
  if (isRecord(a) && isRecord(b) && isRecord(c)) {
    if (isConstant(a) && isConstant(b) && isConstant(c)) return mergeConstants(a, b, c, path);
    const keys = Object.keys(a).filter((key) => !skipped.has(key));
    return Object.fromEntries(keys.map((key) => [key, merge(a[key], b[key], c[key], `${path}.${key}`)]));
  }
  throw dependsOnBatch(path, `${String(a)}, ${String(b)} and ${String(c)}`);
}

interface ListedConstant {
  readonly id: number;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly value: readonly unknown[];
}

function isConstant(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, unknown>> & ListedConstant {
  return Array.isArray(value.value) && Array.isArray(value.shape);
}

/** Constants of shapes that depend on the batch are the same for every example, or the graph is not for every batch. */
function mergeConstants(a: ListedConstant, b: ListedConstant, c: ListedConstant, path: string): unknown {
  const shape = merge(a.shape, b.shape, c.shape, `${path}.shape`);
  const axes = a.shape.flatMap((extent, axis) =>
    extent === b.shape[axis] && extent === c.shape[axis] ? [] : [axis],
  );
  const [first, second, third] = [a, b, c].map((constant) => firstAlong(constant, axes));
  const isSame = first?.every((element, i) => element === second?.[i] && element === third?.[i]) === true;
  if (first === undefined || !isSame)
    throw dependsOnBatch(path, "other numbers for each, made of the batch while recording");
  const dims = a.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent));
  return { id: a.id, dtype: a.dtype, shape, value: first, dims };
}

/** The elements at index 0 of some axes, if those at all other indices are the same. */
function firstAlong({ shape, value }: ListedConstant, axes: readonly number[]): unknown[] | undefined {
  let elements: readonly unknown[] = value;
  let current = [...shape];
  for (const axis of axes) {
    const inner = current.slice(axis + 1).reduce((x, y) => x * y, 1);
    const extent = current[axis];
    const kept = elements.filter((_, i) => Math.floor(i / inner) % extent === 0);
    const outer = (i: number): number => Math.floor(i / (inner * extent)) * inner + (i % inner);
    if (!elements.every((element, i) => element === kept[outer(i)])) return undefined;
    elements = kept;
    current = current.map((size, a) => (a === axis ? 1 : size));
  }
  return [...elements];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function dependsOnBatch(path: string, received: string): AdjointError {
  const sizes = `${batchSizes.slice(0, -1).join(", ")} and ${batchSizes.at(-1)}`;
  return new AdjointError(
    "unsupported",
    `exportOnnx: the graph depends on the size of the batch in ${path.replace(/^\./, "")}: for sizes ${sizes} it has ${received}. Export it for one size, without dynamicBatch`,
    {
      operation: "exportOnnx",
      argument: "dynamicBatch",
      expected: "the same graph for every size",
      received,
    },
  );
}
