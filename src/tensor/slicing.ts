/** Parts of a tensor by NumPy's rules for positions and ranges. */
import { checkIndex } from "../primitives/gather.js";
import { slice as sliceNode } from "../primitives/pad.js";
import { flip as flipNode, reshape as reshapeNode } from "../primitives/reshape.js";
import { invalidArgument } from "../util/checks.js";
import { formatList, formatReceived, formatShape } from "../util/errors.js";
import { asTensor, fromNode, type TensorLike } from "./convert.js";
import type { Tensor } from "./tensor.js";

/** One axis of `slice`: an index (drops the axis), [start, stop?, step?], or null for all of it. */
export type SliceIndex = number | readonly [start: number | null, stop?: number | null, step?: number] | null;

/**
 * A part of the tensor: one index for each leading axis, the rest whole. Ranges exclude their stop, negative positions
 * count from the end, ranges clamp as NumPy's do, and a negative step runs backwards.
 * @throws AdjointError `index-out-of-range` for a single index outside
 * @example arange(6).reshape([2, 3]).slice(1).array(); // → 3,4,5
 * @example arange(6).slice([1, 5, 2]).array(); // → 1,3
 */
export function slice(x: TensorLike, ...indices: readonly SliceIndex[]): Tensor {
  const value = asTensor(x, "slice", "x");
  if (indices.length > value.rank)
    throw invalidArgument(
      "slice",
      "indices",
      `at most ${value.rank} of them for shape ${formatShape(value.shape)}`,
      `${indices.length}`,
    );
  const start: number[] = [];
  const stop: number[] = [];
  const step: number[] = [];
  const reversed: number[] = [];
  const dropped: number[] = [];
  value.shape.forEach((extent, axis) => {
    const index = indices[axis] ?? null;
    let picked = { start: 0, stop: extent, step: 1, reverse: false };
    if (typeof index === "number") {
      if (!Number.isInteger(index))
        throw invalidArgument("slice", `index ${axis}`, "an integer", String(index));
      const at = checkIndex(index, extent, "slice", value.shape);
      picked = { start: at, stop: at + 1, step: 1, reverse: false };
      dropped.push(axis);
    } else if (Array.isArray(index))
      picked = resolveRange(index as readonly (number | null | undefined)[], extent, axis);
    else if (index !== null)
      throw invalidArgument(
        "slice",
        `index ${axis}`,
        "a number, [start, stop?, step?] or null",
        formatReceived(index),
      );
    start.push(picked.start);
    stop.push(picked.stop);
    step.push(picked.step);
    if (picked.reverse) reversed.push(axis);
  });
  const part = flipNode(sliceNode(value, start, stop, step), reversed);
  return fromNode(
    reshapeNode(
      part,
      part.shape.filter((_, axis) => !dropped.includes(axis)),
    ),
  );
}

/** NumPy's rules for start:stop:step, as an ascending range that may have to be reversed. */
function resolveRange(index: readonly (number | null | undefined)[], extent: number, axis: number) {
  const step = index[2] ?? 1;
  const whole = [index[0] ?? 0, index[1] ?? 0, step].every(Number.isInteger);
  if (!whole || step === 0 || index.length > 3)
    throw invalidArgument(
      "slice",
      `index ${axis}`,
      "[start, stop?, step?] of integers with a step other than 0",
      formatList(index),
    );
  const clamp = (
    position: number | null | undefined,
    otherwise: number,
    low: number,
    high: number,
  ): number => {
    if (position === null || position === undefined) return otherwise;
    return Math.min(high, Math.max(low, position < 0 ? position + extent : position));
  };
  if (step > 0) {
    const from = clamp(index[0], 0, 0, extent);
    return { start: from, stop: Math.max(from, clamp(index[1], extent, 0, extent)), step, reverse: false };
  }
  const from = clamp(index[0], extent - 1, -1, extent - 1);
  const to = clamp(index[1], -1, -1, extent - 1);
  const count = Math.max(0, Math.ceil((from - to) / -step));
  const low = count === 0 ? 0 : from + (count - 1) * step;
  return { start: low, stop: count === 0 ? low : from + 1, step: -step, reverse: true };
}
