/** Values and vector-Jacobian products against PyTorch's, eager and compiled. */
import { describe, expect, it } from "vitest";
import { jit, type Tensor, vjp } from "../../src/index.js";
import { differences, listOf, make, outputDifferences } from "./compare.js";
import { readVectors, type VectorCase } from "./fixtures.js";
import { operation } from "./operations.js";

const FILES = [
  "elementwise",
  "numerics",
  "edges",
  "reductions",
  "movement",
  "indexing",
  "contraction",
  "linalg",
  "windows",
  "losses",
] as const;

for (const file of FILES)
  describe(`PyTorch: ${file}`, () => {
    for (const one of readVectors(file)) it(one.name, () => expect(checkCase(one)).toEqual([]));
  });

/** Every difference from the fixture: of the value, then of the gradients; computed at once, then inside jit. */
function checkCase(one: VectorCase): readonly string[] {
  const inputs = one.inputs.map((elements) => make(elements, elements.dtype));
  const f = (...xs: Tensor[]) => operation(one)(xs, one);
  const lines = [
    ...outputDifferences("value", f(...inputs), one.output),
    ...outputDifferences("value in jit", jit(f)(...inputs), one.output),
  ];
  if (one.cotangent === undefined || one.gradients === undefined) return lines;

  const outputs = listOf(one.output);
  const weights = listOf(one.cotangent).map((elements, index) => make(elements, outputs[index].dtype));
  const cotangent = Array.isArray(one.output) ? weights : weights[0];
  const gradients = one.gradients;

  /** The vector-Jacobian product in the inputs that have a gradient; the others are held fixed. */
  const pullBack = (xs: readonly Tensor[], ct: Tensor | readonly Tensor[]): readonly Tensor[] => {
    const varying = xs.filter((_, index) => gradients[index] !== null);
    const [, pull] = vjp(
      (...primals: Tensor[]) => {
        const rest = [...primals];
        return f(...xs.map((x, index) => (gradients[index] === null ? x : (rest.shift() ?? x))));
      },
      ...varying,
    );
    return pull(ct);
  };
  const compare = (label: string, found: readonly Tensor[]): readonly string[] => {
    const left = [...found];
    return gradients.flatMap((expected, index) => {
      if (expected === null) return [];
      const actual = left.shift();
      if (actual === undefined) return [`${label} ${index}: missing`];
      return differences(`${label} ${index}`, actual, expected, one.inputs[index].dtype);
    });
  };
  return [
    ...lines,
    ...compare("gradient", pullBack(inputs, cotangent)),
    ...compare("gradient in jit", jit(pullBack)(inputs, cotangent)),
  ];
}
