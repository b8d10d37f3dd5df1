/**
 * The lane-wise operations from which the transcendental functions are written, once for every width: a code generator
 * implements them with SIMD instructions, the tests with plain numbers.
 *
 * All lanes have the same width: 32 bits (float32 beside int32) or 64 bits (float64 beside int64). The same value may be read as floats
 * or as integers, as in a SIMD register. Masks have all bits of a lane set or none.
 */
export interface LaneAlgebra<V> {
  readonly bits: 32 | 64;

  /** Every lane this float. */
  float(value: number): V;
  /** Every lane this integer (a bit pattern; bigint where 64 bits are needed). */
  integer(value: number | bigint): V;

  // Floating point, IEEE 754 round to nearest even.
  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  mul(a: V, b: V): V;
  div(a: V, b: V): V;
  sqrt(a: V): V;
  neg(a: V): V;
  abs(a: V): V;
  /** b where b < a, else a: a NaN in a stays, one in b does not (one instruction, where the symmetric minimum takes eight). */
  min(a: V, b: V): V;
  /** b where a < b, else a. */
  max(a: V, b: V): V;
  floor(a: V): V;
  /** To the nearest integer, ties to even. */
  nearest(a: V): V;
  /** a·b + c, in one rounding where the machine has it and in two where not: algorithms must be right with both. */
  multiplyAdd(a: V, b: V, c: V): V;

  // Comparisons of floats: masks.
  eq(a: V, b: V): V;
  lt(a: V, b: V): V;
  le(a: V, b: V): V;

  // Bits.
  and(a: V, b: V): V;
  or(a: V, b: V): V;
  xor(a: V, b: V): V;
  not(a: V): V;
  /** mask ? a : b, lane by lane. */
  select(mask: V, a: V, b: V): V;

  // Integers of the lane's width, wrapping.
  integerAdd(a: V, b: V): V;
  integerSub(a: V, b: V): V;
  shiftLeft(a: V, count: number): V;
  shiftRightLogical(a: V, count: number): V;
  shiftRightArithmetic(a: V, count: number): V;
  /** The float of a lane's integer; exact inputs only (|n| < 2^24, and for 64 bits |n| < 2^51). */
  fromInteger(a: V): V;
  /** The integer of a lane's float that is already integral and small (|x| < 2^22, and for 64 bits |x| < 2^51). */
  toInteger(a: V): V;

  /**
   * Runs `then` only when a lane of the mask is set, and gives its result there, `otherwise` elsewhere: for slow paths
   * (huge arguments of sin). The result is as `select(mask, then(), otherwise)`.
   */
  rarely(mask: V, then: () => V, otherwise: V): V;

  /** The other way round, for a mask that is mostly set everywhere: `select(mask, common, otherwise())`. */
  mostly(mask: V, common: V, otherwise: () => V): V;
}
