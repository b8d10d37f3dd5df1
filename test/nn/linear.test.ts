import { describe, expect, it } from "vitest";
import { grad, jit, random, setSeed, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

const known = (): nn.Linear =>
  nn.loadStateDict(new nn.Linear(3, 2), {
    weight: tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
    bias: tensor([10, 20]),
  });

describe("Linear", () => {
  it("gives x Wᵀ + b, row by row", () => {
    const x = tensor([
      [1, 0, 0],
      [1, 1, 1],
    ]);
    expect(known().forward(x).arraySync()).toEqual([
      [11, 24],
      [16, 35],
    ]);
  });

  it("takes any number of axes before the features, and none", () => {
    expect(
      known()
        .forward(tensor([1, 1, 1]))
        .arraySync(),
    ).toEqual([16, 35]);
    expect(
      known()
        .forward(tensor([[[1, 1, 1]]]))
        .arraySync(),
    ).toEqual([[[16, 35]]]);
  });

  it("has no bias where none is asked for", () => {
    const layer = new nn.Linear(3, 2, { bias: false });
    expect(layer.bias).toBeNull();
    expect(layer.forward(tensor([[0, 0, 0]])).arraySync()).toEqual([[0, 0]]);
  });

  it("has a gradient that is a Linear: x̄ summed over the batch", () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const slope = grad((layer: nn.Linear) => layer.forward(x).sum())(known());
    expect(slope).toBeInstanceOf(nn.Linear);
    expect(slope.weight.arraySync()).toEqual([
      [5, 7, 9],
      [5, 7, 9],
    ]);
    expect(slope.bias?.arraySync()).toEqual([2, 2]);
  });

  it("passes through jit as a model", () => {
    const forward = jit((layer: nn.Linear, x: Tensor) => layer.forward(x));
    expect(forward(known(), tensor([[1, 1, 1]])).arraySync()).toEqual([[16, 35]]);
  });

  it("starts the same for the same key, and differently for another", () => {
    const values = (seed: number): number[] => [
      ...new nn.Linear(4, 4, { key: random.key(seed) }).weight.dataSync(),
    ];
    expect(values(1)).toEqual(values(1));
    expect(values(1)).not.toEqual(values(2));
  });

  it("draws from the sequence that setSeed restarts", () => {
    const pair = (): number[] => {
      setSeed(5);
      return [new nn.Linear(1, 1), new nn.Linear(1, 1)].map(({ weight }) => weight.itemSync());
    };
    const [first, second] = pair();
    expect(first).not.toBe(second);
    expect(pair()).toEqual([first, second]);
  });

  it("starts weights and biases within ±1/√in by default, and not all at one end", () => {
    const { weight, bias } = new nn.Linear(100, 500, { key: random.key(3) });
    for (const values of [weight.dataSync(), bias?.dataSync() ?? []]) {
      expect(Math.max(...values)).toBeLessThan(0.1);
      expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.1);
      // 500 draws miss the outer twentieth of either side with probability (1 − 1/40)⁵⁰⁰ < 4e−6
      expect(Math.max(...values)).toBeGreaterThan(0.095);
      expect(Math.min(...values)).toBeLessThan(-0.095);
    }
  });

  it("computes in float64 where asked to", () => {
    const layer = new nn.Linear(2, 2, { dtype: "float64" });
    expect([layer.weight.dtype, layer.bias?.dtype]).toEqual(["float64", "float64"]);
  });

  it("names both shapes when the features do not fit", () => {
    expect(() => known().forward(tensor([[1, 2]]))).toThrow("Linear: x must be [batch…, 3], received [1, 2]");
    expect(() => known().forward(tensor(1))).toThrow("Linear: x must be [batch…, 3], received []");
  });

  it.each([0, -1, 1.5, Number.NaN])("refuses %s features", (features) => {
    expect(() => new nn.Linear(features, 1)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    expect(() => new nn.Linear(1, features)).toThrow(/outFeatures must be an integer/);
  });

  it("refuses an init that gives another shape, and what is no init", () => {
    const wrong: nn.Init = () => tensor([1]);
    expect(() => new nn.Linear(2, 3, { init: wrong })).toThrow(
      "init must give a tensor of shape [3, 2], received [1]",
    );
    expect(() => new nn.Linear(2, 3, { init: "heNormal" as unknown as nn.Init })).toThrow(
      /init must be a function/,
    );
  });
});
