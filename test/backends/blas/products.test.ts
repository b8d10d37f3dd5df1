/** Matrix products by the system's libraries: the same results as those generated here, whatever the layout. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Blas, type BlasSearch, findBlas, type Gemm } from "../../../src/backends/blas/library.js";
import { WasmProgram } from "../../../src/backends/wasm/index.js";
import { compile } from "../../../src/compiler/pipeline.js";
import { traceGraph } from "../../../src/graph/graph.js";
import { full, random, setThreads, type Tensor, tensor } from "../../../src/index.js";
import type { DType, TypedArray } from "../../../src/types/dtype.js";

/** What is found in a process that has looked for nothing yet. */
async function searchWith(wanted: string | undefined): Promise<BlasSearch> {
  vi.stubEnv("ADJOINT_BLAS", wanted);
  vi.resetModules();
  const { findBlas } = await import("../../../src/backends/blas/library.js");
  return findBlas();
}

afterEach(() => {
  vi.unstubAllEnvs();
});

const libraries: [name: string, search: BlasSearch][] = [["what is found", findBlas()]];
for (const name of ["libopenblas.so.0", "libdnnl.so.2", "libdnnl.so.3", "libblis.so.4"])
  try {
    libraries.push([name, await searchWith(name)]);
  } catch {
    // it is not installed
  }
vi.unstubAllEnvs();

// counted are the calls of this thread, which other threads would leave to none
setThreads(1);

type Product = (...args: readonly Tensor[]) => Tensor;

/** The result, in place of the first argument where that is donated. */
function run(f: Product, args: readonly Tensor[], blas: Blas | null, donatesFirst = false): number[] {
  const graph = traceGraph("jit", args, (leaves) => [f(...(leaves as Tensor[]))]);
  const donated = args.map((_, i) => donatesFirst && i === 0);
  const { schedule, constants, inputs, outputs } = compile(graph, { donated, verify: true });
  const program = new WasmProgram(schedule, { blas });
  for (const { buffer, spec } of constants)
    if (spec.constant !== undefined) program.write(buffer, spec.constant);
  inputs.forEach((buffer, i) => {
    program.write(buffer, args[i].dataSync() as TypedArray);
  });
  program.run();
  const result = Array.from(program.read(outputs[0]));
  program.dispose();
  return result;
}

/** Counts what BLAS is asked for, and passes it on. */
function counting(blas: Blas): { blas: Blas; calls: Gemm[] } {
  const calls: Gemm[] = [];
  const multiply: Blas["multiply"] = (dtype, gemm, ...places) => {
    calls.push(gemm);
    blas.multiply(dtype, gemm, ...places);
  };
  return { calls, blas: { ...blas, multiply } };
}

const normal = (seed: number, shape: readonly number[], dtype: DType): Tensor =>
  random.normal(random.key(seed), { shape: [...shape], dtype });

function expectClose(got: readonly number[], want: readonly number[], tolerance: number): void {
  expect(got.length).toBe(want.length);
  got.forEach((value, i) => {
    if (!(Math.abs(value - want[i]) <= tolerance))
      throw new Error(`element ${i}: ${value}, expected ${want[i]}`);
  });
}

const products: readonly (readonly [string, readonly number[], readonly number[], Product])[] = [
  ["A · B", [130, 140], [140, 150], (a, b) => a.matmul(b)],
  ["A · Bᵀ", [130, 140], [150, 140], (a, b) => a.matmul(b.transpose())],
  ["Aᵀ · B", [140, 130], [140, 150], (a, b) => a.transpose().matmul(b)],
  ["Aᵀ · Bᵀ", [140, 130], [150, 140], (a, b) => a.transpose().matmul(b.transpose())],
  ["a transposed result", [130, 140], [140, 150], (a, b) => a.matmul(b).transpose().mul(1.5)],
  ["a batch", [3, 120, 150], [3, 150, 130], (a, b) => a.matmul(b)],
  ["sums over a batch", [3, 120, 150], [3, 150, 130], (a, b) => a.matmul(b).sum(0)],
  ["a part of a larger matrix", [130, 200], [140, 150], (a, b) => a.slice(null, [30, 170]).matmul(b)],
  ["bias and activation behind it", [130, 140], [140, 150], (a, b) => a.matmul(b).add(b.slice(0)).tanh()],
  ["a multiple", [130, 140], [140, 150], (a, b) => a.matmul(b).mul(0.5).neg().div(3)],
];

/** What steps of gradient descent make of W [130, 150], A [140, 130], B [140, 150] and a number η. */
const updates: readonly (readonly [string, Product, adds: boolean, factor: number])[] = [
  ["W − 0.1 AᵀB", (w, a, b) => w.sub(a.transpose().matmul(b).mul(0.1)), true, -Math.fround(0.1)],
  ["W + AᵀB", (w, a, b) => w.add(a.transpose().matmul(b)), true, 1],
  ["AᵀB / 4 + W", (w, a, b) => a.transpose().matmul(b).div(4).add(w), true, 0.25],
  ["W − (−AᵀB · 0.75 / 4)", (w, a, b) => w.sub(a.transpose().matmul(b).neg().mul(0.75).div(4)), true, 0.1875],
  ["W − η AᵀB, η read", (w, a, b, rate) => w.sub(rate.mul(a.transpose().matmul(b))), false, 1],
  ["W / 2 − AᵀB, which reads W otherwise", (w, a, b) => w.mul(0.5).sub(a.transpose().matmul(b)), false, 1],
];

