import { describe, expect, it } from "vitest";
import {
  assertGradients,
  eye,
  grad,
  jit,
  ones,
  random,
  type Tensor,
  tensor,
  zeros,
} from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

const key = random.key(8);
const x = random.normal(key, { shape: [2, 5, 4], dtype: "float64" });
const largest = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync();

describe.each([
  ["LSTM", (options: nn.RecurrentOptions) => new nn.LSTM(4, 3, options)],
  ["GRU", (options: nn.RecurrentOptions) => new nn.GRU(4, 3, options)],
] as const)("%s", (name, make) => {
  const layer = make({ layers: 2, key, dtype: "float64" });

  it("names its tensors as PyTorch does", () => {
    expect(Object.keys(nn.stateDict(make({ layers: 2 })))).toEqual(
      [0, 1].flatMap((i) => [`weight_ih_l${i}`, `weight_hh_l${i}`, `bias_ih_l${i}`, `bias_hh_l${i}`]),
    );
    expect(Object.keys(nn.stateDict(make({ bias: false })))).toEqual(["weight_ih_l0", "weight_hh_l0"]);
  });

  it("goes on where it stopped: two halves with the state between them are the whole", () => {
    const [whole, end] = layer.run(x);
    const [first, state] = layer.run(x.slice(null, [0, 2]));
    // the state is this layer's own
    const [second, last] = layer.run(x.slice(null, [2]), state as never);
    expect(largest(whole.slice(null, [0, 2]), first)).toBeLessThan(1e-15);
    expect(largest(whole.slice(null, [2]), second)).toBeLessThan(1e-15);
    expect(largest(end.hidden, last.hidden)).toBeLessThan(1e-15);
    expect(largest(end.hidden.slice(1), whole.slice(null, 4))).toBe(0);
  });

  it("sees nothing of the future", () => {
    const changed = x.add(tensor([0, 0, 0, 9, 9], { dtype: "float64" }).reshape([1, 5, 1]));
    const [a, b] = [x, changed].map((input) => layer.forward(input).slice(null, [0, 3]));
    expect(largest(a, b)).toBe(0);
    const slope = grad((input: Tensor) => layer.forward(input).slice(null, 2).sum())(x);
    expect(slope.slice(null, [3]).abs().max().itemSync()).toBe(0);
  });

  it("has the gradients that finite differences and forward mode give, to the second order", () => {
    const small = make({ key, dtype: "float64" });
    const input = x.slice([0, 1], [0, 3]);
    const f = (value: Tensor): Tensor => small.forward(value).square().sum();
    assertGradients(f, [input]);
    assertGradients((value: Tensor) => grad(f)(value).square().sum(), [input]);
  });

  it("gives the same inside jit", () => {
    const forward = jit((model: nn.Module, input: Tensor) => model.forward(input));
    expect(largest(forward(layer, x), layer.forward(x))).toBeLessThan(1e-14);
  });

  it("says what it is, and which shapes it takes", () => {
    expect(String(layer)).toBe(`${name}(4 → 3, 2 layers)`);
    expect(() => layer.forward(ones([2, 4]))).toThrow(
      `${name}: x must be [batch, time, 4] with a step at least, received [2, 4]`,
    );
    expect(() => layer.run(x, { hidden: zeros([1, 2, 3]), cell: zeros([1, 2, 3]) })).toThrow(
      `${name}: the state must be [layers, batch, hidden] = [2, 2, 3], received [1, 2, 3]`,
    );
  });
});

