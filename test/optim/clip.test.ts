import { describe, expect, it } from "vitest";
import { jit, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";

describe("clipByGlobalNorm", () => {
  it("shrinks all gradients by one factor, to the norm asked for", () => {
    const { a, b } = optim.clipByGlobalNorm(1)({ a: tensor([3, 0]), b: tensor([[4]]) });
    // 10⁻⁶ beside the norm 5 leaves 2·10⁻⁷ less
    expect(a.arraySync()).toEqual([expect.closeTo(0.6, 6), 0]);
    expect(b.arraySync()).toEqual([[expect.closeTo(0.8, 6)]]);
  });

  it("leaves gradients within the norm as they are, bit for bit, and zeros zeros", () => {
    expect(
      optim
        .clipByGlobalNorm(6)(tensor([3, 4]))
        .arraySync(),
    ).toEqual([3, 4]);
    expect(
      optim
        .clipByGlobalNorm(1)(tensor([0, 0]))
        .arraySync(),
    ).toEqual([0, 0]);
  });

  it("does not count what is not learned", () => {
    const layer = new nn.BatchNorm(1);
    const gradient = nn.loadStateDict(layer, {
      ...nn.stateDict(layer),
      weight: tensor([0.5]),
      bias: tensor([0]),
      running_mean: tensor([1000]),
    });
    const clipped = optim.clipByGlobalNorm(1)(gradient);
    expect(clipped.weight?.arraySync()).toEqual([0.5]);
    expect(clipped.statistics).toBe(gradient.statistics);
  });
});

describe("clipByValue", () => {
  it("clips every element on both sides, and keeps the tree and integers", () => {
    const count = tensor([7], { dtype: "int32" });
    const clipped = optim.clipByValue(2)({ list: [tensor([-3, 1, 5])], count });
    expect(clipped.list[0].arraySync()).toEqual([-2, 1, 2]);
    expect(clipped.count).toBe(count);
  });
});

describe("chain", () => {
  it("applies its parts in order, and gives the optimizer's own name, state and schedule", () => {
    const schedule = (step: number): number => 1 / (1 + step);
    const double = <T>(gradient: T): T => (gradient as Tensor).mul(2) as T;
    const inner = optim.sgd({ learningRate: schedule, momentum: 0.5 });
    const first = optim.chain(double, optim.clipByValue(3), inner);
    const second = optim.chain(optim.clipByValue(3), double, inner);
    const step = (optimizer: optim.Optimizer<optim.SgdState>) =>
      optimizer.step(tensor([0]), tensor([10]), optimizer.init(tensor([0])));
    expect(step(first)[0].arraySync()).toEqual([-3]);
    expect(step(second)[0].arraySync()).toEqual([-6]);
    expect(step(first)[1].velocity?.[""].arraySync()).toEqual([3]);
    expect([first.name, first.schedule?.(1)]).toEqual(["sgd", 0.5]);
  });

  it("passes a rate of this step on, inside jit too", () => {
    const optimizer = optim.chain(optim.clipByValue(1), optim.sgd({ learningRate: 1 }));
    const step = jit((w: Tensor, state: optim.OptimizerState, rate: Tensor) =>
      optimizer.step(w, tensor([5]), state, rate),
    );
    expect(step(tensor([0]), optimizer.init(tensor([0])), tensor(0.25))[0].arraySync()).toEqual([-0.25]);
  });
});

describe("refusals", () => {
  const sgd = optim.sgd({ learningRate: 1 });
  it.each<[() => unknown, string]>([
    [
      () => optim.clipByGlobalNorm(0),
      "clipByGlobalNorm: maxNorm must be a finite number above 0, received 0",
    ],
    [
      () => optim.clipByValue(Number.POSITIVE_INFINITY),
      "clipByValue: limit must be a finite number above 0, received Infinity",
    ],
    [
      () => optim.clipByValue(1)({ a: "b" }),
      "clipByValue: gradients must be a tree with floating-point tensors, as grad gives it, received Object",
    ],
    [
      () => optim.chain(optim.clipByValue(1) as never),
      "chain: the last part must be an optimizer such as optim.sgd({ learningRate: 0.1 }), received function (anonymous)",
    ],
    [
      () => optim.chain(sgd as never, sgd),
      "chain: part 0 must be a function of gradients such as optim.clipByGlobalNorm(1), received Object",
    ],
    [
      () => optim.chain(...([] as never)),
      "chain: the last part must be an optimizer such as optim.sgd({ learningRate: 0.1 }), received undefined",
    ],
  ])("%#", (call, message) => {
    expect(call).toThrow(expect.objectContaining({ code: "invalid-argument", message }));
  });
});
