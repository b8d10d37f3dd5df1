/**
 * x ≥ 0 as a multiple of π/2 and a remainder |r| ≤ π/4, for the trigonometric functions.
 *
 * Source: Cody & Waite 1980 for moderate x, with π/2 in five parts; Payne & Hanek 1983 for the rest. Deviation from the latter: the
 * lanes cannot look up a table by their own exponents, so all digits of a window of 1/(2π) are multiplied in, each product exact, and
 * whole turns are dropped from each as they appear; digits too high for a lane vanish by themselves. Large arguments choose among a
 * few windows. Known weakness: the second path is several hundred instructions; it runs only where a lane needs it (`rarely`).
 * Bound: r is right to about 0.6 ulp, over all finite floats.
 */
import type { LaneAlgebra } from "./algebra.js";
import { type ByWidth, HALF_PI_PARTS, INVERSE_TURN_DIGITS, TWO_PI } from "./coefficients.js";
import { constant, exactProduct, exactSum, halves, type Parts, twoParts } from "./lanes.js";

/** x = r + quadrant·π/2, the quadrant an integer (only its last two bits mean anything). */
export interface Reduced<V> {
  readonly r: V;
  readonly quadrant: V;
}

/** Up to here n = x/(π/2) times a part of π/2 is exact: n < 2^12, 2^26. */
export const MODERATE: ByWidth<number> = { 32: 6400, 64: 1e8 };

export function reduceModerate<V>(m: LaneAlgebra<V>, x: V): Reduced<V> {
  const [first = 0, second = 0, third = 0, fourth = 0, rest = 0] = HALF_PI_PARTS[m.bits];
  const n = m.nearest(m.mul(x, m.float(2 / Math.PI)));
  const minusN = m.neg(n);
  // The first two differences are exact. The others are rounded, and the remainders kept: near a multiple of π/2 all cancels but them.
  const a = m.multiplyAdd(minusN, m.float(second), m.multiplyAdd(minusN, m.float(first), x));
  const b = m.multiplyAdd(minusN, m.float(third), a);
  const bRest = m.multiplyAdd(minusN, m.float(third), m.sub(a, b));
  const c = m.multiplyAdd(minusN, m.float(fourth), b);
  const cRest = m.multiplyAdd(minusN, m.float(fourth), m.sub(b, c));
  const r = m.add(c, m.multiplyAdd(minusN, m.float(rest), m.add(bRest, cRest)));
  return { r, quadrant: m.toInteger(n) };
}

/** Digits of 1/(2π) of `digitBits` bits each. A window begins every `step` digits and has `size`; `count` windows reach the largest float. */
const WINDOWS: ByWidth<{
  readonly digitBits: number;
  readonly step: number;
  readonly size: number;
  readonly count: number;
}> = {
  32: { digitBits: 12, step: 3, size: 11, count: 3 },
  64: { digitBits: 26, step: 8, size: 15, count: 5 },
};

/** For x ≥ MODERATE; infinity becomes NaN. */
export function reduceLarge<V>(m: LaneAlgebra<V>, x: V): Reduced<V> {
  const { digitBits, step, size, count } = WINDOWS[m.bits];
  const digits = INVERSE_TURN_DIGITS[m.bits];
  // Window w is right from 2^significand·2^(w·step·digitBits) on: below it x·2^-… would not be an integer, and whole multiples of it no whole turns.
  const integralFrom = m.bits === 32 ? 24 : 53;
  const windows = Array.from({ length: count - 1 }, (_, i) => {
    const exponent = (i + 1) * step * digitBits;
    return {
      offset: (i + 1) * step,
      reached: m.le(m.float(2 ** (integralFrom + exponent)), x),
      factor: m.float(2 ** -exponent),
    };
  });
  const scaled = windows.reduce((y, { reached, factor }) => m.select(reached, m.mul(x, factor), y), x);
  const { high, low } = halves(m, scaled);

  const quarter = m.float(0.25);
  const four = m.float(4);
  const fraction = (product: V) => m.sub(product, m.nearest(product));
  // turns + sum = x / (2π), up to whole turns; |sum| ≤ ⅛, turns a multiple of ¼.
  let turns = m.float(0);
  let sum: Parts<V> = { high: m.float(0), low: m.float(0) };
  for (let i = 0; i < size; i++) {
    const weight = 2 ** (-digitBits * (i + 1));
    const digitAt = (offset: number) => m.float((digits[offset + i] ?? 0) * weight);
    const digit = windows.reduce(
      (d, { reached, offset }) => m.select(reached, digitAt(offset), d),
      digitAt(0),
    );
    const withHigh = exactSum(m, sum.high, fraction(m.mul(high, digit)));
    const withLow = exactSum(m, withHigh.high, fraction(m.mul(low, digit)));
    const quarters = m.mul(m.nearest(m.mul(withLow.high, four)), quarter);
    turns = m.add(turns, quarters);
    const remainders = m.add(sum.low, m.add(withHigh.low, withLow.low));
    sum = exactSum(m, m.sub(withLow.high, quarters), remainders);
  }
  const circle = twoParts(m, TWO_PI);
  const angle = exactProduct(m, sum.high, circle.high);
  const angleLow = m.multiplyAdd(sum.high, circle.low, m.multiplyAdd(sum.low, circle.high, angle.low));
  return { r: m.add(angle.high, angleLow), quadrant: m.toInteger(m.mul(turns, four)) };
}

/** Whether a lane is beyond the reach of `reduceModerate`; NaN is not. */
export function isLarge<V>(m: LaneAlgebra<V>, x: V): V {
  return m.lt(constant(m, MODERATE), x);
}
