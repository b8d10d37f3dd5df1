/** The user's operations: derivatives, compiled code and batches, on every device. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arange, devices, grad, gradCheck, setDevice, type Tensor } from "../../src/index.js";
import { disagreements, jitProblems, type TensorFunction, tensorsOf, vmapProblems } from "./agree.js";
import { argumentsOf } from "./composition.js";
import { compositions } from "./compositions.js";

/** A scalar that tells all elements of all results apart: Σ cos(i) · sin(yᵢ). */
function scalarOf(f: TensorFunction): (...xs: Tensor[]) => Tensor {
  return (...xs) =>
    tensorsOf(f(...xs))
      .map((y) => y.flatten().sin().mul(arange(y.size).cast(y.dtype).cos()).sum())
      .reduce((sum, part) => sum.add(part));
}

describe.each(compositions)("$name", (composition) => {
  const { name, f } = composition;
  const args = argumentsOf(composition);

  test("has the derivatives that finite differences have", () => {
    const report = gradCheck(f, args);
    expect(report.passed, String(report)).toBe(true);
    expect(report.inputs.map(({ inconclusive }) => inconclusive)).toEqual(args.map(() => 0));
  });

  test("has the second derivatives that finite differences have", () => {
    const all = args.map((_, i) => i);
    const report = gradCheck((...xs: Tensor[]) => grad(scalarOf(f), { argnums: all })(...xs), args);
    expect(report.passed, String(report)).toBe(true);
  });

  test("gives for a batch what a loop gives", () => {
    const examples = [0, 1, 2].map((example) => argumentsOf(composition, example));
    expect(vmapProblems(name, f, examples)).toEqual([]);
    const gradients = (...xs: Tensor[]) => grad(scalarOf(f), { argnums: args.map((_, i) => i) })(...xs);
    expect(vmapProblems(`the gradient of ${name}`, gradients, examples)).toEqual([]);
  });
});

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test.each(compositions)(
    "$name compiled gives what it gives at once, and so does its gradient",
    (composition) => {
      const { name, f } = composition;
      for (const dtype of ["float64", "float32"] as const) {
        const args = argumentsOf(composition).map((x) => x.cast(dtype));
        const gradients = (...xs: Tensor[]) => grad(scalarOf(f), { argnums: args.map((_, i) => i) })(...xs);
        expect(jitProblems(`${name} ${dtype}`, f, args)).toEqual([]);
        expect(jitProblems(`the gradient of ${name} ${dtype}`, gradients, args)).toEqual([]);
      }
    },
  );

  test.each(compositions)("$name gives on this device what it gives on the reference", (composition) => {
    const args = argumentsOf(composition);
    const here = composition.f(...args);
    setDevice("reference");
    const there = composition.f(...args);
    setDevice(device);
    expect(disagreements(composition.name, here, there)).toEqual([]);
  });
});
