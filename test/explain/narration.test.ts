/** The narration: every sentence carries its numbers, and none survives a document in which they are others. */
import { describe, expect, it } from "vitest";
import { workedExamples } from "../../src/explain/examples/index.js";
import { type ExplanationDocument, explain } from "../../src/explain/index.js";
import { brokenClaims, narrate, type Told, toldOf } from "../../src/explain/narration/index.js";
import { show } from "../../src/explain/numbers.js";
import { random, type Tensor } from "../../src/index.js";
import { f64, pathsOf } from "./support.js";

const named = (name: string) => {
  const found = workedExamples.find((example) => example.name === name);
  if (found === undefined) return expect.fail(`no example ${name}`);
  return found;
};

async function documentOf(name: string, of?: string): Promise<ExplanationDocument> {
  const example = named(name);
  const { f, args, names } = await example.prepare();
  return explain(f, args, { of: of ?? example.of, names }).document;
}

const story = (document: ExplanationDocument): string =>
  narrate(document)
    .map(({ text }) => text)
    .join("\n");

/** The same document with one number another. */
function changed(document: ExplanationDocument, change: (copy: Mutable) => void): ExplanationDocument {
  const copy = structuredClone(document) as unknown as Mutable;
  change(copy);
  return copy as unknown as ExplanationDocument;
}
type Change = [string, (copy: Mutable) => void];
type Mutable = { [key: string]: Mutable } & { [at: number]: Mutable };

/** A network 2-2-1 at random weights, in float64. */
function randomNetwork(seed: number): ExplanationDocument {
  const keys = random.split(random.key(seed), 6);
  const draw = (at: number, shape: readonly number[]) =>
    random.normal(keys[at], { shape, dtype: "float64" }).mul(2);
  const x = draw(4, [3, 2]);
  const y = random.uniform(keys[5], { shape: [3, 1], dtype: "float64" });
  const net = { w1: draw(0, [2, 2]), b1: draw(1, [2]), w2: draw(2, [2, 1]), b2: draw(3, [1]) };
  const cost = ({ w1, b1, w2, b2 }: typeof net): Tensor =>
    x
      .matmul(w1)
      .add(b1)
      .sigmoid()
      .matmul(w2)
      .add(b2)
      .sigmoid()
      .sub(y)
      .square()
      .sum()
      .mul(1 / 6);
  return explain(cost, [net], { of: "w1[0,1]" }).document;
}

