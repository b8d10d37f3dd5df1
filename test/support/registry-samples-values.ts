/** Inputs for primitives: seeded, and another set of values for every example of a batch. */

import type { Primitive } from "../../src/graph/primitive.js";
import type { DType, TypedArray } from "../../src/types/dtype.js";
import { allocate, isFloating } from "../../src/types/dtype.js";
import { type Shape, sizeOf } from "../../src/types/shape.js";

/** An input of a primitive: a type, and values that differ from example to example. */
export interface SampleInput {
  readonly shape: Shape;
  readonly dtype: DType;
  values(example: number): TypedArray;
}

/** One application of a primitive. */
export interface Sample<P = unknown> {
  readonly label: string;
  readonly params: P;
  readonly inputs: readonly SampleInput[];
  /** Not where derivatives are to be checked: special values, ties. */
  readonly valuesOnly?: boolean;
}

/** The params of a primitive, from its record's type. */
export type ParamsOf<T> = T extends Primitive<infer P> ? P : never;

/** A reproducible generator (mulberry32) of numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function seedOf(shape: Shape, dtype: DType, salt: number, example: number): number {
  return [...shape, dtype.length, dtype.charCodeAt(0), salt, example].reduce(
    (hash, part) => Math.imul(hash ^ part, 0x01000193) >>> 0,
    0x811c9dc5,
  );
}

/**
 * Random elements in low … high: any float, or integers. No two floats of one tensor are closer than 0.4 of their mean
 * distance, so that maxima and orders stay the same where finite differences step.
 */
export function random(shape: Shape, dtype: DType, low = -3, high = 3, salt = 0): SampleInput {
  return {
    shape,
    dtype,
    values(example) {
      const next = generator(seedOf(shape, dtype, salt, example));
      const array = allocate(dtype, sizeOf(shape));
      const count = array.length;
      if (dtype === "bool") return array.map(() => Math.floor(next() * 2)) as TypedArray;
      if (!isFloating(dtype))
        return array.map(() => Math.floor(low + next() * (high - low + 1))) as TypedArray;
      // one element in each of `count` cells, in random order
      const cells = Array.from({ length: count }, (_, i) => i);
      for (let i = count - 1; i > 0; i--) {
        const j = Math.floor(next() * (i + 1));
        [cells[i], cells[j]] = [cells[j], cells[i]];
      }
      for (let i = 0; i < count; i++)
        array[i] = low + ((cells[i] + 0.2 + 0.6 * next()) / count) * (high - low);
      return array;
    },
  };
}

/** The same elements in every example. */
export function fixed(shape: Shape, dtype: DType, elements: readonly number[]): SampleInput {
  return {
    shape,
    dtype,
    values() {
      const array = allocate(dtype, elements.length);
      array.set(elements);
      return array;
    },
  };
}

/** Another list of elements for every example, in rotation. */
export function rotating(shape: Shape, dtype: DType, lists: readonly (readonly number[])[]): SampleInput {
  return {
    shape,
    dtype,
    values: (example) => fixed(shape, dtype, lists[example % lists.length]).values(0),
  };
}

export const floats: readonly DType[] = ["float32", "float64"];
export const numbers: readonly DType[] = ["int32", ...floats];

export function typed<P>(types: readonly DType[], make: (dtype: DType) => readonly Sample<P>[]): Sample<P>[] {
  return types.flatMap((dtype) =>
    make(dtype).map((s) => ({ ...s, label: `${dtype}${s.label === "" ? "" : ` ${s.label}`}` })),
  );
}

export function sample<P>(label: string, params: P, ...inputs: readonly SampleInput[]): Sample<P> {
  return { label, params, inputs };
}

/** One input of each shape, with params made for it. */
export function over<P>(types: readonly DType[], cases: readonly (readonly [Shape, P])[]): Sample<P>[] {
  return typed(types, (dtype) =>
    cases.map(([shape, params]) =>
      sample(`[${shape}] ${JSON.stringify(params)}`, params, random(shape, dtype)),
    ),
  );
}
