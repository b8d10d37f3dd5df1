import { inspect } from "node:util";
import { expect, it } from "vitest";
import * as nn from "../../src/nn/index.js";

it("Node prints a model as its layers, without their numbers", () => {
  const inner = new nn.Sequential(new nn.Linear(3, 3, { bias: false }), new nn.Flatten());
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.Activation("tanh"), inner);
  expect(inspect(model)).toBe(
    "Sequential(\n  0: Linear(2 → 3)\n  1: Activation(tanh)\n  2: Sequential(\n    0: Linear(3 → 3, no bias)\n    1: Flatten()\n  )\n)",
  );
  expect(inspect(new nn.Sequential())).toBe("Sequential()");
  const block = new nn.Residual(
    new nn.Sequential(new nn.LayerNorm(3), new nn.Dropout(0.1)),
    new nn.Linear(3, 3),
  );
  expect(inspect(block)).toBe(
    "Residual(Sequential(\n  0: LayerNorm(3)\n  1: Dropout(0.1)\n), Linear(3 → 3))",
  );
  expect(inspect([new nn.Embedding(10, 4), new nn.TransformerBlock(4, 2, { hidden: 8, causal: true })])).toBe(
    "[ Embedding(10 × 4), TransformerBlock(4, 2 heads, hidden 8, causal) ]",
  );
});
