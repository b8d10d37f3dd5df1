/** Ending when nothing improves any more, the best model, updates by several batches, and recorders. */
import { describe, expect, it } from "vitest";
import { random, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { MemoryFiles } from "./memory-files.js";
import { lossesOf, network, options, valuesOf, xor } from "./support.js";

const directory = "ck";

/** A metric that goes through given numbers, one an epoch, whatever is learned. */
const scripted = (values: readonly number[]) => {
  let epoch = 0;
  return {
    name: "score",
    summarize: (output: Tensor) => output.sum(),
    result: () => values[epoch++],
  };
};
const run = (values: readonly number[], earlyStopping: train.EarlyStopping, more: object = {}) =>
  train.fit(network(), {
    ...options(),
    epochs: values.length,
    validation: xor,
    metrics: [scripted(values)],
    earlyStopping,
    ...more,
  });

describe("early stopping", () => {
  it.each<[string, number[], train.EarlyStopping, number, string]>([
    [
      "after as many epochs without a better one as patience says",
      [5, 4, 4, 6, 3, 2],
      { patience: 2, mode: "min" },
      4,
      "early",
    ],
    ["not before", [5, 4, 4, 3, 3, 2], { patience: 2, mode: "min" }, 6, "finished"],
    ["where large values are good", [1, 2, 3, 2, 1, 0], { patience: 2, mode: "max" }, 5, "early"],
    [
      "where better means by more than minDelta",
      [5, 4.5, 4.1, 3.7, 3, 2],
      { patience: 2, mode: "min", minDelta: 1 },
      3,
      "early",
    ],
    [
      "where a number is none",
      [Number.NaN, Number.NaN, 1, 1, 1, 1],
      { patience: 2, mode: "min" },
      2,
      "early",
    ],
    ["in the last epoch it is early all the same", [1, 2, 3], { patience: 2, mode: "min" }, 3, "early"],
  ])("ends %s", async (_name, values, stopping, epochs, ended) => {
    const result = await run(values, { metric: "score", ...stopping });
    expect([result.history.length, result.ended]).toEqual([epochs, ended]);
  });

  it("gives back the model of the best epoch where it is asked to, also of a run that finished", async () => {
    for (const values of [
      [3, 1, 2, 2, 2],
      [3, 1, 2],
    ]) {
      const kept: number[][] = [];
      const onEpoch = ({ model }: train.EpochEvent<nn.Sequential>): void => {
        kept.push(valuesOf(model));
      };
      const stopping = { metric: "score", mode: "min", patience: 2, restoreBest: true } as const;
      const best = await run(values, stopping, { onEpoch });
      expect(valuesOf(best.model)).toEqual(kept[1]);
      const last = await run(values, { ...stopping, restoreBest: false });
      expect(valuesOf(last.model)).toEqual(kept.at(-1));
    }
  });

  it("watches the training loss where nothing is validated, and accuracy by name", async () => {
    const still = { ...options(), optimizer: optim.sgd({ learningRate: 0 }), epochs: 9 };
    const first = await train.fit(network(), {
      ...still,
      batchSize: 4,
      shuffle: false,
      earlyStopping: { patience: 3 },
    });
    expect([first.history.length, first.ended]).toEqual([4, "early"]);
    const second = await train.fit(network(), {
      ...still,
      validation: xor,
      earlyStopping: { metric: "accuracy", patience: 1 },
    });
    expect([second.history.length, second.ended]).toEqual([2, "early"]);
  });

  it("goes on across a checkpoint: what it waited for, and the best model", async () => {
    const values = [3, 1, 2, 2, 2, 2];
    const stopping = { metric: "score", mode: "min", patience: 3, restoreBest: true } as const;
    const whole = await run(values, stopping);
    expect(whole.history.length).toBe(5);
    const files = new MemoryFiles();
    await run(values.slice(0, 3), stopping, { checkpoint: { directory, files } });
    const rest = await run([2, 2, 2, 2], stopping, {
      epochs: 6,
      checkpoint: { directory, files },
      resume: true,
    });
    expect([rest.history.length, rest.ended]).toEqual([5, "early"]);
    expect(valuesOf(rest.model)).toEqual(valuesOf(whole.model));
    // and stays over
    const again = await run([0], stopping, { epochs: 6, checkpoint: { directory, files }, resume: true });
    expect([again.history.length, again.ended, valuesOf(again.model)]).toEqual([
      5,
      "early",
      valuesOf(whole.model),
    ]);
  });

  it.each<[object, RegExp]>([
    [{ patience: 0 }, /earlyStopping\.patience must be an integer of at least 1/],
    [
      { patience: 1, metric: "f9" },
      /earlyStopping names the metric "f9", which is not measured; there is loss \(others need validation data\)/,
    ],
    [{ patience: 1, minDelta: -1 }, /minDelta must be/],
    [{ patience: 1, restoreBest: 1 }, /restoreBest must be/],
    [{ patience: 1, patient: 2 }, /there is no option patient; did you mean patience\?/],
    [{ patience: 1, mode: "down" }, /earlyStopping\.mode must be "min" or "max"/],
  ])("refuses %j", async (earlyStopping, message) => {
    const call = train.fit(network(), { ...options(), earlyStopping: earlyStopping as never });
    await expect(call).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringMatching(message),
    });
  });

  it("asks which values are good where nobody says", async () => {
    const call = run([1], { metric: "score", patience: 1 });
    await expect(call).rejects.toThrow(/say whether small or large values of score are good/);
  });
});

