/** Numbers as the document has them and as formulas show them. */
import type { Comparison, Matrix, Real, Values } from "./document.js";

/** A number as JSON can hold it. */
export function real(value: number): Real {
  if (Number.isFinite(value)) return value === 0 ? 0 : value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

/** The number again. */
export function fromReal(value: Real): number {
  return typeof value === "number" ? value : Number(value);
}

/** Six significant digits, the sign a real minus, exponents as they are: `0.186816`, `−2.5e-7`. */
export function show(value: Real, digits = 6): string {
  const number = fromReal(value);
  if (!Number.isFinite(number)) return Number.isNaN(number) ? "NaN" : number > 0 ? "∞" : "−∞";
  const short = Number(number.toPrecision(digits));
  const size = Math.abs(short);
  const text =
    size !== 0 && (size < 1e-4 || size >= 1e7) ? short.toExponential().replace("e+", "e") : String(short);
  return text.replaceAll("-", "−").replace("e−", "e-");
}

/** The same for TeX. */
export function showLatex(value: Real, digits = 6): string {
  const text = show(value, digits).replace("∞", "\\infty").replaceAll("−", "-");
  if (text === "NaN") return "\\text{NaN}";
  const [mantissa, exponent] = text.split("e");
  return exponent === undefined ? mantissa : `${mantissa} \\cdot 10^{${exponent}}`;
}

/** A number as a factor: in brackets where it is negative. */
export function factor(value: Real, print: (value: Real) => string = show): string {
  return fromReal(value) < 0 ? `(${print(value)})` : print(value);
}

/** What the elements are like, and all of them where there are at most `limit`. */
export function valuesOf(elements: ArrayLike<number>, limit: number): Values {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let total = 0;
  let squares = 0;
  let zeros = 0;
  let nonFinite = 0;
  const size = elements.length;
  for (let i = 0; i < size; i++) {
    const value = elements[i];
    if (value === 0) zeros++;
    if (!Number.isFinite(value)) nonFinite++;
    if (value < min || Number.isNaN(value)) min = value;
    if (value > max || Number.isNaN(value)) max = value;
    total += value;
    squares += value * value;
  }
  return {
    size,
    elements: size <= limit ? Array.from(elements, real) : null,
    min: real(size === 0 ? Number.NaN : min),
    max: real(size === 0 ? Number.NaN : max),
    mean: real(total / size),
    rms: real(Math.sqrt(squares / size)),
    zeros,
    nonFinite,
  };
}

export function matrixOf(rows: number, columns: number, elements: ArrayLike<number>, limit: number): Matrix {
  return { rows, columns, values: valuesOf(elements, limit) };
}

/** Compares element by element; `scale` is the size of the terms whose rounding a difference may show. */
export function compare(
  computed: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
): Comparison {
  let worst = -1;
  let at = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Object.is(computed[i], expected[i]) ? 0 : Math.abs(computed[i] - expected[i]);
    if (difference > worst || Number.isNaN(difference)) {
      worst = difference;
      at = i;
    }
  }
  const difference = Math.max(worst, 0);
  return {
    computed: real(expected.length === 0 ? 0 : computed[at]),
    expected: real(expected.length === 0 ? 0 : expected[at]),
    difference: real(difference),
    tolerance: real(tolerance),
    agrees: difference <= tolerance,
  };
}

/** The relative rounding of a dtype. */
export function epsilonOf(dtype: string): number {
  return dtype === "float64" ? 2 ** -52 : 2 ** -23;
}

/** The largest magnitude, 0 of nothing. */
export function largest(elements: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < elements.length; i++) most = Math.max(most, Math.abs(elements[i]));
  return most;
}

/** How many elements pass. */
export function countWhere(
  elements: ArrayLike<number>,
  passes: (value: number, i: number) => boolean,
): number {
  let count = 0;
  for (let i = 0; i < elements.length; i++) if (passes(elements[i], i)) count++;
  return count;
}
