import { describe, expect, it } from "vitest";
import { jit, random, type Tensor, tensor, valueAndGrad } from "../../src/index.js";
import * as losses from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { corners, labels, network, options, valuesOf, xor } from "./support.js";

const rate = (step: number): number => 0.1 / (1 + step);
const optimizers: Readonly<Record<string, () => optim.Optimizer>> = {
  "sgd with momentum": () => optim.sgd({ learningRate: 0.5, momentum: 0.9, weightDecay: 0.01 }),
  "sgd by a schedule": () => optim.sgd({ learningRate: rate, momentum: 0.9, dampening: 0.1 }),
  adam: () => optim.adam({ learningRate: 0.05 }),
  adamW: () => optim.adamW({ learningRate: 0.05, weightDecay: 0.1 }),
  "rmsprop, centred": () => optim.rmsprop({ learningRate: 0.01, momentum: 0.5, centered: true }),
  adagrad: () => optim.adagrad({ learningRate: 0.1 }),
  lion: () => optim.lion({ learningRate: 0.01 }),
  "a chain": () => optim.chain(optim.clipByGlobalNorm(0.1), optim.adam({ learningRate: 0.05 })),
};

describe("fit", () => {
  it.each(Object.keys(optimizers))("gives the bits of a loop of compiled steps, with %s", async (name) => {
    const optimizer = optimizers[name]();
    const step = jit(
      (model: nn.Sequential, state: optim.OptimizerState, x: Tensor, y: Tensor, learningRate?: Tensor) => {
        const objective = (m: nn.Sequential): Tensor => losses.softmaxCrossEntropy(m.forward(x), y);
        const [, gradient] = valueAndGrad(objective)(model);
        return optimizer.step(model, gradient, state, learningRate);
      },
      { donate: [0, 1] },
    );
    let model = network();
    let state = optimizer.init(model);
    for (let i = 0; i < 8; i++) {
      const [start, stop] = i % 2 === 0 ? [0, 3] : [3, 4];
      const { schedule } = optimizer;
      const learningRate = schedule && tensor(schedule(i), { dtype: "float64" });
      [model, state] = step(
        model,
        state,
        corners.slice([start, stop]),
        xor.y.slice([start, stop]),
        learningRate,
      );
    }
    const given = network();
    const run = await train.fit(given, { ...options(), optimizer, shuffle: false, epochs: 4 });
    expect(valuesOf(run.model)).toEqual(valuesOf(model));
    expect(valuesOf(run.optimizerState)).toEqual(valuesOf(state));
    expect(await run.optimizerState.step.item()).toBe(8);
    // the steps use up copies: what was given is as it was
    expect(valuesOf(given)).toEqual(valuesOf(network()));
  });

  it("compiles one program for each size of batch, and runs it in every step", async () => {
    const sizes: number[] = [];
    const loss = (output: Tensor, target: Tensor): Tensor => {
      sizes.push(output.shape[0]);
      return losses.softmaxCrossEntropy(output, target);
    };
    await train.fit(network(), { ...options(), loss, epochs: 5 });
    expect(sizes).toEqual([3, 1]);
  });

  it("goes on from a state as if it had never stopped, whatever the optimizer remembers, and whatever layers draw", async () => {
    const noisy = (): nn.Sequential =>
      new nn.Sequential(new nn.Linear(2, 2, { key: random.key(0) }), {
        forward: (x, { key } = {}) => (key === undefined ? x : x.add(random.normal(key, { shape: x.shape }))),
      } satisfies nn.Module);
    for (const make of Object.values(optimizers)) {
      const base = { ...options(), optimizer: make(), shuffle: false };
      const whole = await train.fit(noisy(), { ...base, epochs: 4 });
      const first = await train.fit(noisy(), { ...base, epochs: 2 });
      const { optimizerState } = first;
      const second = await train.fit(first.model, { ...base, epochs: 2, optimizerState });
      expect(valuesOf(second.model)).toEqual(valuesOf(whole.model));
    }
  });

  it("keeps the statistics that layers gather, as a loop does that carries them itself", async () => {
    const normalised = (): nn.Sequential => {
      const [first, second] = random.split(random.key(6));
      return new nn.Sequential(
        new nn.Linear(2, 4, { key: first }),
        new nn.BatchNorm(4),
        new nn.Linear(4, 2, { key: second }),
      );
    };
    const optimizer = optim.adam({ learningRate: 0.05 });
    const step = jit((model: nn.Sequential, state: optim.AdamState) => {
      const objective = (network: nn.Sequential): [Tensor, nn.Statistics] => {
        const [output, statistics] = nn.trainForward(network, corners);
        return [losses.softmaxCrossEntropy(output, xor.y), statistics];
      };
      const [[, statistics], gradient] = valueAndGrad(objective, { hasAux: true })(model);
      const [next, nextState] = optimizer.step(model, gradient, state);
      return [nn.withStatistics(next, statistics), nextState] as const;
    });
    let model = normalised();
    let state = optimizer.init(model);
    for (let i = 0; i < 5; i++) [model, state] = step(model, state);
    const run = await train.fit(normalised(), {
      ...options(),
      optimizer,
      batchSize: 4,
      shuffle: false,
      epochs: 5,
    });
    const tensors = (tree: nn.Sequential) =>
      Object.entries(nn.stateDict(tree)).map(([name, value]) => [name, ...value.dataSync()]);
    expect(tensors(run.model)).toEqual(tensors(model));
    const { "1.num_batches_tracked": batches, "1.running_mean": mean } = nn.stateDict(run.model);
    expect(await batches.item()).toBe(5);
    expect(await mean.array()).not.toEqual([0, 0, 0, 0]);
  });

  it("takes an optimizer of one's own, whose state changes its tree at the first step and counts as it likes", async () => {
    interface Own extends optim.OptimizerState {
      readonly last?: unknown;
    }
    const seen: boolean[] = [];
    const own: optim.Optimizer<Own> = {
      name: "own",
      init: () => ({ step: tensor(0, { dtype: "int32" }) }),
      step(params, gradients, state) {
        seen.push(state.last !== undefined);
        const [next] = optim.sgd({ learningRate: 0.5 }).step(params, gradients, { step: state.step });
        return [next, { step: state.step, last: gradients }];
      },
    };
    const run = await train.fit(network(), { ...options(), optimizer: own, batchSize: 4, shuffle: false });
    const sgd = optim.sgd({ learningRate: 0.5 });
    const plain = await train.fit(network(), { ...options(), optimizer: sgd, batchSize: 4, shuffle: false });
    expect(valuesOf(run.model)).toEqual(valuesOf(plain.model));
    // one trace for each tree
    expect(seen).toEqual([false, true]);
  });

  it("keeps apart trees of the same tensors: a state that alternates between two", async () => {
    // the program of one tree, run on the other, would add what is to be subtracted
    interface Turning extends optim.OptimizerState {
      readonly up: boolean;
    }
    let traces = 0;
    const turning: optim.Optimizer<Turning> = {
      name: "turning",
      init: () => ({ step: tensor(0, { dtype: "int32" }), up: true }),
      step(params, gradients, state) {
        traces++;
        const sgd = optim.sgd({ learningRate: 1 });
        const [lower] = sgd.step(params, gradients, state, state.up ? tensor(-1) : tensor(1));
        return [lower, { step: state.step.add(1), up: !state.up }];
      },
    };
    const model = new nn.Linear(1, 1, { init: nn.init.zeros, bias: false });
    const data = { x: tensor([[1]]), y: tensor([[0]]) };
    const weights: number[] = [];
    await train.fit(model, {
      data,
      loss: (output) => output.sum(),
      optimizer: turning,
      epochs: 5,
      onEpoch: ({ model: now }) => weights.push(...valuesOf(now)),
    });
    expect(weights).toEqual([1, 0, 1, 0, 1]);
    expect(traces).toBe(2);
  });
});

describe("the labels of a batch", () => {
  it("follow its inputs through every shuffled epoch", async () => {
    // the input tells the label, so a loss of 0 means that they stayed together
    const x = tensor(Array.from({ length: 30 }, (_, i) => [i]));
    const y = labels(...Array.from({ length: 30 }, (_, i) => i));
    class Shift implements nn.Module {
      readonly by = tensor([0]);
      forward(input: Tensor): Tensor {
        return input.add(this.by);
      }
    }
    const { history } = await train.fit(new Shift(), {
      data: { x, y },
      loss: (output, target) => output.squeeze(1).sub(target.cast("float32")).abs().sum(),
      optimizer: optim.sgd({ learningRate: 0 }),
      epochs: 3,
      batchSize: 7,
      seed: 4,
    });
    expect(history.map(({ loss }) => loss)).toEqual([0, 0, 0]);
  });
});
