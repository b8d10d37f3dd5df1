/**
 * log, log1p.
 *
 * Source: fdlibm's scheme: x = 2ᵏ·(1 + f), s = f/(2 + f), log(1 + f) = f − f²/2 + s·(f²/2 + R(s²)), with ln 2 in two parts; for
 * log1p the rounding error of 1 + x is added as a correction. Deviation: own coefficients, no special case for f near 0.
 * Known weakness: one division each, two in log1p. Bounds, 32 and 64 bits: log 4, log1p 2 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { type ByWidth, LN2, LOG } from "./coefficients.js";
import { constant, exactSum, integerOf, LAYOUT, polynomial, twoParts, withSignOf } from "./lanes.js";

const SMALLEST_NORMAL: ByWidth<number> = { 32: 2 ** -126, 64: 2 ** -1022 };
/** What lifts the denormals into the normals, as an exponent. */
const LIFT: ByWidth<number> = { 32: 25, 64: 54 };
/** The bit pattern of √½. */
const ROOT_HALF: ByWidth<number | bigint> = { 32: 0x3f3504f3, 64: 0x3fe6a09e667f3bcdn };

/** x = 2ᵏ·significand with the significand in [√½, √2), for 0 < x < ∞; k is a float. */
export function decompose<V>(m: LaneAlgebra<V>, x: V): { readonly k: V; readonly significand: V } {
  const { fraction, fractionMask } = LAYOUT[m.bits];
  const lift = LIFT[m.bits];
  const tiny = m.lt(x, constant(m, SMALLEST_NORMAL));
  const lifted = m.select(tiny, m.mul(x, m.float(2 ** lift)), x);
  const rootHalf = m.integer(ROOT_HALF[m.bits]);
  const offset = m.integerSub(lifted, rootHalf);
  const exponent = m.integerSub(m.shiftRightArithmetic(offset, fraction), m.and(tiny, integerOf(m, lift)));
  const significand = m.integerAdd(m.and(offset, m.integer(fractionMask)), rootHalf);
  return { k: m.fromInteger(exponent), significand };
}

/** log(1 + f) + k·ln 2 + correction. */
function assemble<V>(m: LaneAlgebra<V>, f: V, k: V, correction: V): V {
  const ln2 = twoParts(m, LN2);
  const s = m.div(f, m.add(m.float(2), f));
  const square = m.mul(s, s);
  const rest = m.mul(square, polynomial(m, square, LOG));
  const halfSquare = m.mul(m.float(0.5), m.mul(f, f));
  const low = m.multiplyAdd(s, m.add(halfSquare, rest), m.multiplyAdd(k, ln2.low, correction));
  return m.multiplyAdd(k, ln2.high, m.sub(f, m.sub(halfSquare, low)));
}

/** The value for 0 < u < ∞, and what belongs at 0, at ∞, below 0 and for NaN. */
function withLimits<V>(m: LaneAlgebra<V>, u: V, value: V): V {
  const zero = m.float(0);
  const infinity = m.float(Infinity);
  const outside = m.select(m.eq(u, zero), m.float(-Infinity), m.float(NaN));
  return m.select(m.lt(zero, u), m.select(m.eq(u, infinity), infinity, value), outside);
}

/** The natural logarithm; log(±0) = -Infinity, of a negative number NaN. */
export function log<V>(m: LaneAlgebra<V>, x: V): V {
  const { k, significand } = decompose(m, x);
  return withLimits(m, x, assemble(m, m.sub(significand, m.float(1)), k, m.float(0)));
}

/** log(1 + x), without cancellation near 0. */
export function log1p<V>(m: LaneAlgebra<V>, x: V): V {
  const zero = m.float(0);
  const one = m.float(1);
  const u = exactSum(m, one, x);
  const { k, significand } = decompose(m, u.high);
  const near = m.eq(k, zero);
  // Where k = 0, f is x itself, exactly.
  const f = m.select(near, x, m.sub(significand, one));
  const correction = m.select(near, zero, m.div(u.low, u.high));
  return withSignOf(m, withLimits(m, u.high, assemble(m, f, k, correction)), x);
}
