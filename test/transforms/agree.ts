/** Two ways to the same values: how far they may be apart, and the ways themselves. */
import { isTensor, jit, stack, type Tensor, vmap } from "../../src/index.js";
import { flatten } from "../../src/util/tree.js";

/** A function of tensors whose result is a tree of tensors. */
export type TensorFunction = (...xs: Tensor[]) => unknown;

/**
 * Two evaluations of one composition differ by the order of sums and by the device's elementary functions: at most eight of
 * these here, each within 4 ULP, and sums of at most 64 terms: 64 ε of the largest element.
 */
const UNITS = 64;

export interface Closeness {
  /** ε by which elements may differ, of the scale. Default 64. */
  readonly units?: number;
  /** The least scale: where results are small differences of numbers of this size. Default none. */
  readonly scale?: number;
}

export function tensorsOf(tree: unknown): readonly Tensor[] {
  return flatten(tree, isTensor).leaves;
}

/** One line for each tensor in which two trees differ by more than rounding. */
export function disagreements(
  label: string,
  actual: unknown,
  expected: unknown,
  { units = UNITS, scale: least = 1e-300 }: Closeness = {},
): string[] {
  const got = tensorsOf(actual);
  const wanted = tensorsOf(expected);
  if (got.length !== wanted.length) return [`${label}: ${got.length} tensors, expected ${wanted.length}`];
  return wanted.flatMap((want, k) => {
    const have = got[k];
    if (have.dtype !== want.dtype || have.shape.join() !== want.shape.join())
      return [`${label}: ${have.dtype}[${have.shape}], expected ${want.dtype}[${want.shape}]`];
    const a = have.dataSync();
    const b = want.dataSync();
    let scale = least;
    for (const value of b) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
    const epsilon = want.dtype === "float64" ? 2 ** -52 : want.dtype === "float32" ? 2 ** -23 : 0;
    const off = b.findIndex(
      (x, i) => !(Object.is(x, a[i]) || x === a[i] || Math.abs(x - a[i]) <= units * epsilon * scale),
    );
    return off < 0
      ? []
      : [`${label}: element ${off} of ${want.dtype}[${want.shape}] is ${a[off]}, expected ${b[off]}`];
  });
}

/** Compiled against at once. */
export function jitProblems(
  label: string,
  f: TensorFunction,
  args: readonly Tensor[],
  close: Closeness = {},
): string[] {
  return disagreements(`${label}, jit`, jit(f)(...args), f(...args), close);
}

/**
 * vmap against a loop, with every argument batched and with each one alone.
 * @param examples the arguments of each example
 */
export function vmapProblems(
  label: string,
  f: TensorFunction,
  examples: readonly (readonly Tensor[])[],
  close: Closeness = {},
): string[] {
  const count = examples[0].length;
  const choices = [
    examples[0].map(() => true),
    ...(count > 1 ? examples[0].map((_, i) => examples[0].map((__, k) => k === i)) : []),
  ];
  return choices.flatMap((batched) => {
    const own = examples.map((example) => example.map((x, i) => (batched[i] ? x : examples[0][i])));
    const results = own.map((args) => tensorsOf(f(...args)));
    const expected = results[0].map((_, k) => stack(results.map((result) => result[k])));
    const args = batched.map((is, i) => (is ? stack(examples.map((example) => example[i])) : examples[0][i]));
    const inAxes = batched.map((is) => (is ? 0 : null));
    return disagreements(
      `${label}, vmap over ${batched.map(Number)}`,
      vmap(f, { inAxes })(...args),
      expected,
      close,
    );
  });
}
