import { describe, expect, it } from "vitest";
import * as optim from "../../src/optim/index.js";

describe("schedules", () => {
  it("stay at their last rate after their end", () => {
    expect(optim.cosine({ learningRate: 1, steps: 5, end: 0.25 })(1000)).toBe(0.25);
    expect(optim.linearWarmup({ learningRate: 0.5, steps: 5 })(1000)).toBe(0.5);
    expect(optim.oneCycle({ learningRate: 1, steps: 10, endDivisor: 100 })(1000)).toBe(1 / 25 / 100);
  });

  it("follow one another: a warm-up rises to the first rate of what follows, which then begins at its 0", () => {
    const rate = optim.linearWarmup({
      learningRate: optim.cosine({ learningRate: 1, steps: 10 }),
      steps: 4,
      startFactor: 0.5,
    });
    expect([rate(0), rate(2), rate(4), rate(9), rate(14)]).toEqual([
      0.5,
      0.75,
      1,
      expect.closeTo(0.5, 12),
      0,
    ]);
  });

  it("one cycle has its peak where the warm-up ends", () => {
    const rate = optim.oneCycle({ learningRate: 2, steps: 20, warmup: 0.25 });
    const rates = Array.from({ length: 20 }, (_, step) => rate(step));
    expect(rates.indexOf(Math.max(...rates))).toBe(4);
    expect([rates[0], rates[4]]).toEqual([2 / 25, 2]);
  });

  it("one cycle without a warm-up begins at its peak or on the way down, never at NaN", () => {
    for (const [steps, warmup] of [
      [2, 0],
      [10, 0],
      [10, 0.1],
      [2, 0.99],
    ]) {
      const rate = optim.oneCycle({ learningRate: 1, steps, warmup });
      for (let step = 0; step < steps; step++) {
        expect(rate(step)).toBeGreaterThan(0);
        expect(rate(step)).toBeLessThanOrEqual(1);
      }
    }
  });

  it("are the same under both names", () => {
    expect(optim.schedules.cosine).toBe(optim.cosine);
  });
});

describe("refusals", () => {
  it.each<[() => unknown, string]>([
    [() => optim.constant(-1), "constant: learningRate must be a finite number of at least 0, received -1"],
    [
      () => optim.cosine({ learningRate: 1, steps: 0 }),
      "cosine: steps must be an integer of at least 1, received 0",
    ],
    [
      () => optim.cosine({ learningRate: 1, steps: 5, end: Number.NaN }),
      "cosine: end must be a finite number of at least 0, received NaN",
    ],
    [
      () => optim.stepDecay({ learningRate: 1, every: 1.5 }),
      "stepDecay: every must be an integer of at least 1, received 1.5",
    ],
    [
      () => optim.exponential({ learningRate: 1 } as never),
      "exponential: factor must be a finite number of at least 0, received undefined",
    ],
    [
      () => optim.linearWarmup({ learningRate: "1" as never, steps: 2 }),
      'linearWarmup: learningRate must be a finite number of at least 0, received "1"',
    ],
    [() => optim.oneCycle({ learningRate: 1, steps: 1 }), "oneCycle: steps must be at least 2, received 1"],
    [
      () => optim.oneCycle({ learningRate: 1, steps: 9, warmup: 1 }),
      "oneCycle: warmup must be at least 0 and less than 1, received 1",
    ],
    [
      () => optim.oneCycle({ learningRate: 1, steps: 9, startDivisor: 0 }),
      "oneCycle: startDivisor must be a finite number above 0, received 0",
    ],
    [
      () => optim.oneCycle({ learningRate: 1, steps: 9, shape: "cos" as never }),
      'oneCycle: shape must be "cosine" or "linear", received "cos"',
    ],
    [
      () => optim.cosine({ learningRate: 1, step: 2 } as never),
      "cosine: there is no option step; did you mean steps?",
    ],
  ])("%#", (call, message) => {
    expect(call).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});
