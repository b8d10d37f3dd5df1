/** Chain rules of vectors and tensors, and what a narration of a gradient rests on, by the numbers of explanations. */
import { describe, expect, it } from "vitest";
import { explain } from "../../src/explain/index.js";
import { checkpoint, grad, jacobian, type Tensor } from "../../src/index.js";
import { sigmoidCrossEntropy } from "../../src/losses/index.js";
import { equationsOf, f64, normal64, numberOf, pathsOf } from "./support.js";

describe("the chain rule", () => {
  it("37, 38: for vectors is a sum over the paths through the Jacobians in between", () => {
    const [a, b] = [normal64(1, [3, 2]), normal64(2, [4, 3])];
    const y1 = (x: Tensor): Tensor => a.matmul(x).tanh();
    const y2 = (v: Tensor): Tensor => b.matmul(v).tanh();
    const z = (v: Tensor): Tensor => v.square().sum();
    const x = f64([0.3, -0.6]);
    const document = explain((v: Tensor) => z(y2(y1(v))), [x], { of: "v[1]" }).document;
    // (∂y1/∂x)ᵀ (∂y2/∂y1)ᵀ ∇z
    const inner = jacobian(y1)(x);
    const outer = jacobian(y2)(y1(x));
    const gradient = inner.transpose().matmul(outer.transpose().matmul(grad(z)(y2(y1(x)))));
    expect(numberOf(document.target.adjoint)).toBeCloseTo(gradient.slice(1).itemSync(), 14);
    const paths = pathsOf(document);
    // one for each pair of an element of y2 and one of y1
    expect(paths.count).toBe("12");
    expect(paths.sum.agrees).toBe(true);
  });

  it("39: for tensors adds up over every element of what lies between", () => {
    const w = normal64(3, [2, 3]);
    const x = normal64(4, [3, 2]);
    const document = explain((v: Tensor) => w.matmul(v).sigmoid().sum(), [x], { of: "v[2,0]" }).document;
    const paths = pathsOf(document);
    expect(paths.count).toBe("2");
    const slopes = w.matmul(x).sigmoid();
    const towardsY = slopes.mul(slopes.neg().add(1));
    const expected = [0, 1].map((row) => towardsY.slice(row, 0).itemSync() * w.slice(row, 2).itemSync());
    expect(paths.listed.map(({ value }) => numberOf(value)).sort()).toEqual(expected.sort());
  });

  it("40: of f(f(f(w))) is the same stored and computed again; only what is kept differs", () => {
    const f = (v: Tensor): Tensor => v.sin();
    const stored = explain((w: Tensor) => f(f(f(w))), [f64(0.7)]).document;
    const again = explain((w: Tensor) => checkpoint((v: Tensor) => f(f(f(v))))(w), [f64(0.7)]).document;
    expect(again.target.adjoint).toBe(stored.target.adjoint);
    expect(pathsOf(again).listed).toEqual(pathsOf(stored).listed);
    expect([stored.graph.savedBytes, stored.graph.recomputedBytes]).toEqual([16, 0]);
    expect([again.graph.savedBytes, again.graph.recomputedBytes]).toEqual([0, 16]);
  });

  it("37: of the whole graph is written as let-bound lines, forward and back", () => {
    const { derivation } = explain((w: Tensor) => w.mul(w).sin(), [f64(0.7)]).document;
    if ("status" in derivation) return expect.fail(derivation.reason);
    expect(derivation.map(({ formula }) => formula.text)).toEqual([
      "v1 = w · w",
      "C = sin v1",
      "∂C/∂C = 1",
      "∂C/∂v1 += ∂C/∂C · cos v1",
      "∂C/∂w += ∂C/∂v1 · w",
      "∂C/∂w += ∂C/∂v1 · w",
    ]);
  });
});

describe("what a story of a gradient rests on", () => {
  const x = normal64(5, [1, 2]);
  const y = f64([[1]]);
  const net = {
    w1: normal64(6, [3, 2]),
    b1: normal64(7, [3]),
    w2: normal64(8, [1, 3]),
    b2: normal64(9, [1]),
  };
  const cost = (n: typeof net): Tensor =>
    sigmoidCrossEntropy(x.matmul(n.w1.transpose()).add(n.b1).sigmoid().matmul(n.w2.transpose()).add(n.b2), y);
  const at = (of: string) => explain(cost, [net], { of }).document;

  it("42: one step leads to the output layer, two more to the layer before", () => {
    const lengths = ["b2[0]", "w2[0,1]", "b1[1]", "w1[1,0]"].map(
      (of) => pathsOf(at(of)).listed[0].factors.length,
    );
    expect(lengths).toEqual([2, 2, 4, 4]);
  });

  it("44: an output below its target has a negative error, so descent raises its bias", () => {
    const { target } = at("b2[0]");
    expect(numberOf(target.adjoint)).toBeLessThan(0);
    expect(explain(cost, [net], { of: "b2[0]" }).toText().replace(/\s+/g, " ")).toContain(
      "Raising it a little lowers the cost, so descent raises it.",
    );
  });

  it("46, 48: the factors are the error, the weight it is sent back through, the slope, and the input", () => {
    const paths = pathsOf(at("w1[1,0]"));
    const meanings = paths.listed[0].factors.map(({ edge }) => paths.edges[edge].meaning?.text);
    expect(meanings[0]).toMatch(/^0\.\d+ − 1$/);
    expect(meanings.slice(1, 3)).toEqual(["w2[0,1]", "a1[0,1](1 − a1[0,1])"]);
    expect(numberOf(paths.listed[0].factors[1].value)).toBe(net.w2.slice(0, 1).itemSync());
    expect(numberOf(paths.listed[0].factors[3].value)).toBe(x.slice(0, 0).itemSync());
  });

  it("47: σ′ is at most a quarter, at z = 0", () => {
    const slopeAt = (z: number): number =>
      numberOf(explain((w: Tensor) => w.sigmoid(), [f64(z)]).document.target.adjoint);
    expect(slopeAt(0)).toBe(0.25);
    for (const z of [-4, -1, 0.5, 3]) expect(slopeAt(z)).toBeLessThan(0.25);
  });

  it("49: the whole of it is (a − y), with no slope of the output left", () => {
    const { cost: form, list } = equationsOf(at("w1[1,0]"));
    expect(form.kind).toBe("sigmoidCrossEntropy");
    expect(list[0].symbolic.text).toBe("δ2 = a2 − y");
    expect(form.cancellation).toHaveLength(3);
  });
});

describe("what is too much", () => {
  it("is refused with what to do instead: more links than can be followed", () => {
    const many = normal64(10, [700, 700]);
    const document = explain((w: Tensor) => many.mul(w).exp().sum(), [f64(0.1)]).document;
    expect(document.paths).toMatchObject({
      status: "refused",
      reason: expect.stringContaining("reverse accumulation"),
    });
    expect(document.check.verdict).toBe("ok");
  });

  it("or too little: a cost that is its own argument has an empty product", () => {
    const document = explain((w: Tensor) => w, [f64(2)]).document;
    expect(document.target.adjoint).toBe(1);
    expect(pathsOf(document)).toMatchObject({
      count: "1",
      listed: [{ factors: [], value: 1 }],
      accumulation: { edges: 0, additions: 0, pathMultiplications: "0" },
    });
  });
});
