/** Single neurons: one that learns, one that is saturated, one that is off, and single neurons among others. */
import { concat, type Tensor } from "../../index.js";
import { f64, type WorkedExample } from "./example.js";

/** C = ½(σ(w x + b) − y)², as chapter 3 of the book has it. */
function sigmoidNeuron(w: Tensor, b: Tensor, x: Tensor, y: Tensor): Tensor {
  return w.mul(x).add(b).sigmoid().sub(y).square().mul(0.5);
}

const names = ["w", "b", "x", "y"];

export const oneNeuron: WorkedExample = {
  name: "one-neuron",
  title: "one sigmoid neuron that learns 1 → 0",
  points: [4, 10, 28, 44, 47],
  of: "b",
  about: "w = 0.6, b = 0.9: the output is 0.82, and σ′ is well above 0. See saturated-neuron beside it.",
  prepare: () => ({ f: sigmoidNeuron, args: [f64(0.6), f64(0.9), f64(1), f64(0)], names }),
};

export const saturatedNeuron: WorkedExample = {
  name: "saturated-neuron",
  title: "the same neuron, badly wrong and slow to learn",
  points: [10, 28, 47],
  of: "b",
  about:
    "w = 2, b = 2: the output is 0.98, more wrong than with one-neuron, and yet the derivative is smaller. σ′ is at most 0.25 (the notes say 0.5), and a small δ need not mean a minimum.",
  prepare: () => ({ f: sigmoidNeuron, args: [f64(2), f64(2), f64(1), f64(0)], names }),
};

export const crossEntropyNeuron: WorkedExample = {
  name: "cross-entropy-neuron",
  title: "the saturated neuron with log loss: σ′ cancels",
  points: [44, 49],
  of: "b",
  about:
    "C = −y ln a − (1 − y) ln(1 − a), a = σ(w x + b), with w = b = 2: ∂C/∂z comes to a − y, with no σ′ in it.",
  prepare() {
    const cost = (w: Tensor, b: Tensor, x: Tensor, y: Tensor): Tensor => {
      const a = w.mul(x).add(b).sigmoid();
      const one = y.mul(a.log());
      const other = y.neg().add(1).mul(a.neg().add(1).log());
      return one.add(other).neg();
    };
    return { f: cost, args: [f64(2), f64(2), f64(1), f64(0)], names };
  },
};

export const oneLayer: WorkedExample = {
  name: "one-layer",
  title: "one rectified unit with squared error, over a batch",
  points: [4, 7, 16, 45],
  of: "w[0,0]",
  about:
    "C = mean (max(0, X w + b) − y)². Of the four examples one is below the kink: it sends nothing back.",
  prepare() {
    const x = f64([
      [1, 2],
      [0.5, -1],
      [-2, 0.3],
      [1.5, 1],
    ]);
    const y = f64([[1], [0.5], [1], [0]]);
    const cost = (w: Tensor, b: Tensor): Tensor => x.matmul(w).add(b).relu().sub(y).square().mean();
    return { f: cost, args: [f64([[0.5], [-0.25]]), f64([0.1])], names: ["w", "b"] };
  },
};

export const reluAtZero: WorkedExample = {
  name: "relu-at-zero",
  title: "ReLU at its kink",
  points: [16, 43],
  of: "w",
  about:
    "C = relu(w x)² + 2 relu(w x) at w = 0. ReLU is continuous there (the notes doubt it) but has no derivative: a subgradient is chosen, 0, as in PyTorch, and differences are inconclusive.",
  prepare() {
    const cost = (w: Tensor, x: Tensor): Tensor => {
      const a = w.mul(x).relu();
      return a.square().add(a.mul(2));
    };
    return { f: cost, args: [f64(0), f64(1.5)], names: ["w", "x"] };
  },
};

export const modifiedNeuron: WorkedExample = {
  name: "modified-neuron",
  title: "exercise: one neuron with f ≠ σ",
  points: [30],
  of: "w[0,0]",
  about:
    "The first of two neurons has tanh in place of σ. That changes f′ in its one place, and the forward pass too.",
  prepare() {
    const [x, y] = [f64([0.05, 0.1]), f64([0.01, 0.99])];
    const cost = (w: Tensor, b: Tensor): Tensor => {
      const z = w.matmul(x).add(b);
      const a = concat([z.slice([0, 1]).tanh(), z.slice([1, 2]).sigmoid()], 0);
      return a.sub(y).square().sum().mul(0.5);
    };
    const w = f64([
      [0.15, 0.2],
      [0.25, 0.3],
    ]);
    return { f: cost, args: [w, f64([0.35, 0.35])], names: ["w", "b"] };
  },
};

export const linearNeurons: WorkedExample = {
  name: "linear-neurons",
  title: "exercise: linear neurons, σ′ = 1",
  points: [31, 50],
  of: "w1[0,0]",
  about:
    "Every a is its z, and what is explained is a sum of the outputs, one minus two times the other: all factors are of linear maps, so the slope is exact at any distance.",
  prepare() {
    const [x, v] = [f64([0.5, -1]), f64([1, -2])];
    const cost = (w1: Tensor, w2: Tensor): Tensor => w2.matmul(w1.matmul(x)).mul(v).sum();
    const w1 = f64([
      [0.2, -0.4],
      [0.1, 0.3],
    ]);
    const w2 = f64([
      [1.5, -0.5],
      [0.25, 2],
    ]);
    return { f: cost, args: [w1, w2], names: ["w1", "w2"] };
  },
};
