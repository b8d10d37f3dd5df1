/** Graphs that are no networks: the chain rule in each of its forms. */
import type { Tensor } from "../../index.js";
import { f64, type WorkedExample } from "./example.js";

export const thrice: WorkedExample = {
  name: "thrice",
  title: "f(f(f(w))): store or recompute",
  points: [36, 40, 41],
  of: "w",
  about:
    "x = f(w), y = f(x), z = f(y) with f = sin. ∂z/∂w = f′(y) f′(x) f′(w), three factors (the notes drop ∂x/∂w), and f(w) and f(f(w)) are each needed again: see --show cost.",
  prepare() {
    const f = (v: Tensor): Tensor => v.sin();
    return { f: (w: Tensor) => f(f(f(w))), args: [f64(0.8)], names: ["w"] };
  },
};

export const totalDerivative: WorkedExample = {
  name: "total-derivative",
  title: "a sum over paths",
  points: [3, 5, 35],
  of: "x",
  about: "y = x + u², u = sin x: x reaches y directly and through u, and the two paths add up.",
  prepare: () => ({
    f: (x: Tensor) => x.add(x.sin().square()),
    args: [f64(1.2)],
    names: ["x"],
  }),
};

export const heldArgument: WorkedExample = {
  name: "held-argument",
  title: "∇ₓ f(x, y): differentiate x, hold y",
  points: [20, 34],
  of: "x[1]",
  about: "f = Σ x² y. y enters the function like x does; it is held, as the targets of a cost are.",
  prepare: () => ({
    f: (x: Tensor, y: Tensor) => x.square().mul(y).sum(),
    args: [f64([1, -2, 3]), f64([0.5, 2, -1])],
    names: ["x", "y"],
  }),
};

export const threeFunctions: WorkedExample = {
  name: "three-functions",
  title: "the chain rule for three functions of vectors",
  points: [36, 37, 38],
  of: "x[0]",
  about:
    "y1 = A x, y2 = tanh y1, z = v · y2: ∇z = (∂y1/∂x)ᵀ (∂y2/∂y1)ᵀ ∇z(y2), in this order. The notes have the two Jacobians reversed, and the limits of the sums exchanged.",
  prepare() {
    const a = f64([
      [1, -0.5],
      [0.25, 2],
      [-1, 0.5],
    ]);
    const v = f64([0.5, -1, 2]);
    return { f: (x: Tensor) => a.matmul(x).tanh().mul(v).sum(), args: [f64([0.3, -0.2])], names: ["x"] };
  },
};

export const tensors: WorkedExample = {
  name: "tensors",
  title: "tensors of tensors: ∇_X z = Σ_j (∇_X Y_j) ∂z/∂Y_j",
  points: [2, 5, 39],
  of: "X[1,0]",
  about:
    "Y = X W is a matrix, z = Σ Y² a number. X[1,0] reaches every Y_j in its row, and no other: so many paths.",
  prepare() {
    const w = f64([
      [1, -1, 0.5],
      [2, 0.5, -0.25],
    ]);
    const x = f64([
      [0.5, 1],
      [-1, 0.75],
    ]);
    return { f: (X: Tensor, W: Tensor) => X.matmul(W).square().sum(), args: [x, w], names: ["X", "W"] };
  },
};

export const hadamard: WorkedExample = {
  name: "hadamard",
  title: "the product element by element",
  points: [9, 21],
  of: "s[1]",
  about: "[1 2] ⊙ [3 4] = [3 8], added up: each element of s gets the element of t beside it.",
  prepare: () => ({
    f: (s: Tensor, t: Tensor) => s.mul(t).sum(),
    args: [f64([1, 2]), f64([3, 4])],
    names: ["s", "t"],
  }),
};

export const repeated: WorkedExample = {
  name: "repeated",
  title: "repeated subexpressions: many paths, few edges",
  points: [8, 32, 40, 41],
  of: "w",
  about:
    "u ← u + u², six times, from u = w: paths double at each step, 64 in all, while the backward pass visits each edge once.",
  prepare: () => ({
    f: (w: Tensor) => {
      let u = w;
      for (let i = 0; i < 6; i++) u = u.add(u.square());
      return u;
    },
    args: [f64(0.1)],
    names: ["w"],
  }),
};
