/** Health: no alarm for healthy networks, the right one first for sick ones, and every number what it says it is. */
import { describe, expect, it } from "vitest";
import { explain, type Finding, type HealthReport } from "../../src/explain/index.js";
import { grad, jit, random, type Tensor, tensor } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import { changed, digits, healthy, network, notesNetwork, type Recipe, sick } from "./health-recipes.js";
import { otherHealthy, otherSick } from "./health-variants.js";

const look = ({ model, data, options }: Recipe): Promise<HealthReport> =>
  explain.health(model, data, options);
const codes = (report: HealthReport): string[] => report.findings.map(({ code }) => code);

/** The remedy was tried and helped. */
function expectHelped({ counterfactual }: Finding): void {
  expect(counterfactual).toMatchObject({ status: "run", helps: true });
}

describe("a healthy network raises nothing", () => {
  it.each(healthy)("$name, with three seeds", async ({ make }) => {
    for (const seed of [1, 2, 3]) expect(codes(await look(await make(seed))), `seed ${seed}`).toEqual([]);
  });

  it.each(otherHealthy)("$name", async ({ make }) => {
    expect(codes(await look(await make(1)))).toEqual([]);
  });
});

describe("a sick network is diagnosed by its first finding, and the remedy helps", () => {
  it.each(sick)("$name: $expected, with three seeds", async ({ make, expected }) => {
    for (const seed of [1, 2, 3]) {
      const { findings } = await look(await make(seed));
      expect(findings[0]?.code, `seed ${seed}`).toBe(expected);
      expectHelped(findings[0]);
    }
  });

  it.each(otherSick)("$name: $expected", async ({ make, expected }) => {
    const { findings } = await look(await make(1));
    expect(findings[0]?.code).toBe(expected);
    if (findings[0].counterfactual.status === "run") expectHelped(findings[0]);
  });
});

describe("10, 28: the network of the notes, with weights from N(0, 1)", () => {
  it.each([1, 2, 3])(
    "starts saturated, which is a warning, as it learns nevertheless: seed %i",
    async (seed) => {
      const { findings } = await look(await notesNetwork(seed));
      expect(findings.map(({ code, severity }) => [code, severity])).toEqual([
        ["weights-too-large", "warning"],
      ]);
      expect(findings[0].layers).toContain("layers.0");
      expect(findings[0].consequences.map(({ code }) => code)).toContain("saturated-units");
      expectHelped(findings[0]);
    },
  );
});

const x = tensor([
  [1, 2],
  [3, -1],
  [-2, 0.5],
]);
const y = tensor([
  [0, 1],
  [1, 0],
  [0.5, 0.5],
]);

/** A network of given weights in float64: [2, 3, 2]. */
function small(activation: nn.ActivationName): nn.Sequential {
  const model = network({ sizes: [2, 3, 2], activation }, 4);
  const f64 = (name: string, value: Tensor): Tensor =>
    name === "0.bias" ? value.add(tensor([0, -50, 0])) : value;
  return changed(model, f64);
}

const norm = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, v) => sum + v * v, 0));
/** float32 sums of a few terms, in another order. */
const near = 1e-5;

