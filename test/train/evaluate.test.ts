import { describe, expect, it } from "vitest";
import { random, type Tensor, tensor } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as train from "../../src/train/index.js";

const labels = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });
const identity = new nn.Activation("identity");
const scores = tensor([
  [3, 1, 2],
  [0, 5, 1],
  [1, 1, 0],
  [0, 0, 9],
  [4, 0, 0],
]);
// predicted 0, 1, 0 (the first of a tie), 2, 0
const truth = labels(0, 2, 0, 2, 1);

describe("evaluate", () => {
  it("accuracy is the fraction of rows whose largest output is the label", async () => {
    expect((await train.evaluate(identity, { x: scores, y: truth })).accuracy).toBe(3 / 5);
  });

  it("takes one-hot targets as their largest element", async () => {
    const y = tensor([
      [1, 0, 0],
      [0, 0, 1],
      [1, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
    ]);
    expect((await train.evaluate(identity, { x: scores, y }, ["accuracy"])).accuracy).toBe(3 / 5);
  });

  it("a single output is class 1 above ½, or above 0 for logits", async () => {
    const x = tensor([[0.2], [0.8], [-3], [7]]);
    const y = labels(1, 1, 0, 1);
    expect((await train.evaluate(identity, { x, y })).accuracy).toBe(0.75);
    expect(
      (await train.evaluate(identity, { x, y }, undefined, { loss: "sigmoidCrossEntropy" })).accuracy,
    ).toBe(1);
    expect((await train.evaluate(identity, { x, y }, undefined, { threshold: 1 })).accuracy).toBe(0.5);
    const column = y.cast("float32").expandDims(-1);
    expect((await train.evaluate(identity, { x, y: column }, ["accuracy"])).accuracy).toBe(0.75);
  });

  it("the loss of uneven batches is that of the whole", async () => {
    const whole = losses.softmaxCrossEntropy(scores, truth).itemSync();
    for (const batchSize of [1, 2, 3, 5, 100]) {
      const { loss } = await train.evaluate(identity, { x: scores, y: truth }, ["loss"], {
        loss: "softmaxCrossEntropy",
        batchSize,
      });
      expect(loss).toBeCloseTo(whole, 6);
    }
  });

  it("measures metrics of one's own under their names", async () => {
    const largest: train.Metric = { name: "largest", compute: (output) => output.max(-1).mean() };
    const measured = await train.evaluate(identity, { x: scores, y: truth }, [largest, "accuracy"], {
      batchSize: 2,
    });
    expect(Object.keys(measured)).toEqual(["largest", "accuracy"]);
    expect(measured.largest).toBeCloseTo((3 + 5 + 1 + 9 + 4) / 5, 6);
  });

  it("measures the loss alone where targets are numbers", async () => {
    const regression = { x: tensor([[1], [2]]), y: tensor([[1], [4]]) };
    const measured = await train.evaluate(identity, regression, undefined, { loss: "meanSquaredError" });
    expect(measured).toEqual({ loss: 2 });
  });

  it("tells layers that they are not training", async () => {
    const spy: nn.Module = { forward: (x, { train: training = false } = {}) => (training ? x.mul(0) : x) };
    expect((await train.evaluate(spy, { x: scores, y: truth })).accuracy).toBe(3 / 5);
  });

  it("sees a changed model of the same classes", async () => {
    const data = { x: tensor([[1]]), y: labels(1) };
    const at = (w: number): nn.Linear =>
      nn.loadStateDict(new nn.Linear(1, 1, { bias: false }), { weight: tensor([[w]]) });
    expect((await train.evaluate(at(1), data)).accuracy).toBe(1);
    expect((await train.evaluate(at(-1), data)).accuracy).toBe(0);
  });
});

describe("confusion", () => {
  it("counts truth by rows and prediction by columns", async () => {
    expect(await train.confusion(identity, { x: scores, y: truth }, { batchSize: 2 })).toEqual([
      [2, 0, 0],
      [1, 0, 0],
      [0, 1, 1],
    ]);
  });

  it("refuses labels the outputs have no class for, however large, and so does accuracy", async () => {
    const x = tensor([[1, 2]]);
    for (const label of [5, 1e9])
      for (const measure of [train.confusion, train.evaluate])
        await expect(measure(identity, { x, y: labels(label) })).rejects.toThrowError(
          expect.objectContaining({ code: "invalid-data" }),
        );
  });

  it("is 2 by 2 for a single output", async () => {
    const x = tensor([[0.2], [0.8], [0.4]]);
    expect(await train.confusion(identity, { x, y: labels(0, 1, 1) })).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });
});

describe("predict", () => {
  it("gives what forward gives, whatever the batches", async () => {
    const model = new nn.Sequential(new nn.Linear(3, 4, { key: random.key(1) }), new nn.Activation("tanh"));
    const whole = model.forward(scores).dataSync();
    for (const batchSize of [2, 5, 1000]) {
      const outputs = await train.predict(model, scores, { batchSize });
      expect(outputs.shape).toEqual([5, 4]);
      // tanh in float32 within 2 ULP either way, of values below 1
      outputs.dataSync().forEach((value, i) => {
        expect(Math.abs(value - whole[i])).toBeLessThan(8 * 2 ** -24);
      });
    }
  });

  it("takes data and leaves the targets out", async () => {
    expect((await train.predict(identity, { x: scores, y: truth })).arraySync()).toEqual(scores.arraySync());
  });
});
