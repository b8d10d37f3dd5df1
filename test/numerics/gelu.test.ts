/**
 * GELU and its derivative in float32, one compiled program, against float64.
 *
 * With ε = 2^-23: Φ is off by up to 2ε (its own roundings and those of 1 − Q), φ by (4 + 1.25·x²/2)·ε of itself; so x·Φ by 2.5ε·|x|, and
 * the derivative Φ + x·φ by 3ε and what (5 + 0.63·x²)·ε·|x|·φ adds, at most 1.9ε. Where x < −1 both keep digits of their own, which
 * 1 + erf would lose: within 2^-14 of themselves down to 10^-30, but near the zero of the derivative.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { devices, jit, ones, setDevice, type Tensor, tensor, vjp } from "../../src/index.js";
import { trueErfc } from "../backends/math/oracle.js";

const epsilon = 2 ** -23;
const cdf = (x: number): number => trueErfc(-x * Math.SQRT1_2) / 2;
const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

const evenly = (low: number, high: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Math.fround(low + ((high - low) * i) / (count - 1)));

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  const both = (
    x: readonly number[],
  ): { readonly y: ArrayLike<number>; readonly slope: ArrayLike<number> } => {
    const run = jit((p: Tensor): [Tensor, Tensor] => {
      const [y, pullback] = vjp((t: Tensor) => t.gelu(), p);
      return [y, pullback(ones(p.shape))[0]];
    });
    const [y, slope] = run(tensor([...x]));
    return { y: y.dataSync(), slope: slope.dataSync() };
  };

  it("value and derivative are within a few ulp of max(1, |x|)", () => {
    const x = [...evenly(-12, 12, 20_011), ...evenly(-1e-3, 1e-3, 1001)];
    const { y, slope } = both(x);
    x.forEach((at, i) => {
      expect(Math.abs(y[i] - at * cdf(at)), `gelu(${at})`).toBeLessThanOrEqual(
        2.5 * epsilon * Math.abs(at) + 1e-37,
      );
      const trueSlope = cdf(at) + at * density(at);
      expect(Math.abs(slope[i] - trueSlope), `gelu′(${at})`).toBeLessThanOrEqual(5 * epsilon);
    });
  });

  it("is exact far out, at 0 and for NaN", () => {
    const { y, slope } = both([0, 30, -30, 3e38, -3e38, Number.NaN]);
    expect([...Array.from(y)].map((v) => v + 0)).toEqual([0, 30, 0, Math.fround(3e38), 0, Number.NaN]);
    expect([...Array.from(slope)].map((v) => v + 0)).toEqual([0.5, 1, 0, 1, 0, Number.NaN]);
  });
});

it("compiled, the negative tail keeps digits of its own", () => {
  const x = evenly(-11, -1, 5003).filter((at) => Math.abs(at + 1) > 0.01);
  const run = jit((t: Tensor) => t.gelu());
  const y = run(tensor(x)).dataSync();
  x.forEach((at, i) => {
    expect(Math.abs(y[i] / (at * cdf(at)) - 1), `gelu(${at})`).toBeLessThanOrEqual(2 ** -14);
  });
});
