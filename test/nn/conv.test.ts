import { describe, expect, it } from "vitest";
import { arange, conv, convTranspose, jit, ones, random, type Tensor, zeros } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

/** A layer whose weights and biases count 0, 1, 2, …: no two products are alike. */
function counted<Layer extends nn.Module>(layer: Layer): Layer {
  const dict = Object.entries(nn.stateDict(layer)).map(([name, { shape, size }]): [string, Tensor] => [
    name,
    arange(size)
      .sub(size / 2)
      .reshape(shape),
  ]);
  return nn.loadStateDict(layer, new Map(dict));
}

describe("convolutional layers", () => {
  const x = random.normal(random.key(1), { shape: [2, 4, 6, 7] });

  it("convolve as the operation does, and add a bias to every channel", () => {
    const options = { stride: [2, 1], padding: 1, dilation: [1, 2], groups: 2 };
    const layer = counted(new nn.Conv2d(4, 6, [3, 2], options));
    const expected = conv(x, layer.weight, options).add(layer.bias?.reshape([6, 1, 1]) ?? 0);
    expect(layer.forward(x).arraySync()).toEqual(expected.arraySync());
    expect(layer.weight.shape).toEqual([6, 2, 3, 2]);
  });

  it("have no bias where none is asked for", () => {
    const layer = new nn.Conv1d(1, 2, 3, { bias: false });
    expect(layer.bias).toBeNull();
    expect(layer.forward(zeros([1, 1, 5])).arraySync()).toEqual(zeros([1, 2, 3]).arraySync());
  });

  it("transposed, spread as the operation does; output padding gives the extents a convolution forgot", () => {
    const layer = counted(new nn.ConvTranspose2d(4, 3, 3, { stride: 2, padding: 1 }));
    const expected = convTranspose(x, layer.weight, { stride: 2, padding: 1 }).add(
      layer.bias?.reshape([3, 1, 1]) ?? 0,
    );
    expect(layer.forward(x).arraySync()).toEqual(expected.arraySync());
    for (const extent of [7, 8]) {
      const down = new nn.Conv2d(1, 1, 3, { stride: 2, padding: 1 });
      const up = new nn.ConvTranspose2d(1, 1, 3, { stride: 2, padding: 1, outputPadding: (extent + 1) % 2 });
      expect(up.forward(down.forward(ones([1, 1, extent, extent]))).shape).toEqual([1, 1, extent, extent]);
    }
  });

  it("start within ±1/√(in · window), weights and biases, as PyTorch's do", () => {
    const { weight, bias } = new nn.Conv2d(4, 200, 5, { key: random.key(3) });
    for (const values of [weight.dataSync(), bias?.dataSync() ?? []]) {
      expect(Math.max(...values)).toBeLessThan(0.1);
      // 200 draws miss the outer tenth of either side with probability (1 − 1/20)²⁰⁰ < 4e−5
      expect(Math.max(...values)).toBeGreaterThan(0.09);
      expect(Math.min(...values)).toBeLessThan(-0.09);
    }
  });

  it("pool as the operations do, side by side unless told", () => {
    expect(new nn.MaxPool2d(2).forward(x).shape).toEqual([2, 4, 3, 3]);
    expect(
      new nn.AvgPool2d([2, 3], {
        stride: 1,
        padding: [
          [0, 1],
          [1, 0],
        ],
      }).forward(x).shape,
    ).toEqual([2, 4, 6, 6]);
    expect(new nn.MaxPool2d(7).forward(ones([1, 1, 7, 7])).arraySync()).toEqual([[[[1]]]]);
  });

  it("keep their options through jit", () => {
    const layer = counted(new nn.Conv2d(4, 2, 3, { stride: 2, padding: "same" }));
    const forward = jit((model: nn.Conv2d, input: Tensor) => model.forward(input));
    expect(forward(layer, x).shape).toEqual([2, 2, 3, 4]);
  });

  it("say what they are", () => {
    expect(
      [
        new nn.Conv2d(1, 6, 5),
        new nn.Conv2d(4, 6, [3, 2], {
          stride: [2, 1],
          padding: [
            [1, 1],
            [0, 2],
          ],
          groups: 2,
          bias: false,
        }),
        new nn.Conv1d(4, 8, 3, { padding: "same", dilation: 2 }),
        new nn.ConvTranspose2d(8, 4, 2, { stride: 2, outputPadding: 1 }),
        new nn.MaxPool2d(2),
        new nn.AvgPool2d(3, { stride: 2, padding: 1 }),
      ].map(String),
    ).toEqual([
      "Conv2d(1 → 6, 5×5)",
      "Conv2d(4 → 6, 3×2, stride 2×1, padding 1…1 × 0…2, groups 2, no bias)",
      "Conv1d(4 → 8, 3, padding same, dilation 2)",
      "ConvTranspose2d(8 → 4, 2×2, stride 2, output padding 1)",
      "MaxPool2d(2×2)",
      "AvgPool2d(3×3, stride 2, padding 1)",
    ]);
  });
});
