/** Paths: every one of them, their number, their sum, and reverse accumulation beside them. */
import { describe, expect, it } from "vitest";
import { explain } from "../../src/explain/index.js";
import {
  concat,
  conv,
  customVjp,
  grad,
  jit,
  logSumExp,
  maxPool,
  scatterAdd,
  softmax,
  softplus,
  stopGradient,
  type Tensor,
  tensor,
  zeros,
} from "../../src/index.js";
import { f64, normal64, numberOf, pathsOf, symbolsAlong } from "./support.js";

const at = (f: (x: Tensor) => Tensor, x: Tensor, of?: string) =>
  explain(f, [x], of === undefined ? {} : { of }).document;

const cube = customVjp({
  forward: (x: Tensor) => [x.pow(3), x] as const,
  backward: (x: Tensor, bar: Tensor) => [bar.mul(3).mul(x.mul(x))],
});
const image = normal64(1, [1, 1, 6, 6]);
const kernel = normal64(2, [2, 1, 3, 3]);
const rows = tensor([0, 0, 1], { dtype: "int32" });
const vector = f64([1.5, -0.5, 2.25, 0.75]);
const matrix = normal64(3, [3, 4]);

const functions: [name: string, f: (x: Tensor) => Tensor, x: Tensor][] = [
  [
    "arithmetic of one value with itself",
    (x) =>
      x
        .mul(x)
        .sub(x.div(x.square().add(1)))
        .sum(),
    vector,
  ],
  ["powers and logarithms", (x) => x.abs().pow(1.5).add(x.square().add(1).log()).sum(), vector],
  [
    "trigonometry",
    (x) =>
      x
        .sin()
        .mul(x.cos())
        .add(x.atan2(f64(2)))
        .sum(),
    vector,
  ],
  [
    "activations",
    (x) => x.gelu().add(x.silu()).add(softplus(x)).add(x.elu()).add(x.leakyRelu()).sum(),
    vector,
  ],
  ["softmax and its relatives", (x) => softmax(x).mul(vector).sum().add(logSumExp(x)), vector],
  ["layer normalisation", (x) => x.sub(x.mean()).div(x.var().add(1e-5).sqrt()).mul(vector).sum(), vector],
  ["matrix products", (x) => x.matmul(matrix.transpose()).tanh().matmul(x).sum(), matrix],
  ["attention", (x) => softmax(x.matmul(x.transpose())).matmul(x).square().sum(), matrix],
  [
    "a product over batches",
    (x) =>
      x
        .reshape([2, 2, 3])
        .matmul(x.reshape([2, 3, 2]))
        .tanh()
        .sum(),
    matrix,
  ],
  ["reductions", (x) => x.sum(0).mul(x.mean(0)).add(x.max(0)).sum().add(x.norm()), matrix],
  ["running sums", (x) => x.cumsum(1).square().sum(), matrix],
  [
    "running sums down, differentiated",
    (x) =>
      grad((v: Tensor) => v.cumsum(0).exp().sum())(x)
        .square()
        .sum(),
    matrix,
  ],
  [
    "many tensors in a row",
    (x) =>
      concat(Array.from({ length: 140 }, (_, i) => x.mul(i / 100)))
        .square()
        .sum(),
    vector,
  ],
  [
    "views",
    (x) =>
      x
        .transpose()
        .flip(0)
        .pad([
          [1, 0],
          [0, 2],
        ])
        .slice([0, 4], [1, 4])
        .square()
        .sum(),
    matrix,
  ],
  ["a view with a step", (x) => x.slice([0, 3, 2]).exp().sum(), matrix],
  ["gather", (x) => x.take(rows).square().sum(), matrix],
  [
    "scatter",
    (x) =>
      scatterAdd(zeros([4], { dtype: "float64" }), rows, x.slice([0, 3]))
        .square()
        .sum(),
    vector,
  ],
  [
    "sorting",
    (x) =>
      x
        .sort()
        .mul(f64([1, 2, 3, 4]))
        .sum(),
    vector,
  ],
  ["convolution", (w) => conv(image, w).relu().sum(), kernel],
  ["pooling", (w) => maxPool(conv(image, w), { size: 2 }).square().sum(), kernel],
  ["a rule of one's own", (x) => cube(x).sum(), vector],
  ["a compiled function", (x) => jit((v: Tensor) => v.sin().mul(v))(x).sum(), vector],
  [
    "a derivative",
    (x) =>
      grad((v: Tensor) => v.sin().mul(v).sum())(x)
        .square()
        .sum(),
    vector,
  ],
  ["something held constant", (x) => stopGradient(x).mul(x).sum(), vector],
  ["float32", (x) => x.cast("float32").sigmoid().sum().cast("float64"), vector],
];

