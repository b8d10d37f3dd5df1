import { describe, expect, it } from "vitest";
import { checkpoint, grad, jit, random, type Tensor, tensor, valueAndGrad } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";

const x = tensor([
  [1, 10],
  [3, 30],
  [5, 20],
]);

describe("BatchNorm", () => {
  it("in training normalises by the batch, and gives new statistics without changing its own", () => {
    const layer = new nn.BatchNorm(2, { momentum: 0.5 });
    const [y, statistics] = nn.trainForward(layer, x);
    // deviations √(8/3) and √(200/3)
    const unit = Math.sqrt(1.5);
    expect(y.arraySync()).toEqual(
      [
        [-unit, -unit],
        [0, unit],
        [unit, 0],
      ].map((row) => row.map((value) => expect.closeTo(value, 4))),
    );
    const { mean, variance, batches } = nn.withStatistics(layer, statistics).statistics ?? {};
    expect(mean?.arraySync()).toEqual([1.5, 10]);
    // half of 1, and half of 4 and 100, the variances with ddof 1
    expect(variance?.arraySync()).toEqual([2.5, expect.closeTo(50.5, 4)]);
    expect(batches?.itemSync()).toBe(1);
    expect(layer.statistics?.mean.arraySync()).toEqual([0, 0]);
  });

  it("afterwards normalises by its statistics, each example by itself", () => {
    const layer = nn.loadStateDict(new nn.BatchNorm(2, { epsilon: 1e-9 }), {
      weight: tensor([2, 1]),
      bias: tensor([0, 5]),
      running_mean: tensor([1, 10]),
      running_var: tensor([4, 100]),
      num_batches_tracked: tensor(7, { dtype: "int32" }),
    });
    expect(layer.forward(x.slice([0, 1])).arraySync()).toEqual([[0, 5]]);
    expect(layer.forward(x).slice([0, 1]).arraySync()).toEqual([[0, 5]]);
    expect(layer.forward(x).slice(1).arraySync()).toEqual([expect.closeTo(2, 6), expect.closeTo(7, 6)]);
  });

  it("names its tensors as PyTorch does, and counts only what is learned among the parameters", () => {
    const model = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm(2));
    const learned = ["0.weight", "0.bias", "1.weight", "1.bias"];
    expect(nn.parameters(model).map(([name]) => name)).toEqual(learned);
    expect(Object.keys(nn.stateDict(model))).toEqual([
      ...learned,
      "1.running_mean",
      "1.running_var",
      "1.num_batches_tracked",
    ]);
  });

  it("gives the gradient through mean and variance of the batch, and none to its statistics", () => {
    const layer = new nn.BatchNorm(2);
    const slope = grad((model: nn.BatchNorm) => nn.trainForward(model, x)[0].mul(x).sum())(layer);
    expect(slope.statistics?.mean.arraySync()).toEqual([0, 0]);
    // Σ over the batch of x̂ is 0, so a constant cotangent has no effect on what lies below
    const below = grad((input: Tensor) => nn.trainForward(layer, input)[0].sum())(x);
    for (const value of below.dataSync()) expect(Math.abs(value)).toBeLessThan(1e-6);
    const eval_ = grad((model: nn.BatchNorm) => model.forward(x).sum())(layer);
    expect(eval_.statistics?.variance.arraySync()).toEqual([0, 0]);
  });

  it("used twice in a pass, sees its second batch after the first", () => {
    const shared = new nn.BatchNorm(1, { momentum: 0.5 });
    class Twice implements nn.Module {
      readonly layer = shared;
      forward(input: Tensor, options?: nn.ForwardOptions): Tensor {
        return this.layer.forward(input, options).add(this.layer.forward(input.add(8), options));
      }
    }
    const model = new Twice();
    const [, statistics] = nn.trainForward(model, tensor([[0], [8]]));
    const { layer } = nn.withStatistics(model, statistics);
    // ½ (½ (0 + 4) + 12) = 7
    expect([layer.statistics?.mean.itemSync(), layer.statistics?.batches.itemSync()]).toEqual([7, 2]);
  });

  it("learns inside jit, with donated state, and its statistics come along", () => {
    const key = random.key(2);
    const inputs = random.normal(key, { shape: [64, 3], mean: 5, std: 2 });
    const targets = inputs
      .slice(null, [0, 1])
      .mul(3)
      .sub(inputs.slice(null, [1, 2]));
    const optimizer = optim.adam({ learningRate: 0.05 });
    let model = new nn.Sequential(
      new nn.BatchNorm(3),
      new nn.Linear(3, 8, { key }),
      new nn.BatchNorm(8),
      new nn.Activation("tanh"),
      new nn.Linear(8, 1, { key }),
    );
    let state = optimizer.init(model);
    const step = jit(
      (current: typeof model, moments: typeof state) => {
        const cost = (network: typeof model): [Tensor, nn.Statistics] => {
          const [output, statistics] = nn.trainForward(network, inputs);
          return [losses.meanSquaredError(output, targets), statistics];
        };
        const [[value, statistics], gradient] = valueAndGrad(cost, { hasAux: true })(current);
        const [next, nextMoments] = optimizer.step(current, gradient, moments);
        return [value, nn.withStatistics(next, statistics), nextMoments] as const;
      },
      { donate: [0, 1] },
    );
    const seen: number[] = [];
    for (let i = 0; i < 60; i++) {
      const [value, next, nextState] = step(model, state);
      seen.push(value.itemSync());
      [model, state] = [next, nextState];
    }
    expect(seen[59]).toBeLessThan(seen[0] / 4);
    const [first] = model.layers as readonly nn.BatchNorm[];
    const { mean, variance, batches } = first.statistics ?? {};
    expect(batches?.itemSync()).toBe(60);
    // what is left of the beginning is 0.9⁶⁰ = 0.0018 of it
    const expected = inputs.mean(0).dataSync();
    mean?.dataSync().forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(0.0019 * Math.abs(expected[i]));
    });
    const spread = inputs
      .var(0)
      .mul(64 / 63)
      .dataSync();
    variance?.dataSync().forEach((value, i) => {
      expect(Math.abs(value - spread[i])).toBeLessThan(0.0019 * Math.abs(spread[i] - 1) + 1e-4);
    });
  });

  it("may be recomputed inside checkpoint where it keeps no statistics", () => {
    const layer = new nn.BatchNorm(2, { track: false });
    const f = (input: Tensor): Tensor => layer.forward(input, { train: true }).mul(input).sum();
    expect(grad(checkpoint(f))(x).arraySync()).toEqual(grad(f)(x).arraySync());
  });

  it("refuses training without a place for its statistics, a batch of one, and other channels", () => {
    const layer = new nn.BatchNorm(2);
    expect(() => layer.forward(x, { train: true })).toThrow(
      "BatchNorm: in training its running statistics change, and forward needs { statistics } to leave them in, received undefined; call nn.trainForward(model, x)",
    );
    expect(() => nn.trainForward(layer, x.slice([0, 1]))).toThrow(
      "BatchNorm: in training a channel needs more than one element, received [1, 2]",
    );
    expect(() => layer.forward(tensor([[1, 2, 3]]))).toThrow(
      "BatchNorm: x must be [batch, 2, …], received [1, 3]",
    );
  });
});

describe("withStatistics", () => {
  it("refuses the statistics of another model", () => {
    const [, statistics] = nn.trainForward(new nn.BatchNorm(2), x);
    const other = new nn.Sequential(new nn.BatchNorm(2));
    expect(() => nn.withStatistics(other, statistics)).toThrow(
      expect.objectContaining({
        code: "tree-mismatch",
        message: expect.stringContaining("layers.0.statistics has none"),
      }),
    );
    expect(() => nn.withStatistics(new nn.Linear(1, 1), statistics)).toThrow("there are none at statistics");
    expect(() => nn.withStatistics(other, 3 as never)).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
  });

  it("of a model without any are an empty object", () => {
    const layer = new nn.Linear(2, 1);
    const [output, statistics] = nn.trainForward(layer, x);
    expect(statistics).toEqual({});
    expect(output.arraySync()).toEqual(layer.forward(x).arraySync());
    expect(nn.stateDict(nn.withStatistics(layer, statistics))).toEqual(nn.stateDict(layer));
  });
});
