/** The samples of the registry as cases for the checks, and what all checks need of them. */

import { bindAll, constantNode, type Node } from "../../src/graph/node.js";
import type { Primitive, TensorType } from "../../src/graph/primitive.js";
import { type PrimitiveName, registry } from "../../src/primitives/registry.js";
import type { TypedArray } from "../../src/types/dtype.js";
import { samples } from "../support/registry-samples.js";
import type { Sample } from "../support/registry-samples-values.js";

export interface Case {
  readonly name: PrimitiveName;
  readonly primitive: Primitive;
  readonly sample: Sample;
}

export const primitiveNames = Object.keys(registry) as readonly PrimitiveName[];

/** The cases of one primitive. Its record and its samples have the same params, by the type of `samples`. */
export function casesOf(name: PrimitiveName): Case[] {
  const primitive = registry[name] as Primitive;
  return (samples[name] as readonly Sample[]).map((sample) => ({ name, primitive, sample }));
}

export function labelOf({ name, sample }: Case): string {
  return `${name} ${sample.label}`;
}

/** The inputs of an example as constants. */
export function inputsOf({ sample }: Case, example = 0): Node[] {
  return sample.inputs.map((input) => constantNode(input.shape, input.dtype, input.values(example)));
}

/** The primitive's own evaluation, whatever the device. */
export function evaluate(
  { primitive, sample }: Case,
  inputs: readonly Node[],
): { types: readonly TensorType[]; values: readonly TypedArray[] } {
  const types = primitive.outputTypes(inputs, sample.params);
  const arrays = inputs.map((input) => input.storage?.read() ?? new Float64Array(0));
  return {
    types,
    values: primitive.evaluate(arrays, { params: sample.params, inputTypes: inputs, outputTypes: types }),
  };
}

/** The primitive as a function of nodes, as a transform records it. */
export function apply({ primitive, sample }: Case, inputs: readonly Node[]): Node[] {
  return bindAll(primitive, inputs, sample.params);
}

/** Equal bits up to the payload of NaN. */
export function sameElements(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** `[1, 2, 3, …]` */
export function show(values: ArrayLike<number>): string {
  const shown = Array.from({ length: Math.min(values.length, 8) }, (_, i) => String(values[i]));
  return `[${shown.join(", ")}${values.length > 8 ? ", …" : ""}]`;
}
