/** Health while `fit` trains: when it looks, that looking changes nothing, and which step broke a run. */
import { describe, expect, it } from "vitest";
import * as data from "../../src/data/index.js";
import { explain, type HealthReport } from "../../src/explain/index.js";
import { type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { digits, network } from "./health-recipes.js";

const model = network({ sizes: [784, 30, 10], activation: "sigmoid", init: nn.init.xavierUniform }, 1);

async function options(): Promise<train.FitOptions<nn.Sequential>> {
  const optimizer = optim.sgd({ learningRate: 0.5, momentum: 0.5 });
  return { data: await digits(), loss: "softmaxCrossEntropy", optimizer, batchSize: 10, epochs: 1, seed: 1 };
}

const bits = (run: train.Run<nn.Sequential>): unknown => [
  run.history[0].loss,
  nn.parameters(run.model).map(([, value]) => Array.from(value.dataSync())),
];

describe("fit({ health })", () => {
  it("looks before the first update and at every interval, with the run's own loss, rate and state", async () => {
    const seen: HealthReport[] = [];
    const health = explain.health.during({ every: 40, steps: 5, onReport: (report) => seen.push(report) });
    await train.fit(model, { ...(await options()), health });
    expect(health.reports.map(({ document }) => document.step)).toEqual([0, 40, 80]);
    expect(seen).toEqual(health.reports);
    expect(health.reports.flatMap(({ findings }) => findings)).toEqual([]);
    const losses = health.reports.map(({ document }) => Number(document.loss.value));
    expect(losses[0] > losses[1] && losses[1] > losses[2]).toBe(true);
    expect(health.reports[1].toText()).toMatch(/^Health after 40 steps/);
  });

  it("learns the same, bit for bit, as without", async () => {
    const health = explain.health.during({ every: 30, steps: 2 });
    const [without, watched] = [
      await train.fit(model, await options()),
      await train.fit(model, { ...(await options()), health }),
    ];
    expect(bits(watched)).toEqual(bits(without));
  });

  it("says of a rate a hundred times too high what the look before training says", async () => {
    const health = explain.health.during({ every: 1000 });
    const optimizer = optim.sgd({ learningRate: 50 });
    await train.fit(model, { ...(await options()), optimizer, health });
    expect(health.reports[0].findings[0]?.code).toBe("learning-rate-too-high");
  });

  it("names the operation at the very step whose loss is not finite, between two looks", async () => {
    // one image far too bright, in the batch of step 51, before a logistic function that overflows
    const given = await options();
    const { inputs, inputShape, targets, targetShape } = await digits();
    const bright = Float32Array.from(inputs).fill(1e4, 505 * 784, 506 * 784);
    const logistic = (z: Tensor): Tensor => z.exp().div(z.exp().add(1));
    const [first, , ...rest] = model.layers;
    const breaking = new nn.Sequential(first, logistic, ...rest);
    const health = explain.health.during({ every: 20, steps: 0, examples: 16 });
    const source = data.dataset({ inputs: bright, inputShape, targets, targetShape });
    const run = train.fit(breaking, { ...given, data: source, shuffle: false, health });
    await expect(run).rejects.toMatchObject({
      code: "non-finite",
      message: expect.stringContaining("at step 51 "),
    });
    // the number of updates made before
    expect(health.reports.map(({ document }) => document.step)).toEqual([0, 20, 40, 50]);
    const [finding] = health.reports[3].findings;
    expect(finding).toMatchObject({ code: "non-finite", severity: "error" });
    expect(finding.summary).toMatch(/^exp made the first number that is not finite: ∞, going forward/);
    expect(finding.place?.file).toMatch(/health-during\.test\.ts$/);
  });

  it("names the step whose gradient broke the weights, though its loss was finite", async () => {
    // √0 has no slope: the first such step leaves NaN behind, and the next one has a loss of NaN
    const root = new nn.Sequential(new nn.Linear(1, 1, { init: nn.init.zeros }), (z: Tensor) =>
      z.square().sqrt(),
    );
    const x = tensor([[0], [0]]);
    const health = explain.health.during({ every: 100, steps: 0 });
    const run = train.fit(root, {
      data: { x, y: x.add(1) },
      loss: "quadratic",
      optimizer: optim.sgd({ learningRate: 1 }),
      epochs: 5,
      health,
    });
    await expect(run).rejects.toMatchObject({ code: "non-finite" });
    const last = health.reports.at(-1);
    expect(last?.findings[0].summary).toMatch(/^sqrt gave back/);
    expect(last?.document.step).toBe(0);
  });
});

describe("a refusal", () => {
  it.each<[string, () => unknown, string]>([
    ["a slip", () => explain.health.during({ evry: 3 } as never), "did you mean every?"],
    ["no interval", () => explain.health.during({ every: 0 }), "every must be an integer of at least 1"],
    ["no function", () => explain.health.during({ onReport: 3 as never }), "onReport must be a function"],
    [
      "a limit there is not",
      () => explain.health.during({ thresholds: { x: 1 } as never }),
      "there is no option x",
    ],
    [
      "half an example",
      () => explain.health.during({ examples: 0.5 }),
      "examples must be an integer of at least 1",
    ],
  ])("of %s comes before any training", (_, make, message) => {
    expect(make).toThrow(message);
  });

  it("of what is no monitor names what makes one", async () => {
    const given = { ...(await options()), health: true as never };
    await expect(train.fit(model, given)).rejects.toMatchObject({
      code: "invalid-argument",
      message: "fit: health must be one such as explain.health.during({ every: 500 }), received true",
    });
    await expect(train.fit(model, { ...given, health: { every: 3 } as never })).rejects.toThrow(
      "fit: health must be one such as",
    );
  });
});
