/**
 * Convolution and pooling, in one, two or three dimensions: windows of the padded input, contracted with the weights or
 * reduced. Their gradients, of every order, are those of the parts.
 */

import type { Node } from "../graph/node.js";
import { mul } from "../primitives/binary.js";
import { sum } from "../primitives/broadcast.js";
import { dot } from "../primitives/dot.js";
import { pad as padNode } from "../primitives/pad.js";
import { reduceMax } from "../primitives/reduce.js";
import { flip, permute, reshape } from "../primitives/reshape.js";
import { fill } from "../primitives/support.js";
import { window, windowCount } from "../primitives/window.js";
import { range, type Shape } from "../types/shape.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { asFloat, asNumeric, fromNode, promoteOperands, type TensorLike } from "./convert.js";
import type { Tensor } from "./tensor.js";

/** The same on every side; [before, after] for each axis; as much as keeps ⌈extent / stride⌉ positions; or none. */
export type Padding = number | readonly (readonly [number, number])[] | "same" | "valid";

/** How a convolution moves over its input. */
export interface ConvOptions {
  /** Step between windows, for all axes or each. Default 1. */
  readonly stride?: number | readonly number[];
  /** Default 0. */
  readonly padding?: Padding;
  /** Step between the elements of a window. Default 1. */
  readonly dilation?: number | readonly number[];
  /** Channels are split in this many independent groups. Default 1. */
  readonly groups?: number;
}

/** How a transposed convolution spreads its input. */
export interface ConvTransposeOptions {
  readonly stride?: number | readonly number[];
  /** Default 0. */
  readonly padding?: number | readonly (readonly [number, number])[];
}

/** How a pooling window moves over its input. */
export interface PoolOptions {
  /** Extents of the window, for all axes or each. */
  readonly size: number | readonly number[];
  /** Default: the size. */
  readonly stride?: number | readonly number[];
  /** Default 0. */
  readonly padding?: Padding;
}

function perAxis(
  value: unknown,
  spatial: number,
  low: number,
  operation: string,
  argument: string,
): number[] {
  const list = typeof value === "number" ? range(spatial).map(() => value) : value;
  const fits =
    Array.isArray(list) && list.length === spatial && list.every((n) => Number.isInteger(n) && n >= low);
  if (!fits)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: ${argument} must be an integer of at least ${low}, or ${spatial} of them, received ${Array.isArray(value) ? `[${value.join(", ")}]` : formatReceived(value)}`,
      { operation, argument, expected: `integers ≥ ${low}` },
    );
  return list;
}

function resolvePadding(
  padding: Padding,
  extents: Shape,
  size: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
  operation: string,
): [number, number][] {
  if (padding === "valid") return extents.map(() => [0, 0]);
  if (padding === "same")
    return extents.map((extent, i) => {
      const reach = (size[i] - 1) * dilation[i] + 1;
      const total = Math.max(0, (Math.ceil(extent / stride[i]) - 1) * stride[i] + reach - extent);
      return [total >> 1, total - (total >> 1)];
    });
  if (typeof padding === "number" && Number.isInteger(padding) && padding >= 0)
    return extents.map(() => [padding, padding]);
  const pairs = Array.isArray(padding) ? (padding as readonly unknown[]) : [];
  const fits =
    pairs.length === extents.length &&
    pairs.every(
      (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 0),
    );
  if (!fits)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: padding must be an integer of at least 0, ${extents.length} pairs [before, after], "same" or "valid", received ${formatReceived(padding)}`,
      { operation, argument: "padding", received: formatReceived(padding) },
    );
  return (pairs as [number, number][]).map(([lo, hi]) => [lo, hi]);
}

function padSpatial(
  x: Node,
  amounts: readonly (readonly [number, number])[],
  interior: readonly number[],
  value: number,
): Node {
  const lead = x.shape.length - amounts.length;
  const zeros = range(lead).map(() => 0);
  return padNode(x, {
    low: [...zeros, ...amounts.map(([lo]) => lo)],
    high: [...zeros, ...amounts.map(([, hi]) => hi)],
    interior: [...zeros, ...interior],
    value,
  });
}

