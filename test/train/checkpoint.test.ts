/** Checkpoints through loss of power, damage, full disks and wrong settings. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { AdjointError, random, tensor } from "../../src/index.js";
import { decodeSafetensors } from "../../src/io/index.js";
import * as nn from "../../src/nn/index.js";
import * as optim from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { MemoryFiles } from "./memory-files.js";
import { labels, network, options, valuesOf, xor } from "./support.js";

const directory = "ck";
// two updates an epoch
const base = (): train.FitOptions<nn.Sequential> => ({ ...options(), validation: xor });
const whole = await train.fit(network(), base());
const refusal = async (call: Promise<unknown>): Promise<AdjointError> => {
  const error = await call.catch((thrown: unknown) => thrown);
  if (error instanceof AdjointError) return error;
  throw new Error(`not refused: ${String(error)}`);
};
/** The checkpoints of a run, one after every update. */
const filled = async (more: Partial<train.CheckpointOptions> = {}): Promise<MemoryFiles> => {
  const files = new MemoryFiles();
  await train.fit(network(), {
    ...base(),
    checkpoint: { directory, everySteps: 1, keep: 99, files, ...more },
  });
  return files;
};
const resumed = (files: MemoryFiles, more: object = {}): Promise<train.Run<nn.Sequential>> =>
  train.fit(network(), { ...base(), checkpoint: { directory, files }, resume: true, ...more });
const stepOf = (path: string): number => Number(/-(\d+)\./.exec(path)?.[1]);

describe("whenever the power fails", () => {
  const fullRun = { directory, everySteps: 1, keep: 2, best: "loss" };

  it.each(["late", "early"] as const)(
    "the run can be resumed, and ends with the same bits; names that were not synced come %s",
    async (names) => {
      const complete = new MemoryFiles();
      await train.fit(network(), { ...base(), checkpoint: { ...fullRun, files: complete } });
      expect(complete.log.length).toBeGreaterThan(40);
      const { step: bestStep } = await train.loadCheckpoint(directory, network(), {
        which: "best",
        files: complete,
      });
      for (let stop = 0; stop < complete.log.length; stop++) {
        const files = new MemoryFiles();
        files.before = () => {
          if (files.log.length > stop) throw new Error("no power");
        };
        const checkpoint = { ...fullRun, files };
        await train.fit(network(), { ...base(), checkpoint }).catch(() => {});
        const rest = files.afterPowerLoss(names);
        const notices: train.Notice[] = [];
        const run = await train.fit(network(), {
          ...base(),
          checkpoint: { ...fullRun, files: rest },
          // before the first checkpoint there is nothing to go on from
          resume: "auto",
          onNotice: (notice) => notices.push(notice),
        });
        const where = `after ${stop} operations, at ${complete.log[stop]}`;
        expect(
          notices.filter(({ kind }) => kind === "checkpoint-damaged"),
          where,
        ).toEqual([]);
        expect(valuesOf(run.model), where).toEqual(valuesOf(whole.model));
        // nothing half-written stays, and no more than is to be kept, and the best
        expect(rest.paths(), where).toEqual(complete.paths());
        const best = await train.loadCheckpoint(directory, network(), { which: "best", files: rest });
        expect(best.step, where).toBe(bestStep);
      }
    },
    60_000,
  );
});

