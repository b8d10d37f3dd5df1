import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/cli/config.js";
import { readConfiguration } from "../../src/cli/json-reader.js";
import { descentOf, describeDescent, makeOptimizer, optimizerNames } from "../../src/cli/optimizer.js";
import { loadSafetensors } from "../../src/io/index.js";
import { Command, flowers } from "./support.js";

const ofSgd = { lr: 3, momentum: 0.9 };

describe("the update rule of a command line", () => {
  it("is descent with what fits the data, unless another is named", () => {
    const plain = { optimizer: "sgd", learningRate: 3, momentum: 0.9, weightDecay: 0 };
    expect(descentOf({}, ofSgd)).toEqual(plain);
    expect(descentOf({ momentum: 0, lr: 1 }, ofSgd)).toEqual({ ...plain, momentum: 0, learningRate: 1 });
  });

  it("has each optimizer's own learning rate, no momentum unasked, and adamW's decay", () => {
    const rates = optimizerNames.map((optimizer) => descentOf({ optimizer }, ofSgd).learningRate);
    expect(rates).toEqual([3, 1e-3, 1e-3, 1e-2, 1e-2, 1e-4]);
    expect(descentOf({ optimizer: "rmsprop" }, ofSgd).momentum).toBe(0);
    expect(descentOf({ optimizer: "rmsprop", momentum: 0.5 }, ofSgd).momentum).toBe(0.5);
    expect(descentOf({ optimizer: "adamW" }, ofSgd).weightDecay).toBe(0.01);
    expect(descentOf({ optimizer: "adamW", weightDecay: 0 }, ofSgd).weightDecay).toBe(0);
  });

  it("refuses a momentum the optimizer has not", () => {
    for (const optimizer of ["adam", "adamW", "adagrad", "lion"] as const)
      expect(() => descentOf({ optimizer, momentum: 0.9 }, ofSgd)).toThrowError(
        new RegExp(`^--momentum is of sgd and rmsprop; ${optimizer} keeps`),
      );
  });

  it("makes the optimizer of that name", () => {
    for (const optimizer of optimizerNames)
      expect(makeOptimizer(descentOf({ optimizer }, ofSgd)).name).toBe(optimizer);
  });

  it("is described by what it is told, plain descent by its numbers", () => {
    expect(describeDescent(descentOf({}, ofSgd))).toBe("lr 3, momentum 0.9");
    expect(describeDescent(descentOf({ optimizer: "adamW" }, ofSgd))).toBe(
      "adamW, lr 0.001, weight decay 0.01",
    );
  });
});

describe("adjoint train --optimizer", () => {
  let command: Command;
  beforeAll(() => {
    command = new Command("optimizer");
    writeFileSync(command.path("flowers.csv"), flowers(150));
  });
  afterAll(() => command.remove());
  /** What the weights say of how to use them. */
  const record = async (): Promise<string> => {
    const { metadata } = await loadSafetensors(command.path("runs/flowers-1/model.safetensors"));
    return metadata.get("adjoint") ?? "";
  };

  it("trains by it, says so in 80 columns, and writes it down", async () => {
    const { code, out, err } = await command.run(
      "train flowers.csv --label kind --optimizer adamW --lr 0.02 --epochs 20".split(" "),
    );
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("validation accuracy 100.00 %");
    expect(out).toContain(
      "descent  softmax-cross-entropy, batch 16, 20 epochs\nupdates  adamW, lr 0.02, weight decay 0.01\n",
    );
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const { training } = parseConfig(readConfiguration(await record(), "model"));
    expect(training).toMatchObject({
      optimizer: "adamW",
      learningRate: 0.02,
      momentum: 0,
      weightDecay: 0.01,
    });
  });

  it("gives the same bytes with any number of threads", async () => {
    const weights = async (threads: string): Promise<string> => {
      const words = `train flowers.csv --label kind --epochs 3 --threads ${threads} --out threads-${threads}`;
      expect((await command.run(words.split(" "))).err).toBe("");
      return readFileSync(command.path(`threads-${threads}/model.safetensors`)).toString("base64");
    };
    expect(await weights("2")).toBe(await weights("1"));
  });

  it("reads what was written before there was a choice", async () => {
    const { training, ...others } = JSON.parse(await record());
    const { optimizer: _o, weightDecay: _w, ...older } = training;
    const text = JSON.stringify({ ...others, training: older });
    expect(parseConfig(readConfiguration(text, "model")).training).toMatchObject({
      optimizer: "sgd",
      weightDecay: 0,
    });
  });

  it.each([
    ["--optimizer adamw", "--optimizer must be one of sgd, adam, adamW, rmsprop, adagrad, lion"],
    ["--optimizer lion --momentum 0.9", "--momentum is of sgd and rmsprop; lion keeps averages of its own"],
    ["--threads 0", "--threads must be a whole number of at least 1"],
    ["--weight-decay -1", "--weight-decay must be a finite number of at least 0"],
  ])("refuses %s, with code 2", async (words, message) => {
    const { code, err } = await command.run(
      ["train", "flowers.csv", "--label", "kind"].concat(words.split(" ")),
    );
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
