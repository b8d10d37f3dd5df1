/**
 * pow.
 *
 * Source: xʸ = 2^(y·log₂|x|), the logarithm and its product with y in two parts (after fdlibm's e_pow; the error-free operations are
 * Dekker's). log((1 + f)) = 2·atanh(s), s = f/(2 + f); s, s²/3 and their products carry a low part, terms from s⁵ on do not: their
 * share is below 2^-12. Deviation: one reduction interval, [√½, √2), no table; log₂ is right to about 2^-35 or 2^-64, relative.
 * Known weakness: about 150 instructions. Bound, 32 and 64 bits: 4 ulp over the whole range, denormal results included.
 */
import type { LaneAlgebra } from "./algebra.js";
import { type ByWidth, LOG_TAIL, LOG2_E, ONE_THIRD } from "./coefficients.js";
import { expReduced } from "./exponential.js";
import {
  constant,
  exactProduct,
  exactSumOrdered,
  isUnordered,
  type Parts,
  polynomial,
  scale,
  signMask,
  signOf,
  twoParts,
} from "./lanes.js";
import { decompose } from "./logarithm.js";

/** From this |y| on, |x|ʸ is 0, 1 or infinity; larger ones would overflow on the way. */
const LARGEST_EXPONENT: ByWidth<number> = { 32: 2 ** 33, 64: 2 ** 65 };
/** Binary logarithms below and above which the result is 0 or infinity. */
const LOWEST: ByWidth<number> = { 32: -160, 64: -1100 };
const HIGHEST: ByWidth<number> = { 32: 130, 64: 1030 };

/** a.high·b.high with the first-order low parts. */
function productOfParts<V>(m: LaneAlgebra<V>, a: Parts<V>, b: Parts<V>): Parts<V> {
  const { high, low } = exactProduct(m, a.high, b.high);
  return { high, low: m.multiplyAdd(a.high, b.low, m.multiplyAdd(a.low, b.high, low)) };
}

/** log₂ x in two parts, 0 < x < ∞. */
function log2InParts<V>(m: LaneAlgebra<V>, x: V): Parts<V> {
  const one = m.float(1);
  const { k, significand } = decompose(m, x);
  // s = f / (2 + f): the quotient's residual, divided once more, is its low part.
  const f = m.sub(significand, one);
  const denominator = m.add(significand, one);
  const denominatorLow = m.sub(significand, m.sub(denominator, one));
  const quotient = m.div(f, denominator);
  const back = exactProduct(m, quotient, denominator);
  const residual = m.sub(m.sub(m.sub(f, back.high), back.low), m.mul(quotient, denominatorLow));
  const s: Parts<V> = { high: quotient, low: m.div(residual, denominator) };
  // atanh(s) = s + s·s²·(⅓ + s²·tail)
  const square = productOfParts(m, s, s);
  const third = twoParts(m, ONE_THIRD);
  const tail = m.mul(square.high, polynomial(m, square.high, LOG_TAIL));
  const bracket = exactSumOrdered(m, third.high, tail);
  const cubic: Parts<V> = { high: bracket.high, low: m.add(bracket.low, third.low) };
  const term = productOfParts(m, s, productOfParts(m, square, cubic));
  const atanh = exactSumOrdered(m, s.high, term.high);
  const atanhLow = m.add(atanh.low, m.add(s.low, term.low));
  // log₂ x = k + 2·log₂e·atanh(s)
  const logarithm = productOfParts(m, { high: atanh.high, low: atanhLow }, twoParts(m, LOG2_E, 2));
  const total = exactSumOrdered(m, k, logarithm.high);
  return { high: total.high, low: m.add(total.low, logarithm.low) };
}

/** xʸ, 0 < x < ∞. */
function powOfPositive<V>(m: LaneAlgebra<V>, x: V, y: V): V {
  const limit = constant(m, LARGEST_EXPONENT);
  const exponent = m.min(m.max(y, m.neg(limit)), limit);
  const binary = log2InParts(m, x);
  const product = exactProduct(m, exponent, binary.high);
  const clamped = m.min(m.max(product.high, constant(m, LOWEST)), constant(m, HIGHEST));
  const low = m.select(
    m.eq(clamped, product.high),
    m.multiplyAdd(exponent, binary.low, product.low),
    m.float(0),
  );
  const n = m.nearest(clamped);
  const r = m.add(m.sub(clamped, n), low);
  return scale(m, expReduced(m, m.mul(r, m.float(Math.LN2))), m.toInteger(n));
}

/**
 * xʸ, with the special values of C: pow(x, 0) = pow(1, y) = 1 even for NaN, a negative base takes integral exponents only, and an
 * odd one keeps the sign of the base, zeros and infinities included.
 */
export function pow<V>(m: LaneAlgebra<V>, x: V, y: V): V {
  const zero = m.float(0);
  const one = m.float(1);
  const infinity = m.float(Infinity);
  const base = m.abs(x);
  const baseIsZero = m.eq(base, zero);
  const baseIsInfinite = m.eq(base, infinity);
  const integral = m.eq(m.nearest(y), y);
  const halfExponent = m.mul(y, m.float(0.5));
  const odd = m.and(integral, m.not(m.eq(m.nearest(halfExponent), halfExponent)));

  const grows = m.xor(baseIsZero, m.lt(zero, y));
  const magnitude = m.select(
    m.or(baseIsZero, baseIsInfinite),
    m.and(grows, infinity),
    powOfPositive(m, base, y),
  );
  const signed = m.or(magnitude, m.and(odd, signOf(m, x)));
  const undefinedRoot = m.and(m.and(signMask(m, x), m.lt(zero, base)), m.not(m.or(integral, baseIsInfinite)));
  const unordered = m.or(isUnordered(m, x), isUnordered(m, y));
  const result = m.select(m.or(undefinedRoot, unordered), m.float(NaN), signed);
  return m.select(m.or(m.eq(x, one), m.eq(y, zero)), one, result);
}
