/** The first number that is not finite: where it came from, with its inputs and the line. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { explain, type Finding } from "../../src/explain/index.js";
import { type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

const x = tensor([
  [1, 2],
  [3, 4],
]);
const y = tensor([[1], [2]]);

async function found(model: nn.Module, data = { x, y }): Promise<Finding> {
  const { findings } = await explain.health(model, data, { loss: "meanSquaredError" });
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatchObject({ code: "non-finite", severity: "error" });
  expect(findings[0].counterfactual.status).toBe("refused");
  return findings[0];
}

const source = readFileSync(new URL(import.meta.url), "utf8").split("\n");

/** The line of this file that ends with a mark. */
function lineOf(mark: string): number {
  return 1 + source.findIndex((line) => line.endsWith(`// ${mark}`));
}

/** Weights of 1, a function behind, a second layer. */
function with1(f: (z: Tensor) => Tensor): nn.Sequential {
  const ones = (_: Tensor, shape: readonly number[]): Tensor =>
    tensor(new Float32Array(shape[0] * shape[1]).fill(1), { shape });
  return new nn.Sequential(new nn.Linear(2, 3, { init: ones }), f, new nn.Linear(3, 1, { init: ones }));
}

describe("the first number that is not finite", () => {
  it("going forward: the operation, its input there and the line of the user's code", async () => {
    const finding = await found(with1((z) => z.sub(3).log().exp().log())); // breaks forward
    // z = 1 + 2 = 3 in the first row
    expect(finding.summary).toMatch(/^log made the first number that is not finite: −∞, going forward/);
    expect(finding.evidence).toContainEqual({ what: "its input 0 there", value: 0 });
    expect(finding.place?.file).toMatch(/health-non-finite\.test\.ts$/);
    expect(finding.place?.line).toBe(lineOf("breaks forward"));
  });

  it("going backward: the slope of a root at 0, although every value is finite", async () => {
    const finding = await found(with1((z) => z.sub(3).sqrt())); // breaks backward
    expect(finding.summary).toMatch(/^sqrt gave back, .*: −∞, going backward/);
    expect(finding.evidence).toContainEqual({ what: "its input 0 there", value: 0 });
    expect(finding.place?.line).toBe(lineOf("breaks backward"));
  });

  it("is not blamed on another reader of the same value", async () => {
    const finding = await found(with1((z) => z.sub(3).sqrt().add(z.sub(3).mul(2))));
    expect(finding.summary).toMatch(/^sqrt gave back/);
  });

  it("going backward is the one nearest to the cost, where several would do", async () => {
    const twice = (z: Tensor): Tensor => {
      const early = z.sub(3).sqrt();
      const late = z.sub(3).abs().sqrt(); // breaks late
      return early.add(late);
    };
    expect((await found(with1(twice))).place?.line).toBe(lineOf("breaks late"));
  });

  it("in the data: which, and how many", async () => {
    const finding = await found(
      with1((z) => z.tanh()),
      {
        x: tensor([
          [1, Number.NaN],
          [3, 4],
        ]),
        y,
      },
    );
    expect(finding.summary).toMatch(/^The inputs contain NaN/);
    expect(finding.evidence[0]).toEqual({ what: "elements of the inputs that are not finite", value: 1 });
    const targets = await found(
      with1((z) => z.tanh()),
      { x, y: tensor([[1], [Number.POSITIVE_INFINITY]]) },
    );
    expect(targets.summary).toMatch(/^The targets contain ∞/);
  });

  it("in a parameter: its path", async () => {
    const model = nn.loadStateDict(new nn.Linear(2, 1), {
      weight: tensor([[1, Number.NaN]]),
      bias: tensor([0]),
    });
    expect((await found(model)).summary).toBe("The parameter weight contains NaN already.");
  });

  it("is not an infinity that masks on purpose", async () => {
    // exp(−∞) = 0: value and gradient are finite
    const mask = tensor([0, Number.NEGATIVE_INFINITY, 0]);
    const model = with1((z) => z.add(mask).softmax(-1));
    const { findings } = await explain.health(model, { x, y }, { loss: "meanSquaredError", steps: 0 });
    expect(findings.filter(({ code }) => code === "non-finite")).toEqual([]);
  });
});