describe("what the narration claims", () => {
  it.each(workedExamples.map(({ name }) => name))("holds for %s, every sentence of it", async (name) => {
    const document = await documentOf(name);
    const told = toldOf(document);
    expect(brokenClaims(told, document)).toEqual([]);
    expect(told.length).toBeGreaterThan(2);
    expect(narrate(document)).toHaveLength(told.length);
  });

  it.each(Array.from({ length: 20 }, (_, seed) => seed))("holds for random weights, seed %i", (seed) => {
    const document = randomNetwork(seed);
    expect(brokenClaims(toldOf(document), document)).toEqual([]);
  });

  it("is not true of another point: most sentences about one network are wrong about the next", () => {
    const told = toldOf(randomNetwork(1));
    const other = randomNetwork(2);
    const wrong = told.filter((one) => brokenClaims([one], other).length > 0);
    expect(wrong.length).toBeGreaterThan(told.length / 2);
  });

  it("has every number of its text among the numbers it asserts", async () => {
    for (const name of ["two-layer", "chain", "row-batch", "cross-entropy-neuron", "mnist"]) {
      const document = await documentOf(name);
      const meanings = pathsOf(document).edges.map(({ meaning }) => ` = ${meaning?.text}`);
      for (const { text, numbers } of toldOf(document)) {
        const known = numbers.flatMap(({ value }) => [2, 3, 4, 6].map((digits) => show(value, digits)));
        // what is part of a symbol (a2[0], 1ᵀ, layer 2) or of a meaning (= a2[0] − 0.01) is no assertion of its own
        const bare = meanings
          .reduce((rest, meaning) => rest.replaceAll(meaning, ""), text)
          .replace(/[\p{L}_.]+\d*(?:\[[\d,]*\])+|[\p{L}_]+\d+|1ᵀ|layer \d+|1\/\(a\(1 − a\)\)/gu, "");
        for (const [number] of bare.matchAll(/(?<![\p{L}\d.])−?\d+(?:\.\d+)?(?:e-?\d+)?/gu))
          expect(known.concat(["1"]), `${number} in: ${text}`).toContain(number);
      }
    }
  });

  it("breaks when a number of the tape is another: each factor, each product, the adjoint, the weights", async () => {
    const document = await documentOf("two-layer", "hidden[0,0]");
    const told = toldOf(document);
    const { listed } = pathsOf(document);
    const changes: Change[] = [
      ...listed[0].factors.flatMap(({ edge, value, product }, at): Change[] => [
        [`factor ${at}`, (d) => set(d.paths.listed[0].factors[at], "value", Number(value) * 1.01)],
        [`edge ${edge}`, (d) => set(d.paths.edges[edge], "value", Number(value) * 1.01)],
        // the product of one factor is that factor, and is not said again
        ...(at === 0
          ? []
          : [
              [
                `product ${at}`,
                (d) => set(d.paths.listed[0].factors[at], "product", Number(product) * 1.01),
              ] satisfies Change,
            ]),
      ]),
      ["the adjoint", (d) => set(d.target, "adjoint", 0.00044)],
      ["its sign", (d) => set(d.target, "adjoint", -0.000438567734)],
      ["the sum", (d) => set(d.paths.sum, "computed", 0.00044)],
      ["the difference quotient", (d) => set(d.check, "numeric", 0.00044)],
      ["the verdict", (d) => set(d.check, "verdict", "wrong")],
      ["the target", (d) => set(d.equations.cost.target.values.elements, 0, 0.9)],
      ["linearity", (d) => set(d.paths.edges[listed[0].factors[2].edge], "linear", false)],
    ];
    for (const [what, change] of changes)
      expect(brokenClaims(told, changed(document, change)), what).not.toEqual([]);
    // activations and weights are witnesses of the slopes and weights on the path
    for (const symbol of ["a1[0]", "a2[0]"]) {
      const vertex = pathsOf(document).vertices.findIndex((one) => one.symbol.text === symbol);
      const moved = changed(document, (d) => set(d.paths.vertices[vertex], "value", 0.9));
      expect(brokenClaims(told, moved).join(), symbol).toContain("is said to be");
    }
    const w2 = document.graph.nodes.findIndex((node) => node.symbol.text === "W2");
    const moved = changed(document, (d) => set(d.graph.nodes[w2].value.elements, 0, 0.41));
    expect(brokenClaims(told, moved).join()).toContain("∂z2[0]/∂a1[0]");
  });

  it("is told as sentences that fall silent when they would be wrong", async () => {
    const document = await documentOf("two-layer");
    const broken = changed(document, (d) => set(d.check, "verdict", "wrong"));
    expect(story(broken)).not.toContain("apart");
  });
});

function set(owner: Mutable, key: string | number, value: number | string | boolean): void {
  (owner as unknown as Record<string | number, unknown>)[key] = value;
}

const pointed = (told: readonly Told[], point: number): string =>
  told
    .filter(({ points }) => points.includes(point))
    .map(({ text }) => text)
    .join("\n");

