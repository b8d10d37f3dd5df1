/** Kernels and leaves under the names people know them by. */
import { describe, expect, it } from "vitest";
import { describeKernels, shortNames } from "../../src/compiler/describe.js";
import type { DotKernel, Expr, LoopKernel, Schedule } from "../../src/loops/ir.js";

describe("short names of leaves", () => {
  it("are the last word, with the layer's place as a subscript", () => {
    expect(shortNames(["model.layers.0.weight", "model.layers.12.bias", "x", "pair.1"])).toEqual([
      "weight₀",
      "bias₁₂",
      "x",
      "pair₁",
    ]);
  });

  it("are told apart by the word in which their paths differ", () => {
    const paths = ["model.layers.0.weight", "state.velocity.layers.0.weight", "state.second.layers.0.weight"];
    expect(shortNames(paths)).toEqual(["weight₀", "velocity.weight₀", "second.weight₀"]);
    expect(shortNames(["teacher.weight", "student.weight"])).toEqual(["weight", "student.weight"]);
  });

  it("are never shared", () => {
    const paths = ["a.b.c", "d.b.c", "d.e.c", "d.b.f.c", "c"];
    expect(new Set(shortNames(paths)).size).toBe(paths.length);
  });
});

const load = (buffer: number): Expr => ({ kind: "load", dtype: "float32", buffer, offset: 0, strides: [1] });
const number = (value: number): Expr => ({ kind: "constant", dtype: "float32", value });
const binary = (op: "add" | "sub" | "mul" | "div" | "max", x: Expr, y: Expr): Expr => ({
  kind: "binary",
  op,
  dtype: "float32",
  x,
  y,
});

/** The formula of a kernel that stores one value into buffer 0; the others are a, b, c and d. */
function formula(value: Expr, reductions: LoopKernel["reductions"] = []): string {
  const kernel: LoopKernel = {
    kind: "loops",
    name: "test",
    loops: [4],
    reducedLoops: reductions.length,
    reductions,
    stores: [{ buffer: 0, offset: 0, strides: [1], value }],
  };
  return formulaOf(kernel);
}

function formulaOf(kernel: LoopKernel | DotKernel): string {
  const buffers = Array.from({ length: 5 }, () => ({
    dtype: "float32" as const,
    length: 4,
    space: "arena" as const,
    address: 0,
  }));
  const schedule: Schedule = { buffers, kernels: [kernel], staticBytes: 0, arenaBytes: 0 };
  const names = new Map([..."abcd"].map((name, i) => [i + 1, name]));
  return describeKernels(schedule, names)[0].formula;
}

const [a, b, c] = [load(1), load(2), load(3)];

describe("formulas", () => {
  it("have brackets where they are needed, and nowhere else", () => {
    expect(formula(binary("add", a, binary("mul", b, c)))).toBe("t₁ = a + b·c");
    expect(formula(binary("mul", a, binary("add", b, c)))).toBe("t₁ = a·(b + c)");
    expect(formula(binary("sub", a, binary("sub", b, c)))).toBe("t₁ = a − (b − c)");
    expect(formula(binary("sub", binary("sub", a, b), c))).toBe("t₁ = a − b − c");
    expect(formula(binary("div", a, binary("mul", b, c)))).toBe("t₁ = a/(b·c)");
  });

  it("change what is there where the result lies where it was", () => {
    expect(formula(binary("sub", load(0), binary("mul", a, number(0.5))))).toBe("t₁ −= a·0.5");
    expect(formula(binary("add", load(0), a))).toBe("t₁ += a");
  });

  it("know relu, and the choice between a value and 0", () => {
    const test = (op: "le" | "gt", x: Expr): Expr => ({
      kind: "compare",
      op,
      dtype: "bool",
      x,
      y: number(0),
    });
    const select = (condition: Expr, x: Expr, y: Expr): Expr => ({
      kind: "select",
      dtype: "float32",
      condition,
      x,
      y,
    });
    expect(formula(select(test("le", a), number(0), a))).toBe("t₁ = relu(a)");
    expect(formula(select(test("le", a), number(0), b))).toBe("t₁ = b·[a > 0]");
    expect(formula(select(test("gt", a), b, number(0)))).toBe("t₁ = b·[a > 0]");
    expect(formula(select(test("gt", a), b, c))).toBe("t₁ = where(a > 0, b, c)");
  });

  it("say what is reduced, and a window's places once", () => {
    const sum: Expr = { kind: "reduced", dtype: "float32", index: 0 };
    expect(formula(sum, [{ op: "sum", dtype: "float32", value: binary("add", a, b) }])).toBe(
      "t₁ = Σ (a + b)",
    );
    const places = binary("max", binary("max", a, { ...load(1) }), { ...load(1) });
    expect(formula(places)).toBe("t₁ = max(a)");
  });

  it("transpose what a product reads by columns", () => {
    const view = { offset: 0, batchStrides: [], columnStride: 1 };
    const product: DotKernel = {
      kind: "dot",
      name: "dot",
      dtype: "float32",
      batch: [],
      m: 3,
      n: 5,
      k: 7,
      a: { ...view, buffer: 1, rowStride: 7 },
      b: { ...view, buffer: 2, rowStride: 1, columnStride: 7 },
      stores: [
        {
          buffer: 0,
          offset: 0,
          strides: [5, 1],
          value: binary("add", { kind: "reduced", dtype: "float32", index: 0 }, c),
        },
      ],
    };
    expect(formulaOf(product)).toBe("t₁ = a·bᵀ + c");
  });

  it("are cut where they are long", () => {
    let long = a;
    for (let i = 0; i < 30; i++) long = binary("mul", binary("add", long, b), c);
    expect(formula(long).length).toBeLessThanOrEqual(84);
    expect(formula(long)).toContain("…");
  });
});