describe("a damaged checkpoint", () => {
  it("is noticed wherever a bit is flipped or the file is cut off", async () => {
    const files = await filled();
    const [path] = files.paths();
    const bytes = files.get(path) ?? new Uint8Array();
    const check = async (changed: Uint8Array, what: string): Promise<void> => {
      const error = await refusal(resumed(MemoryFiles.of([[path, changed]])));
      expect(error.code, what).toBe("checkpoint-damaged");
      expect(error.message, what).toContain("no checkpoint in ck is intact");
    };
    const lengths = [0, 1, 7, 8, 33, 34, 98, bytes.length - 1];
    for (let length = 64; length < bytes.length; length += 64) lengths.push(length);
    for (const length of lengths)
      await check(bytes.subarray(0, length), `${length} bytes of ${bytes.length}`);
    // every bit of the length and the digest, and one bit in each further byte
    for (let at = 0; at < bytes.length; at++)
      for (const bit of at < 100 ? [0, 1, 2, 3, 4, 5, 6, 7] : [at % 8]) {
        const changed = bytes.slice();
        changed[at] ^= 1 << bit;
        const message = `bit ${bit} of byte ${at}`;
        await check(changed, message);
      }
    const longer = new Uint8Array(bytes.length + 1);
    longer.set(bytes);
    await check(longer, "one byte more");
  }, 60_000);

  it("is passed over with a notice, and the one before it is used", async () => {
    const files = await filled();
    const paths = files.paths();
    for (const path of paths.slice(-2))
      files.put(path, (files.get(path) ?? new Uint8Array()).subarray(0, 500));
    const notices: train.Notice[] = [];
    const run = await resumed(files, { onNotice: (notice: train.Notice) => notices.push(notice) });
    expect(notices.map(({ kind, file }) => [kind, file])).toEqual([
      ["checkpoint-damaged", paths.at(-1)],
      ["checkpoint-damaged", paths.at(-2)],
      ["resumed", paths.at(-3)],
    ]);
    expect(notices[0].message).toMatch(
      /^the checkpoint ck\/.* is damaged: .*; the one before it is looked at$/,
    );
    expect(valuesOf(run.model)).toEqual(valuesOf(whole.model));
  });

  it('never makes a run begin anew, not even with "auto"', async () => {
    const files = await filled({ keep: 2 });
    for (const path of files.paths()) files.put(path, new Uint8Array(700));
    const error = await refusal(resumed(files, { resume: "auto" }));
    expect([error.code, error.details.file]).toEqual(["checkpoint-damaged", directory]);
    for (const path of files.paths()) expect(error.message).toContain(path.slice(directory.length + 1));
  });

  it("is one too whose digest is right and whose contents are of no run", async () => {
    const { encodeContents, seal } = await import("../../src/train/checkpoint/format.js");
    const files = await filled({ keep: 1 });
    const [path] = files.paths();
    const contents = decodeSafetensors(files.get(path) ?? new Uint8Array());
    const record = JSON.parse(contents.metadata.get("record") ?? "");
    const wrong = [
      null,
      [],
      { ...record, position: { ...record.position, batch: -1 } },
      { ...record, history: [{ epoch: 1 }] },
      { ...record, state: { object: [["step"]] } },
      { ...record, fingerprint: { batchSize: 3 } },
      { ...record, __proto__: { polluted: true }, history: 3 },
    ];
    for (const one of wrong) {
      const bytes = await encodeContents({ tensors: contents, record: one });
      await seal(bytes);
      expect((await refusal(resumed(MemoryFiles.of([[path, bytes]])))).code, JSON.stringify(one)).toBe(
        "checkpoint-damaged",
      );
    }
    const without = new Map(contents);
    without.delete("state.step");
    const bytes = await encodeContents({ tensors: without, record });
    await seal(bytes);
    expect((await refusal(resumed(MemoryFiles.of([[path, bytes]])))).message).toContain(
      "it has no tensor state.step",
    );
  });
});

describe("a checkpoint that cannot be written ends the run at once", () => {
  const failing = (code: string, at: (operation: string, path: string) => boolean): MemoryFiles => {
    const files = new MemoryFiles();
    files.before = (operation, path) => {
      if (at(operation, path)) throw Object.assign(new Error(code), { code });
    };
    return files;
  };

  it.each([
    ["ENOSPC", "write", /: the disk is full;/],
    ["EIO", "sync", /: the disk reports an error;/],
    ["EACCES", "create", /: permission denied;/],
    ["ENOENT", "rename", /: there is no such file or directory;/],
    ["EROFS", "syncDirectory", /: the file system is read-only;/],
  ])("%s at %s, and what was written before is intact", async (code, operation, message) => {
    const files = failing(
      code,
      (name, path) => name === operation && files.log.length > 20 && path.includes(directory),
    );
    const error = await refusal(
      train.fit(network(), { ...base(), epochs: 500, checkpoint: { directory, everySteps: 1, files } }),
    );
    expect(error).toMatchObject({ code: "checkpoint-failed", message: expect.stringMatching(message) });
    expect(error.cause).toMatchObject({ code });
    files.before = () => {};
    expect(files.paths().filter((path) => path.endsWith(".tmp"))).toEqual([]);
    const run = await resumed(files);
    expect(valuesOf(run.model)).toEqual(valuesOf(whole.model));
  });

  it("where there can be no directory, before the first step", async () => {
    const files = failing("EROFS", (operation) => operation === "makeDirectory");
    let steps = 0;
    const onBatch = (): void => {
      steps++;
    };
    const error = await refusal(
      train.fit(network(), { ...base(), onBatch, checkpoint: { directory, files } }),
    );
    expect([error.code, steps]).toEqual(["checkpoint-failed", 0]);
  });
});

