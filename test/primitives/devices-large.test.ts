/** Devices at sizes where they take their fast paths: vectors, tiles and their remainders, at once and compiled. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readValue } from "../../src/graph/node.js";
import type { Primitive } from "../../src/graph/primitive.js";
import { devices, jit, setDevice, type Tensor, tensor } from "../../src/index.js";
import { binaryTable } from "../../src/primitives/binary.js";
import { type PrimitiveName, registry } from "../../src/primitives/registry.js";
import { unaryTable } from "../../src/primitives/unary.js";
import { fromNode } from "../../src/tensor/convert.js";
import { random, type Sample, type SampleInput } from "../support/registry-samples-values.js";
import { disagreements } from "../transforms/agree.js";
import { programs, runProgram } from "../transforms/random-programs.js";
import { accuracyProblems } from "./accuracy.js";
import { apply, type Case, inputsOf, labelOf } from "./cases.js";

const runs = { seed: Number(process.env.ADJOINT_SEED ?? 1), numRuns: 60 };
/** Past where a device compiles single operations, and odd. */
const MANY = 20_011;

function caseOf(name: PrimitiveName, label: string, params: unknown, ...inputs: SampleInput[]): Case {
  const sample: Sample = { label, params, inputs };
  return { name, primitive: registry[name] as Primitive, sample };
}

const floats = ["float32", "float64"] as const;
const unaries = (Object.keys(unaryTable) as (keyof typeof unaryTable)[]).flatMap((name) => {
  const { domain, dtypes } = unaryTable[name];
  return dtypes.map((dtype) =>
    caseOf(name, `${dtype}[${MANY}]`, undefined, random([MANY], dtype, domain[0], domain[1])),
  );
});
const binaries = (Object.keys(binaryTable) as (keyof typeof binaryTable)[]).flatMap((name) => {
  const { domains, dtypes } = binaryTable[name];
  const [a, b] = domains;
  return dtypes.map((dtype) =>
    dtype === "int32"
      ? caseOf(
          name,
          `${dtype}[${MANY}]`,
          undefined,
          random([MANY], dtype, -99, 99, 1),
          random([MANY], dtype, 0, 9, 2),
        )
      : caseOf(
          name,
          `${dtype}[${MANY}]`,
          undefined,
          random([MANY], dtype, a[0], a[1], 1),
          random([MANY], dtype, b[0], b[1], 2),
        ),
  );
});
const reductions = floats.flatMap((dtype) =>
  [[0], [1], [0, 1]].flatMap((axes) => [
    caseOf("sum", `${dtype} over ${axes}`, { axes }, random([157, 131], dtype)),
    caseOf("reduceMax", `${dtype} over ${axes}`, { axes }, random([157, 131], dtype)),
  ]),
);
const arg = floats.flatMap((dtype) =>
  [0, 1].map((axis) => caseOf("argmax", `${dtype} along ${axis}`, { axis }, random([157, 131], dtype))),
);
const sorts = floats.map((dtype) =>
  caseOf("argsort", `${dtype}[9, 257]`, undefined, random([9, 257], dtype)),
);
const products = floats.flatMap((dtype) =>
  [
    [[129, 65], [65, 67], 1, 0],
    [[65, 129], [65, 67], 0, 0],
    [[129, 65], [67, 65], 1, 1],
    [[65, 129], [67, 65], 0, 1],
    [[1, 300], [300, 70], 1, 0],
    [[300, 70], [70, 1], 1, 0],
  ].map(([a, b, contractA, contractB]) =>
    caseOf(
      "dot",
      `${dtype} [${a}]·[${b}]`,
      { batchA: [], batchB: [], contractA: [contractA], contractB: [contractB] },
      random(a as number[], dtype, -1, 1, 1),
      random(b as number[], dtype, -1, 1, 2),
    ),
  ),
);

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test.each(
    [...unaries, ...binaries, ...reductions, ...arg, ...sorts, ...products].map(
      (each) => [labelOf(each), each] as const,
    ),
  )("%s is as accurate as the table says", (_label, each) => {
    const inputs = inputsOf(each).map(fromNode);
    const compiled = jit((...xs: Tensor[]) => apply(each, xs).map(fromNode));
    for (const run of [compiled, (...xs: Tensor[]) => apply(each, xs)])
      expect(
        accuracyProblems(
          each,
          run(...inputs).map((y) => readValue(y)),
        ),
      ).toEqual([]);
  });

  test("products of any size with transposes, bias and relu are within n u Σ |terms|", () => {
    const extent = fc.integer({ min: 1, max: 70 });
    fc.assert(
      fc.property(
        extent,
        extent,
        extent,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (m, k, n, flipA, flipB, bias) => {
          const a = random(flipA ? [k, m] : [m, k], "float32", -1, 1, 1).values(0);
          const b = random(flipB ? [n, k] : [k, n], "float32", -1, 1, 2).values(0);
          const c = random([n], "float32", -1, 1, 3).values(0);
          const f = jit((x: Tensor, y: Tensor, z: Tensor) => {
            const p = (flipA ? x.transpose() : x).matmul(flipB ? y.transpose() : y);
            return bias ? p.add(z).relu() : p;
          });
          const y = f(
            tensor(a, { shape: flipA ? [k, m] : [m, k] }),
            tensor(b, { shape: flipB ? [n, k] : [k, n] }),
            tensor(c),
          ).dataSync();
          for (let i = 0; i < m; i++)
            for (let j = 0; j < n; j++) {
              let total = bias ? c[j] : 0;
              let size = Math.abs(total);
              for (let l = 0; l < k; l++) {
                const term = a[flipA ? l * m + i : i * k + l] * b[flipB ? j * k + l : l * n + j];
                total += term;
                size += Math.abs(term);
              }
              const exact = bias ? Math.max(0, total) : total;
              if (!(Math.abs(y[i * n + j] - exact) <= (k + 2) * 2 ** -24 * size))
                expect.fail(`[${i}, ${j}]: ${y[i * n + j]}, expected ${exact}`);
            }
        },
      ),
      runs,
    );
  });

  test("random programs on larger tensors give compiled what they give at once on the reference", () => {
    const larger = programs.map(({ steps, left, right }) => ({
      steps,
      left: left.map((n) => 5 * n - 2),
      right: right.map((n) => 7 * n + 1),
    }));
    fc.assert(
      fc.property(larger, (program) => {
        const args = [program.left, program.right].map((s, i) =>
          tensor(random(s, "float64", -1, 1, i).values(0), { shape: s }),
        );
        const f = (x: Tensor, y: Tensor): Tensor[] => runProgram(program, x, y);
        const here = jit(f)(...(args as [Tensor, Tensor]));
        setDevice("reference");
        const there = f(...(args as [Tensor, Tensor]));
        setDevice(device);
        // sums of up to thousands of terms of size 1
        expect(disagreements(JSON.stringify(program), here, there, { units: 1024, scale: 64 })).toEqual([]);
      }),
      { ...runs, numRuns: 100 },
    );
  });
});
