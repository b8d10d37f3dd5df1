/** What linear algebra computes: residuals within the bounds of theory, identities, and what has no answer. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  cholesky,
  det,
  devices,
  inv,
  jit,
  logDet,
  setDevice,
  slogDet,
  solve,
  stack,
  type Tensor,
  tensor,
  triangularSolve,
  vmap,
} from "../../src/index.js";
import {
  difference,
  distance,
  dominant,
  elements,
  floatNames,
  hilbert,
  identity,
  norm,
  normal,
  orders,
  positiveDefinite,
  product,
  rowsOf,
  sizeOfFactors,
  unit,
} from "./support.js";

type Run = <A extends Tensor[], R>(f: (...args: A) => R) => (...args: A) => R;
const ways: readonly (readonly [string, Run])[] = [
  ["at once", (f) => f],
  ["compiled", (f) => jit(f)],
];

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  describe.each(ways)("%s", (_way, run) => {
    describe.each(floatNames)("in %s", (dtype) => {
      const u = unit[dtype];

      it.each(orders)("L·Lᵀ is A to (n + 2)·u·√(aᵢᵢ·aⱼⱼ) (Higham 2002, theorem 10.3), n = %i", (n) => {
        const a = positiveDefinite(n, dtype);
        const l = rowsOf(run((x: Tensor) => cholesky(x))(a));
        const rows = rowsOf(a);
        const lt = l.map((row, i) => row.map((_, j) => l[j][i]));
        product(l, lt).forEach((row, i) => {
          row.forEach((x, j) => {
            const bound = (n + 2) * u * Math.sqrt(rows[i][i] * rows[j][j]);
            expect(Math.abs(x - rows[i][j])).toBeLessThanOrEqual(bound);
            if (j > i) expect(l[i][j]).toBe(0);
          });
        });
      });

      it.each(orders)("‖A·X − B‖ ≤ 4n·u·‖|L|·|U|‖·‖X‖ (theorem 9.4), n = %i", (n) => {
        const [a, b] = [normal([n, n], dtype), normal([n, 3], dtype, 2)];
        const x = rowsOf(run((m: Tensor, s: Tensor) => solve(m, s))(a, b));
        const residual = norm(difference(product(rowsOf(a), x), rowsOf(b)));
        expect(residual).toBeLessThanOrEqual(4 * n * u * sizeOfFactors(a) * norm(x));
      });

      it("the same where A is as good as singular", () => {
        const [a, b] = [hilbert(10, dtype), normal([10, 1], dtype)];
        const x = rowsOf(run((m: Tensor, s: Tensor) => solve(m, s))(a, b));
        const residual = norm(difference(product(rowsOf(a), x), rowsOf(b)));
        expect(residual).toBeLessThanOrEqual(40 * u * sizeOfFactors(a) * norm(x));
      });

      it.each(orders)("A·A⁻¹ is I to 4n·u·‖|L|·|U|‖·‖A⁻¹‖, n = %i", (n) => {
        const a = normal([n, n], dtype, 3);
        const x = rowsOf(run((m: Tensor) => inv(m))(a));
        const residual = norm(difference(product(rowsOf(a), x), rowsOf(identity(n, dtype))));
        expect(residual).toBeLessThanOrEqual(4 * n * u * sizeOfFactors(a) * norm(x));
      });

      it.each([0, 1, 2, 5, 19])("det(A·B) = det A · det B, n = %i", (n) => {
        const [a, b] = [dominant(n, dtype, 1), dominant(n, dtype, 2)];
        const [both, one, other] = [a.matmul(b), a, b].map((m) => run((x: Tensor) => det(x))(m).itemSync());
        // a determinant moves by n · κ · what its matrix does, which is 3 · 3n · u by elimination and n · u by the product, κ < 4²
        expect(Math.abs(both - one * other)).toBeLessThanOrEqual(
          16 * (9 + 9 + 9 + 1) * n * n * u * Math.abs(both),
        );
      });

      it.each([0, 1, 2, 5, 19])("sign · exp(log) is the determinant, n = %i", (n) => {
        const a = dominant(n, dtype, 4).mul(-1);
        const [sign, magnitude] = run((x: Tensor) => slogDet(x))(a);
        const expected = det(a).itemSync();
        expect(sign.itemSync()).toBe(Math.sign(expected));
        const found = sign.itemSync() * Math.exp(magnitude.itemSync());
        // a difference in a logarithm is a relative one; its own rounding is u · |log|, twice
        const relative = 2 * 4 * 9 * n * n * u + 2 * u * Math.abs(magnitude.itemSync());
        expect(Math.abs(found - expected)).toBeLessThanOrEqual((relative + 4 * u) * Math.abs(expected));
      });

      it("every triangle is solved with, whatever stands in the other", () => {
        const a = dominant(5, dtype);
        const b = normal([5, 2], dtype);
        for (const lower of [true, false])
          for (const transpose of [true, false])
            for (const unitDiagonal of [true, false]) {
              const t = rowsOf(a).map((row, i) =>
                row.map((x, j) => (i === j ? (unitDiagonal ? 1 : x) : i > j === lower ? x : 0)),
              );
              const part = tensor(t, { dtype });
              const options = { lower, transpose, unitDiagonal };
              // over the diagonal, so that unit triangles are well-conditioned too
              const small = unitDiagonal ? 0.05 : 1;
              const x = run((m: Tensor, s: Tensor) => triangularSolve(m, s, options))(a.mul(small), b);
              const scaled = unitDiagonal
                ? part.sub(identity(5, dtype)).mul(small).add(identity(5, dtype))
                : part;
              const back = (transpose ? scaled.transpose() : scaled).matmul(x);
              // theorem 8.5 and the product here: 2n · u of sums of magnitudes below 4
              expect(distance(back, b)).toBeLessThanOrEqual(2 * 5 * u * 4 * norm(rowsOf(b)));
            }
      });

      it("one matrix serves all right sides, and batches broadcast", () => {
        const [a, b] = [dominant(3, dtype), normal([2, 4, 3, 2], dtype)];
        const solved = run((m: Tensor, s: Tensor) => solve(m, s));
        const x = solved(a, b);
        expect(x.shape).toEqual([2, 4, 3, 2]);
        for (const i of [0, 1])
          expect(distance(x.at(i, 3), solve(a, b.at(i, 3)))).toBeLessThan(9 * 3 * 4 * u);
        const many = stack([dominant(3, dtype, 5), dominant(3, dtype, 6)]);
        const y = solved(many.reshape([2, 1, 3, 3]), b.at(0));
        expect(y.shape).toEqual([2, 4, 3, 2]);
        expect(distance(y.at(1, 2), solve(many.at(1), b.at(0, 2)))).toBeLessThan(9 * 3 * 4 * u);
        const v = solved(many, tensor([1, 2, 3], { dtype }));
        expect(v.shape).toEqual([2, 3]);
        expect(distance(v.at(1), solve(many.at(1), tensor([1, 2, 3], { dtype })))).toBeLessThan(
          9 * 3 * 4 * u,
        );
      });

      it("a matrix that is not positive definite gives NaN throughout, and only it", () => {
        for (const [diagonal, other] of [
          [1, 2],
          [1, 1],
          [0, 0],
          [Number.NaN, 1],
        ]) {
          const bad = tensor([diagonal, other, other, diagonal], { shape: [2, 2], dtype });
          const batch = stack([positiveDefinite(2, dtype), bad, identity(2, dtype)]);
          for (const f of [cholesky, vmap((x: Tensor) => cholesky(x))]) {
            const l = run((x: Tensor) => f(x))(batch);
            expect(elements(l.at(1)).every(Number.isNaN)).toBe(true);
            expect(elements(l.at(0)).every(Number.isFinite)).toBe(true);
            expect(elements(l.at(2))).toEqual([1, 0, 0, 1]);
          }
        }
      });

      it("a singular system has an infinity or NaN in every column of its solution, and only it", () => {
        const singular = tensor(
          [
            [1, 2, 3],
            [2, 4, 6],
            [1, 0, 1],
          ],
          { dtype },
        );
        const batch = stack([singular, identity(3, dtype)]);
        const sides = normal([2, 3, 4], dtype);
        const [x, y] = run((m: Tensor, s: Tensor) => solve(m, s))(batch, sides).split(2);
        for (const column of rowsOf(x.at(0).transpose())) expect(column.every(Number.isFinite)).toBe(false);
        expect(elements(y)).toEqual(elements(sides.at(1)));
      });

      it("determinants of a singular matrix are 0 and −Infinity, of a negative one NaN by its logarithm", () => {
        const singular = tensor(
          [
            [1, 2],
            [2, 4],
          ],
          { dtype },
        );
        // of either sign
        expect(Math.abs(run((x: Tensor) => det(x))(singular).itemSync())).toBe(0);
        expect(run((x: Tensor) => logDet(x))(singular).itemSync()).toBe(Number.NEGATIVE_INFINITY);
        const exchange = tensor(
          [
            [0, 1],
            [1, 0],
          ],
          { dtype },
        );
        expect(run((x: Tensor) => det(x))(exchange).itemSync()).toBe(-1);
        expect(run((x: Tensor) => logDet(x))(exchange).itemSync()).toBeNaN();
        expect(run((x: Tensor) => slogDet(x))(exchange).map((part) => part.itemSync())).toEqual([-1, 0]);
      });

      it("NaN comes through, below a pivot of 0 too", () => {
        for (const first of [1, 0]) {
          const a = tensor([first, 2, Number.NaN, 3], { shape: [2, 2], dtype });
          for (const f of [det, logDet, inv, cholesky])
            expect(elements(run((x: Tensor) => f(x))(a)).some(Number.isNaN)).toBe(true);
        }
      });
    });

    it("the logarithm of a determinant has no overflow where the determinant has", () => {
      const a = identity(40, "float32").mul(1e30);
      expect(run((x: Tensor) => det(x))(a).itemSync()).toBe(Number.POSITIVE_INFINITY);
      // 40 roundings of a sum that ends at 2763
      const expected = 40 * Math.log(Math.fround(1e30));
      expect(Math.abs(run((x: Tensor) => logDet(x))(a).itemSync() - expected)).toBeLessThan(
        44 * 2 ** -24 * 2763,
      );
    });

    it("cholesky takes the symmetric part of its matrix", () => {
      const l = run((x: Tensor) => cholesky(x))(
        tensor([
          [4, 1],
          [3, 5],
        ]),
      );
      expect(elements(l)).toEqual([2, 0, 1, 2]);
    });
  });
});
