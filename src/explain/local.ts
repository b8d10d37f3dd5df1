/**
 * The local derivative of one operation, element by element: which elements of an input reach which of the output, and by
 * what partial derivative. Numbers come from the primitive's own rules; only the pattern is known here, and where it is
 * not known either it is found by pushing unit vectors through the primitive's JVP.
 */
import type { TypedArray } from "../index.js";
import { constantNode, type Node, type Operation, readValue, uniformNode } from "../transforms/tape.js";
import { unflatten } from "./names.js";
import { isLinear } from "./rules.js";

/** For each element of the output of a view, the input it shows and where in it; −1 for padding. */
export interface ViewMap {
  readonly position: Int32Array;
  readonly source: Int32Array;
}

const rearranging = new Set(["concat", "pad", "gather", "alias", "barrier"]);

/** Does the operation only show elements of its inputs in another order? */
export function isView({ primitive }: Operation): boolean {
  return primitive.lowering.kind === "view" || rearranging.has(primitive.name);
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, extent) => size * extent, 1);

const maps = new WeakMap<Operation, ViewMap>();

/** Where the elements of a view come from, by showing it numbers instead of values. */
export function viewMap(operation: Operation): ViewMap {
  const known = maps.get(operation);
  if (known !== undefined) return known;
  const { primitive, inputs, outputs, params } = operation;
  const isData = (k: number): boolean => k === 0 || primitive.name === "concat";
  let next = 1;
  const starts: number[] = [];
  const numbered = inputs.map((input, k): TypedArray => {
    starts.push(next);
    if (!isData(k)) return readValue(input);
    const first = next;
    next += sizeOf(input.shape);
    return Float64Array.from({ length: next - first }, (_, i) => first + i);
  });
  const asFloat = (node: Node) => ({ shape: node.shape, dtype: "float64" as const });
  const [shown] = primitive.evaluate(numbered, {
    // padding must not look like an element
    params: primitive.name === "pad" ? { ...(params as object), value: 0 } : params,
    inputTypes: inputs.map((input, k) => (isData(k) ? asFloat(input) : input)),
    outputTypes: outputs.map(asFloat),
  });
  const position = new Int32Array(shown.length);
  const source = new Int32Array(shown.length).fill(-1);
  for (let o = 0; o < shown.length; o++) {
    if (shown[o] === 0) continue;
    let k = 0;
    while (k + 1 < starts.length && isData(k + 1) && shown[o] >= starts[k + 1]) k++;
    position[o] = k;
    source[o] = shown[o] - starts[k];
  }
  const map = { position, source };
  maps.set(operation, map);
  return map;
}

/** Is the operation linear in each of its inputs, so that its slopes are exact at any distance? A square is not, nor a choice by what varies. */
export function isLinearHere({ primitive, inputs }: Operation, isConstant: (node: Node) => boolean): boolean {
  const varying = inputs.filter((input) => !isConstant(input));
  if (primitive.name === "select" && !isConstant(inputs[0])) return false;
  return isLinear(primitive.name) && new Set(varying).size === varying.length;
}

/** One entry of a local Jacobian. */
export interface Entry {
  readonly output: number;
  readonly value: number;
  /** The flat position of the other factor, where the entry is an element of the other operand (products). */
  readonly other: number;
}

/** Linear operations whose coefficients are not values of the graph: their links may be merged into their neighbours. */
const additive = new Set(["add", "sub", "neg", "sum", "cast", "cumsum", "scatterAdd", "windowAdd"]);

/** How the elements of an input reach the output. */
export interface LocalMap {
  /** The entries of one element of the input. */
  of(element: number): readonly Entry[];
  /** Sums and constant multiples: not a factor anybody would name. */
  readonly structural: boolean;
  /** Operations that finding the entries of one element takes, where it is more than writing them down. */
  readonly work?: number;
}

/**
 * The local Jacobian towards input `position`; null where the operation has no derivative there.
 *
 * @param isConstant of a node: does it depend on no input?
 * @param outputIndex which of the operation's outputs
 */
export function localMap(
  operation: Operation,
  position: number,
  isConstant: (node: Node) => boolean,
  outputIndex = 0,
): LocalMap | null {
  const { primitive, inputs, outputs, params } = operation;
  if (primitive.vjp === "none") return null;
  const input = inputs[position];
  const output = outputs[0];
  switch (primitive.lowering.kind) {
    case "pointwise": {
      const given = primitive.vjp({
        primals: inputs,
        outputs,
        cotangents: [uniformNode(output.shape, output.dtype, 1)],
        params,
        needs: inputs.map((_, k) => k === position),
      })[position];
      if (given === null) return null;
      const partials = readValue(given);
      const others = inputs.filter((_, k) => k !== position);
      // a number beside a tensor scales it; a tensor of data is a factor like any other
      const isNumber = (node: Node): boolean => isConstant(node) && node.storage?.uniform !== undefined;
      const structural =
        additive.has(primitive.name) ||
        (primitive.name === "mul" && others.every(isNumber)) ||
        (primitive.name === "div" && position === 0 && others.every(isNumber)) ||
        (primitive.name === "select" && isConstant(inputs[0]));
      const of = (i: number): Entry[] =>
        // what a constant condition leaves out is no link at all
        structural && primitive.name === "select" && partials[i] === 0
          ? []
          : [{ output: i, value: partials[i], other: -1 }];
      return { of, structural };
    }
    case "reduce": {
      if (primitive.name !== "sum" && primitive.name !== "reduceMax")
        return unitVectors(operation, position, outputIndex);
      const { axes } = params as { readonly axes: readonly number[] };
      const reduced = reducedPositions(input.shape, axes);
      if (primitive.name === "sum")
        return { of: (i) => [{ output: reduced(i), value: 1, other: -1 }], structural: true };
      const given = primitive.vjp({
        primals: inputs,
        outputs,
        cotangents: [uniformNode(output.shape, output.dtype, 1)],
        params,
        needs: [true],
      })[0];
      if (given === null) return null;
      const shares = readValue(given);
      return { of: (i) => [{ output: reduced(i), value: shares[i], other: -1 }], structural: false };
    }
    case "dot":
      return dotMap(operation, position);
    default:
      return primitive.name === "cumsum"
        ? cumsumMap(operation)
        : unitVectors(operation, position, outputIndex);
  }
}

