/** Measures against their definitions, computed elsewhere (test/fixtures/metrics.py), whatever the batches. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Batch, ExampleStream } from "../../src/data/index.js";
import { type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as train from "../../src/train/index.js";

const { metrics } = train;
const identity = new nn.Activation("identity");
const labels = (values: number[]): Tensor => tensor(values, { dtype: "int32" });

interface Scores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}
type Averages = Record<"precision" | "recall" | "f1", Record<"macro" | "weighted" | "micro", number>>;
interface Fixture {
  readonly manyClasses: {
    readonly logits: number[][];
    readonly labels: number[];
    readonly accuracy: number;
    readonly top: Record<string, number>;
    readonly averages: Averages;
    readonly classes: (Scores & { support: number })[];
    readonly auc: { macro: number; weighted: number; classes: number[] };
    readonly logLoss: number;
    readonly perplexity: number;
  };
  readonly twoClasses: {
    readonly logits: number[];
    readonly labels: number[];
    readonly accuracy: number;
    readonly binary: Scores;
    readonly averages: Averages;
    readonly auc: number;
    readonly logLoss: number;
  };
  readonly numbers: Record<
    "meanAbsoluteError" | "meanSquaredError" | "rootMeanSquaredError" | "r2",
    number
  > & {
    readonly outputs: number[][];
    readonly targets: number[][];
  };
}
const fixture: Fixture = JSON.parse(
  readFileSync(new URL("../fixtures/metrics.json", import.meta.url), "utf8"),
);

/** Sums of some hundred float64 terms in another order: 2⁻⁵² each, and room for a few hundred. */
const rounding = 1e-13;
/** The relative difference of two numbers. */
const apart = (a: number, b: number): number => Math.abs(a - b) / Math.max(Math.abs(b), 1e-300);

type Asked = readonly (train.MetricName | train.Metric)[];
const measure = (
  x: Tensor,
  y: Tensor,
  asked: Asked,
  options: train.EvaluateOptions = {},
): Promise<train.Measurements> => train.evaluate(identity, { x, y }, asked, options);

