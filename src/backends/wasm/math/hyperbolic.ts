/**
 * sinh, cosh, tanh.
 *
 * Source: x + x³·P(x²) near 0, as in Cephes; elsewhere from eˣ: sinh, cosh = h ∓ ¼/h with h = eˣ/2, tanh = 1 − 2/(e²ˣ + 1).
 * Deviation: polynomials, not the rational functions of Cephes; h instead of eˣ, so that overflow comes where it should.
 * Known weakness: both branches are always computed. Bounds, 32 and 64 bits: tanh 2, sinh 4, cosh 4 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { type ByWidth, SINH, TANH } from "./coefficients.js";
import { expReduced, halfExp } from "./exponential.js";
import { constant, polynomial, roundToExponent, withSignOf } from "./lanes.js";

/** tanh rounds to 1 from here on. */
const TANH_END: ByWidth<number> = { 32: 10, 64: 20 };

/** The hyperbolic sine. */
export function sinh<V>(m: LaneAlgebra<V>, x: V): V {
  const magnitude = m.abs(x);
  const square = m.mul(magnitude, magnitude);
  const small = m.multiplyAdd(m.mul(square, polynomial(m, square, SINH)), magnitude, magnitude);
  const half = halfExp(m, magnitude);
  const large = m.sub(half, m.div(m.float(0.25), half));
  return withSignOf(m, m.select(m.lt(magnitude, m.float(1)), small, large), x);
}

/** The hyperbolic cosine; finite as far as it should be, beyond the overflow of eˣ. */
export function cosh<V>(m: LaneAlgebra<V>, x: V): V {
  const half = halfExp(m, m.abs(x));
  return m.add(half, m.div(m.float(0.25), half));
}

/**
 * ½·e²ˣ in two factors, for 0 ≤ x up to TANH_END. What tanh makes of it damps its error more the larger it is, so ln 2 may be one
 * float.
 */
function doubledExp<V>(m: LaneAlgebra<V>, x: V): { readonly significand: V; readonly power: V } {
  const { n, power } = roundToExponent(m, x, 2 * Math.LOG2E, -1);
  const r = m.multiplyAdd(n, m.float(-Math.LN2 / 2), x);
  return { significand: expReduced(m, r, 2), power };
}

/** The hyperbolic tangent. */
export function tanh<V>(m: LaneAlgebra<V>, x: V): V {
  const one = m.float(1);
  const magnitude = m.abs(x);
  const square = m.mul(magnitude, magnitude);
  const small = m.multiplyAdd(m.mul(square, polynomial(m, square, TANH)), magnitude, magnitude);
  // 1 − 1/(½·e²ˣ + ½)
  const { significand, power } = doubledExp(m, m.min(magnitude, constant(m, TANH_END)));
  const large = m.sub(one, m.div(one, m.multiplyAdd(significand, power, m.float(0.5))));
  return withSignOf(m, m.select(m.lt(magnitude, m.float(0.5625)), small, large), x);
}
