/** The scalar functions of src/primitives/special.ts, and the measures and oracles the other tests here stand on. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { erf, roundHalfEven } from "../../../src/primitives/special.js";
import { trueErf } from "./oracle.js";
import { fusedMultiplyAdd64 } from "./scalar-lanes.js";
import { errorInUlps32, errorInUlps64, ulpExponent } from "./ulp.js";

type Row = readonly [x: number, value: number, fraction: number];
const vectors = JSON.parse(
  readFileSync(new URL("../../fixtures/math-vectors.json", import.meta.url), "utf8"),
) as {
  readonly erf: readonly Row[];
};

describe("erf", () => {
  it("is within 1 ulp of the true value", () => {
    for (const [x, value, fraction] of vectors.erf)
      expect(errorInUlps64(erf(x), value, fraction), `erf(${x})`).toBeLessThan(1);
  });

  it("of a half is 0.5204998778130465", () => {
    expect(erf(0.5)).toBe(0.5204998778130465);
  });

  it("is odd, ±1 at the ends, NaN of NaN, and keeps the sign of zero", () => {
    for (const x of [0, 1e-310, 0.3, 0.9, 1, 1.25, 2, 3, 5.9, 6, 30, Infinity]) expect(erf(-x)).toBe(-erf(x));
    expect([erf(0), erf(-0), erf(Infinity), erf(-Infinity), erf(Number.NaN)]).toEqual([
      0,
      -0,
      1,
      -1,
      Number.NaN,
    ]);
  });

  it("as the tests' own oracle has it, by a series and a continued fraction, is the same to 1e-15", () => {
    for (const [x, value] of vectors.erf)
      expect(Math.abs(trueErf(x) - value)).toBeLessThanOrEqual(1e-15 * Math.abs(value));
  });
});

describe("roundHalfEven", () => {
  it("rounds ties to the even neighbour and keeps the sign of zero", () => {
    const cases = [
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [3.5, 4],
      [-0.5, -0],
      [-1.5, -2],
      [-2.5, -2],
      [0.49999999999999994, 0],
      [0.5000000000000001, 1],
      [-0.2, -0],
      [0, 0],
      [-0, -0],
      [7, 7],
      [-7.3, -7],
      [2 ** 52 - 0.5, 2 ** 52],
      [2 ** 51 + 0.5, 2 ** 51],
      [2 ** 53 + 2, 2 ** 53 + 2],
      [-1e300, -1e300],
      [Infinity, Infinity],
      [-Infinity, -Infinity],
      [Number.NaN, Number.NaN],
    ] as const;
    for (const [x, rounded] of cases)
      expect(Object.is(roundHalfEven(x), rounded), `roundHalfEven(${x})`).toBe(true);
  });
});

describe("the measure of error", () => {
  it("counts in the spacing of floats at the true value, the denormals' included", () => {
    expect(ulpExponent(1, 32)).toBe(-23);
    expect(ulpExponent(0.9999999, 32)).toBe(-24);
    expect(ulpExponent(2 ** 100, 32)).toBe(77);
    expect(ulpExponent(2 ** -140, 32)).toBe(-149);
    expect(ulpExponent(0, 64)).toBe(-1074);
    expect(ulpExponent(1 - 2 ** -53, 64)).toBe(-53);
    expect(errorInUlps32(1 + 2 ** -23, 1)).toBe(1);
    expect(errorInUlps32(Number.NaN, 1)).toBe(Infinity);
    expect(errorInUlps32(1, Number.NaN)).toBe(Infinity);
    expect(errorInUlps32(Infinity, 3.4e38)).toBeGreaterThan(1e4);
    expect(errorInUlps32(Infinity, 1e300)).toBe(0);
    expect(errorInUlps64(1 + 2 ** -52, 1, 0.25)).toBe(0.75);
    expect(errorInUlps64(2 ** -1073, 2 ** -1074, 0)).toBe(1);
  });

  it("stands on a fused multiply-add that rounds once", () => {
    const x = 1 + 2 ** -30;
    expect(fusedMultiplyAdd64(x, x, -1 - 2 ** -29)).toBe(2 ** -60);
    expect(fusedMultiplyAdd64(x, x, 0)).toBe(x * x);
  });
});
