import { describe, expect, it } from "vitest";
import { jit, random, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";

const f64 = (data: number | number[]): Tensor => tensor(data, { dtype: "float64" });

const rules: Record<string, (learningRate: optim.LearningRate) => optim.Optimizer> = {
  adam: (learningRate) => optim.adam({ learningRate }),
  amsgrad: (learningRate) => optim.adam({ learningRate, amsgrad: true }),
  adamW: (learningRate) => optim.adamW({ learningRate }),
  rmsprop: (learningRate) => optim.rmsprop({ learningRate, centered: true, momentum: 0.5 }),
  adagrad: (learningRate) => optim.adagrad({ learningRate, rateDecay: 0.5 }),
  lion: (learningRate) => optim.lion({ learningRate }),
};

/** The parameter after each of some steps with these gradients. */
function trajectory(optimizer: optim.Optimizer, start: number, gradients: readonly number[]): number[] {
  let w = f64(start);
  let state = optimizer.init(w);
  return gradients.map((gradient) => {
    [w, state] = optimizer.step(w, f64(gradient), state);
    return w.itemSync();
  });
}

describe("each rule by hand", () => {
  it("adam's first step is the rate, whatever the size of the gradient, and its second by the averages", () => {
    // m₂ = 0.5 · 2 + 0.5 · 4 = 3 → m̂ = 3 / 0.75 = 4; v₂ = 0.5 · 8 + 0.5 · 16 = 12 → v̂ = 12 / 0.75 = 16; 4 / √16 = 1
    const options = { learningRate: 0.5, beta1: 0.5, beta2: 0.5, epsilon: 0 };
    expect(trajectory(optim.adam(options), 1, [4, 4]).map((w) => w.toFixed(12))).toEqual([
      "0.500000000000",
      "0.000000000000",
    ]);
  });

  it("adamW shrinks parameters that have no gradient, adam with weight decay moves them by the rate", () => {
    const options = { learningRate: 0.5, weightDecay: 0.25, epsilon: 0 };
    expect(trajectory(optim.adamW({ ...options, epsilon: 1e-8 }), 8, [0])).toEqual([7]);
    expect(trajectory(optim.adam(options), 8, [0])[0]).toBeCloseTo(7.5, 12);
  });

  it("amsgrad never divides by less than before", () => {
    // β₁ = 0: steps are g / √v̂max; a large gradient first, small ones after: v falls, its maximum stays
    const options = { learningRate: 1, beta1: 0, beta2: 0.5, epsilon: 0 };
    const [plain, kept] = [false, true].map((amsgrad) =>
      trajectory(optim.adam({ ...options, amsgrad }), 0, [8, 1, 1]),
    );
    // v₂ = 16.5, v₃ = 8.75 against 32 and 32; corrections ¾, ⅞
    expect(plain[2] - plain[1]).toBeCloseTo(-1 / Math.sqrt(8.75 / 0.875), 12);
    expect(kept[2] - kept[1]).toBeCloseTo(-1 / Math.sqrt(32 / 0.875), 12);
  });

  it("rmsprop divides by the root mean square, centered by the deviation", () => {
    expect(trajectory(optim.rmsprop({ learningRate: 1, decay: 0.75, epsilon: 0 }), 0, [4])).toEqual([-2]);
    // v = 4, m = 1: √(4 − 1)
    const centered = optim.rmsprop({ learningRate: 1, decay: 0.75, epsilon: 0, centered: true });
    expect(trajectory(centered, 0, [4])[0]).toBeCloseTo(-4 / Math.sqrt(3), 12);
  });

  it("adagrad divides by the root of the sum, and its rate falls", () => {
    const options = { learningRate: 1, epsilon: 0, rateDecay: 0.5 };
    const [first, second] = trajectory(optim.adagrad(options), 0, [3, 4]);
    expect(first).toBeCloseTo(-1, 12);
    expect(second).toBeCloseTo(-1 - 4 / 5 / 1.5, 12);
  });

  it("lion moves every element by the rate, in the direction of the average, and not without one", () => {
    // m₁ = 0.01 · 100 = 1; β₁ m₁ + (1 − β₁) g = 0.9 − 0.2 > 0, so the second step goes on against the new gradient
    expect(trajectory(optim.lion({ learningRate: 0.5 }), 0, [100, -2])).toEqual([-0.5, -1]);
    expect(trajectory(optim.lion({ learningRate: 0.5 }), 3, [0])).toEqual([3]);
  });
});

describe.each(Object.entries(rules))("%s", (_, make) => {
  const gradients = [3, -1, 0.5, 2, -4];

  it("goes on inside jit as outside, with a schedule, from one compiled step with donated state", () => {
    const schedule = (step: number): number => 0.1 / (1 + step);
    const optimizer = make(schedule);
    let traces = 0;
    const step = jit(
      (w: Tensor, state: optim.OptimizerState, gradient: Tensor) => {
        traces++;
        return optimizer.step(w, gradient, state);
      },
      { donate: [0, 1] },
    );
    let w = f64(1);
    let state = optimizer.init(w);
    const seen = gradients.map((gradient) => {
      [w, state] = step(w, state, f64(gradient));
      return w.itemSync();
    });
    expect(traces).toBe(1);
    const expected = trajectory(make(schedule), 1, gradients);
    // some ten operations a step, rounded alike or once less where multiply-adds are fused
    seen.forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(50 * 2 ** -52);
    });
  });

  it("keeps the dtype of every parameter, and its state in it", () => {
    const params = { narrow: tensor([1, 2]), wide: f64([3]) };
    const optimizer = make((step) => 0.1 + step);
    const [next, state] = optimizer.step(params, params, optimizer.init(params));
    expect([next.narrow.dtype, next.wide.dtype]).toEqual(["float32", "float64"]);
    for (const [field, kept] of Object.entries(state))
      if (field !== "step")
        expect(Object.values(kept as optim.Remembered).map(({ dtype }) => dtype)).toEqual([
          "float32",
          "float64",
        ]);
  });

  it("changes nothing it is given", () => {
    const [w, gradient] = [f64([1, 2]), f64([3, 4])];
    const optimizer = make(0.1);
    const state = optimizer.init(w);
    optimizer.step(w, gradient, state);
    expect([w.arraySync(), gradient.arraySync(), state.step.itemSync()]).toEqual([[1, 2], [3, 4], 0]);
  });

  it("takes a rate of this step instead of its own", () => {
    const [w, gradient] = [f64(1), f64(2)];
    const byNumber = make(0.5).step(w, gradient, make(0.5).init(w), 0.25)[0].itemSync();
    const byTensor = make(0.5).step(w, gradient, make(0.5).init(w), tensor(0.25))[0].itemSync();
    expect([byNumber, byTensor]).toEqual(
      Array(2).fill(make(0.25).step(w, gradient, make(0.25).init(w))[0].itemSync()),
    );
  });

  it("passes running statistics through, and keeps no state for them", () => {
    const layer = new nn.BatchNorm(2);
    const optimizer = make(0.1);
    const state = optimizer.init(layer);
    for (const [field, kept] of Object.entries(state))
      if (field !== "step") expect(Object.keys(kept as object)).toEqual(["weight", "bias"]);
    const [next] = optimizer.step(layer, layer, state);
    expect(next.statistics).toBe(layer.statistics);
    expect(next.weight?.arraySync()).not.toEqual([1, 1]);
  });

  it("refuses a state that is another rule's", () => {
    const w = f64(1);
    expect(() => make(0.1).step(w, w, optim.sgd({ learningRate: 1 }).init(w))).toThrow(
      expect.objectContaining({ code: "tree-mismatch" }),
    );
  });
});

