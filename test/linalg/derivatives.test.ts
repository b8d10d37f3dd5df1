/** Derivatives of linear algebra: against differences, in closed form, at the edge of what there is, and in one program. */
import { describe, expect, it } from "vitest";
import {
  cholesky,
  det,
  grad,
  gradCheck,
  hessian,
  hvp,
  inv,
  jit,
  jvp,
  logDet,
  slogDet,
  solve,
  stack,
  type Tensor,
  tensor,
  triangularSolve,
  vmap,
} from "../../src/index.js";
import {
  distance,
  dominant,
  elements,
  floatNames,
  identity,
  normal,
  positiveDefinite,
  rowsOf,
  unit,
} from "./support.js";

const a3 = dominant(3, "float64").add(normal([3, 3], "float64", 8));
const batch = stack([a3, dominant(3, "float64", 9)]);
const b3 = normal([3, 2], "float64", 2);
const spd3 = positiveDefinite(3, "float64", 3);
/** No element of a gradient may cancel by symmetry. */
const weights = normal([3, 3], "float64", 4);

describe("gradients agree with differences, at once, compiled and over a batch", () => {
  const cases: readonly (readonly [string, (...xs: Tensor[]) => Tensor, readonly Tensor[]])[] = [
    ["cholesky", (a) => cholesky(a).mul(weights).sum(), [spd3]],
    [
      "cholesky of what is not symmetric",
      (a) => cholesky(a).mul(weights).sum(),
      [spd3.add(weights.mul(0.1))],
    ],
    ["triangularSolve", (a, b) => triangularSolve(a, b).square().sum(), [a3, b3]],
    [
      "triangularSolve, the rest",
      (a, b) => triangularSolve(a, b, { lower: false, transpose: true, unitDiagonal: true }).square().sum(),
      [a3.mul(0.1), b3],
    ],
    ["solve", (a, b) => solve(a, b).square().sum(), [a3, b3]],
    [
      "solve of a vector",
      (a, b) => solve(a, b.at(0)).square().sum(),
      [
        tensor(
          [
            [3, 1],
            [2, 1],
          ],
          { dtype: "float64" },
        ),
        b3,
      ],
    ],
    [
      "solve of one matrix and many right sides",
      (a, b) =>
        solve(a, stack([b, b.mul(2)]))
          .square()
          .sum(),
      [a3, b3],
    ],
    ["solve of many matrices and one right side", (a, b) => solve(a, b).square().sum(), [batch, b3]],
    ["inv", (a) => inv(a).mul(weights).sum(), [batch]],
    ["det", (a) => det(a).sum(), [batch]],
    ["logDet", (a) => logDet(a).sum(), [batch]],
    ["slogDet", (a) => slogDet(a)[1].sum(), [batch.mul(-1)]],
    [
      "a Gaussian density",
      (a, x) => {
        const l = cholesky(a);
        const z = triangularSolve(l, x);
        return z.square().sum().mul(0.5).add(logDet(a));
      },
      [spd3, b3],
    ],
  ];
  for (const [name, f, xs] of cases) {
    it(name, () => expect(gradCheck(f, [...xs]).passed, String(gradCheck(f, [...xs]))).toBe(true));
    it(`${name}, compiled`, () => expect(gradCheck(jit(f), [...xs]).passed).toBe(true));
    it(`${name}, of its gradient`, () => {
      const first = ([x, ...rest]: Tensor[]): Tensor =>
        grad((v: Tensor) => f(v, ...rest))(x)
          .mul(x.square())
          .sum();
      expect(gradCheck(first, [[...xs]]).passed).toBe(true);
    });
    it(`${name}, under vmap as in a loop`, () => {
      const [x, ...rest] = xs;
      const each = vmap(grad((v: Tensor) => f(v, ...rest)));
      const both = jit(each)(stack([x, x.mul(1.5)]));
      // rounding only: some thousand operations at a condition number of tens
      for (const [i, v] of [x, x.mul(1.5)].entries())
        expect(distance(both.at(i), grad((w: Tensor) => f(w, ...rest))(v))).toBeLessThan(1e-10);
    });
  }
});

