import { describe, expect, it } from "vitest";
import * as adjoint from "../../src/index.js";
import { random, type Tensor, tensor, zeros } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

const points = tensor([[-2, -0.5, 0, 0.5, 2]]);

describe("Activation", () => {
  const byName: Record<nn.ActivationName, (x: Tensor) => Tensor> = {
    sigmoid: adjoint.sigmoid,
    tanh: adjoint.tanh,
    relu: adjoint.relu,
    gelu: adjoint.gelu,
    silu: adjoint.silu,
    softplus: adjoint.softplus,
    leakyRelu: (x) => adjoint.leakyRelu(x, 0.01),
    elu: (x) => adjoint.elu(x, 1),
    softmax: (x) => adjoint.softmax(x, -1),
    identity: (x) => x,
  };

  it.each(Object.entries(byName))("%s is the function of that name", (name, f) => {
    const layer = new nn.Activation(name as nn.ActivationName);
    expect(layer.forward(points).arraySync()).toEqual(f(points).arraySync());
  });

  it("takes a function", () => {
    expect(new nn.Activation((x) => x.mul(2)).forward(points).arraySync()).toEqual([[-4, -1, 0, 1, 4]]);
  });

  it("names the choices when it is given another name", () => {
    expect(() => new nn.Activation("sigmoidal" as "sigmoid")).toThrow(
      /one of sigmoid, tanh, .*identity, received "sigmoidal"/,
    );
    expect(() => new nn.Activation("toString" as "sigmoid")).toThrow(/received "toString"/);
  });
});

describe("Flatten", () => {
  it("keeps the batch and the row-major order of the rest", () => {
    const y = new nn.Flatten().forward(adjoint.arange(12).reshape([2, 2, 3]));
    expect(y.arraySync()).toEqual([
      [0, 1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10, 11],
    ]);
  });

  it("gives a batch of numbers one feature, and an empty batch none lost", () => {
    expect(new nn.Flatten().forward(zeros([4])).shape).toEqual([4, 1]);
    expect(new nn.Flatten().forward(zeros([0, 2, 3])).shape).toEqual([0, 6]);
  });

  it("refuses a scalar", () => {
    expect(() => new nn.Flatten().forward(tensor(1))).toThrow(/must have a batch axis/);
  });
});

describe("Sequential", () => {
  it("applies its layers in order, functions among them", () => {
    const model = new nn.Sequential((x: Tensor) => x.add(1), new nn.Activation((x) => x.mul(10)));
    expect(model.forward(tensor([1])).arraySync()).toEqual([20]);
  });

  it("takes its layers as one array too, and may be empty", () => {
    const layers = [new nn.Activation("relu"), new nn.Activation("tanh")];
    expect(new nn.Sequential(layers).layers).toEqual(layers);
    expect(new nn.Sequential().forward(points)).toBe(points);
  });

  it("tells every layer whether it is training, and gives each a key of its own", () => {
    const seen: nn.ForwardOptions[] = [];
    const spy: nn.Module = {
      forward(x, options = {}) {
        seen.push(options);
        return x;
      },
    };
    new nn.Sequential(spy, spy, new nn.Sequential(spy, spy)).forward(points, {
      train: true,
      key: random.key(1),
    });
    expect(seen.map(({ train }) => train)).toEqual([true, true, true, true]);
    expect(new Set(seen.map(({ key }) => String(key?.dataSync()))).size).toBe(4);
    seen.length = 0;
    new nn.Sequential(spy).forward(points);
    expect(seen).toEqual([{}]);
  });

  it("refuses what is no layer, with a hint for a class", () => {
    expect(() => new nn.Sequential(new nn.Flatten(), 3 as unknown as nn.Module)).toThrow(
      "Sequential: layer 1 must have a forward method or be a function, received 3",
    );
    expect(() => new nn.Sequential(nn.Flatten as unknown as nn.Module)).toThrow(/write new before a class/);
  });
});
