import { describe, expect, it } from "vitest";
import { ones, type Tensor } from "../../src/index.js";
import * as nn from "../../src/nn/index.js";

describe("summary", () => {
  it("shows each layer's output shape, parameters and operations, and the totals", () => {
    const model = new nn.Sequential(
      new nn.Flatten(),
      new nn.Linear(784, 30),
      new nn.Activation("sigmoid"),
      new nn.Sequential(new nn.Linear(30, 10, { bias: false })),
    );
    expect(nn.summary(model, [1, 28, 28]).split("\n")).toEqual([
      "Layer                               Output shape           Parameters      FLOPs",
      "─".repeat(80),
      "input                               [batch, 1, 28, 28]",
      "0  Flatten()                        [batch, 784]                    0          0",
      // 30 · (2 · 784 multiply-adds and a bias)
      "1  Linear(784 → 30)                 [batch, 30]                23,550     47.1 k",
      "2  Activation(sigmoid)              [batch, 30]                     0         30",
      "3.0  Linear(30 → 10, no bias)       [batch, 10]                   300        600",
      "─".repeat(80),
      // 23,850 float32: 95,400 bytes
      "total                               93.2 KiB                   23,850     47.7 k",
    ]);
  });

  it("shows a model of one's own by the layers it calls and what it does besides, and functions by their names", () => {
    class Scaling implements nn.Module {
      readonly inner = new nn.Linear(2, 1000);
      readonly scale = ones([1000]);
      forward(x: Tensor): Tensor {
        return this.inner.forward(x).mul(this.scale);
      }
    }
    const shift = (x: Tensor): Tensor => x.add(1);
    const lines = nn.summary(new nn.Sequential(new Scaling(), shift), [2]).split("\n");
    // 1000 · (2 · 2 + 1) in the layer, and 1000 to scale what it gives
    expect(lines.slice(3, 6)).toEqual([
      "0.inner  Linear(2 → 1000)           [batch, 1000]               3,000     5.00 k",
      "0  Scaling, itself                  [batch, 1000]               1,000     1.00 k",
      "1  shift                            [batch, 1000]                   0     1.00 k",
    ]);
    expect(lines.at(-1)).toMatch(/ 4,000 +7\.00 k$/);
    expect(nn.summary(new Scaling(), [2])).toMatch(/^inner {2}Linear.*\nScaling, itself /m);
  });

  it("shows a model without layers as one line, and layers that are called twice with their parameters once", () => {
    class Doubling implements nn.Module {
      forward = (x: Tensor): Tensor => x.mul(2);
    }
    expect(nn.summary(new Doubling(), [2])).toMatch(/^Doubling +\[batch, 2\] +0 +2$/m);
    class Twice implements nn.Module {
      readonly blocks = { all: [new nn.Linear(2, 2)] };
      forward(x: Tensor): Tensor {
        return this.blocks.all.reduce((value, block) => block.forward(block.forward(value)), x);
      }
    }
    const lines = nn.summary(new Twice(), [2]).split("\n");
    expect(lines.slice(3, 5).map((line) => line.replace(/ {2,}/g, "  "))).toEqual([
      "blocks.all.0  Linear(2 → 2)  [batch, 2]  6  10",
      "blocks.all.0  Linear(2 → 2)  [batch, 2]  0  10",
    ]);
    expect(lines.at(-1)).toMatch(/^total +24 B +6 +20$/);
  });

  it("shows attention and a transformer's block as one layer each", () => {
    const model = new nn.Sequential(new nn.MultiHeadAttention(8, 2), new nn.TransformerBlock(8, 2));
    expect(nn.summary(model, [5, 8]).split("\n")).toHaveLength(7);
  });

  it("counts no running statistics among the parameters, and begins with rows where the model does", () => {
    const model = new nn.Sequential(
      new nn.Embedding(5, 3),
      (x: Tensor) => x.swapAxes(1, 2),
      new nn.BatchNorm(3),
    );
    const lines = nn.summary(model, [7]).split("\n");
    expect(lines[3]).toMatch(/^0 {2}Embedding\(5 × 3\) +\[batch, 7, 3\] +15 +0$/);
    expect(lines[5]).toMatch(/^2 {2}BatchNorm\(3\) +\[batch, 3, 7\] +6 /);
  });

  it("has no operations for a layer that reads values", () => {
    const reading = (x: Tensor): Tensor => (x.sum().itemSync() > 0 ? x : x.mul(2));
    expect(nn.summary(new nn.Sequential(reading), [2])).toMatch(/^0 {2}reading +\[batch, 2\] +0 +\?$/m);
  });

  it("stays within 80 columns", () => {
    const longName = { a_function_with_a_name_far_longer_than_its_column_can_hold: (x: Tensor) => x };
    const model = new nn.Sequential(new nn.Activation(Object.values(longName)[0]), new nn.Linear(1, 789));
    for (const line of nn.summary(model, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]).split("\n"))
      expect(line.length).toBeLessThanOrEqual(80);
  });

  it("says which shape a layer did not expect", () => {
    expect(() => nn.summary(new nn.Sequential(new nn.Linear(3, 1)), [2])).toThrow(
      /must be \[batch…, 3\], received \[1, 2\]/,
    );
  });

  it("refuses what is no model", () => {
    expect(() => nn.summary({}, [2])).toThrow(/must be a model, with a forward method/);
  });
});
