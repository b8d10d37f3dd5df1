/**
 * Finite differences that know how far to trust themselves.
 *
 * Source: central differences with Richardson extrapolation, (4 D(h/2) − D(h)) / 3, whose error is O(h⁴) + O(ε/h); the
 * step ε^(1/5) balances the two. Deviation: a sweep to smaller steps follows where the first does not confirm the
 * derivative, and the estimate that is most certain of itself counts. Known weakness: a function that oscillates faster
 * than the smallest step looks smooth.
 */

export type Verdict = "ok" | "wrong" | "inconclusive";

/** A claimed derivative beside a measured one. */
export interface Comparison {
  readonly analytic: number;
  /** NaN where no step gave a finite difference. */
  readonly numeric: number;
  /** |analytic − numeric| / max(|analytic| + |numeric|, floor) */
  readonly error: number;
  readonly verdict: Verdict;
}

export interface Precision {
  /** Largest error that passes. */
  readonly tolerance: number;
  /** Derivatives below this are compared absolutely; rounding raises it where it has to. */
  readonly floor: number;
  /** The relative rounding error of one evaluation of the function. */
  readonly epsilon: number;
}

/** The outputs at x + t · direction, as flat arrays. */
export type Line = (t: number) => readonly ArrayLike<number>[];

/** Outputs of well-conditioned code are off by a few ε; the extrapolation multiplies that by 3. */
const ROUNDING_UNITS = 32;

/** Σ weights · (a − b): differences first, so that large equal parts cancel exactly. NaN where the shapes changed. */
function weightedDifference(
  weights: readonly ArrayLike<number>[],
  a: readonly ArrayLike<number>[],
  b: readonly ArrayLike<number>[],
): number {
  let total = 0;
  weights.forEach((weight, k) => {
    if (a[k]?.length !== weight.length || b[k]?.length !== weight.length) total = Number.NaN;
    else for (let i = 0; i < weight.length; i++) total += weight[i] * (a[k][i] - b[k][i]);
  });
  return total;
}

/** Σ |weights · a|: what rounding errors are relative to. */
function weightedMagnitude(weights: readonly ArrayLike<number>[], a: readonly ArrayLike<number>[]): number {
  let total = 0;
  weights.forEach((weight, k) => {
    for (let i = 0; i < weight.length; i++) total += Math.abs(weight[i] * a[k][i]);
  });
  return total;
}

/** Steps to try, the best first, for a coordinate of this magnitude. */
function stepsFor(magnitude: number, epsilon: number): number[] {
  const scales = [Math.max(1, magnitude)];
  // near 0 a function may vary over the distance to 0; far out it may still vary over 1
  if (magnitude > 0 && magnitude < 0.1) scales.push(magnitude);
  if (magnitude > 10) scales.push(1);
  return [1 / 5, 1 / 3, 4 / 9].flatMap((power) => scales.map((scale) => scale * epsilon ** power));
}

export function symmetricError(analytic: number, numeric: number, floor: number): number {
  if (analytic === numeric) return 0;
  const difference = Math.abs(analytic - numeric);
  return Number.isFinite(difference)
    ? difference / Math.max(Math.abs(analytic) + Math.abs(numeric), floor)
    : Number.POSITIVE_INFINITY;
}

/**
 * Compares a claimed directional derivative of Σ weights · outputs at t = 0 with finite differences.
 *
 * Requires a deterministic `line`. Guarantees "wrong" only where a self-consistent estimate contradicts the claim and the
 * function is smooth there; at a kink, a jump or an edge of the domain the verdict is "inconclusive".
 *
 * @param magnitude of the coordinate that varies
 */
export function compareAlong(
  line: Line,
  weights: readonly ArrayLike<number>[],
  analytic: number,
  magnitude: number,
  { tolerance, floor, epsilon }: Precision,
): Comparison {
  const size = weightedMagnitude(weights, line(0));
  let best = { numeric: Number.NaN, uncertainty: Number.POSITIVE_INFINITY, error: Number.POSITIVE_INFINITY };
  for (const step of stepsFor(magnitude, epsilon)) {
    const central = (h: number): number => weightedDifference(weights, line(h), line(-h)) / (2 * h);
    const coarse = central(step);
    const fine = central(step / 2);
    const numeric = (4 * fine - coarse) / 3;
    const rounding = (ROUNDING_UNITS * epsilon * size) / step;
    const uncertainty = Math.abs(numeric - fine) + rounding;
    if (!(uncertainty < best.uncertainty)) continue;
    const error = symmetricError(analytic, numeric, Math.max(floor, rounding / tolerance));
    best = { numeric, uncertainty, error };
    if (error <= tolerance) break;
  }
  const { numeric, uncertainty, error } = best;
  const verdict = (): Verdict => {
    if (error <= tolerance) return "ok";
    if (!Number.isFinite(uncertainty)) return "inconclusive";
    const gap = Number.isFinite(analytic) ? Math.abs(analytic - numeric) : Number.POSITIVE_INFINITY;
    if (uncertainty > gap / 10) return "inconclusive";
    return hasKink(line, weights, gap, size, magnitude, epsilon) ? "inconclusive" : "wrong";
  };
  return { analytic, numeric, error, verdict: verdict() };
}

/**
 * Do the one-sided derivatives differ? Their gap |f(h) − 2 f(0) + f(−h)| / h shrinks with h where f is smooth, stays at a kink
 * and grows at a jump. A kink smaller than the disagreement it would have to explain does not count.
 */
function hasKink(
  line: Line,
  weights: readonly ArrayLike<number>[],
  disagreement: number,
  size: number,
  magnitude: number,
  epsilon: number,
): boolean {
  const middle = line(0);
  const gapAt = (h: number): number =>
    Math.abs(weightedDifference(weights, line(h), middle) + weightedDifference(weights, line(-h), middle)) /
    h;
  const step = Math.max(1, magnitude) * epsilon ** (1 / 4);
  const wide = gapAt(step);
  const narrow = gapAt(step / 4);
  const noise = (ROUNDING_UNITS * epsilon * size) / (step / 4);
  return (
    !(narrow <= wide / 2) && !(narrow <= noise) && !(narrow < Math.min(disagreement, Number.MAX_VALUE) / 4)
  );
}
