import { describe, expect, it } from "vitest";
import { random, setSeed, type Tensor, tensor, valueAndGrad } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";

const labels = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });
const corners = tensor([
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]);
const xor = { x: corners, y: labels(0, 1, 1, 0) };

const network = (seed = 3): nn.Sequential => {
  const [first, second] = random.split(random.key(seed));
  return new nn.Sequential(
    new nn.Linear(2, 8, { key: first }),
    new nn.Activation("tanh"),
    new nn.Linear(8, 2, { key: second }),
  );
};
const options = (): train.FitOptions<nn.Sequential> => ({
  data: xor,
  loss: "softmaxCrossEntropy",
  optimizer: optim.sgd({ learningRate: 0.5, momentum: 0.9 }),
  epochs: 3,
  batchSize: 3,
  seed: 1,
});
const valuesOf = (model: unknown): number[] =>
  nn.parameters(model).flatMap(([, value]) => [...value.dataSync()]);
const lossesOf = (run: train.Run<unknown>): number[] => run.history.map(({ loss }) => loss);

/** One sigmoid neuron 1 → 1 in float64. */
const neuron = (w: number, b: number): nn.Sequential =>
  new nn.Sequential(
    nn.loadStateDict(new nn.Linear(1, 1, { dtype: "float64" }), { weight: tensor([[w]]), bias: tensor([b]) }),
    new nn.Activation("sigmoid"),
  );

