/** Whole models: exported, run in ONNX Runtime with one batch and with others, and imported again. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { arrays } from "../../src/data/index.js";
import {
  arange,
  avgPool,
  cond,
  conv,
  type DType,
  grad,
  isTensor,
  jit,
  maxPool,
  ones,
  random,
  scan,
  setSeed,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
  where,
  whileLoop,
} from "../../src/index.js";
import { decodeSafetensors, encodeOnnx, encodeSafetensors, importOnnx } from "../../src/io/index.js";
import { decodeModel } from "../../src/io/onnx/codec.js";
import { meanSquaredError } from "../../src/losses/index.js";
import {
  Activation,
  AvgPool2d,
  BatchNorm,
  Conv1d,
  Conv2d,
  ConvTranspose2d,
  Embedding,
  Flatten,
  GRU,
  GroupNorm,
  LayerNorm,
  Linear,
  LSTM,
  loadStateDict,
  MaxPool2d,
  type Module,
  MultiHeadAttention,
  parameters,
  Residual,
  RMSNorm,
  Sequential,
  stateDict,
  TransformerBlock,
} from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import { sum } from "../../src/primitives/broadcast.js";
import { reduceMax } from "../../src/primitives/reduce.js";
import { window } from "../../src/primitives/window.js";
import { evaluate, fit as train } from "../../src/train/index.js";
import { difference, needsRuntime, runOnnx } from "./onnx-runtime.js";

interface Case {
  readonly model: Module;
  /** Shape of an input without the batch. */
  readonly example: readonly number[];
  /** Operators that must be among the exported ones, and that must not. */
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
  readonly integer?: number;
}

setSeed(20);
const images = [1, 28, 28];

const cases: Readonly<Record<string, Case>> = {
  "a multilayer perceptron": {
    model: new Sequential(
      new Linear(6, 5),
      new Activation("relu"),
      new Linear(5, 3),
      new Activation("softmax"),
    ),
    example: [6],
    has: ["Gemm", "Relu", "Softmax"],
    lacks: ["Transpose", "Expand", "Add", "Unsqueeze", "Where"],
  },
  "a logarithm of softmax": {
    model: new Sequential(new Linear(6, 5), new Activation((x) => x.logSoftmax())),
    example: [6],
    has: ["LogSoftmax"],
    lacks: ["Log"],
  },
  "every activation": {
    model: new Sequential(
      ...(["tanh", "sigmoid", "softplus", "leakyRelu", "elu", "gelu", "silu"] as const).flatMap((name) => [
        new Linear(6, 6),
        new Activation(name),
      ]),
    ),
    example: [6],
  },
  LeNet: {
    model: new Sequential(
      new Conv2d(1, 6, 5, { padding: 2 }),
      new Activation("tanh"),
      new AvgPool2d(2),
      new Conv2d(6, 16, 5),
      new Activation("tanh"),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(400, 120),
      new Activation("relu"),
      new Linear(120, 10),
    ),
    example: images,
    has: ["Conv", "AveragePool", "MaxPool", "Gemm"],
    lacks: ["Gather", "Einsum", "Transpose", "Pad", "Expand", "Add", "Mul", "Unsqueeze"],
  },
  "convolutions with strides, dilation and groups, and batch normalisation": {
    model: new Sequential(
      new Conv2d(3, 8, 3, { stride: 2, padding: 1, bias: false }),
      new BatchNorm(8),
      new Activation("relu"),
      new Conv2d(8, 8, 3, { groups: 8, padding: 2, dilation: 2 }),
      new GroupNorm(2, 8),
      new Residual(new Conv2d(8, 8, 1)),
      new MaxPool2d(3, { stride: 2, padding: 1 }),
      new AvgPool2d(3, { stride: 1, padding: 1 }),
    ),
    example: [3, 13, 13],
    has: ["Conv", "MaxPool", "AveragePool", "BatchNormalization"],
    lacks: ["Gather", "Einsum", "Transpose", "Pad"],
  },
  "a convolution in one dimension": {
    model: new Sequential(new Conv1d(4, 6, 3, { stride: 2 }), new Activation("relu")),
    example: [4, 11],
    has: ["Conv"],
    lacks: ["Gather"],
  },
  "a transposed convolution": {
    model: new Sequential(
      new ConvTranspose2d(4, 3, 3, { stride: 2, padding: 1 }),
      new Activation("relu"),
      new ConvTranspose2d(3, 2, 2),
    ),
    example: [4, 5, 6],
    has: ["ConvTranspose"],
    lacks: ["Gather", "Einsum", "Reshape", "Add"],
  },
  "layer and root mean square normalisation": {
    model: new Sequential(new LayerNorm(7), new Linear(7, 7), new LayerNorm([5, 7]), new RMSNorm(7)),
    example: [5, 7],
    has: ["LayerNormalization"],
  },
  "attention that looks back only": {
    model: new MultiHeadAttention(8, 2, { causal: true }),
    example: [6, 8],
    has: ["Softmax"],
    lacks: ["Einsum", "Unsqueeze"],
  },
  "a transformer block": { model: new TransformerBlock(8, 2, { causal: true }), example: [6, 8] },
  "an embedding": { model: new Embedding(11, 4), example: [5], integer: 11 },
  "an LSTM of two layers": { model: new LSTM(4, 5, { layers: 2 }), example: [6, 4], has: ["Scan"] },
  "a GRU": { model: new GRU(4, 5), example: [6, 4], has: ["Scan"] },
};

