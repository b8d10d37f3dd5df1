import { describe, expect, it } from "vitest";
import { grad, jit, log, type Tensor, tensor } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";

const f64 = (data: Parameters<typeof tensor>[0]): Tensor => tensor(data, { dtype: "float64" });
const labels = (...values: number[]): Tensor => tensor(values, { dtype: "int32" });

const a = f64([
  [0.2, -1, 3],
  [0.5, 0.25, -2],
]);
const y = f64([
  [0, 1, 1],
  [1, 0, 0.5],
]);
const differences = [0.2, -2, 2, -0.5, 0.25, -2.5];

/** Rounding of a few additions and one elementary function in float64. */
const digits = 14;

describe("losses of numbers", () => {
  it("quadratic is ½ Σ (a − y)² an example, averaged over the batch; its gradient is (a − y) / batch", () => {
    const expected = differences.reduce((sum, d) => sum + (d * d) / 2, 0) / 2;
    expect(losses.quadratic(a, y).itemSync()).toBeCloseTo(expected, digits);
    const slope = grad((x: Tensor) => losses.quadratic(x, y))(a).dataSync();
    differences.forEach((d, i) => {
      expect(slope[i]).toBeCloseTo(d / 2, digits);
    });
  });

  it("meanSquaredError and absoluteError are means over all elements", () => {
    const squares = differences.reduce((sum, d) => sum + d * d, 0) / 6;
    const distances = differences.reduce((sum, d) => sum + Math.abs(d), 0) / 6;
    expect(losses.meanSquaredError(a, y).itemSync()).toBeCloseTo(squares, digits);
    expect(losses.absoluteError(a, y).itemSync()).toBeCloseTo(distances, digits);
  });

  it("absoluteError has slope ±1/n, and 0 where it is right", () => {
    const slope = grad((x: Tensor) => losses.absoluteError(x, tensor([1, 1, 1])))(tensor([2, 1, 0]));
    const third = Math.fround(1 / 3);
    expect(slope.arraySync()).toEqual([third, 0, -third]);
  });

  it.each([0.5, 1, 3])("huber is a parabola within delta = %d and a line beyond", (delta) => {
    const term = (d: number): number => (d <= delta ? (d * d) / 2 : delta * (d - delta / 2));
    const expected = differences.reduce((sum, d) => sum + term(Math.abs(d)), 0) / 6;
    expect(losses.huber(a, y, { delta }).itemSync()).toBeCloseTo(expected, digits);
  });

  it("huber has slope d clipped to ±delta, also exactly at delta", () => {
    const slope = grad((x: Tensor) => losses.huber(x, f64([0, 0, 0, 0]), { delta: 2 }).mul(4))(
      f64([1, 2, 5, -9]),
    );
    expect(slope.arraySync()).toEqual([1, 2, 2, -2]);
  });

  it("take one number for one number", () => {
    expect(losses.quadratic(f64(3), f64(1)).itemSync()).toBe(2);
  });

  const { quadratic, meanSquaredError, absoluteError, sigmoidCrossEntropy } = losses;
  it.each(Object.entries({ quadratic, meanSquaredError, absoluteError, sigmoidCrossEntropy }))(
    "%s takes labels for one-hot targets",
    (_name, loss) => {
      const hot = f64([
        [0, 0, 1],
        [1, 0, 0],
      ]);
      expect(loss(a, labels(2, 0)).itemSync()).toBe(loss(a, hot).itemSync());
    },
  );

  it("take the labels 0 and 1 as they are beside a single output", () => {
    const output = f64([[0.25], [0.5]]);
    expect(losses.quadratic(output, labels(1, 0)).itemSync()).toBe((0.75 ** 2 + 0.5 ** 2) / 4);
  });

  it("take bools and integers of the outputs' shape as numbers", () => {
    expect(losses.meanSquaredError(f64([1, 1]), tensor([true, false])).itemSync()).toBe(0.5);
    expect(losses.meanSquaredError(f64([3, 3]), labels(1, 3)).itemSync()).toBe(2);
  });
});