describe("on a real disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "adjoint-checkpoint-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  it("keeps the last three and the best, and removes what a killed run left", async () => {
    const place = join(folder, "deep", "kept");
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "checkpoint-000000002.safetensors.77-abc-1.tmp"), "half");
    writeFileSync(join(place, "notes.txt"), "mine");
    const { history } = await train.fit(network(), {
      ...base(),
      epochs: 6,
      checkpoint: { directory: place, best: { metric: "loss", mode: "max" } },
    });
    const names = readdirSync(place).sort();
    expect(names).toEqual([
      "best.safetensors",
      ...[8, 10, 12].map((step) => `checkpoint-${String(step).padStart(9, "0")}.safetensors`),
      "notes.txt",
    ]);
    const best = await train.loadCheckpoint(place, network(9), { which: "best" });
    const losses = history.map(({ validation }) => validation.loss);
    const largest = losses.indexOf(Math.max(...losses)) + 1;
    expect([best.step, best.history.length]).toEqual([2 * largest, largest]);
    const last = await train.loadCheckpoint(place, network(9));
    expect([last.step, last.history.length]).toEqual([12, 6]);
  });

  it("an unwritable, vanished or full place is refused with a code", async () => {
    const error = await refusal(train.fit(network(), { ...base(), checkpoint: "/proc/adjoint-checkpoints" }));
    expect(error.code).toBe("checkpoint-failed");
    const place = join(folder, "vanishing");
    const vanished = await refusal(
      train.fit(network(), {
        ...base(),
        checkpoint: place,
        onEpoch: ({ epoch }) => {
          if (epoch === 2) rmSync(place, { recursive: true });
        },
      }),
    );
    expect(vanished.code).toBe("checkpoint-failed");
    expect(existsSync(place)).toBe(false);
  });

  it("keeps the best as a copy where the file system has no second names for a file", async () => {
    const files = new MemoryFiles();
    files.before = (operation) => {
      if (operation === "link") throw Object.assign(new Error("EPERM"), { code: "EPERM" });
    };
    await train.fit(network(), { ...base(), checkpoint: { directory, files, best: "loss" } });
    const linked = new MemoryFiles();
    await train.fit(network(), { ...base(), checkpoint: { directory, files: linked, best: "loss" } });
    const load = (from: MemoryFiles) =>
      train.loadCheckpoint(directory, network(), { which: "best", files: from });
    const [copy, link] = [await load(files), await load(linked)];
    expect([copy.step, valuesOf(copy.model)]).toEqual([link.step, valuesOf(link.model)]);
  });

  it("what is there is a safetensors file with the model's tensors, whose bits are the model's", async () => {
    const place = join(folder, "readable");
    const run = await train.fit(network(), { ...base(), checkpoint: place });
    const { model, file } = await train.loadCheckpoint(place, network(8));
    expect(valuesOf(model)).toEqual(valuesOf(run.model));
    expect(file).toBe(run.checkpoint);
  });
});

