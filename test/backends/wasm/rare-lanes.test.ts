/** Functions with a path for rare arguments: one lane that needs it gets it, wherever it stands, and the others keep their bits. */
import { describe, expect, it } from "vitest";
import type { LoopKernel, UnaryOp } from "../../../src/loops/ir.js";
import type { TypedArray } from "../../../src/types/dtype.js";
import { load, runWasm, schedule, ulps, unary } from "./support.js";

const rare: Record<"float32" | "float64", readonly number[]> = {
  float32: [-100, 88.5, 1e30, -1e30, Infinity, -Infinity, Number.NaN],
  float64: [-740, 709.5, 1e300, -1e300, Infinity, -Infinity, Number.NaN],
};
const functions = { exp: Math.exp, sin: Math.sin } as const satisfies Partial<Record<UnaryOp, unknown>>;

describe.each(["float32", "float64"] as const)("%s", (dtype) => {
  const evaluate = (op: UnaryOp, values: readonly number[]): TypedArray => {
    const length = values.length;
    const kernel: LoopKernel = {
      kind: "loops",
      name: op,
      loops: [length],
      reducedLoops: 0,
      reductions: [],
      stores: [{ buffer: 1, offset: 0, strides: [1], value: unary(op, load(dtype, 0, [1])) }],
    };
    const input = dtype === "float32" ? Float32Array.from(values) : Float64Array.from(values);
    return runWasm(
      schedule(
        [
          { dtype, length },
          { dtype, length },
        ],
        [kernel],
      ),
      new Map([[0, input]]),
    )[1];
  };

  it.each(["exp", "sin"] as const)("%s with one rare argument in a vector", (op) => {
    const usual = [0.25, -1.5, 3, -0.75, 2, 1, -2, 0.5];
    const expected = evaluate(op, usual);
    for (const special of rare[dtype])
      for (let lane = 0; lane < usual.length; lane++) {
        const result = evaluate(
          op,
          usual.map((x, i) => (i === lane ? special : x)),
        );
        const given = dtype === "float32" ? Math.fround(special) : special;
        const truth = functions[op](given);
        const rounded = dtype === "float32" ? Math.fround(truth) : truth;
        expect(ulps(dtype, result[lane], rounded), `${op}(${special})`).toBeLessThanOrEqual(4);
        usual.forEach((_, i) => {
          if (i !== lane) expect(result[i]).toBe(expected[i]);
        });
      }
  });
});
