/** Runs written down: every file is read again, by readers that share nothing with the writers. */
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { afterAll, describe, expect, it } from "vitest";
import type { ExampleStream } from "../../src/data/index.js";
import { explain } from "../../src/explain/index.js";
import { tensor } from "../../src/index.js";
import { loadSafetensors } from "../../src/io/index.js";
import { absoluteError } from "../../src/losses/index.js";
import * as nn from "../../src/nn/index.js";
import { sgd } from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { crc32c } from "../../src/train/report/event-file.js";
import { worstExamples } from "../../src/train/report/worst.js";
import { temporaryFolder } from "../support/build.js";
import { labels, network, options, valuesOf, xor } from "./support.js";

const folder = temporaryFolder("runs");
afterAll(() => rmSync(folder, { recursive: true }));
const file = (run: string, name: string): string => join(folder, run, name);
const text = (run: string, name: string): string => readFileSync(file(run, name), "utf8");

type Recorder = train.RunRecorder;
const recordedFit = (record: Recorder, more: Partial<train.FitOptions<nn.Sequential>> = {}) =>
  train.fit(network(), {
    ...options(),
    validation: xor,
    metrics: ["loss", "accuracy", "f1"],
    record,
    ...more,
  });

/** CRC32C by its definition, division of polynomials over bits, nothing tabulated or reflected. */
function divided(data: Uint8Array): number {
  const bits: number[] = [];
  for (const byte of data) for (let i = 0; i < 8; i++) bits.push((byte >> i) & 1);
  for (let i = 0; i < 32; i++) bits.push(0);
  for (let i = 0; i < 32; i++) bits[i] ^= 1;
  const divisor = [...(0x11edc6f41).toString(2)].map(Number);
  for (let i = 0; i + 32 < bits.length; i++)
    if (bits[i] === 1) for (let k = 0; k <= 32; k++) bits[i + k] ^= divisor[k];
  const rest = bits.slice(-32).map((bit) => bit ^ 1);
  return rest.reduce((sum, bit, i) => sum + bit * 2 ** i, 0);
}

interface Event {
  version?: string;
  time?: number;
  step: number;
  restart: boolean;
  readonly scalars: Record<string, number>;
}

/** The events of a file, checksums checked. */
function eventsOf(run: string, name: string): Event[] {
  const bytes = readFileSync(file(run, name));
  const events: Event[] = [];
  const unmask = (word: number): number => {
    const rotated = (word - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  let at = 0;
  while (at < bytes.length) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(unmask(bytes.readUInt32LE(at + 8))).toBe(divided(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(bytes.readUInt32LE(at + 12 + length))).toBe(divided(data));
    events.push(eventOf(data));
    at += 16 + length;
  }
  expect(at).toBe(bytes.length);
  return events;
}

function eventOf(data: Uint8Array): Event {
  const reader = new BinaryReader(data);
  const event: Event = { step: 0, restart: false, scalars: {} };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) event.time = reader.double();
    else if (field === 2) event.step = Number(reader.int64());
    else if (field === 3) event.version = reader.string();
    else if (field === 5) Object.assign(event.scalars, scalarsOf(reader.bytes()));
    // SessionLog { status: START }
    else if (field === 7) event.restart = reader.bytes().join() === "8,1";
    else reader.skip(type);
  }
  return event;
}

function scalarsOf(summary: Uint8Array): Record<string, number> {
  const found: Record<string, number> = {};
  const outer = new BinaryReader(summary);
  while (outer.pos < outer.len) {
    expect(outer.tag()[0]).toBe(1);
    const inner = new BinaryReader(outer.bytes());
    let tag = "";
    while (inner.pos < inner.len) {
      const [field] = inner.tag();
      if (field === 1) tag = inner.string();
      else found[tag] = inner.float();
    }
  }
  return found;
}

const eventFiles = (run: string): string[] =>
  readdirSync(join(folder, run))
    .filter((name) => name.startsWith("events.out.tfevents."))
    .sort();