describe("measures of many classes", () => {
  const { manyClasses } = fixture;
  const x = tensor(manyClasses.logits);
  const y = labels(manyClasses.labels);
  const words = ["precision", "recall", "f1"] as const;
  const averages = ["macro", "weighted", "micro"] as const;

  it.each([1, 7, 1000])("are those of their definitions in batches of %i", async (batchSize) => {
    const asked: train.Metric[] = [
      metrics.accuracy(),
      ...[1, 2, 3, 6].map(metrics.topK),
      ...averages.flatMap((average) => words.map((word) => metrics[word]({ average }))),
      ...words.flatMap((word) => manyClasses.classes.map((_, k) => metrics[word]({ class: k }))),
    ];
    const found = await measure(x, y, asked, { batchSize });
    expect(found.accuracy).toBeCloseTo(manyClasses.accuracy, 14);
    for (const k of [1, 2, 3, 6]) expect(apart(found[`top${k}`], manyClasses.top[k])).toBeLessThan(rounding);
    for (const word of words) {
      for (const average of averages)
        expect(found[`${word}-${average}`]).toBeCloseTo(manyClasses.averages[word][average], 14);
      manyClasses.classes.forEach((scores, k) => {
        expect(found[`${word}-class-${k}`]).toBeCloseTo(scores[word], 14);
      });
    }
  });

  it.each([1, 7, 1000])("by their names: f1 is the macro average, in batches of %i", async (batchSize) => {
    const asked = ["f1", "precision", "recall", "auc", "logLoss", "perplexity", "top2"] as const;
    const found = await measure(x, y, asked, { batchSize });
    expect(Object.keys(found)).toEqual([...asked]);
    for (const word of words) expect(found[word]).toBeCloseTo(manyClasses.averages[word].macro, 14);
    expect(found.top2).toBeCloseTo(manyClasses.top["2"], 14);
    expect(apart(found.auc, manyClasses.auc.macro)).toBeLessThan(rounding);
    // the program's exponential and logarithm are within a few ULP of float64
    expect(apart(found.logLoss, manyClasses.logLoss)).toBeLessThan(rounding);
    expect(apart(found.perplexity, manyClasses.perplexity)).toBeLessThan(rounding);
  });

  it("the area is the same bits whatever the batches, weighted and of each class as well", async () => {
    const one = [0, 1, 2, 3].map((k) => metrics.auc({ class: k }));
    const asked = [metrics.auc({ average: "weighted" }), metrics.auc(), ...one];
    const whole = await measure(x, y, asked, { batchSize: 1000 });
    for (const batchSize of [1, 7]) expect(await measure(x, y, asked, { batchSize })).toEqual(whole);
    expect(apart(whole["auc-weighted"], manyClasses.auc.weighted)).toBeLessThan(rounding);
    manyClasses.auc.classes.forEach((value, k) => {
      expect(apart(whole[`auc-class-${k}`], value)).toBeLessThan(rounding);
    });
  });

  it("the area of logits is that of their softmax, and outputs may say what they are", async () => {
    const asked = [metrics.auc()];
    const { auc } = await measure(x, y, asked);
    const probabilities = x.cast("float64").softmax(-1);
    const wide = { forward: (input: Tensor) => input, weight: tensor([0], { dtype: "float64" }) };
    const found = await train.evaluate(wide, { x: probabilities, y }, asked);
    expect(apart(found.auc, auc)).toBeLessThan(rounding);
    const raw = await measure(x, y, [metrics.auc({ outputs: "probabilities" })]);
    expect(raw.auc).not.toBe(auc);
  });

  it("one-hot targets mean their label", async () => {
    const asked = ["f1", "auc", "top2", "logLoss"] as const;
    const oneHot = tensor(
      manyClasses.labels.map((k) => manyClasses.classes.map((_, i) => (i === k ? 1 : 0))),
    );
    const [a, b] = [await measure(x, y, asked), await measure(x, oneHot, asked)];
    for (const name of asked) expect(apart(b[name], a[name])).toBeLessThan(rounding);
  });

  it("a confusion matrix gives the same of each class", async () => {
    const counts = await train.confusion(identity, { x, y }, { batchSize: 7 });
    const report = train.classReport(counts, ["a", "b", "c", "d", "e", "f"]);
    expect(report.accuracy).toBeCloseTo(manyClasses.accuracy, 14);
    report.classes.forEach(({ name, ...scores }, k) => {
      expect(name).toBe("abcdef"[k]);
      for (const word of words) expect(scores[word]).toBeCloseTo(manyClasses.classes[k][word], 14);
      expect(scores.support).toBe(manyClasses.classes[k].support);
    });
    for (const word of words) {
      expect(report.macro[word]).toBeCloseTo(manyClasses.averages[word].macro, 14);
      expect(report.weighted[word]).toBeCloseTo(manyClasses.averages[word].weighted, 14);
    }
  });
});

describe("measures of two classes", () => {
  const { twoClasses } = fixture;
  const y = labels(twoClasses.labels);
  const column = tensor(twoClasses.logits).expandDims(-1);
  // the second output ahead of the first by the logit
  const pair = tensor(twoClasses.logits.map((z) => [1, z + 1]));

  it.each([
    ["a single logit, above 0", column, { loss: "sigmoidCrossEntropy" }],
    ["two outputs", pair, {}],
    ["a single output above its threshold", column, { threshold: 0 }],
  ] as const)("of %s are of class 1, ties counting half", async (_, x, options) => {
    for (const batchSize of [1, 7, 1000]) {
      const asked = ["accuracy", "precision", "recall", "f1", "auc", "logLoss"] as const;
      const found = await measure(x, y, [...asked, metrics.f1({ average: "macro" })], {
        ...options,
        batchSize,
      });
      expect(found.accuracy).toBeCloseTo(twoClasses.accuracy, 14);
      for (const word of ["precision", "recall", "f1"] as const)
        expect(found[word]).toBeCloseTo(twoClasses.binary[word], 14);
      expect(found["f1-macro"]).toBeCloseTo(twoClasses.averages.f1.macro, 14);
      expect(apart(found.auc, twoClasses.auc)).toBeLessThan(rounding);
      expect(apart(found.logLoss, twoClasses.logLoss)).toBeLessThan(rounding);
    }
  });

  it("the area of class 0 is that of class 1", async () => {
    const found = await measure(column, y, [metrics.auc({ class: 0 }), metrics.auc({ class: 1 })]);
    expect(found["auc-class-0"]).toBe(found["auc-class-1"]);
  });

  it("probabilities have the area of their logits, and a log loss of their own", async () => {
    const found = await measure(column.sigmoid(), y, ["auc", metrics.logLoss({ outputs: "probabilities" })]);
    expect(apart(found.auc, twoClasses.auc)).toBeLessThan(rounding);
    // a float32 probability p has lost up to 2⁻²⁴ ÷ (1 − p) of the other's logarithm; logits here are below 5
    expect(Math.abs(found.logLoss - twoClasses.logLoss)).toBeLessThan(2 ** -24 * Math.exp(5));
  });

  it("a probability rounded to 0 or 1 costs no infinity", async () => {
    const asked = [metrics.logLoss({ outputs: "probabilities" })];
    const single = await measure(tensor([[0], [1]]), labels([1, 0]), asked);
    expect(single.logLoss).toBeCloseTo(23 * Math.LN2, 6);
    const rows = await measure(tensor([[1, 0, 0]]), labels([2]), asked);
    expect(rows.logLoss).toBeCloseTo(23 * Math.LN2, 6);
  });
});

