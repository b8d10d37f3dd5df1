/**
 * The two-layer example with published numbers: 2-2-2, sigmoid, E = Σ ½(target − out)², one step with η = 0.5. The
 * published numbers are rounded, so a value agrees when it is within one unit of the last printed digit.
 *
 * One of them is misprinted: the first path to ∂E/∂h1 appears as 0.055399435, but only 0.055399425 − 0.019049119 is
 * the published sum 0.036350306.
 */
import { describe, expect, it } from "vitest";
import { grad, jit, type Tensor, valueAndGrad } from "../../src/index.js";
import { expectClose, f64, num, quadratic } from "./support.js";

interface Net {
  /** w1 w2 / w3 w4, then w5 w6 / w7 w8: a row a neuron. */
  readonly hidden: Tensor;
  readonly output: Tensor;
  /** The published example has one bias a layer, shared by its two neurons. */
  readonly b1: Tensor;
  readonly b2: Tensor;
}

const x = f64([0.05, 0.1]);
const y = f64([0.01, 0.99]);
const start: Net = {
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

const hiddenOf = ({ hidden, b1 }: Net): Tensor => hidden.matmul(x).add(b1).sigmoid();
const outputOf = (net: Net, h: Tensor): Tensor => net.output.matmul(h).add(net.b2).sigmoid();
const cost = (net: Net): Tensor => quadratic(outputOf(net, hiddenOf(net)), y);

/** Each element within one unit of the last digit printed. */
function expectPublished(actual: Tensor, printed: readonly string[]): void {
  const got = actual.flatten().dataSync();
  expect(got).toHaveLength(printed.length);
  printed.forEach((text, i) => {
    const unit = 10 ** -(text.length - text.indexOf(".") - 1);
    expect(Math.abs(got[i] - Number(text)), `${text} against ${got[i]}`).toBeLessThanOrEqual(unit);
  });
}

describe("the two-layer example", () => {
  it("51: forward, h, o and E are the published numbers", () => {
    const h = hiddenOf(start);
    expectPublished(h, ["0.593269992", "0.596884378"]);
    expectPublished(outputOf(start, h), ["0.75136507", "0.772928465"]);
    expectPublished(cost(start), ["0.298371109"]);
  });

  it("51: ∂E/∂w5 = 0.082167041 is the product of its three factors", () => {
    const h = hiddenOf(start);
    const o1 = num(outputOf(start, h).slice(0));
    const factors = [o1 - 0.01, o1 * (1 - o1), num(h.slice(0))];
    expect(factors[0]).toBeCloseTo(0.74136507, 8);
    expect(factors[1]).toBeCloseTo(0.186815602, 8);
    const w5 = grad(cost)(start).output.slice(0, 0);
    expectPublished(w5, ["0.082167041"]);
    expectClose(w5, factors[0] * factors[1] * factors[2]);
  });

  it("51: ∂E/∂h1 is the sum over two paths, 0.055399425 − 0.019049119 = 0.036350306", () => {
    const h = hiddenOf(start);
    const path = (k: number) =>
      grad((at: Tensor) => quadratic(outputOf(start, at).slice(k), y.slice(k)))(h).slice(0);
    const towardsH = grad((at: Tensor) => quadratic(outputOf(start, at), y))(h).slice(0);
    expectPublished(path(0), ["0.055399425"]);
    expectPublished(path(1), ["-0.019049119"]);
    expectPublished(towardsH, ["0.036350306"]);
    expectClose(towardsH, path(0).add(path(1)));
  });

  it("51: ∂E/∂w1 = 0.000438568", () => {
    expectPublished(grad(cost)(start).hidden.slice(0, 0), ["0.000438568"]);
  });

  it("51: one step with the biases kept fixed gives all eight published weights", () => {
    const g = grad(cost)(start);
    const step = (w: Tensor, slope: Tensor): Tensor => w.sub(slope.mul(0.5));
    expectPublished(step(start.hidden, g.hidden), ["0.149780716", "0.19956143", "0.24975114", "0.29950229"]);
    expectPublished(step(start.output, g.output), ["0.35891648", "0.408666186", "0.51130127", "0.561370121"]);
    // all eight at once: the hidden gradient uses the old output weights, as the publication insists
    const order = { ...start, output: step(start.output, g.output) };
    expect(Math.abs(num(grad(cost)(order).hidden.slice(0, 0)) - 0.000438568)).toBeGreaterThan(1e-6);
  });

  it("51: the biases have gradients too, and a shared bias adds up its neurons'", () => {
    const g = grad(cost)(start);
    const perNeuron = (net: Net & { both: Tensor }) =>
      quadratic(net.output.matmul(hiddenOf(net)).add(net.both).sigmoid(), y);
    const each = grad(perNeuron)({ ...start, both: f64([0.6, 0.6]) }).both;
    expectClose(g.b2, each.sum());
    expectClose(
      each,
      [0.7413650695523157 * 0.18681560180895948, -0.21707153467853746 * 0.17551005281727122],
      1e-12,
    );
    expect(Math.abs(num(g.b1))).toBeGreaterThan(1e-3);
  });

  it("51: 10,000 steps bring E down to 0.0000351", () => {
    // the weights alone move: the publication never updates the biases
    const step = jit((net: Net) => {
      const [E, g] = valueAndGrad(cost)(net);
      return [
        { ...net, hidden: net.hidden.sub(g.hidden.mul(0.5)), output: net.output.sub(g.output.mul(0.5)) },
        E,
      ] as const;
    });
    let net: Net = start;
    for (let i = 0; i < 10_000; i++) [net] = step(net);
    expect(num(cost(net))).toBeCloseTo(0.0000351, 7);
    expectPublished(outputOf(net, hiddenOf(net)), ["0.0159", "0.9841"]);
  });
});
