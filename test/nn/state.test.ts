import { describe, expect, it } from "vitest";
import { tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

const network = (): nn.Sequential =>
  new nn.Sequential(
    new nn.Linear(2, 3),
    new nn.Activation("tanh"),
    new nn.Sequential(new nn.Linear(3, 3, { bias: false })),
    new nn.Linear(3, 1),
  );
const names = ["0.weight", "0.bias", "2.0.weight", "3.weight", "3.bias"];

/** What a refusal says and its code. */
function refused(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
  throw new Error("not refused");
}

describe("parameters and state dictionaries", () => {
  it("name parameters as PyTorch does, in the order of the fields", () => {
    expect(nn.parameters(network()).map(([name]) => name)).toEqual(names);
    expect(Object.keys(nn.stateDict(network()))).toEqual(names);
  });

  it("name fields of any object and positions of any array", () => {
    const model = { encoder: network(), heads: [new nn.Linear(1, 1, { bias: false })], scale: tensor(1) };
    expect(nn.parameters(model).map(([name]) => name)).toEqual([
      ...names.map((name) => `encoder.${name}`),
      "heads.0.weight",
      "scale",
    ]);
  });

  it("give the very tensors of the model", () => {
    const layer = new nn.Linear(2, 2);
    expect(nn.stateDict(layer).weight).toBe(layer.weight);
  });

  it("load into a new model, and leave the old one alone", () => {
    const [first, second] = [network(), network()];
    const before = second.forward(tensor([[1, 2]])).itemSync();
    const loaded = nn.loadStateDict(second, nn.stateDict(first));
    expect(loaded).toBeInstanceOf(nn.Sequential);
    expect(loaded.forward(tensor([[1, 2]])).itemSync()).toBe(first.forward(tensor([[1, 2]])).itemSync());
    expect(second.forward(tensor([[1, 2]])).itemSync()).toBe(before);
  });

  it("load from a Map, in any order, converting dtypes to the model's", () => {
    const dict = new Map([
      ["bias", tensor([3], { dtype: "float64" })],
      ["weight", tensor([[2]], { dtype: "float64" })],
    ]);
    const loaded = nn.loadStateDict(new nn.Linear(1, 1), dict);
    expect(loaded.weight.dtype).toBe("float32");
    expect(loaded.forward(tensor([10])).itemSync()).toBe(23);
  });

  it("refuse missing and unexpected names, naming all of them", () => {
    const { "0.bias": _left, ...dict } = nn.stateDict(network());
    expect(
      refused(() => nn.loadStateDict(network(), { ...dict, "4.weight": tensor(1), extra: tensor(1) })),
    ).toEqual({
      code: "tree-mismatch",
      message: "loadStateDict: the names differ from the model's: missing 0.bias; unexpected 4.weight, extra",
    });
  });

  it("refuse wrong shapes, naming all of them", () => {
    const dict = { weight: tensor([[1, 2, 3]]), bias: tensor([1, 2]) };
    expect(refused(() => nn.loadStateDict(new nn.Linear(2, 1), dict))).toEqual({
      code: "shape-mismatch",
      message: "loadStateDict: weight must be [1, 2], received [1, 3]; bias must be [1], received [2]",
    });
  });

  it("refuse what is no dictionary of tensors", () => {
    expect(refused(() => nn.loadStateDict(new nn.Linear(1, 1), null as never)).code).toBe("invalid-argument");
    expect(refused(() => nn.loadStateDict(new nn.Linear(1, 1), tensor(1) as never)).code).toBe(
      "invalid-argument",
    );
    const numbers = { weight: 1, bias: 2 } as never;
    expect(refused(() => nn.loadStateDict(new nn.Linear(1, 1), numbers)).message).toMatch(
      /weight must be \[1, 1\], received 1/,
    );
  });
});
