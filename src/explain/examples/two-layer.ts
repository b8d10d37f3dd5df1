/** The network 2-2-2 whose numbers are published, step by step (M. Mazur 2015): sigmoid, ½ squared error, shared biases. */
import type { Tensor } from "../../index.js";
import { f64, type WorkedExample } from "./example.js";

interface Net {
  readonly hidden: Tensor;
  readonly output: Tensor;
  readonly b1: Tensor;
  readonly b2: Tensor;
}

export const twoLayer: WorkedExample = {
  name: "two-layer",
  title: "two inputs, two hidden, two outputs, with the published numbers",
  points: [1, 3, 6, 9, 12, 22, 23, 24, 25, 26, 27, 29, 42, 43, 44, 51],
  of: "hidden[0,0]",
  about:
    "i = 0.05, 0.1; w1–w4 are hidden, w5–w8 are output, one bias a layer, targets 0.01 and 0.99. ∂E/∂w1 has two paths. A published misprint: the first path to h1 carries 0.055399425, not …435.",
  prepare() {
    const [x, y] = [f64([0.05, 0.1]), f64([0.01, 0.99])];
    const net: Net = {
      hidden: f64([
        [0.15, 0.2],
        [0.25, 0.3],
      ]),
      output: f64([
        [0.4, 0.45],
        [0.5, 0.55],
      ]),
      b1: f64(0.35),
      b2: f64(0.6),
    };
    const cost = ({ hidden, output, b1, b2 }: Net): Tensor => {
      const h = hidden.matmul(x).add(b1).sigmoid();
      const o = output.matmul(h).add(b2).sigmoid();
      return o.sub(y).square().sum().mul(0.5);
    };
    return { f: cost, args: [net], names: ["net"] };
  },
};