/**
 * float32 through up to some thirty layers of sums and functions that are computed differently on both sides: each adds a few
 * roundings of 2⁻²⁴ to numbers of size 1, and sums of up to 400 terms √400 of them.
 */
const tolerance = 1e-5;

function inputOf({ example, integer }: Case, batch: number, dtype: DType = "float32"): Tensor {
  const shape = [batch, ...example];
  const key = random.key(batch);
  return integer === undefined
    ? random.normal(key, { shape, dtype })
    : random.uniform(key, { shape }).mul(integer).floor().cast("int32");
}

async function operatorsOf(bytes: Uint8Array): Promise<string[]> {
  const model = await decodeModel(bytes, "the bytes");
  return model.graph?.node.map(({ opType }) => opType) ?? [];
}

beforeEach(({ skip }) => needsRuntime(skip));

describe("a model in ONNX Runtime gives what it gives here", () => {
  for (const [name, test] of Object.entries(cases)) {
    it(`${name}, for the batch it was exported with`, async () => {
      const x = inputOf(test, 3);
      const bytes = await encodeOnnx(test.model, [x]);
      const [received] = await runOnnx(bytes, [x]);
      expect(difference(received, test.model.forward(x))).toBeLessThan(tolerance);
    });

    it(`${name}, for batches of any size`, async () => {
      const bytes = await encodeOnnx(test.model, [inputOf(test, 2)], { dynamicBatch: true });
      for (const batch of [1, 2, 9]) {
        const x = inputOf(test, batch);
        const [received] = await runOnnx(bytes, [x]);
        expect(received.shape[0]).toBe(batch);
        expect(difference(received, test.model.forward(x))).toBeLessThan(tolerance);
      }
    });

    it(`${name}, in the operators it is known by`, async () => {
      const found = await operatorsOf(
        await encodeOnnx(test.model, [inputOf(test, 2)], { dynamicBatch: true }),
      );
      expect(found).toEqual(expect.arrayContaining([...(test.has ?? [])]));
      expect(found.filter((operator) => test.lacks?.includes(operator))).toEqual([]);
    });

    it(`${name}, imported again, with its weights as parameters`, async () => {
      const x = inputOf(test, 4);
      const model = await importOnnx(await encodeOnnx(test.model, [x], { dynamicBatch: true }));
      const expected = test.model.forward(x);
      expect(difference(model.forward(x), expected)).toBeLessThan(tolerance);
      expect(difference(jit((m: typeof model, v: Tensor) => m.forward(v))(model, x), expected)).toBeLessThan(
        tolerance,
      );
      const sizes = (tree: unknown): number => parameters(tree).reduce((sum, [, { size }]) => sum + size, 0);
      expect(sizes(model)).toBe(sizes(test.model));
    });
  }

  it.each([
    [18, 8],
    [19, 9],
    [20, 9],
    [21, 10],
  ])("in version %i of the operators, which came with version %i of the format", async (opset, irVersion) => {
    const { model } = cases["layer and root mean square normalisation"];
    const x = inputOf(cases["layer and root mean square normalisation"], 2);
    const bytes = await encodeOnnx(model, [x], { opset, name: "named" });
    const [received] = await runOnnx(bytes, [x]);
    expect(difference(received, model.forward(x))).toBeLessThan(tolerance);
    const file = await decodeModel(bytes, "the bytes");
    expect([Number(file.irVersion), Number(file.opsetImport[0].version)]).toEqual([irVersion, opset]);
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect([file.producerName, file.producerVersion, file.graph?.name]).toEqual([
      "adjoint",
      version,
      "named",
    ]);
  });

  it("in float64, to its precision", async () => {
    const options = { dtype: "float64" } as const;
    const model = new Sequential(
      new Conv2d(2, 4, 3, { padding: 1, ...options }),
      new Activation("relu"),
      new MaxPool2d(2),
      new Flatten(),
      new Linear(36, 5, options),
      new LayerNorm(5, options),
      new Activation("softmax"),
    );
    const x = random.normal(random.key(1), { shape: [3, 2, 6, 6], ...options });
    const [received] = await runOnnx(await encodeOnnx(model, [x]), [x]);
    // sums of up to 36 products in float64
    expect(difference(received, model.forward(x))).toBeLessThan(64 * 2 ** -52);
  });

  it("and its gradient is a graph like any other", async () => {
    const { model, example } = cases["a multilayer perceptron"];
    const slope = (m: Module, x: Tensor) => grad((v: Tensor) => m.forward(v).square().sum())(x);
    const x = random.normal(random.key(2), { shape: [3, ...example] });
    const [received] = await runOnnx(await encodeOnnx(slope, [x], { parameters: model }), [x]);
    expect(difference(received, slope(model, x))).toBeLessThan(tolerance);
  });

  it("and so are compiled functions and those of vmap", async () => {
    const f = jit((x: Tensor) => vmap((row: Tensor) => row.softmax().outer(row))(x));
    const x = random.normal(random.key(3), { shape: [4, 3] });
    const [received] = await runOnnx(await encodeOnnx(f, [x]), [x]);
    expect(difference(received, f(x))).toBeLessThan(tolerance);
  });
});

