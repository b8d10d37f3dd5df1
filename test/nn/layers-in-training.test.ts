import { describe, expect, it } from "vitest";
import { jit, ones, random, type Tensor, tensor, zeros } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

describe("Dropout", () => {
  const layer = new nn.Dropout(0.25);
  const x = ones([100, 100]);

  it("does nothing outside of training, and with p = 0", () => {
    expect(layer.forward(x)).toBe(x);
    expect(new nn.Dropout(0).forward(x, { train: true })).toBe(x);
  });

  it("drops the share it is told, and keeps the expectation", () => {
    const y = layer.forward(x, { train: true, key: random.key(5) });
    const values = [...y.dataSync()];
    expect(new Set(values)).toEqual(new Set([0, Math.fround(4 / 3)]));
    const dropped = values.filter((value) => value === 0).length;
    // binomial with deviation √(10⁴ · ¼ · ¾) = 43: five of them happen once in two million
    expect(Math.abs(dropped - 2500)).toBeLessThan(5 * 43.3);
  });

  it("draws the same with the same key, inside jit too, and differently with another", () => {
    const forward = jit((key: Tensor) => layer.forward(x, { train: true, key }));
    const [a, b, c] = [5, 5, 6].map((seed) => String(forward(random.key(seed)).dataSync()));
    expect(a).toBe(b);
    expect(a).not.toBe(c);
    expect(a).toBe(String(layer.forward(x, { train: true, key: random.key(5) }).dataSync()));
  });

  it("drops infinities to 0, and everything with p = 1", () => {
    const y = layer.forward(ones([1000]).div(0), { train: true, key: random.key(1) });
    expect(new Set(y.dataSync())).toEqual(new Set([0, Number.POSITIVE_INFINITY]));
    expect(new nn.Dropout(1).forward(ones([2]), { train: true, key: random.key(1) }).arraySync()).toEqual([
      0, 0,
    ]);
  });

  it("refuses training without a key, and says what to pass", () => {
    expect(() => layer.forward(x, { train: true })).toThrow(
      "Dropout: in training it draws random numbers and needs a key, received none; pass { train: true, key: random.key(seed) }",
    );
  });
});

describe("Embedding", () => {
  it("gives the rows of its table, for any shape of rows", () => {
    const layer = nn.loadStateDict(new nn.Embedding(3, 2), {
      weight: tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    });
    const rows = tensor([[2], [0]], { dtype: "int32" });
    expect(layer.forward(rows).arraySync()).toEqual([[[5, 6]], [[1, 2]]]);
    expect(layer.forward(tensor(1, { dtype: "int32" })).arraySync()).toEqual([3, 4]);
  });

  it("starts normal with variance 1", () => {
    const values = new nn.Embedding(100, 100, { key: random.key(2) }).weight;
    // 10⁴ draws: the mean's deviation is 0.01, the variance's 0.014
    expect(Math.abs(values.mean().itemSync())).toBeLessThan(0.05);
    expect(Math.abs(values.var().itemSync() - 1)).toBeLessThan(0.07);
  });

  it("refuses numbers that are no rows", () => {
    const layer = new nn.Embedding(3, 2);
    expect(() => layer.forward(tensor([1]))).toThrow(
      'Embedding: x must be int32, the rows of the table, received float32; convert it with x.cast("int32")',
    );
    expect(() => layer.forward(tensor([3], { dtype: "int32" }))).toThrow(
      expect.objectContaining({ code: "index-out-of-range" }),
    );
  });
});

describe("Residual", () => {
  const double = new nn.Activation((x) => x.mul(2));

  it("adds what its layer makes to what it was given, or to what the shortcut makes", () => {
    expect(new nn.Residual(double).forward(tensor([1, 2])).arraySync()).toEqual([3, 6]);
    const project = new nn.Activation((x) => x.slice([0, 1]));
    const first = new nn.Activation((x) => x.slice([1, 2]));
    expect(new nn.Residual(first, project).forward(tensor([1, 20])).arraySync()).toEqual([21]);
  });

  it("names what is inside by its fields, and passes training and keys on", () => {
    const inner = new nn.Sequential(new nn.Linear(2, 2), new nn.Dropout(0.5));
    const block = new nn.Residual(inner, new nn.Linear(2, 2, { bias: false }));
    expect(Object.keys(nn.stateDict(block))).toEqual(["layer.0.weight", "layer.0.bias", "shortcut.weight"]);
    expect(() => block.forward(ones([1, 2]), { train: true })).toThrow(/needs a key/);
    expect(block.forward(ones([1, 2]), { train: true, key: random.key(1) }).shape).toEqual([1, 2]);
  });

  it("refuses a sum of different shapes instead of broadcasting", () => {
    expect(() => new nn.Residual(new nn.Linear(3, 1)).forward(ones([2, 3]))).toThrow(
      "Residual: the layer gives [2, 1], and what it is added to is [2, 3]; give a shortcut of the same shape",
    );
  });
});

describe("normalising layers", () => {
  const x = random.normal(random.key(4), { shape: [3, 4, 5], mean: 3, std: 2, dtype: "float64" });

  it("bring every example to mean 0 and variance 1, whatever it was shifted and scaled by", () => {
    const layer = new nn.LayerNorm([4, 5], { dtype: "float64", epsilon: 1e-12 });
    const y = layer.forward(x);
    const moved = layer.forward(x.mul(100).add(7));
    for (let i = 0; i < 3; i++) {
      expect(Math.abs(y.slice(i).mean().itemSync())).toBeLessThan(1e-14);
      expect(Math.abs(y.slice(i).var().itemSync() - 1)).toBeLessThan(1e-11);
    }
    expect(y.sub(moved).abs().max().itemSync()).toBeLessThan(1e-11);
  });

  it("of one group are layer normalisation over channels, of as many as channels instance normalisation", () => {
    const layer = new nn.LayerNorm([4, 5], { affine: false }).forward(x);
    expect(
      new nn.GroupNorm(1, 4, { affine: false }).forward(x).sub(layer).abs().max().itemSync(),
    ).toBeLessThan(1e-14);
    const each = new nn.LayerNorm(5, { affine: false }).forward(x);
    expect(
      new nn.GroupNorm(4, 4, { affine: false }).forward(x).sub(each).abs().max().itemSync(),
    ).toBeLessThan(1e-14);
  });

  it("are finite for a constant example", () => {
    for (const layer of [new nn.LayerNorm(4), new nn.GroupNorm(2, 4), new nn.RMSNorm(4)])
      expect([...layer.forward(zeros([2, 4])).dataSync()]).toEqual(Array(8).fill(0));
  });

  it("say what they are", () => {
    const layers = [new nn.LayerNorm([3, 2]), new nn.GroupNorm(2, 4), new nn.RMSNorm(8), new nn.BatchNorm(3)];
    expect(layers.map(String)).toEqual([
      "LayerNorm(3, 2)",
      "GroupNorm(2 groups of 2)",
      "RMSNorm(8)",
      "BatchNorm(3)",
    ]);
  });
});
