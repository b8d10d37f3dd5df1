/**
 * exp, expm1, sigmoid.
 *
 * Source: the classical reduction x = n·ln 2 + r, |r| ≤ ½·ln 2, with ln 2 in two parts (Cody & Waite 1980) and a polynomial for
 * eʳ. Deviation: no tables; where 2ⁿ is not a normal float it is applied as two factors, so that underflow is gradual and rounded once
 * and overflow to infinity comes where it should.
 * Bounds, 32 and 64 bits: exp 3, expm1 3, sigmoid 4 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { type ByWidth, EXP, LN2 } from "./coefficients.js";
import { constant, horner, LAYOUT, polynomial, roundToExponent, withSignOf } from "./lanes.js";

/** Below the first, exp rounds to 0; above the second, to infinity; above the third, also when halved. */
const EXP_LOWEST: ByWidth<number> = { 32: -104, 64: -746 };
const EXP_HIGHEST: ByWidth<number> = { 32: 89, 64: 710 };
const HALF_EXP_HIGHEST: ByWidth<number> = { 32: 90, 64: 711 };
/** Below it, expm1 rounds to -1. */
const EXPM1_LOWEST: ByWidth<number> = { 32: -18, 64: -38 };
/** From here down the power of two in eˣ/2 may be denormal; with `LIFT` more in its exponent it is not. */
const DEEP: ByWidth<number> = { 32: -86, 64: -707 };
const LIFT: ByWidth<number> = { 32: 64, 64: 128 };
/** From here on 1 + e⁻ˣ is 1. */
const SIGMOID_END: ByWidth<number> = { 32: 40, 64: 40 };

interface Reduced<V> {
  /** Integral, a float. */
  readonly n: V;
  readonly r: V;
  /** 2ⁿ⁺ᵒᶠᶠˢᵉᵗ, where that is a normal float. */
  readonly power: V;
}

/**
 * rate·x = n·ln 2 + rate·r, |rate·r| ≤ ½·ln 2; the rate is 1 or −1, which then needs no instruction to negate x. The rounding of r
 * costs a quarter of an ulp of eʳ at most.
 */
function reduceByLn2<V>(m: LaneAlgebra<V>, x: V, rate: number, offset: number): Reduced<V> {
  const [high = 0, low = 0] = LN2[m.bits];
  const { n, power } = roundToExponent(m, x, rate * Math.LOG2E, offset);
  const coarse = m.multiplyAdd(n, m.float(-high / rate), x); // exact
  const r = m.multiplyAdd(n, m.float(-low / rate), coarse);
  return { n, r, power };
}

/** eʳ − 1, |r| ≤ ½·ln 2; r itself where it is small. */
function expm1Reduced<V>(m: LaneAlgebra<V>, r: V): V {
  return m.multiplyAdd(m.mul(r, r), polynomial(m, r, EXP), r);
}

/** e^(rate·r), |rate·r| ≤ ½·ln 2; the rate, a power of two or minus one, goes into the coefficients. */
export function expReduced<V>(m: LaneAlgebra<V>, r: V, rate = 1): V {
  const coefficients = [1, 1, ...EXP[m.bits]].map((c, i) => c * rate ** i);
  return horner(m, r, coefficients);
}

/** e^(rate·x)·2ᵒᶠᶠˢᵉᵗ as two factors, of which the power must be a normal float; the rate is ±1. */
function expInFactors<V>(
  m: LaneAlgebra<V>,
  x: V,
  rate: number,
  offset: number,
): { readonly significand: V; readonly power: V } {
  const { r, power } = reduceByLn2(m, x, rate, offset);
  return { significand: expReduced(m, r, rate), power };
}

/** eˣ where it is a normal float: one factor 2ⁿ is enough. */
export function expOfModerate<V>(m: LaneAlgebra<V>, x: V): V {
  const { significand, power } = expInFactors(m, x, 1, 0);
  return m.mul(significand, power);
}

/** eˣ / 2 for x ≥ 0: finite for a little longer than eˣ. */
export function halfExp<V>(m: LaneAlgebra<V>, x: V): V {
  const { significand, power } = expInFactors(m, m.min(x, constant(m, HALF_EXP_HIGHEST)), 1, -2);
  const quarter = m.mul(significand, power);
  return m.add(quarter, quarter);
}

/** eˣ; underflow is gradual. */
export function exp<V>(m: LaneAlgebra<V>, x: V): V {
  const clamped = m.min(m.max(x, constant(m, EXP_LOWEST)), constant(m, EXP_HIGHEST));
  const { significand, power } = expInFactors(m, clamped, 1, -1);
  // 2ⁿ = 2ⁿ⁻¹·2, or 2ⁿ⁻¹⁺ᴸᴵᶠᵀ·2¹⁻ᴸᴵᶠᵀ where n is low: the one factor's exponent gains what the other's loses.
  const lift = m.integer(BigInt(LIFT[m.bits]) << BigInt(LAYOUT[m.bits].fraction));
  const moved = m.and(m.lt(clamped, constant(m, DEEP)), lift);
  const second = m.integerSub(m.float(2), moved);
  return m.mul(m.mul(significand, m.integerAdd(power, moved)), second);
}

/** eˣ − 1, without cancellation near 0. */
export function expm1<V>(m: LaneAlgebra<V>, x: V): V {
  const clamped = m.min(m.max(x, constant(m, EXPM1_LOWEST)), constant(m, EXP_HIGHEST));
  const { n, r, power } = reduceByLn2(m, clamped, 1, -1);
  const p = expm1Reduced(m, r);
  // eˣ − 1 = 2·(2ⁿ⁻¹·p + (2ⁿ⁻¹ − ½)): halved, because 2ⁿ overflows before the result does.
  const halved = m.multiplyAdd(power, p, m.sub(power, m.float(0.5)));
  const result = m.select(m.eq(n, m.float(0)), p, m.add(halved, halved));
  return withSignOf(m, result, x);
}

/**
 * 1 / (1 + e⁻ˣ) = 2⁻ˢ / (2⁻ˢ + 2⁻ˢ·e⁻ˣ), S = LIFT: scaled down, e⁻ˣ does not overflow before the result has underflowed, and
 * the quotient is all that is rounded to a denormal.
 */
export function sigmoid<V>(m: LaneAlgebra<V>, x: V): V {
  const lift = LIFT[m.bits];
  const one = m.float(2 ** -lift);
  const clamped = m.min(m.max(x, constant(m, EXP_LOWEST)), constant(m, SIGMOID_END));
  const { significand, power } = expInFactors(m, clamped, -1, -lift);
  return m.div(one, m.multiplyAdd(significand, power, one));
}
