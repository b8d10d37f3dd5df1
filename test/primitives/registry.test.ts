/** Every primitive of the registry, in every dtype: its shape rule, its derivatives to second order, its batching rule. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { devices, setDevice } from "../../src/index.js";
import { casesOf, primitiveNames } from "./cases.js";
import {
  batchingProblems,
  derivativeProblems,
  isDifferentiableCase,
  secondOrderProblems,
  shapeRuleProblems,
} from "./checks.js";

// the rules are held against the reference; what devices make of them is another test
beforeAll(() => setDevice("reference"));
afterAll(() => setDevice(devices()[0]));

describe.each(primitiveNames)("%s", (name) => {
  const cases = casesOf(name);
  const differentiable = cases.filter(isDifferentiableCase);

  test("its shape rule agrees with its evaluation", () => {
    expect(cases.flatMap(shapeRuleProblems)).toEqual([]);
  });

  if (differentiable.length > 0)
    test("its vjp and jvp agree with finite differences and with each other", () => {
      expect(differentiable.flatMap(derivativeProblems)).toEqual([]);
    });

  if (differentiable.length > 0)
    test("the derivatives of its vjp and jvp agree with finite differences", () => {
      expect(differentiable.flatMap(secondOrderProblems)).toEqual([]);
    });

  test("its batching rule agrees with a loop, whichever inputs are batched", () => {
    expect(cases.flatMap(batchingProblems)).toEqual([]);
  });
});
