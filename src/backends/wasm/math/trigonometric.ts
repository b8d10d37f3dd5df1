/**
 * sin, cos, tan, over all finite floats.
 *
 * Source: reduction to |r| ≤ π/4 (reduction.ts), then sin r = r + r³·S(r²) and cos r = 1 − r²/2 + r⁴·C(r²), the latter summed as in
 * fdlibm so that 1 − r²/2 loses nothing. Deviation: the remainder r is one float, not two: its rounding costs half an ulp.
 * Known weakness: sine and cosine are both computed, for lanes need either. Bounds, 32 and 64 bits: sin 2, cos 2, tan 4 ulp.
 */
import type { LaneAlgebra } from "./algebra.js";
import { COS, SIN } from "./coefficients.js";
import { integerOf, polynomial, signOf } from "./lanes.js";
import { isLarge, type Reduced, reduceLarge, reduceModerate } from "./reduction.js";

function sinReduced<V>(m: LaneAlgebra<V>, r: V, square: V): V {
  return m.multiplyAdd(m.mul(square, polynomial(m, square, SIN)), r, r);
}

function cosReduced<V>(m: LaneAlgebra<V>, square: V): V {
  const one = m.float(1);
  const half = m.mul(m.float(0.5), square);
  const leading = m.sub(one, half);
  const lost = m.sub(m.sub(one, leading), half);
  return m.add(leading, m.multiplyAdd(m.mul(square, square), polynomial(m, square, COS), lost));
}

/** All bits set where the quadrant is odd. */
function oddQuadrant<V>(m: LaneAlgebra<V>, quadrant: V): V {
  return m.shiftRightArithmetic(m.shiftLeft(quadrant, m.bits - 1), m.bits - 1);
}

/** sin(r + quadrant·π/2). */
function sinInQuadrant<V>(m: LaneAlgebra<V>, { r, quadrant }: Reduced<V>): V {
  const square = m.mul(r, r);
  const value = m.select(oddQuadrant(m, quadrant), cosReduced(m, square), sinReduced(m, r, square));
  const negative = signOf(m, m.shiftLeft(quadrant, m.bits - 2));
  return m.xor(value, negative);
}

function tanInQuadrant<V>(m: LaneAlgebra<V>, { r, quadrant }: Reduced<V>): V {
  const square = m.mul(r, r);
  const sine = sinReduced(m, r, square);
  const cosine = cosReduced(m, square);
  const odd = oddQuadrant(m, quadrant);
  // tan(r + π/2) = −cos r / sin r
  return m.div(m.select(odd, m.neg(cosine), sine), m.select(odd, sine, cosine));
}

/** A function of the reduced magnitude; the long reduction only where a lane needs it. */
function reduced<V>(m: LaneAlgebra<V>, x: V, evaluate: (reduced: Reduced<V>) => V): V {
  const magnitude = m.abs(x);
  return m.rarely(
    isLarge(m, magnitude),
    () => evaluate(reduceLarge(m, magnitude)),
    evaluate(reduceModerate(m, magnitude)),
  );
}

/** The sine; NaN of infinity. */
export function sin<V>(m: LaneAlgebra<V>, x: V): V {
  return m.xor(
    reduced(m, x, (angle) => sinInQuadrant(m, angle)),
    signOf(m, x),
  );
}

/** The cosine, sin(x + π/2); NaN of infinity. */
export function cos<V>(m: LaneAlgebra<V>, x: V): V {
  return reduced(m, x, ({ r, quadrant }) =>
    sinInQuadrant(m, { r, quadrant: m.integerAdd(quadrant, integerOf(m, 1)) }),
  );
}

/** The tangent; NaN of infinity. */
export function tan<V>(m: LaneAlgebra<V>, x: V): V {
  return m.xor(
    reduced(m, x, (angle) => tanInQuadrant(m, angle)),
    signOf(m, x),
  );
}
