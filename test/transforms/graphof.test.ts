/** graphOf: text, DOT and JSON of a graph, their round trips, and its cost. */
import { describe, expect, test } from "vitest";
import {
  AdjointError,
  checkpoint,
  conv,
  Graph,
  grad,
  graphOf,
  jit,
  random,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
} from "../../src/index.js";
import { fromNode } from "../../src/tensor/convert.js";
import { apply, casesOf, inputsOf, primitiveNames, sameElements } from "../primitives/cases.js";
import { tensorsOf } from "./agree.js";
import { argumentsOf } from "./composition.js";
import { compositions } from "./compositions.js";
import { buildGraph, parseGraph, runGraph, withoutCosts } from "./parse-graph.js";

const whole = { maxConstant: Number.POSITIVE_INFINITY };

/** Reads text and JSON back and runs both; what they give must be what f gives, to the bit. */
function roundTrip(f: (...xs: Tensor[]) => unknown, args: readonly Tensor[]): void {
  const graph = graphOf(f, ...args);
  const text = graph.toString(whole);
  const parsed = parseGraph(text);
  const listing = JSON.parse(JSON.stringify(graph)) as ReturnType<Graph["toJSON"]>;
  expect(parsed).toEqual(withoutCosts(graph.toJSON()));
  expect(listing).toEqual(graph.toJSON());
  const expected = tensorsOf(f(...args)).map((y) => Array.from(y.dataSync()));
  for (const read of [buildGraph(parsed, parsed.functions), buildGraph(listing, listing.functions)]) {
    const got = runGraph(read, args);
    expect(got.length).toBe(expected.length);
    got.forEach((values, i) => {
      expect(sameElements(values, expected[i]), `${text}\n${values} ≠ ${expected[i]}`).toBe(true);
    });
  }
}

describe("the printing round trip", () => {
  test.each(primitiveNames)("%s reads back from its text and its JSON", (name) => {
    for (const each of casesOf(name)) {
      const inputs = inputsOf(each).map(fromNode);
      if (inputs.length > 0) roundTrip((...xs) => apply(each, xs).map(fromNode), inputs);
    }
  });

  test.each(compositions)("$name and its gradient read back", (composition) => {
    const args = argumentsOf(composition);
    const loss = (...xs: Tensor[]): Tensor =>
      tensorsOf(composition.f(...xs))
        .map((y) => y.sin().sum())
        .reduce((a, b) => a.add(b));
    roundTrip((...xs) => tensorsOf(composition.f(...xs)), args);
    roundTrip((...xs) => valueAndGrad(loss, { argnums: xs.map((_, i) => i) })(...xs), args);
  });

  test("constants of every kind read back: NaN, infinities, −0, short decimals of float32", () => {
    const odd = tensor([Number.NaN, Infinity, -Infinity, -0, 0.1, 1 / 3, 1e-40, 3.4e38]);
    roundTrip((x) => x.mul(odd).add(0.1).maximum(-Infinity), [tensor([1, 1, 1, 1, 1, 1, 1, 1])]);
    roundTrip((x) => x.pad([[1, 1]], -Infinity), [tensor([1])]);
  });

  test("calls read back with the functions they call, nested", () => {
    const inner = jit((x: Tensor) => x.sin().mul(2));
    const outer = jit((x: Tensor) => inner(x).add(inner(x.mul(3))));
    roundTrip((x) => outer(x), [tensor([1, 2])]);
    roundTrip((x) => checkpoint((y: Tensor) => y.exp().sin())(x).sum(), [tensor([1, 2])]);
    roundTrip((x) => vmap((y: Tensor) => outer(y).sum())(x), [tensor([[1, 2]])]);
    roundTrip((x) => grad((y: Tensor) => outer(y).sum())(x), [tensor([1, 2])]);
  });

  test("random numbers read back", () => {
    roundTrip((key) => random.normal(key, { shape: [5] }), [random.key(3)]);
  });
});

