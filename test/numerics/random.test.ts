/** Normal and categorical numbers: of the same bits everywhere, and distributed as they should be. */
import { afterEach, describe, expect, test } from "vitest";
import type { Node } from "../../src/graph/node.js";
import { devices, jit, random, setDevice, type Tensor, tensor } from "../../src/index.js";
import { exactCosineOfTurns, exactLog } from "../../src/tensor/exact-functions.js";
import { trueErf } from "../backends/math/oracle.js";

afterEach(() => setDevice(devices()[0]));

const floats = ["float32", "float64"] as const;
const SAMPLES = 100_000;

/** What a draw gives on each device, at once and compiled. */
function everywhere(draw: (key: Tensor) => Tensor): [where: string, values: ArrayLike<number>][] {
  return devices().flatMap((device) => {
    setDevice(device);
    const key = random.key(11);
    return [
      [`${device}, at once`, draw(key).dataSync()],
      [`${device}, compiled`, jit(draw)(key).dataSync()],
    ];
  });
}

/** The first index at which two arrays differ, -1 if there is none. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return i;
  return -1;
}

function expectSameEverywhere(draw: (key: Tensor) => Tensor): void {
  const [[, expected], ...others] = everywhere(draw);
  expect(others.length).toBeGreaterThanOrEqual(3);
  for (const [where, values] of others) expect(firstDifference(values, expected), where).toBe(-1);
}

describe.each(floats)("normal numbers in %s", (dtype) => {
  test("have the same bits on every device, at once and compiled", () => {
    expectSameEverywhere((key) => random.normal(key, { shape: [SAMPLES], dtype }));
  });

  test("have them also where there are so many that one program makes them", () => {
    const count = 2 ** 19 + 3;
    const large = random.normal(random.key(11), { shape: [count], dtype });
    const again = random.normal(random.key(12), { shape: [count], dtype });
    setDevice("reference");
    for (const [seed, values] of [large, again].entries()) {
      const expected = random.normal(random.key(11 + seed), { shape: [count], dtype });
      expect(firstDifference(values.dataSync(), expected.dataSync())).toBe(-1);
    }
  });

  test("keep them scaled and shifted, in odd numbers, and alone", () => {
    expectSameEverywhere((key) => random.normal(key, { shape: [37, 11], dtype, mean: 0.3, std: 1.7 }));
    expectSameEverywhere((key) => random.normal(key, { dtype }));
    expect(random.normal(random.key(0), { shape: [3, 0], dtype }).shape).toEqual([3, 0]);
  });

  test("have the moments of the normal distribution, and finite tails", () => {
    const x = Array.from(random.normal(random.key(5), { shape: [SAMPLES], dtype }).dataSync());
    const moment = (power: number): number => x.reduce((sum, v) => sum + v ** power, 0) / SAMPLES;
    // E x^2k = (2k − 1)!!, and so the variances of the powers: 1, 3 − 1, 15, 105 − 9; five standard errors
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ])
      expect(Math.abs(moment(power) - expected), `E x^${power}`).toBeLessThan(
        5 * Math.sqrt(variance / SAMPLES),
      );
    // √(2 · 24 ln 2) = 5.77 and √(2 · 53 ln 2) = 8.57 are as far as the bits reach
    const farthest = x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(farthest).toBeGreaterThan(3.5);
    expect(farthest).toBeLessThan(dtype === "float32" ? 5.78 : 8.58);
  });

  test("follow its distribution function, by Kolmogorov and Smirnov", () => {
    const x = random
      .normal(random.key(6), { shape: [SAMPLES], dtype })
      .dataSync()
      .slice()
      .sort();
    let distance = 0;
    for (let i = 0; i < SAMPLES; i++) {
      const below = 0.5 * (1 + trueErf(x[i] * Math.SQRT1_2));
      distance = Math.max(distance, below - i / SAMPLES, (i + 1) / SAMPLES - below);
    }
    // exceeded with probability 2·e^(−2·2.2²) ≈ 10⁻⁴
    expect(distance).toBeLessThan(2.2 / Math.sqrt(SAMPLES));
  });

  test("come in pairs of which one tells nothing of the other", () => {
    const half = SAMPLES / 2;
    const x = random.normal(random.key(8), { shape: [2, half], dtype }).dataSync();
    let products = 0;
    let squares = 0;
    for (let i = 0; i < half; i++) {
      products += x[i] * x[half + i];
      squares += (x[i] ** 2 - 1) * (x[half + i] ** 2 - 1);
    }
    // five standard errors: variances 1 · 1 and 2 · 2
    expect(Math.abs(products / half)).toBeLessThan(5 * Math.sqrt(1 / half));
    expect(Math.abs(squares / half)).toBeLessThan(5 * Math.sqrt(4 / half));
  });
});

describe.each(devices())("the functions behind them, on the %s device", (device) => {
  const evaluate = (f: (x: Node) => Node, x: readonly number[], dtype: "float32" | "float64") => {
    setDevice(device);
    return (f(tensor(x, { dtype })) as Tensor).dataSync();
  };

  test.each([
    ["float32", -31, 3e-9],
    ["float64", -63, 1e-15],
  ] as const)("the logarithm of %s is right from 2^%i to 1", (dtype, lowest, tolerance) => {
    const x = Array.from({ length: 4001 }, (_, i) => Math.fround(2 ** ((lowest * i) / 4000)));
    const y = evaluate(exactLog, x, dtype);
    x.forEach((v, i) => {
      const exact = Math.log(v);
      expect(Math.abs(y[i] - exact), `log ${v}`).toBeLessThanOrEqual(tolerance * Math.abs(exact));
    });
  });

  test.each([
    ["float32", 2e-9],
    ["float64", 1e-15],
  ] as const)("the cosine of %s is right over a turn to both sides", (dtype, tolerance) => {
    const v = Array.from({ length: 4097 }, (_, i) => (i - 2048) / 2048);
    const y = evaluate(exactCosineOfTurns, v, dtype);
    v.forEach((turns, i) => {
      expect(Math.abs(y[i] - Math.cos(2 * Math.PI * turns)), `cos 2π·${turns}`).toBeLessThan(tolerance);
    });
  });
});

describe("categorical numbers", () => {
  const logits = [0.1, -1, 2, 0.5, Number.NEGATIVE_INFINITY];

  test.each(floats)("from %s are the same on every device, at once and compiled", (dtype) => {
    expectSameEverywhere((key) =>
      random.categorical(key, tensor(logits, { dtype }).broadcastTo([20_000, logits.length])),
    );
  });

  test.each(floats)("from %s have the frequencies of the softmax", (dtype) => {
    const n = 40_000;
    const rows = tensor(logits, { dtype }).broadcastTo([n, logits.length]);
    const drawn = random.categorical(random.key(2), rows).dataSync();
    const total = logits.reduce((sum, l) => sum + Math.exp(l), 0);
    logits.forEach((logit, c) => {
      const p = Math.exp(logit) / total;
      const frequency = drawn.filter((d) => d === c).length / n;
      // five standard errors of a proportion
      expect(Math.abs(frequency - p), `class ${c}`).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / n));
    });
  });

  test("depend on differences of logits, however large these are", () => {
    const draws = random.categorical(random.key(3), tensor([1e9, 1e9]).broadcastTo([4000, 2]));
    const ones = draws.sum().itemSync();
    // five standard deviations of a fair coin
    expect(Math.abs(ones - 2000)).toBeLessThan(5 * Math.sqrt(1000));
  });

  test("take whole numbers for logits", () => {
    expect(random.categorical(random.key(1), tensor([0, -100_000], { dtype: "int32" })).itemSync()).toBe(0);
  });
});
