import { describe, expect, it } from "vitest";
import * as data from "../../src/data/index.js";
import { tensor, zeros } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";

const model = new nn.Sequential(new nn.Linear(2, 2));
const examples = { x: zeros([2, 2]), y: tensor([0, 1], { dtype: "int32" }) };
const base = { data: examples, loss: "softmaxCrossEntropy", optimizer: optim.sgd({ learningRate: 1 }) };

/** Every function with options: a call with the options as the last argument, whatever their type says. */
const calls: Record<string, (options: unknown) => unknown> = {
  sgd: (options) => optim.sgd(options as never),
  Linear: (options) => new nn.Linear(2, 3, options as never),
  summary: (options) => nn.summary(model, [2], options as never),
  huber: (options) => losses.huber(tensor([1]), tensor([1]), options as never),
  fit: (options) => train.fit(model, options as never),
  evaluate: (options) => train.evaluate(model, examples, undefined, options as never),
  confusion: (options) => train.confusion(model, examples, options as never),
  predict: (options) => train.predict(model, zeros([1, 2]), options as never),
  "data.arrays": (options) => data.arrays([[1]], [1], options as never),
  "data.csv": (options) => data.csv("a,y\n1,2\n", options as never),
  "data.idx": (options) => data.idx("nowhere", options as never),
  "data.mnist": (options) => data.mnist(options as never),
};

const refusal = async (call: () => unknown): Promise<unknown> => {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return "nothing was refused";
};

describe("an option that does not exist is refused, naming the nearest", () => {
  it.each<[string, object, string]>([
    ["sgd", { learningRate: 0.1, momentun: 0.9 }, "there is no option momentun; did you mean momentum?"],
    ["sgd", { lr: 0.1 }, "there is no option lr; the options are learningRate, momentum"],
    ["Linear", { bia: false }, "there is no option bia; did you mean bias?"],
    ["Linear", { bais: false }, "there is no option bais; "],
    ["summary", { dtypes: "float64" }, "did you mean dtype?"],
    ["huber", { dleta: 2 }, "there is no option dleta; "],
    ["fit", { ...base, epoch: 50 }, "there is no option epoch; did you mean epochs?"],
    ["fit", { ...base, batchsize: 50 }, "did you mean batchSize?"],
    ["evaluate", { treshold: 0.1 }, "did you mean threshold?"],
    ["confusion", { batch_size: 10 }, "did you mean batchSize?"],
    ["predict", { batchSizes: 10 }, "did you mean batchSize?"],
    ["data.arrays", { class: ["a", "b"] }, "there is no option class; "],
    ["data.csv", { labels: "y" }, "did you mean label?"],
    ["data.idx", { splits: "test" }, "did you mean split?"],
    ["data.mnist", { Split: "test" }, "did you mean split?"],
  ])("%s %j", async (name, options, message) => {
    expect(await refusal(() => calls[name](options))).toMatchObject({
      name: "AdjointError",
      code: "invalid-argument",
      message: expect.stringMatching(
        new RegExp(`^${name.replace(".", "\\.")}: .*${message.replace("?", "\\?")}`),
      ),
    });
  });
});

describe("what is no options object is refused", () => {
  const values = [null, 0.1, "fast", true, [1]];
  for (const [name, call] of Object.entries(calls))
    it(`by ${name}`, async () => {
      for (const value of values)
        expect(await refusal(() => call(value))).toMatchObject({
          code: "invalid-argument",
          message: expect.stringMatching(
            new RegExp(`^${name.replace(".", "\\.")}: options must be an object`),
          ),
        });
    });
});

describe("a first mistake is explained", () => {
  it.each<[string, () => unknown, string]>([
    [
      "an array for a layer",
      () => new nn.Linear(2, 3).forward([1, 2] as never),
      "Linear: x must be a tensor, such as tensor([[1, 2]]), received array of 2",
    ],
    [
      "csv without options",
      () => data.csv("f.csv", undefined as never),
      "data.csv: options must be an object, received undefined",
    ],
    [
      "a step without a state",
      () => optim.sgd({ learningRate: 1 }).step(model, model, undefined as never),
      "sgd.step: state must be what init(params) or the step before gave, received undefined",
    ],
    [
      "a state of other parameters",
      () => {
        const optimizer = optim.sgd({ learningRate: 1, momentum: 0.9 });
        const other = optimizer.init(new nn.Sequential(new nn.Linear(3, 2)));
        return optimizer.step(model, model, other);
      },
      "sgd.step: the state has float32[2, 3] for layers.0.weight; it belongs to other parameters or options: make it with init(params)",
    ],
    [
      "arrays for a loss",
      () => losses.quadratic([1] as never, [2] as never),
      "quadratic: output must be a tensor, such as tensor([[1, 2]]), received array of 1",
    ],
    [
      "arrays to train on",
      () => train.fit(model, { ...base, data: { x: [[1, 2]], y: [1] } } as never),
      "fit: data must be a dataset, or { x, y } of tensors, received { x: array of 1, y: array of 1 }",
    ],
    [
      "a layer that forgets to return",
      () => new nn.Sequential((() => {}) as never).forward(zeros([1])),
      "Sequential: layer 0 must give a tensor, received undefined",
    ],
    [
      "a model that forgets to return",
      () => train.predict({ forward: () => undefined as never }, [[1]]),
      "predict: what model.forward gives must be a tensor, received undefined",
    ],
    [
      "a number to predict from",
      () => train.predict(model, 3 as never),
      "predict: x must be a tensor, nested arrays, a dataset, { x, y } of tensors, or a stream, received 3",
    ],
  ])("%s", async (_name, call, message) => {
    expect(await refusal(call)).toMatchObject({ name: "AdjointError", message });
  });

  it("a table with a single class teaches nothing", async () => {
    expect(await refusal(() => data.csv("a,y\n1,x\n2,x\n", { label: "y" }))).toMatchObject({
      code: "invalid-data",
      message: 'data.csv: the text: column "y" needs at least two classes, received only "x"',
    });
  });

  it("predict takes nested arrays as they are", async () => {
    const outputs = await train.predict(model, [
      [1, 2],
      [3, 4],
    ]);
    const same = await train.predict(
      model,
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(await outputs.array()).toEqual(await same.array());
    expect(outputs.shape).toEqual([2, 2]);
  });
});
