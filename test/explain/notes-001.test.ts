/** The chain-rule walk: two hidden layers of one neuron each, as lists of factors. */
import { describe, expect, it } from "vitest";
import { explain } from "../../src/explain/index.js";
import { grad, type Tensor } from "../../src/index.js";
import { f64, factorsAlong, numberOf, pathsOf, symbolsAlong } from "./support.js";

const sigma = (z: number): number => 1 / (1 + Math.exp(-z));
const given = { θ1: 0.4, b1: 0.1, θ2: -0.7, b2: 0.2, θ3: 0.9, b3: -0.3, x: 1.5, y: 0.25 };

function cost(
  θ1: Tensor,
  b1: Tensor,
  θ2: Tensor,
  b2: Tensor,
  θ3: Tensor,
  b3: Tensor,
  x: Tensor,
  y: Tensor,
): Tensor {
  const a1 = θ1.mul(x).add(b1).sigmoid();
  const a2 = θ2.mul(a1).add(b2).sigmoid();
  const yhat = θ3.mul(a2).add(b3).sigmoid();
  return yhat.sub(y).square();
}

const args = Object.values(given).map((value) => f64(value));
const at = (of: string) => explain(cost, args, { of }).document;

const z1 = given.θ1 * given.x + given.b1;
const a1 = sigma(z1);
const z2 = given.θ2 * a1 + given.b2;
const a2 = sigma(z2);
const z3 = given.θ3 * a2 + given.b3;
const a3 = sigma(z3);
const slope = (z: number): number => sigma(z) * (1 - sigma(z));
const track = [2 * (a3 - given.y), slope(z3), given.θ3, slope(z2), given.θ2, slope(z1)];

describe("two hidden layers of one neuron", () => {
  it.each([
    ["θ3", ["∂C/∂a3", "∂a3/∂z3", "∂z3/∂θ3"], [...track.slice(0, 2), a2]],
    ["b3", ["∂C/∂a3", "∂a3/∂z3", "∂z3/∂b3"], [...track.slice(0, 2), 1]],
    ["θ2", ["∂C/∂a3", "∂a3/∂z3", "∂z3/∂a2", "∂a2/∂z2", "∂z2/∂θ2"], [...track.slice(0, 4), a1]],
    ["b2", ["∂C/∂a3", "∂a3/∂z3", "∂z3/∂a2", "∂a2/∂z2", "∂z2/∂b2"], [...track.slice(0, 4), 1]],
    ["θ1", ["∂C/∂a3", "∂a3/∂z3", "∂z3/∂a2", "∂a2/∂z2", "∂z2/∂a1", "∂a1/∂z1", "∂z1/∂θ1"], [...track, given.x]],
    ["b1", ["∂C/∂a3", "∂a3/∂z3", "∂z3/∂a2", "∂a2/∂z2", "∂z2/∂a1", "∂a1/∂z1", "∂z1/∂b1"], [...track, 1]],
  ])("13, 15, 18: ∂C/∂%s is the product of the notes' factors, 1 for a bias", (name, symbols, factors) => {
    const document = at(name);
    const paths = pathsOf(document);
    expect(paths.count).toBe("1");
    expect(symbolsAlong(paths, 0)).toEqual(symbols);
    factorsAlong(paths, 0).forEach((value, i) => {
      // a factor is a handful of float64 operations on numbers near 1
      expect(Math.abs(value - factors[i])).toBeLessThan(1e-15);
    });
    const product = factors.reduce((sofar, value) => sofar * value, 1);
    expect(Math.abs(numberOf(document.target.adjoint) - product)).toBeLessThan(1e-15);
  });

  it("14: the product so far is the adjoint of the station reached", () => {
    const paths = pathsOf(at("θ1"));
    for (const { edge, product } of paths.listed[0].factors) {
      const station = paths.vertices[paths.edges[edge].to];
      expect(numberOf(product)).toBeCloseTo(numberOf(station.adjoint), 15);
    }
  });

  it("12: the factors are as many as the composite has links, none left out", () => {
    expect(pathsOf(at("θ1")).listed[0].factors).toHaveLength(7);
  });

  it("17: the last factor towards a weight is its input activation", () => {
    const { edges, listed } = pathsOf(at("θ2"));
    const last = listed[0].factors[listed[0].factors.length - 1];
    expect(edges[last.edge].meaning?.text).toBe("a1");
  });

  it("11: the derivative is what nudging gives, and grad's", () => {
    const names = ["θ1", "b1", "θ2", "b2", "θ3", "b3"];
    names.forEach((name, argument) => {
      const { target, check } = at(name);
      const direct = (
        grad(cost, { argnums: argument as 0 })(...(args as Parameters<typeof cost>)) as Tensor
      ).itemSync();
      expect(target.adjoint).toBe(direct);
      expect(check.verdict).toBe("ok");
    });
  });

  it("16: at 0 relu has no derivative; 0 is chosen, said, and the check leaves it open", () => {
    const { target, assumptions, check, paths } = explain((w: Tensor) => w.relu(), [f64(0)]).document;
    expect(target.adjoint).toBe(0);
    expect(paths).toMatchObject({ count: "1", dead: "1" });
    expect(assumptions.find(({ kind }) => kind === "subgradient")?.text).toContain(
      "the derivative 0 is chosen there",
    );
    expect(check.verdict).toBe("inconclusive");
    expect(numberOf(check.oneSided?.left)).toBeCloseTo(0, 10);
    expect(numberOf(check.oneSided?.right)).toBeCloseTo(1, 10);
  });

  it("16: away from 0 it is 0 on one side and 1 on the other", () => {
    expect(explain((w: Tensor) => w.relu(), [f64(-2)]).document.target.adjoint).toBe(0);
    const positive = explain((w: Tensor) => w.relu(), [f64(2)]).document;
    expect(positive.target.adjoint).toBe(1);
    expect(positive.check.verdict).toBe("ok");
  });
});
