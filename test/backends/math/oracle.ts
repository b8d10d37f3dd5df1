/** True values in float64, far more exact than float32 can tell. */

/** erf by its all-positive series below 2.5, by the continued fraction of erfc above (Abramowitz & Stegun 7.1.6 and 7.1.14). */
export function trueErf(x: number): number {
  if (Number.isNaN(x)) return x;
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    // erf z = 2/√π · e^(−z²) · Σ 2ⁿ z²ⁿ⁺¹ / (1·3·…·(2n+1))
    let term = z;
    let sum = z;
    for (let n = 1; term > sum * 1e-17; n++) {
      term *= (2 * z * z) / (2 * n + 1);
      sum += term;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-z * z) * sum;
  }
  // erfc z = e^(−z²)/√π · 1/(z + ½/(z + 1/(z + 3/2/(z + …))))
  let fraction = z;
  for (let n = 80; n >= 1; n--) fraction = z + n / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * fraction));
}

/** 1 − erf x, with all its digits where it is small: erfc z = e^(−z²)/√π · 1/(z + ½/(z + 1/(z + 3/2/(z + …)))) for z from 2.5 on. */
export function trueErfc(x: number): number {
  if (x < 2.5) return x < 0 ? 1 + trueErf(-x) : 1 - trueErf(x);
  let fraction = x;
  for (let n = 80; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * fraction);
}

export function trueSigmoid(x: number): number {
  return x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x));
}

/** C's pow: JavaScript's, but for the two cases in which it gives NaN where C gives 1. */
export function truePow(x: number, y: number): number {
  if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1;
  return x ** y;
}
