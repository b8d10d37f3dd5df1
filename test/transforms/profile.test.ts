/** profile: every kernel counted and timed, on both devices. */
import { afterAll, describe, expect, it } from "vitest";
import {
  devices,
  jit,
  ones,
  profile,
  random,
  setDevice,
  type Tensor,
  tensor,
  valueAndGrad,
} from "../../src/index.js";

const a = random.normal(random.key(1), { shape: [40, 50] });
const b = random.normal(random.key(2), { shape: [50, 60] });
const f = (x: Tensor, y: Tensor): Tensor => x.matmul(y).tanh().sum();

describe.each(devices())("on the %s device", (device) => {
  afterAll(() => setDevice(devices()[0]));

  it("lists kernels with times, operations, bytes and shares that add up", () => {
    setDevice(device);
    const { kernels, microseconds, runs } = profile(f, [a, b], { runs: 5 });
    expect(runs).toBe(5);
    const product = kernels.find(({ name }) => name.startsWith("dot"));
    // 2 · 40 · 50 · 60 for the product; the tanh may be fused behind it
    expect(product?.flops).toBeGreaterThanOrEqual(2 * 40 * 50 * 60);
    expect(product?.flops).toBeLessThan(2 * 40 * 50 * 60 + 2 * 40 * 60);
    expect(product?.bytes).toBe(4 * (40 * 50 + 50 * 60 + 40 * 60));
    expect(kernels.reduce((sum, kernel) => sum + kernel.share, 0)).toBeCloseTo(1, 9);
    expect(kernels.reduce((sum, kernel) => sum + kernel.microseconds, 0)).toBeCloseTo(microseconds, 9);
    for (const { flops, microseconds: time, gigaflopsPerSecond } of kernels)
      if (time > 0) expect(gigaflopsPerSecond).toBeCloseTo(flops / time / 1000, 9);
  });

  it("prints a table in 80 columns and a Chrome trace of one run", () => {
    setDevice(device);
    const whole = profile(valueAndGrad(f, { argnums: [0, 1] }), [a, b], { runs: 2 });
    for (const line of String(whole).split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const { traceEvents } = JSON.parse(whole.toChromeTrace()) as {
      traceEvents: { name: string; ts: number; dur: number }[];
    };
    expect(traceEvents.length).toBe(whole.kernels.length);
    traceEvents.forEach(({ ts, dur }, i) => {
      if (i + 1 < traceEvents.length) expect(traceEvents[i + 1].ts).toBeCloseTo(ts + dur, 9);
    });
  });
});

it("takes trees, and refuses what it cannot run", () => {
  expect(
    profile((m: { w: Tensor }, scale: number) => m.w.mul(scale), [{ w: a }, 2], { runs: 1 }).kernels.length,
  ).toBe(1);
  const refused = (attempt: () => unknown, code: string): void =>
    expect(attempt).toThrow(expect.objectContaining({ code }));
  refused(() => profile(f, a as unknown as Tensor[]), "invalid-argument");
  refused(() => profile(f, [a, b], { runs: 0 }), "invalid-argument");
  refused(() => profile((x: Tensor) => x.itemSync(), [tensor(1)]), "abstract-value");
  refused(
    () => jit((x: Tensor) => profile((y: Tensor) => y, [x]).kernels.length)(ones([2])),
    "abstract-value",
  );
});
