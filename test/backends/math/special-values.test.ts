/** Limits, signs of zeros, NaN, overflow and underflow: as in C's Annex F, bit for bit, in both widths. */
import { describe, expect, it } from "vitest";
import * as exported from "../../../src/backends/wasm/math/index.js";
import { lanes32, lanes64, type ScalarLanes } from "./scalar-lanes.js";

const { PI, fround } = Math;
const infinity = Number.POSITIVE_INFINITY;
const nan = Number.NaN;

/** By name: a copy, for a namespace is not to be indexed. */
const math = { ...exported };
type Name = Exclude<keyof typeof math, "pow" | "atan2">;

// biome-ignore format: a table
const limits: Record<Name, readonly (readonly [x: number, y: number])[]> = {
  exp: [[0, 1], [-0, 1], [infinity, infinity], [-infinity, 0], [1000, infinity], [-1000, 0]],
  expm1: [[0, 0], [-0, -0], [infinity, infinity], [-infinity, -1], [1000, infinity], [-1000, -1]],
  log: [
    [1, 0], [0, -infinity], [-0, -infinity], [infinity, infinity], [-1, nan], [-infinity, nan], [-1e-40, nan],
  ],
  log1p: [[0, 0], [-0, -0], [-1, -infinity], [infinity, infinity], [-1.5, nan], [-infinity, nan]],
  sin: [[0, 0], [-0, -0], [infinity, nan], [-infinity, nan]],
  cos: [[0, 1], [-0, 1], [infinity, nan], [-infinity, nan]],
  tan: [[0, 0], [-0, -0], [infinity, nan], [-infinity, nan]],
  asin: [[0, 0], [-0, -0], [1, PI / 2], [-1, -PI / 2], [1.25, nan], [-1.25, nan], [infinity, nan]],
  acos: [[1, 0], [-1, PI], [0, PI / 2], [-0, PI / 2], [1.25, nan], [-1.25, nan], [-infinity, nan]],
  atan: [[0, 0], [-0, -0], [infinity, PI / 2], [-infinity, -PI / 2], [1, PI / 4], [-1, -PI / 4]],
  sinh: [
    [0, 0], [-0, -0], [infinity, infinity], [-infinity, -infinity], [1000, infinity], [-1000, -infinity],
  ],
  cosh: [[0, 1], [-0, 1], [infinity, infinity], [-infinity, infinity], [1000, infinity], [-1000, infinity]],
  tanh: [[0, 0], [-0, -0], [infinity, 1], [-infinity, -1], [1000, 1], [-1000, -1]],
  sigmoid: [[0, 0.5], [-0, 0.5], [infinity, 1], [-infinity, 0], [1000, 1], [-1000, 0]],
  erf: [[0, 0], [-0, -0], [infinity, 1], [-infinity, -1], [1000, 1], [-1000, -1]],
};

/** [x, y, xʸ] */
// biome-ignore format: a table
const powLimits: readonly (readonly [number, number, number])[] = [
  ...[0, -0, 1, -2, infinity, -infinity, nan].flatMap((x): [number, number, number][] => [
    [x, 0, 1], [x, -0, 1],
  ]),
  ...[3, -0.5, infinity, -infinity, nan].map((y): [number, number, number] => [1, y, 1]),
  [nan, 2, nan], [2, nan, nan], [-1, nan, nan], [0, nan, nan], [nan, infinity, nan], [-1, infinity, 1],
  [-1, -infinity, 1], [0, 3, 0], [-0, 3, -0], [0, 2, 0], [-0, 2, 0], [0, 0.5, 0], [-0, 0.5, 0],
  [0, infinity, 0], [-0, infinity, 0], [0, -3, infinity], [-0, -3, -infinity], [-0, -2, infinity],
  [-0, -0.5, infinity], [0, -infinity, infinity], [-0, -infinity, infinity], [0.5, infinity, 0],
  [-0.5, infinity, 0], [0.5, -infinity, infinity], [2, infinity, infinity], [-2, infinity, infinity],
  [2, -infinity, 0], [-2, -infinity, 0], [infinity, 2, infinity], [infinity, -2, 0],
  [infinity, 0.5, infinity], [-infinity, 3, -infinity], [-infinity, 2, infinity], [-infinity, 0.5, infinity],
  [-infinity, -3, -0], [-infinity, -2, 0], [-infinity, -0.5, 0], [-infinity, -infinity, 0],
  [infinity, infinity, infinity], [infinity, -infinity, 0], [-2, 0.5, nan], [-2, 1e-30, nan],
  [-1e-30, -1.5, nan], [-8, 3, -512], [-8, 2, 64], [-2, -1, -0.5], [-2, 1e30, infinity], [10, 1000, infinity],
  [-10, 1001, -infinity], [10, -1000, 0], [-10, -1001, -0], [2, 10, 1024], [2, -20, 2 ** -20], [4, 0.5, 2],
  [3, 1, 3], [-1, 16777215, -1], [-1, 16777216, 1],
];

