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
    const { kernels, microseconds, runs, memory } = profile(f, [a, b], { runs: 5 });
    // the two arguments at the least, and no more than with every value in a place of its own
    const [least, most] = [4 * (40 * 50 + 50 * 60), 4 * (40 * 50 + 50 * 60 + 5 * 40 * 60)];
    expect(memory.liveBytes).toBeGreaterThanOrEqual(least);
    expect(memory.arenaBytes).toBeGreaterThanOrEqual(memory.liveBytes);
    expect(memory.staticBytes + memory.arenaBytes).toBeLessThanOrEqual(most);
    expect(runs).toBe(5);
    const product = kernels.find(({ operation }) => operation.startsWith("dot"));
    // 2 · 40 · 50 · 60 for the product; the tanh may be fused behind it
    expect(product?.flops).toBeGreaterThanOrEqual(2 * 40 * 50 * 60);
    expect(product?.flops).toBeLessThan(2 * 40 * 50 * 60 + 2 * 40 * 60);
    expect(product?.bytes).toBe(4 * (40 * 50 + 50 * 60 + 40 * 60));
    expect(kernels.reduce((sum, kernel) => sum + kernel.share, 0)).toBeCloseTo(1, 9);
    expect(kernels.reduce((sum, kernel) => sum + kernel.microseconds, 0)).toBeCloseTo(microseconds, 9);
    for (const { flops, microseconds: time, gigaflopsPerSecond } of kernels)
      if (time > 0) expect(gigaflopsPerSecond).toBeCloseTo(flops / time / 1000, 9);
  });

  it("prints a table in 80 columns, and writes when every kernel of every run began", () => {
    setDevice(device);
    const whole = profile(valueAndGrad(f, { argnums: [0, 1] }), [a, b], { runs: 3 });
    for (const line of String(whole).split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    const { traceEvents } = JSON.parse(whole.toChromeTrace()) as {
      traceEvents: { name: string; ph: string; ts: number; dur: number }[];
    };
    const runs = traceEvents.filter(({ ph, name }) => ph === "X" && name.startsWith("run "));
    const kernels = traceEvents.filter(({ ph, name }) => ph === "X" && !name.startsWith("run "));
    expect(runs.length).toBe(3);
    expect(kernels.length).toBe(3 * whole.kernels.length);
    kernels.forEach(({ ts, dur }, i) => {
      const run = runs[Math.floor(i / whole.kernels.length)];
      // rounding of sums of the clock's readings, in microseconds
      expect(ts).toBeGreaterThanOrEqual(run.ts - 1e-3);
      expect(ts + dur).toBeLessThanOrEqual(run.ts + run.dur + 1e-3);
      if (i > 0) expect(ts).toBeGreaterThanOrEqual(kernels[i - 1].ts + kernels[i - 1].dur - 1e-3);
    });
    const { memory, kernels: listed } = JSON.parse(JSON.stringify(whole)) as ReturnType<typeof whole.toJSON>;
    expect(memory).toEqual(whole.memory);
    expect(listed.map(({ name }) => name)).toEqual(whole.kernels.map(({ name }) => name));
  });

  it("leaves donated arguments as they were", () => {
    setDevice(device);
    const x = tensor([1, 2]);
    profile((v: Tensor) => v.mul(2), [x], { runs: 2, donate: [0] });
    expect(x.arraySync()).toEqual([1, 2]);
  });
});

describe("on the wasm device, kernels are named by what they compute", () => {
  const named = (g: (...args: never) => unknown, args: unknown[], options = {}): string[] =>
    profile(g, args, { runs: 1, ...options }).kernels.map(({ name }) => name);

  it.skipIf(!devices().includes("wasm"))("in the words of the function's parameters", () => {
    setDevice("wasm");
    const layer = { weight: random.normal(random.key(3), { shape: [60, 50] }), bias: ones([60]) };
    const forward = (model: { layers: (typeof layer)[] }, x: Tensor): Tensor =>
      x.matmul(model.layers[0].weight.transpose()).add(model.layers[0].bias).tanh();
    const names = named(forward, [{ layers: [layer] }, a]);
    expect(names.join("; ")).toMatch(/x·weight₀ᵀ/);
    expect(names.join("; ")).toMatch(/out = tanh\(.* \+ bias₀\)/);
  });

  it.skipIf(!devices().includes("wasm"))("an update in place is one", () => {
    setDevice("wasm");
    const update = (w: Tensor, g: Tensor): Tensor => w.sub(g.mul(0.5));
    expect(named(update, [a, a.mul(2)], { donate: [0] })).toEqual(["w −= g·0.5"]);
    expect(named(update, [a, a.mul(2)])).toEqual(["out = w − g·0.5"]);
  });

  it.skipIf(!devices().includes("wasm"))("choices between a value and 0 are written as such", () => {
    setDevice("wasm");
    expect(named((x: Tensor) => x.relu(), [a])).toEqual(["out = relu(x)"]);
    expect(named((x: Tensor) => x.mul(x).sum(), [a])).toEqual(["out = Σ x²"]);
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
  refused(() => profile(f, [a, b], { donate: [2] }), "invalid-argument");
  refused(() => profile(f, [a, b], { donate: 0 as unknown as number[] }), "invalid-argument");
  refused(() => profile((x: Tensor) => x.itemSync(), [tensor(1)]), "abstract-value");
  refused(
    () => jit((x: Tensor) => profile((y: Tensor) => y, [x]).kernels.length)(ones([2])),
    "abstract-value",
  );
});
