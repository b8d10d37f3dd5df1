/** adjoint bench: what it prints, and what it refuses. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Command, flowers } from "./support.js";

let command: Command;
beforeAll(() => {
  command = new Command("bench");
});
afterAll(() => command.remove());

const small = ["bench", "--layers", "5,4,3", "--batch", "2", "--steps", "40", "--threads", "1"];

describe("adjoint bench", () => {
  it("times a step, says what memory it takes, and how much it computes, in 80 columns", async () => {
    const { code, out, err } = await command.run(small);
    expect([code, err]).toEqual([0, ""]);
    for (const line of out.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(out).toMatch(/^network {9}5-4-3 +sigmoid, sigmoid output$/m);
    expect(out).toMatch(/^device {10}wasm, 1 thread +BLAS: /m);
    expect(out).toMatch(/^time per step {3}\d+(\.\d+)? (µs|ms) +quartiles .*; 40 steps$/m);
    // (5 + 1) · 4 + (4 + 1) · 3
    expect(out).toMatch(/^parameters {6}156 B +39 numbers$/m);
    expect(out).toMatch(/^optimizer state 4 B$/m);
    expect(out).toMatch(/^peak memory /m);
    expect(out).not.toMatch(/^kernel/m);
  });

  it("counts at least the products of a step, and their bytes, and remembers twice the weights for Adam", async () => {
    const { code, events } = await command.events([...small, "--optimizer", "adam", "--profile"]);
    expect(code).toBe(0);
    const [bench] = events as unknown as {
      flopsPerStep: number;
      step: { seconds: number; lower: number; upper: number; steps: number };
      memory: Record<string, number>;
      profile: { kernels: { flops: number; share: number }[]; runs: number };
    }[];
    // forward 2·2·(5·4 + 4·3), weights the same, and one product back through the second layer
    expect(bench.flopsPerStep).toBeGreaterThan(2 * 2 * (2 * (5 * 4 + 4 * 3) + 4 * 3));
    expect(bench.profile.kernels.reduce((sum, { flops }) => sum + flops, 0)).toBe(bench.flopsPerStep);
    expect(bench.memory.parameterBytes).toBe(4 * 39);
    expect(bench.memory.optimizerBytes).toBe(2 * 4 * 39 + 4);
    expect(bench.memory.peakBytes).toBeGreaterThan(3 * 4 * 39);
    expect(bench.step.steps).toBe(40);
    expect(bench.step.lower).toBeLessThanOrEqual(bench.step.seconds);
    expect(bench.step.upper).toBeGreaterThanOrEqual(bench.step.seconds);
    expect(bench.profile.runs).toBe(50);
  });

  it("lists kernels by what they compute, and writes a trace of 50 steps", async () => {
    const { code, out } = await command.run([...small, "--profile", "--trace", "step.json"]);
    expect(code).toBe(0);
    expect(out).toContain("x·weight₀ᵀ");
    expect(out).toContain("written         step.json");
    const { traceEvents } = JSON.parse(readFileSync(command.path("step.json"), "utf8")) as {
      traceEvents: { name: string; ph: string; ts: number; dur: number }[];
    };
    expect(traceEvents.filter(({ name }) => /^run \d+$/.test(name)).length).toBe(50);
    for (const { ph, ts, dur } of traceEvents)
      if (ph === "X") expect(ts >= 0 && dur >= 0 && Number.isFinite(ts + dur)).toBe(true);
  });

  it("takes a trained model", async () => {
    writeFileSync(command.path("flowers.csv"), flowers(30));
    await command.run(["train", "flowers.csv", "--label", "kind", "--epochs", "1", "--out", "model"]);
    const { code, out, err } = await command.run(["bench", "model", "--steps", "20"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^network {9}2-30-3 +tanh, identity output$/m);
    expect(out).toContain("softmax-cross-entropy");
  });

  it.each([
    ["two lengths", [...small, "--seconds", "1"], "--steps and --seconds both say how long to measure", 2],
    ["no time", ["bench", "--seconds", "0"], '--seconds must be a number above 0, received "0"', 2],
    ["half a step", ["bench", "--steps", "1.5"], "--steps must be a whole number of at least 1", 2],
    ["no thread", ["bench", "--threads", "0"], "--threads must be a whole number of at least 1", 2],
    ["an unknown rule", ["bench", "--optimizer", "adm"], 'received "adm" (did you mean adam?)', 2],
    ["an unknown device", ["bench", "--device", "gpu"], "--device must be one of wasm, reference", 2],
    ["layers beside a model", ["bench", "model", "--layers", "2,2"], "leave it out beside MODEL", 2],
    ["a model that is not there", ["bench", "nothing"], "nothing", 1],
    ["a trace in no directory", [...small, "--trace", "no/where.json"], "its directory does not exist", 1],
  ])("refuses %s in one line", async (_name, args, message, expected) => {
    const { code, out, err } = await command.run(args);
    expect([code, out]).toEqual([expected, ""]);
    expect(err).toContain(message);
    expect(err.trim().split("\n").length).toBe(1);
  });
});
