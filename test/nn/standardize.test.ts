import { describe, expect, it } from "vitest";
import { arrays } from "../../src/data/index.js";
import { grad, jit, random, type Tensor, tensor, valueAndGrad } from "../../src/index.js";
import { meanSquaredError } from "../../src/losses/index.js";
import { Linear, loadStateDict, parameters, Sequential, Standardize, stateDict } from "../../src/nn/index.js";
import { adamW } from "../../src/optim/index.js";

describe("Standardize", () => {
  it("brings the features of its data to mean 0 and deviation 1", () => {
    const x = random
      .normal(random.key(1), { shape: [500, 3], dtype: "float64" })
      .mul(tensor([1, 20, 0.1]))
      .add(tensor([5, -3, 100]));
    const layer = Standardize.of(arrays(x, tensor(new Float32Array(500))), { dtype: "float64" });
    const y = layer.forward(x);
    // 500 float64 terms near 1: 500 · 2⁻⁵² and what a mean of 100 and a deviation of 0.1 lose, a factor 1000
    for (const value of y.mean(0).dataSync()) expect(Math.abs(value)).toBeLessThan(1e-9);
    for (const value of y.std(0).dataSync()) expect(Math.abs(value - 1)).toBeLessThan(1e-9);
  });

  it("takes images by channel, sequences by feature", () => {
    const inputs = Float32Array.from({ length: 24 }, (_, i) =>
      Math.floor(i / 6) % 2 === 0 ? i % 6 : 10 + (i % 6),
    );
    const images = Standardize.of({ inputs, inputShape: [2, 2, 3] });
    expect(images.moments.mean.arraySync()).toEqual([2.5, 12.5]);
    // the variance of 0 … 5 is 35 / 12
    expect(images.moments.deviation.arraySync()).toEqual([
      Math.fround(Math.sqrt(35 / 12)),
      Math.fround(Math.sqrt(35 / 12)),
    ]);
    expect(images.forward(tensor(inputs, { shape: [2, 2, 2, 3] })).shape).toEqual([2, 2, 2, 3]);
    const steps = Standardize.of({ inputs: Float32Array.of(1, 5, 3, 5), inputShape: [2, 2] }, { axis: -1 });
    expect(
      steps
        .forward(
          tensor([
            [
              [1, 6],
              [3, 5],
            ],
          ]),
        )
        .arraySync(),
    ).toEqual([
      [
        [-1, 1],
        [1, 0],
      ],
    ]);
  });

  it("only moves what is constant, though its mean is rounded", () => {
    const layer = Standardize.of({ inputs: new Float64Array(1000).fill(0.1), inputShape: [1] });
    expect(layer.moments.deviation.arraySync()).toEqual([1]);
  });

  it("stays as it is in training, and is stored with the model", () => {
    const start = new Sequential(new Standardize([1, 2], [3, 4]), new Linear(2, 1, { key: random.key(0) }));
    expect(parameters(start).map(([name]) => name)).toEqual(["1.weight", "1.bias"]);
    expect(Object.keys(stateDict(start))).toEqual(["0.mean", "0.deviation", "1.weight", "1.bias"]);
    const optimizer = adamW({ learningRate: 0.1, weightDecay: 0.5 });
    const step = jit((model: typeof start, x: Tensor, y: Tensor) => {
      const [, gradient] = valueAndGrad((m: typeof start) => meanSquaredError(m.forward(x), y))(model);
      return optimizer.step(model, gradient, optimizer.init(model))[0];
    });
    const trained = step(
      start,
      tensor([
        [1, 5],
        [0, 3],
      ]),
      tensor([[1], [2]]),
    );
    const before = stateDict(start);
    const after = stateDict(trained);
    expect(after["0.mean"].arraySync()).toEqual(before["0.mean"].arraySync());
    expect(after["0.deviation"].arraySync()).toEqual(before["0.deviation"].arraySync());
    expect(after["1.weight"].arraySync()).not.toEqual(before["1.weight"].arraySync());
    const fresh = new Sequential(new Standardize([0, 0], [1, 1]), new Linear(2, 1));
    const x = tensor([[3, 1]]);
    expect(loadStateDict(fresh, after).forward(x).arraySync()).toEqual(trained.forward(x).arraySync());
  });

  it("passes gradients to its input, and none to its statistics", () => {
    const layer = new Standardize([1, 2], [4, 0.5]);
    expect(grad((x: Tensor) => layer.forward(x).sum())(tensor([[7, 7]])).arraySync()).toEqual([[0.25, 2]]);
    const own = grad((l: Standardize) => l.forward(tensor([[7, 7]])).sum())(layer);
    expect(own.moments.mean.arraySync()).toEqual([0, 0]);
  });

  it.each([
    [() => new Standardize([1], [0]), "Standardize: deviation must be above 0, received 0"],
    [
      () => new Standardize([1], [1, 1]),
      "Standardize: deviation must be as many numbers as mean, 1, received 2",
    ],
    [() => new Standardize(["1"] as never, [1]), "Standardize: mean must be an array of finite numbers"],
    [
      () => new Standardize([1], [1], { axis: 0 }),
      "Standardize: axis must be an axis beside the batch's, received 0",
    ],
    [() => Standardize.of([] as never), "Standardize.of: data must be a data set"],
    [
      () => Standardize.of({ inputs: new Float32Array(4), inputShape: [2] }, { axis: 2 }),
      "Standardize.of: axis must be one of",
    ],
    [
      () => new Standardize([1], [1]).forward(tensor([[1, 2]])),
      "Standardize: x must be [batch, …] with 1 along axis 1, received [1, 2]",
    ],
    [() => new Standardize([1], [1]).forward([1] as never), "Standardize: x must be a tensor"],
  ])("refuses %o", (action, message) => {
    expect(action).toThrow(message);
  });
});