describe("what is nearly one operator of the format is not taken for it", () => {
  const key = random.split(random.key(9), 3);
  const image = random.normal(key[0], { shape: [2, 3, 7, 6] });
  const weight = random.normal(key[1], { shape: [4, 3, 3, 2] });
  const rows = random.normal(key[2], { shape: [4, 5] });
  const centred = (x: Tensor) => x.sub(x.mean(-1, { keepDims: true }));
  const inverse = (x: Tensor) => centred(x).square().mean(-1, { keepDims: true }).add(1e-3).rsqrt();
  const vector = rows.slice(0);
  const uneven: [number, number][] = [
    [0, 2],
    [1, 0],
  ];
  const size = { size: [2, 2], stride: [1, 1] };
  const functions: Readonly<Record<string, [(x: Tensor) => unknown, Tensor]>> = {
    "a convolution with uneven padding": [(x) => conv(x, weight, { padding: uneven }), image],
    "a convolution whose result is read without its bias too": [
      (x) => {
        const y = conv(x, weight);
        return [y.add(vector.slice([0, 4]).reshape([4, 1, 1])), y];
      },
      image,
    ],
    "a product with a row for each row": [
      (x) => x.matmul(x.transpose()).add(vector.slice([0, 4]).reshape([4, 1])),
      rows,
    ],
    "pools with uneven padding": [
      (x) => [
        maxPool(x, {
          ...size,
          padding: [
            [0, 1],
            [1, 0],
          ],
        }),
        avgPool(x, {
          ...size,
          padding: [
            [0, 1],
            [1, 0],
          ],
        }),
      ],
      image,
    ],
    "a value that repeats, between two other shapes": [
      (x) => x.reshape([20]).broadcastTo([2, 20]).reshape([8, 5]).add(vector),
      rows,
    ],
    "a transpose that repeats": [
      (x) => x.transpose().broadcastTo([2, 5, 4]).transpose([2, 0, 1]).exp(),
      rows,
    ],
    "a mean of windows with gaps": [
      (x) => (sum(window(x, { ...size, dilation: [2, 2] }), [4, 5]) as Tensor).mul(0.25),
      image,
    ],
    "a maximum of windows with gaps": [
      (x) => reduceMax(window(x, { ...size, dilation: [2, 3] }), [4, 5]),
      image,
    ],
    "a layer normalisation by another's variance": [
      (x) => centred(x).mul(inverse(x.exp())).mul(x.slice(0)).add(x.slice(1)),
      rows,
    ],
    "a layer normalisation with another weight for each row": [
      (x) => centred(x).mul(inverse(x)).mul(x.exp()).add(x.slice(1)),
      rows,
    ],
    "a layer normalisation with a weight of another shape": [
      (x) => {
        const c = x.sub(x.mean([0, 1], { keepDims: true }));
        const scale = c.mul(c).mean([0, 1], { keepDims: true }).add(1e-3).rsqrt();
        return c
          .mul(scale)
          .mul(x.transpose().exp().reshape([4, 5]))
          .add(x.exp());
      },
      rows,
    ],
    "exponentials over another's sum": [(x) => x.exp().div(x.mul(2).exp().sum(-1, { keepDims: true })), rows],
    "exponentials over the sum of another axis": [
      (x) => x.exp().div(x.exp().sum(0, { keepDims: true })),
      rows,
    ],
    "a limit other than 0": [(x) => where(x.le(0.5), 0, x), rows],
    "a limit of another value": [(x) => where(x.le(0), 0, x.mul(2)), rows],
    "one number beside a convolution": [(x) => conv(x, weight).add(vector.slice(0)), image],
  };

  it.each(Object.entries(functions))("%s", async (_, [f, x]) => {
    const result = f(x);
    const expected = (Array.isArray(result) ? result : [result]) as Tensor[];
    const bytes = await encodeOnnx(f, [x]);
    const received = await runOnnx(bytes, [x]);
    const again = Object.values((await importOnnx(bytes)).run({ input: x }));
    expected.forEach((value, i) => {
      expect(difference(received[i], value)).toBeLessThan(tolerance);
      expect(difference(again[i], value)).toBeLessThan(tolerance);
    });
  });
});

