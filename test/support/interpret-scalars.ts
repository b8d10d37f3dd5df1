/** The scalar operations of the loop IR on plain numbers; float32 is computed in double precision and rounded. */

import type { BinaryOp, CompareOp, UnaryOp } from "../../src/loops/ir.js";
import type { DType } from "../../src/types/dtype.js";

/** The nearest value of this dtype. */
export function round(dtype: DType, value: number): number {
  switch (dtype) {
    case "bool":
      return value === 0 ? 0 : 1;
    case "int32":
      return value | 0;
    case "float32":
      return Math.fround(value);
    case "float64":
      return value;
  }
}

function halfToEven(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5) return below === 0 && x < 0 ? -0 : below;
  if (rest > 0.5) return below + 1 === 0 && x < 0 ? -0 : below + 1;
  const even = below % 2 === 0 ? below : below + 1;
  return even === 0 && x < 0 ? -0 : even;
}

/** Abramowitz–Stegun is too coarse for an oracle: Taylor series near 0, continued fraction far out (Lentz). */
function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return Number.NaN;
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
      if (n > 200) break;
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 120; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

export function applyUnary(op: UnaryOp, dtype: DType, x: number): number {
  switch (op) {
    case "neg":
      return round(dtype, -x);
    case "not":
      return dtype === "bool" ? 1 - x : ~x;
    case "round":
      return halfToEven(x);
    case "sigmoid":
      return round(dtype, x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));
    case "erf":
      return round(dtype, erf(x));
    default:
      return round(dtype, Math[op](x));
  }
}

/** Python's remainder. */
function floorModulo(x: number, y: number): number {
  const rest = x % y;
  if (rest === 0) return y < 0 || Object.is(y, -0) ? -0 : 0;
  return rest < 0 !== y < 0 ? rest + y : rest;
}

export function applyBinary(op: BinaryOp, dtype: DType, x: number, y: number): number {
  if (dtype === "int32") return integerBinary(op, x, y);
  switch (op) {
    case "add":
      return round(dtype, x + y);
    case "sub":
      return dtype === "bool" ? x ^ y : round(dtype, x - y);
    case "mul":
      return round(dtype, x * y);
    case "div":
      return round(dtype, x / y);
    case "pow":
      // IEEE 754 and C disagree with JavaScript about 1^NaN and (±1)^±∞.
      if (x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY)) return 1;
      return round(dtype, x ** y);
    case "mod":
      return round(dtype, floorModulo(x, y));
    case "max":
      return Math.max(x, y);
    case "min":
      return Math.min(x, y);
    case "atan2":
      return round(dtype, Math.atan2(x, y));
    case "and":
      return x & y;
    case "or":
      return x | y;
    case "xor":
      return x ^ y;
    default:
      throw new Error(`${op} of ${dtype}`);
  }
}

function integerBinary(op: BinaryOp, x: number, y: number): number {
  switch (op) {
    case "add":
      return (x + y) | 0;
    case "sub":
      return (x - y) | 0;
    case "mul":
      return Math.imul(x, y);
    case "div":
      return y === 0 ? 0 : Math.floor(x / y) | 0;
    case "mod":
      return y === 0 ? 0 : (x - y * Math.floor(x / y)) | 0;
    case "pow": {
      if (y < 0) return x === 1 ? 1 : x === -1 ? (y % 2 === 0 ? 1 : -1) : 0;
      return Number(BigInt.asIntN(32, modularPower(BigInt(x), BigInt(y))));
    }
    case "max":
      return Math.max(x, y);
    case "min":
      return Math.min(x, y);
    case "and":
      return x & y;
    case "or":
      return x | y;
    case "xor":
      return x ^ y;
    case "shl":
      return x << y;
    case "shr":
      return (x >>> y) | 0;
    default:
      throw new Error(`${op} of int32`);
  }
}

function modularPower(base: bigint, exponent: bigint): bigint {
  const modulus = 1n << 32n;
  let [result, square, rest] = [1n, base, exponent];
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

export function applyCompare(op: CompareOp, x: number, y: number): number {
  switch (op) {
    case "eq":
      return Number(x === y);
    case "ne":
      return Number(x !== y);
    case "lt":
      return Number(x < y);
    case "le":
      return Number(x <= y);
    case "gt":
      return Number(x > y);
    case "ge":
      return Number(x >= y);
  }
}

export function applyCast(from: DType, to: DType, x: number): number {
  if (to === "int32" && (from === "float32" || from === "float64"))
    return Number.isNaN(x) ? 0 : Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x))) | 0;
  if (to === "bool") return Number(x !== 0);
  return round(to, x);
}
