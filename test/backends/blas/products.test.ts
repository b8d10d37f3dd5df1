/** Large matrix products by the system's BLAS: the same results as those generated here, whatever the layout. */
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { type Blas, findBlas, type Gemm } from "../../../src/backends/blas/library.js";
import { WasmProgram } from "../../../src/backends/wasm/index.js";
import { compile } from "../../../src/compiler/pipeline.js";
import { traceGraph } from "../../../src/graph/graph.js";
import { random, setThreads, type Tensor } from "../../../src/index.js";
import type { DType } from "../../../src/types/dtype.js";

const search = findBlas();

// counted are the calls of this thread, which other threads would leave to none
setThreads(1);

type Product = (a: Tensor, b: Tensor) => Tensor;

function run(f: Product, args: readonly Tensor[], blas: Blas | null): number[] {
  const graph = traceGraph("jit", args, (leaves) => [f(leaves[0] as Tensor, leaves[1] as Tensor)]);
  const { schedule, constants, inputs, outputs } = compile(graph, { donated: [], verify: true });
  const program = new WasmProgram(schedule, { blas });
  for (const { buffer, spec } of constants)
    if (spec.constant !== undefined) program.write(buffer, spec.constant);
  inputs.forEach((buffer, i) => {
    program.write(buffer, args[i].dataSync());
  });
  program.run();
  const result = Array.from(program.read(outputs[0]));
  program.dispose();
  return result;
}

/** Counts what BLAS is asked for, and passes it on. */
function counting(blas: Blas): { blas: Blas; calls: Gemm[] } {
  const calls: Gemm[] = [];
  const multiply: Blas["multiply"] = (dtype, gemm, a, b, c) => {
    calls.push(gemm);
    blas.multiply(dtype, gemm, a, b, c);
  };
  return { calls, blas: { ...blas, multiply } };
}

const normal = (seed: number, shape: number[], dtype: DType): Tensor =>
  random.normal(random.key(seed), { shape, dtype });

const products: readonly (readonly [string, readonly number[], readonly number[], Product])[] = [
  ["A · B", [130, 140], [140, 150], (a, b) => a.matmul(b)],
  ["A · Bᵀ", [130, 140], [150, 140], (a, b) => a.matmul(b.transpose())],
  ["Aᵀ · B", [140, 130], [140, 150], (a, b) => a.transpose().matmul(b)],
  ["Aᵀ · Bᵀ", [140, 130], [150, 140], (a, b) => a.transpose().matmul(b.transpose())],
  ["a transposed result", [130, 140], [140, 150], (a, b) => a.matmul(b).transpose().mul(1.5)],
  ["a batch", [3, 120, 150], [3, 150, 130], (a, b) => a.matmul(b)],
  ["a part of a larger matrix", [130, 200], [140, 150], (a, b) => a.slice(null, [30, 170]).matmul(b)],
  ["bias and activation behind it", [130, 140], [140, 150], (a, b) => a.matmul(b).add(b.slice(0)).tanh()],
];

describe.skipIf(search.blas === undefined)(
  `BLAS (${search.blas?.description ?? `skipped: ${search.reason}`})`,
  () => {
    for (const dtype of ["float32", "float64"] as const)
      for (const [name, shapeA, shapeB, f] of products)
        it(`${name} in ${dtype}: as generated here`, () => {
          if (search.blas === undefined) return;
          const args = [normal(1, [...shapeA], dtype), normal(2, [...shapeB], dtype)];
          const { blas, calls } = counting(search.blas);
          const got = run(f, args, blas);
          expect(calls.length).toBeGreaterThan(0);
          const want = run(f, args, null);
          // sums of k ≤ 150 products of order 1, in another order: k roundings of terms of at most about 10
          const tolerance = 150 * 10 * (dtype === "float32" ? 2 ** -24 : 2 ** -53);
          got.forEach((value, i) => {
            if (!(Math.abs(value - want[i]) <= tolerance))
              throw new Error(`element ${i}: ${value}, expected ${want[i]}`);
          });
        });

    it("small products are computed here, and their bits do not depend on what is installed", () => {
      if (search.blas === undefined) return;
      const args = [normal(1, [10, 784], "float32"), normal(2, [30, 784], "float32")];
      const { blas, calls } = counting(search.blas);
      expect(run((a, b) => a.matmul(b.transpose()), args, blas)).toEqual(
        run((a, b) => a.matmul(b.transpose()), args, null),
      );
      expect(calls).toEqual([]);
    });
  },
);

it("a BLAS is there wherever CI has installed one, so that these tests are not skipped for long", () => {
  if (process.env.CI !== undefined) expect(search.reason).toBeUndefined();
});

describe("ADJOINT_BLAS", () => {
  const library = new URL("../../../src/backends/blas/library.ts", import.meta.url).pathname;
  /** Searches in a process of its own, with the module's types taken off. */
  const searchWith = (value: string): string => {
    const code = `
      import { transformWithOxc } from "vite";
      import { readFileSync, writeFileSync, mkdtempSync } from "node:fs";
      import { dirname, join } from "node:path";
      const { code } = await transformWithOxc(readFileSync(${JSON.stringify(library)}, "utf8"), "library.ts");
      const errors = "data:text/javascript," + encodeURIComponent("export class AdjointError extends Error { constructor(code, message) { super(message); this.code = code; } }");
      const url = "data:text/javascript," + encodeURIComponent(code.replace("../../util/errors.js", errors).replaceAll("import.meta.url", JSON.stringify(${JSON.stringify(`file://${library}`)})));
      const { findBlas } = await import(url);
      try { const { blas, reason } = findBlas(); console.log(blas?.description ?? reason); } catch (error) { console.log(error.code, error.message); }
    `;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
      cwd: new URL("../../../", import.meta.url).pathname,
      env: { ...process.env, ADJOINT_BLAS: value },
    });
    return `${child.stdout}${child.stderr}`.trim();
  };

  it("off uses none", () => {
    expect(searchWith("off")).toBe("switched off by ADJOINT_BLAS=off");
  });

  it("a path that is no library is refused by name, not passed over", () => {
    const said = searchWith("/nowhere/libblas.so");
    expect(said).toMatch(/^device ADJOINT_BLAS: \/nowhere\/libblas\.so cannot be used: /);
  });
});