function requireWindows(
  operation: string,
  x: Shape,
  padded: Shape,
  size: readonly number[],
  dilation: readonly number[],
): void {
  const spatial = size.length;
  const extents = padded.slice(padded.length - spatial);
  size.forEach((extent, i) => {
    if (windowCount(extents[i], extent, 1, dilation[i]) < 1)
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: a window of ${extent} (dilation ${dilation[i]}) does not fit the padded extent ${extents[i]} of x ${formatShape(x)}`,
        {
          operation,
          argument: "x",
          expected: `extent ≥ ${(extent - 1) * dilation[i] + 1}`,
          received: String(extents[i]),
        },
      );
  });
}

function checkRanks(operation: string, x: Tensor, w: Tensor): number {
  const spatial = x.rank - 2;
  if (spatial < 1 || spatial > 3 || w.rank !== x.rank)
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: x must be [batch, channels, …1 to 3 axes] and w of the same rank, received x ${formatShape(x.shape)} and w ${formatShape(w.shape)}`,
      {
        operation,
        argument: "x",
        expected: "rank 3, 4 or 5",
        received: `x ${formatShape(x.shape)}, w ${formatShape(w.shape)}`,
      },
    );
  return spatial;
}

/**
 * Convolution (cross-correlation, as in every network library): x [batch, in, …extents], w [out, in / groups, …size] →
 * [batch, out, …positions], in one to three dimensions.
 * @throws AdjointError `shape-mismatch`, `invalid-argument`
 * @example conv(ones([1, 1, 3, 3]), ones([1, 1, 2, 2])).array(); // → 4,4,4,4
 */
export function conv(x: TensorLike, w: TensorLike, options: ConvOptions = {}): Tensor {
  const [input, weight] = promoteOperands(asFloat(x, "conv"), asFloat(w, "conv", "w"), "conv");
  const spatial = checkRanks("conv", input, weight);
  const [batch, channels, ...extents] = input.shape;
  const [out, perGroup, ...size] = weight.shape;
  const stride = perAxis(options.stride ?? 1, spatial, 1, "conv", "stride");
  const dilation = perAxis(options.dilation ?? 1, spatial, 1, "conv", "dilation");
  const [groups] = perAxis(options.groups ?? 1, 1, 1, "conv", "groups");
  if (channels !== perGroup * groups || out % groups !== 0)
    throw new AdjointError(
      "shape-mismatch",
      `conv: x ${formatShape(input.shape)} has ${channels} channels; w ${formatShape(weight.shape)} with ${groups} group${groups === 1 ? "" : "s"} needs ${perGroup * groups}, and ${groups} must divide its ${out} outputs`,
      {
        operation: "conv",
        argument: "w",
        expected: `${channels} channels`,
        received: `${perGroup * groups}`,
      },
    );
  const amounts = resolvePadding(options.padding ?? 0, extents, size, stride, dilation, "conv");
  const padded = padSpatial(
    input,
    amounts,
    extents.map(() => 0),
    0,
  );
  requireWindows("conv", input.shape, padded.shape, size, dilation);
  // [batch, channels, positions…, size…]
  const windows = window(padded, { size, stride, dilation });
  const positions = range(spatial).map((i) => windows.shape[2 + i]);
  const axes = range(spatial);
  if (groups === 1) {
    // w [out, in, size…] · windows → [out, batch, positions…] → [batch, out, positions…]
    const y = dot(weight, windows, {
      batchA: [],
      batchB: [],
      contractA: range(spatial + 1).map((i) => 1 + i),
      contractB: [1, ...axes.map((i) => 2 + spatial + i)],
    });
    return fromNode(permute(y, [1, 0, ...axes.map((i) => 2 + i)]));
  }
  // w [groups, out / groups, in / groups, size…] · windows [batch, groups, in / groups, positions…, size…]
  const grouped = reshape(windows, [batch, groups, perGroup, ...positions, ...size]);
  const y = dot(reshape(weight, [groups, out / groups, perGroup, ...size]), grouped, {
    batchA: [0],
    batchB: [1],
    contractA: range(spatial + 1).map((i) => 2 + i),
    contractB: [2, ...axes.map((i) => 3 + spatial + i)],
  });
  // [groups, out / groups, batch, positions…] → [batch, out, positions…]
  const ordered = permute(y, [2, 0, 1, ...axes.map((i) => 3 + i)]);
  return fromNode(reshape(ordered, [batch, out, ...positions]));
}

/**
 * Transposed convolution, the adjoint of conv in x: x [batch, in, …extents], w [in, out, …size] →
 * [batch, out, …(extent − 1) · stride − 2 · padding + size].
 * @throws AdjointError `shape-mismatch`, `invalid-argument`
 * @example convTranspose(ones([1, 1, 2]), ones([1, 1, 2]), { stride: 2 }).array(); // → 1,1,1,1
 */
export function convTranspose(x: TensorLike, w: TensorLike, options: ConvTransposeOptions = {}): Tensor {
  const operation = "convTranspose";
  const [input, weight] = promoteOperands(asFloat(x, operation), asFloat(w, operation, "w"), operation);
  const spatial = checkRanks(operation, input, weight);
  const size = weight.shape.slice(2);
  const stride = perAxis(options.stride ?? 1, spatial, 1, operation, "stride");
  if (input.shape[1] !== weight.shape[0])
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: x ${formatShape(input.shape)} has ${input.shape[1]} channels; w ${formatShape(weight.shape)} takes ${weight.shape[0]}`,
      { operation, argument: "w", expected: `${input.shape[1]} channels`, received: String(weight.shape[0]) },
    );
  const ones = stride.map(() => 1);
  const amounts = resolvePadding(options.padding ?? 0, input.shape.slice(2), size, ones, ones, operation);
  // spread by the stride, surround by size − 1 − padding, and convolve with the flipped weights
  const surround = amounts.map(([lo, hi], i): [number, number] => [size[i] - 1 - lo, size[i] - 1 - hi]);
  const spread = padSpatial(
    input,
    surround,
    stride.map((s) => s - 1),
    0,
  );
  const axes = range(spatial).map((i) => 2 + i);
  const kernel = permute(flip(weight, axes), [1, 0, ...axes]);
  requireWindows(operation, input.shape, spread.shape, size, ones);
  return conv(fromNode(spread), fromNode(kernel));
}

function pool(operation: string, x: TensorLike, options: PoolOptions, fillWith: number) {
  const value = asNumeric(x, operation);
  const spatial = value.rank - 2;
  if (spatial < 1 || spatial > 3)
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: x must be [batch, channels, …1 to 3 axes], received ${formatShape(value.shape)}`,
      { operation, argument: "x", expected: "rank 3, 4 or 5", received: formatShape(value.shape) },
    );
  const size = perAxis(options.size, spatial, 1, operation, "size");
  const stride = perAxis(options.stride ?? size, spatial, 1, operation, "stride");
  const dilation = size.map(() => 1);
  const amounts = resolvePadding(
    options.padding ?? 0,
    value.shape.slice(2),
    size,
    stride,
    dilation,
    operation,
  );
  const padded = padSpatial(
    value,
    amounts,
    dilation.map(() => 0),
    fillWith,
  );
  requireWindows(operation, value.shape, padded.shape, size, dilation);
  const windows = window(padded, { size, stride, dilation });
  return {
    windows,
    axes: range(spatial).map((i) => 2 + spatial + i),
    count: size.reduce((a, b) => a * b, 1),
  };
}

/**
 * The largest element of each window over the last one to three axes of x [batch, channels, …]; padding never wins.
 * @example maxPool(tensor([[[1, 5, 2, 3]]]), { size: 2 }).array(); // → 5,3
 */
export function maxPool(x: TensorLike, options: PoolOptions): Tensor {
  const { windows, axes } = pool("maxPool", asFloat(x, "maxPool"), options, Number.NEGATIVE_INFINITY);
  return fromNode(reduceMax(windows, axes));
}

/**
 * The mean of each window over the last one to three axes of x [batch, channels, …]; padding counts as zeros.
 * @example avgPool(tensor([[[1, 5, 2, 4]]]), { size: 2 }).array(); // → 3,3
 */
export function avgPool(x: TensorLike, options: PoolOptions): Tensor {
  const { windows, axes, count } = pool("avgPool", asFloat(x, "avgPool"), options, 0);
  const total = sum(windows, axes);
  return fromNode(mul(total, fill(total, 1 / count)));
}
