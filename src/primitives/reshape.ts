/** reshape, permute, flip: the same elements under other indices. */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { type Affine, addAffine, scaleAffine } from "../loops/lowering.js";
import { range, type Shape, sameShape, sizeOf, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { copyStrided } from "./broadcast.js";
import { allocateOutput, elementCost } from "./support.js";

export interface ReshapeParams {
  readonly shape: Shape;
}

export const reshapePrimitive: Primitive<ReshapeParams> = {
  name: "reshape",
  outputTypes([x], { shape }) {
    invariant(sizeOf(x.shape) === sizeOf(shape), `reshape of [${x.shape}] to [${shape}]`);
    return [{ shape, dtype: x.dtype }];
  },
  evaluate: ([x]) => [x],
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : reshape(xDot, params.shape)],
  vjp: ({ primals: [x], cotangents: [yBar] }) => [yBar === null ? null : reshape(yBar, x.shape)],
  batch: ({ inputs, params, size }) => [reshape(inputs[0], [size, ...params.shape])],
  lowering: {
    kind: "view",
    index: (output, { inputs, output: type }) => reshapeIndex(output, inputs[0].shape, type.shape),
  },
  cost: elementCost(0),
};

/** The same node where the shape is the same. */
export function reshape(x: Node, shape: Shape): Node {
  return sameShape(x.shape, shape) ? x : bind(reshapePrimitive, [x], { shape });
}

/**
 * The index before a reshape, where it is affine: each input axis must be made of whole output axes (an axis that was split, or
 * extents of 1 that came or went). A merge of axes has no affine inverse: null.
 */
function reshapeIndex(output: readonly Affine[], from: Shape, to: Shape): Affine[] | null {
  const loops = output[0]?.coefficients.length ?? 0;
  const index: Affine[] = [];
  let next = 0;
  for (const extent of from) {
    let combined: Affine = { offset: 0, coefficients: new Array<number>(loops).fill(0) };
    let covered = 1;
    while (covered < extent) {
      if (next >= to.length) return null;
      covered *= to[next];
      combined = addAffine(scaleAffine(combined, to[next], 0), output[next]);
      next++;
    }
    if (covered !== extent) return null;
    index.push(combined);
  }
  for (; next < to.length; next++) if (to[next] !== 1) return null;
  return index;
}

export interface PermuteParams {
  /** Axis i of the output is axis permutation[i] of the input. */
  readonly permutation: readonly number[];
}

export function invertPermutation(permutation: readonly number[]): number[] {
  const inverse = new Array<number>(permutation.length);
  permutation.forEach((from, to) => {
    inverse[from] = to;
  });
  return inverse;
}

export const permutePrimitive: Primitive<PermuteParams> = {
  name: "permute",
  outputTypes: ([x], { permutation }) => [
    { shape: permutation.map((axis) => x.shape[axis]), dtype: x.dtype },
  ],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const source = stridesOf(context.inputTypes[0].shape);
    const strides = context.params.permutation.map((axis) => source[axis]);
    copyStrided(x, 0, strides, context.outputTypes[0].shape, y);
    return [y];
  },
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : permute(xDot, params.permutation)],
  // x̄ = permute⁻¹(ȳ)
  vjp: ({ cotangents: [yBar], params }) => [
    yBar === null ? null : permute(yBar, invertPermutation(params.permutation)),
  ],
  batch: ({ inputs, params }) => [permute(inputs[0], [0, ...params.permutation.map((axis) => axis + 1)])],
  lowering: {
    kind: "view",
    index: (output, { params }) => invertPermutation(params.permutation).map((axis) => output[axis]),
  },
  cost: elementCost(0),
};

/** The same node for the identity. */
export function permute(x: Node, permutation: readonly number[]): Node {
  return sameShape(permutation, range(permutation.length)) ? x : bind(permutePrimitive, [x], { permutation });
}

/** Moves one axis to another place, the others keeping their order. */
export function moveAxis(x: Node, from: number, to: number): Node {
  const order = range(x.shape.length).filter((axis) => axis !== from);
  order.splice(to, 0, from);
  return permute(x, order);
}

export interface FlipParams {
  readonly axes: readonly number[];
}

export const flipPrimitive: Primitive<FlipParams> = {
  name: "flip",
  outputTypes: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const { shape } = context.outputTypes[0];
    const strides = stridesOf(shape);
    let offset = 0;
    for (const axis of context.params.axes) {
      offset += strides[axis] * (shape[axis] - 1);
      strides[axis] = -strides[axis];
    }
    copyStrided(x, offset, strides, shape, y);
    return [y];
  },
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : flip(xDot, params.axes)],
  // its own inverse and its own transpose
  vjp: ({ cotangents: [yBar], params }) => [yBar === null ? null : flip(yBar, params.axes)],
  batch: ({ inputs, params }) => [
    flip(
      inputs[0],
      params.axes.map((axis) => axis + 1),
    ),
  ],
  lowering: {
    kind: "view",
    index: (output, { params, output: type }) =>
      output.map((index, axis) =>
        params.axes.includes(axis) ? scaleAffine(index, -1, type.shape[axis] - 1) : index,
      ),
  },
  cost: elementCost(0),
};

/** The same node for no axes. */
export function flip(x: Node, axes: readonly number[]): Node {
  return axes.length === 0 ? x : bind(flipPrimitive, [x], { axes });
}