describe("control flow", () => {
  const x = random.normal(random.key(4), { shape: [5, 3] });
  const flows: Readonly<Record<string, (x: Tensor) => unknown>> = {
    "a scan": (xs) => {
      const weight = xs.slice(0).exp();
      return scan(
        (carry: Tensor, row: Tensor) => {
          const next = carry.mul(weight).add(row).tanh();
          return [next, next.square()];
        },
        xs.slice(1),
        xs,
      );
    },
    "a scan from the end, without sequences": (xs) =>
      scan((carry: Tensor) => [carry.mul(0.5).add(1), null], xs, null, { length: 4, reverse: true })[0],
    "a scan from the end": (xs) =>
      scan((carry: Tensor, row: Tensor) => [carry.mul(0.5).add(row), carry.square()], xs.slice(0), xs, {
        reverse: true,
      }),
    "a scan of no steps": (xs) => scan((carry: Tensor) => [carry.add(1), carry], xs, null, { length: 0 }),
    "a choice": (xs) =>
      cond(
        xs.sum().gt(100),
        (v: Tensor) => v.neg(),
        (v: Tensor) => v.mul(xs).add(1),
        xs,
      ),
    "a choice the other way": (xs) =>
      cond(
        xs.sum().lt(100),
        (v: Tensor) => v.neg(),
        (v: Tensor) => v,
        xs,
      ),
    "a loop until a value is reached": (xs) =>
      whileLoop(
        (v: Tensor) => v.sum().lt(1000),
        (v: Tensor) => v.mul(2).add(xs.abs()),
        xs,
      ),
    "a loop of no steps": (xs) =>
      whileLoop(
        (v: Tensor) => v.sum().gt(1000),
        (v: Tensor) => v.mul(2),
        xs,
      ),
    "a scan in a choice in a scan": (xs) =>
      scan(
        (carry: Tensor, row: Tensor) => {
          const sum = (v: Tensor) =>
            scan((total: Tensor, item: Tensor) => [total.add(item), null], v.mul(0), xs)[0];
          return [cond(row.sum().gt(0), sum, (v: Tensor) => v.add(row), carry), carry];
        },
        xs.slice(0),
        xs,
      ),
  };
  const leaves = (value: unknown): Tensor[] => [value].flat(3).filter((item) => isTensor(item));

  it.each(Object.entries(flows))("%s becomes an operator of the format, and is read again", async (_, f) => {
    const expected = leaves(f(x));
    const bytes = await encodeOnnx(f, [x]);
    const received = await runOnnx(bytes, [x]);
    const again = Object.values((await importOnnx(bytes)).run({ input: x }));
    expect(received).toHaveLength(expected.length);
    expected.forEach((value, i) => {
      expect(difference(received[i], value)).toBeLessThan(tolerance);
      expect(difference(again[i], value)).toBeLessThan(tolerance);
    });
  });
});

