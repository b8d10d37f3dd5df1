/**
 * asin, acos, atan, atan2.
 *
 * Source: asin x = x + x³·P(x²) for |x| ≤ ½ and π/2 − 2·asin(√((1−|x|)/2)) beyond, the root's rounding error corrected as in fdlibm;
 * atan t = t + t³·P(t²) up to tan ½, π/4 + atan((t−1)/(t+1)) and π/2 + atan(−1/t) beyond, as in Cephes. Deviation: the quotient is
 * chosen before the division, so that there is only one; the constants carry a low part. Known weakness: asin divides only to
 * correct its root. Bound, 32 and 64 bits: 4 ulp each.
 */
import type { LaneAlgebra } from "./algebra.js";
import { ASIN, ATAN, HALF_PI, PI, THREE_QUARTER_PI } from "./coefficients.js";
import { halves, polynomial, signMask, signOf, twoParts, withSignOf } from "./lanes.js";

/** asin(x)/x − 1, |x| ≤ ½, from x². */
function asinTail<V>(m: LaneAlgebra<V>, square: V): V {
  return m.mul(square, polynomial(m, square, ASIN));
}

/** In [−π/2, π/2]; NaN beyond |x| = 1. */
export function asin<V>(m: LaneAlgebra<V>, x: V): V {
  const half = m.float(0.5);
  const magnitude = m.abs(x);
  const isLarge = m.lt(half, magnitude);
  const folded = m.mul(half, m.sub(m.float(1), magnitude)); // exact where used
  const square = m.select(isLarge, folded, m.mul(magnitude, magnitude));
  const tail = asinTail(m, square);
  const small = m.multiplyAdd(magnitude, tail, magnitude);
  // √folded = upper + correction + root's share of the rest; at |x| = 1 all are 0, and 0/0 is avoided.
  const root = m.sqrt(folded);
  const upper = halves(m, root).high;
  const residual = m.sub(folded, m.mul(upper, upper)); // exact
  const sum = m.add(root, upper);
  const correction = m.select(m.eq(sum, m.float(0)), sum, m.div(residual, sum));
  // π/2 − 2·(upper + (correction + root·tail))
  const halfPi = twoParts(m, HALF_PI);
  const fine = m.sub(m.multiplyAdd(root, tail, correction), m.mul(half, halfPi.low));
  const large = m.sub(m.sub(halfPi.high, m.add(upper, upper)), m.add(fine, fine));
  return withSignOf(m, m.select(isLarge, large, small), x);
}

/** In [0, π]; NaN beyond |x| = 1. */
export function acos<V>(m: LaneAlgebra<V>, x: V): V {
  const half = m.float(0.5);
  const magnitude = m.abs(x);
  const isLarge = m.lt(half, magnitude);
  const folded = m.mul(half, m.sub(m.float(1), magnitude));
  const square = m.select(isLarge, folded, m.mul(magnitude, magnitude));
  const tail = asinTail(m, square);
  // |x| ≤ ½: π/2 − asin x
  const halfPi = twoParts(m, HALF_PI);
  const small = m.sub(halfPi.high, m.sub(m.multiplyAdd(x, tail, x), halfPi.low));
  // x > ½: 2·asin(root); x < −½: π − 2·asin(root)
  const root = m.sqrt(folded);
  const angle = m.multiplyAdd(root, tail, root);
  const doubled = m.add(angle, angle);
  const pi = twoParts(m, PI);
  const reflected = m.sub(pi.high, m.sub(doubled, pi.low));
  return m.select(isLarge, m.select(signMask(m, x), reflected, doubled), small);
}

/**
 * Up to FLAT, atan t is a polynomial; from STEEP on, so is atan(−1/t). FLAT is not tan(π/8), as symmetry would have it: π/4 added to
 * a negative angle would double the latter's error while the result is below ½.
 */
const FLAT = 0.5463; // tan ½
const STEEP = Math.SQRT2 + 1; // tan(3π/8)

/** atan t, |t| ≤ FLAT. */
function atanReduced<V>(m: LaneAlgebra<V>, t: V): V {
  const square = m.mul(t, t);
  return m.multiplyAdd(m.mul(square, polynomial(m, square, ATAN)), t, t);
}

/** In [−π/2, π/2]. */
export function atan<V>(m: LaneAlgebra<V>, x: V): V {
  const one = m.float(1);
  const t = m.abs(x);
  const middle = m.lt(m.float(FLAT), t);
  const steep = m.lt(m.float(STEEP), t);
  // atan t = π/4 + atan((t − 1)/(t + 1)) = π/2 + atan(−1/t)
  const numerator = m.select(steep, m.float(-1), m.select(middle, m.sub(t, one), t));
  const denominator = m.select(steep, t, m.select(middle, m.add(t, one), one));
  const angle = atanReduced(m, m.div(numerator, denominator));
  const quarterPi = twoParts(m, HALF_PI, 0.5);
  const halfPi = twoParts(m, HALF_PI);
  const high = m.select(steep, halfPi.high, m.and(middle, quarterPi.high));
  const low = m.select(steep, halfPi.low, m.and(middle, quarterPi.low));
  return withSignOf(m, m.add(high, m.add(angle, low)), x);
}

/** The angle of the point (x, y), in [−π, π]; the signs of zeros count, as in C. */
export function atan2<V>(m: LaneAlgebra<V>, y: V, x: V): V {
  const zero = m.float(0);
  const one = m.float(1);
  // ∞/∞ counts as 1. The scale keeps the sum below from overflowing, and denormals from losing bits.
  const infinity = m.float(Infinity);
  const bothInfinite = m.and(m.eq(m.abs(y), infinity), m.eq(m.abs(x), infinity));
  const larger = m.max(m.abs(x), m.abs(y));
  const unit = m.select(m.lt(m.float(2 ** 64), larger), m.float(2 ** -32), m.float(2 ** 32));
  const height = m.select(bothInfinite, one, m.mul(m.abs(y), unit));
  const width = m.select(bothInfinite, one, m.mul(m.abs(x), unit));
  const middle = m.lt(m.mul(width, m.float(FLAT)), height);
  const steep = m.lt(m.mul(width, m.float(STEEP)), height);
  // In the first quadrant, t = height/width: the angle is base + atan(quotient), as in atan. 0/0 counts as 0.
  const numerator = m.select(steep, m.neg(width), m.select(middle, m.sub(height, width), height));
  const denominator = m.select(steep, height, m.select(middle, m.add(height, width), width));
  const quotient = m.div(numerator, m.select(m.eq(larger, zero), one, denominator));
  // To the left of the axis it is π minus that.
  const left = signMask(m, x);
  const angle = m.xor(atanReduced(m, quotient), signOf(m, left));
  const quarterPi = twoParts(m, HALF_PI, 0.5);
  const halfPi = twoParts(m, HALF_PI);
  const threeQuarterPi = twoParts(m, THREE_QUARTER_PI);
  const pi = twoParts(m, PI);
  const base = (part: "high" | "low") => {
    const slanted = m.select(left, threeQuarterPi[part], quarterPi[part]);
    return m.select(steep, halfPi[part], m.select(middle, slanted, m.and(left, pi[part])));
  };
  return withSignOf(m, m.add(base("high"), m.add(angle, base("low"))), y);
}
