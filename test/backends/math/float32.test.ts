/**
 * Every function in 32 bits against float64, about 100,000 arguments each, fused and unfused: half of them spread over all bit patterns
 * (every exponent, denormals, infinities, NaN), half evenly over the range where most happens.
 *
 * The bound is the one promised; `measured` is the worst seen over twelve times as many arguments, plus about a tenth, and is asserted
 * too, so that a loss of accuracy within the bound is noticed. MATH_SAMPLES=600000 repeats that measurement and prints it.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as math from "../../../src/backends/wasm/math/index.js";
import { trueErf, truePow, trueSigmoid } from "./oracle.js";
import { lanes32, type Rounding, type ScalarLanes } from "./scalar-lanes.js";
import { errorInUlps32, ulpExponent } from "./ulp.js";

type Unary = (m: ScalarLanes<number>, x: number) => number;
type Binary = (m: ScalarLanes<number>, x: number, y: number) => number;

interface UnaryRow {
  readonly f: Unary;
  readonly truth: (x: number) => number;
  readonly bound: number;
  readonly measured: number;
  readonly range: readonly [low: number, high: number];
}

const unary = {
  exp: { f: math.exp, truth: Math.exp, bound: 3, measured: 1.3, range: [-104, 89] },
  expm1: { f: math.expm1, truth: Math.expm1, bound: 3, measured: 1.8, range: [-3, 3] },
  log: { f: math.log, truth: Math.log, bound: 4, measured: 0.9, range: [0, 4] },
  log1p: { f: math.log1p, truth: Math.log1p, bound: 2, measured: 1.5, range: [-1, 3] },
  sin: { f: math.sin, truth: Math.sin, bound: 2, measured: 1.6, range: [-7000, 7000] },
  cos: { f: math.cos, truth: Math.cos, bound: 2, measured: 1.6, range: [-7000, 7000] },
  tan: { f: math.tan, truth: Math.tan, bound: 4, measured: 3.4, range: [-7000, 7000] },
  asin: { f: math.asin, truth: Math.asin, bound: 4, measured: 0.8, range: [-1, 1] },
  acos: { f: math.acos, truth: Math.acos, bound: 4, measured: 1.3, range: [-1, 1] },
  atan: { f: math.atan, truth: Math.atan, bound: 4, measured: 1.4, range: [-5, 5] },
  sinh: { f: math.sinh, truth: Math.sinh, bound: 4, measured: 1.8, range: [-90, 90] },
  cosh: { f: math.cosh, truth: Math.cosh, bound: 4, measured: 1.7, range: [-90, 90] },
  tanh: { f: math.tanh, truth: Math.tanh, bound: 2, measured: 1.6, range: [-10, 10] },
  sigmoid: { f: math.sigmoid, truth: trueSigmoid, bound: 4, measured: 2.7, range: [-105, 20] },
  erf: { f: math.erf, truth: trueErf, bound: 4, measured: 1.8, range: [-4.5, 4.5] },
} as const satisfies Record<string, UnaryRow>;

const angular: Record<string, UnaryRow> = { sin: unary.sin, cos: unary.cos, tan: unary.tan };

/** For each exponent the float32 closest to a multiple of π/2, from scripts/math-vectors.py. */
const { hardFloat32Angles: hardAngles } = JSON.parse(
  readFileSync(new URL("../../fixtures/math-vectors.json", import.meta.url), "utf8"),
) as { readonly hardFloat32Angles: readonly number[] };

const binary: Record<
  string,
  { f: Binary; truth: (x: number, y: number) => number; bound: number; measured: number }
> = {
  pow: { f: math.pow, truth: truePow, bound: 4, measured: 1.2 },
  atan2: { f: math.atan2, truth: Math.atan2, bound: 4, measured: 1.5 },
};

const COUNT = Number(process.env.MATH_SAMPLES ?? 50_000);
const roundings: readonly Rounding[] = ["fused", "unfused"];

/** The worst error found, and where. */
class Worst {
  error = 0;
  call = "";

  note(error: number, call: () => string): void {
    if (error > this.error) {
      this.error = error;
      this.call = call();
    }
  }
}

function worstUnary({ f, truth, range: [low, high] }: UnaryRow, m: ScalarLanes<number>): Worst {
  const worst = new Worst();
  const check = (bits: number) => {
    const x = m.read(bits);
    const result = m.read(f(m, bits));
    worst.note(errorInUlps32(result, truth(x)), () => `x = ${x}: ${result}, expected ${truth(x)}`);
  };
  const stride = Math.floor(2 ** 32 / COUNT) | 1;
  for (let i = 0; i < COUNT; i++) {
    check((i * stride) | 0);
    check(m.float(low + ((high - low) * i) / COUNT));
  }
  return worst;
}

/** Numbers in [0, 1) from a linear congruence (Knuth's MMIX constants are for 64 bits; these are Numerical Recipes' for 32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

function worstBinary(
  { f, truth }: { f: Binary; truth: (x: number, y: number) => number },
  m: ScalarLanes<number>,
): Worst {
  const worst = new Worst();
  const check = (first: number, second: number) => {
    const x = m.read(first);
    const y = m.read(second);
    const result = m.read(f(m, first, second));
    worst.note(errorInUlps32(result, truth(x, y)), () => `(${x}, ${y}): ${result}, expected ${truth(x, y)}`);
  };
  const draw = random(1);
  const bits = () => (draw() * 2 ** 32) | 0;
  for (let i = 0; i < COUNT / 2; i++) {
    check(bits(), bits());
    check(m.float(draw() * 8 - 4), m.float(draw() * 8 - 4));
    // A base anywhere, and an exponent that spreads |result| over all binades.
    const base = m.float(2 ** (draw() < 0.5 ? draw() * 270 - 145 : (draw() - 0.5) / 16));
    const exponent = (draw() * 278 - 150) / Math.log2(m.read(base));
    check(base, m.float(exponent));
    // Negative bases and integral exponents.
    check(m.float(-m.read(base)), m.float(Math.round(draw() * 41 - 20)));
  }
  return worst;
}

describe.each(roundings)("32 bits, multiplyAdd %s: the error stays below the bound", (rounding) => {
  const m = lanes32(rounding);
  it.each(Object.entries(unary))("%s", (name, row) => {
    const worst = worstUnary(row, m);
    if (process.env.MATH_SAMPLES) console.log(rounding, name, worst.error, worst.call);
    expect(worst.error, worst.call).toBeLessThanOrEqual(Math.min(row.bound, row.measured));
  });
  it.each(Object.entries(angular))("%s, at the floats closest to multiples of π/2", (_, row) => {
    const worst = new Worst();
    const check = (x: number) => {
      const result = m.read(row.f(m, m.float(x)));
      worst.note(errorInUlps32(result, row.truth(x)), () => `x = ${x}: ${result}, expected ${row.truth(x)}`);
    };
    expect(hardAngles.length).toBeGreaterThan(50);
    for (const x of hardAngles) check(x);
    for (let n = 1; n < 5000; n++) {
      const x = Math.fround((n * Math.PI) / 2);
      const step = 2 ** ulpExponent(x, 32);
      for (const neighbour of [x - step, x, x + step]) check(neighbour);
    }
    expect(worst.error, worst.call).toBeLessThanOrEqual(Math.min(row.bound, row.measured));
  });

  it.each(Object.entries(binary))("%s", (name, row) => {
    const worst = worstBinary(row, m);
    if (process.env.MATH_SAMPLES) console.log(rounding, name, worst.error, worst.call);
    expect(worst.error, worst.call).toBeLessThanOrEqual(Math.min(row.bound, row.measured));
  });
});
