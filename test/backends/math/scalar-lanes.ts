/**
 * LaneAlgebra with one lane, held as its bits: an int32 or a BigInt of 64 bits. Bits and not numbers, because a JavaScript number
 * does not keep the payload of a NaN, and a mask is one.
 */
import type { LaneAlgebra } from "../../../src/backends/wasm/math/algebra.js";

const floats32 = new Float32Array(1);
const integers32 = new Int32Array(floats32.buffer);
const floats64 = new Float64Array(1);
const integers64 = new BigInt64Array(floats64.buffer);

const toBits32 = (value: number): number => {
  floats32[0] = value;
  return integers32[0] ?? 0;
};
const toFloat32 = (bits: number): number => {
  integers32[0] = bits;
  return floats32[0] ?? 0;
};
const toBits64 = (value: number): bigint => {
  floats64[0] = value;
  return integers64[0] ?? 0n;
};
const toFloat64 = (bits: bigint): number => {
  integers64[0] = bits;
  return floats64[0] ?? 0;
};

export function nearestEven(x: number): number {
  const floor = Math.floor(x);
  const fraction = x - floor;
  const up = fraction > 0.5 || (fraction === 0.5 && floor % 2 !== 0);
  const rounded = up ? floor + 1 : floor;
  return rounded === 0 ? (x < 0 || Object.is(x, -0) ? -0 : 0) : rounded;
}

/** a·b + c in (all but always) one rounding: the product's error by Dekker's splitting, the sum's by Knuth's. */
export function fusedMultiplyAdd64(a: number, b: number, c: number): number {
  const product = a * b;
  const large = Math.max(Math.abs(a), Math.abs(b), Math.abs(product));
  // Outside, splitting overflows or the error underflows.
  if (!(large < 2 ** 990 && Math.abs(product) > 2 ** -900)) return product + c;
  const split = (x: number): readonly [number, number] => {
    const scaled = 134217729 * x;
    const high = scaled - (scaled - x);
    return [high, x - high];
  };
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  const productError = aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
  const sum = product + c;
  const fromC = sum - product;
  const sumError = product - (sum - fromC) + (c - fromC);
  const correction = sumError + productError;
  return Number.isFinite(sum) && Number.isFinite(correction) ? sum + correction : sum;
}

export type Rounding = "fused" | "unfused";

/** How a lane is made and read. */
export interface ScalarLanes<V> extends LaneAlgebra<V> {
  /** The float of a lane. */
  read(lane: V): number;
}

export function lanes32(rounding: Rounding): ScalarLanes<number> {
  const unary = (f: (a: number) => number) => (a: number) => toBits32(f(toFloat32(a)));
  const binary = (f: (a: number, b: number) => number) => (a: number, b: number) =>
    toBits32(f(toFloat32(a), toFloat32(b)));
  const compare = (f: (a: number, b: number) => boolean) => (a: number, b: number) =>
    f(toFloat32(a), toFloat32(b)) ? -1 : 0;
  const select = (mask: number, a: number, b: number) => (mask & a) | (~mask & b);
  return {
    bits: 32,
    read: toFloat32,
    float: toBits32,
    integer: (value) => Number(BigInt.asIntN(32, BigInt(value))),
    add: binary((a, b) => a + b),
    sub: binary((a, b) => a - b),
    mul: binary((a, b) => a * b),
    div: binary((a, b) => a / b),
    sqrt: unary(Math.sqrt),
    neg: (a) => a ^ -0x80000000,
    abs: (a) => a & 0x7fffffff,
    min: binary((a, b) => (b < a ? b : a)),
    max: binary((a, b) => (a < b ? b : a)),
    floor: unary(Math.floor),
    nearest: unary(nearestEven),
    // The product of two float32 is exact in float64.
    multiplyAdd:
      rounding === "fused"
        ? (a, b, c) => toBits32(toFloat32(a) * toFloat32(b) + toFloat32(c))
        : (a, b, c) => toBits32(Math.fround(toFloat32(a) * toFloat32(b)) + toFloat32(c)),
    eq: compare((a, b) => a === b),
    lt: compare((a, b) => a < b),
    le: compare((a, b) => a <= b),
    and: (a, b) => a & b,
    or: (a, b) => a | b,
    xor: (a, b) => a ^ b,
    not: (a) => ~a,
    select,
    integerAdd: (a, b) => (a + b) | 0,
    integerSub: (a, b) => (a - b) | 0,
    shiftLeft: (a, count) => a << count,
    shiftRightLogical: (a, count) => (a >>> count) | 0,
    shiftRightArithmetic: (a, count) => a >> count,
    fromInteger: (a) => toBits32(a),
    toInteger: (a) => toFloat32(a) | 0,
    rarely: (mask, then, otherwise) => (mask === 0 ? otherwise : select(mask, then(), otherwise)),
    mostly: (mask, common, otherwise) => (mask === -1 ? common : select(mask, common, otherwise())),
  };
}

