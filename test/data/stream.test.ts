import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  arrays,
  type Batch,
  csv,
  fitTable,
  idx,
  readTable,
  type Stream,
  stream,
  TableTransform,
} from "../../src/data/index.js";
import { AdjointError, random, type Tensor, tensor } from "../../src/index.js";
import { encodeNpy } from "../../src/io/index.js";
import { collected } from "./collected.js";

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adjoint-stream-"));
});
afterAll(() => rm(folder, { recursive: true }));

const rows = 1000;
const numbersCsv = `a,b,y\n${Array.from({ length: rows }, (_, i) => `${i},${i / 8},${2 * i}`).join("\n")}\n`;

const firstColumn = (batches: readonly Batch[]): number[] =>
  batches.flatMap(({ x }) => (x.arraySync() as number[][]).map((row) => row.flat(9)[0]));
const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);

async function refused(action: () => unknown): Promise<AdjointError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

/** IDX files of `count` images of 2 × 3 pixels, image i all i mod 256, labels i mod 10. */
function idxFiles(count: number): { images: Uint8Array; labels: Uint8Array } {
  const images = new Uint8Array(16 + 6 * count);
  images.set([0, 0, 8, 3, 0, 0, count >> 8, count & 255, 0, 0, 0, 2, 0, 0, 0, 3]);
  for (let i = 0; i < count; i++) images.fill(i & 255, 16 + 6 * i, 22 + 6 * i);
  const labels = new Uint8Array(8 + count);
  labels.set([0, 0, 8, 1, 0, 0, count >> 8, count & 255]);
  for (let i = 0; i < count; i++) labels[8 + i] = i % 10;
  return { images, labels };
}

interface Case {
  readonly name: string;
  readonly size: number;
  readonly open: () => Promise<Stream>;
}

const cases: readonly Case[] = [
  { name: "csv", size: rows, open: () => stream.csv(at("n.csv"), { target: "y", shuffle: 100 }) },
  { name: "csv, packed", size: rows, open: () => stream.csv(at("n.csv.gz"), { target: "y", shuffle: 100 }) },
  { name: "idx", size: 300, open: () => stream.idx({ inputs: at("i"), targets: at("l") }) },
  {
    name: "idx, packed",
    size: 300,
    open: () => stream.idx({ inputs: at("i.gz"), targets: at("l.gz") }, { shuffle: 50 }),
  },
  { name: "npy", size: 40, open: () => stream.npy({ inputs: at("x.npy"), targets: at("y.npy") }) },
  {
    name: "generate",
    size: 55,
    open: async () =>
      stream.generate({ inputShape: [1], targetShape: [], shuffle: 9 }, async function* () {
        for (let i = 0; i < 55; i++) yield { x: [i], y: i % 3 };
      }),
  },
  {
    name: "of a data set",
    size: 20,
    open: async () =>
      stream.of(
        arrays(
          tensor(Float32Array.from({ length: 20 }, (_, i) => i)),
          Int32Array.from({ length: 20 }, () => 1) as never,
          { classes: ["a", "b"] },
        ),
      ),
  },
];

beforeAll(async () => {
  await writeFile(at("n.csv"), numbersCsv);
  await writeFile(at("n.csv.gz"), gzipSync(numbersCsv));
  const { images, labels } = idxFiles(300);
  await writeFile(at("i"), images);
  await writeFile(at("l"), labels);
  await writeFile(at("i.gz"), gzipSync(images));
  await writeFile(at("l.gz"), gzipSync(labels));
  const x = tensor(
    Float64Array.from({ length: 120 }, (_, i) => i / 3),
    { shape: [40, 3] },
  );
  await writeFile(at("x.npy"), encodeNpy(x));
  await writeFile(at("y.npy"), encodeNpy(tensor(Int32Array.from({ length: 40 }, (_, i) => i))));
});