describe("a layer's numbers", () => {
  it("are the norms of its weights and of their gradient, and the gain rms(w) √fanIn", async () => {
    const model = small("tanh");
    const { layers } = (await explain.health(model, { x, y }, { loss: "quadratic", steps: 0 })).document;
    const gradient = grad((m: nn.Sequential) => losses.quadratic(m.forward(x), y))(model);
    for (const [i, name] of ["0.weight", "2.weight"].entries()) {
      const [w, g] = [nn.stateDict(model)[name], nn.stateDict(gradient)[name]].map((t) => t.dataSync());
      expect(layers[i].weightNorm).toBeCloseTo(norm(w), 5);
      expect(Math.abs(Number(layers[i].gradientNorm) / norm(g) - 1)).toBeLessThan(near);
      const fanIn = i === 0 ? 2 : 3;
      expect(layers[i].gain).toBeCloseTo((norm(w) / Math.sqrt(w.length)) * Math.sqrt(fanIn), 5);
    }
  });

  it("measure saturation by the slope σ′, not by z, and count the units that have none", async () => {
    for (const name of ["sigmoid", "tanh", "relu"] as const) {
      const model = small(name);
      const [linear] = model.layers as [nn.Linear];
      const z = linear.forward(x).dataSync();
      const slope = (v: number): number => {
        const s = 1 / (1 + Math.exp(-v));
        return name === "relu" ? Number(v > 0) : name === "tanh" ? 1 - Math.tanh(v) ** 2 : 4 * s * (1 - s);
      };
      const flat = Array.from(z, (v) => slope(v) < 0.1);
      const { layers } = (await explain.health(model, { x, y }, { loss: "quadratic", steps: 0 })).document;
      expect(layers[0].activation).toMatchObject({
        name,
        units: 3,
        saturated: flat.filter(Boolean).length / 9,
        dead: [0, 1, 2].filter((unit) => flat[unit] && flat[unit + 3] && flat[unit + 6]).length,
      });
      expect(layers[0].activation?.dead).toBeGreaterThanOrEqual(1);
    }
  });

  it("47: have σ′ of the sigmoid at most a quarter", async () => {
    const model = network({ sizes: [2, 3, 2], activation: "sigmoid", init: nn.init.zeros }, 1);
    const { layers } = (await explain.health(model, { x, y }, { loss: "quadratic", steps: 0 })).document;
    expect(layers[0].activation?.slope).toBe(0.25);
  });

  it("set the error at a layer against that at the last: ‖∂C/∂z‖ as grad has it", async () => {
    const model = small("tanh");
    const [first, second] = [model.layers[0], model.layers[2]] as [nn.Linear, nn.Linear];
    const z = first.forward(x);
    const after = (at: Tensor): Tensor => losses.quadratic(second.forward(at.tanh()), y);
    const last = (at: Tensor): Tensor => losses.quadratic(at, y);
    const rms = (values: ArrayLike<number>): number => norm(values) / Math.sqrt(values.length);
    const deltas = [grad(after)(z), grad(last)(second.forward(z.tanh()))].map((delta) =>
      rms(delta.dataSync()),
    );
    const { layers } = (await explain.health(model, { x, y }, { loss: "quadratic", steps: 0 })).document;
    expect(Number(layers[0].signal) / deltas[0]).toBeCloseTo(1, 5);
    expect(Number(layers[0].signalRatio) / (deltas[0] / deltas[1])).toBeCloseTo(1, 5);
  });

  it("have updates of η ‖g‖ / ‖w‖ under plain descent", async () => {
    const model = small("tanh");
    const options = { loss: "quadratic", optimizer: optim.sgd({ learningRate: 0.01 }), steps: 1 } as const;
    const { layers } = (await explain.health(model, { x, y }, options)).document;
    // the batch of the step is all there is; ‖w‖ may differ by the update itself
    for (const { updateRatio, gradientNorm, weightNorm } of layers)
      expect(Number(updateRatio?.mean) / ((0.01 * Number(gradientNorm)) / Number(weightNorm))).toBeCloseTo(
        1,
        1,
      );
  });

  it("know inputs from outputs by the contraction, however a model of one's own stores its weights", async () => {
    class Own implements nn.Module {
      readonly first: Tensor;
      readonly last = { matrix: random.normal(random.key(2), { shape: [5, 2] }) };
      constructor(first: Tensor) {
        this.first = first;
      }
      forward(input: Tensor): Tensor {
        return input.matmul(this.first).tanh().matmul(this.last.matrix);
      }
    }
    // [in, out] with equal columns: all five units are alike, though the rows differ
    const columns = tensor([[0.1], [0.4]]).tile([1, 5]);
    const alike = new Own(columns);
    const report = await explain.health(alike, { x, y }, { loss: "quadratic", steps: 0 });
    const { document } = report;
    expect(document.layers.map(({ layer }) => layer)).toEqual(["first", "last.matrix"]);
    expect(document.layers[0].gain).toBeCloseTo(Math.sqrt(0.1 ** 2 + 0.4 ** 2), 6);
    expect(document.layers[0].activation).toMatchObject({ name: "tanh", units: 5 });
    // what lies behind them differs, so their gradients do, and they will part
    expect(codes(report)).not.toContain("symmetric-units");
    const ones = tensor(new Float32Array(10).fill(1), { shape: [5, 2] });
    Object.assign(alike.last, { matrix: ones });
    expect(codes(await explain.health(alike, { x, y }, { loss: "quadratic", steps: 0 }))).toContain(
      "symmetric-units",
    );
  });

  it("add up an error over the places that share a weight, as its gradient does", async () => {
    // the same numbers as one image of 3 × 3 under a window of 1 and as nine examples
    const pixels = random.normal(random.key(4), { shape: [9, 1] });
    const grid = pixels.reshape([1, 1, 3, 3]);
    const key = random.key(5);
    const model = new nn.Sequential(
      new nn.Conv2d(1, 2, 1, { key }),
      new nn.Activation("tanh"),
      new nn.Flatten(),
    );
    const target = random.normal(random.key(6), { shape: [1, 18] });
    const { layers } = (await explain.health(model, { x: grid, y: target }, { loss: "quadratic", steps: 0 }))
      .document;
    const conv = model.layers[0] as nn.Conv2d;
    const delta = grad((z: Tensor) => losses.quadratic(z.tanh().reshape([1, 18]), target))(
      conv.forward(grid),
    );
    expect(Number(layers[0].signal)).toBeCloseTo(norm(delta.dataSync()) / Math.sqrt(2), 5);
  });

  it("count a convolution's channels as its units", async () => {
    const conv = new nn.Conv2d(1, 3, 2, { key: random.key(1) });
    const model = changed(
      new nn.Sequential(
        conv,
        new nn.Activation("relu"),
        new nn.Flatten(),
        new nn.Linear(12, 2, { key: random.key(2) }),
      ),
      (name, value) => (name === "0.bias" ? tensor([0, -50, 0]) : value),
    );
    const images = random.uniform(random.key(3), { shape: [20, 1, 3, 3] });
    const report = await explain.health(
      model,
      { x: images, y: y.slice([0, 2]).tile([10, 1]) },
      { loss: "quadratic", steps: 0 },
    );
    expect(report.document.layers[0].activation).toMatchObject({ units: 3, dead: 1, silent: 1 });
  });
});

