/** The vectors in test/fixtures/pytorch, written by scripts/make-pytorch-vectors.py: their form, and reading them. */
import { readFileSync } from "node:fs";
import type { DType } from "../../src/index.js";

/** A number, or one of those JSON has no literal for. */
export type Encoded = number | "NaN" | "Infinity" | "-Infinity";

/** The elements of a tensor in row-major order. */
export interface Elements {
  readonly shape: readonly number[];
  readonly data: readonly Encoded[];
  /** What rounding errors of each element are proportional to; without it, the element's own magnitude. */
  readonly scale?: readonly number[];
}

export interface TypedElements extends Elements {
  readonly dtype: DType;
}

/** What an operation is called with. */
export interface Call {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly TypedElements[];
  /** Positional arguments that are not tensors. */
  readonly args?: readonly unknown[];
  readonly options?: Readonly<Record<string, unknown>>;
  /** Which of several results is meant (topK: 0 values, 1 indices). */
  readonly result?: number;
}

/** A value, and where `cotangent` is given, the vector-Jacobian product; null for an input without a gradient. */
export interface VectorCase extends Call {
  readonly output: TypedElements | readonly TypedElements[];
  readonly cotangent?: Elements | readonly Elements[];
  readonly gradients?: readonly (Elements | null)[];
}

/** The Hessian of Σ cotangent ⊙ op(inputs), in all inputs that have a tangent together, times the tangents. */
export interface HessianCase extends Call {
  readonly cotangent: Elements;
  readonly tangents: readonly (Elements | null)[];
  readonly hessianVector: readonly (Elements | null)[];
}

/** Steps of SGD on ½‖a·w + b − y‖²; each entry holds the loss before the step and the parameters after it. */
export interface SgdCase {
  readonly name: string;
  readonly dtype: "float32" | "float64";
  readonly options: {
    readonly learningRate: number;
    readonly momentum?: number;
    readonly nesterov?: boolean;
    readonly weightDecay?: number;
  };
  readonly problem: { readonly a: Elements; readonly y: Elements };
  readonly start: { readonly w: Elements; readonly b: Elements };
  readonly trajectory: readonly { readonly loss: Elements; readonly w: Elements; readonly b: Elements }[];
}

/** The cases of one file. The cast is sound because the generator writes exactly these forms. */
function readCases<Case>(file: string): readonly Case[] {
  const url = new URL(`../fixtures/pytorch/${file}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as readonly Case[];
}

export const readVectors = (file: string): readonly VectorCase[] => readCases<VectorCase>(file);
export const readHessians = (): readonly HessianCase[] => readCases<HessianCase>("secondOrder");
export const readSgd = (): readonly SgdCase[] => readCases<SgdCase>("sgd");

/** `"NaN"` → NaN and the like; numbers as they are. */
export function decode(value: Encoded): number {
  return typeof value === "number" ? value : Number(value);
}
