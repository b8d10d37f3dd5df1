/**
 * The derivative towards one number by centred differences in float64.
 *
 * Source: (C(w + h) − C(w − h)) / 2h, whose error is h²C‴/6 from the curve and ε|C|/h from rounding. Neither is known, so the step is
 * swept over nine decades and the estimate that changes least to its neighbour counts. Known weakness: a function that
 * oscillates faster than the smallest step looks smooth.
 */
import type { Check } from "./document.js";
import { real } from "./numbers.js";

/** Steps relative to max(1, |w|). */
const steps = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9];
/** What passes: the rounding of float64 leaves about 1e-10 at the best step. */
const tolerance = 1e-6;

/**
 * @param cost at w + h
 * @param at w
 * @param analytic its derivative by reverse mode in float64
 * @param adjoint the derivative as the graph has it, and the relative error its dtype excuses
 * @param scale of the derivatives around it: what cancels in float32 leaves the rounding of what it came from
 */
export function checkDerivative(
  cost: (h: number) => number,
  at: number,
  analytic: number,
  adjoint: number,
  adjointTolerance: number,
  scale: number,
): Check {
  const middle = cost(0);
  const again = cost(0);
  const size = Math.max(1, Math.abs(at));
  const rows = steps.map((relative) => {
    // a step that w can take exactly: w + h − w is what is divided by
    const h = at + relative * size - at;
    const above = cost(h);
    const below = cost(-h);
    return { h, numeric: (above - below) / (2 * h), left: (middle - below) / h, right: (above - middle) / h };
  });
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < rows.length; i++) {
    const change = Math.abs(rows[i].numeric - rows[i - 1].numeric);
    if (change < least) {
      least = change;
      best = i;
    }
  }
  const { numeric, h } = rows[best];
  // below what rounding of the cost does to a difference, nothing can be compared
  const noise = (2 ** -50 * Math.max(Math.abs(middle), 1e-300)) / Math.abs(h);
  const error = symmetricError(analytic, numeric, noise / tolerance);
  const kink = kinkAt(rows, Math.abs(middle));
  const near = symmetricError(adjoint, analytic, Math.max(scale / 10, Number.MIN_VALUE));
  const reason = ((): [Check["verdict"], string | null] => {
    if (!Object.is(middle, again)) return ["inconclusive", "f gives different results at the same point"];
    if (![analytic, adjoint, numeric].every(Number.isFinite))
      return ["inconclusive", "the cost or its derivative is not finite here"];
    if (kink !== null)
      return ["inconclusive", "a kink: the slopes to the left and to the right differ at every step"];
    if (least > tolerance * (Math.abs(analytic) + Math.abs(numeric)) && least > noise)
      return error <= tolerance ? ["ok", null] : ["inconclusive", "no step gives a stable difference"];
    if (error > tolerance) return ["wrong", "the derivative and the differences disagree"];
    if (near > adjointTolerance)
      return ["wrong", "the derivative in the function's dtype and in float64 disagree"];
    return ["ok", null];
  })();
  return {
    verdict: reason[0],
    reason: reason[1],
    analytic: real(analytic),
    adjoint: real(adjoint),
    numeric: real(numeric),
    step: real(h),
    error: real(error),
    tolerance,
    sweep: rows.map((row) => ({
      step: real(row.h),
      numeric: real(row.numeric),
      error: real(symmetricError(analytic, row.numeric, 0)),
    })),
    oneSided: kink === null ? null : { left: real(kink.left), right: real(kink.right) },
  };
}

/** |a − b| / (|a| + |b|), absolute below the floor. */
function symmetricError(a: number, b: number, floor: number): number {
  if (a === b) return 0;
  return Math.abs(a - b) / Math.max(Math.abs(a) + Math.abs(b), floor);
}

/** The one-sided slopes at a kink: their gap shrinks with h where the cost is smooth, and stays where it is not. */
function kinkAt(
  rows: readonly { readonly h: number; readonly left: number; readonly right: number }[],
  size: number,
): { left: number; right: number } | null {
  const gap = ({ left, right }: { left: number; right: number }): number => Math.abs(right - left);
  // 1e-3 … 1e-6: below, rounding; above, the curve
  const [wide, narrow] = [rows[2], rows[5]];
  const noise = (2 ** -48 * Math.max(size, 1e-300)) / Math.abs(narrow.h);
  const slopes = Math.abs(narrow.left) + Math.abs(narrow.right);
  const stays = gap(narrow) > gap(wide) / 10 && gap(narrow) > 100 * noise && gap(narrow) > 1e-4 * slopes;
  return stays ? { left: narrow.left, right: narrow.right } : null;
}

/** The check of a function that cannot be evaluated in float64, or not again. */
export function unchecked(adjoint: number, why: string): Check {
  return {
    verdict: "inconclusive",
    reason: `f cannot be evaluated in float64: ${why}`,
    analytic: "NaN",
    adjoint: real(adjoint),
    numeric: "NaN",
    step: "NaN",
    error: "NaN",
    tolerance,
    sweep: [],
    oneSided: null,
  };
}
