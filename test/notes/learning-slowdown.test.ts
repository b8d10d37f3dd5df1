/** The one-neuron example of the book's chapter 3: input 1, target 0, quadratic cost, η = 0.15, 300 steps. */
import { describe, expect, it } from "vitest";
import { grad, type Tensor } from "../../src/index.js";
import { expectClose, f64, num, quadratic, sigma, sigmaPrime } from "./support.js";

interface Neuron {
  readonly w: Tensor;
  readonly b: Tensor;
}

const output = ({ w, b }: Neuron): Tensor => w.add(b).sigmoid();
const squared = (p: Neuron): Tensor => quadratic(output(p), f64(0));
/** −y ln a − (1 − y) ln(1 − a) at y = 0. */
const crossEntropy = (p: Neuron): Tensor => f64(1).sub(output(p)).log().neg();

/** The outputs before each of the steps, and after the last. */
function learn(cost: (p: Neuron) => Tensor, w: number, b: number, eta = 0.15, steps = 300): number[] {
  let p: Neuron = { w: f64(w), b: f64(b) };
  const outputs = [num(output(p))];
  for (let i = 0; i < steps; i++) {
    const g = grad(cost)(p);
    p = { w: p.w.sub(g.w.mul(eta)), b: p.b.sub(g.b.mul(eta)) };
    outputs.push(num(output(p)));
  }
  return outputs;
}

describe("the learning slowdown", () => {
  it("28: w = 0.6, b = 0.9 starts at 0.82 and ends near 0.09", () => {
    const outputs = learn(squared, 0.6, 0.9);
    expect(outputs[0].toFixed(2)).toBe("0.82");
    expect(outputs[300].toFixed(2)).toBe("0.09");
  });

  it("28: w = b = 2 starts at 0.98, learns slowly at first, and ends near 0.20", () => {
    const outputs = learn(squared, 2, 2);
    expect(outputs[0].toFixed(2)).toBe("0.98");
    expect(outputs[300].toFixed(2)).toBe("0.20");
    const lost = (from: number, to: number): number => outputs[from] - outputs[to];
    // the first 50 steps do less than a tenth of what 50 steps do later on
    const best = Math.max(...[50, 100, 150, 200, 250].map((i) => lost(i, i + 50)));
    expect(lost(0, 50)).toBeLessThan(best / 10);
    // the worse start is the slower one, although its error is larger
    expect(lost(0, 50)).toBeLessThan((0.818 - learn(squared, 0.6, 0.9)[50]) / 10);
  });

  it("10: the slow start is σ′: ∂C/∂w = ∂C/∂b = a σ′(z)", () => {
    for (const [w, b] of [
      [0.6, 0.9],
      [2, 2],
    ]) {
      const g = grad(squared)({ w: f64(w), b: f64(b) });
      expectClose(g.w, sigma(w + b) * sigmaPrime(w + b));
      expectClose(g.b, g.w);
    }
    expect(sigmaPrime(4)).toBeLessThan(0.018);
  });

  it("49: with the cross-entropy σ′ cancels, and the worse start learns faster, not slower", () => {
    const g = grad(crossEntropy)({ w: f64(2), b: f64(2) });
    expectClose(g.w, sigma(4));
    const [good, bad] = [learn(crossEntropy, 0.6, 0.9, 0.005), learn(crossEntropy, 2, 2, 0.005)];
    expect(bad[0]).toBeGreaterThan(good[0]);
    const z = (a: number): number => Math.log(a / (1 - a));
    expect(z(bad[0]) - z(bad[50])).toBeGreaterThan(z(good[0]) - z(good[50]));
  });
});