for (const [title, { blas: library, reason }] of libraries)
  describe.skipIf(library === undefined)(`${title}: ${library?.description ?? `skipped: ${reason}`}`, () => {
    if (library === undefined) return;
    const dtypes = (["float32", "float64"] as const).filter((dtype) => library.worthwhile[dtype]);

    for (const dtype of dtypes) {
      for (const [name, shapeA, shapeB, f] of products)
        it(`${name} in ${dtype}: as generated here`, () => {
          const args = [normal(1, shapeA, dtype), normal(2, shapeB, dtype)];
          const { blas, calls } = counting(library);
          const got = run(f, args, blas);
          expect(calls.length).toBeGreaterThan(0);
          // sums of k ≤ 450 products of order 1, in another order: k roundings of terms of at most about 10
          expectClose(got, run(f, args, null), 450 * 10 * (dtype === "float32" ? 2 ** -24 : 2 ** -53));
        });

      for (const [name, f, adds, factor] of updates)
        it(`${name} in ${dtype}, in the place of W: ${adds ? "all by the library" : "partly by it"}`, () => {
          const shapes = [
            [130, 150],
            [140, 130],
            [140, 150],
          ];
          const args = [...shapes.map((shape, i) => normal(i, shape, dtype)), tensor(0.375, { dtype })];
          const { blas, calls } = counting(library);
          const got = run(f, args, blas, true);
          expect(calls.map((gemm) => gemm.adds)).toEqual(calls.map(() => adds));
          expect(calls.length).toBeGreaterThan(0);
          for (const gemm of calls) expect(gemm.factor).toBeCloseTo(factor, 6);
          expectClose(got, run(f, args, null, true), 450 * 10 * (dtype === "float32" ? 2 ** -24 : 2 ** -53));
        });
    }

    it("times two numbers whose product float32 has not, one after the other", () => {
      const args = [normal(0, [130, 140], "float32").mul(1e15), normal(2, [140, 150], "float32").mul(1e15)];
      const f: Product = (a, b) => a.matmul(b).mul(1e-25).mul(1e-25);
      const got = run(f, args, library);
      // some 10³⁰ · 10⁻⁵⁰: where both are multiplied first, 0
      expect(got.filter((value) => value !== 0).length).toBeGreaterThan(0.99 * got.length);
    });

    it("times a zero that is read, NaN stays NaN", () => {
      const args = [
        normal(0, [130, 150], "float32"),
        full([140, 130], Number.NaN),
        normal(2, [140, 150], "float32"),
        tensor(0),
      ];
      const f: Product = (w, a, b, rate) => w.sub(rate.mul(a.transpose().matmul(b)));
      expect(run(f, args, library, true).every(Number.isNaN)).toBe(true);
    });

    it("products too small to be worth a call are computed here, to the same bits", () => {
      const args = [normal(1, [10, 30], "float32"), normal(2, [20, 30], "float32")];
      const { blas, calls } = counting(library);
      const f: Product = (a, b) => a.matmul(b.transpose());
      expect(run(f, args, blas)).toEqual(run(f, args, null));
      expect(calls).toEqual([]);
    });
  });

it("a library is there for each dtype wherever CI has installed them, so that these tests are not skipped for long", () => {
  if (process.env.CI === undefined) return;
  const [[, { blas, reason }]] = libraries;
  expect(reason).toBeUndefined();
  expect(Object.keys(blas?.worthwhile ?? {})).toEqual(["float32", "float64"]);
  expect(libraries.length).toBeGreaterThan(2);
});

describe("ADJOINT_BLAS", () => {
  it("off uses none", async () => {
    expect(await searchWith("off")).toEqual({ reason: "switched off by ADJOINT_BLAS=off" });
  });

  it("empty means auto, and neither case nor space matters", async () => {
    expect(Object.keys((await searchWith(" OFF ")).blas ?? {})).toEqual([]);
    expect((await searchWith("")).blas?.description).toBe((await searchWith(undefined)).blas?.description);
  });

  it("a path that is no library is refused by name, not passed over", async () => {
    await expect(searchWith("/nowhere/libblas.so")).rejects.toThrow(
      /^ADJOINT_BLAS: "\/nowhere\/libblas\.so" cannot be used: /,
    );
  });

  it("a library that multiplies nothing is refused", async () => {
    await expect(searchWith("libm.so.6")).rejects.toThrow(
      /expected off, auto, or the path of a library with the CBLAS interface or oneDNN's$/,
    );
  });
});
