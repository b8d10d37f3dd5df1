import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSafetensors } from "../../src/io/index.js";
import { root } from "../support/build.js";
import { Command, flowers, numbers } from "./support.js";

let command: Command;
beforeAll(() => {
  command = new Command("train");
  writeFileSync(command.path("flowers.csv"), flowers(150));
  writeFileSync(command.path("numbers.csv"), numbers(200));
});
afterAll(() => command.remove());

describe("adjoint train mnist", () => {
  it("is the network of the notes on the book's split by default", async () => {
    const { code, out, err } = await command.run(["train", "mnist", "--epochs", "1", "--seed", "5"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("mnist: 50,000 examples to train, 10,000 to test");
    expect(out).toContain("784-30-10, sigmoid, sigmoid output, init nielsen, seed 5");
    expect(out).toContain("quadratic, lr 3, batch 10, 1 epoch");
    const accuracy = /^epoch 1\/1 {2}loss 0\.\d{4} {2}test accuracy (\d\d\.\d\d) % {2}[\d.]+ s$/m.exec(
      out,
    )?.[1];
    // 91.63 with this seed (others leave a digit unlearned at first, and have 83); other roundings move it by tenths
    expect(Number(accuracy)).toBeGreaterThan(90);
    expect(out).toContain("written  runs/mnist-1/model.safetensors");
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("writes the weights under PyTorch's names, and how to use them", async () => {
    const tensors = await loadSafetensors(command.path("runs/mnist-1/model.safetensors"));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual([
      ["0.weight", [30, 784]],
      ["0.bias", [30]],
      ["2.weight", [10, 30]],
      ["2.bias", [10]],
    ]);
    expect(JSON.parse(tensors.metadata.get("adjoint") ?? "")).toMatchObject({
      data: { kind: "mnist" },
      network: { layers: [784, 30, 10] },
      training: { seed: 5 },
    });
  });

  it("writes settings, numbers and a page about the run beside the model", async () => {
    expect(readdirSync(command.path("runs/mnist-1")).sort()).toEqual([
      "config.json",
      "metrics.jsonl",
      "model.safetensors",
      "report.html",
      "result.json",
    ]);
    const read = (name: string) => readFileSync(command.path("runs/mnist-1", name), "utf8");
    expect(JSON.parse(read("config.json"))).toMatchObject({
      title: "mnist",
      settings: { seed: 5, epochs: 1 },
      config: { data: { kind: "mnist" }, network: { layers: [784, 30, 10] } },
    });
    expect(JSON.parse(read("metrics.jsonl").trim())).toMatchObject({ epoch: 1, steps: 5000 });
    expect(read("report.html")).toMatch(/^<!doctype html>/i);
  });

  it("eval of the model repeats what training measured", async () => {
    const { metadata } = await loadSafetensors(command.path("runs/mnist-1/model.safetensors"));
    const { result } = JSON.parse(metadata.get("adjoint") ?? "");
    const { events } = await command.events(["eval", "runs/mnist-1"]);
    expect(events[0]).toMatchObject({ examples: 10_000, accuracy: result.accuracy, f1: result.f1 });
  });

  it("stops at Ctrl-C with code 130 and leaves nothing behind", async () => {
    const started = command.start([
      "train",
      "mnist",
      "--limit",
      "5000",
      "--epochs",
      "10000",
      "--out",
      "stopped",
    ]);
    await started.printed("test accuracy");
    started.kill("SIGINT");
    const { code, err } = await started.ended;
    expect(code).toBe(130);
    expect(err).toMatch(/^adjoint: interrupted in epoch \d+ of 10000; nothing was written\n$/);
    expect(existsSync(command.path("stopped"))).toBe(false);
  });

  it("the same seed gives the same model, another seed another", async () => {
    const run = async (seed: string, out: string) => {
      await command.run(["train", "mnist", "--limit", "300", "--epochs", "2", "--seed", seed, "--out", out]);
      return readFileSync(command.path(out, "model.safetensors")).toString("base64");
    };
    const first = await run("5", "a");
    expect(await run("5", "b")).toBe(first);
    expect(await run("6", "c")).not.toBe(first);
  });
});

describe("adjoint train FILE.csv", () => {
  it("learns classes from a column of words", async () => {
    const { code, out } = await command.run(["train", "flowers.csv", "--label", "kind", "--epochs", "30"]);
    expect(code).toBe(0);
    expect(out).toContain("flowers: 120 examples to train, 30 to validate");
    expect(out).toContain("validation accuracy 100.00 %");
    expect(out).toMatch(/^true +iris +rose +tulip +right$/m);
  });

  it("learns Fisher's irises with its defaults, from five seeds", async () => {
    const right: number[] = [];
    for (const seed of ["1", "2", "3", "4", "5"]) {
      const args = [
        "train",
        join(root, "examples/iris.csv"),
        "--label",
        "species",
        "--seed",
        seed,
        "--out",
        "iris",
      ];
      const { code, events } = await command.events(args);
      expect(code).toBe(0);
      right.push(30 * (events.at(-1) as unknown as { validation: { accuracy: number } }).validation.accuracy);
    }
    // measured: one of 30 wrong from seeds 1 to 4, none from 5; three flowers lie among the other species, so two of 30 is the most that
    // other roundings may make of one
    for (const count of right) expect(Math.round(count)).toBeGreaterThanOrEqual(28);
    expect(right.reduce((a, b) => a + b, 0) / 150).toBeGreaterThan(0.95);
    const numeric = ["--target", "petal_width", "--features", "sepal_length,sepal_width,petal_length"];
    const { events } = await command.events(["train", join(root, "examples/iris.csv"), ...numeric]);
    // the deviation of the column is 0.76 cm: a mean would give 0.58, least squares on all rows gives 0.036
    expect((events.at(-1) as unknown as { validation: { loss: number } }).validation.loss).toBeLessThan(0.06);
  });

  it("reads cells between tabs, where it is told or the file is called .tsv", async () => {
    const text = flowers(30).replaceAll(",", "\t");
    writeFileSync(command.path("tabs.tsv"), text);
    writeFileSync(command.path("tabs.txt"), text);
    const train = (...args: string[]) =>
      command.run(["train", ...args, "--label", "kind", "--epochs", "1", "--out", "tabs"]);
    expect((await train("tabs.tsv")).out).toContain("tabs: 24 examples to train");
    expect((await train("tabs.txt", "--delimiter", "tab")).out).toContain("tabs: 24 examples to train");
    expect((await command.run(["eval", "tabs"])).out).toContain("tabs (validation): 6 examples");
  });

  it("says one example in the singular, and keeps epochs in a column", async () => {
    const { out } = await command.run([
      ...["train", "flowers.csv", "--label", "kind"],
      ...["--limit", "1", "--epochs", "100", "--out", "single"],
    ]);
    expect(out).toContain("flowers: 1 example to train, ");
    expect(out).toContain("\nepoch   1/100  loss");
    expect(out).toContain("\nepoch 100/100  loss");
  });

  it("learns numbers, and predicts them", async () => {
    const { code, out } = await command.run([
      "train",
      "numbers.csv",
      "--target",
      "y",
      "--out",
      "line",
      "--epochs",
      "200",
    ]);
    expect(code).toBe(0);
    expect(out).not.toContain("accuracy");
    const predicted = await command.run(["predict", "line", "-"], "b,a\n0.5,0.5\n0.1,0.9\n");
    const [first, second] = predicted.out.trim().split("\n").map(Number);
    // 2a − b + 0.3ab, learned from 160 points without noise: within a few hundredths
    expect(Math.abs(first - 0.575)).toBeLessThan(0.05);
    expect(Math.abs(second - 1.727)).toBeLessThan(0.05);
  });

  it("numbers runs that are not named, and overwrites those that are", async () => {
    const args = ["train", "flowers.csv", "--label", "kind", "--epochs", "1"];
    await command.run(args);
    await command.run(args);
    expect(readdirSync(command.path("runs"))).toEqual(
      expect.arrayContaining(["flowers-1", "flowers-2", "flowers-3"]),
    );
    await command.run([...args, "--out", "mine"]);
    const before = readFileSync(command.path("mine/model.safetensors"));
    expect((await command.run([...args, "--out", "mine", "--seed", "9"])).code).toBe(0);
    expect(readFileSync(command.path("mine/model.safetensors")).equals(before)).toBe(false);
  });

  it("--json prints start, every epoch and the end, one object a line", async () => {
    const { code, events } = await command.events([
      "train",
      "flowers.csv",
      "--label",
      "kind",
      "--epochs",
      "3",
      "--out",
      "j",
    ]);
    expect(code).toBe(0);
    expect(events.map(({ event }) => event)).toEqual(["start", "epoch", "epoch", "epoch", "end"]);
    expect(events[0]).toMatchObject({
      data: "flowers",
      examples: 120,
      validation: 30,
      layers: [2, 30, 3],
      seed: 1,
    });
    expect(events[2]).toMatchObject({ epoch: 2, epochs: 3, validation: { accuracy: expect.any(Number) } });
    expect(events[4]).toMatchObject({
      model: join("j", "model.safetensors"),
      classes: ["iris", "rose", "tulip"],
    });
    const counts = events[4].confusion as number[][];
    expect(counts.flat().reduce((a, b) => a + b, 0)).toBe(30);
  });

  it("holds out what --validation says, and measures the training rows where that is none", async () => {
    const { events } = await command.events([
      "train",
      "flowers.csv",
      "--label",
      "kind",
      "--epochs",
      "1",
      "--validation",
      "0.5",
    ]);
    expect(events[0]).toMatchObject({ examples: 75, validation: 75 });
    const { out } = await command.run([
      "train",
      "flowers.csv",
      "--label",
      "kind",
      "--epochs",
      "1",
      "--validation",
      "0",
    ]);
    expect(out).toContain("training accuracy");
  });

  it("stopped or failed leaves an earlier model of that directory as it was", async () => {
    const args = ["train", "flowers.csv", "--label", "kind", "--out", "kept"];
    await command.run([...args, "--epochs", "1"]);
    const names = readdirSync(command.path("kept"));
    const before = readFileSync(command.path("kept/model.safetensors"));
    const started = command.start([...args, "--epochs", "1000000"]);
    await started.printed("epoch       3/1000000");
    started.kill("SIGINT");
    expect((await started.ended).code).toBe(130);
    expect((await command.run([...args, "--lr", "1e30", "--activation", "identity"])).code).toBe(1);
    expect(readdirSync(command.path("kept"))).toEqual(names);
    expect(readFileSync(command.path("kept/model.safetensors")).equals(before)).toBe(true);
  });

  it("looks at health and writes TensorBoard's files where asked", async () => {
    const args = ["train", "flowers.csv", "--label", "kind", "--epochs", "2", "--out", "watched"];
    const { code, out } = await command.run([...args, "--health", "--tensorboard"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^health {3}\d+ looks: /m);
    expect(readdirSync(command.path("watched")).filter((name) => name.startsWith("events.out"))).toHaveLength(
      1,
    );
    // the next run there has none
    await command.run(args);
    expect(readdirSync(command.path("watched")).filter((name) => name.startsWith("events.out"))).toEqual([]);
  });

  it("tells two classes apart by one output", async () => {
    writeFileSync(command.path("two.csv"), flowers(90).replace(/^.*iris\n/gm, ""));
    const loss = ["--layers", "2,4,1", "--loss", "sigmoid-cross-entropy"];
    const { out } = await command.run(["train", "two.csv", "--label", "kind", "--out", "two", ...loss]);
    expect(out).toContain("validation accuracy 100.00 %");
    expect(out).toMatch(/^true +rose +tulip +right$/m);
    expect((await command.run(["predict", "two", "-"], "length,width\n0.1,1\n2.1,102\n")).out).toBe(
      "rose\ntulip\n",
    );
  });

  it("a run whose loss is not finite fails with code 1 and leaves nothing behind", async () => {
    const args = [
      "train",
      "numbers.csv",
      "--target",
      "y",
      "--activation",
      "identity",
      "--lr",
      "1e20",
      "--out",
      "lost",
    ];
    const { code, events } = await command.events(args);
    expect(code).toBe(1);
    expect(events.at(-1)).toMatchObject({ event: "error", code: "non-finite", exitCode: 1 });
    expect(existsSync(command.path("lost"))).toBe(false);
  });
});

describe("adjoint train DIRECTORY", () => {
  it("reads IDX files, plain, and tests on the test files", async () => {
    const bytes = (header: readonly number[], body: ArrayLike<number>) =>
      Uint8Array.from([0, 0, 8, ...header, ...Array.from(body)]);
    const write = (name: string, count: number) => {
      const labels = Array.from({ length: count }, (_, i) => i % 2);
      // class 1 is bright, class 0 dark
      const pixels = labels.flatMap((label) => [label * 250, label * 240, 5, label * 255]);
      writeFileSync(
        command.path("tiny", `${name}-images-idx3-ubyte`),
        bytes([3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 2], pixels),
      );
      writeFileSync(command.path("tiny", `${name}-labels-idx1-ubyte`), bytes([1, 0, 0, 0, count], labels));
    };
    mkdirSync(command.path("tiny"));
    write("train", 40);
    write("t10k", 10);
    const { code, out } = await command.run(["train", "tiny", "--epochs", "20"]);
    expect(code).toBe(0);
    expect(out).toContain("tiny: 40 examples to train, 10 to test");
    expect(out).toContain("test accuracy 100.00 %");
    const predicted = await command.run(["predict", "runs/tiny-1", "tiny/t10k-images-idx3-ubyte"]);
    expect(predicted.out).toBe("0\n1\n".repeat(5));
    const rows = await command.run(["predict", "runs/tiny-1", "-"], "1,1,0,1\n0,0,0,0\n");
    expect(rows.out).toBe("1\n0\n");
  });
});