describe("MultiHeadAttention", () => {
  const layer = new nn.MultiHeadAttention(4, 2, { key, dtype: "float64" });
  const causal = new nn.MultiHeadAttention(4, 2, { key, dtype: "float64", causal: true });

  it("does not know positions: permuted inputs give permuted outputs", () => {
    const order = tensor([3, 0, 4, 1, 2], { dtype: "int32" });
    expect(largest(layer.forward(x.take(order, 1)), layer.forward(x).take(order, 1))).toBeLessThan(1e-14);
  });

  it("causal, sees nothing of the future, and at the end what the other sees", () => {
    const slope = grad((input: Tensor) => causal.forward(input).slice(null, 2).square().sum())(x);
    expect(slope.slice(null, [3]).abs().max().itemSync()).toBe(0);
    expect(slope.slice(null, [0, 3]).abs().min().itemSync()).toBeGreaterThan(0);
    expect(largest(causal.forward(x).slice(null, 4), layer.forward(x).slice(null, 4))).toBeLessThan(1e-14);
  });

  it("attends to another sequence as to its own where they are equal, and takes one of another length", () => {
    expect(largest(layer.attend(x, x.mul(1)), layer.forward(x))).toBeLessThan(1e-14);
    expect(layer.attend(x, ones([2, 9, 4], { dtype: "float64" })).shape).toEqual([2, 5, 4]);
    expect(() => causal.attend(x, ones([2, 9, 4]))).toThrow(
      "MultiHeadAttention: source must be [2, 5 (causal), 4], received [2, 9, 4]",
    );
  });

  it("drops weights in training, with a key", () => {
    const dropping = new nn.MultiHeadAttention(4, 2, { dropout: 0.5 });
    const input = random.normal(key, { shape: [2, 5, 4] });
    expect(() => dropping.forward(input, { train: true })).toThrow(/needs a key/);
    const [a, b] = [1, 2].map((seed) => dropping.forward(input, { train: true, key: random.key(seed) }));
    expect(largest(a, b)).toBeGreaterThan(0);
  });

  it("starts with biases 0, names as PyTorch, and says what it is", () => {
    const dict = nn.stateDict(causal);
    expect(Object.keys(dict)).toEqual(["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"]);
    expect([...dict.in_proj_bias.dataSync(), ...dict["out_proj.bias"].dataSync()].every((b) => b === 0)).toBe(
      true,
    );
    expect(String(causal)).toBe("MultiHeadAttention(4, 2 heads, causal)");
    expect(() => new nn.MultiHeadAttention(5, 2)).toThrow(
      "MultiHeadAttention: heads must be a divisor of the 5 features, received 2",
    );
  });
});

describe("TransformerBlock", () => {
  it("names its tensors as PyTorch does", () => {
    expect(Object.keys(nn.stateDict(new nn.TransformerBlock(4, 2, { hidden: 3 })))).toEqual([
      "self_attn.in_proj_weight",
      "self_attn.in_proj_bias",
      "self_attn.out_proj.weight",
      "self_attn.out_proj.bias",
      "linear1.weight",
      "linear1.bias",
      "linear2.weight",
      "linear2.bias",
      "norm1.weight",
      "norm1.bias",
      "norm2.weight",
      "norm2.bias",
    ]);
  });

  it("draws the two dropouts of its fully connected part independently", () => {
    const block = new nn.TransformerBlock(4, 1, { hidden: 4, dropout: 0.5, normFirst: true });
    // attention gives 0, norms give 1, both layers the identity: what remains of x = 0 is 4 where both let pass
    const set = (name: string, like: Tensor): Tensor => {
      if (name === "norm2.bias") return ones(like.shape);
      return name.startsWith("linear") && like.rank === 2 ? eye(4) : zeros(like.shape);
    };
    const dict = Object.entries(nn.stateDict(block)).map(
      ([name, value]) => [name, set(name, value)] as const,
    );
    const model = nn.loadStateDict(block, new Map(dict));
    const values = [...model.forward(zeros([50, 20, 4]), { train: true, key }).dataSync()];
    expect(new Set(values)).toEqual(new Set([0, 4]));
    // a quarter of 4000, with deviation √(4000 · ¼ · ¾) = 27; masks that are equal would leave half
    expect(Math.abs(values.filter((value) => value === 4).length - 1000)).toBeLessThan(5 * 27.4);
  });

  it("drops out in training only, with other keys otherwise", () => {
    const block = new nn.TransformerBlock(4, 2, { hidden: 3, dropout: 0.5, key });
    const input = random.normal(key, { shape: [2, 5, 4] });
    expect(() => block.forward(input, { train: true })).toThrow(/needs a key/);
    const forward = jit((model: nn.Module, seed: Tensor) => model.forward(input, { train: true, key: seed }));
    expect(largest(forward(block, random.key(1)), forward(block, random.key(2)))).toBeGreaterThan(0);
    expect(largest(block.forward(input), block.forward(input))).toBe(0);
  });
});
