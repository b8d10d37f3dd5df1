/** A training run as a value, in a file of its own. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { arrays } from "../../src/data/index.js";
import { ones, random, type Tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { sgd } from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { defineConfig, resolveConfig, type TrainConfig } from "../../src/train/index.js";

const points = () => arrays([[0], [1], [2], [3], [4]], [[1], [3], [5], [7], [9]]);
const line = {
  model: (key: Tensor) => new nn.Linear(1, 1, { key }),
  data: points,
  loss: "meanSquaredError",
  optimizer: sgd({ learningRate: 0.05 }),
} as const;

/** Whatever was thrown, as text. */
const refusal = async (run: () => unknown): Promise<string> => {
  try {
    await run();
  } catch (error) {
    return String(error);
  }
  return "nothing was refused";
};

describe("defineConfig", () => {
  it("gives back what it is given, with the model's class", () => {
    const config = defineConfig({ ...line, onEpoch: ({ model }) => model.weight.shape });
    expectTypeOf(config).toEqualTypeOf<TrainConfig<nn.Linear>>();
    expect(config).toMatchObject(line);
    expectTypeOf(defineConfig({ ...line, model: new nn.Flatten() })).toEqualTypeOf<TrainConfig<nn.Flatten>>();
    const later = defineConfig({ ...line, model: async () => new nn.Linear(1, 1) });
    expectTypeOf(later).toEqualTypeOf<TrainConfig<nn.Linear>>();
  });

  it.each([
    ["nothing", undefined, "config must be an object such as { model, data, loss, optimizer }"],
    ["no model", { ...line, model: undefined }, "model must be a model, or a function that makes one"],
    ["a model that is a name", { ...line, model: "mlp" }, 'received "mlp"'],
    ["no data", { ...line, data: undefined }, "data must be data, or a function that reads them"],
    ["a loss that is none", { ...line, loss: 3 }, "loss must be the name of a loss"],
    ["no optimizer", { ...line, optimizer: null }, "optimizer must be one such as optim.sgd"],
    ["all rows held out", { ...line, validation: 1 }, "a fraction below 1, received 1"],
    ["a directory that is no text", { ...line, out: 1 }, "out must be a text, received 1"],
  ])("refuses %s", async (_, config, message) => {
    const text = await refusal(() => defineConfig(config as never));
    expect(text).toContain("train.defineConfig: ");
    expect(text).toContain(message);
  });
});

describe("resolveConfig", () => {
  it("calls its functions after the seed is set: the same seed, the same run", async () => {
    const drawn: string[] = [];
    const config = defineConfig({
      ...line,
      // one layer with the key, one from the sequence that the seed restarts
      model: (key) => new nn.Sequential(new nn.Linear(1, 3, { key }), new nn.Linear(3, 1)),
      data: (key) => {
        drawn.push(String(random.uniform(key)));
        return points();
      },
      validation: 0.4,
      epochs: 2,
    });
    const weights = async (seed: number) => {
      const { model, options } = await resolveConfig(config, { seed });
      const run = await train.fit(model, options);
      return JSON.stringify(await Promise.all(nn.parameters(run.model).map(([, value]) => value.array())));
    };
    const [first, again, other] = [await weights(3), await weights(3), await weights(4)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    expect(drawn[1]).toBe(drawn[0]);
    expect(drawn[2]).not.toBe(drawn[0]);
  });

  it("holds out the fraction, and different rows with another seed", async () => {
    const config = defineConfig({ ...line, validation: 0.4 });
    const rows = async (seed: number) => {
      const { options } = await resolveConfig(config, { seed });
      const { inputs } = options.data as ReturnType<typeof points>;
      const held = options.validation as ReturnType<typeof points>;
      return [[...inputs], [...held.inputs]];
    };
    const [train, held] = await rows(1);
    expect([train.length, held.length]).toEqual([3, 2]);
    expect([...train, ...held].sort()).toEqual([0, 1, 2, 3, 4]);
    const splits = await Promise.all([1, 2, 3, 4].map(async (seed) => String(await rows(seed))));
    expect(new Set(splits).size).toBeGreaterThan(1);
  });

  it("lets overrides go before the configuration, and the learning rate go to its function", async () => {
    let rate: number | undefined;
    const config = defineConfig({
      ...line,
      epochs: 5,
      batchSize: 2,
      seed: 9,
      optimizer: (learningRate) => {
        rate = learningRate;
        return sgd({ learningRate: learningRate ?? 0.05 });
      },
    });
    const { options } = await resolveConfig(config);
    expect([options.epochs, options.batchSize, options.seed, rate]).toEqual([5, 2, 9, undefined]);
    const { options: others } = await resolveConfig(config, {
      epochs: 1,
      batchSize: 3,
      seed: 2,
      learningRate: 0.5,
    });
    expect([others.epochs, others.batchSize, others.seed, rate]).toEqual([1, 3, 2, 0.5]);
  });

  it.each([
    [
      "a learning rate for an optimizer that is finished",
      line,
      { learningRate: 1 },
      "a function of the learning rate",
    ],
    [
      "a fraction of what is no dataset",
      { ...line, data: { x: ones([2, 1]), y: ones([2, 1]) }, validation: 0.5 },
      {},
      "no dataset in memory",
    ],
    [
      "a function that makes no model",
      { ...line, model: () => 3 },
      {},
      "model must have a forward method, received 3",
    ],
    ["a seed that is none", line, { seed: -1.5 }, "seed"],
    ["overrides that are none", line, 3, "overrides must be an object"],
  ])("refuses %s", async (_, config, overrides, message) => {
    expect(await refusal(() => resolveConfig(config as never, overrides as never))).toContain(message);
  });
});
