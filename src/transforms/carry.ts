/** Trees that loops carry from step to step, and functions recorded as graphs whose captures are inputs. */
import { closeOver, evaluateGraph, type Graph, traceGraph } from "../graph/graph.js";
import { canonicalGraph } from "../graph/graph-key.js";
import { isRecorded, type Node, uniformNode } from "../graph/node.js";
import type { TensorType } from "../graph/primitive.js";
import { convert, fromNode, isTensor } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { type DType, weakDType } from "../types/dtype.js";
import { sameShape } from "../types/shape.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { type Flat, leafPaths, type Structure, sameStructure } from "../util/tree.js";
import { checkSynchronous, flattenTensors } from "./arguments.js";

/** A tree as a loop sees it: numbers and booleans, alone and in arrays, are tensors. */
export type Carried<T> = T extends number | boolean
  ? Tensor
  : T extends Tensor
    ? T
    : T extends readonly unknown[]
      ? { -readonly [K in keyof T]: Carried<T[K]> }
      : T;

/** What may stand in a carry's place: numbers for its tensors. */
export type Loose<T> = T extends number | boolean
  ? Tensor | number | boolean
  : T extends Tensor
    ? T | number | boolean
    : T extends readonly unknown[]
      ? { readonly [K in keyof T]: Loose<T[K]> }
      : T;

/** A tree's tensors, its structure, and what was a plain number in each tensor's place. */
export interface CarryTree extends Flat<Tensor> {
  readonly numbers: readonly (number | boolean | undefined)[];
}

/** Numbers and booleans, alone and in arrays, become tensors; float32 and bool until they meet others. */
export function carryTree(tree: unknown, operation: string): CarryTree {
  const weak = new Map<Tensor, number | boolean>();
  const lifted = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(lifted);
    if (typeof value !== "number" && typeof value !== "boolean") return value;
    const made = fromNode(uniformNode([], typeof value === "number" ? "float32" : "bool", Number(value)));
    weak.set(made, value);
    return made;
  };
  // a tree that contains itself is refused before it is walked
  flattenTensors(tree, operation);
  const flat = flattenTensors(lifted(tree), operation);
  return { ...flat, numbers: flat.leaves.map((leaf) => weak.get(leaf)) };
}

/** The dtypes a loop begins with: numbers are float64 beside any float64, and change where they meet something else. */
export function firstTypes(start: CarryTree, beside: readonly TensorType[]): DType[] {
  const known = start.leaves.filter((_, i) => start.numbers[i] === undefined);
  const wide = [...known, ...beside].some(({ dtype }) => dtype === "float64");
  return start.leaves.map(({ dtype }, i) =>
    wide && typeof start.numbers[i] === "number" ? "float64" : dtype,
  );
}

/** `carry` or `carry.hidden`, or of several arguments. */
function named(what: string, path: string): string {
  return path === "" ? what : `${what}.${path}`;
}

export const formatType = ({ dtype, shape }: TensorType): string => `${dtype}${formatShape(shape)}`;

/**
 * Two trees must be one: the same classes, keys and values that are no tensors.
 * @throws AdjointError `tree-mismatch`, naming where they part
 */
export function checkSameTree(
  operation: string,
  what: string,
  expected: Structure,
  received: Structure,
  advice: string,
): void {
  if (sameStructure(expected, received)) return;
  const difference = firstDifference(expected, received, "");
  const message = `${operation}: ${named(what, difference.path)} must be ${difference.expected}${advice}, received ${difference.received}`;
  throw new AdjointError("tree-mismatch", message, {
    operation,
    argument: named(what, difference.path),
    expected: difference.expected,
    received: difference.received,
  });
}

function firstDifference(
  a: Structure,
  b: Structure,
  path: string,
): { readonly path: string; readonly expected: string; readonly received: string } {
  const inside = (key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);
  if ((a.kind === "array" || a.kind === "object") && a.kind === b.kind && a.items.length === b.items.length) {
    const keys = a.kind === "object" ? a.keys : a.items.map((_, i) => i);
    const same = b.kind === "array" || (a.kind === "object" && String(a.keys) === String(b.keys));
    const at = a.items.findIndex((item, i) => !sameStructure(item, b.items[i]));
    if (same && at >= 0) return firstDifference(a.items[at], b.items[at], inside(keys[at]));
  }
  return { path, expected: describe(a), received: describe(b) };
}

