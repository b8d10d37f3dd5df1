/** `adjoint train --checkpoint --resume`, as a process that is stopped in the midst of its work. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { Command, flowers } from "./support.js";

const command = new Command("resume");
afterAll(() => command.remove());
writeFileSync(command.path("flowers.csv"), flowers(900));

const base = ["train", "flowers.csv", "--label", "kind", "--batch", "1", "--epochs", "60"];
const bytesOf = (out: string): Buffer => readFileSync(command.path(out, "model.safetensors"));
const uninterrupted = command.run([...base, "--out", "whole"]);

/** Stops a run after its first epoch. */
async function stopped(signal: NodeJS.Signals, more: readonly string[]) {
  const started = command.start([...base, ...more]);
  await started.printed("epoch  1/60");
  started.kill(signal);
  return started.ended;
}

describe("adjoint train --checkpoint", () => {
  it.each<[NodeJS.Signals, number]>([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])(
    "on %s writes a checkpoint, ends with %i, and says how to go on; --resume ends with the same bytes",
    async (signal, code) => {
      await uninterrupted;
      const place = ["--checkpoint", `kept ${signal}`, "--out", `out-${signal}`];
      const first = await stopped(signal, place);
      expect(first.code).toBe(code);
      const line = first.err.trim().split("\n").at(-1) ?? "";
      expect(line).toMatch(
        /^adjoint: interrupted in epoch \d+ of 60, after [\d,]+ updates; go on with: adjoint train flowers\.csv /,
      );
      expect(line).toContain(`--checkpoint 'kept ${signal}' --out out-${signal} --resume`);
      const rest = await command.run([...base, ...place, "--resume"]);
      expect(rest.code).toBe(0);
      expect(rest.err).toMatch(
        /^adjoint: going on from kept \w+\/checkpoint-\d+\.safetensors: epoch \d+ of 60/,
      );
      // what was printed before is not printed again
      expect(rest.out).not.toContain("epoch  1/60");
      expect(rest.out).toContain("epoch 60/60");
      expect(bytesOf(`out-${signal}`).equals(bytesOf("whole"))).toBe(true);
    },
  );

  it("after a kill that cannot be caught goes on too, past a damaged checkpoint, and says so", async () => {
    await uninterrupted;
    const place = ["--checkpoint", "killed", "--checkpoint-every", "200", "--out", "out-killed"];
    const first = await stopped("SIGKILL", place);
    expect(first.code).toBe(null);
    const names = readdirSync(command.path("killed")).filter((name) => name.endsWith(".safetensors"));
    expect(names.length).toBeGreaterThan(1);
    truncateSync(command.path("killed", names.sort().at(-1) ?? ""), 1000);
    const { code, events } = await command.events([...base, ...place, "--resume"]);
    expect(code).toBe(0);
    expect(events.filter(({ event }) => event === "notice").map(({ kind }) => kind)).toEqual([
      "checkpoint-damaged",
      "resumed",
    ]);
    expect(bytesOf("out-killed").equals(bytesOf("whole"))).toBe(true);
  });

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "without it a run that %s stops writes nothing, and ends with the signal's code",
    async (signal, ended) => {
      const { code, err } = await stopped(signal, ["--out", "none"]);
      expect(code).toBe(ended);
      expect(err).toMatch(/nothing was written\n$/);
    },
  );

  it.each<[string, readonly string[], number, RegExp]>([
    [
      "nothing to resume from",
      ["--checkpoint", "nowhere", "--resume"],
      1,
      /there is no checkpoint to resume from in nowhere/,
    ],
    ["resuming without a directory", ["--resume"], 2, /--resume needs the directory: --checkpoint DIRECTORY/],
    [
      "an interval that is none",
      ["--checkpoint", "x", "--checkpoint-every", "often"],
      2,
      /--checkpoint-every must be a number of updates such as 500, or of seconds such as 60s, received often/,
    ],
    [
      "a directory that cannot be",
      ["--checkpoint", "flowers.csv/x"],
      1,
      /cannot write the checkpoint flowers\.csv\/x: /,
    ],
  ])("%s is one clear line", async (_name, more, code, message) => {
    const result = await command.run([...base, ...more]);
    expect(result.code).toBe(code);
    expect(result.err.trim().split("\n")).toHaveLength(1);
    expect(result.err).toMatch(message);
  });
});
