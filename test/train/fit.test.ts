import { describe, expect, it } from "vitest";
import { type Tensor, tensor, valueAndGrad } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { corners, lossesOf, network, neuron, options, valuesOf, xor } from "./support.js";

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
