/** The four fundamental equations: found in a network, in every layout, with the cancellation at the output. */
import { describe, expect, it } from "vitest";
import { type Equation, explain } from "../../src/explain/index.js";
import { concat, grad, oneHot, softmax, type Tensor, tensor } from "../../src/index.js";
import { quadratic, sigmoidCrossEntropy, softmaxCrossEntropy } from "../../src/losses/index.js";
import { equationsOf, f64, normal64, numberOf, pathsOf } from "./support.js";

const x = normal64(1, [4, 3]);
const y = normal64(2, [4, 2]).sigmoid();
const net = {
  w1: normal64(3, [5, 3]),
  b1: normal64(4, [5]),
  w2: normal64(5, [2, 5]),
  b2: normal64(6, [2]),
};
type Net = typeof net;
const labels = tensor([0, 1, 1, 0], { dtype: "int32" });

/** The output layer's z, with `f` in the hidden layer. */
const logits = (n: Net, f: (z: Tensor) => Tensor): Tensor =>
  f(x.matmul(n.w1.transpose()).add(n.b1)).matmul(n.w2.transpose()).add(n.b2);
const sigmoid = (z: Tensor): Tensor => z.sigmoid();
const identity = (z: Tensor): Tensor => z;

const costs: Record<string, (n: Net) => Tensor> = {
  "quadratic, sigmoid": (n) => quadratic(logits(n, sigmoid).sigmoid(), y),
  "quadratic, tanh": (n) => quadratic(logits(n, (z) => z.tanh()).tanh(), y),
  "quadratic, relu and linear": (n) =>
    quadratic(
      logits(n, (z) => z.relu()),
      y,
    ),
  "quadratic, gelu": (n) => quadratic(logits(n, (z) => z.gelu()).sigmoid(), y),
  "quadratic, linear neurons": (n) => quadratic(logits(n, identity), y),
  "quadratic of a softmax": (n) => quadratic(softmax(logits(n, sigmoid)), y),
  "a hidden softmax": (n) =>
    quadratic(
      logits(n, (z) => softmax(z)),
      y,
    ),
  "sigmoid cross-entropy": (n) => sigmoidCrossEntropy(logits(n, sigmoid), y),
  "softmax cross-entropy": (n) => softmaxCrossEntropy(logits(n, sigmoid), labels),
};

const explained = (cost: (n: Net) => Tensor, of = "w1[1,2]") => explain(cost, [net], { of }).document;
const named = (list: readonly Equation[], name: string, layer: number): Equation => {
  const found = list.find((equation) => equation.name === name && equation.layer === layer);
  return found ?? expect.fail(`no ${name} of layer ${layer}`);
};
const elements = (equation: Equation): number[] => (equation.value.values.elements ?? []).map(numberOf);