describe("checksums", () => {
  it("are those of RFC 3720, and of the definition", () => {
    expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    const data = Uint8Array.from({ length: 77 }, (_, i) => (i * 37) % 251);
    expect(crc32c(data)).toBe(divided(data));
  });
});

describe("a run's folder", () => {
  it("holds files that all parse, and say what the run says", async () => {
    const run = await recordedFit(
      train.runFolder(join(folder, "all"), { config: { note: "a", depth: { x: 1 } } }),
    );
    expect(readdirSync(join(folder, "all")).map((name) => name.replace(/\.\d+\./, ".N."))).toEqual([
      "config.json",
      "events.out.tfevents.N.adjoint.0000",
      "metrics.jsonl",
      "model.safetensors",
      "report.html",
      "result.json",
    ]);
    const config = JSON.parse(text("all", "config.json"));
    expect(config).toMatchObject({
      format: "adjoint-run",
      title: "all",
      settings: { loss: "softmaxCrossEntropy", optimizer: "sgd", epochs: 3, batchSize: 3, seed: 1 },
      data: { size: 4, inputShape: [2], targetShape: [] },
      model: { parameters: 42 },
      config: { note: "a", depth: { x: 1 } },
      resumed: [],
    });
    expect(config.model.summary).toContain("Linear(2 → 8)");

    const lines = text("all", "metrics.jsonl")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(
      lines.map(({ epoch, loss, validation, seconds }) => ({ epoch, loss, validation, seconds })),
    ).toEqual(run.history);
    expect(lines.map(({ steps }) => steps)).toEqual([2, 4, 6]);

    const [version, ...epochs] = eventsOf("all", eventFiles("all")[0]);
    expect(version.version).toBe("brain.Event:2");
    expect(epochs.map(({ step }) => step)).toEqual([1, 2, 3]);
    for (const [i, { scalars, time }] of epochs.entries()) {
      const { loss, validation, seconds } = run.history[i];
      const expected = {
        "loss/train": loss,
        "loss/validation": validation.loss,
        "accuracy/validation": validation.accuracy,
        "f1/validation": validation.f1,
        "seconds/epoch": seconds,
      };
      expect(scalars).toEqual(
        Object.fromEntries(Object.entries(expected).map(([tag, value]) => [tag, Math.fround(value)])),
      );
      expect(Math.abs((time ?? 0) - Date.now() / 1000)).toBeLessThan(3600);
    }

    const loaded = nn.loadStateDict(network(9), await loadSafetensors(file("all", "model.safetensors")));
    expect(valuesOf(loaded)).toEqual(valuesOf(run.model));
    const result = JSON.parse(text("all", "result.json"));
    expect(result).toMatchObject({ ended: "finished", error: null, epochs: 3, steps: 6 });

    const page = text("all", "report.html");
    for (const part of ["Curves", "Numbers", "Confusion", "Worst examples", "Settings", "Model"])
      expect(page).toContain(`>${part}</h2>`);
    expect(page).not.toContain(">Health</h2>");
    const recorded = await train.readRun(join(folder, "all"));
    expect(recorded.epochs.map(({ validation }) => validation)).toEqual(
      run.history.map(({ validation }) => validation),
    );
    expect(recorded.result?.ended).toBe("finished");
  });

  it("can do without event files and examples", async () => {
    await recordedFit(train.runFolder(join(folder, "few"), { tensorBoard: false, worst: 0 }), { epochs: 1 });
    expect(eventFiles("few")).toEqual([]);
    expect(text("few", "report.html")).not.toContain("Worst examples");
    expect(text("few", "report.html")).toContain("1 of 1 epoch,");
  });

  it("is there after every epoch, before the run ends, with a half line left out", async () => {
    const seen: number[] = [];
    const inner = train.runFolder(join(folder, "during"));
    await recordedFit({
      start: (run) => inner.start(run),
      end: (end) => inner.end(end),
      epoch: async (record) => {
        await inner.epoch(record);
        seen.push((await train.readRun(join(folder, "during"))).epochs.length);
      },
    });
    expect(seen).toEqual([1, 2, 3]);
    appendFileSync(file("during", "metrics.jsonl"), '{"epoch":4,"los');
    expect((await train.readRun(join(folder, "during"))).epochs.length).toBe(3);
    appendFileSync(file("during", "metrics.jsonl"), "\n");
    await expect(train.readRun(join(folder, "during"))).rejects.toMatchObject({
      code: "file-format",
      details: { line: 4 },
    });
  });

  it("is not lost to another run, unless that is asked for", async () => {
    const directory = join(folder, "taken");
    await recordedFit(train.runFolder(directory), { epochs: 1 });
    await expect(recordedFit(train.runFolder(directory))).rejects.toMatchObject({
      code: "unwritable-output",
    });
    expect((await train.readRun(directory)).epochs.length).toBe(1);
    writeFileSync(join(directory, "notes.txt"), "mine");
    await recordedFit(train.runFolder(directory, { existing: "replace" }), { epochs: 2 });
    expect((await train.readRun(directory)).epochs.length).toBe(2);
    expect(eventFiles("taken").length).toBe(1);
    expect(readdirSync(directory)).toContain("notes.txt");
  });

  it("goes on where a run was taken up: lines of epochs that are trained again are dropped", async () => {
    const directory = join(folder, "resumed");
    const epoch = (n: number, loss: number): Parameters<Recorder["epoch"]>[0] => ({
      epoch: n,
      loss,
      validation: {},
      seconds: 1,
      steps: n * 2,
      model: network(),
    });
    const { data, epochs = 1, batchSize = 1 } = options();
    const { softmaxCrossEntropy } = await import("../../src/losses/index.js");
    const start = {
      model: network(),
      loss: softmaxCrossEntropy,
      optimizer: options().optimizer,
      epochs,
      batchSize,
      data,
    };
    const first = train.runFolder(directory);
    await first.start(start);
    for (const n of [1, 2, 3]) await first.epoch(epoch(n, 10 + n));
    appendFileSync(join(directory, "metrics.jsonl"), '{"epoch":4');

    const second = train.runFolder(directory);
    await second.start({ ...start, resumed: { epochs: 2, steps: 5 } });
    await second.epoch(epoch(3, 23));
    const { epochs: lines, config, result } = await train.readRun(directory);
    expect(lines.map(({ loss }) => loss)).toEqual([11, 12, 23]);
    expect(config.resumed).toMatchObject([{ epochs: 2, steps: 5 }]);
    expect(result).toBeNull();
    const [before, after] = eventFiles("resumed").map((name) => eventsOf("resumed", name));
    expect(before.map(({ step }) => step)).toEqual([0, 1, 2, 3]);
    // readers drop what they have from this step on
    expect(after.map(({ step, restart }) => [step, restart])).toEqual([
      [0, false],
      [3, true],
      [3, false],
    ]);
    await second.end({ error: new Error("boom <b>"), history: [] });
    const ended = await train.readRun(directory);
    expect(ended.result).toMatchObject({ ended: "failed", error: "boom <b>", epochs: 3, steps: 6 });
    expect(text("resumed", "report.html")).toContain("boom &lt;b&gt;");
    expect(text("resumed", "report.html")).toContain("taken up again");
  });

  it("of a run that was stopped and goes on from its checkpoint is like that of one that was not", async () => {
    const more = { epochs: 4, checkpoint: join(folder, "points") };
    const stopped = { ...more, onEpoch: ({ epoch }: { epoch: number }) => epoch < 2 };
    await recordedFit(train.runFolder(join(folder, "again")), stopped);
    const run = await recordedFit(train.runFolder(join(folder, "again")), { ...more, resume: true });
    await recordedFit(train.runFolder(join(folder, "straight")), { epochs: 4 });
    const [again, straight] = await Promise.all(
      ["again", "straight"].map((name) => train.readRun(join(folder, name))),
    );
    const told = ({ epochs }: train.RecordedRun) =>
      epochs.map(({ epoch, steps, loss, validation }) => ({ epoch, steps, loss, validation }));
    expect(told(again)).toEqual(told(straight));
    expect(again.epochs.map(({ seconds }) => seconds)).toEqual(run.history.map(({ seconds }) => seconds));
    expect(again.config.resumed).toMatchObject([{ epochs: 2, steps: 4 }]);
  });

  it("of a run that failed says why, and the run's error is the one that is thrown", async () => {
    const bad = { x: tensor([[1, 1]]), y: labels(0) };
    const failing = recordedFit(train.runFolder(join(folder, "failed")), {
      data: bad,
      loss: (output) => output.sum().mul(Number.NaN),
      metrics: ["accuracy"],
    });
    await expect(failing).rejects.toMatchObject({ code: "non-finite" });
    const { result } = await train.readRun(join(folder, "failed"));
    expect(result).toMatchObject({ ended: "failed", epochs: 0 });
    expect(result?.error).toContain("NaN");
    expect(text("failed", "report.html")).toContain("No epoch was finished.");
  });

  it("keeps NaN and the infinities, which JSON has not", async () => {
    const odd: train.Metric = { name: "odd", compute: (output) => output.mean().mul(0).div(0) };
    await recordedFit(train.runFolder(join(folder, "odd")), { epochs: 1, metrics: [odd] });
    expect(text("odd", "metrics.jsonl")).toContain('"odd":"NaN"');
    expect((await train.readRun(join(folder, "odd"))).epochs[0].validation.odd).toBeNaN();
    expect(JSON.parse(text("odd", "result.json")).last.validation.odd).toBe("NaN");
  });
});

