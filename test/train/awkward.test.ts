/** Outputs that are no numbers, and folders that are not a run's own. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { tensor } from "../../src/index.js";
import { Activation } from "../../src/nn/index.js";
import * as train from "../../src/train/index.js";
import { temporaryFolder } from "../support/build.js";
import { network, options } from "./support.js";

const folder = temporaryFolder("awkward");
afterAll(() => rmSync(folder, { recursive: true }));

describe("measures of classes", () => {
  const identity = new Activation("identity");
  const labels = (values: number[]) => tensor(values, { dtype: "int32" });

  it("take a row of outputs with a NaN for no class, the first included", async () => {
    const x = tensor([
      [Number.NaN, Number.NaN],
      [0, Number.NaN],
      [2, 1],
      [1, 2],
    ]);
    const found = await train.evaluate(identity, { x, y: labels([0, 1, 0, 1]) }, ["accuracy", "top1"]);
    expect(found).toEqual({ accuracy: 0.5, top1: 0.5 });
    const single = { x: tensor([[Number.NaN], [1]]), y: labels([0, 1]) };
    expect(await train.evaluate(identity, single, ["accuracy", "top1"])).toEqual({
      accuracy: 0.5,
      top1: 0.5,
    });
  });

  it("refuse labels of floating-point numbers, of which a threshold would make two classes", async () => {
    const x = tensor([
      [1, 0, 0],
      [0, 0, 1],
    ]);
    const wrong = train.evaluate(identity, { x, y: tensor([0, 2]) }, ["accuracy"]);
    await expect(wrong).rejects.toMatchObject({ code: "shape-mismatch" });
    // beside a single output they are numbers on either side of a half
    const single = { x: tensor([[0.9], [0.2]]), y: tensor([1, 0]) };
    expect(await train.evaluate(identity, single, ["accuracy"])).toEqual({ accuracy: 1 });
  });
});

describe("a run's folder", () => {
  const run = (directory: string, epochs = 6) =>
    train.fit(network(), { ...options(), epochs, record: train.runFolder(directory) });

  it("is never one with a config.json of somebody else, which stays as it is", async () => {
    const directory = join(folder, "foreign");
    mkdirSync(directory);
    writeFileSync(join(directory, "config.json"), '{"mine":1}');
    for (const existing of ["refuse", "replace"] as const)
      await expect(
        train.fit(network(), { ...options(), epochs: 1, record: train.runFolder(directory, { existing }) }),
      ).rejects.toMatchObject({ code: "unwritable-output" });
    expect(readFileSync(join(directory, "config.json"), "utf8")).toBe('{"mine":1}');
    expect(existsSync(join(directory, "metrics.jsonl"))).toBe(false);
  });

  it("never holds the epochs of two runs: who finds another's gives up", async () => {
    const directory = join(folder, "shared");
    const other = train.runFolder(directory);
    const first = train.fit(network(), {
      ...options(),
      epochs: 6,
      // the second begins before the first has finished an epoch, so that the folder seems to be free
      record: {
        start: async (start) => {
          await other.start(start);
          await run(directory, 2);
        },
        epoch: (epoch) => other.epoch(epoch),
        end: (end) => other.end(end),
      },
    });
    await expect(first).rejects.toMatchObject({
      code: "unwritable-output",
      message: expect.stringContaining("another run writes"),
    });
    const { epochs, result } = await train.readRun(directory);
    expect([epochs.length, result?.ended]).toEqual([2, "finished"]);
  });

  it("refuses a place where nothing can be made, and does not try for ever", async ({ skip }) => {
    if (!existsSync("/proc")) skip("no /proc here, where Node's own mkdir would try for ever");
    const record = train.runFolder("/proc/adjoint/run");
    await expect(train.fit(network(), { ...options(), epochs: 1, record })).rejects.toThrowError(
      expect.objectContaining({ code: "unwritable-output" }),
    );
  });

  it("has one recorder for one run at a time, which may record another when that has ended", async () => {
    const record = train.runFolder(join(folder, "twice"), { existing: "replace" });
    const begin = () => train.fit(network(), { ...options(), epochs: 2, record });
    const ended = await Promise.allSettled([begin(), begin()]);
    expect(ended.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await begin()).history).toHaveLength(2);
  });
});
