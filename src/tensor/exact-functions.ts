/**
 * A logarithm and a cosine for random numbers, of the same bits on every device, at once and compiled: made of nothing but float64
 * operations that IEEE 754 rounds exactly (sums, products, quotients, floor, comparison, choice), which no backend contracts or
 * reorders. The devices' own functions differ in their last bits.
 *
 * Source: log x = −k·ln 2 + 2·atanh((m − 1)/(m + 1)) with m = 2ᵏ·x in [√½, √2), and the Taylor series of atanh and of sin.
 * Deviation: k is found by halving, with choices, since no operation reads an exponent; what is exact in the argument's own dtype
 * happens there. Known weakness: some eighty operations; results are right to about 2·10⁻⁹, or 10⁻¹⁵ for float64 arguments.
 */
import type { Node } from "../graph/node.js";
import { add, div, mul, sub } from "../primitives/binary.js";
import { lt } from "../primitives/compare.js";
import { cast, select } from "../primitives/select.js";
import { fill } from "../primitives/support.js";
import { abs, floor } from "../primitives/unary.js";
import type { DType } from "../types/dtype.js";

interface Effort {
  /** Halvings: 5 reach 2^-31, 6 reach 2^-63. */
  readonly steps: number;
  readonly logTerms: number;
  readonly sineTerms: number;
}

const efforts = {
  float32: { steps: 5, logTerms: 5, sineTerms: 7 },
  float64: { steps: 6, logTerms: 11, sineTerms: 12 },
} as const satisfies Record<string, Effort>;

function effortFor(precision: DType): Effort {
  return precision === "float64" ? efforts.float64 : efforts.float32;
}

/** c₀ + c₁·x + c₂·x² + …, by Horner's rule. */
function polynomial(x: Node, coefficients: readonly number[]): Node {
  const highest = fill(x, coefficients[coefficients.length - 1]);
  return coefficients.slice(0, -1).reduceRight((sum, c) => add(mul(sum, x), fill(x, c)), highest);
}

/** The natural logarithm as float64, for 2^-31 ≤ x ≤ 1, or 2^-63 ≤ x for float64; as precise as `precision` (default x's) needs. */
export function exactLog(x: Node, precision: DType = x.dtype): Node {
  const { steps, logTerms } = effortFor(precision);
  const zero = fill(x, 0);
  const one = fill(x, 1);
  let scaled = x;
  let k: Node = zero;
  for (let step = 2 ** (steps - 1); step >= 1; step /= 2) {
    // from √½ · 2^(1 − step) on, the smaller steps to come are enough
    const small = lt(scaled, fill(x, Math.SQRT2 * 2 ** -step));
    scaled = mul(scaled, select(small, fill(x, 2 ** step), one));
    k = add(k, select(small, fill(x, step), zero));
  }
  const m = cast(scaled, "float64");
  const s = div(sub(m, fill(m, 1)), add(m, fill(m, 1)));
  const atanhTwice = Array.from({ length: logTerms }, (_, n) => 2 / (2 * n + 1));
  return sub(mul(s, polynomial(mul(s, s), atanhTwice)), mul(cast(k, "float64"), fill(m, Math.LN2)));
}

/** cos 2πv as float64, for |v| ≤ 1; as precise as the dtype of v needs. */
export function exactCosineOfTurns(turns: Node): Node {
  // cos 2πv = sin 2πe with e = |frac v − ½| − ¼, in [−¼, ¼]
  const fraction = sub(turns, floor(turns));
  const e = cast(sub(abs(sub(fraction, fill(turns, 0.5))), fill(turns, 0.25)), "float64");
  const sine = [2 * Math.PI];
  for (let n = 1; n < effortFor(turns.dtype).sineTerms; n++)
    sine.push((-sine[n - 1] * 4 * Math.PI * Math.PI) / (2 * n * (2 * n + 1)));
  return mul(e, polynomial(mul(e, e), sine));
}
