/**
 * 1 + erf and the bell curve beside it, together: what GELU and the normal distribution are made of, with their derivatives.
 *
 * Source: erfc(z) = e^(−z²)·erfcx(z), with erfcx as a quotient of polynomials (as W. J. Cody 1969, with coefficients of our own:
 * scripts/math-normal.py). Deviations: one quotient for all z, as 1 + erf needs no digits of erf near 0; the one exponential serves
 * the bell curve too, and constant factors of argument and result go into the coefficients. Known weaknesses: z² is rounded before the
 * exponential, so that far from 0 both lose up to 1.25·z²·2^-23 of themselves; below 2^-126 of its peak the bell curve is 0.
 * Bounds, 32 bits: 1 + erf 2^-22 absolutely and 2^-15 of itself down to 2^-125; the bell curve 4 + 1.25·z² ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { horner, roundToExponent, signMask } from "./lanes.js";

/** erfcx(z) ≈ p(z) / q(z), 0 ≤ z ≤ 9.4: error 2^-25.5 of e^(−z²), or 2^-18.2 of the function; p(0) = q(0). */
const ERFCX = {
  p: [1, 0.9438913464546204, 0.414053738117218, 0.07540345191955566],
  q: [1, 2.0722694396972656, 1.752381682395935, 0.7325738668441772, 0.13370543718338013],
} as const;

/** eʳ in r, |r| ≤ ½·ln 2; error 2^-23.4, which is what a rounding more of −z² leaves room for. */
const EXP_SHORT = [
  1, 0.9999997019767761, 0.49999141693115234, 0.16667649149894714, 0.04189904406666756, 0.008289891295135021,
] as const;

export interface NormalShape {
  /** Of the argument; above 0. */
  readonly scale: number;
  readonly height: number;
  /** Not 0, and not far from 1. */
  readonly peak: number;
}

export interface Normal<V> {
  /** height·(1 + erf(scale·x)) */
  readonly sum: V;
  /** peak·e^(−(scale·x)²) */
  readonly bell: V;
}

/** In 32 bits only. */
export function normal<V>(m: LaneAlgebra<V>, x: V, { scale, height, peak }: NormalShape): Normal<V> {
  const rate = -scale * scale;
  // From here on the power of two is 2^-127, which its bits make 0.
  const magnitude = m.min(m.abs(x), m.float(Math.sqrt((-127 * Math.LN2) / rate)));
  const square = m.mul(magnitude, magnitude);
  // rate·x² = n·ln 2 + rate·r
  const { n, power } = roundToExponent(m, square, rate * Math.LOG2E, 0);
  const r = m.multiplyAdd(n, m.float(-Math.LN2 / rate), square);
  const coefficientsOf = (series: readonly number[], factor: number, base: number): number[] =>
    series.map((c, i) => factor * c * base ** i);
  const bell = m.mul(horner(m, r, coefficientsOf(EXP_SHORT, peak, rate)), power);
  // With a leading coefficient of 1 the first step is an addition.
  const leading = (ERFCX.q.at(-1) ?? 1) * scale ** (ERFCX.q.length - 1);
  const p = horner(m, magnitude, coefficientsOf(ERFCX.p, height / (peak * leading), scale));
  const q = horner(
    m,
    magnitude,
    ERFCX.q.map((c, i) => (c * scale ** i) / leading),
  );
  // The quotient does not wait for the exponential.
  const erfc = m.mul(bell, m.div(p, q));
  return { sum: m.select(signMask(m, x), erfc, m.sub(m.float(2 * height), erfc)), bell };
}