describe("names and shapes of an exported graph", () => {
  const pair = (a: Tensor, b: Tensor) => ({ sum: a.add(b), parts: [a.mul(b), a] });
  const inputs = [tensor([1, 2]), tensor([3, 4])];

  it("are those of the function's result, or as asked", async () => {
    const plain = await importOnnx(await encodeOnnx(pair, inputs));
    expect(plain.inputs.map(({ name }) => name)).toEqual(["input_0", "input_1"]);
    expect(plain.outputs.map(({ name }) => name)).toEqual(["sum", "parts.0", "parts.1"]);
    const asked = await encodeOnnx(pair, inputs, { inputNames: ["a", "b"], outputNames: ["x", "y", "z"] });
    const { x, y, z } = (await importOnnx(asked)).run({ a: inputs[0], b: inputs[1] });
    expect([x, y, z].map((value) => Array.from(value.dataSync()))).toEqual([
      [4, 6],
      [3, 8],
      [1, 2],
    ]);
  });

  it("hand out inputs, constants and one value twice as they are", async () => {
    const f = (a: Tensor) => [a, tensor([5, 6]), a.neg(), a.neg(), tensor(7)];
    const received = await runOnnx(await encodeOnnx(f, [inputs[0]]), [inputs[0]]);
    expect(received.map((value) => Array.from(value.dataSync()))).toEqual([
      [1, 2],
      [5, 6],
      [-1, -2],
      [-1, -2],
      [7],
    ]);
  });

  it("leave open what depends on the batch, by name", async () => {
    const bytes = await encodeOnnx((x: Tensor) => x.reshape([x.size]), [tensor([[1, 2, 3]])], {
      dynamicBatch: true,
    });
    const model = await importOnnx(bytes);
    expect(model.inputs[0].shape).toEqual(["batch", 3]);
    expect(model.outputs[0].shape).toEqual(["3_batch"]);
  });

  it("take counters and means of the batch along where they are linear in its size", async () => {
    const f = (x: Tensor) => arange(0, x.shape[0]).cast("float32").expandDims(1).add(x);
    const bytes = await encodeOnnx(f, [tensor([[1, 2]])], { dynamicBatch: true }).catch((error) => error);
    // the counter is a constant of the trace here, different for each size
    expect(bytes).toMatchObject({ code: "unsupported" });
    const mean = encodeOnnx((x: Tensor) => x.mean(0), [tensor([[1, 2]])], { dynamicBatch: true });
    await expect(mean).rejects.toMatchObject({ code: "unsupported" });
  });
});