describe("what the narration says", () => {
  it("44: which way descent goes: against the derivative, and the cost does fall there", async () => {
    for (const of of ["θ1", "θ2"]) {
      const document = await documentOf("chain", of);
      const isUp = Number(document.target.adjoint) > 0;
      const [first] = toldOf(document);
      expect(first.text).toContain(
        `a little ${isUp ? "raises" : "lowers"} the cost, so descent ${isUp ? "lowers" : "raises"}`,
      );
      const { f, args, names } = await named("chain").prepare();
      const moved = args.map((value, i) =>
        names[i] === of ? f64((value as Tensor).itemSync() + (isUp ? -0.01 : 0.01)) : value,
      );
      expect(Number(explain(f, moved, { names }).document.cost.value)).toBeLessThan(
        Number(document.cost.value),
      );
    }
  });

  it("has little to say of a cost that is its own argument", () => {
    const document = explain((x: Tensor) => x, [f64(2)], { of: "x" }).document;
    expect(brokenClaims(toldOf(document), document)).toEqual([]);
    expect(story(document)).toContain("∂C/∂x is 1");
  });

  it("42: how many steps the error takes back, and how much of it arrives", async () => {
    const told = toldOf(await documentOf("two-layer"));
    expect(pointed(told, 42)).toContain("takes 5 steps from the cost back to W1[0,0]");
    expect(pointed(told, 42)).toContain("in layer 2 and");
  });

  it("43: what differences say", async () => {
    expect(pointed(toldOf(await documentOf("two-layer")), 43)).toContain("0.000438568");
  });

  it("44: overshoot asks for a lower bias, undershoot for a higher one, and the step does so", async () => {
    const over = await documentOf("one-neuron");
    expect(pointed(toldOf(over), 44)).toContain("overshoots its target 0");
    expect(pointed(toldOf(over), 44)).toContain("a lower bias there would lower the cost");
    expect(Number(over.target.adjoint)).toBeGreaterThan(0);
    const { f, args } = await named("one-neuron").prepare();
    const under = explain(f, [args[0], args[1], args[2], f64(1)], { of: "b", names: ["w", "b", "x", "y"] });
    expect(pointed(toldOf(under.document), 44)).toContain("undershoots its target 1");
    expect(pointed(toldOf(under.document), 44)).toContain("a higher bias");
    expect(Number(under.document.target.adjoint)).toBeLessThan(0);
  });

  it("45: every example's share of the mean", async () => {
    expect(pointed(toldOf(await documentOf("row-batch")), 45)).toContain("a share of 0.25 in the gradient");
  });

  it("46: the story so far, whose products end at the path's", async () => {
    const document = await documentOf("chain");
    const lines = pointed(toldOf(document), 46).split("\n");
    expect(lines[0]).toContain("The only path takes 5 steps");
    expect(lines.at(-1)).toContain(`so far ${show(document.target.adjoint)}`);
  });

  it("47: σ′ against its peak of 0.25, saturated below 0.05", async () => {
    expect(pointed(toldOf(await documentOf("one-neuron")), 47)).toContain(
      "% of the 0.25 it is at most; so far",
    );
    expect(pointed(toldOf(await documentOf("saturated-neuron")), 47)).toContain("is saturated");
  });

  it("48: a weight magnifies or attenuates, and may turn the sign", async () => {
    const said = pointed(toldOf(await documentOf("chain", "θ1")), 48);
    expect(said).toContain("θ3, 0.9, which attenuates it;");
    expect(said).toContain("θ2, −0.7, which attenuates it and turns its sign;");
  });

  it("49: the slope of σ cancels against the log loss", async () => {
    const said = pointed(toldOf(await documentOf("cross-entropy-neuron")), 49);
    expect(said).toContain("δ is a − y = 0.982014");
  });

  it("50: which slopes are exact, and which are local", async () => {
    expect(pointed(toldOf(await documentOf("linear-neurons")), 50)).toContain("All 3 of its factors");
    expect(pointed(toldOf(await documentOf("two-layer")), 50)).toContain("2 are of linear maps");
    expect(pointed(toldOf(await documentOf("thrice")), 50)).toContain("None of its factors");
  });

  it("17, 28: what a small input means", async () => {
    expect(pointed(toldOf(await documentOf("two-layer")), 17)).toContain("would count 20 times as much");
  });

  it("03: paths that cancel", async () => {
    expect(pointed(toldOf(await documentOf("two-layer")), 3)).toContain("2 paths lead to it");
  });

  it("names the first value, or the first adjoint, that is no number", () => {
    const forward = explain((w: Tensor) => w.exp().add(w.log()).sum(), [f64([1, -2])]).document;
    expect(brokenClaims(toldOf(forward), forward)).toEqual([]);
    expect(story(forward)).toMatch(
      /The first value that is NaN or infinite is v\d+ = log w, in 1 of its elements/,
    );
    const backward = explain((w: Tensor) => w.sqrt().exp().sum(), [f64([0, 4])]).document;
    expect(brokenClaims(toldOf(backward), backward)).toEqual([]);
    expect(story(backward)).toMatch(
      /All values are finite; .* is ∂C\/∂w, through v\d+ = √.*w.*, in 1 of its/,
    );
  });

  it("16: a slope of 0 lets nothing through", async () => {
    expect(story(await documentOf("relu-at-zero"))).toContain("a small change of w changes nothing");
  });
});