describe("learning with each rule", () => {
  // rates that only fall need to begin high
  const learning = {
    ...rules,
    adagrad: (learningRate: optim.LearningRate) => optim.adagrad({ learningRate }),
  };

  it.each(Object.entries(learning))("%s finds the least of a bowl", (_, make) => {
    const target = random.normal(random.key(3), { shape: [10], dtype: "float64" });
    const optimizer = make((step) => 0.5 / (1 + step / 50));
    let w = target.mul(0);
    let state = optimizer.init(w);
    for (let i = 0; i < 300; i++) [w, state] = optimizer.step(w, w.sub(target), state);
    // the rates fall from 0.5 to 0.07, which bounds the last steps; from 0 the distance was up to 2
    expect(w.sub(target).abs().max().itemSync()).toBeLessThan(0.1);
  });
});

describe("refusals", () => {
  const junk = (value: unknown): never => value as never;
  it.each<[string, () => unknown, string]>([
    [
      "adam",
      () => optim.adam({ learningRate: 1, beta1: 1 }),
      "adam: beta1 must be at least 0 and less than 1, received 1",
    ],
    [
      "adam",
      () => optim.adam({ learningRate: 1, beta2: -0.1 }),
      "adam: beta2 must be at least 0 and less than 1, received -0.1",
    ],
    [
      "adam",
      () => optim.adam({ learningRate: 1, epsilon: -1 }),
      "adam: epsilon must be a finite number of at least 0, received -1",
    ],
    [
      "adam",
      () => optim.adam({ learningRate: 1, amsgrad: junk(1) }),
      "adam: amsgrad must be true or false, received 1",
    ],
    [
      "adam",
      () => optim.adam(junk({})),
      "adam: learningRate must be a finite number of at least 0, received undefined",
    ],
    [
      "adam",
      () => optim.adam(junk({ learningRate: 1, beta: 1 })),
      "adam: there is no option beta; did you mean beta1?",
    ],
    [
      "adamW",
      () => optim.adamW({ learningRate: 1, weightDecay: Number.NaN }),
      "adamW: weightDecay must be a finite number of at least 0, received NaN",
    ],
    [
      "rmsprop",
      () => optim.rmsprop({ learningRate: 1, decay: 2 }),
      "rmsprop: decay must be at least 0 and less than 1, received 2",
    ],
    [
      "rmsprop",
      () => optim.rmsprop({ learningRate: 1, momentum: -1 }),
      "rmsprop: momentum must be a finite number of at least 0, received -1",
    ],
    [
      "adagrad",
      () => optim.adagrad({ learningRate: 1, initialSum: -1 }),
      "adagrad: initialSum must be a finite number of at least 0, received -1",
    ],
    [
      "lion",
      () => optim.lion({ learningRate: 1, beta1: junk("0.9") }),
      'lion: beta1 must be at least 0 and less than 1, received "0.9"',
    ],
    ["lion", () => optim.lion(junk(null)), "lion: options must be an object, received null"],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});