describe("in closed form", () => {
  // sums of n = 3 products at a condition number below 40, on either side
  const tolerance = 1e3 * unit.float64;

  it("the Hessian of logDet is −A⁻¹ ⊗ A⁻¹", () => {
    const w = rowsOf(inv(a3));
    const h = hessian((a: Tensor) => logDet(a))(a3).arraySync<number[][][][]>();
    for (const i of [0, 1, 2])
      for (const j of [0, 1, 2])
        for (const k of [0, 1, 2])
          for (const l of [0, 1, 2])
            expect(Math.abs(h[i][j][k][l] + w[j][k] * w[l][i])).toBeLessThan(tolerance);
  });

  it("the third derivative of log det(A + t·B) is 2·tr((A⁻¹B)³)", () => {
    const line = (t: Tensor): Tensor => logDet(a3.add(weights.mul(t)));
    const third = grad(grad(grad(line)))(tensor(0, { dtype: "float64" })).itemSync();
    const m = solve(a3, weights);
    const expected = 2 * m.matmul(m).matmul(m).mul(identity(3, "float64")).sum().itemSync();
    expect(Math.abs(third - expected)).toBeLessThan(tolerance);
  });

  it("solve's gradient is B̄ = A⁻ᵀ·X̄, Ā = −B̄·Xᵀ, where pivots tie too", () => {
    const a = tensor(
      [
        [1, 2],
        [-1, 3],
      ],
      { dtype: "float64" },
    );
    const b = tensor([[1], [2]], { dtype: "float64" });
    const xBar = tensor([[3], [-1]], { dtype: "float64" });
    const [aBar, bBar] = grad((m: Tensor, s: Tensor) => solve(m, s).mul(xBar).sum(), { argnums: [0, 1] })(
      a,
      b,
    );
    const expected = solve(a.transpose(), xBar);
    expect(distance(bBar, expected)).toBeLessThan(tolerance);
    expect(distance(aBar, expected.matmul(solve(a, b).transpose()).neg())).toBeLessThan(tolerance);
  });

  it("cholesky's gradient is symmetric", () => {
    const g = grad((a: Tensor) => cholesky(a).mul(weights).sum())(spd3);
    expect(distance(g, g.transpose())).toBeLessThan(tolerance);
  });

  it("forward mode of the inverse is −A⁻¹·Ȧ·A⁻¹", () => {
    const [x, xDot] = jvp((a: Tensor) => inv(a), [a3], [weights]);
    expect(distance(xDot, x.matmul(weights).matmul(x).neg())).toBeLessThan(tolerance);
  });

  it("the Hessian of det is constant for n = 2", () => {
    const h = hessian((a: Tensor) => det(a))(
      tensor(
        [
          [3, 1],
          [2, 5],
        ],
        { dtype: "float64" },
      ),
    ).reshape([4, 4]);
    const expected = tensor(
      [
        [0, 0, 0, 1],
        [0, 0, -1, 0],
        [0, -1, 0, 0],
        [1, 0, 0, 0],
      ],
      { dtype: "float64" },
    );
    expect(distance(h, expected)).toBeLessThan(tolerance);
  });
});

/** Elements of the matrix of cofactors by their definition. */
function cofactorsOf(rows: readonly (readonly number[])[]): number[] {
  return rows.flatMap((row, i) =>
    row.map((_, j) => {
      const rest = rows.filter((_row, k) => k !== i).map((r) => r.filter((_x, k) => k !== j));
      return (-1) ** (i + j) * (rest[0][0] * rest[1][1] - rest[0][1] * rest[1][0]);
    }),
  );
}

describe.each(floatNames)("at singular matrices in %s", (dtype) => {
  const gradient = grad((a: Tensor) => det(a));

  it.each([
    [
      "a column that depends on another",
      [
        [1, 2, 3],
        [2, 4, 6.5],
        [1, 2, 1],
      ],
    ],
    [
      "proportional rows",
      [
        [1, 2, 3],
        [2, 4, 6],
        [1, 0, 1],
      ],
    ],
    [
      "a row of zeros",
      [
        [0, 0, 0],
        [2, 4, 6.5],
        [1, 2, 1.5],
      ],
    ],
    [
      "rank 1",
      [
        [1, 2, 3],
        [2, 4, 6],
        [3, 6, 9],
      ],
    ],
    [
      "nothing but zeros",
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
    ],
  ])("det's gradient is the matrix of cofactors: %s", (_name, rows) => {
    const a = tensor(rows, { dtype });
    // the exact cofactors of a matrix off by elimination's 3 · 3u · |L|·|U| ≤ 9u · 3 · 9 and ε = 2u of |A|, in each of two factors ≤ 9
    const tolerance = 2 * 9 * (9 * 3 * 9 + 2 * 9) * unit[dtype];
    for (const f of [gradient, jit(gradient)])
      elements(f(a)).forEach((x, k) => {
        expect(Math.abs(x - cofactorsOf(rows)[k])).toBeLessThan(tolerance);
      });
  });

  it("det's gradient is exactly 0 where two pivots are", () => {
    const a = tensor(
      [
        [4, 8, 12],
        [2, 4, 6],
        [1, 2, 3],
      ],
      { dtype },
    );
    for (const f of [gradient, jit(gradient)]) expect(elements(f(a)).every((x) => x === 0)).toBe(true);
  });

  it("det's second derivative is not finite, rather than wrong", () => {
    const a = tensor(
      [
        [1, 2],
        [2, 4],
      ],
      { dtype },
    );
    const [along] = hvp(
      (m: Tensor) => det(m),
      [a],
      [
        tensor(
          [
            [1, 0],
            [0, 0],
          ],
          { dtype },
        ),
      ],
    );
    expect(elements(along).some(Number.isFinite)).toBe(false);
  });

  it("logDet's gradient is not finite, and NaN where the determinant is negative", () => {
    const of = (rows: number[][]): number[] =>
      elements(grad((m: Tensor) => logDet(m))(tensor(rows, { dtype })));
    expect(
      of([
        [1, 2],
        [2, 4],
      ]).some(Number.isFinite),
    ).toBe(false);
    expect(
      of([
        [0, 1],
        [1, 0],
      ]).every(Number.isNaN),
    ).toBe(true);
  });
});
