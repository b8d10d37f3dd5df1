import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { text, Vocabulary } from "../../src/data/index.js";
import { AdjointError, grad, random, type Tensor } from "../../src/index.js";
import { softmaxCrossEntropy } from "../../src/losses/index.js";
import { Embedding, Linear, Sequential } from "../../src/nn/index.js";
import { adam } from "../../src/optim/index.js";
import * as train from "../../src/train/index.js";
import { collected } from "./collected.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adjoint-text-"));
});
afterAll(() => rm(folder, { recursive: true }));

const rhyme = "row, row, row\nyour boat\n";

describe("data.text", () => {
  it("gives windows and the same windows one character on", async () => {
    const stream = await text(rhyme, { context: 5 });
    const [batch] = await collected(stream.batches(100));
    const rows = batch.x.arraySync() as number[][];
    const next = batch.y.arraySync() as number[][];
    // 24 characters: windows at 0, 5, 10, 15; one at 20 would have no character after its last
    expect(rows.map((row) => stream.decode(row))).toEqual(["row, ", "row, ", "row\ny", "our b"]);
    expect(next.map((row) => stream.decode(row))).toEqual(["ow, r", "ow, r", "ow\nyo", "ur bo"]);
    expect([batch.x.dtype, batch.y.dtype, stream.size]).toEqual(["int32", "int32", 4]);
  });

  it("has every window with step 1, the last one ending before the last character", async () => {
    const stream = await text(rhyme, { context: 5, step: 1 });
    expect(stream.size).toBe(rhyme.length - 5);
    const [batch] = await collected(stream.batches(100));
    const last = (batch.y.arraySync() as number[][]).at(-1) ?? [];
    expect(stream.decode(last)).toBe("boat\n");
  });

  it("holds the text once: a megabyte of windows at every position needs a megabyte", async () => {
    const long = `${"to be or not to be, that is the question\n".repeat(25_600)}`;
    const stream = await text(long, { context: 64, step: 1 });
    expect(stream.size).toBe(long.length - 64);
    expect((stream as unknown as { codes: Uint8Array }).codes.byteLength).toBe(long.length);
    // the parts of a split are views of the same memory
    const [training, validation] = stream.split(0.9);
    const bufferOf = (part: unknown) => (part as { codes: Uint8Array }).codes.buffer;
    expect(bufferOf(training)).toBe(bufferOf(stream));
    expect(bufferOf(validation)).toBe(bufferOf(stream));
    expect(training.length + validation.length).toBe(long.length);
  });

  it("visits every window once in the order of a key, and goes on where a pass was left", async () => {
    const stream = await text(rhyme, { context: 3, step: 1 });
    const flat = (batches: readonly { x: Tensor }[]) =>
      batches.flatMap(({ x }) => x.arraySync() as number[][]);
    const plain = flat(await collected(stream.batches(4)));
    const mixed = flat(await collected(stream.batches(4, { key: random.key(5) })));
    expect(mixed).not.toEqual(plain);
    expect(mixed.map(String).sort()).toEqual(plain.map(String).sort());
    const rest = flat(await collected(stream.batches(4, { key: random.key(5), skip: 3 })));
    expect(rest).toEqual(mixed.slice(12));
  });

  it("splits by position, no window reaching over", async () => {
    const [head, tail] = (await text(rhyme, { context: 3 })).split(0.5);
    const [first] = await collected(head.batches(100));
    const [second] = await collected(tail.batches(100));
    expect(head.decode(first.x.flatten().dataSync())).toBe("row, row,");
    // the second half begins at character 12
    expect(tail.decode(second.x.flatten().dataSync())).toBe("w\nyour bo");
  });

  it("counts characters, not UTF-16 units, and reads files, packed ones too", async () => {
    const path = join(folder, "wide.txt.gz");
    await writeFile(path, gzipSync("añ😀añ😀a"));
    const stream = await text(path, { context: 2 });
    expect([stream.length, stream.vocabulary.size]).toEqual([7, 3]);
    expect(stream.decode(stream.encode("😀ña"))).toBe("😀ña");
  });

  it("takes the vocabulary of an earlier text, and refuses a character it does not have", async () => {
    const { vocabulary } = await text("abc\n", { context: 1 });
    const again = new Vocabulary(JSON.parse(JSON.stringify(vocabulary)));
    const stream = await text("cab\n", { context: 1, vocabulary: again });
    expect([...stream.encode("ab")]).toEqual([1, 2]);
    const refused = text("abd\n", { context: 1, vocabulary });
    await expect(refused).rejects.toThrow(
      'vocabulary.encode: character "d" at position 2 is none of the 4 of the vocabulary',
    );
  });

  it("trains a loss with a label for every position", async () => {
    const stream = await text(rhyme, { context: 4 });
    const [{ x, y }] = await collected(stream.batches(3));
    const model = {
      table: new Embedding(stream.vocabulary.size, 6, { key: random.key(1) }),
      head: new Linear(6, stream.vocabulary.size, { key: random.key(2) }),
    };
    const loss = (m: typeof model) => softmaxCrossEntropy(m.head.forward(m.table.forward(x)), y);
    const { table, head } = grad(loss)(model);
    expect(table.weight.shape).toEqual([stream.vocabulary.size, 6]);
    // by hand, from the mean of −log p over all positions: bias̄ₖ = mean (pₖ − [k = y])
    const p = model.head.forward(model.table.forward(x)).softmax(-1);
    const labels = y.flatten().arraySync() as number[];
    const mean = p.reshape([-1, stream.vocabulary.size]).mean(0).arraySync() as number[];
    const bias = head.bias?.arraySync() as number[];
    for (const [k, value] of bias.entries()) {
      const share = labels.filter((label) => label === k).length / labels.length;
      // float32 sums of 12 terms below 1
      expect(value).toBeCloseTo(mean[k] - share, 6);
    }
  });

  it("trains by fit, the same for the same seed, and is measured by evaluate", async () => {
    const [training, validation] = (await text(rhyme.repeat(30), { context: 8 })).split(0.8);
    const size = training.vocabulary.size;
    const model = new Sequential(
      new Embedding(size, 8, { key: random.key(1) }),
      new Linear(8, size, { key: random.key(2) }),
    );
    const optimizer = adam({ learningRate: 0.05 });
    const options = {
      data: training,
      validation,
      loss: "softmaxCrossEntropy",
      optimizer,
      epochs: 8,
      batchSize: 8,
      seed: 1,
    } as const;
    const run = await train.fit(model, options);
    const again = await train.fit(model, options);
    expect(again.history.map(({ loss }) => loss)).toEqual(run.history.map(({ loss }) => loss));
    const { loss, accuracy } = await train.evaluate(run.model, validation, ["loss", "accuracy"], {
      loss: "softmaxCrossEntropy",
    });
    // what follows a single character is known in 18 of 24 places of the rhyme; chance is 1 in 11
    expect(accuracy).toBeGreaterThan(0.5);
    expect(loss).toBeLessThan(Math.log(size) / 2);
  });

  it.each([
    ["no such file", { context: 2 }, "file-not-found", "there is no such file"],
    ["short\n", { context: 6 }, "invalid-data", "need a text of at least 7, received 6"],
    ["text\n", { context: 0 }, "invalid-argument", "context must be an integer of at least 1, received 0"],
    ["text\n", { context: 2, step: 1.5 }, "invalid-argument", "step must be an integer of at least 1"],
    ["text\n", { context: 2, steps: 1 }, "invalid-argument", "did you mean step?"],
    ["text\n", { context: 2, vocabulary: ["t"] }, "invalid-argument", "vocabulary must be one such as"],
  ])("refuses %o with %o", async (source, options, code, message) => {
    const error: unknown = await text(source, options as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AdjointError);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it("refuses bytes that are no text", async () => {
    const path = join(folder, "binary.txt");
    await writeFile(path, Uint8Array.of(0x61, 0xff, 0xfe));
    await expect(text(path, { context: 1 })).rejects.toMatchObject({ code: "file-format" });
  });

  it("refuses vocabularies of anything but different single characters", () => {
    for (const bad of [[], ["ab"], ["a", "a"], [1], "ab"])
      expect(() => new Vocabulary(bad as never)).toThrow(/Vocabulary: characters must be/);
    expect(() => Vocabulary.of("ab").decode([2])).toThrow("vocabulary.decode: 2 is outside the 2 characters");
  });
});