describe("measures of numbers", () => {
  const { numbers } = fixture;
  const [x, y] = [tensor(numbers.outputs), tensor(numbers.targets)];
  const asked = ["meanAbsoluteError", "meanSquaredError", "rootMeanSquaredError", "r2"] as const;

  it.each([1, 7, 1000])("are those of their definitions in batches of %i", async (batchSize) => {
    const found = await measure(x, y, asked, { batchSize });
    for (const name of asked) {
      // R² = 1 − q, with a q near ¼ whose parts were summed about a mean of 1000: 1000² · 2⁻⁵² each time the mean moves
      const tolerance = name === "r2" ? 1e-11 : rounding;
      expect(apart(found[name], numbers[name]), name).toBeLessThan(tolerance);
    }
  });

  it("labels beside a single output are numbers, as they are to a loss", async () => {
    const found = await measure(tensor([[1], [4]]), labels([2, 2]), ["meanAbsoluteError", "r2"]);
    expect(found).toEqual({ meanAbsoluteError: 1.5, r2: 0 });
  });

  it("R² of constant targets is 1 where the outputs are right, else 0", async () => {
    const same = tensor([[3], [3]]);
    expect(await measure(same, same, ["r2"])).toEqual({ r2: 1 });
    expect(await measure(tensor([[3], [4]]), same, ["r2"])).toEqual({ r2: 0 });
  });
});

describe("by hand", () => {
  it("F1, precision and recall are 0 where there is nothing to divide by", async () => {
    const none = tensor([
      [1, 0],
      [1, 0],
    ]);
    const found = await measure(none, labels([1, 0]), ["precision", "recall", "f1"]);
    expect(found).toEqual({ precision: 0, recall: 0, f1: 0 });
  });

  it("the area is NaN where all examples are of one class, or a score is NaN", async () => {
    const x = tensor([[0.2], [0.4]]);
    expect((await measure(x, labels([1, 1]), ["auc"])).auc).toBeNaN();
    expect((await measure(tensor([[Number.NaN], [1]]), labels([0, 1]), ["auc"])).auc).toBeNaN();
  });

  it("of equal outputs the first is the larger to topK, as it is to accuracy; NaN is right in nothing", async () => {
    const x = tensor([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
      [Number.NaN, 0, 0],
    ]);
    const found = await measure(x, labels([0, 1, 2, 0]), ["accuracy", "top1", "top2", "top3"]);
    expect(found).toMatchObject({ top1: 0.25, top2: 0.5, top3: 0.75 });
  });

  it("positions count like rows: outputs [batch, time, classes], labels [batch, time]", async () => {
    const logits = [
      [
        [2, 0],
        [0, 1],
      ],
      [
        [0, 3],
        [1, 0],
      ],
    ];
    const asked = ["accuracy", "f1", "perplexity", "auc", "top1"] as const;
    const whole = await measure(
      tensor(logits),
      tensor(
        [
          [0, 0],
          [1, 0],
        ],
        { dtype: "int32" },
      ),
      asked,
      {
        batchSize: 1,
      },
    );
    const rows = await measure(tensor(logits.flat()), labels([0, 0, 1, 0]), asked);
    expect(whole).toMatchObject({ accuracy: 0.75, auc: rows.auc, f1: rows.f1, top1: 0.75 });
    expect(apart(whole.perplexity, rows.perplexity)).toBeLessThan(rounding);
  });
});

