/** Shape arithmetic shared by every rule. Shapes are row-major; a rank-0 shape is `[]` and has one element. */
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let axis = 0; axis < a.length; axis++) if (a[axis] !== b[axis]) return false;
  return true;
}

/** Row-major strides in elements: [2, 3, 4] → [12, 4, 1]. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

/** [0, 1, …, n − 1] */
export function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

/**
 * @throws AdjointError `invalid-argument` unless every extent is a non-negative integer.
 */
export function checkShape(shape: unknown, operation: string): number[] {
  const fits = Array.isArray(shape) && shape.every((extent) => Number.isInteger(extent) && extent >= 0);
  if (!fits)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: shape must be an array of non-negative integers, received ${Array.isArray(shape) ? `[${shape.join(", ")}]` : formatReceived(shape)}`,
      { operation, argument: "shape", expected: "non-negative integers" },
    );
  return [...shape];
}

/**
 * A possibly negative axis as one in 0 … rank − 1.
 * @throws AdjointError `axis-out-of-range`
 */
export function normalizeAxis(axis: number, shape: Shape, operation: string): number {
  const rank = shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const expected =
      rank === 0 ? "no axis: the tensor has rank 0" : `an integer from ${-rank} to ${rank - 1}`;
    throw new AdjointError(
      "axis-out-of-range",
      `${operation}: axis ${String(axis)} does not exist in shape ${formatShape(shape)}; expected ${expected}`,
      { operation, argument: "axis", expected, received: String(axis) },
    );
  }
  return axis < 0 ? axis + rank : axis;
}

/**
 * One axis, several, or (undefined) all: ascending and distinct.
 * @throws AdjointError `axis-out-of-range` or, for a repeated axis, `invalid-argument`
 */
export function normalizeAxes(
  axis: number | readonly number[] | undefined,
  shape: Shape,
  operation: string,
): number[] {
  if (axis === undefined) return range(shape.length);
  const axes = (typeof axis === "number" ? [axis] : [...axis]).map((one) =>
    normalizeAxis(one, shape, operation),
  );
  if (new Set(axes).size !== axes.length)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: axis list [${String(axis)}] names an axis twice`,
      {
        operation,
        argument: "axis",
        expected: "distinct axes",
        received: `[${String(axis)}]`,
      },
    );
  return axes.sort((a, b) => a - b);
}

/** The shape with those axes taken out. */
export function dropAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/**
 * NumPy's rule: align at the right, an extent of 1 stretches.
 * @throws AdjointError `shape-mismatch`
 */
export function broadcastShapes(a: Shape, b: Shape, operation: string): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1)
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: shapes do not broadcast: a ${formatShape(a)} and b ${formatShape(b)} (${left} ≠ ${right} at axis ${axis - rank})`,
        {
          operation,
          argument: "b",
          expected: `a shape that broadcasts with ${formatShape(a)}`,
          received: formatShape(b),
        },
      );
    out[axis] = left === 1 ? right : left;
  }
  return out;
}
