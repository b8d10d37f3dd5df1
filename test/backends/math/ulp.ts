/** Errors in units in the last place, of float32 and float64. */
import type { ByWidth } from "../../../src/backends/wasm/math/coefficients.js";

const FORMAT: ByWidth<{ readonly precision: number; readonly lowest: number; readonly overflow: number }> = {
  32: { precision: 24, lowest: -149, overflow: 128 },
  64: { precision: 53, lowest: -1074, overflow: 1024 },
};

/** The distance of neighbouring floats at a value, as its binary logarithm; that of the denormals below them. */
export function ulpExponent(value: number, bits: 32 | 64): number {
  const { precision, lowest, overflow } = FORMAT[bits];
  const magnitude = Math.abs(value);
  let exponent = Math.min(Math.floor(Math.log2(magnitude)), overflow - 1);
  // log2 may round up to the next integer, or down from one.
  if (2 ** exponent > magnitude) exponent -= 1;
  else if (exponent + 1 < overflow && 2 ** (exponent + 1) <= magnitude) exponent += 1;
  return Math.max(exponent - precision + 1, lowest);
}

/** |actual − expected| in ulp of expected. Infinity counts as the power of two at which floats end; NaN equals NaN only. */
export function errorInUlps32(actual: number, expected: number): number {
  if (Number.isNaN(actual) || Number.isNaN(expected))
    return Number.isNaN(actual) && Number.isNaN(expected) ? 0 : Infinity;
  const end = 2 ** 128;
  const clamp = (x: number) => Math.max(-end, Math.min(end, x));
  return Math.abs(clamp(actual) - clamp(expected)) * 2 ** -ulpExponent(expected, 32);
}

/** |actual − (rounded + fraction ulp)| in ulp of `rounded`, a finite float64. */
export function errorInUlps64(actual: number, rounded: number, fraction: number): number {
  if (!Number.isFinite(actual)) return Infinity;
  // In two steps: an ulp may be denormal, its inverse infinite.
  const scale = -ulpExponent(rounded, 64);
  const half = Math.floor(scale / 2);
  return Math.abs((actual - rounded) * 2 ** half * 2 ** (scale - half) - fraction);
}
