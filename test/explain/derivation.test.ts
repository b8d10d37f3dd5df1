/** The derivation in textbook form: recognised only where the numbers match, and as one formula where it can be read. */
import { describe, expect, it } from "vitest";
import { type Activation, activations } from "../../src/explain/derivation/activations.js";
import { workedExamples } from "../../src/explain/examples/index.js";
import { type ExplanationDocument, explain } from "../../src/explain/index.js";
import { random, setSeed, type Tensor, tensor } from "../../src/index.js";
import { sigmoidCrossEntropy, softmaxCrossEntropy } from "../../src/losses/index.js";
import { Activation as ActivationLayer, Linear, Sequential, TransformerBlock } from "../../src/nn/index.js";
import { f64, normal64, numberOf } from "./support.js";

function kindsOf({ textbook }: ExplanationDocument): string[] {
  return textbook.blocks.map(({ kind }) => kind);
}

function mlp(layers: readonly number[], name: "sigmoid" | "tanh" | "relu"): Sequential {
  setSeed(4);
  const list = layers.slice(1).flatMap((outputs, l) => {
    const linear = new Linear(layers[l], outputs, { dtype: "float64" });
    return l + 2 < layers.length ? [linear, new ActivationLayer(name)] : [linear];
  });
  return new Sequential(...list);
}

describe("recognised parts", () => {
  it("24–27: layers that are like each other have one set of formulas, δ of each from that of the next", () => {
    const x = normal64(1, [3, 4]);
    const f = (m: Sequential): Tensor => m.forward(x).square().mean();
    const { textbook } = explain(f, [mlp([4, 5, 6, 2], "tanh")]).document;
    const repeated = textbook.blocks.find(({ kind }) => kind === "repeatedLayers");
    expect(repeated?.title).toBe("layers 1 to 2, each like the other, one example a column");
    expect(repeated?.backward.map(({ text }) => text)).toContain(
      "δ^l = ∂C/∂z^l = ((W^(l+1))ᵀ δ^(l+1)) ⊙ tanh′(z^l)",
    );
  });

  it.each([
    ["sigmoid", "σ′(z1) = a1(1 − a1)"],
    ["tanh", "tanh′(z1) = 1 − a1 ⊙ a1"],
    ["relu", "relu′(z1) = [z1 > 0]"],
  ] as const)("4: an affine map with %s behind it says what its slope is", (name, slope) => {
    const x = normal64(2, [3, 4]);
    const labels = tensor([0, 1, 1], { dtype: "int32" });
    const f = (m: Sequential): Tensor => softmaxCrossEntropy(m.forward(x), labels);
    const { document } = explain(f, [mlp([4, 5, 2], name)]);
    expect(kindsOf(document)).toEqual(["dense", "dense", "softmaxCrossEntropy"]);
    const [layer] = document.textbook.blocks;
    expect(layer.forward.map(({ text }) => text)).toContain("z1 = x (W1)ᵀ + b1");
    expect(layer.backward.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^δ1 = ∂C\/∂a1 ⊙ /),
      slope,
      "∂C/∂W1 += (δ1)ᵀ x",
      "∂C/∂b1 += 1ᵀ δ1",
    ]);
  });

  it("49: cross-entropies come to (a − y), through the logits and through their function", () => {
    const x = normal64(3, [3, 4]);
    const y = tensor([[1], [0], [1]], { dtype: "float64" });
    const through = (m: Sequential): Tensor => sigmoidCrossEntropy(m.forward(x), y);
    const { document } = explain(through, [mlp([4, 3, 1], "tanh")]);
    const block = document.textbook.blocks.find(({ kind }) => kind === "sigmoidCrossEntropy");
    expect(block?.backward.at(-1)?.text).toMatch(/\(a − y\)$/);
    const byHand = (w: Tensor): Tensor => x.matmul(w).softmax().slice(null, 0).log().mean().neg();
    expect(kindsOf(explain(byHand, [normal64(4, [4, 3])]).document)).toContain("softmaxCrossEntropy");
  });

  it("attention and layer normalisation are found inside a block that is no plain network", () => {
    setSeed(3);
    const block = new TransformerBlock(8, 2, { dtype: "float64" });
    const x = normal64(5, [2, 4, 8]);
    const { document } = explain((b: TransformerBlock) => b.forward(x).square().mean(), [block]);
    expect(document.equations.status).toBe("refused");
    const kinds = kindsOf(document);
    expect(kinds.filter((kind) => kind === "layerNorm")).toHaveLength(2);
    expect(kinds.filter((kind) => kind === "softmax")).toHaveLength(1);
    expect(kinds.filter((kind) => kind === "dense").length).toBeGreaterThanOrEqual(3);
  });

  it("stand for different operations, each with numbers that match", async () => {
    for (const { prepare } of workedExamples) {
      const { f, args, names } = await prepare();
      const { textbook, graph } = explain(f, args, { names }).document;
      for (const { check, operations, title } of textbook.blocks) {
        expect(check.agrees, title).toBe(true);
        expect(numberOf(check.difference), title).toBeLessThanOrEqual(numberOf(check.tolerance));
        for (const id of operations) expect(graph.operations[id], title).toBeDefined();
      }
    }
  });

  it("are left out where the textbook's derivative is another than the graph's", () => {
    const own = activations.get("tanh");
    if (own === undefined) return expect.fail("tanh is not known");
    const table = activations as Map<string, Activation>;
    const x = normal64(2, [3, 4]);
    const f = (m: Sequential): Tensor => m.forward(x).tanh().mean();
    const kinds = (): string[] => kindsOf(explain(f, [mlp([4, 2], "tanh")]).document);
    try {
      expect(kinds()).toEqual(["dense"]);
      // the planted bug: tanh′(a) in place of tanh′(z)
      table.set("tanh", { ...own, derivative: (z) => 1 - Math.tanh(Math.tanh(z)) ** 2 });
      expect(kinds()).toEqual([]);
      table.set("tanh", { ...own, value: (z) => Math.tanh(z) + 1e-6 });
      expect(kinds()).toEqual([]);
    } finally {
      table.set("tanh", own);
    }
  });
});