describe("losses of classes", () => {
  const logSumExp = (row: readonly number[]): number =>
    Math.log(row.reduce((sum, z) => sum + Math.exp(z), 0));
  const rows = [
    [0.2, -1, 3],
    [0.5, 0.25, -2],
  ];

  it("softmaxCrossEntropy is log Σ eᶻ − z of the right class, averaged over the rows", () => {
    const expected = (logSumExp(rows[0]) - 3 + logSumExp(rows[1]) - 0.5) / 2;
    expect(losses.softmaxCrossEntropy(a, labels(2, 0)).itemSync()).toBeCloseTo(expected, digits);
  });

  it("softmaxCrossEntropy has the gradient (softmax(z) − y) / rows", () => {
    const slope = grad((z: Tensor) => losses.softmaxCrossEntropy(z, labels(2, 0)))(a).dataSync();
    rows.flat().forEach((z, i) => {
      const row = Math.floor(i / 3);
      const target = i === 2 || i === 3 ? 1 : 0;
      expect(slope[i]).toBeCloseTo((Math.exp(z - logSumExp(rows[row])) - target) / 2, digits);
    });
  });

  it("negativeLogLikelihood of logSoftmax is softmaxCrossEntropy, for labels and distributions", () => {
    const half = f64([
      [0.5, 0.5, 0],
      [0.25, 0.25, 0.5],
    ]);
    for (const target of [labels(2, 0), half])
      expect(losses.negativeLogLikelihood(a.logSoftmax(-1), target).itemSync()).toBe(
        losses.softmaxCrossEntropy(a, target).itemSync(),
      );
  });

  it("sequences of rows are averaged together", () => {
    const [z, t] = [a.reshape([2, 1, 3]), labels(2, 0).reshape([2, 1])];
    expect(losses.softmaxCrossEntropy(z, t).itemSync()).toBe(
      losses.softmaxCrossEntropy(a, labels(2, 0)).itemSync(),
    );
  });

  it("sigmoidCrossEntropy is −y log σ − (1 − y) log(1 − σ), averaged over all; its gradient is (σ − y) / n", () => {
    const sigma = (z: number): number => 1 / (1 + Math.exp(-z));
    const targets = [0, 1, 1, 1, 0, 0.5];
    const flat = rows.flat();
    const expected = flat.reduce((sum, z, i) => {
      const s = sigma(z);
      return sum - targets[i] * Math.log(s) - (1 - targets[i]) * Math.log(1 - s);
    }, 0);
    expect(losses.sigmoidCrossEntropy(a, y).itemSync()).toBeCloseTo(expected / 6, digits);
    const slope = grad((z: Tensor) => losses.sigmoidCrossEntropy(z, y))(a).dataSync();
    flat.forEach((z, i) => {
      expect(slope[i]).toBeCloseTo((sigma(z) - targets[i]) / 6, digits);
    });
  });

  it("stay finite at logits of ±1000, in value and gradient", () => {
    const extreme = tensor([[1000, -1000]]);
    const wrong = grad((z: Tensor) => losses.softmaxCrossEntropy(z, labels(1)))(extreme);
    expect(losses.softmaxCrossEntropy(extreme, labels(1)).itemSync()).toBe(2000);
    expect(wrong.arraySync()).toEqual([[1, -1]]);
    const sides = tensor([[0, 1]]);
    expect(losses.sigmoidCrossEntropy(extreme, sides).itemSync()).toBe(1000);
    expect(grad((z: Tensor) => losses.sigmoidCrossEntropy(z, sides))(extreme).arraySync()).toEqual([
      [0.5, -0.5],
    ]);
  });

  it("a class that is impossible and not the label costs nothing", () => {
    const logits = tensor([[0, Number.NEGATIVE_INFINITY]]);
    expect(losses.softmaxCrossEntropy(logits, labels(0)).itemSync()).toBe(0);
    expect(losses.negativeLogLikelihood(logits, labels(0)).itemSync()).toBe(0);
  });

  it("klDivergence is Σ p log(p / q), summed over an example and averaged over the batch", () => {
    const p = [
      [0.5, 0.25, 0.25],
      [0.125, 0.375, 0.5],
    ];
    const q = [
      [0.25, 0.25, 0.5],
      [0.5, 0.25, 0.25],
    ];
    const expected = p.flat().reduce((sum, value, i) => sum + value * Math.log(value / q.flat()[i]), 0) / 2;
    expect(losses.klDivergence(log(f64(q)), f64(p)).itemSync()).toBeCloseTo(expected, digits);
  });

  it("klDivergence counts a class of probability 0 as 0, whatever the model gives it, in value and gradient", () => {
    const target = tensor([[1, 0]]);
    const logs = tensor([[0, Number.NEGATIVE_INFINITY]]);
    expect(losses.klDivergence(logs, target).itemSync()).toBe(0);
    expect(grad((q: Tensor) => losses.klDivergence(q, target))(logs).arraySync()).toEqual([[-1, 0]]);
  });

  it("are the same inside jit", () => {
    for (const f of [losses.softmaxCrossEntropy, losses.negativeLogLikelihood, losses.quadratic]) {
      const compiled = jit(f)(a, labels(2, 0)).itemSync();
      expect(compiled).toBeCloseTo(f(a, labels(2, 0)).itemSync(), digits);
    }
  });
});

describe("losses refuse", () => {
  it("targets of another shape, saying which shapes fit", () => {
    expect(() => losses.quadratic(tensor([[1, 2]]), tensor([1, 2]))).toThrow(
      "quadratic: target must be the shape of output, [1, 2], or int32 labels [1], received float32[2]",
    );
    expect(() => losses.quadratic(tensor([[1, 2]]), tensor([1, 2]))).toThrow(
      expect.objectContaining({ code: "shape-mismatch" }),
    );
  });

  it("float labels, which would broadcast", () => {
    expect(() => losses.softmaxCrossEntropy(tensor([[1, 2]]), tensor([1]))).toThrow(/or int32 labels \[1\]/);
  });

  it("integer outputs, and what is no tensor", () => {
    expect(() => losses.meanSquaredError(labels(1), labels(1))).toThrow(
      "meanSquaredError: output must be float32 or float64, received int32",
    );
    expect(() => losses.huber([1] as never, tensor([1]))).toThrow(
      "huber: output must be a tensor, such as tensor([[1, 2]]), received array of 1",
    );
    expect(() => losses.huber(tensor([1]), undefined as never)).toThrow("huber: target must be a tensor");
  });

  it("rows without classes", () => {
    expect(() => losses.softmaxCrossEntropy(tensor(1), tensor(1))).toThrow(
      /must be of shape \[batch…, classes\]/,
    );
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("delta = %d", (delta) => {
    expect(() => losses.huber(tensor([1]), tensor([1]), { delta })).toThrow(
      /delta must be a positive number/,
    );
  });
});
