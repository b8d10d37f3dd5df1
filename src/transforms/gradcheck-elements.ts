/** Every element of one input, or random directions in it where there are too many, against finite differences. */

import { threefry2x32 } from "../primitives/source.js";
import { type Shape, stridesOf } from "../types/shape.js";
import { compareAlong, type Precision, type Verdict } from "./gradcheck-numeric.js";
import type { InputReport, WorstElement } from "./gradcheck-report.js";

export interface Sampling {
  /** Inputs with more elements than this are checked in random directions. */
  readonly maxElements: number;
  /** How many directions. */
  readonly directions: number;
}

/** Random numbers of either sign with magnitudes from ½ to 1½: no element of a cotangent or direction is lost near 0. */
export type Draw = (length: number) => Float64Array;

/** Draws that depend on the seed and their order alone. */
export function seededDraws(seed: number): Draw {
  let drawn = 0;
  return (length) =>
    new Float64Array(length).map(() => {
      const [word] = threefry2x32(seed | 0, Math.floor(seed / 2 ** 32), drawn++, 2);
      const unit = (word >>> 1) / 2 ** 31;
      return (word & 1) === 0 ? unit + 0.5 : -unit - 0.5;
    });
}

/** How bad, for choosing the worst: anything wrong before anything inconclusive before anything right. */
const severity: Readonly<Record<Verdict, number>> = { ok: 0, inconclusive: 1, wrong: 2 };

/**
 * Compares claimed derivatives of Σ weights · evaluate(x) towards x with finite differences.
 *
 * @param analytic one number an element of x
 */
export function compareElements(
  evaluate: (x: Float64Array) => readonly ArrayLike<number>[],
  x: Float64Array,
  shape: Shape,
  weights: readonly ArrayLike<number>[],
  analytic: ArrayLike<number>,
  precision: Precision,
  { maxElements, directions }: Sampling,
  draw: Draw,
): Omit<InputReport, "path"> {
  const byElement = x.length <= maxElements;
  const count = byElement ? x.length : directions;
  const middle = count === 0 ? [] : evaluate(x);
  let worst: WorstElement | null = null;
  let wrong = 0;
  let inconclusive = 0;
  let maxError = 0;
  for (let i = 0; i < count; i++) {
    const direction = byElement ? unitVector(x.length, i) : normalised(draw(x.length));
    const line = (t: number): readonly ArrayLike<number>[] =>
      t === 0 ? middle : evaluate(x.map((value, k) => value + t * direction[k]));
    const claimed = byElement ? analytic[i] : inner(analytic, direction);
    const magnitude = byElement
      ? Math.abs(x[i])
      : x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const comparison = compareAlong(line, weights, claimed, magnitude, precision);
    const { verdict, error } = comparison;
    if (verdict === "wrong") wrong++;
    else if (verdict === "inconclusive") inconclusive++;
    if (verdict !== "inconclusive") maxError = Math.max(maxError, error);
    const above = worst === null ? 1 : severity[verdict] - severity[worst.verdict] || error - worst.error;
    if (above > 0) worst = { ...comparison, index: byElement ? unflattenIndex(i, shape) : null };
  }
  const verdict = wrong > 0 ? "wrong" : inconclusive > 0 ? "inconclusive" : "ok";
  const method = byElement ? "elements" : "directions";
  return { shape, method, checked: count, wrong, inconclusive, maxError, worst, verdict };
}

export function inner(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i] * b[i];
  return total;
}

function unitVector(length: number, at: number): Float64Array {
  const vector = new Float64Array(length);
  vector[at] = 1;
  return vector;
}

function normalised(vector: Float64Array): Float64Array {
  const length = Math.sqrt(inner(vector, vector));
  return vector.map((value) => value / length);
}

function unflattenIndex(flat: number, shape: Shape): number[] {
  const strides = stridesOf(shape);
  return shape.map((extent, axis) => Math.floor(flat / strides[axis]) % extent);
}