/** The number a formula of scalars has, as it is written. */
function evaluate(text: string, values: Readonly<Record<string, number>>): number {
  const source = text
    .replaceAll("−", "-")
    .replaceAll("·", "*")
    .replace(/\)\(/g, ")*(")
    .replace(/²/g, "**2")
    .replace(/(sin|cos|log) (\w+|\()/g, (_, name: string, rest: string) =>
      rest === "(" ? `${name}(` : `${name}(${rest})`,
    );
  const functions = {
    σ: (z: number) => 1 / (1 + Math.exp(-z)),
    relu: (z: number) => Math.max(z, 0),
    sin: Math.sin,
    cos: Math.cos,
    log: Math.log,
    exp: Math.exp,
    tanh: Math.tanh,
  };
  const names = [...Object.keys(functions), ...Object.keys(values)];
  const run = new Function(...names, `return ${source};`) as (...given: unknown[]) => number;
  return run(...Object.values(functions), ...Object.values(values));
}

describe("as one formula", () => {
  const cases: readonly [string, (w: Tensor, x: Tensor, b: Tensor) => Tensor][] = [
    ["a neuron", (w, x, b) => w.mul(x).add(b).sigmoid().sub(0.25).square().mul(0.5)],
    [
      "three neurons",
      (w, x, b) =>
        w
          .mul(w.mul(w.mul(x).add(b).sigmoid()).add(b).sigmoid())
          .add(b)
          .tanh(),
    ],
    ["a difference of products", (w, x, b) => w.mul(x).sub(b.mul(w).sub(x)).mul(w.sub(b))],
    ["quotients", (w, x, b) => w.div(x.add(w)).div(b.mul(w)).sub(w.div(b))],
    ["functions in functions", (w, x, b) => w.mul(x).sin().cos().exp().add(w.neg().sin().mul(b)).log()],
    ["repeated uses", (w, x, b) => w.add(w).mul(w).sub(x.sub(w).neg().mul(b))],
    ["a power of a sum", (w, x, b) => w.sub(x).square().square().mul(b).add(w)],
  ];
  it.each(cases)("38: of %s: the formulas, evaluated as written, are the cost and its derivative", (_, f) => {
    const [w, x, b] = random
      .uniform(random.key(9), { shape: [3], dtype: "float64" })
      .add(0.3)
      .arraySync() as number[];
    const document = explain(f, [f64(w), f64(x), f64(b)], { of: "w", names: ["w", "x", "b"] }).document;
    const { expansion } = document.textbook;
    if (expansion.status === "refused") return expect.fail(expansion.reason);
    const right = (text: string): number => evaluate(text.slice(text.indexOf(" = ") + 3), { w, x, b });
    const [cost, slope] = [numberOf(document.cost.value), numberOf(document.target.adjoint)];
    // float64 in another order: some tens of roundings
    expect(Math.abs(right(expansion.cost.text) - cost)).toBeLessThan(1e-13 * (1 + Math.abs(cost)));
    expect(Math.abs(right(expansion.derivative.text) - slope)).toBeLessThan(1e-13 * (1 + Math.abs(slope)));
  });

  it("39: of tensors keeps the order of products and their transposes", () => {
    const a = normal64(1, [2, 3]);
    const f = (v: Tensor): Tensor => v.matmul(a).square().sum();
    const { expansion } = explain(f, [normal64(2, [4, 2])], { names: ["V"] }).document.textbook;
    expect(expansion.status === "expanded" && expansion.derivative.text).toBe("∂C/∂V = (2 · (V @ x)) @ xᵀ");
  });

  it("40: is refused where it grows past reading, with what to read instead", () => {
    const f = (w: Tensor): Tensor => Array.from({ length: 30 }).reduce<Tensor>((v) => v.mul(v).add(v), w);
    const { expansion } = explain(f, [f64(0.1)]).document.textbook;
    expect(expansion.status === "refused" && expansion.reason).toMatch(
      /about [\d.e+,]+ operations, more than the 100 that can be read; the lines of the derivation/,
    );
  });
});
