/**
 * erf.
 *
 * Source: x + x·P(x²) near 0 and 1 − e^Q(x) beyond, where Q approximates ln erfc (the form N. Juffa has popularised).
 * Deviation: Q is expanded about the middle of its range and fitted with the weight erfc, for that is what its error counts for.
 * Known weakness: there is no erfc here: 1 − erf(x) has no correct digits for large x. Bound, 32 and 64 bits: 4 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { ERF, ERFC_CENTRE, ERFC_END, LOG_ERFC } from "./coefficients.js";
import { expOfModerate } from "./exponential.js";
import { constant, polynomial, withSignOf } from "./lanes.js";

/** 2/√π · ∫₀ˣ e^(−t²) dt. */
export function erf<V>(m: LaneAlgebra<V>, x: V): V {
  const magnitude = m.abs(x);
  const small = m.multiplyAdd(magnitude, polynomial(m, m.mul(magnitude, magnitude), ERF), magnitude);
  const offset = m.sub(m.min(magnitude, constant(m, ERFC_END)), constant(m, ERFC_CENTRE));
  const large = m.sub(m.float(1), expOfModerate(m, polynomial(m, offset, LOG_ERFC)));
  return withSignOf(m, m.select(m.lt(magnitude, m.float(0.9)), small, large), x);
}