/** The position an element is reduced to. */
function reducedPositions(shape: readonly number[], axes: readonly number[]): (i: number) => number {
  const kept = shape.map((_, axis) => !axes.includes(axis));
  return (i) =>
    unflatten(i, shape).reduce((flat, at, axis) => (kept[axis] ? flat * shape[axis] + at : flat), 0);
}

interface Dimensions {
  readonly batchA: readonly number[];
  readonly batchB: readonly number[];
  readonly contractA: readonly number[];
  readonly contractB: readonly number[];
}

/** ∂(Σ a b)/∂a is the b it was multiplied by, for each free index of b; and the other way round. */
function dotMap({ inputs, outputs, params }: Operation, position: number): LocalMap {
  const { batchA, batchB, contractA, contractB } = params as Dimensions;
  const [own, other] = position === 0 ? [inputs[0], inputs[1]] : [inputs[1], inputs[0]];
  const [ownBatch, otherBatch] = position === 0 ? [batchA, batchB] : [batchB, batchA];
  const [ownContract, otherContract] = position === 0 ? [contractA, contractB] : [contractB, contractA];
  const free = (shape: readonly number[], batch: readonly number[], contract: readonly number[]): number[] =>
    shape.map((_, axis) => axis).filter((axis) => !batch.includes(axis) && !contract.includes(axis));
  const ownFree = free(own.shape, ownBatch, ownContract);
  const otherFree = free(other.shape, otherBatch, otherContract);
  const strides = (shape: readonly number[]): number[] =>
    shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const otherStrides = strides(other.shape);
  const outStrides = strides(outputs[0].shape);
  const batches = ownBatch.length;
  const ownOut = (k: number): number => outStrides[batches + (position === 0 ? 0 : otherFree.length) + k];
  const otherOut = (k: number): number => outStrides[batches + (position === 0 ? ownFree.length : 0) + k];
  const otherShape = otherFree.map((axis) => other.shape[axis]);
  const count = sizeOf(otherShape);
  const values = readValue(other);
  // how far each free index of the other operand moves in it and in the output
  const steps = Array.from({ length: count }, (_, n) => {
    const index = unflatten(n, otherShape);
    return {
      from: index.reduce((sum, at, k) => sum + at * otherStrides[otherFree[k]], 0),
      to: index.reduce((sum, at, k) => sum + at * otherOut(k), 0),
    };
  });
  return {
    structural: false,
    of(element) {
      const index = unflatten(element, own.shape);
      let from = 0;
      let to = 0;
      ownBatch.forEach((axis, k) => {
        from += index[axis] * otherStrides[otherBatch[k]];
        to += index[axis] * outStrides[k];
      });
      ownContract.forEach((axis, k) => {
        from += index[axis] * otherStrides[otherContract[k]];
      });
      ownFree.forEach((axis, k) => {
        to += index[axis] * ownOut(k);
      });
      return steps.map((step) => ({
        output: to + step.to,
        value: values[from + step.from],
        other: from + step.from,
      }));
    },
  };
}

/** An element is in every sum that runs past it. */
function cumsumMap({ inputs, params }: Operation): LocalMap {
  const { axis, reverse } = params as { readonly axis: number; readonly reverse: boolean };
  const { shape } = inputs[0];
  const stride = sizeOf(shape.slice(axis + 1));
  return {
    structural: true,
    of(element) {
      const at = Math.floor(element / stride) % shape[axis];
      const count = reverse ? at + 1 : shape[axis] - at;
      const step = reverse ? -stride : stride;
      return Array.from({ length: count }, (_, i) => ({ output: element + i * step, value: 1, other: -1 }));
    },
  };
}

/** A column of the Jacobian at a time, by the JVP of a unit vector: for whatever has no pattern above. */
function unitVectors(operation: Operation, position: number, outputIndex: number): LocalMap | null {
  const { primitive, inputs, outputs, params } = operation;
  const { jvp } = primitive;
  if (jvp === "none") return null;
  const input = inputs[position];
  const size = sizeOf(input.shape);
  return {
    structural: additive.has(primitive.name),
    work: size + sizeOf(outputs[outputIndex].shape),
    of(element) {
      const unit = input.dtype === "float64" ? new Float64Array(size) : new Float32Array(size);
      unit[element] = 1;
      const tangents = inputs.map((_, k) =>
        k === position ? constantNode(input.shape, input.dtype, unit) : null,
      );
      const dot = jvp({ primals: inputs, outputs, tangents, params })[outputIndex];
      if (dot === null) return [];
      const entries: Entry[] = [];
      readValue(dot).forEach((value, output) => {
        if (value !== 0) entries.push({ output, value, other: -1 });
      });
      return entries;
    },
  };
}
