/** Explanations of the two-layer example with published numbers: 2-2-2, sigmoid, E = Σ ½(target − out)². */
import { describe, expect, it } from "vitest";
import { explain } from "../../src/explain/index.js";
import type { Tensor } from "../../src/index.js";
import {
  equationsOf,
  expectPublished,
  f64,
  factorsAlong,
  numberOf,
  pathsOf,
  symbolsAlong,
} from "./support.js";

const x = f64([0.05, 0.1]);
const y = f64([0.01, 0.99]);
const net = {
  hidden: f64([
    [0.15, 0.2],
    [0.25, 0.3],
  ]),
  output: f64([
    [0.4, 0.45],
    [0.5, 0.55],
  ]),
  b1: f64(0.35),
  b2: f64(0.6),
};
const cost = (n: typeof net): Tensor => {
  const h = n.hidden.matmul(x).add(n.b1).sigmoid();
  const o = n.output.matmul(h).add(n.b2).sigmoid();
  return o.sub(y).square().sum().mul(0.5);
};
const at = (of: string) => explain(cost, [net], { of }).document;

describe("the two-layer example explained", () => {
  it("51: every node has its published value", () => {
    const { graph, cost: total } = at("output[0,0]");
    const valuesOf = (symbol: string) =>
      graph.nodes.find((node) => node.symbol.text === symbol)?.value.elements ?? [];
    expectPublished(numberOf(valuesOf("a1")[0]), "0.593269992");
    expectPublished(numberOf(valuesOf("a1")[1]), "0.596884378");
    expectPublished(numberOf(valuesOf("a2")[0]), "0.75136507");
    expectPublished(numberOf(valuesOf("a2")[1]), "0.772928465");
    expectPublished(numberOf(total.value), "0.298371109");
  });

  it("51: ∂E/∂w5 is one path of three factors, with what each is made of", () => {
    const document = at("output[0,0]");
    const paths = pathsOf(document);
    expectPublished(numberOf(document.target.adjoint), "0.082167041");
    expect(paths.count).toBe("1");
    expect(symbolsAlong(paths, 0)).toEqual(["∂C/∂a2[0]", "∂a2[0]/∂z2[0]", "∂z2[0]/∂W2[0,0]"]);
    expect(paths.listed[0].factors.map(({ edge }) => paths.edges[edge].meaning?.text)).toEqual([
      "a2[0] − 0.01",
      "a2[0](1 − a2[0])",
      "a1[0]",
    ]);
    const [error, slope, input] = factorsAlong(paths, 0);
    expectPublished(error, "0.74136507");
    expectPublished(slope, "0.186815602");
    expectPublished(input, "0.593269992");
    const running = paths.listed[0].factors.map(({ product }) => numberOf(product));
    expect(running).toEqual([error, error * slope, error * slope * input]);
  });

  it("51: ∂E/∂h1 adds up over two paths, 0.055399425 − 0.019049119 = 0.036350306", () => {
    const paths = pathsOf(at("hidden[0,0]"));
    expect(paths.count).toBe("2");
    // the product so far, when a path has come to h1
    const towards = paths.listed.map(({ factors }) => {
      const link = factors.findIndex(
        ({ edge }) => paths.vertices[paths.edges[edge].to].symbol.text === "a1[0]",
      );
      return numberOf(factors[link].product);
    });
    expectPublished(towards[0], "0.055399425");
    expectPublished(towards[1], "-0.019049119");
    const h1 = paths.vertices.find(({ symbol }) => symbol.text === "a1[0]");
    expectPublished(numberOf(h1?.adjoint), "0.036350306");
    // one positive, one negative: what is left of their size after cancelling
    expect(numberOf(paths.survival)).toBeCloseTo(0.036350306 / (0.055399425 + 0.019049119), 6);
  });

  it("51: ∂E/∂w1 is 0.000438568, by paths, by the backward pass and by differences", () => {
    const { target, check, ...document } = at("hidden[0,0]");
    expectPublished(numberOf(target.adjoint), "0.000438568");
    const { sum } = pathsOf({ target, check, ...document });
    expect(sum.agrees).toBe(true);
    expect(Math.abs(numberOf(sum.computed) - numberOf(sum.expected))).toBeLessThan(1e-18);
    expect(check.verdict).toBe("ok");
    // the sweep's best step has some 1e-10 of the cost's own rounding, 1e-17 / 1e-4
    expect(Math.abs(numberOf(check.numeric) - numberOf(target.adjoint))).toBeLessThan(1e-11);
  });

  it("51: one step against the gradients of BP4 gives all eight published weights", () => {
    const { list } = equationsOf(at("hidden[0,0]"));
    const gradient = (layer: number) =>
      list.find((equation) => equation.name === "BP4" && equation.layer === layer)?.value.values.elements ??
      [];
    const step = (w: Tensor, layer: number): number[] =>
      Array.from(w.dataSync(), (value, i) => value - 0.5 * numberOf(gradient(layer)[i]));
    const published = [
      ["0.149780716", "0.19956143", "0.24975114", "0.29950229"],
      ["0.35891648", "0.408666186", "0.51130127", "0.561370121"],
    ];
    [net.hidden, net.output].forEach((w, l) => {
      step(w, l + 1).forEach((value, i) => {
        expectPublished(value, published[l][i]);
      });
    });
  });

  it("51: a bias that two neurons share has the sum of their errors", () => {
    const { list } = equationsOf(at("b2"));
    const of = (name: string, layer: number) =>
      list.find((equation) => equation.name === name && equation.layer === layer);
    const delta = of("BP1", 2)?.value.values.elements ?? [];
    const bias = of("BP3", 2)?.value.values.elements ?? [];
    expect(bias).toHaveLength(1);
    // written in every layout it comes to the same sum
    for (const { check } of of("BP3", 2)?.forms ?? []) expect(check).toMatchObject({ agrees: true });
    expect(numberOf(bias[0])).toBeCloseTo(numberOf(delta[0]) + numberOf(delta[1]), 15);
  });
});
