/** How near a device must come to the exact result, for every primitive. */

import type { PrimitiveName } from "../../src/primitives/registry.js";
import type { TypedArray } from "../../src/types/dtype.js";
import { sizeOf } from "../../src/types/shape.js";
import { errorInUlps32, errorInUlps64 } from "../backends/math/ulp.js";
import { type Case, inputsOf, show } from "./cases.js";

/**
 * "exact": the same bits as the reference. A number: ULP of the exact value. "sums": sums of n terms, each rounding off by at
 * most u = ε/2 of the running sum: n · u · Σ |terms|. "systems": what elimination gives for n equations, against the largest element.
 */
type Accuracy = "exact" | "sums" | "systems" | number;

/**
 * Elimination and substitution solve a system whose elements are off by at most γ ≈ 3n · u of |L|·|U| (Higham 2002, theorem 9.4),
 * which for the samples is at most 3 · |A|, their elimination not growing and their condition number being below 4: 3 · 3 · 4 · n · u.
 * Determinants add the rounding of a product, n · u.
 */
const SYSTEMS_FACTOR = 40;

/** ULPs of the accuracy table in the manual. */
export const accuracy: { readonly [N in PrimitiveName]: Accuracy } = {
  neg: "exact",
  abs: "exact",
  sign: "exact",
  exp: 3,
  expm1: 3,
  log: 4,
  log1p: 2,
  sqrt: "exact",
  sin: 2,
  cos: 2,
  tan: 4,
  asin: 4,
  acos: 4,
  atan: 4,
  sinh: 4,
  cosh: 4,
  tanh: 2,
  sigmoid: 4,
  erf: 4,
  floor: "exact",
  ceil: "exact",
  round: "exact",
  not: "exact",
  add: "exact",
  sub: "exact",
  mul: "exact",
  div: "exact",
  pow: 4,
  mod: "exact",
  max: "exact",
  min: "exact",
  atan2: 4,
  and: "exact",
  or: "exact",
  xor: "exact",
  shl: "exact",
  shr: "exact",
  eq: "exact",
  ne: "exact",
  lt: "exact",
  le: "exact",
  gt: "exact",
  ge: "exact",
  select: "exact",
  cast: "exact",
  broadcast: "exact",
  sum: "sums",
  reduceMax: "exact",
  argmax: "exact",
  cumsum: "sums",
  reshape: "exact",
  permute: "exact",
  flip: "exact",
  pad: "exact",
  slice: "exact",
  concat: "exact",
  boundIndex: "exact",
  gather: "exact",
  scatterAdd: "sums",
  window: "exact",
  windowAdd: "sums",
  dot: "sums",
  argsort: "exact",
  cholesky: "systems",
  triangularSolve: "systems",
  solve: "systems",
  det: "systems",
  logAbsDet: "systems",
  cofactor: "systems",
  lu: "systems",
  luSolve: "systems",
  iota: "exact",
  randomBits: "exact",
  alias: "exact",
  stopGradient: "exact",
  barrier: "exact",
};

/** What the primitive gives for the sample's inputs changed by `change`, in float64 where they are floats. */
function widely({ primitive, sample }: Case, change: (x: number) => number): readonly TypedArray[] {
  const inputs = inputsOf({ primitive, sample, name: "alias" });
  const isFloat = (dtype: string): boolean => dtype === "float32" || dtype === "float64";
  const types = inputs.map(({ shape, dtype }) => ({
    shape,
    dtype: isFloat(dtype) ? ("float64" as const) : dtype,
  }));
  const arrays = sample.inputs.map((input) =>
    isFloat(input.dtype) ? Float64Array.from(input.values(0), change) : input.values(0),
  );
  const context = {
    params: sample.params,
    inputTypes: types,
    outputTypes: primitive.outputTypes(types, sample.params),
  };
  return primitive.evaluate(arrays, context);
}

/** One line for each element that is off by more than its primitive's accuracy, at most four. */
export function accuracyProblems(test: Case, actual: readonly TypedArray[]): string[] {
  const { primitive, sample, name } = test;
  const inputs = inputsOf(test);
  const types = primitive.outputTypes(inputs, sample.params);
  const arrays = sample.inputs.map((input) => input.values(0));
  const reference = primitive.evaluate(arrays, {
    params: sample.params,
    inputTypes: inputs,
    outputTypes: types,
  });
  const bound = accuracy[name];
  const problems: string[] = [];
  types.forEach(({ dtype, shape }, k) => {
    const got = actual[k];
    if (got.length !== sizeOf(shape)) problems.push(`${got.length} elements for [${shape}]`);
    const isFloat = dtype === "float32" || dtype === "float64";
    const exact = bound === "exact" || !isFloat;
    const expected = exact ? reference[k] : widely(test, (x) => x)[k];
    const magnitudes = bound === "sums" ? widely(test, Math.abs)[k] : expected;
    const terms = bound === "sums" ? widely(test, () => 1)[k] : expected;
    const unit = dtype === "float32" ? 2 ** -24 : 2 ** -53;
    const order = inputs[0]?.shape.at(-1) ?? 1;
    const largest = bound === "systems" ? largestOf(expected) : 0;
    const fits = (i: number): boolean => {
      if (Object.is(got[i], expected[i])) return true;
      if (exact || Number.isNaN(expected[i])) return false;
      if (bound === "sums") return Math.abs(got[i] - expected[i]) <= (terms[i] + 1) * unit * magnitudes[i];
      if (bound === "systems")
        return Math.abs(got[i] - expected[i]) <= SYSTEMS_FACTOR * order * unit * largest;
      const ulps = dtype === "float32" ? errorInUlps32(got[i], expected[i]) : ulps64(got[i], expected[i]);
      // Math's own functions are the exact values of float64 up to one ULP
      return ulps <= (dtype === "float32" ? Number(bound) : Number(bound) + 1);
    };
    for (let i = 0; i < got.length; i++)
      if (!fits(i) && problems.length < 4) {
        const operands = arrays.filter((array) => array.length === got.length).map((array) => array[i]);
        problems.push(`element ${i} of ${show(operands)}: ${got[i]}, expected ${expected[i]}`);
      }
  });
  return problems;
}

function largestOf(values: ArrayLike<number>): number {
  const finite = Array.from(values, Math.abs).filter(Number.isFinite);
  return finite.reduce((a, b) => Math.max(a, b), 0);
}

function ulps64(actual: number, expected: number): number {
  if (!Number.isFinite(expected)) return Object.is(actual, expected) ? 0 : Number.POSITIVE_INFINITY;
  return errorInUlps64(actual, expected, 0);
}
