/** What constructors and forward passes refuse: code, and a message that names operation, argument, expected and received. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AdjointError, isTensor, ones, tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";
import { junk, junkList, show } from "../matrix/junk-values.js";

const any = (value: unknown): never => value as never;

describe("layers refuse", () => {
  it.each<[call: () => unknown, code: string, message: string]>([
    [
      () => new nn.Conv2d(0, 1, 3),
      "invalid-argument",
      "Conv2d: inChannels must be an integer of at least 1, received 0",
    ],
    [
      () => new nn.Conv2d(1, 1.5, 3),
      "invalid-argument",
      "Conv2d: outChannels must be an integer of at least 1, received 1.5",
    ],
    [
      () => new nn.Conv2d(1, 1, [3]),
      "invalid-argument",
      "Conv2d: size must be an integer of at least 1, or 2 of them, received [3]",
    ],
    [
      () => new nn.Conv1d(1, 1, 0),
      "invalid-argument",
      "Conv1d: size must be an integer of at least 1, received 0",
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { stride: 0 }),
      "invalid-argument",
      "Conv2d: stride must be an integer of at least 1, or 2 of them, received 0",
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { padding: any("full") }),
      "invalid-argument",
      'Conv2d: padding must be an integer of at least 0, 2 pairs [before, after], "same" or "valid", received "full"',
    ],
    [
      () => new nn.Conv2d(3, 4, 3, { groups: 2 }),
      "invalid-argument",
      "Conv2d: groups must be a divisor of both 3 and 4 channels, received 2",
    ],
    [
      () => new nn.Conv2d(1, 1, 3, any({ strides: 2 })),
      "invalid-argument",
      "Conv2d: there is no option strides; did you mean stride?",
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { dtype: "int32" }),
      "invalid-argument",
      'Conv2d: dtype must be float32 or float64, received "int32"',
    ],
    [
      () => new nn.Conv2d(1, 1, 3, { init: () => tensor(1) }),
      "shape-mismatch",
      "Conv2d: init must give a tensor of shape [1, 1, 3, 3], received []",
    ],
    [
      () => new nn.Conv2d(2, 1, 3).forward(ones([1, 1, 5, 5])),
      "shape-mismatch",
      "Conv2d: x must be [batch, 2, height, width], received [1, 1, 5, 5]",
    ],
    [
      () => new nn.Conv1d(2, 1, 3).forward(ones([2, 5])),
      "shape-mismatch",
      "Conv1d: x must be [batch, 2, length], received [2, 5]",
    ],
    [
      () => new nn.Conv1d(2, 1, 3).forward(any([1])),
      "invalid-argument",
      "Conv1d: x must be a tensor [batch, 2, length], received array of 1",
    ],
    [
      () => new nn.ConvTranspose2d(1, 1, 3, { outputPadding: 1 }),
      "invalid-argument",
      "ConvTranspose2d: outputPadding must be an integer of at least 0 and less than the stride, received 1",
    ],
    [
      () => new nn.ConvTranspose2d(1, 1, 3, { padding: any("same") }),
      "invalid-argument",
      'ConvTranspose2d: padding must be an integer of at least 0, received "same"',
    ],
    [
      () => new nn.MaxPool2d(any(undefined)),
      "invalid-argument",
      "MaxPool2d: size must be an integer of at least 1, or 2 of them, received undefined",
    ],
    [
      () => new nn.MaxPool2d(2).forward(ones([4, 4])),
      "shape-mismatch",
      "MaxPool2d: x must be [batch, channels, height, width], received [4, 4]",
    ],
    [
      () => new nn.BatchNorm(2, { momentum: 2 }),
      "invalid-argument",
      "BatchNorm: momentum must be from 0 to 1, received 2",
    ],
    [
      () => new nn.BatchNorm(2, { epsilon: 0 }),
      "invalid-argument",
      "BatchNorm: epsilon must be a finite number above 0, received 0",
    ],
    [
      () => new nn.LayerNorm([]),
      "invalid-argument",
      "LayerNorm: shape must be the extents of the last axes, such as 64 or [8, 8], received []",
    ],
    [
      () => new nn.LayerNorm(4).forward(ones([4, 3])),
      "shape-mismatch",
      "LayerNorm: x must be [batch…, 4], received [4, 3]",
    ],
    [
      () => new nn.LayerNorm([4, 3]).forward(ones([3])),
      "shape-mismatch",
      "LayerNorm: x must be [batch…, 4, 3], received [3]",
    ],
    [
      () => new nn.GroupNorm(3, 4),
      "invalid-argument",
      "GroupNorm: groups must be a divisor of the 4 channels, received 3",
    ],
    [
      () => new nn.GroupNorm(2, 4).forward(ones([4])),
      "shape-mismatch",
      "GroupNorm: x must be [batch, 4, …], received [4]",
    ],
    [
      () => new nn.RMSNorm(4, any({ bias: true })),
      "invalid-argument",
      "RMSNorm: there is no option bias; the options are epsilon, affine, dtype",
    ],
    [() => new nn.Dropout(1.5), "invalid-argument", "Dropout: p must be from 0 to 1, received 1.5"],
    [
      () => new nn.Embedding(3, 0),
      "invalid-argument",
      "Embedding: features must be an integer of at least 1, received 0",
    ],
    [
      () => new nn.Residual(any(Math.sin)),
      "invalid-argument",
      "Residual: layer must be a layer, with a forward method, received function sin",
    ],
    [
      () => new nn.LSTM(3, 2, { layers: 0 }),
      "invalid-argument",
      "LSTM: layers must be an integer of at least 1, received 0",
    ],
    [
      () => new nn.TransformerBlock(4, 2, { activation: any("rely") }),
      "invalid-argument",
      'Activation: expected a function or one of sigmoid, tanh, relu, gelu, silu, softplus, leakyRelu, elu, softmax, identity, received "rely"',
    ],
    [
      () => nn.trainForward(any({}), ones([1])),
      "invalid-argument",
      "trainForward: model must be a model, with a forward method, received Object",
    ],
  ])("%#", (call, code, message) => {
    expect(call).toThrow(expect.objectContaining({ code, message }));
  });
});

describe("whatever a layer is given, it returns or refuses with a code", () => {
  const constructors = Object.entries(nn).filter(
    ([, value]) => typeof value === "function" && /^class\b/.test(String(value)),
  );
  const models: [string, nn.Module][] = [
    new nn.Conv1d(2, 2, 3, { padding: 1 }),
    new nn.Conv2d(1, 2, 2),
    new nn.ConvTranspose2d(1, 2, 2),
    new nn.MaxPool2d(2),
    new nn.AvgPool2d(1),
    new nn.BatchNorm(2),
    new nn.LayerNorm(2),
    new nn.GroupNorm(1, 2),
    new nn.RMSNorm(2),
    new nn.Dropout(0.5),
    new nn.Embedding(3, 2),
    new nn.LSTM(2, 2),
    new nn.GRU(2, 2),
    new nn.MultiHeadAttention(2, 1),
    new nn.TransformerBlock(2, 1, { hidden: 2 }),
    new nn.Residual(new nn.Linear(2, 2)),
  ].map((layer) => [String(layer), layer]);

  function attempt(call: () => unknown): string | null {
    try {
      const value = call();
      if (isTensor(value) && value.size < 1e5) String(value);
      return null;
    } catch (error) {
      if (error instanceof AdjointError && error.code !== "internal") return null;
      return error instanceof Error ? (error.stack ?? String(error)) : String(error);
    }
  }

  it.each(constructors)("new %s", (name, constructed) => {
    const Layer = constructed as unknown as new (...args: unknown[]) => unknown;
    fc.assert(
      fc.property(junkList, (args) => {
        const wrong = attempt(() => new Layer(...args));
        if (wrong !== null) expect.fail(`new ${name}(${args.map(show).join(", ")}): ${wrong}`);
      }),
      { seed: 20261, numRuns: 60 },
    );
  });

  it.each(models)("%s with junk options beside a good input", (name, layer) => {
    const inputs = [ones([2, 2]), ones([2, 2, 2]), ones([1, 1, 2, 2]), tensor([1], { dtype: "int32" })];
    fc.assert(
      fc.property(fc.constantFrom(...inputs), junk, junk, (x, options, key) => {
        for (const given of [options, { train: true, key, statistics: options }]) {
          const wrong = attempt(() => layer.forward(x, any(given)));
          if (wrong !== null) expect.fail(`${name}.forward(${show(x)}, ${show(given)}): ${wrong}`);
        }
      }),
      { seed: 20263, numRuns: 60 },
    );
  });

  it.each(models)("%s", (name, layer) => {
    fc.assert(
      fc.property(junk, junk, fc.boolean(), (x, options, train) => {
        const wrong = attempt(() =>
          train ? nn.trainForward(layer, any(x), any(options))[0] : layer.forward(any(x), any(options)),
        );
        if (wrong !== null) expect.fail(`${name}.forward(${show(x)}, ${show(options)}): ${wrong}`);
      }),
      { seed: 20262, numRuns: 60 },
    );
  });
});
