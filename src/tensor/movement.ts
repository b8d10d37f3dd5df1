/** The same elements in other places: shapes, order and joins. */

import type { Node } from "../graph/node.js";
import { broadcastTo as broadcastNode } from "../primitives/broadcast.js";
import { concat as concatNodes, pad as padNode, sliceAxis } from "../primitives/pad.js";
import { flip as flipNode, moveAxis, permute, reshape as reshapeNode } from "../primitives/reshape.js";
import { promote } from "../types/dtype.js";
import {
  broadcastShapes,
  checkShape,
  normalizeAxes,
  normalizeAxis,
  normalizeNewAxis,
  range,
  sameShape,
  sizeOf,
} from "../types/shape.js";
import { checkCount, checkNumber, invalidArgument, isInteger, isList } from "../util/checks.js";
import { AdjointError, formatList, formatReceived, formatShape } from "../util/errors.js";
import { asElement, asTensor, convert, fromNode, type TensorLike } from "./convert.js";
import type { Axis } from "./reductions.js";
import type { Tensor } from "./tensor.js";

/** The same elements in another shape; one extent may be −1. @example arange(6).reshape([2, -1]).shape; // → 2,3 */
export function reshape(x: TensorLike, shape: readonly number[]): Tensor {
  const value = asTensor(x, "reshape", "x");
  const open = Array.isArray(shape) ? shape.filter((extent) => extent === -1).length : 0;
  const known = checkShape(
    open === 0 ? shape : shape.map((extent) => (extent === -1 ? 1 : extent)),
    "reshape",
  );
  // beside an extent of 0, −1 could be anything: 0 / 0 is NaN, which fits nothing
  const missing = value.size / sizeOf(known);
  const wanted = open === 0 ? known : known.map((extent, axis) => (shape[axis] === -1 ? missing : extent));
  if (open > 1 || sizeOf(wanted) !== value.size || !wanted.every(Number.isInteger))
    throw new AdjointError(
      "shape-mismatch",
      `reshape: ${formatShape(value.shape)} has ${value.size} elements and does not fit ${formatShape(shape)}`,
      {
        operation: "reshape",
        argument: "shape",
        expected: `${value.size} elements`,
        received: formatShape(shape),
      },
    );
  return fromNode(reshapeNode(value, wanted));
}

/** All elements along one axis. @example ones([2, 3]).flatten().shape; // → 6 */
export function flatten(x: TensorLike): Tensor {
  const value = asTensor(x, "flatten", "x");
  return fromNode(reshapeNode(value, [value.size]));
}

/** Reorders the axes; without an order, reverses them. @example ones([2, 3]).transpose().shape; // → 3,2 */
export function transpose(x: TensorLike, order?: readonly number[]): Tensor {
  const value = asTensor(x, "transpose", "x");
  const given = order ?? range(value.rank).reverse();
  const axes = Array.isArray(given)
    ? Array.from(given, (axis: number) => normalizeAxis(axis, value.shape, "transpose"))
    : [];
  if (!Array.isArray(given) || axes.length !== value.rank || new Set(axes).size !== value.rank)
    throw invalidArgument("transpose", "order", `a permutation of the ${value.rank} axes`, formatList(given));
  return fromNode(permute(value, axes));
}

/** Exchanges two axes. @example ones([2, 3, 4]).swapAxes(0, 2).shape; // → 4,3,2 */
export function swapAxes(x: TensorLike, a: number, b: number): Tensor {
  const value = asTensor(x, "swapAxes", "x");
  const order = range(value.rank);
  const first = normalizeAxis(a, value.shape, "swapAxes");
  const second = normalizeAxis(b, value.shape, "swapAxes");
  order[first] = second;
  order[second] = first;
  return fromNode(permute(value, order));
}

/** Inserts an axis of extent 1. @example ones([2]).expandDims(0).shape; // → 1,2 */
export function expandDims(x: TensorLike, axis: number): Tensor {
  const value = asTensor(x, "expandDims", "x");
  const at = normalizeNewAxis(axis, value.shape, "expandDims");
  return fromNode(reshapeNode(value, [...value.shape.slice(0, at), 1, ...value.shape.slice(at)]));
}

