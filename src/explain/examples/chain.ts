/** Two hidden layers of one neuron each: six parameters, each with one path. */
import type { Tensor } from "../../index.js";
import { f64, type WorkedExample } from "./example.js";

export const chain: WorkedExample = {
  name: "chain",
  title: "two hidden layers of one neuron each: six partial derivatives",
  points: [11, 12, 13, 14, 15, 17, 18, 46],
  of: "θ2",
  about:
    "C = (ŷ − y)², ŷ = σ(θ3 a2 + b3), a2 = σ(θ2 a1 + b2), a1 = σ(θ1 x + b1). The product so far is the progress map. One path is enough only because every layer has one neuron; elsewhere paths add up.",
  prepare() {
    const cost = (
      θ1: Tensor,
      b1: Tensor,
      θ2: Tensor,
      b2: Tensor,
      θ3: Tensor,
      b3: Tensor,
      x: Tensor,
      y: Tensor,
    ): Tensor => {
      const a1 = θ1.mul(x).add(b1).sigmoid();
      const a2 = θ2.mul(a1).add(b2).sigmoid();
      return θ3.mul(a2).add(b3).sigmoid().sub(y).square();
    };
    return {
      f: cost,
      args: [0.4, 0.1, -0.7, 0.2, 0.9, -0.3, 1.5, 0.25].map((value) => f64(value)),
      names: ["θ1", "b1", "θ2", "b2", "θ3", "b3", "x", "y"],
    };
  },
};