/** [y, x, angle] */
// biome-ignore format: a table
const atan2Limits: readonly (readonly [number, number, number])[] = [
  [0, 0, 0], [-0, 0, -0], [0, -0, PI], [-0, -0, -PI], [0, 1, 0], [-0, 1, -0], [0, -1, PI], [-0, -1, -PI],
  [1, 0, PI / 2], [1, -0, PI / 2], [-1, 0, -PI / 2], [-1, -0, -PI / 2], [1, infinity, 0], [-1, infinity, -0],
  [1, -infinity, PI], [-1, -infinity, -PI], [infinity, 1, PI / 2], [-infinity, -1, -PI / 2], [0, infinity, 0],
  [-0, -infinity, -PI], [infinity, infinity, PI / 4], [-infinity, infinity, -PI / 4],
  [infinity, -infinity, (3 * PI) / 4], [-infinity, -infinity, (-3 * PI) / 4], [nan, 1, nan], [1, nan, nan],
  [nan, 0, nan], [0, nan, nan], [nan, infinity, nan], [infinity, nan, nan], [1, 1, PI / 4],
  [2 ** -100, 2 ** 100, 2 ** -200], [1e-30, -1e30, PI], [1e30, 1e-30, PI / 2],
];

function suite<V>(m: ScalarLanes<V>): void {
  const round = (x: number) => (m.bits === 32 ? fround(x) : x);
  const same = (call: string, result: V, expected: number) =>
    expect(
      Object.is(m.read(result), round(expected)),
      `${call} = ${m.read(result)}, expected ${round(expected)}`,
    ).toBe(true);

  it.each(Object.entries(limits) as [Name, (typeof limits)[Name]][])("%s", (name, rows) => {
    for (const [x, y] of [...rows, [nan, nan] as const]) same(`${name}(${x})`, math[name](m, m.float(x)), y);
  });

  it("pow", () => {
    for (const [x, y, power] of powLimits)
      same(`pow(${x}, ${y})`, math.pow(m, m.float(x), m.float(y)), power);
  });

  it("atan2", () => {
    for (const [y, x, angle] of atan2Limits)
      same(`atan2(${y}, ${x})`, math.atan2(m, m.float(y), m.float(x)), angle);
  });

  it("NaN of any payload and sign gives NaN", () => {
    const exponent = m.bits === 32 ? 0x7f800000n : 0x7ff0000000000000n;
    const sign = 1n << BigInt(m.bits - 1);
    const one = m.float(1.5);
    for (const payload of [1n, 5n, exponent >> 9n]) {
      for (const bits of [exponent | payload, sign | exponent | payload]) {
        const x = m.integer(BigInt.asIntN(m.bits, bits));
        for (const name of Object.keys(limits) as Name[]) expect(m.read(math[name](m, x)), name).toBeNaN();
        for (const f of [math.pow, math.atan2]) {
          expect(m.read(f(m, x, one))).toBeNaN();
          expect(m.read(f(m, one, x))).toBeNaN();
        }
      }
    }
  });

  it("odd functions with slope 1 at 0 are the identity there, down to the smallest denormal", () => {
    const smallest = m.bits === 32 ? 2 ** -149 : 2 ** -1074;
    for (const x of [smallest, -smallest, 3 * smallest, m.bits === 32 ? 2 ** -127 : 2 ** -1023]) {
      for (const name of ["expm1", "log1p", "sin", "tan", "asin", "atan", "sinh", "tanh"] as const)
        same(`${name}(${x})`, math[name](m, m.float(x)), x);
    }
  });

  it("exp overflows to infinity past the logarithm of the largest float, and underflows gradually to 0", () => {
    const [overflow, below, underflow, smallest] =
      m.bits === 32
        ? [88.72284, 88.72283, -103.97209, 2 ** -149]
        : [709.7827128933841, 709.782712893384, -745.1332191019412, 2 ** -1074];
    same("exp", math.exp(m, m.float(overflow)), infinity);
    expect(m.read(math.exp(m, m.float(below)))).toBeLessThan(infinity);
    same("exp", math.exp(m, m.float(underflow)), 0);
    same("exp", math.exp(m, m.float(m.bits === 32 ? -103.5 : -745)), smallest);
    expect(m.read(math.exp(m, m.float(m.bits === 32 ? -100 : -740)))).toBeGreaterThan(smallest);
  });

  it("a slow path taken by one lane leaves the others as they are", () => {
    // The one lane here must not depend on the path being taken when its mask is clear.
    const always: ScalarLanes<V> = {
      ...m,
      rarely: (mask, then, otherwise) => m.select(mask, then(), otherwise),
      mostly: (mask, common, otherwise) => m.select(mask, common, otherwise()),
    };
    for (const x of [-3, 0.5, 100, 6000, 1e30])
      same(`sin(${x})`, math.sin(always, m.float(x)), m.read(math.sin(m, m.float(x))));
    const edge = m.bits === 32 ? 86 : 707;
    for (const x of [-edge - 1, -edge, 1 - edge, -1, 0, 1, edge - 1, edge, edge + 1])
      same(`exp(${x})`, math.exp(always, m.float(x)), m.read(math.exp(m, m.float(x))));
  });
}

describe("32 bits", () => suite(lanes32("unfused")));
describe("32 bits, fused", () => suite(lanes32("fused")));
describe("64 bits", () => suite(lanes64("unfused")));
describe("64 bits, fused", () => suite(lanes64("fused")));
