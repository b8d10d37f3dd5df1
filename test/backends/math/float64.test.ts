/**
 * Every function in 64 bits against values of scripts/math-vectors.py (true to about a thousandth of an ulp), fused and unfused: a few
 * hundred arguments each, over ordinary ranges and hard ones (near zeros and branch points, denormals, huge arguments).
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as math from "../../../src/backends/wasm/math/index.js";
import { lanes64, type Rounding, type ScalarLanes } from "./scalar-lanes.js";
import { errorInUlps64 } from "./ulp.js";

type Function64 = (m: ScalarLanes<bigint>, x: bigint, y: bigint) => bigint;

/**
 * Worst errors: promised, and measured over a set like this but forty times as large, plus about a tenth: `math-vectors.py 1500`, read and
 * printed when MATH_VECTORS names it.
 */
const table: Record<string, { f: Function64; bound: number; measured: number }> = {
  exp: { f: math.exp, bound: 3, measured: 1.1 },
  expm1: { f: math.expm1, bound: 3, measured: 1.9 },
  log: { f: math.log, bound: 4, measured: 0.9 },
  log1p: { f: math.log1p, bound: 2, measured: 1.5 },
  sin: { f: math.sin, bound: 2, measured: 1.5 },
  cos: { f: math.cos, bound: 2, measured: 1.5 },
  tan: { f: math.tan, bound: 4, measured: 3 },
  asin: { f: math.asin, bound: 4, measured: 0.7 },
  acos: { f: math.acos, bound: 4, measured: 1.1 },
  atan: { f: math.atan, bound: 4, measured: 1 },
  sinh: { f: math.sinh, bound: 4, measured: 1.6 },
  cosh: { f: math.cosh, bound: 4, measured: 1.4 },
  tanh: { f: math.tanh, bound: 2, measured: 1.5 },
  sigmoid: { f: math.sigmoid, bound: 4, measured: 2 },
  erf: { f: math.erf, bound: 4, measured: 1.2 },
  pow: { f: math.pow, bound: 4, measured: 1.2 },
  atan2: { f: math.atan2, bound: 4, measured: 1.2 },
};

type Row = readonly number[];
const path = process.env.MATH_VECTORS ?? new URL("../../fixtures/math-vectors.json", import.meta.url);
const vectors = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, readonly Row[]>>;
const roundings: readonly Rounding[] = ["fused", "unfused"];

describe.each(roundings)("64 bits, multiplyAdd %s: the error stays below the bound", (rounding) => {
  const m = lanes64(rounding);
  it.each(Object.entries(table))("%s", (name, { f, bound, measured }) => {
    const rows = vectors[name] ?? [];
    expect(rows.length).toBeGreaterThan(100);
    let worst = 0;
    let call = "";
    for (const row of rows) {
      const [x = Number.NaN, second = Number.NaN] = row;
      const [expected = Number.NaN, fraction = Number.NaN] = row.slice(-2);
      const result = m.read(f(m, m.float(x), m.float(second)));
      const error = errorInUlps64(result, expected, fraction);
      if (error > worst) {
        worst = error;
        call = `${name}(${row.slice(0, -2).join(", ")}): ${result}, expected ${expected}`;
      }
    }
    if (process.env.MATH_VECTORS) console.log(rounding, name, worst, call);
    expect(worst, call).toBeLessThanOrEqual(Math.min(bound, measured));
  });
});
