import { describe, expect, it } from "vitest";
import { eye, random } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

const { init } = nn;
const outs = 200;
const ins = 300;
const count = outs * ins;

/** Mean and variance of what an init draws. */
function moments(make: nn.Init): { mean: number; variance: number; largest: number } {
  const values = [...make(random.key(11), [outs, ins], "float64").dataSync()];
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return { mean, variance, largest: Math.max(...values.map(Math.abs)) };
}

/** A uniform's variance is (width)²/12; the expected bound gives it. */
const uniforms: [string, nn.Init, number][] = [
  ["xavierUniform", init.xavierUniform, Math.sqrt(6 / (ins + outs))],
  ["heUniform", init.heUniform, Math.sqrt(6 / ins)],
  ["standard", init.standard, Math.sqrt(1 / ins)],
];
const normals: [string, nn.Init, number][] = [
  ["xavierNormal", init.xavierNormal, 2 / (ins + outs)],
  ["heNormal", init.heNormal, 2 / ins],
  ["lecunNormal", init.lecunNormal, 1 / ins],
  ["normal", init.normal, 1],
  ["nielsen", init.nielsen, 1],
];

describe("inits", () => {
  it.each(uniforms)("%s is uniform within its bound", (_name, make, bound) => {
    const { mean, variance, largest } = moments(make);
    expect(largest).toBeLessThanOrEqual(bound);
    // 5 standard errors: of the mean σ/√n, of the variance σ² √(0.8/n) for a uniform
    const sigma = bound / Math.sqrt(3);
    expect(Math.abs(mean)).toBeLessThan((5 * sigma) / Math.sqrt(count));
    expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(5 * Math.sqrt(0.8 / count));
  });

  it.each(normals)("%s has mean 0 and its variance", (_name, make, expected) => {
    const { mean, variance } = moments(make);
    // 5 standard errors: of the mean σ/√n, of the variance σ² √(2/n) for a normal
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(expected / count));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(5 * Math.sqrt(2 / count));
  });

  it("counts a window's elements into both fans", () => {
    // fanIn = 3 · 25: bound √(6/75)
    const values = [...init.heUniform(random.key(2), [64, 3, 5, 5]).dataSync()];
    const largest = Math.max(...values.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(Math.fround(Math.sqrt(6 / 75)));
    expect(largest).toBeGreaterThan(0.99 * Math.sqrt(6 / 75));
  });

  it.each([
    [2, 5],
    [5, 2],
    [4, 4],
  ])("orthogonal [%i, %i] has orthonormal rows or columns", (rows, columns) => {
    const w = init.orthogonal(random.key(7), [rows, columns], "float64");
    const gram = rows <= columns ? w.matmul(w.transpose()) : w.transpose().matmul(w);
    const off = gram
      .sub(eye(Math.min(rows, columns), undefined, { dtype: "float64" }))
      .abs()
      .max()
      .itemSync();
    // two passes of Gram–Schmidt leave a few roundings of sums of at most 5 products: 5 · 2⁻⁵² each
    expect(off).toBeLessThan(20 * 2 ** -52);
    expect(w.shape).toEqual([rows, columns]);
  });

  it("give biases of 0 but where they say otherwise", () => {
    const bias = (make: nn.Init): number[] => [
      ...(new nn.Linear(3, 4, { init: make, key: random.key(1) }).bias?.dataSync() ?? []),
    ];
    for (const make of [init.xavierUniform, init.heNormal, init.lecunNormal, init.orthogonal, init.normal])
      expect(bias(make)).toEqual([0, 0, 0, 0]);
    for (const make of [init.nielsen, init.standard, init.uniform])
      expect(bias(make).every((value) => value !== 0)).toBe(true);
  });

  it("draw weight and bias independently", () => {
    const { weight, bias } = new nn.Linear(1, 3, { init: init.nielsen, key: random.key(1) });
    expect([...weight.dataSync()]).not.toEqual([...(bias?.dataSync() ?? [])]);
  });

  it("scaled multiplies weights only", () => {
    const plain = new nn.Linear(3, 2, { init: init.nielsen, key: random.key(4) });
    const half = new nn.Linear(3, 2, { init: init.scaled(init.nielsen, 0.5), key: random.key(4) });
    expect([...half.weight.dataSync()]).toEqual([...plain.weight.mul(0.5).dataSync()]);
    expect(half.bias?.arraySync()).toEqual(plain.bias?.arraySync());
    expect(() => init.scaled(init.normal, Number.NaN)).toThrow(/gain must be a finite number/);
  });

  it("refuse a shape without both fans", () => {
    expect(() => init.heNormal(random.key(0), [3])).toThrow(
      "heNormal: shape must be [out, in, …], received [3]",
    );
  });
});
