/** Shape arithmetic shared by every rule. Shapes are row-major; a rank-0 shape is `[]` and has one element. */
import { invalidArgument, isList, isNatural } from "../util/checks.js";
import { AdjointError, formatList, formatReceived, formatShape } from "../util/errors.js";

/** Extents of the axes. */
export type Shape = readonly number[];

/** The number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Are the shapes equal? */
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

/** No tensor has more elements: positions are int32. */
const largestSize = 2 ** 31 - 1;

/**
 * @throws AdjointError `invalid-argument` unless every extent is a non-negative integer and the elements can be counted
 */
export function checkShape(shape: unknown, operation: string, argument = "shape"): number[] {
  if (!isList(shape, isNatural))
    throw invalidArgument(operation, argument, "an array of non-negative integers", formatList(shape));
  if (sizeOf(shape) > largestSize || shape.some((extent) => extent > largestSize))
    throw invalidArgument(operation, argument, `of at most ${largestSize} elements`, formatList(shape));
  return [...shape];
}

/**
 * A possibly negative axis as one in 0 … rank − 1.
 * @throws AdjointError `axis-out-of-range`
 */
export function normalizeAxis(axis: number, shape: Shape, operation: string): number {
  const rank = shape.length;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw axisError(operation, `axis ${formatList(axis)} does not exist in shape`, axis, shape, rank);
  return axis < 0 ? axis + rank : axis;
}

/**
 * A possibly negative place for a new axis, as one in 0 … rank.
 * @throws AdjointError `axis-out-of-range`
 */
export function normalizeNewAxis(axis: number, shape: Shape, operation: string): number {
  const rank = shape.length + 1;
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw axisError(operation, `axis ${formatList(axis)} cannot be added to shape`, axis, shape, rank);
  return axis < 0 ? axis + rank : axis;
}

function axisError(operation: string, what: string, axis: unknown, shape: Shape, rank: number): AdjointError {
  const expected = rank === 0 ? "no axis: the tensor has rank 0" : `an integer from ${-rank} to ${rank - 1}`;
  return new AdjointError(
    "axis-out-of-range",
    `${operation}: ${what} ${formatShape(shape)}; expected ${expected}`,
    { operation, argument: "axis", expected, received: formatList(axis) },
  );
}

/**
 * One axis, several, or (undefined) all: ascending and distinct.
 * @throws AdjointError `axis-out-of-range` or, for a repeated axis or what is no axis at all, `invalid-argument`
 */
export function normalizeAxes(
  axis: number | readonly number[] | undefined,
  shape: Shape,
  operation: string,
): number[] {
  if (axis === undefined) return range(shape.length);
  if (typeof axis !== "object") return [normalizeAxis(axis, shape, operation)];
  if (!Array.isArray(axis))
    throw invalidArgument(
      operation,
      "axis",
      "an integer, several, or undefined for all",
      formatReceived(axis),
    );
  const axes = Array.from(axis, (one) => normalizeAxis(one, shape, operation));
  if (new Set(axes).size !== axes.length)
    throw new AdjointError(
      "invalid-argument",
      `${operation}: axis list ${formatList(axis)} names an axis twice`,
      { operation, argument: "axis", expected: "distinct axes", received: formatList(axis) },
    );
  return axes.sort((a, b) => a - b);
}

/** The shape with those axes taken out. */
export function dropAxes(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/**
 * NumPy's rule: align at the right, an extent of 1 stretches. Where a and b are only the leading axes of what the user
 * passed, `wholeA` and `wholeB` are shown instead.
 * @throws AdjointError `shape-mismatch`
 */
export function broadcastShapes(
  a: Shape,
  b: Shape,
  operation: string,
  wholeA: Shape = a,
  wholeB: Shape = b,
): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      const at = axis - rank + a.length - wholeA.length;
      throw new AdjointError(
        "shape-mismatch",
        `${operation}: shapes do not broadcast: a ${formatShape(wholeA)} and b ${formatShape(wholeB)} (${left} ≠ ${right} at axis ${at})`,
        {
          operation,
          argument: "b",
          expected: `a shape that broadcasts with ${formatShape(wholeA)}`,
          received: formatShape(wholeB),
        },
      );
    }
    out[axis] = left === 1 ? right : left;
  }
  return out;
}