describe("the four equations", () => {
  it.each(Object.keys(costs))("06, 24–27: in a network with %s are the gradients of grad", (name) => {
    const { list } = equationsOf(explained(costs[name]));
    const gradients = grad(costs[name])(net);
    const pairs: [string, number, Tensor][] = [
      ["BP4", 1, gradients.w1],
      ["BP3", 1, gradients.b1],
      ["BP4", 2, gradients.w2],
      ["BP3", 2, gradients.b2],
    ];
    for (const [equation, layer, expected] of pairs)
      expect(elements(named(list, equation, layer))).toEqual(Array.from(expected.dataSync()));
    expect(list.map(({ name: of, layer }) => `${of} ${layer}`)).toEqual([
      "BP1 2",
      "BP3 2",
      "BP4 2",
      "BP2 1",
      "BP3 1",
      "BP4 1",
    ]);
  });

  it.each(Object.keys(costs))("23: all eight layouts of %s agree, each computed as it is written", (name) => {
    for (const equation of equationsOf(explained(costs[name])).list) {
      expect(equation.forms).toHaveLength(8);
      expect(new Set(equation.forms.map(({ layout, batch }) => `${layout} ${batch}`)).size).toBe(8);
      for (const { check } of equation.forms) expect(check).toMatchObject({ agrees: true });
    }
  });

  it("23: dimension lines say what is multiplied by what", () => {
    const one = {
      w1: normal64(7, [30, 20]),
      b1: normal64(8, [30]),
      w2: normal64(9, [10, 30]),
      b2: normal64(10, [10]),
    };
    const input = normal64(11, [20]);
    const cost = (n: typeof one): Tensor =>
      quadratic(n.w2.matmul(n.w1.matmul(input).add(n.b1).sigmoid()).add(n.b2).sigmoid(), normal64(12, [10]));
    const { list } = equationsOf(explain(cost, [one], { of: "w1[0,0]" }).document);
    const line = (equation: string, layer: number, layout: string, batch: string) =>
      named(list, equation, layer).forms.find((form) => form.layout === layout && form.batch === batch)
        ?.dimensions;
    expect(line("BP2", 1, "denominator", "column")).toBe("[30×10][10×1] → [30×1]");
    expect(line("BP2", 1, "numerator", "column")).toBe("[1×10][10×30] → [1×30]");
    expect(line("BP2", 1, "shape", "rowBatch")).toBe("[1×10][10×30] → [1×30]");
    expect(line("BP4", 1, "denominator", "column")).toBe("[30×1][1×20] → [30×20]");
    expect(line("BP4", 1, "numerator", "column")).toBe("[20×1][1×30] → [20×30]");
    expect(line("BP4", 1, "denominator", "rowBatch")).toBe("[20×1][1×30] → [20×30]");
    expect(line("BP4", 1, "index", "column")).toBe("j = 1…30, k = 1…20, x = 1…1");
  });

  it("19, 27: BP4 in index form is a_k δ_j, and the substituted entry is the target's own", () => {
    const document = explained(costs["quadratic, sigmoid"]);
    const bp4 = named(equationsOf(document).list, "BP4", 1);
    expect(bp4.forms.find(({ layout }) => layout === "index")?.formula.text).toBe(
      "∂C/∂w1_jk = Σ_x x_xk δ1_xj",
    );
    expect(bp4.substituted.text).toContain("∂C/∂w1[1,2] = ");
    expect(bp4.substituted.text).toContain(
      String(Number(numberOf(document.target.adjoint).toPrecision(6))).replace("-", "−"),
    );
  });

  it("45: in rows the gradients are aᵀ δ and 1ᵀ δ", () => {
    const { list } = equationsOf(explained(costs["quadratic, sigmoid"]));
    const rows = (name: string) =>
      named(list, name, 1).forms.find(
        ({ layout, batch }) => layout === "denominator" && batch === "rowBatch",
      );
    expect(rows("BP4")).toMatchObject({
      formula: { text: "∂C/∂w1 = xᵀ δ1" },
      dimensions: "[3×4][4×5] → [3×5]",
    });
    expect(rows("BP3")).toMatchObject({
      formula: { text: "∂C/∂b1 = 1ᵀ δ1" },
      dimensions: "[1×4][4×5] → [1×5]",
    });
  });

  it("24: softmax couples the outputs, and its Jacobian is diag(a) − a aᵀ", () => {
    for (const name of ["quadratic of a softmax", "softmax cross-entropy"]) {
      const { jacobian } = named(equationsOf(explained(costs[name])).list, "BP1", 2);
      const example = jacobian?.example ?? 0;
      const a = softmax(logits(net, sigmoid)).slice(example).dataSync();
      const matrix = (jacobian?.matrix.values.elements ?? []).map(numberOf);
      [0, 1].forEach((k) => {
        [0, 1].forEach((j) => {
          expect(matrix[k * 2 + j]).toBeCloseTo(a[k] * ((j === k ? 1 : 0) - a[j]), 14);
        });
      });
    }
  });

  it("31: linear neurons have σ′ = 1", () => {
    const { layers, list } = equationsOf(explained(costs["quadratic, linear neurons"]));
    expect(layers.map(({ activation }) => activation.name)).toEqual(["identity", "identity"]);
    expect(named(list, "BP2", 1).substituted.text).toContain("= 1 · (");
  });

  it("30: one modified neuron gives its own f′ in its place", () => {
    const mixed = (z: Tensor): Tensor =>
      concat([z.slice(null, [0, 4]).sigmoid(), z.slice(null, [4, 5]).tanh()], 1);
    const document = explained((n) => quadratic(logits(n, mixed).sigmoid(), y), "b1[4]");
    const bp2 = named(equationsOf(document).list, "BP2", 1);
    expect(bp2.check.agrees).toBe(true);
    expect(pathsOf(document).sum.agrees).toBe(true);
    expect(document.check.verdict).toBe("ok");
  });

  it("20: the cost is recognised with its scale and its targets", () => {
    const quadraticCost = equationsOf(explained(costs["quadratic, sigmoid"])).cost;
    expect(quadraticCost).toMatchObject({ kind: "quadratic", scale: 0.25, check: { agrees: true } });
    quadraticCost.target?.values.elements?.forEach((value, i) => {
      // y comes back from a − ∂C/∂a / s: a rounding or two
      expect(numberOf(value)).toBeCloseTo(y.dataSync()[i], 14);
    });
    const cross = equationsOf(explained(costs["softmax cross-entropy"])).cost;
    expect(cross).toMatchObject({ kind: "softmaxCrossEntropy", scale: 0.25 });
    expect(cross.target?.values.elements).toEqual([1, 0, 0, 1, 0, 1, 1, 0]);
  });

  it("49: with cross-entropy the slope of the activation cancels, in four lines or three, ending at a − y", () => {
    const oneHotLabels = oneHot(labels, 2, { dtype: "float64" });
    const nll = (a: Tensor): Tensor =>
      y
        .mul(a.log())
        .add(y.neg().add(1).mul(a.neg().add(1).log()))
        .neg()
        .sum()
        .div(4);
    const cases: [(n: Net) => Tensor, string, number][] = [
      [costs["sigmoid cross-entropy"], "sigmoidCrossEntropy", 0.125],
      [costs["softmax cross-entropy"], "softmaxCrossEntropy", 0.25],
      // the same written out, where a is a node of the graph
      [(n) => nll(logits(n, sigmoid).sigmoid()), "sigmoidCrossEntropy", 0.25],
      [
        (n) =>
          oneHotLabels
            .mul(softmax(logits(n, sigmoid)).log())
            .sum()
            .neg()
            .div(4),
        "softmaxCrossEntropy",
        0.25,
      ],
    ];
    for (const [cost, kind, scale] of cases) {
      const { cost: form, list } = equationsOf(explained(cost));
      expect(form).toMatchObject({ kind, scale, check: { agrees: true } });
      const last = form.cancellation[form.cancellation.length - 1];
      expect(last.formula.text).toContain(kind === "softmaxCrossEntropy" ? "(a_j − y_j)" : "(a − y)");
      expect(named(list, "BP1", 2).symbolic.text).toBe(`δ2 = ${scale} (a2 − y)`);
    }
  });

  it("a cost that is none of these is not given a form it does not have", () => {
    const { cost, list } = equationsOf(explained((n) => logits(n, sigmoid).sigmoid().exp().sum()));
    expect(cost).toMatchObject({ kind: "other", scale: null, target: null, cancellation: [] });
    expect(list.every(({ check }) => check.agrees)).toBe(true);
  });

  it("a sum of outputs is no sum of squares, though its numbers would allow one", () => {
    // C = z₀ + z₁ = ½ with slopes 1: as Σ (a − y)² with y = −¼ has them too
    const w = tensor([[0.25], [0.25]], { dtype: "float64" });
    const b = tensor([0, 0], { dtype: "float64" });
    const x = tensor([[1]], { dtype: "float64" });
    const cost = (n: { w: Tensor; b: Tensor }): Tensor => x.matmul(n.w.transpose()).add(n.b).sum();
    const { equations } = explain(cost, [{ w, b }], { of: "w[0,0]" }).toJSON();
    expect(equations).toMatchObject({ status: "recognised", cost: { kind: "other" } });
  });

  it("weights stored the other way, and batches as columns, are the same equations", () => {
    const rows = explain(
      (w: Tensor, b: Tensor) => quadratic(x.matmul(w).add(b).sigmoid(), y),
      [normal64(13, [3, 2]), normal64(14, [2])],
    ).document;
    const columns = explain(
      (w: Tensor, b: Tensor) =>
        w
          .matmul(x.transpose())
          .add(b.reshape([2, 1]))
          .sigmoid()
          .sub(y.transpose())
          .square()
          .sum()
          .div(8),
      [normal64(13, [3, 2]).transpose(), normal64(14, [2])],
    ).document;
    const [first, second] = [rows, columns].map((document) => equationsOf(document));
    expect(first.layers[0]).toMatchObject({ stored: "inOut", inputs: 3, outputs: 2 });
    expect(second.layers[0]).toMatchObject({ stored: "outIn", inputs: 3, outputs: 2 });
    expect(first.cost).toMatchObject({ kind: "quadratic", scale: 0.25 });
    expect(second.cost).toMatchObject({ kind: "quadratic", scale: 0.25 });
    for (const { list } of [first, second])
      expect(list.flatMap(({ forms }) => forms).every(({ check }) => check.agrees)).toBe(true);
    const deltas = [first, second].map(({ list }) => elements(named(list, "BP1", 1)));
    deltas[0].forEach((value, i) => {
      expect(value).toBeCloseTo(deltas[1][i], 14);
    });
  });

  it.each([
    [
      "a penalty on the weights",
      (n: Net) => quadratic(logits(n, sigmoid), y).add(n.w1.square().sum()),
      "output alone",
    ],
    [
      "a shared weight",
      (n: Net) =>
        quadratic(
          x.matmul(n.w1.transpose()).sigmoid().matmul(n.w1).matmul(n.w1.transpose()).matmul(n.w2.transpose()),
          y,
        ),
      "more than once",
    ],
    ["no layer", (n: Net) => n.w1.exp().sum(), "no layer"],
  ])("are not claimed for %s", (_, cost, reason) => {
    const { equations } = explained(cost);
    expect(equations).toMatchObject({ status: "refused", reason: expect.stringContaining(reason) });
  });
});

