/**
 * erf.
 *
 * Source: x + x·P(x²) near 0 and 1 − 2^Q(x) beyond, where Q approximates log₂ erfc (the form N. Juffa has popularised, there with e).
 * Deviation: Q is expanded about the middle of its range and fitted with the weight erfc, for that is what its error counts for; base 2,
 * so that splitting Q into an integer and a fraction is exact and takes three instructions.
 * Known weakness: there is no erfc here: 1 − erf(x) has no correct digits for large x. Bound, 32 and 64 bits: 4 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { ERF, ERFC_CENTRE, ERFC_END, EXP2, LOG2_ERFC } from "./coefficients.js";
import { constant, horner, polynomial, roundToExponent, withSignOf } from "./lanes.js";

/** 2/√π · ∫₀ˣ e^(−t²) dt. */
export function erf<V>(m: LaneAlgebra<V>, x: V): V {
  const magnitude = m.abs(x);
  const small = m.multiplyAdd(magnitude, polynomial(m, m.mul(magnitude, magnitude), ERF), magnitude);
  const offset = m.sub(m.min(magnitude, constant(m, ERFC_END)), constant(m, ERFC_CENTRE));
  const exponent = polynomial(m, offset, LOG2_ERFC);
  const { n, power } = roundToExponent(m, exponent, 1, 0);
  // −2ᶠ, f = exponent − n
  const negative = horner(m, m.sub(exponent, n), [-1, ...EXP2[m.bits].map((c) => -c)]);
  const large = m.multiplyAdd(negative, power, m.float(1));
  return withSignOf(m, m.select(m.lt(magnitude, m.float(0.9)), small, large), x);
}
