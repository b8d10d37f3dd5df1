/** Networks for classes: softmax with cross-entropy, the notes' three layers of rows, and the book's network on MNIST. */
import { mnist as mnistData } from "../../data/index.js";
import { oneHot, random, type Tensor, tensor } from "../../index.js";
import { quadratic, sigmoidCrossEntropy } from "../../losses/index.js";
import { Activation, init, Linear, Sequential } from "../../nn/index.js";
import { f64, type WorkedExample } from "./example.js";

export const softmax: WorkedExample = {
  name: "softmax",
  title: "softmax and cross-entropy: the full Jacobian, and a − y",
  points: [2, 24, 33, 49],
  of: "W[0,0]",
  about:
    "Every output depends on every z, so Σ′ is not diagonal (the notes' form fails here): it is diag(a) − a aᵀ. With −Σ y ln a it cancels to a − y all the same.",
  prepare() {
    const x = f64([
      [1, 0.5],
      [-0.5, 2],
    ]);
    const y = f64([
      [0, 1, 0],
      [1, 0, 0],
    ]);
    const cost = (W: Tensor, b: Tensor): Tensor => {
      const a = x.matmul(W.transpose()).add(b).softmax();
      return a.log().mul(y).sum().neg().div(2);
    };
    const w = f64([
      [0.3, -0.2],
      [0.1, 0.4],
      [-0.5, 0.2],
    ]);
    return { f: cost, args: [w, f64([0.1, 0, -0.1])], names: ["W", "b"] };
  },
};

export const rowBatch: WorkedExample = {
  name: "row-batch",
  title: "three layers, a batch of rows, log loss",
  points: [19, 23, 29, 42, 44, 45, 46, 48, 49, 50],
  of: "W_2[0,1]",
  about:
    "a = σ(a W + B) with rows as examples. The notes' δ_out and δ_2 are ∂J/∂a; here δ is ∂C/∂z. Their σ′(a_2) is σ′(z_2) = a_2(1 − a_2); their gradients lack 1/m; their 1 is 1ᵀ, which sums the batch.",
  prepare() {
    const keys = random.split(random.key(4), 4);
    const draw = (at: number, shape: readonly number[]): Tensor =>
      random.normal(keys[at], { shape, dtype: "float64" }).mul(10).round().div(10);
    const net = {
      W_1: draw(0, [2, 3]),
      B_1: f64([0.1, -0.1, 0]),
      W_2: draw(1, [3, 2]),
      B_2: f64([0, 0.2]),
      W_out: draw(2, [2, 1]),
      B_out: f64([0.1]),
    };
    const x = draw(3, [4, 2]);
    const y = f64([[1], [0], [1], [0]]);
    const cost = ({ W_1, B_1, W_2, B_2, W_out, B_out }: typeof net): Tensor => {
      const a1 = x.matmul(W_1).add(B_1).sigmoid();
      const a2 = a1.matmul(W_2).add(B_2).sigmoid();
      return sigmoidCrossEntropy(a2.matmul(W_out).add(B_out), y);
    };
    return { f: cost, args: [net], names: ["net"] };
  },
};

/** Images in the batch, and the seed of the weights. */
const batch = 10;
const seed = 1;

export const mnist: WorkedExample = {
  name: "mnist",
  title: "[784, 30, 10] on the first ten images of MNIST",
  points: [1, 6, 7, 19, 20, 24, 25, 26, 27, 28, 29, 32, 45],
  of: "layers.2.weight",
  about:
    "The network of the book before its first step: sigmoid, quadratic cost, weights and biases N(0, 1), a mini-batch of 10, in float64. The weight with the largest derivative of the output layer is explained.",
  async prepare() {
    const { inputs, targets } = await mnistData();
    const x = tensor(Float64Array.from(inputs.slice(0, batch * 784)), { shape: [batch, 784] });
    const labels = tensor(Int32Array.from(targets.slice(0, batch)), { dtype: "int32" });
    const y = oneHot(labels, 10, { dtype: "float64" });
    const [first, second] = random.split(random.key(seed));
    const model = new Sequential(
      new Linear(784, 30, { key: first, init: init.standard, dtype: "float64" }),
      new Activation("sigmoid"),
      new Linear(30, 10, { key: second, init: init.standard, dtype: "float64" }),
      new Activation("sigmoid"),
    );
    return { f: (m: Sequential) => quadratic(m.forward(x), y), args: [model], names: ["model"] };
  },
};