describe.each(cases)("a stream: $name", ({ open, size }) => {
  it("gives every example once, in order, in batches of which only the last may be smaller", async () => {
    const batches = await collected((await open()).batches(7));
    expect(batches.map(({ x }) => x.shape[0])).toEqual([
      ...Array.from({ length: Math.floor(size / 7) }, () => 7),
      ...(size % 7 > 0 ? [size % 7] : []),
    ]);
    expect(batches.every(({ x, y }) => x.shape[0] === y.shape[0])).toBe(true);
    expect(new Set(batches.map(({ x }) => x.shape.slice(1).join())).size).toBe(1);
  });

  it("announces the shapes its batches have", async () => {
    const opened = await open();
    const [{ x, y }] = await collected(opened.batches(5));
    expect(x.shape.slice(1)).toEqual(opened.inputShape);
    expect(y.shape.slice(1)).toEqual(opened.targetShape);
  });

  it("gives the same batches for the same key, others for another, and all examples for any", async () => {
    const opened = await open();
    const plain = firstColumn(await collected(opened.batches(8)));
    const one = firstColumn(await collected(opened.batches(8, { key: random.key(1) })));
    expect(firstColumn(await collected((await open()).batches(8, { key: random.key(1) })))).toEqual(one);
    expect(firstColumn(await collected(opened.batches(8, { key: random.key(2) })))).not.toEqual(one);
    expect(one).not.toEqual(plain);
    expect(sorted(one)).toEqual(sorted(plain));
  });

  it("goes on in the middle of a pass as if it had not stopped", async () => {
    const opened = await open();
    for (const pass of [{}, { key: random.key(3) }]) {
      const all = firstColumn(await collected(opened.batches(6, pass)));
      for (const skip of [1, 4, 1000])
        expect(firstColumn(await collected(opened.batches(6, { ...pass, skip })))).toEqual(
          all.slice(6 * skip),
        );
    }
  });

  it("comes in the same order when it is read ahead, and ends early without harm", async () => {
    const opened = await open();
    const plain = firstColumn(await collected(opened.batches(6)));
    expect(firstColumn(await collected(opened.prefetch(3).batches(6)))).toEqual(plain);
    for await (const { x } of opened.prefetch(2).batches(4)) {
      expect(x.shape[0]).toBe(4);
      break;
    }
  });
});

describe("data.stream.csv", () => {
  it("agrees with data.csv, column for column", async () => {
    const whole = await csv(at("n.csv"), { target: "y", features: ["b", "a"] });
    const opened = await stream.csv(at("n.csv"), { target: "y", features: ["b", "a"] });
    const batches = await collected(opened.batches(64));
    expect(batches.flatMap(({ x }) => [...x.dataSync()])).toEqual([...whole.inputs]);
    expect(batches.flatMap(({ y }) => [...y.dataSync()])).toEqual([...whole.targets]);
  });

  it("applies a fitted transform to words and holes", async () => {
    const text = "town,n,kind\nUlm,1,x\nBonn,,y\nUlm,3,y\n";
    await writeFile(at("t.csv"), text);
    const table = await readTable(at("t.csv"));
    const transform = fitTable(table, { label: "kind", missing: "mean" });
    const opened = await stream.csv(at("t.csv"), { transform });
    expect([opened.classes, opened.inputShape]).toEqual([["x", "y"], [3]]);
    const [{ x, y }] = await collected(opened.batches(10));
    expect([...x.dataSync()]).toEqual([...transform.apply(table).inputs]);
    expect([...y.dataSync()]).toEqual([0, 1, 1]);
    // and from its JSON
    const stored = await stream.csv(at("t.csv"), { transform: JSON.parse(JSON.stringify(transform)) });
    expect((await collected(stored.batches(10)))[0].x.arraySync()).toEqual(x.arraySync());
    expect(transform).toBeInstanceOf(TableTransform);
  });

  it("takes a transform fitted on its first rows, which are read alone", async () => {
    // what comes after them is not looked at, were it no table at all
    await writeFile(at("long.csv"), `a,y\n${"1,2\n3,4\n".repeat(200)}x,x,x\n`);
    const head = await readTable(at("long.csv"), { rows: 3 });
    expect(head.rows.map(({ cells }) => cells.join())).toEqual(["1,2", "3,4", "1,2"]);
    expect((await readTable("a,y\n1,2\n3,4", { rows: 1 })).size).toBe(1);
    const transform = fitTable(head, { target: "y", standardize: true });
    const { x } = await (await stream.csv(at("n.csv"), { transform })).first(1);
    // (0 − 5/3) / √(8/9)
    expect(x.itemSync()).toBeCloseTo(-5 / 3 / Math.sqrt(8 / 9), 6);
    const error = await refused(() => readTable(at("long.csv"), { rows: 0 }));
    expect(error.message).toBe("data.readTable: rows must be an integer of at least 1, received 0");
  });

  it("moves rows ahead by no more than the buffer", async () => {
    const opened = await stream.csv(at("n.csv"), { target: "y", shuffle: 50 });
    const order = firstColumn(await collected(opened.batches(10, { key: random.key(8) })));
    order.forEach((row, place) => {
      expect(row - place).toBeLessThanOrEqual(50);
    });
    // a row waits a geometric time of mean 50, which is exactly 50 with chance e⁻¹ / 50: about 7 of 1000 come where they were
    expect(order.filter((row, place) => row === place).length).toBeLessThan(30);
  });

  it("gives the good rows before it refuses a bad one, naming line and column", async () => {
    await writeFile(at("bad.csv"), "a,y\n1,1\n2,2\nx,3\n");
    const opened = await stream.csv(at("bad.csv"), { target: "y" });
    const seen: number[] = [];
    const error = await refused(async () => {
      for await (const { x } of opened.batches(1)) seen.push(x.itemSync() as number);
    });
    expect(seen).toEqual([1, 2]);
    expect(error.code).toBe("invalid-data");
    expect(error.message).toContain('bad.csv, line 4, column "a": expected a finite number');
  });

  it.each([
    ["a,y\n1,2\n1,2,3\n", "line 3: expected 2 cells, as in the first line, received 3"],
    ['a,y\n1,"2\n', "line 2: the text ends here within a quoted cell"],
    ["a,a\n1,2\n", 'two columns are named "a"'],
    ["", "line 1: expected at least one line, received none"],
  ])("refuses %o", async (content, message) => {
    await writeFile(at("odd.csv"), content);
    const options = { target: "y" };
    const error = await refused(async () => collected((await stream.csv(at("odd.csv"), options)).batches(2)));
    expect([error.code, error.message]).toEqual(["file-format", expect.stringContaining(message)]);
  });

  it("refuses a packed file that is damaged, and one that is cut off", async () => {
    const packed = gzipSync(numbersCsv);
    for (const bytes of [
      packed.subarray(0, packed.length - 20),
      packed.map((byte, i) => (i === 400 ? byte ^ 255 : byte)),
    ]) {
      await writeFile(at("cut.csv.gz"), bytes);
      const error = await refused(async () =>
        collected((await stream.csv(at("cut.csv.gz"), { target: "y" })).batches(100)),
      );
      // damaged bytes may still unpack, to rows that are no rows
      expect(["file-format", "invalid-data"]).toContain(error.code);
    }
  });

  it.each([
    [{ label: "y" }, "classes must be the names of the classes, which a stream cannot know"],
    [{}, "name the column of the answers"],
    [{ target: "z" }, 'has no column "z"'],
    [{ target: "y", shuffle: -1 }, "shuffle must be a number of rows, received -1"],
    [{ target: "y", transform: {} }, "target must be left out where there is a transform"],
    [{ target: "y", features: ["y"] }, "columns beside the answer"],
  ])("refuses the options %o", async (options, message) => {
    const error = await refused(() => stream.csv(at("n.csv"), options as never));
    expect([error.code, error.message]).toEqual(["invalid-argument", expect.stringContaining(message)]);
  });
});

