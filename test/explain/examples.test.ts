/** The worked examples: the notes' numbers, and that every part of an explanation is there for each. */
import { describe, expect, it } from "vitest";
import { workedExamples } from "../../src/explain/examples/index.js";
import { type ExplanationDocument, explain, explanationSchema } from "../../src/explain/index.js";
import { textParts } from "../../src/explain/text.js";
import { equationsOf, expectPublished, numberOf, pathsOf } from "./support.js";
import { complaints } from "./validate.js";

async function documentOf(name: string, of?: string): Promise<ExplanationDocument> {
  const example = workedExamples.find((one) => one.name === name) ?? expect.fail(`no example ${name}`);
  const { f, args, names } = await example.prepare();
  return explain(f, args, { of: of ?? example.of, names }).document;
}

const derivative = async (name: string, of: string): Promise<number> =>
  numberOf((await documentOf(name, of)).target.adjoint);

describe("every worked example", () => {
  it.each(workedExamples)(
    "$name: is checked, its paths add up, its equations agree, its text fits",
    async (example) => {
      const { f, args, names } = await example.prepare();
      const explanation = explain(f, args, { of: example.of, names });
      const { document } = explanation;
      expect(complaints(explanationSchema, JSON.parse(JSON.stringify(document)))).toEqual([]);
      expect(document.check.verdict).toBe(example.name === "relu-at-zero" ? "inconclusive" : "ok");
      expect(pathsOf(document).sum.agrees).toBe(true);
      if (document.equations.status === "recognised")
        for (const { check, forms } of document.equations.list)
          for (const one of [check, ...forms.map((form) => form.check)]) expect(one.agrees).toBe(true);
      for (const line of explanation.toText(textParts).split("\n"))
        expect([...line].filter((character) => !/\p{M}/u.test(character)).length, line).toBeLessThanOrEqual(
          80,
        );
    },
  );

  it("has a name of its own, a default derivative and points of the notes", () => {
    expect(new Set(workedExamples.map(({ name }) => name)).size).toBe(workedExamples.length);
    for (const { points, of, about } of workedExamples) {
      expect(points.length).toBeGreaterThan(0);
      expect([...points].sort((a, b) => a - b)).toEqual(points);
      expect(points.every((point) => point >= 1 && point <= 51)).toBe(true);
      expect(of).not.toBe("");
      expect(about).toMatch(/[.:]/);
    }
  });

  it("together they show the points that an explanation can show", () => {
    const shown = new Set(workedExamples.flatMap(({ points }) => points));
    const missing = Array.from({ length: 51 }, (_, i) => i + 1).filter((point) => !shown.has(point));
    expect(missing).toEqual([]);
  });
});

describe("the notes' numbers", () => {
  it("51: two-layer has the published derivatives", async () => {
    expectPublished(await derivative("two-layer", "output[0,0]"), "0.082167041");
    expectPublished(await derivative("two-layer", "hidden[0,0]"), "0.000438568");
    const { cost } = await documentOf("two-layer");
    expectPublished(numberOf(cost.value), "0.298371109");
  });

  it("10: the neuron starts at 0.82, the saturated one at 0.98 with the smaller derivative", async () => {
    const output = async (name: string): Promise<number> =>
      numberOf(
        (await documentOf(name)).graph.nodes.find(({ symbol }) => symbol.text === "a1")?.value.elements?.[0],
      );
    expectPublished(await output("one-neuron"), "0.82");
    expectPublished(await output("saturated-neuron"), "0.98");
    expect(await derivative("saturated-neuron", "b")).toBeLessThan(await derivative("one-neuron", "b"));
  });

  it("49: with log loss the saturated neuron has the derivative a − y", async () => {
    const a = 1 / (1 + Math.exp(-4));
    expect(Math.abs((await derivative("cross-entropy-neuron", "b")) - a)).toBeLessThan(1e-13);
    expect(equationsOf(await documentOf("cross-entropy-neuron")).cost.kind).toBe("sigmoidCrossEntropy");
  });

  it("13, 18: chain has all six partials, the product of its factors each", async () => {
    const [θ1, b1, θ2, b2, θ3, b3, x, y] = [0.4, 0.1, -0.7, 0.2, 0.9, -0.3, 1.5, 0.25];
    const σ = (z: number): number => 1 / (1 + Math.exp(-z));
    const [a1, slope] = [σ(θ1 * x + b1), (a: number): number => a * (1 - a)];
    const a2 = σ(θ2 * a1 + b2);
    const a3 = σ(θ3 * a2 + b3);
    const δ3 = 2 * (a3 - y) * slope(a3);
    const δ2 = δ3 * θ3 * slope(a2);
    const δ1 = δ2 * θ2 * slope(a1);
    const expected = { θ1: δ1 * x, b1: δ1, θ2: δ2 * a1, b2: δ2, θ3: δ3 * a2, b3: δ3 };
    for (const [name, value] of Object.entries(expected))
      expect(Math.abs((await derivative("chain", name)) - value), name).toBeLessThan(1e-15);
  });

  it("40: thrice is the product of three slopes", async () => {
    const w = 0.8;
    const expected = Math.cos(Math.sin(Math.sin(w))) * Math.cos(Math.sin(w)) * Math.cos(w);
    expect(Math.abs((await derivative("thrice", "w")) - expected)).toBeLessThan(1e-15);
  });

  it("41: repeated has 64 paths over 18 edges", async () => {
    const { count, accumulation } = pathsOf(await documentOf("repeated"));
    expect(count).toBe("64");
    expect(accumulation.multiplications).toBe(18);
  });

  it("24: softmax has its full Jacobian diag(a) − a aᵀ", async () => {
    const { list } = equationsOf(await documentOf("softmax"));
    const values = list[0].jacobian?.matrix.values.elements?.map(numberOf) ?? [];
    expect(values).toHaveLength(9);
    for (const row of [0, 1, 2]) {
      // the outputs add up to 1, so every row of their derivatives adds up to 0
      const sum = values.slice(3 * row, 3 * row + 3).reduce((total, value) => total + value, 0);
      expect(Math.abs(sum)).toBeLessThan(1e-15);
    }
    expect(values[1]).toBeLessThan(0);
  });

  it("16: relu-at-zero chooses the derivative 0 and says so", async () => {
    const { target, check, assumptions } = await documentOf("relu-at-zero");
    expect(target.adjoint).toBe(0);
    expect(check.oneSided).not.toBeNull();
    expect(assumptions.some(({ kind }) => kind === "subgradient")).toBe(true);
  });

  it("30, 31: the modified neuron has tanh′ in its one place, linear neurons have 1", async () => {
    const z = 0.15 * 0.05 + 0.2 * 0.1 + 0.35;
    const a = Math.tanh(z);
    expect(
      Math.abs((await derivative("modified-neuron", "w[0,0]")) - (a - 0.01) * (1 - a * a) * 0.05),
    ).toBeLessThan(1e-15);
    const σ = 1 / (1 + Math.exp(-(0.25 * 0.05 + 0.3 * 0.1 + 0.35)));
    expect(
      Math.abs((await derivative("modified-neuron", "w[1,0]")) - (σ - 0.99) * σ * (1 - σ) * 0.05),
    ).toBeLessThan(1e-15);
    // x · (w2[0,0] − 2 w2[1,0])
    expect(await derivative("linear-neurons", "w1[0,0]")).toBeCloseTo(0.5 * (1.5 - 2 * 0.25), 15);
  });
});