describe("the paths towards an element", () => {
  it.each(functions)("03: of %s add up to what grad gives", (_, f, x) => {
    const expected = grad(f)(x).dataSync();
    const shape = x.shape;
    for (const flat of [0, 1, x.size - 1]) {
      let rest = flat;
      const index = shape.map((_extent, axis) => {
        const stride = shape.slice(axis + 1).reduce((size, n) => size * n, 1);
        const here = Math.floor(rest / stride);
        rest -= here * stride;
        return here;
      });
      const document = explain(f, [x], { of: { path: "x", index }, names: ["x"] }).document;
      expect(document.target.adjoint).toBe(expected[flat]);
      // what a slice leaves out has no path, and no derivative
      if (document.paths.status === "refused") {
        expect([expected[flat], document.paths.reason]).toEqual([
          0,
          "the cost does not depend on this element",
        ]);
        continue;
      }
      const paths = pathsOf(document);
      expect(paths.sum).toMatchObject({ agrees: true });
      // the tolerance is 2⁻⁵² (2⁻²³ in float32) for each factor, of the size of all paths together
      expect(numberOf(paths.sum.tolerance)).toBeLessThan(1e-4);
      expect(BigInt(paths.count)).toBeGreaterThan(0n);
      const steps = paths.accumulation.steps ?? [];
      expect(numberOf(steps[steps.length - 1].adjoint)).toBeCloseTo(expected[flat], 6);
    }
  });

  it("are counted and listed one by one, each with its own product", () => {
    // two ways through each of five squares-plus-itself: 2⁵ paths
    const f = (w: Tensor): Tensor => {
      let v = w;
      for (let i = 0; i < 5; i++) v = v.sin().mul(v.cos());
      return v;
    };
    const document = at(f, f64(0.7));
    const paths = pathsOf(document);
    expect(paths.count).toBe("32");
    expect(paths.remainder).toBeNull();
    expect(paths.listed).toHaveLength(32);
    expect(new Set(paths.listed.map(({ factors }) => factors.map(({ edge }) => edge).join(" "))).size).toBe(
      32,
    );
    const values = paths.listed.map(({ value }) => numberOf(value));
    expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(numberOf(document.target.adjoint), 14);
    const sizes = values.map(Math.abs);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    for (const { factors, value } of paths.listed)
      expect(factors.reduce((product, factor) => product * numberOf(factor.value), 1)).toBe(value);
  });

  it("beyond the limit are the largest, and the remainder is what the others add up to", () => {
    const f = (w: Tensor): Tensor => {
      let v = w;
      for (let i = 0; i < 8; i++) v = v.sin().mul(v.cos());
      return v;
    };
    const all = explain.paths(f, [f64(0.7)], { paths: 256 });
    const some = explain.paths(f, [f64(0.7)]);
    if (all.status === "refused" || some.status === "refused") return expect.fail("refused");
    expect([all.count, all.listed.length]).toEqual(["256", 256]);
    expect(some.listed).toHaveLength(64);
    // the same values: equal products may come in any order
    expect(some.listed.map(({ value }) => value)).toEqual(all.listed.slice(0, 64).map(({ value }) => value));
    expect(some.remainder?.count).toBe("192");
    const rest = all.listed.slice(64).reduce((sum, { value }) => sum + numberOf(value), 0);
    expect(numberOf(some.remainder?.value)).toBeCloseTo(rest, 14);
  });

  it("are the largest where factors are above 1 too, as sorting all of them says", () => {
    const [a, b] = [normal64(4, [4, 4]).mul(3), normal64(5, [4, 4]).mul(3)];
    const [c, d] = [normal64(6, [4]), normal64(7, [4])];
    const f = (w: Tensor): Tensor =>
      a
        .matmul(b.matmul(c.mul(w).sin()).sin())
        .sin()
        .mul(d)
        .sum();
    const all = explain.paths(f, [f64(0.4)]);
    const some = explain.paths(f, [f64(0.4)], { paths: 7 });
    if (all.status === "refused" || some.status === "refused") return expect.fail("refused");
    expect(all.count).toBe("64");
    const sizes = all.listed.map(({ value }) => Math.abs(numberOf(value))).sort((p, q) => q - p);
    expect(some.listed.map(({ value }) => Math.abs(numberOf(value)))).toEqual(sizes.slice(0, 7));
    expect(some.remainder?.count).toBe("57");
  });

  it("cancel, and what is left of their size is said", () => {
    const paths = pathsOf(at((w) => w.exp().sub(w.sinh()).sub(w.cosh()), f64(1)));
    expect(numberOf(paths.positive)).toBeCloseTo(Math.E, 14);
    expect(numberOf(paths.negative)).toBeCloseTo(-Math.E, 14);
    expect(numberOf(paths.survival)).toBeLessThan(1e-15);
  });

  it("with a factor of 0 are counted as dead", () => {
    const f = (w: Tensor): Tensor =>
      w
        .mul(f64([1, -1]))
        .relu()
        .mul(f64([2, 3]))
        .sum();
    expect(pathsOf(at(f, f64(0.5)))).toMatchObject({ count: "2", dead: "1" });
  });

  it("32, 41: are more than edges; reverse accumulation visits each edge once", () => {
    const f = (w: Tensor): Tensor => {
      let v = w;
      for (let i = 0; i < 300; i++) v = v.sin().mul(v.cos());
      return v;
    };
    const { count, accumulation, listed, sum } = pathsOf(at(f, f64(0.7)));
    expect(BigInt(count)).toBe(2n ** 300n);
    // v → sin, cos → product: four edges a round
    expect(accumulation.edges).toBe(4 * 300);
    expect(accumulation.multiplications).toBe(4 * 300);
    expect(accumulation.additions).toBe(300);
    // 600 factors each: all paths have the same length
    expect(BigInt(accumulation.pathMultiplications)).toBe(2n ** 300n * 599n);
    expect(sum.agrees).toBe(true);
    expect(listed.length).toBeGreaterThan(0);
  });

  it("40: of f(f(f(w))) are one product, each factor at its own point", () => {
    const f = (v: Tensor): Tensor => v.sigmoid();
    const paths = pathsOf(at((w) => f(f(f(w))), f64(0.3)));
    const sigma = (z: number): number => 1 / (1 + Math.exp(-z));
    const slope = (z: number): number => sigma(z) * (1 - sigma(z));
    const factors = paths.listed[0].factors.map(({ value }) => numberOf(value));
    const w = 0.3;
    [slope(sigma(sigma(w))), slope(sigma(w)), slope(w)].forEach((value, i) => {
      expect(factors[i]).toBeCloseTo(value, 15);
    });
  });

  it("see a function with a name as one step, in a loop too", () => {
    const document = at((w) => {
      let v = w;
      for (let i = 0; i < 3; i++) v = v.softplus();
      return v;
    }, f64(0.7));
    const paths = pathsOf(document);
    expect(paths.count).toBe("1");
    expect(paths.listed[0].factors).toHaveLength(3);
    expect(paths.edges.map(({ meaning }) => meaning?.text).at(-1)).toBe("σ(w)");
  });

  it("see functions of several primitives as one step, however often a line calls them", () => {
    for (const f of [(v: Tensor) => v.gelu(), (v: Tensor) => v.silu().add(v), (v: Tensor) => v.elu()]) {
      const paths = pathsOf(at((w) => f(f(f(w))), f64(0.7)));
      expect(paths.listed[0].factors.length).toBeGreaterThanOrEqual(3);
      expect(paths.listed[0].factors.length).toBeLessThanOrEqual(6);
    }
  });

  it("33, 34: lead to inputs as well as to weights", () => {
    const document = explain((x: Tensor, y: Tensor) => x.mul(y).sin(), [f64(2), f64(3)], {
      of: "x",
    }).document;
    expect(symbolsAlong(pathsOf(document), 0)).toEqual(["∂C/∂v2", "∂v2/∂x"]);
    expect(numberOf(document.target.adjoint)).toBeCloseTo(3 * Math.cos(6), 14);
  });

  it("50: say which slopes are exact and which hold here only", () => {
    const { edges } = pathsOf(at((w) => w.mul(f64(3)).sigmoid(), f64(0.4)));
    expect(edges.map(({ linear }) => linear)).toEqual([false, true]);
    const square = pathsOf(at((w) => w.mul(w), f64(0.4)));
    expect(square.edges.map(({ linear }) => linear)).toEqual([false]);
    // relu is straight on either side of 0, but not across it
    expect(pathsOf(at((w) => w.relu(), f64(0.4))).edges.map(({ linear }) => linear)).toEqual([false]);
  });

  it("are refused where there is no dependence", () => {
    expect(at(() => f64(3), f64(2)).paths).toMatchObject({
      status: "refused",
      reason: "the cost does not depend on this element",
    });
  });

  it("of infinite and undefined derivatives are listed too", () => {
    const infinite = at((w) => w.sqrt().sum(), f64([0, 4]), "w[0]");
    expect(infinite.target.adjoint).toBe("Infinity");
    expect(pathsOf(infinite).sum.agrees).toBe(true);
    const undefined_ = at((w) => w.log().mul(0).sum(), f64([0, 4]), "w[0]");
    expect(undefined_.target.adjoint).toBe("NaN");
    expect(undefined_.check.verdict).toBe("inconclusive");
  });
});