describe("an update by several batches", () => {
  const rows = 23;
  const [a, b] = random.split(random.key(2));
  const data = {
    x: random.normal(a, { shape: [rows, 4], dtype: "float64" }),
    y: random.normal(b, { shape: [rows, 2], dtype: "float64" }),
  };
  const model = (): nn.Sequential => {
    const [first, second] = random.split(random.key(7));
    return new nn.Sequential(
      new nn.Linear(4, 5, { key: first, dtype: "float64" }),
      new nn.Activation("tanh"),
      new nn.Linear(5, 2, { key: second, dtype: "float64" }),
    );
  };

  const rules = { sgd: optim.sgd, adam: optim.adam };
  it.each(["sgd", "adam"] as const)(
    "is that of one large batch, also at the end of an epoch, with %s",
    async (name) => {
      const base = (): train.FitOptions<nn.Sequential> => ({
        data,
        loss: "meanSquaredError",
        optimizer: rules[name]({ learningRate: (step: number) => 0.1 / (1 + step) }),
        epochs: 3,
        seed: 4,
      });
      // 23 rows: updates by 12 and 11, of batches of 3, 3, 3, 3 and 3, 3, 3, 2
      const large = await train.fit(model(), { ...base(), batchSize: 12 });
      const small = await train.fit(model(), { ...base(), batchSize: 3, accumulate: 4 });
      expect(small.steps).toBe(large.steps);
      expect(await small.optimizerState.step.item()).toBe(6);
      const [wanted, found] = [valuesOf(large.model), valuesOf(small.model)];
      // sums of 12 in another order: 12 ε each step, of numbers of about 1, over 6 steps, and Adam's division by √v
      const tolerance = 12 * 6 * 2.2e-16 * (name === "adam" ? 100 : 1);
      for (const [i, value] of found.entries()) expect(Math.abs(value - wanted[i])).toBeLessThan(tolerance);
      const [lossesWanted, lossesFound] = [lossesOf(large), lossesOf(small)];
      for (const [i, value] of lossesFound.entries()) expect(value).toBeCloseTo(lossesWanted[i], 12);
    },
  );

  it("counts updates, while every batch is told", async () => {
    const events: [number, number][] = [];
    await train.fit(model(), {
      data,
      loss: "meanSquaredError",
      optimizer: optim.sgd({ learningRate: 0.1 }),
      batchSize: 8,
      accumulate: 2,
      seed: 1,
      onBatch: ({ batch, step }) => {
        events.push([batch, step]);
      },
    });
    expect(events).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
  });
});

