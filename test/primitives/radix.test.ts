import { describe, expect, it } from "vitest";
import { radixOrder, sortKeys } from "../../src/primitives/radix.js";

/** The stable order by comparison, NaN last: the oracle. */
function compared(values: ArrayLike<number>): number[] {
  const last = (value: number): number => Number(Number.isNaN(value));
  return Array.from({ length: values.length }, (_, i) => i).sort((i, j) => {
    const [a, b] = [values[i], values[j]];
    return last(a) - last(b) || (a < b ? -1 : a > b ? 1 : 0);
  });
}

const scrambled = Int32Array.from({ length: 5000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1));

describe("the order by digits is the stable order by comparison", () => {
  it("of int32 over its whole range, with repetitions", () => {
    const extremes = [-(2 ** 31), 2 ** 31 - 1, 0, -1, 1];
    for (const values of [scrambled, scrambled.map((v) => v % 7), Int32Array.from(extremes), Int32Array.of()])
      expect([...radixOrder(sortKeys(values))]).toEqual(compared(values));
  });

  it("of float32: signs, zeros of either, infinities, subnormals, NaN of either sign last", () => {
    const special = [Number.NaN, -0, 0, Infinity, -Infinity, 1e-40, -1e-40, 3.4e38, -3.4e38, 1, -1];
    const values = Float32Array.from(scrambled, (v, i) => (i % 3 === 0 ? special[i % 11] : v / 1e5));
    new Uint32Array(values.buffer)[4] = 0xffc0_0000;
    expect([...radixOrder(sortKeys(values))]).toEqual(compared(values));
  });

  it("of a part of an array", () => {
    const part = Float32Array.from(scrambled).subarray(100, 200);
    expect([...radixOrder(sortKeys(part))]).toEqual(compared(part));
  });
});
