/** Hessian-vector products against PyTorch's: forward over reverse (hvp), and reverse over reverse. */
import { describe, expect, it } from "vitest";
import { grad, hvp, jit, mul, sum, type Tensor } from "../../src/index.js";
import { differences, listOf, make } from "./compare.js";
import { type HessianCase, readHessians } from "./fixtures.js";
import { operation } from "./operations.js";

describe("PyTorch: Hessian-vector products", () => {
  for (const one of readHessians()) it(one.name, () => expect(checkCase(one)).toEqual([]));
});

function checkCase(one: HessianCase): readonly string[] {
  const inputs = one.inputs.map((elements) => make(elements, elements.dtype));
  const weights = make(one.cotangent, "float64");
  const primals = inputs.filter((_, index) => one.tangents[index] !== null);
  const tangents = one.tangents.flatMap((elements) => (elements === null ? [] : [make(elements, "float64")]));
  const argnums = primals.map((_, index) => index);

  /** Σ cotangent ⊙ op(inputs), of the inputs that vary. */
  const scalar = (...varying: Tensor[]): Tensor => {
    const rest = [...varying];
    const xs = inputs.map((x, index) => (one.tangents[index] === null ? x : (rest.shift() ?? x)));
    return sum(mul(listOf(operation(one)(xs, one))[0], weights));
  };
  /** ⟨∇s, v⟩, whose gradient is H·v. */
  const slope = (...varying: Tensor[]): Tensor =>
    grad(scalar, { argnums })(...varying)
      .map((gradient, index) => sum(mul(gradient, tangents[index])))
      .reduce((total, term) => total.add(term));

  const compare = (label: string, found: readonly Tensor[]): readonly string[] => {
    const left = [...found];
    return one.hessianVector.flatMap((expected, index) => {
      if (expected === null) return [];
      const actual = left.shift();
      if (actual === undefined) return [`${label} ${index}: missing`];
      return differences(`${label} ${index}`, actual, expected, "float64");
    });
  };
  return [
    ...compare("hvp", hvp(scalar, primals, tangents)),
    ...compare("gradient of a gradient", grad(slope, { argnums })(...primals)),
    ...compare("gradient of a gradient in jit", jit(grad(slope, { argnums }))(...primals)),
  ];
}
