import { describe, expect, it } from "vitest";
import { jit, type Tensor, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";

const f64 = (data: number | number[]): Tensor => tensor(data, { dtype: "float64" });

/** The parameter after each of some steps with these gradients. */
function trajectory(options: optim.SgdOptions, start: number, gradients: readonly number[]): number[] {
  const optimizer = optim.sgd(options);
  let w = f64(start);
  let state = optimizer.init(w);
  return gradients.map((gradient) => {
    [w, state] = optimizer.step(w, f64(gradient), state);
    return w.itemSync();
  });
}

describe("sgd", () => {
  it("steps by the rate against the gradient", () => {
    expect(trajectory({ learningRate: 0.5 }, 1, [1, -2])).toEqual([0.5, 1.5]);
  });

  it("with momentum and dampening, takes the first gradient whole and later ones dampened", () => {
    // v₁ = 4, v₂ = ½ · 4 + ¾ · 8 = 8, v₃ = ½ · 8 + ¾ · 0 = 4
    const options = { learningRate: 1, momentum: 0.5, dampening: 0.25 };
    expect(trajectory(options, 0, [4, 8, 0])).toEqual([-4, -12, -16]);
  });

  it("adds weight decay before momentum", () => {
    // g₁ = 1 + ½ · 2 = 2, w₁ = 0; g₂ = 1, v₂ = ½ · 2 + 1 = 2, w₂ = −2
    expect(trajectory({ learningRate: 1, momentum: 0.5, weightDecay: 0.5 }, 2, [1, 1])).toEqual([0, -2]);
  });

  it("looks ahead with nesterov", () => {
    // v₁ = 2, step 2 + ½ · 2 = 3; v₂ = ½ · 2 + 2 = 3, step 2 + ½ · 3 = 3.5
    expect(trajectory({ learningRate: 1, momentum: 0.5, nesterov: true }, 0, [2, 2])).toEqual([-3, -6.5]);
  });

  it("updates every floating tensor of a tree, keeps its classes, and passes everything else through", () => {
    const count = tensor([3], { dtype: "int32" });
    const params = { layer: new nn.Linear(1, 1, { init: nn.init.zeros }), count, name: "kept" };
    const gradients = nn.loadStateDict(params, {
      "layer.weight": tensor([[2]]),
      "layer.bias": tensor([4]),
      count: tensor([7], { dtype: "int32" }),
    });
    const optimizer = optim.sgd({ learningRate: 0.5, momentum: 0.9 });
    const [updated, state] = optimizer.step(params, gradients, optimizer.init(params));
    expect(updated.layer).toBeInstanceOf(nn.Linear);
    expect(updated.layer.weight.arraySync()).toEqual([[-1]]);
    expect(updated.layer.bias?.arraySync()).toEqual([-2]);
    expect(updated.count).toBe(count);
    expect(updated.name).toBe("kept");
    expect(Object.keys(state.velocity ?? {})).toEqual(["layer.weight", "layer.bias"]);
    expect(params.layer.weight.arraySync()).toEqual([[0]]);
  });

  it("counts its steps in an int32 scalar", () => {
    const optimizer = optim.sgd({ learningRate: 1 });
    let state = optimizer.init(tensor(1));
    for (let i = 0; i < 3; i++) [, state] = optimizer.step(tensor(1), tensor(1), state);
    expect(state.step.dtype).toBe("int32");
    expect(state.step.itemSync()).toBe(3);
  });
});

describe("a schedule", () => {
  const schedule = (step: number): number => 1 / (1 + step);
  const optimizer = optim.sgd({ learningRate: schedule });

  it("is called with the number of updates before", () => {
    expect(trajectory({ learningRate: schedule }, 0, [1, 1, 4])).toEqual([-1, -1.5, -1.5 - 4 / 3]);
  });

  it("goes on inside jit as outside, from one compiled step", () => {
    let traces = 0;
    const step = jit((w: Tensor, state: optim.SgdState) => {
      traces++;
      return optimizer.step(w, f64(1), state);
    });
    let w = f64(0);
    let state = optimizer.init(w);
    const seen = Array.from({ length: 4 }, () => {
      [w, state] = step(w, state);
      return w.itemSync();
    });
    expect(seen).toEqual(trajectory({ learningRate: schedule }, 0, [1, 1, 1, 1]));
    expect(traces).toBe(1);
  });

  it("is refused inside jit beyond the steps it is tabulated for, instead of going on with some rate", () => {
    const step = jit((w: Tensor, state: optim.SgdState) => optimizer.step(w, f64(1), state));
    const at = (count: number): optim.SgdState => ({ step: tensor(count, { dtype: "int32" }) });
    const [last] = step(f64(0), at(optim.tabulatedSteps - 1));
    expect(last.itemSync()).toBe(-1 / optim.tabulatedSteps);
    expect(() => step(f64(0), at(optim.tabulatedSteps))[0].itemSync()).toThrow(
      expect.objectContaining({ code: "index-out-of-range" }),
    );
  });

  it("gives way to a rate passed to the step: a number, or a tensor that jit takes as an argument", () => {
    const step = jit((w: Tensor, state: optim.SgdState, rate: Tensor) =>
      optimizer.step(w, f64(1), state, rate),
    );
    const state = optimizer.init(f64(0));
    expect(step(f64(0), state, tensor(0.25))[0].itemSync()).toBe(-0.25);
    expect(step(f64(0), state, tensor(0.5))[0].itemSync()).toBe(-0.5);
    expect(optimizer.step(f64(0), f64(1), state, 0.75)[0].itemSync()).toBe(-0.75);
  });

  it("is refused where it gives no rate, naming the step", () => {
    const broken = optim.sgd({ learningRate: (step) => (step < 1 ? 0.1 : Number.NaN) });
    const [w, state] = broken.step(f64(0), f64(1), broken.init(f64(0)));
    expect(() => broken.step(w, f64(1), state)).toThrow(
      "sgd.step: the schedule at step 1 must be a finite number of at least 0, received NaN",
    );
  });
});

describe("sgd refuses", () => {
  it.each([
    [{ learningRate: -1 }, /learningRate must be a finite number of at least 0, received -1/],
    [{ learningRate: Number.NaN }, /learningRate/],
    [{ learningRate: "0.1" as unknown as number }, /received "0.1"/],
    [{ learningRate: 1, momentum: -0.1 }, /momentum must be a finite number of at least 0/],
    [{ learningRate: 1, weightDecay: -0.1 }, /weightDecay/],
    [{ learningRate: 1, momentum: 0.9, dampening: Number.NaN }, /dampening must be a finite number/],
    [{ learningRate: 1, nesterov: true }, /nesterov needs momentum above 0/],
    [{ learningRate: 1, momentum: 0.9, dampening: 0.1, nesterov: true }, /dampening 0/],
  ])("options %o", (options, message) => {
    expect(() => optim.sgd(options)).toThrow(message);
  });

  const optimizer = optim.sgd({ learningRate: 1, momentum: 0.9 });

  it("parameters without a floating tensor", () => {
    expect(() => optimizer.init({ count: tensor([1], { dtype: "int32" }) })).toThrow(
      /no floating-point tensor/,
    );
  });

  it("gradients of another tree or shape, naming the parameter", () => {
    const params = { w: tensor([1, 2]), b: tensor(0) };
    const state = optimizer.init(params);
    expect(() => optimizer.step(params, { w: tensor([1, 2]) } as typeof params, state)).toThrow(
      "sgd.step: gradients must have the tree of params, 2 tensors, received 1",
    );
    expect(() => optimizer.step(params, { w: tensor([1]), b: tensor(0) }, state)).toThrow(
      "sgd.step: the gradient of w must have its shape [2], received [1]",
    );
  });

  it("the state of other parameters or options", () => {
    const params = { w: tensor([1]) };
    const plain = optim.sgd({ learningRate: 1 }).init(params);
    expect(() => optimizer.step(params, params, plain)).toThrow(/the state has nothing for w/);
    expect(() => optimizer.step({ v: tensor([1]) }, { v: tensor([1]) }, optimizer.init(params))).toThrow(
      expect.objectContaining({ code: "tree-mismatch" }),
    );
  });

  it("a rate that is no scalar", () => {
    const state = optimizer.init(tensor(1));
    expect(() => optimizer.step(tensor(1), tensor(1), state, tensor([1, 2]))).toThrow(
      /floating-point scalar/,
    );
    expect(() => optimizer.step(tensor(1), tensor(1), state, -1)).toThrow(/finite number of at least 0/);
  });
});