describe("resuming refuses", () => {
  it.each<[string, object, RegExp]>([
    ["batchSize", { batchSize: 2 }, /batchSize was 3, and is 2/],
    ["seed", { seed: 2 }, /seed was 1, and is 2/],
    ["optimizer", { optimizer: optim.adam({ learningRate: 0.5 }) }, /optimizer was sgd, and is adam/],
    ["loss", { loss: "negativeLogLikelihood" }, /loss was softmaxCrossEntropy, and is negativeLogLikelihood/],
    ["shuffle", { shuffle: false }, /shuffle was true, and is false/],
    ["accumulate", { accumulate: 2 }, /accumulate was 1, and is 2/],
    [
      "data",
      { data: { x: tensor([[0, 0]]), y: labels(1) } },
      /data was 4 examples float32\[2\] → int32\[\], and is 1 examples/,
    ],
    ["the examples", { data: { x: xor.x, y: labels(0, 1, 1, 1) } }, /the examples was/],
  ])("another %s", async (argument, more, message) => {
    const error = await refusal(resumed(await filled({ keep: 1 }), more));
    expect(error).toMatchObject({ code: "checkpoint-mismatch", message: expect.stringMatching(message) });
    expect(error.details.argument).toBe(argument);
  });

  it("another metric for the best or for early stopping; to begin or stop asking for one is fine", async () => {
    const validated = { epochs: 3, earlyStopping: { metric: "loss", patience: 9 } };
    const make = async (): Promise<MemoryFiles> => {
      const files = new MemoryFiles();
      const checkpoint = { directory, files, best: "loss" };
      await train.fit(network(), { ...base(), ...validated, epochs: 2, checkpoint });
      return files;
    };
    const other = await refusal(
      resumed(await make(), { earlyStopping: { metric: "accuracy", patience: 9 } }),
    );
    expect(other.message).toMatch(/earlyStopping was loss, min, and is accuracy, max/);
    const files = await make();
    const best = await refusal(resumed(files, { checkpoint: { directory, files, best: "accuracy" } }));
    expect(best.message).toMatch(/checkpoint\.best was loss, min, and is accuracy, max/);
    expect(valuesOf((await resumed(files)).model)).toEqual(valuesOf(whole.model));
    const plain = await filled({ keep: 1 });
    const more = {
      epochs: 4,
      earlyStopping: { patience: 9 },
      checkpoint: { directory, files: plain, best: "loss" },
    };
    expect((await resumed(plain, more)).history.length).toBe(4);
  });

  it("another model: its classes, shapes and settings", async () => {
    const files = await filled({ keep: 1 });
    const others: [nn.Sequential, RegExp][] = [
      [
        new nn.Sequential(new nn.Linear(2, 9), new nn.Activation("tanh"), new nn.Linear(9, 2)),
        /model\.layers\.0\.weight was float32\[8, 2\], and is float32\[9, 2\]/,
      ],
      [
        new nn.Sequential(new nn.Linear(2, 8), new nn.Activation("relu"), new nn.Linear(8, 2)),
        /"tanh", and is "relu"/,
      ],
      [
        new nn.Sequential(new nn.Linear(2, 8), new nn.Flatten(), new nn.Linear(8, 2)),
        /model\.layers\.1 was Activation, and is Flatten/,
      ],
    ];
    for (const [model, message] of others) {
      const call = train.fit(model, { ...base(), checkpoint: { directory, files }, resume: true });
      expect(await refusal(call)).toMatchObject({
        code: "checkpoint-mismatch",
        message: expect.stringMatching(message),
      });
    }
  });

  it('to resume from nothing, and to begin where another run is; "auto" begins where there is nothing', async () => {
    const files = new MemoryFiles();
    expect((await refusal(resumed(files))).code).toBe("checkpoint-missing");
    expect(files.log.filter((entry) => !entry.startsWith("list"))).toEqual([]);
    const run = await resumed(files, { resume: "auto" });
    expect(valuesOf(run.model)).toEqual(valuesOf(whole.model));
    const before = files.paths();
    expect((await refusal(resumed(files, { resume: false }))).code).toBe("checkpoint-exists");
    expect(files.paths()).toEqual(before);
    expect(
      (await refusal(train.loadCheckpoint("nowhere", network(), { files: new MemoryFiles() }))).code,
    ).toBe("checkpoint-missing");
  });

  it.each<[object, RegExp]>([
    [{ checkpoint: 3 }, /^fit: checkpoint must be a directory, or \{ directory, everySteps \}, received 3$/],
    [{ checkpoint: "" }, /^fit: checkpoint must be a directory, received ""$/],
    [{ checkpoint: {} }, /^fit: checkpoint\.directory must be a directory, received undefined$/],
    [{ checkpoint: { directory, everyStep: 5 } }, /there is no option everyStep; did you mean everySteps\?/],
    [
      { checkpoint: { directory, everySteps: 0 } },
      /^fit: checkpoint\.everySteps must be an integer of at least 1, received 0$/,
    ],
    [{ checkpoint: { directory, keep: 0.5 } }, /^fit: checkpoint\.keep must be/],
    [
      { checkpoint: { directory, everySeconds: -1 } },
      /^fit: checkpoint\.everySeconds must be a number above 0/,
    ],
    [
      { checkpoint: { directory, best: "f7" } },
      /checkpoint\.best names the metric "f7", which is not measured; there are loss, accuracy$/,
    ],
    [
      { checkpoint: { directory, best: { metric: "loss", mode: "up" } } },
      /checkpoint\.best\.mode must be "min" or "max"/,
    ],
    [{ resume: true }, /^fit: checkpoint must be a directory where a run is to be resumed/],
    [{ checkpoint: directory, resume: "yes" }, /^fit: resume must be true, false or "auto"/],
    [{ onNotice: 3 }, /^fit: onNotice must be a function/],
    [{ accumulate: 0 }, /^fit: accumulate must be an integer of at least 1/],
    [{ record: {} }, /^fit: record must be one such as train\.runFolder/],
  ])("%j", async (more, message) => {
    const error = await refusal(train.fit(network(), { ...base(), ...more } as never));
    expect(error).toMatchObject({ code: "invalid-argument", message: expect.stringMatching(message) });
  });
});

