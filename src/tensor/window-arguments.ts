/** What convolution and pooling check before they begin: extents, strides, padding, and that a window fits. */
import { windowCount } from "../primitives/window.js";
import { range, type Shape, sizeOf } from "../types/shape.js";
import { invalidArgument, isInteger, isList, isNatural } from "../util/checks.js";
import { AdjointError, formatList, formatReceived, formatShape } from "../util/errors.js";
import type { Tensor } from "./tensor.js";

/** The same on every side; [before, after] for each axis; as much as keeps ⌈extent / stride⌉ positions; or none. */
export type Padding = number | readonly (readonly [number, number])[] | "same" | "valid";

/** One integer an axis, of at least `low`; a single number counts for all. */
export function perAxis(
  value: unknown,
  spatial: number,
  low: number,
  operation: string,
  argument: string,
): number[] {
  const list = typeof value === "number" ? range(spatial).map(() => value) : value;
  if (isList(list, isInteger) && list.length === spatial && list.every((n) => n >= low)) return list;
  throw invalidArgument(
    operation,
    argument,
    `an integer of at least ${low}, or ${spatial} of them`,
    formatList(value),
  );
}

function isNaturalPair(value: unknown): value is [number, number] {
  return isList(value, isNatural) && value.length === 2;
}

/** Amounts given as numbers; `otherwise` says which words the operation takes as well. */
export function explicitPadding(
  padding: unknown,
  spatial: number,
  operation: string,
  otherwise: string,
): [number, number][] {
  if (isNatural(padding)) return range(spatial).map(() => [padding, padding]);
  if (isList(padding, isNaturalPair) && padding.length === spatial) return padding;
  const expected = `an integer of at least 0, ${spatial} pairs [before, after]${otherwise}`;
  throw invalidArgument(operation, "padding", expected, formatReceived(padding));
}

/** Padding of any form as [before, after] for each axis. */
export function resolvePadding(
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
  return explicitPadding(padding, extents.length, operation, ', "same" or "valid"');
}

/** Refuses windows that fit nowhere in the padded extents. */
export function requireWindows(
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

/** The number of spatial axes x and w have. */
export function checkRanks(operation: string, x: Tensor, w: Tensor): number {
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
  if (sizeOf(w.shape.slice(2)) === 0)
    throw new AdjointError(
      "shape-mismatch",
      `${operation}: w ${formatShape(w.shape)} has a window of 0 elements`,
      { operation, argument: "w", expected: "extents of at least 1", received: formatShape(w.shape) },
    );
  return spatial;
}

/** Refuses windows of padding alone: what does not count has no largest element. */
export function requireElements(
  operation: string,
  shape: Shape,
  amounts: readonly (readonly [number, number])[],
  size: readonly number[],
): void {
  amounts.forEach(([lo, hi], i) => {
    if (lo >= size[i] || hi >= size[i])
      throw invalidArgument(operation, "padding", `less than the size ${size[i]}`, `[${lo}, ${hi}]`);
    if (shape[2 + i] === 0)
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: x ${formatShape(shape)} has no elements to pool`,
        {
          operation,
          argument: "x",
          expected: "extents of at least 1",
          received: formatShape(shape),
        },
      );
  });
}
