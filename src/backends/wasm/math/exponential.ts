/**
 * exp, expm1, sigmoid.
 *
 * Source: the classical reduction x = n·ln 2 + r, |r| ≤ ½·ln 2, with ln 2 in two parts (Cody & Waite 1980) and a polynomial for
 * (eʳ − 1 − r)/r². Deviation: no tables; 2ⁿ is applied as two factors, so that underflow is gradual and rounded once and overflow
 * to infinity comes where it should. Known weakness: those two factors cost four instructions more than one would.
 * Bounds, 32 and 64 bits: exp 3, expm1 3, sigmoid 4 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { type ByWidth, EXP, LN2 } from "./coefficients.js";
import { constant, polynomial, powerOfTwo, scale, withSignOf } from "./lanes.js";

/** Below the first, exp rounds to 0; above the second, to infinity; above the third, also when halved. */
const EXP_LOWEST: ByWidth<number> = { 32: -104, 64: -746 };
const EXP_HIGHEST: ByWidth<number> = { 32: 89, 64: 710 };
const HALF_EXP_HIGHEST: ByWidth<number> = { 32: 90, 64: 711 };
/** Below it, expm1 rounds to -1. */
const EXPM1_LOWEST: ByWidth<number> = { 32: -18, 64: -38 };

/** x = n·ln 2 + r, |r| ≤ ½·ln 2, n integral (a float). The rounding of r costs a quarter of an ulp of eʳ at most. */
function reduceByLn2<V>(m: LaneAlgebra<V>, x: V): { readonly n: V; readonly r: V } {
  const [high = 0, low = 0] = LN2[m.bits];
  const n = m.nearest(m.mul(x, m.float(Math.LOG2E)));
  const coarse = m.multiplyAdd(n, m.float(-high), x); // exact
  return { n, r: m.multiplyAdd(n, m.float(-low), coarse) };
}

/** eʳ − 1, |r| ≤ ½·ln 2. */
function expm1Reduced<V>(m: LaneAlgebra<V>, r: V): V {
  return m.multiplyAdd(m.mul(r, r), polynomial(m, r, EXP), r);
}

/** eʳ, |r| ≤ ½·ln 2. */
export function expReduced<V>(m: LaneAlgebra<V>, r: V): V {
  return m.add(m.float(1), expm1Reduced(m, r));
}

/** eˣ or eˣ/2, for x where that neither underflows nor overflows by far. */
function expScaled<V>(m: LaneAlgebra<V>, x: V, half: boolean): V {
  const { n, r } = reduceByLn2(m, x);
  return scale(m, expReduced(m, r), m.toInteger(half ? m.sub(n, m.float(1)) : n));
}

/** eˣ where it is a normal float: one factor 2ⁿ is enough. */
export function expOfModerate<V>(m: LaneAlgebra<V>, x: V): V {
  const { n, r } = reduceByLn2(m, x);
  return m.mul(expReduced(m, r), powerOfTwo(m, m.toInteger(n)));
}

/** eˣ / 2 for x ≥ 0: finite for a little longer than eˣ. */
export function halfExp<V>(m: LaneAlgebra<V>, x: V): V {
  return expScaled(m, m.min(x, constant(m, HALF_EXP_HIGHEST)), true);
}

/** eˣ; underflow is gradual. */
export function exp<V>(m: LaneAlgebra<V>, x: V): V {
  const clamped = m.min(m.max(x, constant(m, EXP_LOWEST)), constant(m, EXP_HIGHEST));
  return expScaled(m, clamped, false);
}

/** eˣ − 1, without cancellation near 0. */
export function expm1<V>(m: LaneAlgebra<V>, x: V): V {
  const clamped = m.min(m.max(x, constant(m, EXPM1_LOWEST)), constant(m, EXP_HIGHEST));
  const { n, r } = reduceByLn2(m, clamped);
  const p = expm1Reduced(m, r);
  // eˣ − 1 = 2·(2ⁿ⁻¹·p + (2ⁿ⁻¹ − ½)): halved, because 2ⁿ overflows before the result does.
  const power = powerOfTwo(m, m.toInteger(m.sub(n, m.float(1))));
  const halved = m.multiplyAdd(power, p, m.sub(power, m.float(0.5)));
  const result = m.select(m.eq(n, m.float(0)), p, m.add(halved, halved));
  return withSignOf(m, result, x);
}

/** 1 / (1 + e⁻ˣ), from e^−|x| so that nothing overflows and small results keep their precision. */
export function sigmoid<V>(m: LaneAlgebra<V>, x: V): V {
  const one = m.float(1);
  const decay = expScaled(m, m.max(m.neg(m.abs(x)), constant(m, EXP_LOWEST)), false);
  const numerator = m.select(m.lt(x, m.float(0)), decay, one);
  return m.div(numerator, m.add(one, decay));
}