describe("metrics of one's own", () => {
  const x = tensor([[1], [5], [2], [9], [4]]);
  const y = tensor([[1], [1], [1], [1], [1]]);

  it("merge as they say, whatever the batches", async () => {
    const largest = metrics.define({
      name: "largest",
      summarize: (output) => output.max(),
      merge: (a, b) => a.maximum(b),
      result: (total) => total,
    });
    const median = metrics.define({
      name: "median",
      merge: "concat",
      summarize: (output) => ({ values: output.flatten() }),
      result: async ({ values }) => [...(await values.data())].sort((a, b) => a - b)[2],
    });
    const sum = metrics.define({
      name: "sum",
      summarize: (output) => [output.sum()],
      result: ([total]) => total,
    });
    for (const batchSize of [1, 2, 5])
      expect(await measure(x, y, [largest, median, sum], { batchSize })).toEqual({
        largest: 9,
        median: 4,
        sum: 21,
      });
  });

  it("are told the threshold of a single output", async () => {
    const seen: train.Metric = {
      name: "seen",
      compute: (output, _, { threshold }) => output.mean().mul(0).add(threshold),
    };
    expect((await measure(x, y, [seen], { threshold: 3 })).seen).toBe(3);
    expect((await measure(x, y, [seen])).seen).toBe(0.5);
  });
});

describe("streams", () => {
  const x = tensor(fixture.manyClasses.logits);
  const y = labels(fixture.manyClasses.labels);
  const stream: ExampleStream = {
    inputShape: [6],
    targetShape: [],
    classes: ["a", "b", "c", "d", "e", "f"],
    async *batches(size): AsyncGenerator<Batch> {
      for (let at = 0; at < x.shape[0]; at += size) {
        const stop = Math.min(at + size, x.shape[0]);
        yield { x: x.slice([at, stop]), y: y.slice([at, stop]) };
      }
    },
  };

  it("are measured, predicted and confused like what they hold", async () => {
    const asked = ["accuracy", "f1", "auc"] as const;
    expect(await train.evaluate(identity, stream, asked, { batchSize: 50 })).toEqual(
      await measure(x, y, asked, { batchSize: 50 }),
    );
    expect(Object.keys(await train.evaluate(identity, stream))).toEqual(["accuracy"]);
    expect(await train.confusion(identity, stream)).toEqual(await train.confusion(identity, { x, y }));
    const predicted = await train.predict(identity, stream, { batchSize: 100 });
    expect(predicted.arraySync()).toEqual(x.arraySync());
  });

  it("are refused where they are empty, give no batches, or a label has no class", async () => {
    const of = (...batches: unknown[]): ExampleStream => ({
      ...stream,
      async *batches() {
        for (const batch of batches) yield batch as Batch;
      },
    });
    await expect(train.evaluate(identity, of())).rejects.toMatchObject({ code: "invalid-data" });
    await expect(train.evaluate(identity, of(null))).rejects.toMatchObject({ code: "invalid-argument" });
    const beyond = of({ x: tensor([[1, 2]]), y: labels([1]) }, { x: tensor([[1, 2]]), y: labels([2]) });
    await expect(train.evaluate(identity, beyond, ["f1"])).rejects.toThrow(/a label 2, .* 2 classes apart/);
    const negative = of({ x: tensor([[1, 2]]), y: labels([-1]) });
    await expect(train.evaluate(identity, negative, ["f1"])).rejects.toThrow(
      /must be 0, 1, 2, …, received -1/,
    );
    await expect(train.confusion(identity, negative)).rejects.toMatchObject({ code: "invalid-data" });
  });
});

