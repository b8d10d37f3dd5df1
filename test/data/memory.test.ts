/** Streams of files that are larger than what they may take: what is alive is measured after collecting garbage. */
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createGzip } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stream, stream } from "../../src/data/index.js";
import { random, tensor } from "../../src/index.js";
import { encodeNpy } from "../../src/io/index.js";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

let folder: string;
const at = (name: string): string => join(folder, name);
const rows = 12_000;
const mebibyte = 2 ** 20;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adjoint-memory-"));
  const note = "x".repeat(2000);
  const file = await open(at("notes.csv"), "w");
  await file.write("a,note,y\n");
  for (let i = 0; i < rows; i += 500)
    await file.write(Array.from({ length: 500 }, (_, k) => `${i + k},${note}${i + k},1\n`).join(""));
  await file.close();
  // 256 MiB of zeros that take no room on the disk, after the header of as many rows
  const head = Buffer.from(encodeNpy(tensor(new Float32Array(0), { shape: [0, 1024] }))).toString("latin1");
  const npy = await open(at("x.npy"), "w");
  await npy.write(Buffer.from(head.replace("(0, 1024)", "(65536, 1024)").replace("    \n", "\n"), "latin1"));
  await npy.truncate((await npy.stat()).size + 65536 * 4096);
  await npy.close();
  await writeFile(at("y.npy"), encodeNpy(tensor(new Int32Array(65536))));
  // 64 MiB of images, packed to nothing
  const gzip = createGzip({ level: 1 });
  const packed = (await open(at("images.gz"), "w")).createWriteStream();
  gzip.pipe(packed);
  gzip.write(Uint8Array.of(0, 0, 8, 2, 0, 1, 0, 0, 0, 0, 4, 0));
  for (let i = 0; i < 64; i++) gzip.write(new Uint8Array(mebibyte));
  gzip.end();
  await new Promise<void>((resolve) => packed.on("finish", () => resolve()));
  const labels = new Uint8Array(8 + 65536);
  labels.set([0, 0, 8, 1, 0, 1, 0, 0]);
  await writeFile(at("labels"), labels);
});
afterAll(() => rm(folder, { recursive: true }));

/** Bytes that are still reachable, in the heap and in the buffers it holds. */
async function alive(): Promise<number> {
  for (let i = 0; i < 2; i++) {
    // what weak references hold is let go when the job ends
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** The most that is alive during a pass beyond what was before, in MiB, and the number of examples. */
async function growth(
  opened: Stream,
  batchSize: number,
  every: number,
): Promise<{ grown: number; count: number }> {
  const before = await alive();
  let grown = 0;
  let count = 0;
  let batches = 0;
  for await (const { x } of opened.batches(batchSize, { key: random.key(1) })) {
    count += x.shape[0];
    if (batches++ % every === 0) grown = Math.max(grown, (await alive()) - before);
  }
  return { grown: grown / mebibyte, count };
}

describe("memory of a pass", () => {
  it("of a CSV file of 24 MB is that of a piece and the shuffle buffer", async () => {
    const opened = await stream.csv(at("notes.csv"), { target: "y", features: ["a"], shuffle: 1000 });
    const { grown, count } = await growth(opened, 100, 10);
    expect(count).toBe(rows);
    // 1000 rows and a few hundred on their way, of 2 kB in one byte or two a character; pieces of 256 KiB
    expect(grown).toBeLessThan(8);
  });

  it("of an array of 256 MiB is that of a batch and the order", async () => {
    const opened = await stream.npy({ inputs: at("x.npy"), targets: at("y.npy") });
    const { grown, count } = await growth(opened, 256, 32);
    expect(count).toBe(65536);
    // a batch of 1 MiB a few times over, and orders of 65,536 rows
    expect(grown).toBeLessThan(12);
  });

  it("of packed images of 64 MiB, read ahead, is that of a few batches and the shuffle buffer", async () => {
    const opened = (
      await stream.idx({ inputs: at("images.gz"), targets: at("labels") }, { shuffle: 2048 })
    ).prefetch(2);
    const { grown, count } = await growth(opened, 256, 32);
    expect(count).toBe(65536);
    // rows of 1 KiB: 2 MiB in the buffer; four batches in the making, each of 1 MiB as float32 in up to four copies; and as
    // much again for pieces and what the collector has not seen yet. Of all inputs as float32 that is an eighth
    expect(grown).toBeLessThan(32);
  });
});