describe("the text", () => {
  test("has one operation a line, with shapes, dtypes and parameters", () => {
    const graph = graphOf(
      (x: Tensor, b: Tensor) => x.add(b).relu().sum(1),
      tensor([[1, 2, 3]]),
      tensor([1, 2, 3]),
    );
    expect(String(graph)).toBe(
      [
        "graph(%0: float32[1, 3], %1: float32[3]) {",
        "  %2 = constant 0 : float32[1, 3]",
        "  %3 = constant 0 : float32[1, 3]",
        "  %4 = broadcast(%1) {axes: [0], sizes: [1]} : float32[1, 3]",
        "  %5 = add(%0, %4) : float32[1, 3]",
        "  %6 = le(%5, %2) : bool[1, 3]",
        "  %7 = select(%6, %3, %5) : float32[1, 3]",
        "  %8 = sum(%7) {axes: [1]} : float32[1]",
        "  return %8",
        "}",
      ].join("\n"),
    );
  });

  test("abbreviates large constants", () => {
    const big = tensor(Float32Array.from({ length: 100 }, (_, i) => i));
    expect(String(graphOf((x: Tensor) => x.add(big), big))).toMatch(
      /constant \[0, 1, .*15, … 84 more\] : float32\[100\]/,
    );
  });
});

test("the DOT form names every operation and argument, once each, and closes", () => {
  const dot = graphOf(
    (p: { w: Tensor }, x: Tensor) => x.matmul(p.w).tanh(),
    { w: tensor([[1]]) },
    tensor([[2]]),
  ).toDot();
  expect(dot).toMatch(/^digraph adjoint \{\n/);
  expect(dot.match(/label="0\.w\\nfloat32\[1, 1\]"/g)).toHaveLength(1);
  expect(dot.match(/label="tanh"/g)).toHaveLength(1);
  expect(dot.match(/ -> /g)).toHaveLength(4);
  expect(dot.endsWith("}")).toBe(true);
});

test("the JSON says what it is", () => {
  const json = graphOf((x: Tensor) => x.sin(), tensor([1])).toJSON();
  expect([json.format, json.version]).toEqual(["adjoint-graph", 1]);
});

describe("the cost", () => {
  test("of a matrix product is 2 m k n, and the bytes are those of operands and result", () => {
    const { flops, bytes, operations } = graphOf(
      (a: Tensor, b: Tensor) => a.matmul(b),
      random.normal(random.key(0), { shape: [8, 16] }),
      random.normal(random.key(0), { shape: [16, 4] }),
    ).cost();
    expect([flops, bytes]).toEqual([2 * 8 * 16 * 4, 4 * (8 * 16 + 16 * 4 + 8 * 4)]);
    expect(operations).toEqual([{ primitive: "dot", flops, bytes }]);
  });

  test("of a convolution counts every multiplication, and a call costs what it calls", () => {
    const x = random.normal(random.key(0), { shape: [2, 3, 8, 8] });
    const w = random.normal(random.key(0), { shape: [4, 3, 3, 3] });
    const f = (a: Tensor, b: Tensor): Tensor => conv(a, b, { padding: 1 });
    expect(graphOf(f, x, w).cost().flops).toBe(2 * (2 * 4 * 8 * 8) * (3 * 3 * 3));
    expect(graphOf(jit(f), x, w).cost().flops).toBe(graphOf(f, x, w).cost().flops);
  });

  test("is the sum of its operations'", () => {
    const { flops, bytes, operations } = graphOf(
      grad((x: Tensor) => x.tanh().mul(x).sum()),
      tensor([1, 2, 3]),
    ).cost();
    expect(operations.reduce((sum, each) => sum + each.flops, 0)).toBe(flops);
    expect(operations.reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes);
  });
});

describe("what it takes", () => {
  test("trees and numbers, whose values it does not read", () => {
    const graph = graphOf((p: { a: Tensor[] }, n: Tensor) => p.a[0].mul(n), { a: [tensor([1, 2])] }, 3);
    expect(graph.toJSON().inputs.map(({ name }) => name)).toEqual(["0.a.0", "1"]);
    expect(graph).toBeInstanceOf(Graph);
  });

  test("a function that reads a value is refused, with the place in its message", () => {
    const reads = (): unknown => graphOf((x: Tensor) => (x.sum().itemSync() > 0 ? x : x.neg()), tensor([1]));
    expect(reads).toThrow(AdjointError);
    expect(reads).toThrow(/inside graphOf.*graphof\.test\.ts/);
  });

  test("operations that no result needs are left out", () => {
    const graph = graphOf(
      (x: Tensor) => {
        x.exp();
        return x.sin();
      },
      tensor([1]),
    );
    expect(graph.toJSON().operations.map(({ primitive }) => primitive)).toEqual(["sin"]);
  });
});
