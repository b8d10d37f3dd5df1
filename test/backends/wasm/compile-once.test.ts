/** Equal graphs are compiled once, different ones apart, and programs of one compilation have memory of their own. */
import { describe, expect, it, vi } from "vitest";
import { compileOnce } from "../../../src/backends/wasm/compile-once.js";
import { type Graph, traceGraph } from "../../../src/graph/graph.js";
import { canonicalGraph, closedKey } from "../../../src/graph/graph-key.js";
import { jit, random, type Tensor, tensor, where } from "../../../src/index.js";

const type = { shape: [2, 3], dtype: "float32" } as const;
const graphOf = (f: (x: Tensor) => Tensor): Graph =>
  traceGraph("test", [type], ([leaf]) => [f(leaf as Tensor)]);
const compiled = (f: (x: Tensor) => Tensor, options = {}) =>
  compileOnce(graphOf(f), { donated: [false], ...options });

describe("an equal graph", () => {
  it("is compiled once", () => {
    expect(compiled((x) => x.mul(3).exp())).toBe(compiled((x) => x.mul(3).exp()));
  });

  it("is compiled apart for other options", () => {
    const f = (x: Tensor): Tensor => x.mul(5).exp();
    const ways = [{}, { donated: [true] }, { pinned: [true] }, { pinnedOutputs: true }];
    expect(new Set(ways.map((options) => compiled(f, options))).size).toBe(ways.length);
  });

  it("is compiled again once much else was", () => {
    const first = compiled((x) => x.mul(7).exp());
    for (let i = 0; i < 20; i++) {
      const noise = random.normal(random.key(i), { shape: [1365, 3] });
      compiled((x) => x.sum(0).mul(noise));
    }
    expect(compiled((x) => x.mul(7).exp())).not.toBe(first);
  });

  it("keeps no large constants in memory", () => {
    const long = tensor(new Float32Array(30_000));
    const f = (x: Tensor): Tensor => x.sum().mul(long);
    expect(compiled(f)).not.toBe(compiled(f));
  });
});

describe("a graph is another", () => {
  const pairs: readonly (readonly [string, (x: Tensor) => Tensor, (x: Tensor) => Tensor])[] = [
    ["by a number", (x) => x.mul(3), (x) => x.mul(4)],
    ["by the sign of a zero", (x) => x.mul(0), (x) => x.mul(-0)],
    ["by a sign of infinity", (x) => x.maximum(Infinity), (x) => x.maximum(-Infinity)],
    ["by infinity in place of NaN", (x) => x.maximum(Infinity), (x) => x.maximum(Number.NaN)],
    ["by an element of a constant", (x) => x.mul(tensor([1, 2, 3])), (x) => x.mul(tensor([1, 2, 4]))],
    [
      "by the sign of a zero in a constant",
      (x) => x.mul(tensor([1, 0, 3])),
      (x) => x.mul(tensor([1, -0, 3])),
    ],
    [
      "by the shape of a constant",
      (x) => x.sum().mul(tensor([[1, 2, 3]])),
      (x) => x.sum().mul(tensor([1, 2, 3])),
    ],
    ["by the operation", (x) => x.sin(), (x) => x.cos()],
    ["by the operands' order", (x) => x.sum(0).sub(1), (x) => tensor(1).sub(x.sum(0))],
    ["by an axis", (x) => x.sum(0), (x) => x.sum(1)],
    ["by which value is the output", (x) => x.sin().exp(), (x) => x.exp().sin()],
  ];
  it.each(pairs)("%s", (_, f, g) => {
    expect(closedKey(graphOf(f))).not.toBe(closedKey(graphOf(g)));
    expect(compiled(f)).not.toBe(compiled(g));
  });

  it("by a constant that was donated, which has no elements to compare", () => {
    const gone = jit((x: Tensor) => x.mul(2), { donate: [0] });
    const [state] = [
      gone(
        tensor([
          [1, 2, 3],
          [4, 5, 6],
        ]),
      ),
    ];
    const f = (x: Tensor): Tensor => x.mul(state);
    const before = graphOf(f);
    gone(state);
    expect(closedKey(before)).toBeUndefined();
  });
});

it("a graph with a constant does not stand for an equal one, whose constant outlives its own", () => {
  const of = (constant: Tensor): Graph => graphOf((x) => x.mul(constant));
  const [one, other] = [of(tensor([1, 2, 3])), of(tensor([1, 2, 3]))];
  expect(closedKey(one)).toBe(closedKey(other));
  expect(canonicalGraph(one)).toBe(one);
  expect(canonicalGraph(other)).toBe(other);
  const uniform = graphOf((x) => x.mul(11));
  expect(canonicalGraph(uniform)).toBe(uniform);
  expect(canonicalGraph(graphOf((x) => x.mul(11)))).toBe(uniform);
});

describe("functions with equal graphs", () => {
  const counter = () =>
    jit((state: Tensor, x: Tensor) => [state.mul(0.5).add(x), state.mean()] as const, { donate: [0] });

  it("have states of their own", async () => {
    const [one, other] = [counter(), counter()];
    const start = (value: number): Tensor => tensor(new Float32Array(4096).fill(value));
    const x = tensor(1);
    let [a, b] = [start(0), start(8)];
    for (let i = 0; i < 3; i++) {
      [a] = one(a, x);
      [b] = other(b, x);
    }
    expect((await a.data())[17]).toBe(1.75);
    expect((await b.data())[17]).toBe(2.75);
  });

  it("take the engine's code from each other", () => {
    const made = vi.spyOn(WebAssembly, "Module");
    try {
      const make = (rate: number) => jit((x: Tensor) => where(x.gt(rate), x.tanh().mul(rate), x));
      make(0.37)(tensor([1, 2]));
      expect(made).toHaveBeenCalledTimes(1);
      make(0.37)(tensor([3, 4]));
      expect(made).toHaveBeenCalledTimes(1);
      make(0.38)(tensor([3, 4]));
      expect(made).toHaveBeenCalledTimes(2);
    } finally {
      made.mockRestore();
    }
  });
});