describe("an imported model", () => {
  it("is trained further like any other, its statistics unchanged", async () => {
    const source = new Sequential(
      new Linear(3, 8),
      new BatchNorm(8),
      new Activation("tanh"),
      new Linear(8, 1),
    );
    const x = random.normal(random.key(5), { shape: [32, 3] });
    const y = x.sum(1, { keepDims: true }).sin();
    let model = await importOnnx(await encodeOnnx(source, [x], { dynamicBatch: true }));
    const optimizer = adam({ learningRate: 0.02 });
    let state = optimizer.init(model);
    const before = model.statistics;
    expect(Object.keys(before)).toEqual(["layers.1.statistics.mean", "layers.1.statistics.variance"]);
    expect(Object.keys(model.parameters)).toEqual(parameters(source).map(([name]) => `layers.${name}`));
    const step = jit((current: typeof model, moments: typeof state) => {
      const [loss, gradient] = valueAndGrad((m: typeof model) => meanSquaredError(m.forward(x), y))(current);
      return [loss, ...optimizer.step(current, gradient, moments)] as const;
    });
    const losses: number[] = [];
    for (let i = 0; i < 60; i++) {
      const [loss, next, moments] = step(model, state);
      losses.push(loss.itemSync() as number);
      [model, state] = [next, moments];
    }
    expect(losses[59]).toBeLessThan(losses[0] / 4);
    for (const [name, value] of Object.entries(before))
      expect(model.statistics[name].dataSync()).toEqual(value.dataSync());
    // and exported again, it gives ONNX Runtime what it gives here
    const [received] = await runOnnx(await encodeOnnx(model, [x]), [x]);
    expect(difference(received, model.forward(x))).toBeLessThan(tolerance);
  });

  it("is trained by fit, and its state saved and loaded", async () => {
    const source = new Sequential(
      new Linear(3, 8),
      new BatchNorm(8),
      new Activation("tanh"),
      new Linear(8, 2),
    );
    const model = await importOnnx(await encodeOnnx(source, [ones([1, 3])], { dynamicBatch: true }));
    expect(String(model)).toBe("OnnxModel(input [batch, 3] → output [batch, 2])");
    const x = random.normal(random.key(1), { shape: [64, 3] });
    const data = arrays(x, x.slice(null, 0).gt(0).cast("int32"));
    const optimizer = adam({ learningRate: 0.05 });
    const run = await train(model, {
      data,
      loss: "softmaxCrossEntropy",
      optimizer,
      epochs: 20,
      batchSize: 16,
      seed: 1,
    });
    const { accuracy } = await evaluate(run.model, data);
    expect(accuracy).toBeGreaterThan(0.95);
    const saved = decodeSafetensors(encodeSafetensors(stateDict(run.model)));
    const loaded = loadStateDict(model, saved);
    expect(loaded.forward(x).dataSync()).toEqual(run.model.forward(x).dataSync());
  });

  it("refuses inputs of another name, shape and dtype", async () => {
    const model = await importOnnx(
      await encodeOnnx((a: Tensor, b: Tensor) => a.add(b), [tensor([1]), tensor([2])]),
    );
    const refusal = (f: () => unknown): unknown => {
      try {
        return f();
      } catch (error) {
        return error;
      }
    };
    expect(refusal(() => model.forward(tensor([1])))).toMatchObject({ code: "invalid-argument" });
    expect(refusal(() => model.run({ input_0: tensor([1]) }))).toMatchObject({ code: "invalid-argument" });
    expect(
      refusal(() => model.run({ input_0: tensor([1]), input_1: tensor([1]), c: tensor([1]) })),
    ).toMatchObject({
      code: "invalid-argument",
    });
    expect(refusal(() => model.run({ input_0: tensor([1, 2]), input_1: tensor([1]) }))).toMatchObject({
      code: "shape-mismatch",
    });
    expect(
      refusal(() => model.run({ input_0: tensor([1]), input_1: tensor([1], { dtype: "float64" }) })),
    ).toMatchObject({ code: "dtype-mismatch" });
    expect(refusal(() => model.forward(conv as unknown as Tensor))).toMatchObject({
      code: "invalid-argument",
    });
  });
});
