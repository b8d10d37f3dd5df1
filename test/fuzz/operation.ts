/**
 * What random programs are made of. Each operation draws its parameters for operands of given shapes, and gives a function with
 * the text that describes it; null where it does not apply.
 */
import type { Tensor } from "../../src/index.js";
import type { Random } from "./random.js";

/** An operation with its parameters chosen. */
export interface Applied {
  /** With `$0`, `$1` … for the operands. */
  readonly text: string;
  readonly run: (...operands: Tensor[]) => Tensor;
  /** Values where the operation jumps or bends: operands must keep this far from each. */
  readonly breaks?: Breaks;
  /** What elements of operand 0 must be like. */
  readonly domain?: (x: number) => boolean;
}

/** Where an operation is not smooth. */
export type Breaks =
  /** At these values of operand 0. */
  | { readonly kind: "at"; readonly values: readonly number[] }
  /** At integers plus this. */
  | { readonly kind: "integers"; readonly shift: number }
  /** Where the two operands (broadcast) are equal. */
  | { readonly kind: "equal" }
  /** Where two elements of operand 0 along these axes are equal. */
  | { readonly kind: "ties"; readonly axes: readonly number[] }
  /** Where any two elements of operand 0 are equal: windows overlap in ways not worth describing. */
  | { readonly kind: "all" };

export interface Operation {
  readonly name: string;
  readonly operands: number;
  /** What the dtype of all operands must be. Default float. */
  readonly takes?: "float" | "number" | "any" | "bool" | "int";
  readonly weight?: number;
  readonly draw: (random: Random, operands: readonly Tensor[]) => Applied | null;
}

/** The largest number of elements a result may have. */
export const largestSize = 2048;

export const js = (value: unknown): string => JSON.stringify(value);

export const every = (x: Tensor, test: (value: number) => boolean): boolean => x.dataSync().every(test);

/** The shapes broadcast, to a shape that is not too large. */
export function broadcasts(a: Tensor, b: Tensor): boolean {
  let size = 1;
  for (let i = 1; i <= Math.max(a.rank, b.rank); i++) {
    const [n, m] = [a.shape[a.rank - i] ?? 1, b.shape[b.rank - i] ?? 1];
    if (n !== m && n !== 1 && m !== 1) return false;
    size *= n === 1 ? m : n;
  }
  return size <= largestSize;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Some axes of a tensor, written with either sign. */
export function axesOf(random: Random, x: Tensor): number[] {
  const axes = random.some(x.shape.map((_, axis) => axis));
  return axes.map((axis) => (random.chance(0.3) ? axis - x.rank : axis));
}

/** One axis, written with either sign. */
export const axisOf = (random: Random, x: Tensor): number => random.integer(-x.rank, x.rank - 1);

/** The axis without the sign. */
export const positive = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