describe("data.stream.idx and npy", () => {
  it("agree with the readers of whole files", async () => {
    const whole = await idx({ images: at("i"), labels: at("l") }, { flatten: false });
    for (const [inputs, targets] of [
      ["i", "l"],
      ["i.gz", "l.gz"],
    ]) {
      const opened = await stream.idx({ inputs: at(inputs), targets: at(targets) });
      expect([opened.size, opened.inputShape]).toEqual([300, [1, 2, 3]]);
      const batches = await collected(opened.batches(77));
      expect(batches.flatMap(({ x }) => [...x.dataSync()])).toEqual([...whole.inputs]);
      expect(batches.flatMap(({ y }) => [...y.dataSync()])).toEqual([...whole.targets]);
    }
    const opened = await stream.npy({ inputs: at("x.npy"), targets: at("y.npy") }, { scale: 3 });
    const [{ x, y }] = await collected(opened.batches(40, { key: random.key(4) }));
    expect([x.dtype, y.dtype]).toEqual(["float64", "int32"]);
    for (const [i, row] of (x.arraySync() as number[][]).entries()) {
      const k = (y.arraySync() as number[])[i];
      // i / 3 · 3 is exact to an ulp of 120
      row.forEach((value, j) => {
        expect(value).toBeCloseTo(3 * k + j, 12);
      });
    }
  });

  it("keep inputs and targets of packed files together, though they come in pieces of other lengths", async () => {
    const { images, labels } = idxFiles(60_000);
    await writeFile(at("many.gz"), gzipSync(images, { level: 1 }));
    await writeFile(at("many-labels.gz"), gzipSync(labels, { level: 1 }));
    const source = { inputs: at("many.gz"), targets: at("many-labels.gz") };
    const opened = await stream.idx(source, { scale: 1, flatten: true });
    let first = 0;
    for await (const { x, y } of opened.batches(1000)) {
      const pixels = x.dataSync();
      y.dataSync().forEach((label, i) => {
        if (label !== (first + i) % 10 || pixels[6 * i] !== ((first + i) & 255))
          throw new Error(`example ${first + i}`);
      });
      first += x.shape[0];
    }
    expect(first).toBe(60_000);
  });

  it("refuse files that do not fit each other or their headers", async () => {
    const { images, labels } = idxFiles(5);
    await writeFile(at("i5"), images);
    await writeFile(at("cut"), images.subarray(0, 30));
    await writeFile(at("l5.gz"), gzipSync(labels.subarray(0, 11)));
    await writeFile(at("none"), new Uint8Array(0));
    const open = (inputs: string, targets: string) => async () =>
      collected((await stream.idx({ inputs: at(inputs), targets: at(targets) })).batches(2));
    expect(await refused(open("i5", "l"))).toMatchObject({ code: "invalid-data" });
    expect((await refused(open("cut", "l"))).message).toContain(
      "expected 46 bytes for the shape [5, 2, 3], received 30",
    );
    expect((await refused(open("i5", "l5.gz"))).message).toContain("expected 5 rows of 1 bytes, received 3");
    expect((await refused(open("none", "l"))).message).toContain("the file ends within its header");
    expect(await refused(open("absent", "l"))).toMatchObject({ code: "file-not-found" });
    expect(await refused(() => stream.npy({ inputs: at("i"), targets: at("l") }))).toMatchObject({
      code: "file-format",
    });
  });

  it("refuse a column-major array, whose rows do not lie together", async () => {
    const bytes = encodeNpy(
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    const text = Buffer.from(bytes).toString("latin1").replace("False", "True ");
    await writeFile(at("f.npy"), Buffer.from(text, "latin1"));
    const error = await refused(() => stream.npy({ inputs: at("f.npy"), targets: at("y.npy") }));
    expect(error.message).toContain("column-major order");
  });
});

describe("what is done to streams", () => {
  it("map changes batches as they come, with their number in the pass", async () => {
    const opened = await stream.idx({ inputs: at("i"), targets: at("l") });
    const numbers: number[] = [];
    const mapped = opened.map(
      ({ x, y }, index) => {
        numbers.push(index);
        return { x: x.flatten().reshape([-1, 6]), y };
      },
      { inputShape: [6] },
    );
    const batches = await collected(mapped.batches(100, { skip: 1 }));
    expect([mapped.inputShape, batches[0].x.shape, numbers]).toEqual([[6], [100, 6], [1, 2]]);
  });

  it("a function of the caller's cannot go to a worker", async () => {
    const mapped = (await stream.idx({ inputs: at("i"), targets: at("l") })).map((batch) => batch);
    expect(() => mapped.prefetch(1, { worker: true })).toThrow(/which cannot go to a worker/);
  });

  it("first gives the first batch, and refuses where there is none", async () => {
    const opened = await stream.idx({ inputs: at("i"), targets: at("l") });
    const pass = { key: random.key(1), skip: 2 };
    const [batch] = await collected(opened.batches(3, pass));
    expect((await opened.first(3, pass)).y.arraySync()).toEqual(batch.y.arraySync());
    expect(await refused(() => opened.first(300, { skip: 1 }))).toMatchObject({ code: "invalid-data" });
  });

  it("a generator that fails fails the pass, after the batches before", async () => {
    const failing = stream.generate({ inputShape: [1], targetShape: [1], shuffle: 0 }, function* () {
      yield { x: [1], y: [1] };
      throw new Error("the source is gone");
    });
    const seen: Tensor[] = [];
    const reading = async () => {
      for await (const { x } of failing.prefetch(3).batches(1)) seen.push(x);
    };
    await expect(reading()).rejects.toThrow("the source is gone");
    expect(seen.length).toBe(1);
  });

  it("a pass that is left lets go of its source, read ahead or not", async () => {
    let open = 0;
    const counted = stream.generate({ inputShape: [1], targetShape: [1], shuffle: 0 }, function* () {
      open++;
      try {
        for (let i = 0; i < 100; i++) yield { x: [i], y: [i] };
      } finally {
        open--;
      }
    });
    for (const one of [counted, counted.prefetch(2), counted.map((batch) => batch).prefetch(2)]) {
      for await (const { x } of one.batches(3)) {
        expect([x.shape[0], open]).toEqual([3, 1]);
        break;
      }
      expect(open).toBe(0);
    }
  });

  it("refuses batch sizes, numbers to skip and examples that are none", async () => {
    const opened = await stream.csv(at("n.csv"), { target: "y" });
    expect(() => opened.batches(0)).toThrow(
      "stream.batches: batchSize must be an integer of at least 1, received 0",
    );
    expect(() => opened.batches(1, { skip: -1 })).toThrow("skip must be an integer of at least 0");
    expect(() => opened.prefetch(0)).toThrow("stream.prefetch: k must be an integer of at least 1");
    const wrong = stream.generate({ inputShape: [2], targetShape: [] }, function* () {
      yield { x: [1], y: 0 };
    });
    await expect(collected(wrong.batches(1))).rejects.toThrow(
      "data.stream.generate: x of an example must have the shape [2], received [1]",
    );
  });
});
