/** Factorisations and substitution in blocks, against the same without blocks. */
import { describe, expect, it } from "vitest";
import type { FactorKernel, SubstituteKernel } from "../../../src/loops/ir.js";
import { allocate, type TypedArray } from "../../../src/types/dtype.js";
import { interpret } from "../../support/interpret-loops.js";
import { generator, runWasm, schedule } from "./support.js";

const dtypes = ["float32", "float64"] as const;
type FloatName = (typeof dtypes)[number];
const unit = { float32: 2 ** -24, float64: 2 ** -53 };
/** Around the rows of a block, 16, and beyond two. */
const orders = [0, 1, 2, 3, 4, 5, 15, 16, 17, 33, 50];
const everyFeature = [{ relaxedMadd: false }, undefined];

/** Diagonally dominant, so that the condition number is below 4, with rows turned where they are to be exchanged. */
function matrices(dtype: FloatName, count: number, n: number, turned: boolean): TypedArray {
  const random = generator(n + count);
  const array = allocate(dtype, count * n * n);
  for (let k = 0; k < array.length; k++) {
    const [i, j] = [Math.floor(k / n) % n, k % n];
    array[k] = 2 * random() - 1 + ((turned ? i + 1 : i) % n === j ? n + 1 : 0);
  }
  return array;
}

/**
 * Largest difference in units of n · u · the largest element. Either side is off by at most 3n · u of |L|·|U| (Higham 2002, theorems
 * 9.3 and 10.3), which is at most 3 · |A| here, and a condition number of 4 comes on top: 2 · 3 · 3 · 4.
 */
function distance(dtype: FloatName, n: number, found: TypedArray, expected: TypedArray): number {
  let [worst, largest] = [0, 0];
  expected.forEach((value, i) => {
    largest = Math.max(largest, Math.abs(value));
    worst = Math.max(worst, Math.abs(value - found[i]));
  });
  return largest === 0 ? worst : worst / (n * unit[dtype] * largest);
}
const most = 72;

describe.each(dtypes)("factors of %s matrices", (dtype) => {
  it.each(orders)("of order %i are those computed without blocks", (n) => {
    for (const op of ["lu", "cholesky"] as const)
      for (const count of [1, 3]) {
        const kernel: FactorKernel = {
          kind: "factor",
          name: op,
          op,
          dtype,
          matrices: count,
          n,
          input: 0,
          output: 1,
        };
        const size = op === "lu" ? (n + 1) * n : n * n;
        const plan = schedule(
          [
            { dtype, length: count * n * n },
            { dtype, length: count * size },
          ],
          [kernel],
        );
        const inputs = new Map([[0, matrices(dtype, count, n, op === "lu")]]);
        const [, expected] = interpret(plan, inputs);
        for (const features of everyFeature) {
          const [, found] = runWasm(plan, inputs, features);
          expect(distance(dtype, n, found, expected), `${op} ${count}`).toBeLessThan(most);
        }
      }
  });

  it("many of them, in parts, are those of each alone", () => {
    const [count, n] = [700, 4];
    const kernel: FactorKernel = {
      kind: "factor",
      name: "lu",
      op: "lu",
      dtype,
      matrices: count,
      n,
      input: 0,
      output: 1,
    };
    const plan = schedule(
      [
        { dtype, length: count * n * n },
        { dtype, length: count * (n + 1) * n },
      ],
      [kernel],
    );
    const inputs = new Map([[0, matrices(dtype, count, n, true)]]);
    expect(distance(dtype, n, runWasm(plan, inputs)[1], interpret(plan, inputs)[1])).toBeLessThan(most);
  });
});

const booleans = [false, true];

describe.each(dtypes)("systems of %s", (dtype) => {
  it.each(orders)("of order %i have the solutions computed without blocks", (n) => {
    const kinds: SubstituteKernel["matrix"][] = [
      ...booleans.map((transpose) => ({ kind: "lu", transpose }) as const),
      ...booleans.flatMap((lower) =>
        booleans.flatMap((transpose) =>
          booleans.map((unitDiagonal) => ({ kind: "triangular", lower, transpose, unitDiagonal }) as const),
        ),
      ),
    ];
    for (const matrix of kinds)
      for (const columns of [0, 1, 3, 8, 21]) {
        const isLu = matrix.kind === "lu";
        const count = 2;
        const substitute: SubstituteKernel = {
          kind: "substitute",
          name: "systems",
          matrix,
          dtype,
          matrices: count,
          n,
          columns,
          factors: isLu ? 1 : 0,
          input: 2,
          output: 3,
        };
        const factor: FactorKernel = {
          kind: "factor",
          name: "lu",
          op: "lu",
          dtype,
          matrices: count,
          n,
          input: 0,
          output: 1,
        };
        const plan = schedule(
          [count * n * n, count * (n + 1) * n, count * n * columns, count * n * columns].map((length) => ({
            dtype,
            length,
          })),
          isLu ? [factor, substitute] : [substitute],
        );
        const random = generator(columns + n);
        const sides = allocate(dtype, count * n * columns).map(() => 2 * random() - 1) as TypedArray;
        // over their diagonal, so that one of ones is as harmless
        const given = matrices(dtype, count, n, isLu).map((x) => x / (n + 1)) as TypedArray;
        const inputs = new Map([
          [0, given],
          [2, sides],
        ]);
        const expected = interpret(plan, inputs)[3];
        for (const features of everyFeature) {
          const found = runWasm(plan, inputs, features)[3];
          const label = `${JSON.stringify(matrix)} with ${columns} columns`;
          expect(distance(dtype, n, found, expected), label).toBeLessThan(most);
        }
      }
  });
});