describe("a recorder", () => {
  const recorder = (calls: unknown[]): train.RunRecorder => ({
    start: ({ model, resumed, epochs }) => calls.push(["start", valuesOf(model).length, epochs, resumed]),
    epoch: async ({ epoch, steps, model }) => calls.push(["epoch", epoch, steps, valuesOf(model).length]),
    end: (run) =>
      calls.push("error" in run ? ["failed", String(run.error), run.history.length] : ["end", run.ended]),
  });

  it("is told of the start, every epoch and the end, in order, and of what was before", async () => {
    const calls: unknown[] = [];
    const files = new MemoryFiles();
    const checkpoint = { directory, files };
    await train.fit(network(), { ...options(), epochs: 2, record: recorder(calls), checkpoint });
    await train.fit(network(), { ...options(), record: recorder(calls), checkpoint, resume: true });
    const size = valuesOf(network()).length;
    expect(calls).toEqual([
      ["start", size, 2, undefined],
      ["epoch", 1, 2, size],
      ["epoch", 2, 4, size],
      ["end", "finished"],
      ["start", size, 3, { epochs: 2, steps: 4 }],
      ["epoch", 3, 6, size],
      ["end", "finished"],
    ]);
  });

  it("is told of the error a run ends with, which stays the run's", async () => {
    const calls: unknown[] = [];
    const onEpoch = (): void => {
      throw new Error("mine");
    };
    const call = train.fit(network(), { ...options(), record: recorder(calls), onEpoch });
    await expect(call).rejects.toThrow("mine");
    expect(calls.at(-1)).toEqual(["failed", "Error: mine", 1]);
  });
});

describe("a stream", () => {
  const batches = (list: readonly { x: Tensor; y: Tensor }[]) => ({
    inputShape: [2],
    targetShape: [],
    async *batches() {
      yield* list;
    },
  });
  const label = (value: number) => tensor([value], { dtype: "int32" });
  const point = (y: number) => ({ x: tensor([[0, 1]]), y: label(y) });
  const learn = (data: train.FitOptions["data"]) => train.fit(network(), { ...options(), epochs: 1, data });

  it.each<[string, readonly { x: Tensor; y: Tensor }[], string, RegExp]>([
    ["without examples", [], "invalid-data", /^fit: data has no examples/],
    ["with a label below 0", [point(0), point(-1)], "invalid-data", /received -1 in batch 2/],
    [
      "with a label without an output in the first batch",
      [point(2)],
      "invalid-data",
      /label 2, but the model tells 2 classes apart/,
    ],
    [
      "with a label without an output in a later one",
      [point(0), point(1), point(5)],
      "invalid-data",
      /label 5, but the model tells 2 classes apart/,
    ],
    [
      "of other shapes than it says",
      [{ x: tensor([[1, 2, 3]]), y: label(0) }],
      "shape-mismatch",
      /batch 1 of data must have x \[1, 2\] and y \[1\], received x \[1, 3\] and y \[1\]/,
    ],
  ])("%s is refused", async (_name, list, code, message) => {
    await expect(learn(batches(list))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it("that fails ends the run with its own error, and is told when the run no longer reads it", async () => {
    let isClosed = false;
    const source = {
      inputShape: [2],
      targetShape: [],
      async *batches() {
        try {
          yield point(0);
          yield point(1);
          throw new Error("torn");
        } finally {
          isClosed = true;
        }
      },
    };
    await expect(learn(source)).rejects.toThrow("torn");
    expect(isClosed).toBe(true);
    isClosed = false;
    const controller = new AbortController();
    controller.abort();
    const run = await train.fit(network(), { ...options(), data: source, signal: controller.signal });
    expect([run.ended, run.steps]).toEqual(["aborted", 0]);
    expect(isClosed).toBe(true);
  });

  it("asks for a batch while the one before is learned", async () => {
    const order: string[] = [];
    const source = {
      inputShape: [2],
      targetShape: [],
      async *batches() {
        for (let i = 0; i < 3; i++) {
          order.push(`asked ${i}`);
          yield point(i % 2);
        }
      },
    };
    await train.fit(network(), {
      ...options(),
      data: source,
      epochs: 1,
      onBatch: ({ batch }) => {
        order.push(`learned ${batch - 1}`);
      },
    });
    expect(order.indexOf("asked 1")).toBeLessThan(order.indexOf("learned 0"));
    expect(order.indexOf("asked 2")).toBeLessThan(order.indexOf("learned 1"));
  });
});
