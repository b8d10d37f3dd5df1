/** `adjoint train config.ts`: a file of the user's that describes a run, and the model it leaves. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadSafetensors } from "../../src/io/index.js";
import { root } from "../support/build.js";
import { Command, flowers } from "./support.js";

const config = `import { random, type Tensor } from "adjoint";
import { csv } from "adjoint/data";
import { Activation, Linear, Sequential } from "adjoint/nn";
import { adam } from "adjoint/optim";
import { defineConfig } from "adjoint/train";
import { hidden } from "./sizes.js";

export default defineConfig({
  model: (key: Tensor) => {
    const [first, second] = random.split(key);
    return new Sequential(
      new Linear(2, hidden, { key: first }),
      new Activation("relu"),
      new Linear(hidden, 3, { key: second }),
    );
  },
  data: () => csv("flowers.csv", { label: "kind" }),
  validation: 0.2,
  loss: "softmaxCrossEntropy",
  optimizer: (learningRate = 0.05) => adam({ learningRate }),
  metrics: ["loss", "accuracy", "f1"],
  epochs: 40,
  batchSize: 16,
});
`;

let command: Command;
const write = (name: string, text: string) => writeFileSync(command.path(name), text);
/** The configuration with one thing changed, in a file of its own. */
const changed = (name: string, from: string, to: string): string => {
  expect(config).toContain(from);
  write(name, config.replace(from, to));
  return name;
};
/** Runs what must fail with one line. */
const refusal = async (code: number, ...args: string[]): Promise<string> => {
  const { code: ended, err } = await command.run(args);
  expect([ended, err.trimEnd().split("\n").length], err).toEqual([code, 1]);
  return err;
};

beforeAll(() => {
  command = new Command("config");
  // a compiler beside the user's files, as they have one: Node 20 does not take types off
  mkdirSync(command.path("node_modules"));
  const vite = join(createRequire(join(root, "package.json")).resolve("vite/package.json"), "..");
  symlinkSync(vite, command.path("node_modules", "vite"));
  write("flowers.csv", flowers(150));
  write("sizes.ts", "export const hidden: number = 8;\n");
  write("flowers.ts", config);
});
afterAll(() => command.remove());

