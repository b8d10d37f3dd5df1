import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { idx, mnist } from "../../src/data/index.js";
import { AdjointError } from "../../src/index.js";
import { decodeIdx, loadIdx } from "../../src/io/index.js";

/** An IDX file: type code, dimensions, and the bytes of the elements. */
function idxBytes(code: number, shape: readonly number[], elements: ArrayLike<number>): Uint8Array {
  const dimensions = shape.flatMap((extent) => [
    extent >>> 24,
    (extent >>> 16) & 255,
    (extent >>> 8) & 255,
    extent & 255,
  ]);
  return Uint8Array.from([0, 0, code, shape.length, ...dimensions, ...Array.from(elements)]);
}

const images = idxBytes(8, [3, 2, 2], [0, 255, 51, 102, 1, 2, 3, 4, 5, 6, 7, 8]);
const labels = idxBytes(8, [3], [2, 0, 1]);

async function refusal(work: Promise<unknown> | (() => unknown)): Promise<AdjointError> {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("decodeIdx", () => {
  it("reads every element type, big-endian", () => {
    const view = new DataView(new ArrayBuffer(8));
    const bytesOf = (length: number) => new Uint8Array(view.buffer, 0, length).slice();
    expect([...decodeIdx(idxBytes(9, [2], [255, 1])).data]).toEqual([-1, 1]);
    view.setInt16(0, -300);
    expect([...decodeIdx(idxBytes(0x0b, [1], bytesOf(2))).data]).toEqual([-300]);
    view.setInt32(0, -70_000);
    expect([...decodeIdx(idxBytes(0x0c, [1], bytesOf(4))).data]).toEqual([-70_000]);
    view.setFloat32(0, 0.5);
    expect([...decodeIdx(idxBytes(0x0d, [1], bytesOf(4))).data]).toEqual([0.5]);
    view.setFloat64(0, 0.1);
    expect(decodeIdx(idxBytes(0x0e, [1, 1], bytesOf(8)))).toEqual({
      element: "float64",
      shape: [1, 1],
      data: Float64Array.of(0.1),
    });
  });

  it("gives a tensor through loadIdx: int32 for integers, floats as they are", async () => {
    const whole = await loadIdx(idxBytes(8, [2, 2], [1, 2, 3, 255]));
    expect([whole.dtype, whole.shape, whole.arraySync()]).toEqual([
      "int32",
      [2, 2],
      [
        [1, 2],
        [3, 255],
      ],
    ]);
    const half = new DataView(new ArrayBuffer(4));
    half.setFloat32(0, 0.5);
    expect((await loadIdx(idxBytes(0x0d, [1], new Uint8Array(half.buffer)))).dtype).toBe("float32");
  });

  it("reads bytes that begin inside a larger buffer", () => {
    const padded = new Uint8Array(labels.length + 3);
    padded.set(labels, 3);
    expect([...decodeIdx(padded.subarray(3)).data]).toEqual([2, 0, 1]);
  });

  it("refuses every truncation and names the offset where the file ends", async () => {
    for (let length = 0; length < images.length; length++) {
      const error = await refusal(() => decodeIdx(images.subarray(0, length), "cut.idx"));
      expect([error.code, error.details.file, error.details.offset]).toEqual([
        "file-format",
        "cut.idx",
        length,
      ]);
      expect(error.message).toContain(`cut.idx, byte ${length}`);
    }
  });

  it("refuses bytes after the last element", async () => {
    const error = await refusal(() => decodeIdx(Uint8Array.from([...labels, 0, 0]), "long.idx"));
    expect(error.message).toBe(
      "idx: long.idx, byte 11: expected 11 bytes for uint8[3], received 2 bytes more",
    );
  });

  it.each([
    ["a first byte that is not 0", 0, 1, 0],
    ["a second byte that is not 0", 1, 0x1f, 0],
    ["an unknown element type", 2, 0x0a, 2],
    ["no dimensions", 3, 0, 3],
    ["a dimension that is too large", 4, 0x7f, images.length],
    ["a dimension that is too small", 15, 1, 22],
  ])("refuses %s", async (_name, at, value, offset) => {
    const bytes = images.slice();
    bytes[at] = value;
    const error = await refusal(() => decodeIdx(bytes, "bad.idx"));
    expect([error.code, error.details.offset]).toEqual(["file-format", offset]);
  });

  it("refuses dimensions whose product overflows", async () => {
    const bytes = idxBytes(8, Array(255).fill(0xffffffff), []);
    expect((await refusal(() => decodeIdx(bytes))).code).toBe("file-format");
  });
});

describe("data.idx", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "adjoint-idx-"));
    await writeFile(join(directory, "train-images-idx3-ubyte.gz"), gzipSync(images));
    await writeFile(join(directory, "train-labels-idx1-ubyte"), labels);
    await writeFile(join(directory, "t10k-images-idx3-ubyte"), idxBytes(8, [1, 2, 2], [9, 9, 9, 9]));
    await writeFile(join(directory, "t10k-labels-idx1-ubyte"), idxBytes(8, [1], [7]));
    await writeFile(join(directory, "README"), "train images and labels");
  });
  afterAll(() => rm(directory, { recursive: true }));

  it("scales bytes to [0, 1] and flattens", async () => {
    const set = await idx({ images, labels });
    expect(set.inputShape).toEqual([4]);
    expect([...set.inputs.subarray(0, 4)]).toEqual([0, 1, Math.fround(51 / 255), Math.fround(102 / 255)]);
    expect([...set.targets]).toEqual([2, 0, 1]);
  });

  it("keeps images as one channel when asked, and other scales", async () => {
    const set = await idx({ images, labels }, { flatten: false, scale: 1 });
    expect(set.inputShape).toEqual([1, 2, 2]);
    expect(set.inputs[1]).toBe(255);
  });

  it("finds plain and gzipped files of a directory by split", async () => {
    expect((await idx(directory)).size).toBe(3);
    expect([...(await idx(directory, { split: "test" })).targets]).toEqual([7]);
    const all = await idx(directory, { split: "all" });
    expect([...all.targets]).toEqual([2, 0, 1, 7]);
    expect(all.inputs[12]).toBe(Math.fround(9 / 255));
  });

  it("refuses a damaged gzip file", async () => {
    const packed = gzipSync(images);
    for (const bytes of [
      packed.subarray(0, packed.length - 3),
      packed.subarray(0, 12),
      packed.with(14, 0xff),
    ]) {
      const error = await refusal(idx({ images: Uint8Array.from(bytes), labels }));
      expect(error.code).toBe("file-format");
    }
  });

  it("refuses pairs that do not fit each other, with the file in the message", async () => {
    const two = await refusal(idx({ images, labels: idxBytes(8, [2], [0, 1]) }));
    expect([two.code, two.message]).toEqual([
      "invalid-data",
      "data.idx: the bytes holds 3 images, the bytes 2 labels; expected as many of each",
    ]);
    expect((await refusal(idx({ images: labels, labels: images }))).message).toMatch(/swapped/);
    expect((await refusal(idx({ images, labels: idxBytes(9, [3], [0, 255, 0]) }))).message).toMatch(
      /label -1 of example 1/,
    );
    expect((await refusal(idx({ images, labels: idxBytes(0x0d, [1], [0, 0, 0, 0]) }))).code).toBe(
      "invalid-data",
    );
  });

  it("names what it looks for where a directory has no such file", async () => {
    const empty = await mkdtemp(join(tmpdir(), "adjoint-idx-"));
    const error = await refusal(idx(empty, { split: "test" }));
    await rm(empty, { recursive: true });
    expect([error.code, error.details.expected]).toEqual(["file-not-found", "t10k-images-idx3-ubyte"]);
    expect((await refusal(idx(join(empty, "nowhere")))).message).toMatch(
      /there is no such file or directory/,
    );
  });
});

describe("data.mnist", () => {
  it("is the 60,000 and the 10,000 digits, in order, in [0, 1]", async () => {
    const train = await mnist();
    expect([train.size, train.inputShape, train.classes?.length]).toEqual([60_000, [784], 10]);
    expect([...train.targets.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    const test = await mnist({ split: "test", flatten: false });
    expect([test.size, test.inputShape]).toEqual([10_000, [1, 28, 28]]);
    expect([...test.targets.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    let [lowest, highest] = [1, 0];
    for (const pixel of test.inputs) [lowest, highest] = [Math.min(lowest, pixel), Math.max(highest, pixel)];
    expect([lowest, highest]).toEqual([0, 1]);
  });

  it("refuses a split it does not know", async () => {
    const error = await refusal(mnist({ split: "validation" as "test" }));
    expect(error.message).toBe('data.mnist: split must be "train", "test" or "all", received "validation"');
  });
});
