/** Every primitive on every device, compiled and at once, against the reference's exact evaluation. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Node, readValue } from "../../src/graph/node.js";
import { devices, jit, setDevice, type Tensor } from "../../src/index.js";
import { fromNode } from "../../src/tensor/convert.js";
import { accuracyProblems } from "./accuracy.js";
import { apply, type Case, casesOf, inputsOf, labelOf, primitiveNames } from "./cases.js";

function problems(test: Case, run: (inputs: readonly Node[]) => readonly Node[]): string[] {
  try {
    const outputs = run(inputsOf(test));
    return accuracyProblems(
      test,
      outputs.map((output) => readValue(output)),
    ).map((problem) => `${labelOf(test)}: ${problem}`);
  } catch (error) {
    return [`${labelOf(test)}: ${error}`];
  }
}

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test.each(primitiveNames)("%s compiled is as accurate as the table says", (name) => {
    const compiled = (each: Case): string[] =>
      problems(each, (inputs) => {
        const f = jit((...xs: Tensor[]) => apply(each, xs).map(fromNode));
        return f(...inputs.map(fromNode));
      });
    expect(casesOf(name).flatMap(compiled)).toEqual([]);
  });

  test.each(primitiveNames)("%s at once is as accurate as the table says", (name) => {
    expect(casesOf(name).flatMap((each) => problems(each, (inputs) => apply(each, inputs)))).toEqual([]);
  });
});