describe("a run of a configuration file", () => {
  it("says what it is, learns, and names all measurements, in 80 columns", async () => {
    const { code, out, err } = await command.run(["train", "flowers.ts"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("config   flowers.ts: 120 examples to train, 30 to validate\n");
    expect(out).toContain("model    Sequential(3 layers), 51 parameters, seed 1\n");
    expect(out).toContain("descent  softmaxCrossEntropy, batch 16, 40 epochs\n");
    expect(out).toMatch(
      /^epoch 40\/40 {2}loss \S+ {2}validation accuracy 100\.00 % {2}f1 1\.0000 {2}[\d.]+ s$/m,
    );
    expect(out).toContain("written  runs/flowers-1/model.safetensors\nreport   runs/flowers-1/report.html\n");
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("leaves weights under PyTorch's names, its file, and no code among the weights", async () => {
    expect(readdirSync(command.path("runs/flowers-1")).sort()).toEqual([
      "config.json",
      "metrics.jsonl",
      "model.safetensors",
      "report.html",
      "result.json",
      "trained-flowers.ts",
    ]);
    expect(readFileSync(command.path("runs/flowers-1/trained-flowers.ts"), "utf8")).toBe(config);
    const tensors = await loadSafetensors(command.path("runs/flowers-1/model.safetensors"));
    expect([...tensors.keys()].sort()).toEqual(["0.bias", "0.weight", "2.bias", "2.weight"]);
    const record = JSON.parse(tensors.metadata.get("adjoint") ?? "");
    expect(record.configFile.path).toMatch(/\/flowers\.ts$/);
    expect(JSON.stringify(record)).not.toContain("Linear");
  });

  it("is the same again with the same seed, and takes options before its own", async () => {
    const weights = (name: string) =>
      readFileSync(command.path(name, "model.safetensors")).toString("latin1");
    const short = ["train", "flowers.ts", "--epochs", "2", "--seed", "5"];
    for (const name of ["a", "b"]) await command.run([...short, "--out", name, "--threads", "1"]);
    expect(weights("b")).toBe(weights("a"));
    const options = ["--batch", "40", "--lr", "0.001"];
    const { events } = await command.events([...short, ...options, "--out", "d"]);
    expect(events[0]).toMatchObject({ event: "start", config: "flowers.ts", batch: 40, epochs: 2, seed: 5 });
    expect(events.map(({ event }) => event)).toEqual(["start", "epoch", "epoch", "end"]);
    expect(weights("d")).not.toBe(weights("a"));
  });

  it("can be JavaScript, a plain object, with values at hand", async () => {
    write(
      "plain.mjs",
      `import { ones, tensor } from "adjoint";
import { Linear } from "adjoint/nn";
import { sgd } from "adjoint/optim";
const x = tensor([[0], [1], [2]]);
export default { model: new Linear(1, 1), data: { x, y: x.mul(2).add(ones([3, 1])) }, loss: "meanSquaredError",
  optimizer: sgd({ learningRate: 0.2 }), epochs: 200, batchSize: 3, name: "line", out: "line" };
`,
    );
    const { code, out } = await command.run(["train", "plain.mjs"]);
    expect(code).toBe(0);
    expect(out).toContain("config   plain.mjs: 3 examples to train\n");
    const [value] = (await command.run(["predict", "line", "-"], "10\n")).out.split("\n").map(Number);
    // 2·10 + 1 by descent of a quadratic whose slowest direction shrinks by 0.9 a step: 200 steps leave 1e-9, then float32
    expect(Math.abs(value - 21)).toBeLessThan(1e-4);
    // the weights were drawn while the file was loaded, from the seed too
    const again = await command.run(["train", "plain.mjs", "--out", "line2"]);
    expect(again.out.split("\n").slice(3, 5).map(withoutTime)).toEqual(
      out.split("\n").slice(3, 5).map(withoutTime),
    );
  });

  it("says that it ended early, and measures the model of the best epoch", async () => {
    const stopping = 'earlyStopping: { metric: "accuracy", patience: 2, restoreBest: true },';
    const name = changed("early.ts", "epochs: 40,", `epochs: 500, ${stopping}`);
    const { code, events } = await command.events(["train", name, "--out", "early"]);
    expect(code).toBe(0);
    const measured = (event: (typeof events)[number]) => (event.validation as { loss: number }).loss;
    const losses = events.filter(({ event }) => event === "epoch").map(measured);
    const end = events[events.length - 1];
    expect(end).toMatchObject({ event: "end", ended: "early", epochs: losses.length });
    // two epochs after the first that had all flowers right
    expect(losses.indexOf(measured(end))).toBe(losses.length - 3);
  });

  it("goes on from its checkpoints", async () => {
    const whole = await command.run(["train", "flowers.ts", "--epochs", "6", "--out", "whole"]);
    expect(whole.code).toBe(0);
    const part = ["train", "flowers.ts", "--checkpoint", "kept", "--out", "parts"];
    expect((await command.run([...part, "--epochs", "3"])).code).toBe(0);
    const { code, out } = await command.run([...part, "--epochs", "6", "--resume"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^epoch 4\/6/m);
    const weights = async (name: string) =>
      JSON.stringify(
        await Promise.all(
          [...(await loadSafetensors(command.path(name, "model.safetensors"))).values()].map((value) =>
            value.array(),
          ),
        ),
      );
    expect(await weights("parts")).toBe(await weights("whole"));
  });
});

const withoutTime = (line: string): string => line.replace(/ +[\d.]+ s$/, "");

describe("a model of a configuration file", () => {
  it("is measured and applied by the file that made it", async () => {
    const { events } = await command.events(["eval", "runs/flowers-1"]);
    expect(events).toMatchObject([{ data: "flowers.ts (validation)", examples: 30, accuracy: 1, f1: 1 }]);
    const { out } = await command.run(["predict", "runs/flowers-1", "-", "-p"], "0.2,2\n2.3,102\n4.1,3\n");
    expect(out).toMatch(/^rose [01]\.\d{4}\ntulip [01]\.\d{4}\niris [01]\.\d{4}\n$/);
  });

  it("says that its file has changed or gone, and what to do", async () => {
    const copy = "runs/flowers-1/trained-flowers.ts";
    try {
      write("flowers.ts", `${config}// more\n`);
      expect(await refusal(1, "eval", "runs/flowers-1")).toBe(
        `adjoint: flowers.ts has changed since runs/flowers-1 was trained by it; as it was then: --config ${copy}; as it is now: --config flowers.ts\n`,
      );
      const now = await command.run(["eval", "runs/flowers-1", "--config", "flowers.ts"]);
      expect([now.code, now.err]).toEqual([
        0,
        "adjoint: flowers.ts has changed since runs/flowers-1 was trained by it\n",
      ]);
      renameSync(command.path("flowers.ts"), command.path("moved.ts"));
      expect(await refusal(1, "predict", "runs/flowers-1", "-")).toBe(
        `adjoint: runs/flowers-1 was trained by flowers.ts, which is gone; as it was then: --config ${copy}\n`,
      );
      // the copy finds ./sizes.js where the original did
      const then = await command.run(["eval", "runs/flowers-1", "--config", copy]);
      expect([then.code, then.err]).toEqual([0, ""]);
      expect(then.out).toContain("accuracy 100.00 %  f1 1.0000");
    } finally {
      write("flowers.ts", config);
    }
  });

  it("with the weights of another network is refused", async () => {
    const wider = changed(
      "wider.ts",
      "new Linear(hidden, 3, { key: second })",
      "new Linear(hidden, 4, { key: second })",
    );
    const { code, err } = await command.run(["predict", "runs/flowers-1", "flowers.csv", "--config", wider]);
    const [notice, error] = err.split("\n");
    expect([code, notice]).toEqual([
      1,
      "adjoint: wider.ts is not what runs/flowers-1 was trained by, flowers.ts",
    ]);
    expect(error).toContain(
      "its tensors are not those of its network: 2.weight must be [4, 8], received [3, 8]",
    );
  });

  it("is not for commands that need layers, nor other data", async () => {
    for (const name of ["gradcheck", "bench"])
      expect(await refusal(2, name, "runs/flowers-1")).toContain("this command does not");
    for (const name of ["eval", "health"])
      expect(await refusal(2, name, "runs/flowers-1", "flowers.csv")).toContain("which names its data");
    const { code, events } = await command.events(["health", "runs/flowers-1", "--steps", "0"]);
    expect([code, events[0]]).toMatchObject([0, { event: "health", data: "flowers.ts (validation)" }]);
  });
});

describe("what is wrong in a configuration file is said with its line", () => {
  it.each([
    [
      "an argument of a layer",
      "Linear(2, hidden,",
      "Linear(2.5, hidden,",
      "bad.ts:12: Linear: inFeatures must be an integer of at least 1, received 2.5",
    ],
    [
      "a TypeError",
      "const [first",
      "(undefined as any).x; const [first",
      "bad.ts:10: TypeError: Cannot read properties of undefined",
    ],
    [
      "an optimizer's number",
      "adam({ learningRate })",
      "adam({ learningRate: -1 })",
      "bad.ts:20: adam: learningRate must be",
    ],
    [
      "a loss of its own",
      '"softmaxCrossEntropy"',
      "(a: Tensor, b: Tensor) => a.matmul(b)",
      "bad.ts:19: matmul: ",
    ],
    [
      "an entry of defineConfig",
      "validation: 0.2",
      "validation: 2",
      "bad.ts:8: train.defineConfig: validation must be",
    ],
    [
      "a layer that does not fit, which only the library sees",
      "Linear(2, hidden,",
      "Linear(5, hidden,",
      "bad.ts: Linear: x must be [batch…, 5], received [16, 2]",
    ],
    [
      "an option that is none",
      "epochs: 40",
      "epoch: 40",
      "bad.ts:8: train.defineConfig: there is no option epoch; did you mean epochs?",
    ],
    [
      "data that are not there",
      '"flowers.csv"',
      '"nothing.csv"',
      "cannot read nothing.csv: there is no such file",
    ],
  ])("%s", async (_, from, to, message) => {
    changed("bad.ts", from, to);
    expect(await refusal(1, "train", "bad.ts", "--out", "bad")).toContain(message);
    expect(existsSync(command.path("bad"))).toBe(false);
  });

  it.each([
    ["that does not parse", 'export default { loss: "huber" +, };', "cannot be loaded: "],
    ["that throws", 'throw new RangeError("far");', "cannot be loaded: bad.mjs:1: RangeError: far"],
    ["that imports nothing there is", 'import "./none.js";', "cannot be loaded: Cannot find module"],
    [
      "that exports nothing",
      "export const model = 3;",
      "exports no configuration: write export default train.defineConfig(",
    ],
    ["without a model", "export default { data: {} };", "train.defineConfig: model must be a model"],
  ])("a file %s", async (_, text, message) => {
    write("bad.mjs", `${text}\n`);
    expect(await refusal(1, "train", "bad.mjs")).toContain(message);
  });

  it("a learning rate where the optimizer is finished", async () => {
    changed("fixed.ts", "(learningRate = 0.05) => adam({ learningRate })", "adam({ learningRate: 0.05 })");
    expect(await refusal(2, "train", "fixed.ts", "--lr", "1")).toContain(
      "--lr: fixed.ts has an optimizer that is finished",
    );
  });
});
