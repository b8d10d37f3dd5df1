/** Bugs planted one at a time: each must be caught by the checks that the suites use, and gradCheck must name the primitive. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { devices, gradCheck, setDevice, type Tensor, tensor } from "../../src/index.js";
import { fromNode } from "../../src/tensor/convert.js";
import { sizeOf } from "../../src/types/shape.js";
import { apply, type Case, casesOf, inputsOf, primitiveNames } from "../primitives/cases.js";
import {
  batchingProblems,
  derivativeProblems,
  isDifferentiableCase,
  secondOrderProblems,
} from "../primitives/checks.js";
import { vmapProblems } from "../transforms/agree.js";
import { differentiatedBy, rightAccumulation, wrongAccumulations } from "./accumulation.js";
import { batchingBugs } from "./batching.js";
import type { PlantedBug } from "./plant.js";
import { pointwiseBugs, secondOrderBugs, tieBugs } from "./pointwise.js";
import { reductionTieBugs, structuralBugs } from "./structural.js";

// the rules are under test, not the devices
beforeAll(() => setDevice("reference"));
afterAll(() => setDevice(devices()[0]));

const derivativeBugs = [...pointwiseBugs, ...structuralBugs];
/** Small cases: a wrong rule shows in them too. */
const differentiable = (name: PlantedBug["primitive"]): Case[] =>
  casesOf(name).filter(
    (each) => isDifferentiableCase(each) && each.sample.inputs.every(({ shape }) => sizeOf(shape) <= 60),
  );

/** The case's primitive in the middle of other operations. */
function surrounded(each: Case): { f: (...xs: Tensor[]) => Tensor[]; args: Tensor[] } {
  const inputs = inputsOf(each);
  const variables = inputs.flatMap((input, i) => (input.dtype === "float64" ? [i] : []));
  const f = (...xs: Tensor[]): Tensor[] => {
    const given = [...inputs];
    variables.forEach((at, v) => {
      given[at] = xs[v].reciprocal().reciprocal();
    });
    return apply(each, given).map((y) => fromNode(y).square().add(fromNode(y)));
  };
  return { f, args: variables.map((at) => fromNode(inputs[at])) };
}

/** Names of the primitives that gradCheck blames, over all cases. */
function blamed(cases: readonly Case[]): string[] {
  return cases.flatMap((each) => {
    const { f, args } = surrounded(each);
    if (!f(...args).some(({ dtype }) => dtype.startsWith("float"))) return [];
    const report = gradCheck(f, args);
    expect(report.passed).toBe(report.culprits.length === 0);
    return report.culprits.map(({ primitive }) => primitive);
  });
}

describe("a wrong derivative rule", () => {
  test.each(derivativeBugs)("$primitive: $name", ({ plant, primitive }) => {
    const cases = differentiable(primitive);
    const found = plant(() => ({ problems: cases.flatMap(derivativeProblems), names: blamed(cases) }));
    expect(found.problems.length).toBeGreaterThan(0);
    expect([...new Set(found.names)]).toEqual([primitive]);
  });

  test.each(secondOrderBugs)("right to first order, $primitive: $name", ({ plant, primitive }) => {
    const cases = differentiable(primitive);
    const found = plant(() => ({
      first: cases.flatMap(derivativeProblems),
      second: cases.flatMap(secondOrderProblems),
    }));
    expect(found.first).toEqual([]);
    expect(found.second.length).toBeGreaterThan(0);
  });

  test.each([...tieBugs, ...reductionTieBugs])(
    "where elements tie, $primitive: $name",
    ({ plant, primitive }) => {
      const x = tensor([2, 1, 2]);
      const f = primitive === "max" ? (y: Tensor) => y.maximum(2) : (y: Tensor) => y.max();
      expect(gradCheck(f, [x]).passed).toBe(true);
      const report = plant(() => gradCheck(f, [x]));
      expect(report.passed).toBe(false);
      expect(report.culprits.map((culprit) => culprit.primitive)).toEqual([primitive]);
    },
  );
});

describe("a wrong batching rule", () => {
  test.each(batchingBugs)("$primitive: $name", ({ plant, primitive }) => {
    const problems = plant(() =>
      casesOf(primitive).flatMap((each) => {
        try {
          return batchingProblems(each);
        } catch (error) {
          return [String(error)];
        }
      }),
    );
    expect(problems.length).toBeGreaterThan(0);
  });
});

describe("a wrong accumulation", () => {
  // two paths from x that meet again, and an operation with two inputs
  const f = (x: Tensor): Tensor => x.sin().mul(x.exp()).add(x).sum();
  const x = tensor([0.3, -1.2, 2]);

  test("the right one passes", () => {
    expect(gradCheck(differentiatedBy(rightAccumulation, f), [x]).passed).toBe(true);
  });

  test.each(wrongAccumulations)("$name", (accumulation) => {
    const report = gradCheck(differentiatedBy(accumulation, f), [x]);
    expect(report.passed).toBe(false);
    expect(report.culprits[0].primitive).toMatch(/^customVjp/);
  });
});

test("a vmap that drops the batch is caught by the comparison with a loop", () => {
  const examples = [1, 2, 3].map((n) => [tensor([n, 2 * n, -n])]);
  const [planted] = batchingBugs.filter(({ primitive }) => primitive === "sum");
  const mean = (y: Tensor): Tensor => y.reshape([1, 3]).sum([0]).mul(2);
  expect(vmapProblems("sum", mean, examples)).toEqual([]);
  const problems = planted.plant(() => {
    try {
      return vmapProblems("sum", mean, examples);
    } catch (error) {
      return [String(error)];
    }
  });
  expect(problems.length).toBeGreaterThan(0);
});

test("rules are put back: after all this every primitive is right", () => {
  expect(primitiveNames.flatMap(differentiable).flatMap(derivativeProblems)).toEqual([]);
});

const planted =
  derivativeBugs.length +
  secondOrderBugs.length +
  tieBugs.length +
  reductionTieBugs.length +
  batchingBugs.length +
  wrongAccumulations.length;

test(`${planted} bugs were planted`, () => {
  expect(planted).toBeGreaterThanOrEqual(30);
});