function describe(structure: Structure): string {
  switch (structure.kind) {
    case "leaf":
      return "a tensor";
    case "array":
      return `an array of ${structure.items.length}`;
    case "object":
      return `an object with ${structure.keys.length === 0 ? "no fields" : structure.keys.join(", ")}`;
    case "static":
      return structure.value === undefined ? "nothing" : formatReceived(structure.value);
  }
}

/**
 * What a step gives, against what it was given. A plain number takes the type of what it meets.
 *
 * @param mayChange whether plain numbers to begin with may take another dtype
 * @returns the leaves; where the start was a plain number and must be of another dtype to begin with, that dtype
 * @throws AdjointError `tree-mismatch`, `shape-mismatch`, `dtype-mismatch`
 */
export function matchCarry(
  operation: string,
  before: CarryTree,
  types: readonly TensorType[],
  after: CarryTree,
  mayChange: boolean,
): { readonly leaves: readonly Node[]; readonly wanted: readonly DType[] } {
  checkSameTree(operation, "carry", before.structure, after.structure, ", as it was before the step");
  const paths = leafPaths(before.structure);
  const wanted = types.map(({ dtype }) => dtype);
  const leaves = after.leaves.map((leaf, i) => {
    const number = after.numbers[i];
    const type = types[i];
    const given = number === undefined ? leaf : convert(leaf, weakDType(number, type.dtype));
    const where = named("carry", paths[i]);
    if (!sameShape(given.shape, type.shape))
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: ${where} must keep its type: ${formatType(type)} before the step, ${formatType(given)} after it`,
        { operation, argument: where, expected: formatType(type), received: formatType(given) },
      );
    if (given.dtype === type.dtype) return given;
    if (before.numbers[i] !== undefined && mayChange) {
      wanted[i] = given.dtype;
      return given;
    }
    throw new AdjointError(
      "dtype-mismatch",
      `${operation}: ${where} must keep its type: ${formatType(type)} before the step, ${formatType(given)} after it; convert one of them with cast`,
      { operation, argument: where, expected: formatType(type), received: formatType(given) },
    );
  });
  return { leaves, wanted };
}

/** A function as a closed graph: what it used from outside comes first among the inputs. */
export interface Closed {
  readonly graph: Graph;
  readonly captures: readonly Node[];
}

/** Captures that are more than one number for all elements, or that something watches. */
function captured(graph: Graph): Node[] {
  return graph.captures.filter(
    (node) => node.isAbstract || isRecorded(node) || node.storage?.uniform === undefined,
  );
}

/** Records functions of the same arguments; their captures become common first inputs of all. */
export function traceClosed(
  operation: string,
  types: readonly TensorType[],
  functions: readonly ((leaves: Node[]) => readonly Node[])[],
): { readonly graphs: readonly Graph[]; readonly captures: readonly Node[] } {
  const open = functions.map((f) => traceGraph(operation, types, f));
  const captures = [...new Set(open.flatMap(captured))];
  const graphs = open.map((graph) =>
    canonicalGraph(
      traceGraph(operation, [...captures, ...types], (leaves) =>
        evaluateGraph(closeOver(graph, captures), [
          ...leaves.slice(captures.length),
          ...leaves.slice(0, captures.length),
        ]),
      ),
    ),
  );
  return { graphs, captures };
}

/** The condition of a choice or a loop: one bool. */
export function checkPredicate(value: unknown, operation: string, argument: string): Tensor {
  checkSynchronous(value, operation);
  if (typeof value === "boolean") return fromNode(uniformNode([], "bool", Number(value)));
  if (isTensor(value) && value.dtype === "bool" && value.shape.length === 0) return value;
  const received = isTensor(value) ? formatType(value) : formatReceived(value);
  throw new AdjointError(
    isTensor(value) ? (value.dtype === "bool" ? "shape-mismatch" : "dtype-mismatch") : "invalid-argument",
    `${operation}: ${argument} must be a bool tensor of shape [], received ${received}; compare numbers, and reduce with all() or any()`,
    { operation, argument, expected: "bool[]", received },
  );
}
