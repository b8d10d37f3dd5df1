/** The document as a whole: the graph, names, refusals, the schema, sizes. */
import { describe, expect, it } from "vitest";
import { type ExplanationDocument, explain, explanationSchema } from "../../src/explain/index.js";
import {
  AdjointError,
  checkpoint,
  grad,
  random,
  setSeed,
  type Tensor,
  tensor,
  vjp,
} from "../../src/index.js";
import { softmaxCrossEntropy } from "../../src/losses/index.js";
import { Activation, Linear, Sequential } from "../../src/nn/index.js";
import { equationsOf, f64, normal64, numberOf, pathsOf } from "./support.js";
import { complaints } from "./validate.js";

const x = normal64(1, [4, 3]);
const labels = tensor([0, 1, 1, 0], { dtype: "int32" });

function network(): Sequential {
  setSeed(5);
  return new Sequential(
    new Linear(3, 5, { dtype: "float64" }),
    new Activation("sigmoid"),
    new Linear(5, 2, { dtype: "float64" }),
  );
}

const cost = (m: Sequential): Tensor => softmaxCrossEntropy(m.forward(x), labels);

function refusal(run: () => unknown): AdjointError {
  try {
    run();
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  return expect.fail("nothing was thrown");
}

describe("the graph", () => {
  it("35, 41: has every operation with its inputs before it, values, and adjoints equal to grad's", () => {
    const model = network();
    const { graph } = explain(cost, [model]).document;
    graph.operations.forEach(({ inputs, outputs }) => {
      for (const output of outputs) for (const input of inputs) expect(input).toBeLessThan(output);
    });
    const gradient = grad(cost)(model);
    const first = gradient.layers[0] as Linear;
    const weight = graph.nodes.find(({ name }) => name === "layers.0.weight");
    expect(weight?.adjoint?.elements).toEqual(Array.from(first.weight.dataSync()));
  });

  it("22: has for every intermediate value the adjoint that a nudge of it has", () => {
    const f = (w: Tensor): Tensor => w.sin().mul(w).exp();
    const { graph } = explain(f, [f64(0.8)]).document;
    const sine = graph.nodes.find(({ operation }) => operation === 0);
    const nudged = (at: Tensor): Tensor => at.mul(f64(0.8)).exp();
    expect(sine?.adjoint?.elements).toEqual(Array.from(grad(nudged)(f64(0.8).sin()).dataSync()));
  });

  it("says which values the backward pass reads, and which a checkpoint computes again", () => {
    const f = (v: Tensor): Tensor => v.sin().exp().sum();
    const plain = explain(f, [f64([1, 2])]).document.graph;
    const saved = plain.nodes.filter((node) => node.saved).map(({ symbol }) => symbol.text);
    // sin′ = cos reads its input, exp′ its output, the sum nothing
    expect(saved).toEqual(["v", "v2"]);
    expect([plain.savedBytes, plain.recomputedBytes]).toEqual([16, 0]);
    const again = explain(checkpoint(f), [f64([1, 2])], { names: ["v"] }).document.graph;
    expect([again.savedBytes, again.recomputedBytes]).toEqual([0, 16]);
    expect(again.operations.map(({ primitive }) => primitive)).toEqual(["sin", "exp", "sum"]);
  });

  it("names the line of the user's code and the functions on the way", () => {
    const { graph } = explain(cost, [network()]).document;
    const products = graph.operations.filter(({ primitive }) => primitive === "dot");
    for (const { place, calls } of products) {
      expect(place?.file).toMatch(/explain\.test\.ts$/);
      expect(calls).toEqual(["Sequential.forward", "Linear.forward", "matmul"]);
    }
    const lines = new Set(graph.operations.map(({ place }) => place?.line));
    expect(lines.size).toBe(1);
  });

  it("45: has adjoints of values with a batch in front, which vjp confirms", () => {
    const w = normal64(2, [3, 2]);
    const { graph } = explain((m: Tensor) => x.matmul(m).sigmoid().mean(), [w]).document;
    const z = graph.nodes.find(({ symbol }) => symbol.text === "z1");
    const [, pull] = vjp((v: Tensor) => v.sigmoid().mean(), x.matmul(w));
    expect(z?.adjoint?.elements).toEqual(Array.from(pull(1)[0].dataSync()));
  });

  it("is that of the branches taken, and says so", () => {
    const f = (w: Tensor): Tensor => (w.gt(0).itemSync() ? w.mul(2) : w.square());
    const { target, assumptions } = explain(f, [f64(3)]).document;
    expect(target.adjoint).toBe(2);
    const said = assumptions.find(({ kind }) => kind === "controlFlow");
    expect(said?.text).toMatch(/explain\.test\.ts:\d+/);
    expect(explain(f, [f64(-3)]).document.target.adjoint).toBe(-6);
  });
});

describe("names", () => {
  const model = network();
  const of = (path: string) => explain(cost, [model], { of: path }).document.target;

  it("are paths with an index, as the model or a state dictionary spells them", () => {
    expect(of("layers.0.weight[3,2]")).toMatchObject({
      path: "layers.0.weight",
      index: [3, 2],
      chosen: "given",
    });
    expect(of("layers[0].weight[3][2]").name).toBe("layers.0.weight[3,2]");
    expect(of("0.weight[-2,-1]").name).toBe("layers.0.weight[3,2]");
    expect(explain(cost, [model], { of: { path: "layers.2.bias", index: [1] } }).document.target.name).toBe(
      "layers.2.bias[1]",
    );
  });

  it("without an index mean the element with the largest derivative", () => {
    const target = of("layers.0.weight");
    const gradient = (grad(cost)(model).layers[0] as Linear).weight.dataSync();
    expect(Math.abs(numberOf(target.adjoint))).toBe(Math.max(...Array.from(gradient, Math.abs)));
    expect(target.chosen).toBe("largest");
  });

  it("of arguments are the function's own, or those given", () => {
    const f = (rate: Tensor, offset: Tensor): Tensor => rate.mul(offset);
    expect(explain(f, [2, 3], { of: "offset" }).document.function.arguments).toEqual(["rate", "offset"]);
    expect(explain(f, [2, 3], { of: "b", names: ["a", "b"] }).document.target.adjoint).toBe(2);
    const taken = explain(
      ([a, b]: Tensor[], { c }: { c: Tensor }, d: Tensor, e = f64(2)) => a.mul(b).mul(c).mul(d).mul(e),
      [[f64(2), f64(3)], { c: f64(1) }, f64(5)],
      { of: "d" },
    ).document;
    expect(taken.function.arguments).toEqual(["x0", "x1", "d"]);
    expect(taken.target.adjoint).toBe(12);
    const list = explain(([a, b]: Tensor[]) => a.mul(b), [[f64(2), f64(3)]], { of: "x[1]" }).document;
    expect(list.target).toMatchObject({ name: "x.1", adjoint: 2 });
  });

  it("that do not exist are refused with the nearest", () => {
    const error = refusal(() => of("layers.0.wieght[1,1]"));
    expect(error.code).toBe("invalid-argument");
    expect(error.message).toMatch(/no parameter "layers\.0\.wieght"; the nearest are layers\.0\.weight, /);
  });

  it.each([
    ["layers.0.weight[5,0]", "index-out-of-range", "axis 0 has 5 elements"],
    ["layers.0.weight[1]", "invalid-argument", "must be 2 numbers for shape [5, 3]"],
    ["layers.0.weight[a,1]", "invalid-argument", "whole numbers"],
    ["", "invalid-argument", "no parameter"],
  ])("with a wrong index are refused: %s", (path, code, message) => {
    const error = refusal(() => of(path));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

describe("what cannot be explained", () => {
  it("is refused by name: costs that are no scalar, functions that wait, arguments without numbers", () => {
    const run = (f: unknown, args: unknown, options?: unknown) =>
      refusal(() => (explain as (...all: unknown[]) => unknown)(f, args, options));
    expect(run((w: Tensor) => w, [f64([1, 2])])).toMatchObject({ code: "non-scalar-output" });
    expect(run(async (w: Tensor) => w, [f64(1)])).toMatchObject({ code: "async-function" });
    expect(run((w: Tensor) => w, [tensor([1], { dtype: "int32" })])).toMatchObject({
      code: "not-differentiable",
    });
    expect(run(3, [])).toMatchObject({ code: "invalid-argument" });
    expect(run((w: Tensor) => w, f64(1))).toMatchObject({ code: "invalid-argument" });
    expect(run((w: Tensor) => w, [f64(1)], { off: "w" }).message).toContain("did you mean of?");
    expect(run((w: Tensor) => w, [f64(1)], { of: 3 }).message).toContain("received 3");
    expect(run((w: Tensor) => w, [f64(1)], { paths: -1 }).message).toContain("received -1");
  });

  it("is a function that throws: its own error, with how far it came", () => {
    const thrown = new TypeError("no such thing");
    const error = refusal(() =>
      explain(
        (w: Tensor) => {
          w.exp().mul(2);
          throw thrown;
        },
        [f64([1, 2])],
      ),
    );
    expect(error.cause).toBe(thrown);
    expect(error.message).toMatch(
      /after 2 operations, the last mul → float64\[2\] at .*explain\.test\.ts:\d+: TypeError: no such thing/,
    );
    const own = refusal(() => explain((w: Tensor) => w.exp().matmul(f64([[1, 2, 3]])), [f64([1, 2])]));
    expect(own.code).toBe("shape-mismatch");
    expect(own.message).toContain("after 1 operation, the last exp");
  });
});

describe("the check", () => {
  it("43: sweeps the step, and the error falls with h² before it rises with 1/h", () => {
    const { check } = explain((w: Tensor) => w.exp(), [f64(1)]).document;
    expect(check.verdict).toBe("ok");
    const errors = check.sweep.map(({ error }) => numberOf(error));
    // e^1: the error of the difference is h²/6, halved by the two derivatives it is held against
    expect(errors[0]).toBeCloseTo(0.1 ** 2 / 12, 5);
    expect(errors[1] / errors[0]).toBeCloseTo(0.01, 3);
    expect(errors[8]).toBeGreaterThan(errors[4]);
  });

  it("is wrong for a wrong rule, and inconclusive for what is not deterministic", () => {
    const wrong = explain(
      (w: Tensor) => {
        // twice the value that the derivative knows of
        const hidden = tensor(w.dataSync(), { shape: [], dtype: "float64" });
        return w.add(hidden);
      },
      [f64(1)],
    ).document;
    expect(wrong.check.verdict).toBe("wrong");
    let runs = 0;
    const once = (w: Tensor): Tensor => {
      if (runs++ > 0) throw new Error("used up");
      return w.exp();
    };
    const { target, check } = explain(once, [f64(1)]).document;
    expect(target.adjoint).toBe(Math.E);
    expect(check).toMatchObject({ verdict: "inconclusive", reason: expect.stringContaining("used up") });
    let calls = 0;
    const restless = explain((w: Tensor) => w.mul(calls++), [f64(1)]).document;
    expect(restless.check).toMatchObject({
      verdict: "inconclusive",
      reason: expect.stringContaining("same point"),
    });
  });
});

describe("the document", () => {
  const documents: [string, () => ExplanationDocument][] = [
    ["a network", () => explain(cost, [network()], { of: "layers.0.weight[1,2]" }).document],
    ["a kink", () => explain((w: Tensor) => w.abs(), [f64(0)]).document],
    ["something infinite", () => explain((w: Tensor) => w.sqrt(), [f64(0)]).document],
    ["a constant", () => explain(() => f64(1), [f64(0)]).document],
    ["plain numbers", () => explain((a: Tensor, b: Tensor) => a.mul(b).relu(), [2, -3]).document],
    [
      "a gather",
      () => explain((w: Tensor) => w.take(tensor([1, 0], { dtype: "int32" })).prod(), [f64([2, 3])]).document,
    ],
  ];

  it.each(documents)("of %s fits its schema, as JSON too", (_, make) => {
    const document = make();
    const parsed: unknown = JSON.parse(JSON.stringify(document));
    expect(complaints(explanationSchema, parsed)).toEqual([]);
    // nothing is lost on the way: no undefined, no NaN
    expect(parsed).toEqual(document);
  });

  it("is refused by the schema where it is spoiled", () => {
    const document = documents[0][1]();
    const spoiled = [
      { ...document, version: 2 },
      { ...document, more: 1 },
      { ...document, target: { ...document.target, adjoint: null } },
      { ...document, paths: { status: "listed" } },
    ];
    for (const each of spoiled) expect(complaints(explanationSchema, each)).not.toEqual([]);
  });

  it("has the schema that docs/explanation.schema.json has", async () => {
    const text = `${JSON.stringify(explanationSchema, null, 1)}\n`;
    await expect(text).toMatchFileSnapshot("../../docs/explanation.schema.json");
  });

  it.each(documents)("of %s is text in 80 columns, with every section", (_, make) => {
    const document = make();
    const text = explain(() => f64(1), [f64(0)]).toText.call({ document } as never) as string;
    for (const line of text.split("\n"))
      expect([...line.replace(/\p{M}/gu, "")].length).toBeLessThanOrEqual(80);
    expect(text).toContain(`∂C/∂${document.target.name} = `);
    for (const part of ["What was computed", "Paths from the cost", "Check by centred differences"])
      expect(text).toContain(part);
    expect(text).not.toMatch(/undefined|\[object/);
  });
});

describe("size", () => {
  it("[784, 30, 10] with a batch is explained whole, by numbers that agree", () => {
    setSeed(1);
    const model = new Sequential(new Linear(784, 30), new Activation("sigmoid"), new Linear(30, 10));
    const batch = random.uniform(random.key(3), { shape: [10, 784] });
    const digits = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 0], { dtype: "int32" });
    const f = (m: Sequential): Tensor => softmaxCrossEntropy(m.forward(batch), digits);
    const explanation = explain(f, [model], { of: "layers.0.weight[3,5]" });
    const { document } = explanation;
    expect(pathsOf(document)).toMatchObject({ count: "100", sum: { agrees: true } });
    expect(equationsOf(document).list.every(({ check }) => check.agrees)).toBe(true);
    expect(document.check.verdict).toBe("ok");
    expect(document.target.adjoint).toBe((grad(f)(model).layers[0] as Linear).weight.dataSync()[3 * 784 + 5]);
    expect(JSON.stringify(explanation).length).toBeLessThan(500_000);
    expect(explanation.toText().split("\n").length).toBeLessThan(400);
  });

  it("a graph of 10,000 nodes ends, with a count nobody could list and a text one can read", () => {
    const f = (w: Tensor): Tensor => {
      let v = w;
      for (let i = 0; i < 3400; i++) v = v.mul(w).add(1e-3).tanh();
      return v;
    };
    const explanation = explain(f, [f64(0.9)]);
    const { graph, derivation, ...document } = explanation.document;
    expect(graph.nodes.length).toBeGreaterThan(10_000);
    expect(BigInt(pathsOf({ graph, derivation, ...document }).count)).toBeGreaterThan(3000n);
    expect(derivation).toMatchObject({ status: "refused" });
    expect(explanation.toText().split("\n").length).toBeLessThan(400);
  });
});
