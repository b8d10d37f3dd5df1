/** `adjoint health`: reports on saved models, as they are and as they were. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Command, flowers } from "./support.js";

let command: Command;

beforeAll(async () => {
  command = new Command("health");
  writeFileSync(command.path("flowers.csv"), flowers(150));
  const train = ["train", "flowers.csv", "--label", "kind", "--layers", "2,8,3", "--epochs", "5"];
  expect((await command.run([...train, "--out", "model"])).code).toBe(0);
  // widths are some thirty times the lengths
  expect((await command.run([...train, "--no-standardize", "--out", "raw"])).code).toBe(0);
});
afterAll(() => command.remove());

describe("adjoint health", () => {
  it("finds nothing in a healthy network, before training and after", async () => {
    for (const more of [[], ["--start"]]) {
      const { code, out, err } = await command.run(["health", "model", "--strict", ...more]);
      expect([code, err]).toEqual([0, ""]);
      expect(out).toMatch(/✓ healthy: nothing found\n═{80}\n/);
      expect(out.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
    }
  });

  it("says what is wrong with exit code 0, and with --strict with 1", async () => {
    const { code, out } = await command.run(["health", "raw", "--start"]);
    expect(code).toBe(0);
    expect(out).toMatch(/\n1\. unnormalised-inputs +✗ error\n/);
    const strict = await command.run(["health", "raw", "--start", "--strict"]);
    expect(strict.code).toBe(1);
    expect(strict.err).toBe("adjoint: 1 finding: unnormalised-inputs\n");
  });

  it("prints the document for programs", async () => {
    const { code, events } = await command.events([
      "health",
      "model",
      "flowers.csv",
      "--json",
      "--steps",
      "3",
    ]);
    expect(code).toBe(0);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({
      event: "health",
      report: { format: "adjoint-health", version: 1, examples: 150, trial: { steps: 3 }, findings: [] },
    });
  });

  it.each<[string, string[], string]>([
    ["no such model", ["health", "nowhere"], "adjoint: there is no model nowhere"],
    ["half a step", ["health", "model", "--steps", "0.5"], "--steps must be a whole number of at least 0"],
    [
      "no examples",
      ["health", "model", "--examples", "0"],
      "--examples must be a whole number of at least 1",
    ],
  ])("refuses %s", async (_, args, message) => {
    const { code, err } = await command.run(args);
    expect(code).toBe(args.length > 2 ? 2 : 1);
    expect(err).toContain(message);
  });
});