export function lanes64(rounding: Rounding): ScalarLanes<bigint> {
  const wrap = (a: bigint) => BigInt.asIntN(64, a);
  const unary = (f: (a: number) => number) => (a: bigint) => toBits64(f(toFloat64(a)));
  const binary = (f: (a: number, b: number) => number) => (a: bigint, b: bigint) =>
    toBits64(f(toFloat64(a), toFloat64(b)));
  const compare = (f: (a: number, b: number) => boolean) => (a: bigint, b: bigint) =>
    f(toFloat64(a), toFloat64(b)) ? -1n : 0n;
  const multiplyAdd =
    rounding === "fused" ? fusedMultiplyAdd64 : (a: number, b: number, c: number) => a * b + c;
  const select = (mask: bigint, a: bigint, b: bigint) => (mask & a) | (~mask & b);
  return {
    bits: 64,
    read: toFloat64,
    float: toBits64,
    integer: (value) => wrap(BigInt(value)),
    add: binary((a, b) => a + b),
    sub: binary((a, b) => a - b),
    mul: binary((a, b) => a * b),
    div: binary((a, b) => a / b),
    sqrt: unary(Math.sqrt),
    neg: (a) => wrap(a ^ -0x8000000000000000n),
    abs: (a) => a & 0x7fffffffffffffffn,
    min: binary((a, b) => (b < a ? b : a)),
    max: binary((a, b) => (a < b ? b : a)),
    floor: unary(Math.floor),
    nearest: unary(nearestEven),
    multiplyAdd: (a, b, c) => toBits64(multiplyAdd(toFloat64(a), toFloat64(b), toFloat64(c))),
    eq: compare((a, b) => a === b),
    lt: compare((a, b) => a < b),
    le: compare((a, b) => a <= b),
    and: (a, b) => a & b,
    or: (a, b) => a | b,
    xor: (a, b) => a ^ b,
    not: (a) => ~a,
    select,
    integerAdd: (a, b) => wrap(a + b),
    integerSub: (a, b) => wrap(a - b),
    shiftLeft: (a, count) => wrap(a << BigInt(count)),
    shiftRightLogical: (a, count) => wrap(BigInt.asUintN(64, a) >> BigInt(count)),
    shiftRightArithmetic: (a, count) => a >> BigInt(count),
    fromInteger: (a) => toBits64(Number(a)),
    // What a machine gives for NaN and beyond its range is unspecified: here, 0.
    toInteger: (a) => {
      const value = toFloat64(a);
      return Number.isFinite(value) && Math.abs(value) < 2 ** 51 ? BigInt(value) : 0n;
    },
    rarely: (mask, then, otherwise) => (mask === 0n ? otherwise : select(mask, then(), otherwise)),
    mostly: (mask, common, otherwise) => (mask === -1n ? common : select(mask, common, otherwise())),
  };
}