describe("numbers that are not finite", () => {
  it("are never kept: the last checkpoint is of before, and the error names it and the operation", async () => {
    // the fourth of eight examples overflows when it is squared
    const x = tensor([[1], [1], [1], [1e30], [1], [1], [1], [1]]);
    const files = new MemoryFiles();
    const model = new nn.Sequential(new nn.Linear(1, 1, { key: random.key(0) }));
    const error = await refusal(
      train.fit(model, {
        data: { x, y: x.mul(0) },
        loss: "meanSquaredError",
        optimizer: optim.sgd({ learningRate: 0.1 }),
        batchSize: 1,
        shuffle: false,
        epochs: 2,
        checkpoint: { directory, everySteps: 1, files },
      }),
    );
    expect(error.details).toMatchObject({ step: 4, epoch: 1, node: "mul (of square)" });
    expect(error.message).toMatch(/the last checkpoint is ck\/checkpoint-000000003\.safetensors$/);
    expect(files.paths().map(stepOf)).toEqual([1, 2, 3]);
    const { model: kept } = await train.loadCheckpoint(directory, model, { files });
    expect(valuesOf(kept).every(Number.isFinite)).toBe(true);
  });

  it("in parameters are found before they are written, and the way back is named", async () => {
    // √x at 0: the value is finite, its derivative is not
    class Root implements nn.Module {
      readonly shift = tensor([0]);
      forward(input: ReturnType<typeof tensor>): ReturnType<typeof tensor> {
        return input.add(this.shift).sqrt();
      }
    }
    const files = new MemoryFiles();
    const error = await refusal(
      train.fit(new Root(), {
        data: { x: tensor([[0], [4]]), y: tensor([[1], [1]]) },
        loss: "meanSquaredError",
        optimizer: optim.sgd({ learningRate: 0.1 }),
        batchSize: 1,
        shuffle: false,
        checkpoint: { directory, everySteps: 1, files },
      }),
    );
    expect(error.message).toMatch(
      /^fit: the update made shift not finite at step 1 \(epoch 1\): .* which sqrt made going backward, at .*checkpoint\.test\.ts:\d+;/,
    );
    expect(error.details).toMatchObject({ step: 1, node: "sqrt", line: expect.any(Number) });
    expect(files.paths()).toEqual([]);
  });

  it("that an update makes of finite gradients are its own", async () => {
    const model = new nn.Sequential(new nn.Linear(1, 1, { key: random.key(0) }));
    const run = train.fit(model, {
      data: { x: tensor([[1e10]]), y: tensor([[1]]) },
      loss: "meanSquaredError",
      optimizer: optim.sgd({ learningRate: 3e38 }),
      epochs: 9,
    });
    const error = await refusal(run);
    expect(error.message).toMatch(
      /at step 2 \(epoch 2\): the update before it, by sgd, made layers\.0\.weight -?Infinity;/,
    );
  });

  it("in the data are said to be there", async () => {
    const model = new nn.Sequential(new nn.Linear(1, 1, { key: random.key(0) }));
    const data = { x: tensor([[1], [Number.NaN]]), y: tensor([[1], [1]]) };
    const error = await refusal(
      train.fit(model, {
        data,
        loss: "meanSquaredError",
        optimizer: optim.sgd({ learningRate: 0.1 }),
        shuffle: false,
        batchSize: 1,
      }),
    );
    expect(error.message).toMatch(/at step 2 \(epoch 1\): the inputs of its batch contain NaN;/);
  });
});
