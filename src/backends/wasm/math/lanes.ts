/**
 * What the functions share: the layout of a float, polynomials, scaling by powers of two, and arithmetic without rounding error.
 *
 * Source: Dekker 1971 and Knuth (TAOCP 2, 4.2.2) for the error-free sum and product. Deviation: the product splits its operands by
 * masking bits instead of multiplying by 2^k + 1, which cannot overflow; in 64 bits the low parts then have 27 bits and their
 * product is rounded at 2^-106 of the whole. Known weakness: where a·b underflows, its error does too.
 */
import type { LaneAlgebra } from "./algebra.js";
import type { ByWidth } from "./coefficients.js";

interface Layout {
  /** Bits of the fraction. */
  readonly fraction: number;
  readonly fractionMask: number | bigint;
  readonly bias: number;
  readonly signBit: number | bigint;
  /** Keeps the upper half of the significand: the product of two such halves is exact. */
  readonly upperHalf: number | bigint;
}

export const LAYOUT: ByWidth<Layout> = {
  32: { fraction: 23, fractionMask: 0x7fffff, bias: 127, signBit: -0x80000000, upperHalf: -0x1000 },
  64: {
    fraction: 52,
    fractionMask: 0xfffffffffffffn,
    bias: 1023,
    signBit: -0x8000000000000000n,
    upperHalf: -0x8000000n,
  },
};

/** c₀ + c₁·x + c₂·x² + …, by Horner's rule. */
export function horner<V>(m: LaneAlgebra<V>, x: V, coefficients: readonly number[]): V {
  const last = coefficients.at(-1) ?? 0;
  const [second = 0] = coefficients.slice(-2, -1);
  const isMonic = last === 1 && coefficients.length > 1;
  const start = isMonic ? m.add(x, m.float(second)) : m.float(last);
  return coefficients
    .slice(0, isMonic ? -2 : -1)
    .reduceRight((sum, c) => m.multiplyAdd(sum, x, m.float(c)), start);
}

/** The polynomial with the coefficients of the lane's width. */
export function polynomial<V>(m: LaneAlgebra<V>, x: V, coefficients: ByWidth<readonly number[]>): V {
  return horner(m, x, coefficients[m.bits]);
}

/** The constant of the lane's width. */
export function constant<V>(m: LaneAlgebra<V>, values: ByWidth<number>): V {
  return m.float(values[m.bits]);
}

/** A constant in two parts, high and low, each times `factor` (a power of two). */
export function twoParts<V>(m: LaneAlgebra<V>, values: ByWidth<readonly number[]>, factor = 1): Parts<V> {
  const [high = 0, low = 0] = values[m.bits];
  return { high: m.float(high * factor), low: m.float(low * factor) };
}

/** The sign bit of each lane, all else clear. */
export function signOf<V>(m: LaneAlgebra<V>, x: V): V {
  return m.and(x, m.integer(LAYOUT[m.bits].signBit));
}

/** A value ≥ 0, given the sign of another: odd functions keep -0 this way. */
export function withSignOf<V>(m: LaneAlgebra<V>, magnitude: V, sign: V): V {
  return m.or(magnitude, signOf(m, sign));
}

/** All bits set where the sign bit is, -0 included. */
export function signMask<V>(m: LaneAlgebra<V>, x: V): V {
  return m.shiftRightArithmetic(x, m.bits - 1);
}

export function isUnordered<V>(m: LaneAlgebra<V>, x: V): V {
  return m.not(m.eq(x, x));
}

/** 2ⁿ for an integer n among the exponents of normal floats. */
function powerOfTwo<V>(m: LaneAlgebra<V>, n: V): V {
  const { bias, fraction } = LAYOUT[m.bits];
  return m.shiftLeft(m.integerAdd(n, integerOf(m, bias)), fraction);
}

/**
 * n = x·rate rounded to an integer, as a float, and as the low bits of `shifted` with the offset added. Adding 1.5·2^23 (or 2^52)
 * leaves it there: no rounding and no conversion instruction.
 */
export function roundToBits<V>(
  m: LaneAlgebra<V>,
  x: V,
  rate: number,
  offset: number,
): { readonly n: V; readonly shifted: V } {
  const magic = m.float(1.5 * 2 ** LAYOUT[m.bits].fraction + offset);
  const shifted = rate === 1 ? m.add(x, magic) : m.multiplyAdd(x, m.float(rate), magic);
  return { n: m.sub(shifted, magic), shifted };
}

/** n = x·rate rounded to an integer (a float), and 2ⁿ⁺ᵒᶠᶠˢᵉᵗ where that is a normal float. */
export function roundToExponent<V>(
  m: LaneAlgebra<V>,
  x: V,
  rate: number,
  offset: number,
): { readonly n: V; readonly power: V } {
  const { fraction, bias } = LAYOUT[m.bits];
  const { n, shifted } = roundToBits(m, x, rate, bias + offset);
  return { n, power: m.shiftLeft(shifted, fraction) };
}

/** x·2ⁿ for |n| up to twice the exponents of normal floats: two factors, so that overflow is late and underflow rounds once. */
export function scale<V>(m: LaneAlgebra<V>, x: V, n: V): V {
  const half = m.shiftRightArithmetic(n, 1);
  return m.mul(m.mul(x, powerOfTwo(m, half)), powerOfTwo(m, m.integerSub(n, half)));
}

/** A small integer, as the width wants it. */
export function integerOf<V>(m: LaneAlgebra<V>, value: number): V {
  return m.integer(m.bits === 64 ? BigInt(value) : value);
}

/** high + low, |low| no more than about an ulp of high. */
export interface Parts<V> {
  readonly high: V;
  readonly low: V;
}

/** a + b = high + low exactly. */
export function exactSum<V>(m: LaneAlgebra<V>, a: V, b: V): Parts<V> {
  const high = m.add(a, b);
  const fromB = m.sub(high, a);
  const low = m.add(m.sub(a, m.sub(high, fromB)), m.sub(b, fromB));
  return { high, low };
}

/** a + b = high + low exactly, where a is 0 or no smaller than b. */
export function exactSumOrdered<V>(m: LaneAlgebra<V>, a: V, b: V): Parts<V> {
  const high = m.add(a, b);
  return { high, low: m.add(m.sub(a, high), b) };
}

/** x = high + low exactly, each with half of the bits. */
export function halves<V>(m: LaneAlgebra<V>, x: V): Parts<V> {
  const high = m.and(x, m.integer(LAYOUT[m.bits].upperHalf));
  return { high, low: m.sub(x, high) };
}

/** a·b = high + low, exactly in 32 bits; the partial products are exact, so that fused or not makes no difference. */
export function exactProduct<V>(m: LaneAlgebra<V>, a: V, b: V): Parts<V> {
  const high = m.mul(a, b);
  const aHalf = halves(m, a);
  const bHalf = halves(m, b);
  const crossed = m.multiplyAdd(aHalf.high, bHalf.low, m.multiplyAdd(aHalf.high, bHalf.high, m.neg(high)));
  return { high, low: m.multiplyAdd(aHalf.low, bHalf.low, m.multiplyAdd(aHalf.low, bHalf.high, crossed)) };
}