describe("the report", () => {
  const evil = '<script>alert("x")</script><img src=x onerror=alert(1)>';

  it("shows text of the user's as text", async () => {
    const examples = { inputShape: [2], targetShape: [], classes: [evil, "b"], name: evil };
    const parts = { ...examples, inputs: Float32Array.of(0, 0, 1, 1), targets: Int32Array.of(0, 1) };
    const { dataset } = await import("../../src/data/index.js");
    const odd: train.Metric = { name: evil, compute: (output) => output.mean() };
    const record = train.runFolder(join(folder, "evil"), {
      config: { [evil]: evil },
      health: {
        reports: [
          {
            document: { step: 0 },
            findings: [
              { code: evil, severity: "error", layers: [evil], summary: evil, meaning: evil, remedy: evil },
            ],
          },
        ],
      },
    });
    const data = dataset(parts);
    await recordedFit(record, { data, validation: data, epochs: 2, metrics: [odd] });
    const page = text("evil", "report.html");
    expect(page).not.toMatch(/<script|<img src=x/);
    expect(page.match(/&lt;script&gt;/g)?.length).toBeGreaterThan(10);
  });

  it("draws inputs that are pictures, and lists others, the largest loss first", async () => {
    const x = Array.from({ length: 6 }, (_, i) => Array.from({ length: 64 }, (_, k) => (k === i ? 1 : 0)));
    const pictures = { x: tensor(x), y: labels(0, 1, 0, 1, 0, 1) };
    const model = (inputs: number) => new nn.Sequential(new nn.Linear(inputs, 2));
    const base = { loss: "softmaxCrossEntropy", optimizer: sgd({ learningRate: 1 }), seed: 1 } as const;
    const record = train.runFolder(join(folder, "pictures"), { worst: 4 });
    const run = await train.fit(model(64), { ...base, data: pictures, record });
    const drawn = text("pictures", "report.html");
    expect(drawn.match(/<img src="data:image\/png;base64,/g)?.length).toBe(4);

    // the order, from one example at a time
    const each = await Promise.all(
      x.map(async (_, i) => {
        const one = { x: pictures.x.slice([i, i + 1]), y: pictures.y.slice([i, i + 1]) };
        const { loss } = await train.evaluate(run.model, one, ["loss"], { loss: base.loss });
        return { i, loss };
      }),
    );
    const order = each.sort((a, b) => b.loss - a.loss || a.i - b.i).slice(0, 4);
    expect([...drawn.matchAll(/no\. (\d+)</g)].map((match) => Number(match[1]))).toEqual(
      order.map(({ i }) => i),
    );

    const png = Buffer.from(/base64,([^"]+)/.exec(drawn)?.[1] ?? "", "base64");
    const { decode } = await import("fast-png");
    const { width, height, data } = decode(png);
    expect([width, height]).toEqual([8, 8]);
    expect([...data]).toEqual(x[order[0].i].map((value) => 255 * value));

    await train.fit(model(2), { ...base, data: xor, record: train.runFolder(join(folder, "rows")) });
    const listed = text("rows", "report.html");
    expect(listed).not.toContain("<img");
    expect(listed).toContain("The 4 largest losses of 4 training examples");
  });

  it("draws colours, and stretches what is beyond 0 … 1", async () => {
    // red, green and blue planes of −1, 1 and 3
    const x = tensor(
      Array.from({ length: 3 * 64 }, (_, i) => 2 * Math.floor(i / 64) - 1),
      { shape: [1, 3, 8, 8] },
    );
    await train.fit(new nn.Sequential(new nn.Flatten(), new nn.Linear(192, 2)), {
      data: { x, y: labels(1) },
      loss: "softmaxCrossEntropy",
      optimizer: sgd({ learningRate: 0.01 }),
      seed: 1,
      record: train.runFolder(join(folder, "colours")),
    });
    const png = Buffer.from(/base64,([^"]+)/.exec(text("colours", "report.html"))?.[1] ?? "", "base64");
    const { decode } = await import("fast-png");
    const { width, channels, data } = decode(png);
    expect([width, channels]).toEqual([8, 3]);
    expect([...data]).toEqual(Array.from({ length: 64 }, () => [0, 128, 255]).flat());
  });

  it("finds the worst in any batch, NaN before all numbers, in memory and in a stream", async () => {
    const size = 1203;
    const errors = Float32Array.from({ length: size }, (_, i) => (i * 7919) % size);
    errors[1100] = Number.NaN;
    const data = {
      x: tensor(errors, { shape: [size, 1] }),
      y: tensor(new Float32Array(size), { shape: [size, 1] }),
    };
    const stream: ExampleStream = {
      inputShape: [1],
      targetShape: [1],
      async *batches(n) {
        for (let at = 0; at < size; at += n)
          yield {
            x: data.x.slice([at, Math.min(size, at + n)]),
            y: data.y.slice([at, Math.min(size, at + n)]),
          };
      },
    };
    const sorted = Array.from(errors.keys())
      .filter((i) => i !== 1100)
      .sort((a, b) => errors[b] - errors[a]);
    for (const examples of [data, stream]) {
      const found = await worstExamples(new nn.Activation("identity"), examples, absoluteError, 5);
      expect(found?.seen).toBe(size);
      expect(found?.examples.map(({ index }) => index)).toEqual([1100, ...sorted.slice(0, 4)]);
      expect(found?.examples[1]).toMatchObject({ loss: size - 1, input: Float64Array.of(size - 1) });
    }
  });

  it("of a stream is like that of what it holds", async () => {
    const stream: ExampleStream = {
      inputShape: [2],
      targetShape: [],
      classes: ["no", "yes"],
      name: "a stream",
      async *batches() {
        yield xor;
      },
    };
    await recordedFit(train.runFolder(join(folder, "stream")), {
      data: stream,
      validation: stream,
      epochs: 1,
    });
    const page = text("stream", "report.html");
    for (const part of [
      "Confusion</h2>",
      "Worst examples</h2>",
      "a stream: a stream of examples, [2] → 2 classes",
    ])
      expect(page).toContain(part);
    expect(JSON.parse(text("stream", "config.json")).data).toMatchObject({ name: "a stream", size: null });
  });

  it("of a regression has no matrix; of a loss of whole batches, no examples", async () => {
    const data = { x: tensor([[0], [1], [2]]), y: tensor([[0], [1], [2]]) };
    const base = { data, optimizer: sgd({ learningRate: 0.1 }), seed: 1 };
    const model = () => new nn.Sequential(new nn.Linear(1, 1));
    await train.fit(model(), {
      ...base,
      loss: "meanSquaredError",
      record: train.runFolder(join(folder, "numbers")),
    });
    const page = text("numbers", "report.html");
    expect(page).not.toContain("Confusion</h2>");
    expect(page).toContain("Worst examples</h2>");
    await train.fit(model(), {
      ...base,
      loss: (output, target) =>
        output
          .reshape([3])
          .sub(target.reshape([3]))
          .square()
          .sum(),
      record: train.runFolder(join(folder, "batches")),
    });
    expect(text("batches", "report.html")).not.toContain("Worst examples</h2>");
  });

  it("tells what health found, since when, and what went away", async () => {
    const health = explain.health.during({ every: 4, steps: 0 });
    const record = train.runFolder(join(folder, "health"), { health });
    const zeros = nn.loadStateDict(
      network(),
      new Map(nn.parameters(network()).map(([name, value]) => [name, value.mul(0)])),
    );
    await train.fit(zeros, { ...options(), health, record });
    const page = text("health", "report.html");
    const [finding] = health.reports[0].findings;
    expect(page).toContain(`<h3>${finding.code}</h3>`);
    expect(page).toContain("Remedy.");
    expect(page).toContain(`${health.reports.length} looks, from update 0 to 4.`);

    const seen = {
      code: "dead-units",
      severity: "warning",
      layers: [],
      summary: "s",
      meaning: "m",
      remedy: "r",
    } as const;
    const reports = [
      { document: { step: 0 }, findings: [seen] },
      { document: { step: 50 }, findings: [] },
    ];
    await recordedFit(train.runFolder(join(folder, "gone"), { health: { reports } }), { epochs: 1 });
    expect(text("gone", "report.html")).toContain("last seen at update 0 and gone since");
  });
});

describe("refused are", () => {
  it.each<[string, () => unknown, string, RegExp]>([
    ["no path", () => train.runFolder(""), "invalid-argument", /runFolder: directory must be a path/],
    [
      "an unknown option",
      () => train.runFolder("x", { titel: "a" } as never),
      "invalid-argument",
      /did you mean title\?/,
    ],
    [
      "a title that is none",
      () => train.runFolder("x", { title: 3 as never }),
      "invalid-argument",
      /title must be a text/,
    ],
    [
      "a config that is no JSON",
      () => train.runFolder("x", { config: { n: 1n } }),
      "invalid-argument",
      /config must be a plain object of JSON/,
    ],
    [
      "a monitor without reports",
      () => train.runFolder("x", { health: {} as never }),
      "invalid-argument",
      /health must be a monitor that keeps its reports/,
    ],
    [
      "existing",
      () => train.runFolder("x", { existing: "keep" as never }),
      "invalid-argument",
      /refuse \| replace/,
    ],
    [
      "tensorBoard",
      () => train.runFolder("x", { tensorBoard: 1 as never }),
      "invalid-argument",
      /true or false/,
    ],
    [
      "worst",
      () => train.runFolder("x", { worst: -1 }),
      "invalid-argument",
      /worst must be a number of examples/,
    ],
    [
      "a folder that is a file",
      () => {
        writeFileSync(join(folder, "plain"), "");
        return recordedFit(train.runFolder(join(folder, "plain")));
      },
      "unwritable-output",
      /plain/,
    ],
    ["a folder that is none", () => train.readRun(join(folder, "nowhere")), "file-not-found", /config\.json/],
    ["a path that is none", () => train.readRun(3 as never), "invalid-argument", /directory must be a path/],
    [
      "a folder of something else",
      () => {
        mkdirSync(join(folder, "other"));
        writeFileSync(join(folder, "other", "config.json"), "{}");
        return train.readRun(join(folder, "other"));
      },
      "file-format",
      /a run's settings/,
    ],
  ])("%s", async (_, call, code, message) => {
    await expect((async () => call())()).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