describe("the loss at the start", () => {
  it("is set against −ln(1/C)", async () => {
    const { loss } = (await look(await sick[0].make(1))).document;
    expect(loss.constant).toBeCloseTo(Math.log(10), 5);
  });

  it("is set against the variance of the targets in regression", async () => {
    const targets = tensor([[1], [2], [6]]);
    const model = new nn.Linear(2, 1, { key: random.key(1) });
    const report = await explain.health(model, { x, y: targets }, { loss: "meanSquaredError", steps: 0 });
    expect(report.document.loss.constant).toBeCloseTo(14 / 3, 5);
  });
});

describe("limits", () => {
  it("are those given, and a finding says so with the published one", async () => {
    const recipe = await healthy[0].make(1);
    const thresholds = { saturatedSlope: 0.999, saturatedShare: 0.2 };
    const { findings } = await look({ ...recipe, options: { ...recipe.options, thresholds } });
    expect(findings[0]).toMatchObject({
      code: "saturated-units",
      limit: { name: "saturatedShare", value: 0.2 },
    });
    expect(findings[0].limit?.source).toMatch(/^set by the caller \(published: Glorot and Bengio/);
  });

  it("have a source and a value in every finding that rests on one", async () => {
    for (const { make } of sick)
      for (const { limit, evidence, meaning, remedy } of (await look(await make(1))).findings) {
        expect(
          limit === null || (limit.value > 0 && /\d{4}|Nielsen|Karpathy|CS231n/.test(limit.source)),
        ).toBe(true);
        expect(evidence.length).toBeGreaterThan(0);
        expect(Math.min(meaning.length, remedy.length)).toBeGreaterThan(20);
      }
  });
});

describe("a look", () => {
  it("changes neither the model nor what the same look says again", async () => {
    const recipe = await sick[2].make(1);
    const before = nn.parameters(recipe.model).map(([, value]) => Array.from(value.dataSync()));
    const first = await look(recipe);
    const second = await look(recipe);
    expect(nn.parameters(recipe.model).map(([, value]) => Array.from(value.dataSync()))).toEqual(before);
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
  });

  it("tries nothing once its time is up, and says so", async () => {
    const recipe = await sick[1].make(1);
    const { findings } = await look({ ...recipe, options: { ...recipe.options, seconds: 0 } });
    expect(findings[0].counterfactual).toEqual({
      status: "refused",
      reason: "the time for trying remedies was up",
    });
  });

  it("leaves a last layer of zeros alone, whose units are alike only until their targets differ", async () => {
    const twins = network({ sizes: [2, 3, 2], activation: "tanh" }, 1);
    const model = changed(twins, (name, value) => (name.startsWith("2.") ? value.mul(0) : value));
    const alike = { x, y: y.slice(null, [0, 1]).tile([1, 2]) };
    const optimizer = optim.sgd({ learningRate: 0.3 });
    const { findings } = await explain.health(model, alike, { loss: "quadratic", optimizer });
    expect(findings).toEqual([]);
  });

  it("sees into compiled models, and takes a loss of one's own", async () => {
    const inner = network(
      { sizes: [2, 6, 2], activation: "sigmoid", init: nn.init.scaled(nn.init.normal, 40) },
      2,
    );
    class Compiled implements nn.Module {
      readonly inner = inner;
      forward(input: Tensor): Tensor {
        return jit((m: nn.Sequential, given: Tensor) => m.forward(given))(this.inner, input);
      }
    }
    const loss = (output: Tensor, target: Tensor): Tensor => output.sub(target).square().mean();
    const { document } = await explain.health(new Compiled(), { x, y }, { loss });
    expect(document.loss).toMatchObject({ name: "loss", constant: null });
    expect(document.layers.map(({ layer, activation }) => [layer, activation?.name])).toEqual([
      ["inner.layers.0", "sigmoid"],
      ["inner.layers.2", undefined],
    ]);
    expect(document.findings[0].code).toBe("weights-too-large");
  });

  it("does not judge a learning rate it is not told", async () => {
    const { model, data } = await sick[3].make(1);
    const report = await explain.health(model, data, { loss: "softmaxCrossEntropy" });
    expect(codes(report)).toEqual([]);
    expect(report.document.layers[0].updateRatio).toBeNull();
  });

  it("takes float64 models and single outputs", async () => {
    const key = random.key(1);
    const model = new nn.Sequential(
      new nn.Linear(2, 4, { key, dtype: "float64" }),
      new nn.Activation("tanh"),
      new nn.Linear(4, 1, { key, dtype: "float64" }),
    );
    const labels = tensor([0, 1, 1], { dtype: "int32" });
    const optimizer = optim.sgd({ learningRate: 0.1 });
    const report = await explain.health(model, { x, y: labels }, { loss: "sigmoidCrossEntropy", optimizer });
    expect(codes(report)).toEqual([]);
    expect(report.document.trial).toMatchObject({ score: { name: "accuracy" } });
  });
});

describe("a refusal", () => {
  const model = new nn.Linear(2, 2);
  it.each<[string, unknown, unknown, unknown, string]>([
    ["no model", 3, { x, y }, { loss: "quadratic" }, "model must be an object with a forward method"],
    ["no data", model, 3, { loss: "quadratic" }, "data must be a dataset, or { x, y } of tensors"],
    ["no options", model, { x, y }, undefined, "options must be an object"],
    ["an unknown loss", model, { x, y }, { loss: "quadric" }, "loss must be a function or one of"],
    ["a slip", model, { x, y }, { loss: "quadratic", step: 3 }, "did you mean steps?"],
    [
      "half a step",
      model,
      { x, y },
      { loss: "quadratic", steps: 0.5 },
      "steps must be an integer of at least 0",
    ],
    [
      "an optimizer's name",
      model,
      { x, y },
      { loss: "quadratic", optimizer: "sgd" },
      "optimizer must be one such as",
    ],
    [
      "an unknown limit",
      model,
      { x, y },
      { loss: "quadratic", thresholds: { gian: 3 } },
      "did you mean gain?",
    ],
    [
      "a limit of 0",
      model,
      { x, y },
      { loss: "quadratic", thresholds: { gain: 0 } },
      "thresholds.gain must be above 0",
    ],
  ])("of %s names it", async (_, given, data, options, message) => {
    await expect(explain.health(given as never, data as never, options as never)).rejects.toMatchObject({
      name: "AdjointError",
      code: "invalid-argument",
      message: expect.stringContaining(`explain.health: ${message.startsWith("did") ? "" : message}`),
    });
    await expect(explain.health(given as never, data as never, options as never)).rejects.toThrow(message);
  });

  it("of inputs and targets that differ in number", async () => {
    await expect(
      explain.health(model, { x, y: y.slice([0, 2]) }, { loss: "quadratic" }),
    ).rejects.toMatchObject({
      code: "shape-mismatch",
    });
  });

  it("of data without examples", async () => {
    const none = { x: x.slice([0, 0]), y: y.slice([0, 0]) };
    await expect(explain.health(model, none, { loss: "quadratic" })).rejects.toMatchObject({
      code: "invalid-data",
    });
  });
});

describe("the text", () => {
  it.each([...healthy.slice(0, 1), ...sick])("of $name fits into 80 columns", async ({ make }) => {
    const recipe = await make(1);
    const text = (await look({ ...recipe, data: recipe.data ?? (await digits()) })).toText();
    const wide = text.split("\n").filter((line) => [...line.replace(/\p{M}/gu, "")].length > 80);
    expect(wide).toEqual([]);
  });
});