/** Removes axes of extent 1: those named, or all. @example ones([1, 2, 1]).squeeze().shape; // → 2 */
export function squeeze(x: TensorLike, axis?: Axis): Tensor {
  const value = asTensor(x, "squeeze", "x");
  const axes =
    axis === undefined
      ? range(value.rank).filter((a) => value.shape[a] === 1)
      : normalizeAxes(axis, value.shape, "squeeze");
  const wrong = axes.find((a) => value.shape[a] !== 1);
  if (wrong !== undefined)
    throw new AdjointError(
      "shape-mismatch",
      `squeeze: axis ${wrong} of ${formatShape(value.shape)} has extent ${value.shape[wrong]}, not 1`,
      { operation: "squeeze", argument: "axis", expected: "extent 1", received: String(value.shape[wrong]) },
    );
  return fromNode(
    reshapeNode(
      value,
      value.shape.filter((_, a) => !axes.includes(a)),
    ),
  );
}

/** Repeats to a shape by NumPy's rule. @example tensor([1, 2]).broadcastTo([2, 2]).array(); // → 1,2,1,2 */
export function broadcastTo(x: TensorLike, shape: readonly number[]): Tensor {
  const value = asTensor(x, "broadcastTo", "x");
  const wanted = checkShape(shape, "broadcastTo");
  if (!sameShape(broadcastShapes(value.shape, wanted, "broadcastTo"), wanted))
    throw new AdjointError(
      "shape-mismatch",
      `broadcastTo: ${formatShape(value.shape)} does not broadcast to ${formatShape(wanted)}`,
      { operation: "broadcastTo", argument: "shape", received: formatShape(wanted) },
    );
  return fromNode(broadcastNode(value, wanted));
}

/** Reverses the order along axes (default all). @example tensor([1, 2, 3]).flip().array(); // → 3,2,1 */
export function flip(x: TensorLike, axis?: Axis): Tensor {
  const value = asTensor(x, "flip", "x");
  return fromNode(flipNode(value, normalizeAxes(axis, value.shape, "flip")));
}

/** Repeats the whole tensor along its axes. @example tensor([1, 2]).tile([2]).array(); // → 1,2,1,2 */
export function tile(x: TensorLike, repeats: readonly number[]): Tensor {
  const value = asTensor(x, "tile", "x");
  const counts = checkShape(repeats, "tile", "repeats");
  const rank = Math.max(value.rank, counts.length);
  const shape = [...range(rank - value.rank).map(() => 1), ...value.shape];
  const times = [...range(rank - counts.length).map(() => 1), ...counts];
  const paired = reshapeNode(
    value,
    shape.flatMap((extent) => [1, extent]),
  );
  const repeated = broadcastNode(
    paired,
    shape.flatMap((extent, axis) => [times[axis], extent]),
  );
  return fromNode(
    reshapeNode(
      repeated,
      shape.map((extent, axis) => extent * times[axis]),
    ),
  );
}

/**
 * Surrounds with a constant: one [before, after] for each axis (negative crops).
 * @example tensor([1, 2]).pad([[1, 0]]).array(); // → 0,1,2
 */
export function pad(x: TensorLike, amounts: readonly (readonly [number, number])[], value = 0): Tensor {
  const source = asTensor(x, "pad", "x");
  if (!isList(amounts, isIntegerPair) || amounts.length !== source.rank)
    throw invalidArgument("pad", "amounts", `${source.rank} pairs of integers`, formatReceived(amounts));
  const constant = asElement(checkNumber(value, "pad", "value"), source.dtype, "pad", "value");
  amounts.forEach(([low, high], axis) => {
    if (source.shape[axis] + low + high < 0)
      throw new AdjointError(
        "shape-mismatch",
        `pad: [${low}, ${high}] removes more than the ${source.shape[axis]} elements of axis ${axis}`,
        { operation: "pad", argument: "amounts", received: `[${low}, ${high}]` },
      );
  });
  return fromNode(
    padNode(source, {
      low: amounts.map(([low]) => low),
      high: amounts.map(([, high]) => high),
      interior: amounts.map(() => 0),
      value: constant,
    }),
  );
}

function isIntegerPair(value: unknown): value is [number, number] {
  return isList(value, isInteger) && value.length === 2;
}

