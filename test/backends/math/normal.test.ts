/**
 * 1 + erf and the bell curve in 32 bits against float64, fused and unfused, for several scales and factors.
 *
 * With a = (scale·x)²: the roundings of a, of n·ln 2 (unfused) and of ln 2 cost each function a·2^-24, a·2^-24 and a·2^-25 of itself,
 * the quotient's fit 2^-18 of what is small or 2^-25 of 1, and all else (exponential 2 ulp, products, quotient, sum) less than 6 ulp.
 */
import { describe, expect, it } from "vitest";
import { normal } from "../../../src/backends/wasm/math/normal.js";
import { trueErfc } from "./oracle.js";
import { lanes32 } from "./scalar-lanes.js";

const shapes = [
  { scale: Math.fround(Math.SQRT1_2), height: 0.5, peak: 0.3989422804014327 },
  { scale: Math.fround(Math.SQRT1_2), height: 1, peak: -1 },
  { scale: 1, height: 1, peak: 1.128379225730896 },
  { scale: 3.7, height: -250, peak: 0.01 },
  { scale: 0.002, height: 0.03, peak: 700 },
];
const smallestNormal = 2 ** -126;

/** Evenly over ±13 standard deviations, and around 0 in all sizes. */
function arguments32(scale: number): number[] {
  const evenly = Array.from({ length: 20_001 }, (_, i) => ((i - 10_000) / 10_000) * (9.6 / scale));
  const sizes = Array.from({ length: 140 }, (_, i) => 2 ** -i / scale);
  return [...evenly, ...sizes, ...sizes.map((x) => -x)].map(Math.fround);
}

describe.each(["fused", "unfused"] as const)("%s", (rounding) => {
  const m = lanes32(rounding);
  const at = (x: number, shape: (typeof shapes)[number]) => {
    const { sum, bell } = normal(m, m.float(x), shape);
    return { sum: m.read(sum), bell: m.read(bell) };
  };

  it.each(shapes)("is within its bounds for $scale, $height, $peak", (shape) => {
    const { scale, height, peak } = shape;
    for (const x of arguments32(scale)) {
      const a = (scale * x) ** 2;
      const { sum, bell } = at(x, shape);
      const trueBell = peak * Math.exp(-a);
      const trueSum = height * trueErfc(-scale * x);
      const tiny = 2 * smallestNormal * Math.max(Math.abs(peak), Math.abs(height));
      const bellError = Math.abs(trueBell) * (4 + 1.25 * a) * 2 ** -23 + tiny;
      expect(Math.abs(bell - trueBell), `bell at ${x}`).toBeLessThanOrEqual(bellError);
      const small = Math.abs(height) * Math.min(trueErfc(-scale * x), trueErfc(scale * x));
      const quotient = Math.min(small * 2 ** -18, Math.abs(height) * 2 ** -25);
      const sumError = Math.abs(trueSum) * 2 ** -23 + small * (6 + 1.25 * a) * 2 ** -23 + quotient + tiny;
      expect(Math.abs(sum - trueSum), `sum at ${x}`).toBeLessThanOrEqual(sumError);
    }
  });

  it("is exact at 0, far out and for what is no number", () => {
    const shape = { scale: Math.fround(Math.SQRT1_2), height: 0.5, peak: 0.5 };
    expect(at(0, shape)).toEqual({ sum: 0.5, bell: 0.5 });
    expect(at(-0, shape)).toEqual({ sum: 0.5, bell: 0.5 });
    for (const far of [14, 1e4, 1e20, 3e38, Infinity]) {
      expect(at(far, shape)).toEqual({ sum: 1, bell: 0 });
      expect(at(-far, shape)).toEqual({ sum: 0, bell: 0 });
    }
    expect(at(Number.NaN, shape)).toEqual({ sum: Number.NaN, bell: Number.NaN });
  });
});
