/** Extents that may depend on the size of the batch: numbers, and linear functions of it. */

/** perExample · (size of the batch) + plus */
export interface Linear {
  readonly perExample: number;
  readonly plus: number;
}

/** A number, or one for each size of the batch. */
export type Extent = number | Linear;

/** Whether it is the same whatever the batch. */
export function isFixed(extent: Extent): extent is number {
  return typeof extent === "number";
}

/** a + b */
export function plus(a: Extent, b: Extent): Extent {
  if (isFixed(a)) return isFixed(b) ? a + b : { ...b, plus: b.plus + a };
  if (isFixed(b)) return { ...a, plus: a.plus + b };
  return linear(a.perExample + b.perExample, a.plus + b.plus);
}

/** a · k */
export function times(a: Extent, k: number): Extent {
  return isFixed(a) ? a * k : linear(a.perExample * k, a.plus * k);
}

function linear(perExample: number, constant: number): Extent {
  return perExample === 0 ? constant : { perExample, plus: constant };
}

export function sameExtent(a: Extent, b: Extent): boolean {
  if (isFixed(a) || isFixed(b)) return a === b;
  return a.perExample === b.perExample && a.plus === b.plus;
}

export function sameExtents(a: readonly Extent[], b: readonly Extent[]): boolean {
  return a.length === b.length && a.every((extent, i) => sameExtent(extent, b[i]));
}
