/** What a composition is: a function of float64 tensors, the shapes of its arguments and where they are drawn from. */
import { type Tensor, tensor } from "../../src/index.js";
import { random } from "../support/registry-samples-values.js";
import type { TensorFunction } from "./agree.js";

export interface Composition {
  readonly name: string;
  readonly f: TensorFunction;
  readonly shapes: readonly (readonly number[])[];
  /** Where arguments are drawn from. Default −2 … 2. */
  readonly domain?: readonly [low: number, high: number];
}

/** The arguments of one example. */
export function argumentsOf({ shapes, domain = [-2, 2] }: Composition, example = 0): Tensor[] {
  return shapes.map((shape, i) =>
    tensor(random(shape, "float64", domain[0], domain[1], i + 1).values(example), { shape }),
  );
}

/** A composition in one line of a list. */
export const of = (
  name: string,
  shapes: readonly (readonly number[])[],
  f: TensorFunction,
  domain?: readonly [number, number],
): Composition => (domain === undefined ? { name, f, shapes } : { name, f, shapes, domain });
