/**
 * log, log1p.
 *
 * Source: fdlibm's scheme: x = 2ᵏ·(1 + f), s = f/(2 + f), log(1 + f) = f − f²/2 + s·(f²/2 + R(s²)), with ln 2 in two parts; for
 * log1p the rounding error of 1 + x is added to f. Deviation: own coefficients, no special case for f near 0; what is special at 0
 * and ∞ is added rather than chosen, in fewer instructions.
 * Known weakness: a division. Bounds, 32 and 64 bits: log 4, log1p 2 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { type ByWidth, LN2, LOG } from "./coefficients.js";
import { constant, exactSum, LAYOUT, polynomial, twoParts, withSignOf } from "./lanes.js";

const SMALLEST_NORMAL: ByWidth<number> = { 32: 2 ** -126, 64: 2 ** -1022 };
/** What lifts the denormals into the normals, as an exponent. */
const LIFT: ByWidth<number> = { 32: 25, 64: 54 };
/** From here on 1 is below the last place of 1 + x. */
const LOW_END: ByWidth<number> = { 32: 2 ** 30, 64: 2 ** 60 };
/** The bit pattern of √½. */
const ROOT_HALF: ByWidth<number | bigint> = { 32: 0x3f3504f3, 64: 0x3fe6a09e667f3bcdn };

/** x = 2ᵏ·significand with the significand in [√½, √2), for 0 < x < ∞; k is a float, and `exponent` is k in an exponent's place. */
export function decompose<V>(
  m: LaneAlgebra<V>,
  x: V,
): { readonly k: V; readonly significand: V; readonly exponent: V } {
  const { fraction, fractionMask } = LAYOUT[m.bits];
  // 2ᴸᴵᶠᵀ where x is denormal, else 1; what that adds to the exponent is taken off again.
  const lift = m.integer(BigInt(LIFT[m.bits]) << BigInt(fraction));
  const moved = m.and(m.lt(x, constant(m, SMALLEST_NORMAL)), lift);
  const lifted = m.mul(x, m.integerAdd(m.float(1), moved));
  const rootHalf = m.integer(ROOT_HALF[m.bits]);
  const offset = m.integerSub(m.integerSub(lifted, rootHalf), moved);
  const significand = m.integerAdd(m.and(offset, m.integer(fractionMask)), rootHalf);
  const exponent = m.and(offset, m.integer(~BigInt(fractionMask)));
  return { k: m.fromInteger(m.shiftRightArithmetic(offset, fraction)), significand, exponent };
}

/** log(1 + f) + k·ln 2. */
function assemble<V>(m: LaneAlgebra<V>, f: V, k: V): V {
  const ln2 = twoParts(m, LN2);
  const s = m.div(f, m.add(m.float(2), f));
  const square = m.mul(s, s);
  const rest = m.mul(square, polynomial(m, square, LOG));
  const halfSquare = m.mul(m.float(0.5), m.mul(f, f));
  const low = m.multiplyAdd(s, m.add(halfSquare, rest), m.mul(k, ln2.low));
  return m.multiplyAdd(k, ln2.high, m.sub(f, m.sub(halfSquare, low)));
}

/** The finite value where 0 < u < ∞, and what belongs at 0, at ∞, below 0 and for NaN. */
function withLimits<V>(m: LaneAlgebra<V>, u: V, value: V): V {
  const zero = m.float(0);
  const infinity = m.float(Infinity);
  // Added: −∞ at 0; ∞ and NaN themselves; nothing elsewhere. Below 0 all bits are set.
  const atZero = m.and(m.eq(u, zero), m.float(-Infinity));
  const beyond = m.and(u, m.not(m.lt(u, infinity)));
  return m.or(m.add(value, m.or(atZero, beyond)), m.lt(u, zero));
}

/** The natural logarithm; log(±0) = -Infinity, of a negative number NaN. */
export function log<V>(m: LaneAlgebra<V>, x: V): V {
  const { k, significand } = decompose(m, x);
  return withLimits(m, x, assemble(m, m.sub(significand, m.float(1)), k));
}

/** log(1 + x), without cancellation near 0. */
export function log1p<V>(m: LaneAlgebra<V>, x: V): V {
  const one = m.float(1);
  const u = exactSum(m, one, x);
  // 1 + x = 2ᵏ·(significand + low·2⁻ᵏ). Past LOW_END low is nothing beside it, and 2⁻ᵏ may be no normal float: both count as 0.
  const counts = m.lt(x, constant(m, LOW_END));
  const { k, significand, exponent } = decompose(m, u.high);
  const low = m.and(u.low, counts);
  const inverse = m.and(m.integerSub(one, exponent), counts);
  // Where k = 0 that is x itself, exactly.
  const f = m.multiplyAdd(low, inverse, m.sub(significand, one));
  return withSignOf(m, withLimits(m, u.high, assemble(m, f, k)), x);
}