/** Tensors in their common dtype. */
function promoteAll(list: readonly TensorLike[], operation: string): Tensor[] {
  if (!Array.isArray(list) || list.length === 0)
    throw invalidArgument(operation, "list", "an array of tensors", formatReceived(list));
  const tensors = Array.from(list, (x: TensorLike, i) => asTensor(x, operation, `list[${i}]`));
  const dtype = tensors.map((x) => x.dtype).reduce(promote);
  return tensors.map((x) => convert(x, dtype));
}

/** Joins along an axis (default 0). @example concat([tensor([1]), tensor([2, 3])]).array(); // → 1,2,3 */
export function concat(list: readonly TensorLike[], axis = 0): Tensor {
  const tensors = promoteAll(list, "concat");
  const first = tensors[0];
  const along = normalizeAxis(axis, first.shape, "concat");
  tensors.forEach((x, i) => {
    const fits =
      x.rank === first.rank && x.shape.every((extent, a) => a === along || extent === first.shape[a]);
    if (!fits)
      throw new AdjointError(
        "shape-mismatch",
        `concat: list[${i}] ${formatShape(x.shape)} does not fit list[0] ${formatShape(first.shape)}: only axis ${along} may differ`,
        {
          operation: "concat",
          argument: `list[${i}]`,
          expected: formatShape(first.shape),
          received: formatShape(x.shape),
        },
      );
  });
  return fromNode(concatNodes(tensors, along));
}

/** Joins along a new axis (default 0). @example stack([tensor([1, 2]), tensor([3, 4])]).shape; // → 2,2 */
export function stack(list: readonly TensorLike[], axis = 0): Tensor {
  const tensors = promoteAll(list, "stack");
  tensors.forEach((x, i) => {
    if (!sameShape(x.shape, tensors[0].shape))
      throw new AdjointError(
        "shape-mismatch",
        `stack: list[${i}] ${formatShape(x.shape)} differs from list[0] ${formatShape(tensors[0].shape)}`,
        {
          operation: "stack",
          argument: `list[${i}]`,
          expected: formatShape(tensors[0].shape),
          received: formatShape(x.shape),
        },
      );
  });
  const at = normalizeNewAxis(axis, tensors[0].shape, "stack");
  return fromNode(
    concatNodes(
      tensors.map((x) => expandDims(x, at)),
      at,
    ),
  );
}

/**
 * Cuts an axis (default 0) into equal parts, or into parts of the given extents.
 * @example split(arange(4), 2).map((part) => part.array()); // → 0,1,2,3
 */
export function split(x: TensorLike, sections: number | readonly number[], axis = 0): Tensor[] {
  const value = asTensor(x, "split", "x");
  const along = normalizeAxis(axis, value.shape, "split");
  const extent = value.shape[along];
  const sizes = Array.isArray(sections)
    ? checkShape(sections, "split", "sections")
    : equalParts(extent, checkCount(sections, "split", "sections"));
  if (sizes.length === 0 || !sizes.every(Number.isInteger) || sizes.reduce((a, b) => a + b, 0) !== extent)
    throw new AdjointError(
      "shape-mismatch",
      `split: axis ${along} of ${formatShape(value.shape)} does not divide into ${Array.isArray(sections) ? formatList(sections) : `${String(sections)} equal parts`}`,
      {
        operation: "split",
        argument: "sections",
        expected: `parts that add up to ${extent}`,
        received: String(sections),
      },
    );
  let at = 0;
  return sizes.map((size) => {
    const part: Node = sliceAxis(value, along, at, at + size);
    at += size;
    return fromNode(part);
  });
}

/** The extents of the parts; none where they would not be whole. */
function equalParts(extent: number, count: number): number[] {
  return count > 0 && extent % count === 0 ? range(count).map(() => extent / count) : [];
}

/** Moves an axis to another place. @example ones([2, 3, 4]).moveAxis(0, 2).shape; // → 3,4,2 */
export function moveAxisTo(x: TensorLike, from: number, to: number): Tensor {
  const value = asTensor(x, "moveAxis", "x");
  return fromNode(
    moveAxis(value, normalizeAxis(from, value.shape, "moveAxis"), normalizeAxis(to, value.shape, "moveAxis")),
  );
}