describe("metrics are refused", () => {
  const x = tensor([[1, 2, 3]]);
  const y = labels([0]);
  it.each<[string, () => unknown, string, RegExp]>([
    [
      "an unknown name",
      () => measure(x, y, ["acuracy" as "accuracy"]),
      "invalid-argument",
      /did you mean accuracy\?/,
    ],
    ["top0", () => measure(x, y, ["top0"]), "invalid-argument", /a metric is "loss"/],
    [
      "topK(0)",
      () => metrics.topK(0),
      "invalid-argument",
      /metrics.topK: k must be an integer of at least 1/,
    ],
    [
      "an unknown average",
      () => metrics.f1({ average: "mean" as "macro" }),
      "invalid-argument",
      /average must be binary \| macro/,
    ],
    [
      "an unknown option",
      () => metrics.recall({ averge: "macro" } as never),
      "invalid-argument",
      /did you mean average\?/,
    ],
    [
      "class and average",
      () => metrics.auc({ class: 1, average: "macro" }),
      "invalid-argument",
      /left out where class is given/,
    ],
    [
      "a binary average of three classes",
      () => measure(x, y, [metrics.f1({ average: "binary" })]),
      "invalid-argument",
      /"macro", "micro" or "weighted" for 3 classes/,
    ],
    [
      "a class there is not",
      () => measure(x, y, [metrics.precision({ class: 3 })]),
      "invalid-argument",
      /class must be below 3/,
    ],
    [
      "a class there is not, of areas",
      () => measure(x, y, [metrics.auc({ class: 3 })]),
      "invalid-argument",
      /class must be below 3/,
    ],
    [
      "what outputs are",
      () => metrics.logLoss({ outputs: "scores" as "logits" }),
      "invalid-argument",
      /logits \| probabilities/,
    ],
    [
      "two of one name",
      () => measure(x, y, ["f1", { ...metrics.r2(), name: "f1" }]),
      "invalid-argument",
      /two called f1/,
    ],
    [
      "a label without a class",
      () => measure(x, labels([3]), ["recall"]),
      "invalid-data",
      /a label 3, but the model tells 3 classes/,
    ],
    [
      "targets of other outputs",
      () => measure(x, tensor([[1, 2]]), ["r2"]),
      "shape-mismatch",
      /r2: target must be of the outputs' shape/,
    ],
    [
      "a summary without tensors",
      () => measure(x, y, [{ name: "n", summarize: () => 3, result: () => 1 }]),
      "invalid-argument",
      /a tree of tensors/,
    ],
    [
      "a result that is no number",
      () => measure(x, y, [{ name: "n", summarize: (o) => o, result: () => x }]),
      "non-scalar-output",
      /the result of the metric n must be a number/,
    ],
    [
      "counts that are no square",
      () => train.classReport([[1, 2]]),
      "shape-mismatch",
      /as many columns as rows/,
    ],
    ["counts that are none", () => train.classReport([[1.5]]), "invalid-argument", /what confusion gives/],
    [
      "too few names",
      () =>
        train.classReport(
          [
            [1, 0],
            [0, 1],
          ],
          ["a"],
        ),
      "invalid-argument",
      /a name for each of 2 classes/,
    ],
    [
      "what is no metric",
      () => metrics.define({ name: "n" } as never),
      "invalid-argument",
      /\{ name, summarize, result \}/,
    ],
  ])("%s", async (_, call, code, message) => {
    await expect((async () => call())()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});

describe("fit", () => {
  it("measures by name after every epoch", async () => {
    const xor = {
      x: tensor([
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ]),
      y: labels([0, 1, 1, 0]),
    };
    const { sgd } = await import("../../src/optim/index.js");
    const run = await train.fit(new nn.Sequential(new nn.Linear(2, 2)), {
      data: xor,
      validation: xor,
      loss: "softmaxCrossEntropy",
      optimizer: sgd({ learningRate: 0.1 }),
      metrics: ["loss", "f1", "auc", metrics.topK(2)],
      epochs: 2,
    });
    for (const { validation } of run.history)
      expect(Object.keys(validation)).toEqual(["loss", "f1", "auc", "top2"]);
    expect(run.history[1].validation.top2).toBe(1);
  });
});
