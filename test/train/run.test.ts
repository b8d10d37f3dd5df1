import { describe, expect, it } from "vitest";
import { random, setSeed, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { corners, lossesOf, network, neuron, options, valuesOf, xor } from "./support.js";

describe("fit is repeatable", () => {
  it("same seed, same bits; another seed, another order", async () => {
    const [first, second, other] = [
      await train.fit(network(), options()),
      await train.fit(network(), options()),
      await train.fit(network(), { ...options(), seed: 2 }),
    ];
    expect(valuesOf(second.model)).toEqual(valuesOf(first.model));
    expect(lossesOf(second)).toEqual(lossesOf(first));
    expect(valuesOf(other.model)).not.toEqual(valuesOf(first.model));
  });

  it("without a seed it draws from the sequence of setSeed", async () => {
    const { seed: _seed, ...unseeded } = options();
    const run = async (): Promise<number[]> => {
      setSeed(9);
      return valuesOf((await train.fit(network(), unseeded)).model);
    };
    expect(await run()).toEqual(await run());
  });

  it("gives each step a key of its own, the same for the same seed", async () => {
    const noisy = (): nn.Sequential =>
      new nn.Sequential(new nn.Linear(2, 2, { key: random.key(0) }), {
        forward: (x, { train: training = false, key } = {}) =>
          training && key !== undefined ? x.add(random.normal(key, { shape: x.shape })) : x,
      } satisfies nn.Module);
    const base = {
      ...options(),
      epochs: 20,
      batchSize: 4,
      shuffle: false,
      optimizer: optim.sgd({ learningRate: 0 }),
    };
    const first = lossesOf(await train.fit(noisy(), base));
    expect(new Set(first).size).toBe(20);
    expect(lossesOf(await train.fit(noisy(), base))).toEqual(first);
  });

  it("every epoch sees every example once, in an order of its own", async () => {
    // a model that does not learn, and a loss that tells the examples apart
    const x = tensor(Array.from({ length: 20 }, (_, i) => [i]));
    const still = neuron(0.1, 0);
    const orders: number[][] = [[], [], []];
    await train.fit(still, {
      data: { x, y: x },
      loss: (_output, target) => target.sum(),
      optimizer: { ...optim.sgd({ learningRate: 0 }), step: (params, _gradients, state) => [params, state] },
      epochs: 3,
      batchSize: 1,
      seed: 5,
      onBatch: ({ epoch, loss }) => {
        orders[epoch - 1].push(loss);
      },
    });
    const sorted = Array.from({ length: 20 }, (_, i) => i);
    for (const order of orders) expect(order.toSorted((a, b) => a - b)).toEqual(sorted);
    expect(new Set([sorted, ...orders].map(String)).size).toBe(4);
  });

  it("the mean loss of an epoch is that of the examples, in any order and batches", async () => {
    const still = { ...options(), epochs: 4, optimizer: optim.sgd({ learningRate: 0 }) };
    const { loss } = await train.evaluate(network(), xor, ["loss"], { loss: "softmaxCrossEntropy" });
    for (const mean of lossesOf(await train.fit(network(), still))) expect(mean).toBeCloseTo(loss, 6);
  });
});

describe("fit and its surroundings", () => {
  it("leaves the caller's model as it was, and usable", async () => {
    const model = network();
    const before = valuesOf(model);
    await train.fit(model, options());
    expect(valuesOf(model)).toEqual(before);
    expect(model.forward(corners).shape).toEqual([4, 2]);
  });

  it("measures validation data after each epoch, and tells onEpoch, with a model that stays", async () => {
    const events: train.EpochEvent<nn.Sequential>[] = [];
    const run = await train.fit(network(), {
      ...options(),
      validation: xor,
      onEpoch: (event) => {
        events.push(event);
      },
    });
    expect(events.map(({ epoch, epochs }) => [epoch, epochs])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    for (const [i, { model, validation, loss }] of events.entries()) {
      const again = await train.evaluate(model, xor, ["loss", "accuracy"], { loss: "softmaxCrossEntropy" });
      expect(validation).toEqual(again);
      expect(run.history[i]).toMatchObject({ epoch: i + 1, loss, validation });
    }
    expect(valuesOf(events[2].model)).toEqual(valuesOf(run.model));
  });

  it("ends early when onEpoch returns false, even later", async () => {
    const run = await train.fit(network(), {
      ...options(),
      epochs: 9,
      onEpoch: async ({ epoch }) => epoch < 2,
    });
    expect([run.history.length, run.ended]).toEqual([2, "stopped"]);
  });

  it("tells onBatch each batch's loss, whose weighted mean is the epoch's", async () => {
    const events: train.BatchEvent[] = [];
    const run = await train.fit(network(), {
      ...options(),
      onBatch: (event) => {
        events.push(event);
      },
    });
    expect(events.map(({ epoch, batch, step }) => [epoch, batch, step])).toEqual([
      [1, 1, 1],
      [1, 2, 2],
      [2, 1, 3],
      [2, 2, 4],
      [3, 1, 5],
      [3, 2, 6],
    ]);
    expect((3 * events[0].loss + events[1].loss) / 4).toBeCloseTo(run.history[0].loss, 6);
    const unwatched = await train.fit(network(), options());
    expect(valuesOf(run.model)).toEqual(valuesOf(unwatched.model));
  });

  it("pauses for timers and progress, and ends with what it has when it is aborted", async () => {
    const controller = new AbortController();
    const seen: train.ProgressEvent[] = [];
    setTimeout(() => controller.abort(), 250);
    const run = await train.fit(network(), {
      ...options(),
      batchSize: 1,
      data: { x: corners.tile([500, 1]), y: xor.y.tile([500]) },
      epochs: 1_000_000,
      signal: controller.signal,
      onProgress: (event) => {
        seen.push(event);
      },
    });
    expect(run.ended).toBe("aborted");
    expect(seen.length).toBeGreaterThan(0);
    for (const { batch, batches, step, loss } of seen) {
      expect(batch).toBeLessThan(batches);
      expect(step).toBeLessThanOrEqual(run.steps);
      expect(Number.isFinite(loss)).toBe(true);
    }
    expect(valuesOf(run.model).every(Number.isFinite)).toBe(true);
  });

  it("aborted before it begins makes no step", async () => {
    const run = await train.fit(network(), { ...options(), signal: AbortSignal.abort() });
    expect([run.steps, run.history.length, run.ended]).toEqual([0, 0, "aborted"]);
    expect(valuesOf(run.model)).toEqual(valuesOf(network()));
  });
});
