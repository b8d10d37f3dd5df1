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
import { window } from "../primitives/window.js";
import { range } from "../types/shape.js";
import { checkOptionNames, checkOptions } from "../util/checks.js";
import { AdjointError, formatShape } from "../util/errors.js";
import { asFloat, fromNode, promoteOperands, type TensorLike } from "./convert.js";
import type { Tensor } from "./tensor.js";
import {
  checkRanks,
  explicitPadding,
  type Padding,
  perAxis,
  requireElements,
  requireWindows,
  resolvePadding,
} from "./window-arguments.js";

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
  /** Distance between input elements in the output, for all axes or each. Default 1. */
  readonly stride?: number | readonly number[];
  /** Elements cut from the output on every side, or [before, after] for each axis. Default 0. */
  readonly padding?: number | readonly (readonly [number, number])[];
}

/** How pooling moves over its input. */
export interface PoolOptions {
  /** Extents of the window, for all axes or each. */
  readonly size: number | readonly number[];
  /** Default: the size. */
  readonly stride?: number | readonly number[];
  /** Default 0. */
  readonly padding?: Padding;
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

/**
 * Convolution (cross-correlation, as in every network library): x [batch, in, …extents], w [out, in / groups, …size] →
 * [batch, out, …positions], in one to three dimensions.
 * @throws AdjointError `shape-mismatch`, `invalid-argument`
 * @example conv(ones([1, 1, 3, 3]), ones([1, 1, 2, 2])).array(); // → 4,4,4,4
 */
export function conv(x: TensorLike, w: TensorLike, options: ConvOptions = {}): Tensor {
  const [input, weight] = promoteOperands(asFloat(x, "conv"), asFloat(w, "conv", "w"), "conv");
  checkOptionNames(options, ["stride", "padding", "dilation", "groups"], "conv");
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
  checkOptionNames(options, ["stride", "padding"], operation);
  const spatial = checkRanks(operation, input, weight);
  const size = weight.shape.slice(2);
  const stride = perAxis(options.stride ?? 1, spatial, 1, operation, "stride");
  if (input.shape[1] !== weight.shape[0])
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: x ${formatShape(input.shape)} has ${input.shape[1]} channels; w ${formatShape(weight.shape)} takes ${weight.shape[0]}`,
      { operation, argument: "w", expected: `${input.shape[1]} channels`, received: String(weight.shape[0]) },
    );
  const extents = input.shape.slice(2);
  const amounts = explicitPadding(options.padding ?? 0, spatial, operation, "");
  amounts.forEach(([lo, hi], i) => {
    // also for extent 0: (0 − 1) · stride + size is no extent either
    const extent = (extents[i] - 1) * stride[i] + size[i] - lo - hi;
    if (extents[i] === 0 || extent < 1)
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: extent ${extents[i]} of x ${formatShape(input.shape)} with stride ${stride[i]}, a window of ${size[i]} and padding [${lo}, ${hi}] leaves nothing`,
        { operation, argument: "padding", expected: "an output extent ≥ 1", received: `[${lo}, ${hi}]` },
      );
  });
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
  return conv(fromNode(spread), fromNode(kernel));
}

function pool(operation: string, x: TensorLike, options: PoolOptions, fillWith: number) {
  const value = asFloat(x, operation);
  const spatial = value.rank - 2;
  if (spatial < 1 || spatial > 3)
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: x must be [batch, channels, …1 to 3 axes], received ${formatShape(value.shape)}`,
      { operation, argument: "x", expected: "rank 3, 4 or 5", received: formatShape(value.shape) },
    );
  checkOptions(options, operation, "an object with a size");
  checkOptionNames(options, ["size", "stride", "padding"], operation);
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
  if (fillWith !== 0) requireElements(operation, value.shape, amounts, size);
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
  const { windows, axes } = pool("maxPool", x, options, Number.NEGATIVE_INFINITY);
  return fromNode(reduceMax(windows, axes));
}

/**
 * The mean of each window over the last one to three axes of x [batch, channels, …]; padding counts as zeros.
 * @example avgPool(tensor([[[1, 5, 2, 4]]]), { size: 2 }).array(); // → 3,3
 */
export function avgPool(x: TensorLike, options: PoolOptions): Tensor {
  const { windows, axes, count } = pool("avgPool", x, options, 0);
  const total = sum(windows, axes);
  return fromNode(mul(total, fill(total, 1 / count)));
}
