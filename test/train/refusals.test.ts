import { describe, expect, it } from "vitest";
import { random, type Tensor, tensor, zeros } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";

const labels = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });
const model = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 2, { key: random.key(0) }));
const data = { x: tensor([[1, 2]]), y: labels(0) };
const base: train.FitOptions = {
  data,
  loss: "softmaxCrossEntropy",
  optimizer: optim.sgd({ learningRate: 1 }),
};

const refused = (code: string, message: RegExp | string) => ({
  code,
  message: typeof message === "string" ? message : expect.stringMatching(message),
});

describe("fit refuses", () => {
  it.each<[string, Partial<Record<keyof train.FitOptions, unknown>>, string, RegExp]>([
    [
      "no epochs",
      { epochs: 0 },
      "invalid-argument",
      /^fit: epochs must be an integer of at least 1, received 0$/,
    ],
    ["half a batch", { batchSize: 0.5 }, "invalid-argument", /^fit: batchSize must be/],
    [
      "an unknown loss",
      { loss: "crossEntropy" },
      "invalid-argument",
      /loss must be a function or one of quadratic, .*"crossEntropy"/,
    ],
    ["an inherited name", { loss: "toString" }, "invalid-argument", /received "toString"/],
    ["no optimizer", { optimizer: 0.1 }, "invalid-argument", /optimizer must be one such as optim\.sgd/],
    ["no data", { data: undefined }, "invalid-argument", /data must be a dataset, or \{ x, y \} of tensors/],
    ["arrays", { data: { x: [[1]], y: [1] } }, "invalid-argument", /\{ x, y \} of tensors/],
    [
      "rows that differ",
      { data: { x: zeros([3, 2]), y: labels(0) } },
      "shape-mismatch",
      /received x \[3, 2\] and y \[1\]/,
    ],
    ["no examples", { data: { x: zeros([0, 2]), y: labels() } }, "invalid-data", /data has no examples/],
    [
      "a negative label",
      { data: { x: zeros([1, 2]), y: labels(-1) } },
      "invalid-data",
      /must be 0, 1, 2, …, received -1/,
    ],
    [
      "a label without an output",
      { data: { x: zeros([1, 2]), y: labels(2) } },
      "invalid-data",
      /label 2, but the model tells 2 classes apart/,
    ],
    [
      "other features",
      { data: { x: zeros([1, 3]), y: labels(0) } },
      "shape-mismatch",
      /Linear: x must be \[batch…, 2\], received \[1, 3\]/,
    ],
    [
      "other targets",
      { data: { x: zeros([1, 2]), y: zeros([1, 3]) } },
      "shape-mismatch",
      /softmaxCrossEntropy: target must be/,
    ],
    [
      "bad validation data",
      { validation: { x: zeros([0, 2]), y: labels() } },
      "invalid-data",
      /validation has no examples/,
    ],
    [
      "an unknown metric",
      { validation: data, metrics: ["recal"] },
      "invalid-argument",
      /a metric is "loss", "accuracy"/,
    ],
    [
      "a loss that is no scalar",
      { loss: (output: Tensor) => output },
      "non-scalar-output",
      /loss must give a scalar tensor, received \[1, 2\]/,
    ],
    ["a seed that is none", { seed: 0.5 }, "invalid-argument", /seed must be an integer/],
  ])("%s", async (_name, change, code, message) => {
    const options = { ...base, ...change } as train.FitOptions;
    await expect(train.fit(model(), options)).rejects.toMatchObject(refused(code, message));
  });

  it("what is no model, and a model without parameters", async () => {
    await expect(train.fit({} as nn.Module, base)).rejects.toMatchObject(
      refused("invalid-argument", "fit: model must have a forward method, received Object"),
    );
    await expect(train.fit(new nn.Flatten(), base)).rejects.toMatchObject(
      refused("invalid-argument", /no floating-point tensor to update/),
    );
  });

  it("to be called without options", async () => {
    await expect(train.fit(model(), undefined as never)).rejects.toMatchObject({ code: "invalid-argument" });
  });

  it("to go on after the loss left the finite numbers, and names the step", async () => {
    // w ← w − 2 · 10³ w each step: (w − 0)² grows by 1999² ≈ 4·10⁶ and passes 3.4·10³⁸ at step 1 + ⌈38.53 / 6.6⌉ = 7
    class Line implements nn.Module {
      readonly slope = tensor([1]);
      forward(x: Tensor): Tensor {
        return x.mul(this.slope);
      }
    }
    const optimizer = optim.sgd({ learningRate: 1000 });
    const one = { x: tensor([[1]]), y: tensor([[0]]) };
    const run = train.fit(new Line(), { data: one, loss: "meanSquaredError", optimizer, epochs: 100 });
    await expect(run).rejects.toMatchObject(
      refused(
        "non-finite",
        /^fit: the loss became Infinity at step 7 \(epoch 7\): the first number .* is Infinity, which mul \(of .*refusals\.test\.ts:\d+; a smaller/,
      ),
    );
  });

  it("the step is named also where losses are read in bulk", async () => {
    // the eleventh of a hundred batches holds an input that overflows when squared
    const x = zeros([100, 2]).add(tensor(Array.from({ length: 100 }, (_, i) => [i === 10 ? 1e30 : 0])));
    const options = {
      ...base,
      data: { x, y: zeros([100, 2]) },
      loss: "quadratic" as const,
      batchSize: 1,
      shuffle: false,
    };
    await expect(train.fit(model(), options)).rejects.toMatchObject(
      refused("non-finite", /at step 11 \(epoch 1\)/),
    );
  });
});

describe("evaluate, confusion and predict refuse", () => {
  it("to measure a loss nobody named, or nothing", async () => {
    await expect(train.evaluate(model(), data, ["loss"])).rejects.toMatchObject(
      refused("invalid-argument", /to measure "loss", say which/),
    );
    await expect(train.evaluate(model(), { x: zeros([1, 2]), y: zeros([1, 2]) })).rejects.toMatchObject(
      refused("invalid-argument", /nothing to measure/),
    );
  });

  it("what is no model or no number of examples", async () => {
    for (const call of [train.evaluate, train.confusion, train.predict] as const)
      await expect(call(null as never, data as never)).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(train.evaluate(model(), data, undefined, { batchSize: 0 })).rejects.toThrow(/batchSize/);
    await expect(train.confusion(model(), data, { batchSize: 0 })).rejects.toThrow(/batchSize/);
    await expect(train.predict(model(), zeros([1, 2]), { batchSize: 0 })).rejects.toThrow(/batchSize/);
  });

  it("targets that belong to other outputs, instead of broadcasting them", async () => {
    const odd = { x: zeros([2, 2]), y: zeros([2, 3, 3]) };
    await expect(train.evaluate(model(), odd, ["accuracy"])).rejects.toMatchObject({
      code: "shape-mismatch",
    });
  });
});