describe("fit learns", () => {
  it("the step of the worked two-layer example, to its published digits", async () => {
    const layer = (weight: number[][]): nn.Linear =>
      nn.loadStateDict(new nn.Linear(2, 2, { bias: false, dtype: "float64" }), {
        weight: tensor(weight, { dtype: "float64" }),
      });
    const w1 = [
      [0.15, 0.2],
      [0.25, 0.3],
    ];
    const w2 = [
      [0.4, 0.45],
      [0.5, 0.55],
    ];
    // the published example keeps its biases, one for each layer, as they are
    const model = new nn.Sequential(
      layer(w1),
      (z: Tensor) => z.add(0.35).sigmoid(),
      layer(w2),
      (z: Tensor) => z.add(0.6).sigmoid(),
    );
    const run = await train.fit(model, {
      data: {
        x: tensor([[0.05, 0.1]], { dtype: "float64" }),
        y: tensor([[0.01, 0.99]], { dtype: "float64" }),
      },
      loss: "quadratic",
      optimizer: optim.sgd({ learningRate: 0.5 }),
    });
    expect(run.history[0].loss).toBeCloseTo(0.298371109, 9);
    const published = [
      0.149780716, 0.19956143, 0.24975114, 0.29950229, 0.35891648, 0.408666186, 0.51130127, 0.561370121,
    ];
    const learned = valuesOf(run.model);
    published.forEach((value, i) => {
      // eight published decimals: half a unit of the last
      expect(Math.abs(learned[i] - value)).toBeLessThan(5.1e-9);
    });
  });

  it("xor, which no single layer can", async () => {
    const run = await train.fit(network(), { ...options(), epochs: 200, batchSize: 4 });
    expect(await train.confusion(run.model, xor)).toEqual([
      [2, 0],
      [0, 2],
    ]);
    expect(run.history[199].loss).toBeLessThan(0.01);
    expect(run.ended).toBe("finished");
  });

  it("slowly where the neuron is saturated: Nielsen's outputs .09 and .20 after 300 epochs", async () => {
    const one = { x: tensor([[1]], { dtype: "float64" }), y: tensor([[0]], { dtype: "float64" }) };
    const outputAfter = async (w: number, b: number): Promise<string> => {
      const optimizer = optim.sgd({ learningRate: 0.15 });
      const { model } = await train.fit(neuron(w, b), {
        data: one,
        loss: "quadratic",
        optimizer,
        epochs: 300,
      });
      return (await model.forward(one.x).item()).toFixed(2);
    };
    expect(await outputAfter(0.6, 0.9)).toBe("0.09");
    expect(await outputAfter(2, 2)).toBe("0.20");
  });

  it("what a loop of valueAndGrad and optimizer.step learns, batch by batch", async () => {
    const optimizer = optim.sgd({ learningRate: 0.5, momentum: 0.9 });
    let model = network();
    let state = optimizer.init(model);
    const expected: number[] = [];
    for (let epoch = 0; epoch < 2; epoch++) {
      let total = 0;
      for (const [start, stop] of [
        [0, 3],
        [3, 4],
      ]) {
        const [x, y] = [corners.slice([start, stop]), xor.y.slice([start, stop])];
        const objective = (m: nn.Sequential): Tensor => losses.softmaxCrossEntropy(m.forward(x), y);
        const [value, gradient] = valueAndGrad(objective)(model);
        [model, state] = optimizer.step(model, gradient, state);
        total += value.itemSync() * (stop - start);
      }
      expected.push(total / 4);
    }
    const run = await train.fit(network(), { ...options(), shuffle: false, epochs: 2 });
    // compiled and eager float32 agree to a few roundings of values near 1, through four steps
    lossesOf(run).forEach((loss, i) => {
      expect(Math.abs(loss - expected[i])).toBeLessThan(16 * 2 ** -23);
    });
    const plain = valuesOf(model);
    valuesOf(run.model).forEach((value, i) => {
      expect(Math.abs(value - plain[i])).toBeLessThan(64 * 2 ** -23);
    });
    expect(run.steps).toBe(4);
  });

  it("from a dataset, from labels and from one-hot targets alike", async () => {
    const hot = tensor([
      [1, 0],
      [0, 1],
      [0, 1],
      [1, 0],
    ]);
    const dataset = {
      size: 4,
      inputShape: [2],
      targetShape: [],
      inputs: Float64Array.from(corners.dataSync()),
      targets: Int32Array.of(0, 1, 1, 0),
    } as unknown as train.Data;
    const runs = await Promise.all(
      [xor, { x: corners, y: hot }, dataset].map((data) =>
        train.fit(network(), { ...options(), data, loss: "quadratic" }),
      ),
    );
    expect(valuesOf(runs[1].model)).toEqual(valuesOf(runs[0].model));
    expect(valuesOf(runs[2].model)).toEqual(valuesOf(runs[0].model));
  });

  it("with a loss of one's own, which gets labels as they are", async () => {
    const seen: string[] = [];
    const loss = (output: Tensor, target: Tensor): Tensor => {
      seen.push(`${target.dtype} ${target.shape}`);
      return losses.softmaxCrossEntropy(output, target);
    };
    const own = await train.fit(network(), { ...options(), loss });
    const named = await train.fit(network(), options());
    expect(valuesOf(own.model)).toEqual(valuesOf(named.model));
    expect(new Set(seen)).toEqual(new Set(["int32 3", "int32 1"]));
  });

  it("with a schedule, as without one where it is constant, and slower where it falls to 0", async () => {
    const run = (learningRate: optim.LearningRate): Promise<train.Run<nn.Sequential>> =>
      train.fit(network(), { ...options(), optimizer: optim.sgd({ learningRate }) });
    const constant = await run(0.5);
    expect(valuesOf((await run(() => 0.5)).model)).toEqual(valuesOf(constant.model));
    const firstOnly = (step: number): number => (step === 0 ? 0.5 : 0);
    const optimizer = optim.sgd({ learningRate: firstOnly });
    const one = await train.fit(network(), { ...options(), epochs: 1, optimizer });
    expect(valuesOf((await run(firstOnly)).model)).toEqual(valuesOf(one.model));
  });

  it("on from the state an earlier run left: momentum and schedule continue", async () => {
    const optimizer = optim.sgd({ learningRate: (step) => 1 / (2 + step), momentum: 0.9 });
    const base = { ...options(), optimizer, shuffle: false };
    const whole = await train.fit(network(), { ...base, epochs: 4 });
    const first = await train.fit(network(), { ...base, epochs: 2 });
    const second = await train.fit(first.model, { ...base, epochs: 2, optimizerState: first.optimizerState });
    expect(valuesOf(second.model)).toEqual(valuesOf(whole.model));
    // and the state of the first run can be used again
    const again = await train.fit(first.model, { ...base, epochs: 2, optimizerState: first.optimizerState });
    expect(valuesOf(again.model)).toEqual(valuesOf(whole.model));
  });

  it("in float64 where the model is float64", async () => {
    const { model } = await train.fit(neuron(0.6, 0.9), {
      data: { x: tensor([[1]]), y: tensor([[0]]) },
      loss: "meanSquaredError",
      optimizer: optim.sgd({ learningRate: 0.1 }),
    });
    expect(nn.parameters(model).map(([, { dtype }]) => dtype)).toEqual(["float64", "float64"]);
  });

  it("a model of one's own class, and keeps its class and what is no parameter", async () => {
    class Line implements nn.Module {
      readonly slope = tensor([0]);
      readonly note = "kept";
      forward(x: Tensor): Tensor {
        return x.mul(this.slope);
      }
    }
    const data = { x: tensor([[1], [2]]), y: tensor([[3], [6]]) };
    const optimizer = optim.sgd({ learningRate: 0.1 });
    const { model } = await train.fit(new Line(), { data, loss: "meanSquaredError", optimizer, epochs: 100 });
    expect(model).toBeInstanceOf(Line);
    expect(model.note).toBe("kept");
    expect(await model.slope.item()).toBeCloseTo(3, 5);
  });
});

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