/** `a · b + c = d`, with a label in front or not: what the left side comes to, and what is said. */
function sides(text: string): [computed: number, said: number] | null {
  // sums that are cut short, and Jacobians, are not written out
  if (/more|Σ/.test(text)) return null;
  const parts = text.replace(/^.*: /, "").split(" = ");
  const number = (part: string): number => {
    const code = part
      .replace(/−/g, "-")
      .replace(/·/g, "*")
      .replace(/(\d) (?=[(\d])/g, "$1*");
    return Number(new Function(`return ${code};`)());
  };
  const [left, right] = parts.slice(-2);
  return parts.length < 2 || /[a-zδ∂]/.test(left.replace(/\de-?\d/g, ""))
    ? null
    : [number(left), number(right)];
}

describe("substituted formulas", () => {
  it.each(Object.keys(costs))("of %s are true arithmetic", (name) => {
    const { list, cost } = equationsOf(explained(costs[name]));
    const lines = [...list, ...cost.cancellation].map(({ substituted }) => substituted.text);
    const checked = lines.flatMap((line) => {
      const pair = sides(line);
      return pair === null ? [] : [{ line, pair }];
    });
    expect(checked.length).toBeGreaterThan(2);
    // six digits a number, of which a few are multiplied and added
    for (const { line, pair } of checked)
      expect(Math.abs(pair[0] - pair[1]), line).toBeLessThan(2e-5 * Math.max(1, Math.abs(pair[1])));
  });

  it("of a cancellation end at the error itself", () => {
    for (const name of ["sigmoid cross-entropy", "softmax cross-entropy"]) {
      const { list, cost } = equationsOf(explained(costs[name]));
      const last = cost.cancellation[cost.cancellation.length - 1];
      const end = (text: string): string => text.slice(text.lastIndexOf("=") + 2);
      expect(end(last.substituted.text)).toBe(end(named(list, "BP1", 2).substituted.text));
    }
  });
});

describe("insights", () => {
  it("28: a small input, a saturated output and a small σ′ are the small factors of a path", () => {
    const saturated = explain(
      (w: Tensor, b: Tensor) => w.mul(f64(1e-3)).add(b).sigmoid().sub(1).square().mul(0.5),
      [f64(2), f64(-9)],
    ).document;
    const { edges, listed } = pathsOf(saturated);
    const factors = listed[0].factors.map(({ edge, value }) => [edges[edge].meaning?.text, numberOf(value)]);
    expect(factors.map(([meaning]) => meaning)).toEqual(["a1 − 1", "a1(1 − a1)", "0.001"]);
    expect(factors[1][1]).toBeLessThan(2e-4);
    expect(factors[2][1]).toBe(1e-3);
  });
});
