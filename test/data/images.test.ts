import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { deflateSync } from "node:zlib";
import { encode as encodePng } from "fast-png";
import { encode as encodeJpeg } from "jpeg-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ImagesOptions, images, stream } from "../../src/data/index.js";
import { AdjointError, random } from "../../src/index.js";
import { collected } from "./collected.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adjoint-images-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Files in a new folder, and its path. */
let folders = 0;
async function folderOf(files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  const root = join(folder, String(folders++));
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), bytes);
  }
  return root;
}

async function refused(action: () => unknown): Promise<AdjointError> {
  try {
    await action();
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});
function chunk(type: string, data: Uint8Array | readonly number[]): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), Uint8Array.from(data)]);
  let crc = 0xffffffff;
  for (const byte of body) crc = crcTable[(crc ^ byte) & 255] ^ (crc >>> 8);
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(data.length, 0);
  bytes.writeUInt32BE(~crc >>> 0, 4);
  return Buffer.concat([bytes.subarray(0, 4), body, bytes.subarray(4)]);
}

interface PngParts {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly color: number;
  /** Rows as bytes, without filters. */
  readonly rows: readonly (readonly number[])[];
  readonly more?: readonly Buffer[];
  readonly interlace?: number;
}

/** A PNG file written by hand from the standard, every row with filter 0. */
function png({ width, height, depth, color, rows, more = [], interlace = 0 }: PngParts): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, color, 0, 0, interlace], 8);
  const data = deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), ...more, chunk("IDAT", data), chunk("IEND", [])]);
}

/** The one image of a folder with one class beside another, which is the same. */
async function decoded(
  bytes: Uint8Array,
  options: ImagesOptions = {},
): Promise<{ shape: readonly number[]; values: number[] }> {
  const set = await images(await folderOf({ "a/1.png": bytes, "b/1.png": bytes }), options);
  return { shape: set.inputShape, values: [...set.inputs.subarray(0, set.inputs.length / 2)] };
}

const f = Math.fround;

describe("PNG files", () => {
  it("of 8 bits, gray: each byte over 255", async () => {
    const file = png({
      width: 3,
      height: 2,
      depth: 8,
      color: 0,
      rows: [
        [0, 51, 255],
        [1, 2, 3],
      ],
    });
    expect(await decoded(file, { channels: 1 })).toEqual({
      shape: [1, 2, 3],
      values: [0, f(51 / 255), 1, f(1 / 255), f(2 / 255), f(3 / 255)],
    });
  });

  it("of 16 bits: each pair of bytes over 65535, big end first", async () => {
    const file = png({ width: 2, height: 1, depth: 16, color: 0, rows: [[0x12, 0x34, 0xff, 0xff]] });
    expect((await decoded(file, { channels: 1 })).values).toEqual([f(0x1234 / 65535), 1]);
  });

  it.each([
    [1, [0b10100000], [1, 0, 1]],
    [2, [0b11_01_00_00], [1, 1 / 3, 0]],
    [4, [0xf5, 0x00], [1, 1 / 3, 0]],
  ])("of %d bits: samples from the high end of each byte", async (depth, row, values) => {
    const file = png({ width: 3, height: 1, depth, color: 0, rows: [row] });
    expect((await decoded(file, { channels: 1 })).values).toEqual(values.map(f));
  });

  it("in color are planes, red first", async () => {
    const file = png({ width: 2, height: 1, depth: 8, color: 2, rows: [[255, 0, 51, 0, 102, 255]] });
    expect(await decoded(file)).toEqual({
      shape: [3, 1, 2],
      values: [1, 0, 0, f(102 / 255), f(51 / 255), 1],
    });
  });

  it("in color become gray by the luma of BT.601", async () => {
    const file = png({ width: 1, height: 1, depth: 8, color: 2, rows: [[255, 51, 0]] });
    expect((await decoded(file, { channels: 1 })).values).toEqual([f(0.299 + 0.587 * 0.2)]);
  });

  it("with a palette, of 1 to 8 bits, with and without alpha", async () => {
    const palette = chunk("PLTE", [255, 0, 0, 0, 255, 0, 0, 0, 255]);
    const file = png({ width: 3, height: 1, depth: 2, color: 3, rows: [[0b00_01_10_00]], more: [palette] });
    expect((await decoded(file)).values).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    const clear = png({
      width: 3,
      height: 1,
      depth: 8,
      color: 3,
      rows: [[2, 1, 0]],
      more: [palette, chunk("tRNS", [0])],
    });
    // the first color is transparent, and lies over white
    expect((await decoded(clear)).values).toEqual([0, 0, 1, 0, 1, 1, 1, 0, 1]);
    expect((await decoded(clear, { background: 0 })).values).toEqual([0, 0, 0, 0, 1, 0, 1, 0, 0]);
  });

  it("with alpha are laid over the background", async () => {
    const file = png({ width: 1, height: 1, depth: 8, color: 6, rows: [[255, 0, 0, 51]] });
    // a fifth red over white: 1, ⅘, ⅘
    expect((await decoded(file)).values).toEqual([1, f(0.8), f(0.8)]);
    const gray = png({ width: 1, height: 1, depth: 8, color: 4, rows: [[255, 51]] });
    expect((await decoded(gray, { channels: 1, background: 0 })).values).toEqual([f(0.2)]);
  });

  it("with one color marked as transparent", async () => {
    const mark = chunk("tRNS", [0, 7]);
    const file = png({ width: 2, height: 1, depth: 8, color: 0, rows: [[7, 0]], more: [mark] });
    expect((await decoded(file, { channels: 1 })).values).toEqual([1, 0]);
  });

  it("with a palette beside true color, which only suggests colors, ignore it", async () => {
    const file = png({
      width: 1,
      height: 1,
      depth: 8,
      color: 2,
      rows: [[255, 0, 51]],
      more: [chunk("PLTE", [9, 9, 9])],
    });
    expect((await decoded(file)).values).toEqual([1, 0, f(0.2)]);
  });

  it("interlaced are the same as without", async () => {
    const data = Uint8Array.from({ length: 5 * 6 * 3 }, (_, i) => (i * 41) % 256);
    const plain = encodePng({ width: 6, height: 5, channels: 3, data });
    const woven = encodePng({ width: 6, height: 5, channels: 3, data }, { interlace: "Adam7" });
    expect(await decoded(woven)).toEqual(await decoded(plain));
  });

  it("with text and color profiles: what is no pixel is not decoded, were it a bomb", async () => {
    const bomb = Buffer.concat([Buffer.from("x\0\0", "latin1"), deflateSync(new Uint8Array(50_000_000))]);
    const more = [chunk("iCCP", bomb), chunk("tEXt", Buffer.from("Title\0x", "latin1"))];
    const before = process.memoryUsage().arrayBuffers;
    expect(
      (await decoded(png({ width: 1, height: 1, depth: 8, color: 0, rows: [[255]], more }))).values,
    ).toEqual([1, 1, 1]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });
});

describe("JPEG files", () => {
  it("are decoded, gray and in color", async () => {
    const data = Buffer.alloc(16 * 16 * 4, 255);
    for (let i = 0; i < 256; i++) data.set([200, 100, 50, 255], 4 * i);
    const file = encodeJpeg({ width: 16, height: 16, data }, 95).data;
    const set = await images(await folderOf({ "a/x.JPG": file, "b/x.jpeg": file }));
    expect(set.inputShape).toEqual([3, 16, 16]);
    // an even color survives quality 95 but for rounding, of color space and coefficients: ± 3 of 255
    for (const [plane, value] of [200, 100, 50].entries())
      for (let i = 0; i < 256; i++)
        expect(Math.abs(set.inputs[plane * 256 + i] * 255 - value)).toBeLessThan(3);
  });

  it("are known by their bytes, not by their names", async () => {
    const data = Buffer.alloc(8 * 8 * 4, 255);
    const file = encodeJpeg({ width: 8, height: 8, data }, 90).data;
    expect((await decoded(file, { channels: 1 })).values.every((value) => value === 1)).toBe(true);
  });
});

describe("sizes", () => {
  const ramp = png({
    width: 4,
    height: 2,
    depth: 8,
    color: 0,
    rows: [
      [0, 10, 20, 30],
      [40, 50, 60, 70],
    ],
  });
  const scaled = (values: readonly number[]) => values.map((value) => f(value / 255));

  it("area takes the mean of what a pixel covers", async () => {
    const { shape, values } = await decoded(ramp, { channels: 1, size: [1, 2], filter: "area" });
    expect(shape).toEqual([1, 1, 2]);
    values.forEach((value, i) => {
      expect(value).toBeCloseTo([25 / 255, 45 / 255][i], 6);
    });
    // 3 pixels of 4/3: (0 + ⅓ · 10) / (4/3), …
    const third = await decoded(ramp, { channels: 1, size: [2, 3], filter: "area" });
    [2.5, 15, 27.5].forEach((value, i) => {
      expect(third.values[i]).toBeCloseTo(value / 255, 6);
    });
  });

  it("bilinear makes a ramp of a ramp, larger and smaller, but for its ends", async () => {
    const larger = await decoded(ramp, { channels: 1, size: [2, 8] });
    // centres at ¼, ¾, 1¼ … of a pixel; beyond the first and last centre the edge goes on
    [0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30].forEach((value, i) => {
      expect(larger.values[i]).toBeCloseTo(value / 255, 6);
    });
    // the widened triangle: weights ¼ ¾ ¾ ¼ of 0 10 20 (and the missing one before), over their sum
    const smaller = await decoded(ramp, { channels: 1, size: [2, 2] });
    expect(smaller.values[0]).toBeCloseTo((0.75 * 0 + 0.75 * 10 + 0.25 * 20) / 1.75 / 255, 6);
  });

  it("crop keeps the aspect and takes the centre", async () => {
    const { values } = await decoded(ramp, { channels: 1, size: 2, fit: "crop" });
    expect(values).toEqual(scaled([10, 20, 50, 60]));
  });

  it("of all images must agree unless one is given", async () => {
    const wide = png({ width: 2, height: 1, depth: 8, color: 0, rows: [[0, 0]] });
    const tall = png({ width: 1, height: 2, depth: 8, color: 0, rows: [[0], [0]] });
    const root = await folderOf({ "a/1.png": wide, "b/1.png": tall });
    const error = await refused(() => images(root));
    expect([error.code, error.details.file]).toEqual(["invalid-data", join(root, "b/1.png")]);
    expect(error.message).toContain("has 1 × 2 pixels");
    expect((await images(root, { size: 3 })).inputShape).toEqual([3, 3, 3]);
  });
});

const dot = png({ width: 1, height: 1, depth: 8, color: 0, rows: [[255]] });

describe("folders", () => {
  it("are classes, sorted, as are the images in them; hidden files do not count", async () => {
    const gray = (value: number) => png({ width: 1, height: 1, depth: 8, color: 0, rows: [[value]] });
    const root = await folderOf({
      "dog/b.png": gray(2),
      "dog/a.png": gray(1),
      "cat/z.png": gray(3),
      "cat/.DS_Store": "x",
      ".git/config": "x",
    });
    const set = await images(root, { channels: 1, flatten: true });
    expect([set.classes, [...set.targets], set.inputShape]).toEqual([["cat", "dog"], [0, 1, 1], [1]]);
    expect([...set.inputs].map((value) => Math.round(value * 255))).toEqual([3, 1, 2]);
  });

  it("train and test are parts of one set", async () => {
    const root = await folderOf({
      "train/a/1.png": dot,
      "train/b/1.png": dot,
      "test/b/2.png": dot,
      "test/a/1.png": dot,
    });
    expect((await images(root)).size).toBe(2);
    expect((await images(root, { split: "test" })).name).toBe(root);
    expect((await images(root, { split: "all" })).size).toBe(4);
    const error = await refused(async () =>
      images(await folderOf({ "a/1.png": dot, "b/1.png": dot }), { split: "test" }),
    );
    expect(error.message).toContain("has no folders train and test to take test from");
  });

  it("train and test number classes alike, though one has not all of them", async () => {
    const root = await folderOf({
      "train/b/1.png": dot,
      "train/c/1.png": dot,
      "test/a/1.png": dot,
      "test/c/1.png": dot,
    });
    const [training, test, all] = [
      await images(root),
      await images(root, { split: "test" }),
      await images(root, { split: "all" }),
    ];
    for (const { classes } of [training, test, all]) expect(classes).toEqual(["a", "b", "c"]);
    expect([[...training.targets], [...test.targets], [...all.targets]]).toEqual([
      [1, 2],
      [0, 2],
      [1, 2, 0, 2],
    ]);
  });

  it("with other files are refused, or read without them", async () => {
    const root = await folderOf({ "a/1.png": dot, "a/notes.txt": "x", "b/1.png": dot, "b/deep/1.png": dot });
    const error = await refused(() => images(root));
    expect([error.code, error.details.file]).toEqual(["invalid-data", join(root, "a/notes.txt")]);
    expect((await images(root, { others: "ignore" })).size).toBe(2);
  });

  it.each([
    ["that are not there", async () => join(folder, "absent"), "file-not-found", "there is no such file"],
    [
      "without folders",
      async () => folderOf({ "1.txt": "x" }),
      "invalid-data",
      "has no folders; expected one for each class",
    ],
    [
      "of no images",
      async () => folderOf({ "a/1.png": dot, "b/.hidden": "" }),
      "invalid-data",
      "has no images",
    ],
  ])("%s are refused", async (_, root, code, message) => {
    const error = await refused(async () => images(await root()));
    expect([error.code, error.message]).toEqual([code, expect.stringContaining(message)]);
  });

  it("with a link that leads nowhere are refused, naming it", async () => {
    const root = await folderOf({ "a/1.png": dot, "b/1.png": dot });
    await symlink(join(root, "gone.png"), join(root, "b/2.png"));
    expect(await refused(() => images(root))).toMatchObject({
      code: "file-not-found",
      details: { file: join(root, "b/2.png") },
    });
  });

  it.each([
    [{ size: 0 }, "size must be a number of pixels"],
    [{ size: [1] }, "size must be a number of pixels"],
    [{ channels: 4 }, "channels must be 1 or 3"],
    [{ filter: "cubic" }, 'filter must be "area" or "bilinear"'],
    [{ background: 2 }, "background must be from 0 to 1"],
    [{ maxPixels: 0 }, "maxPixels must be an integer"],
    [{ chanels: 1 }, "did you mean channels?"],
  ])("refuse the options %o", async (options, message) => {
    const error = await refused(() => images("x", options as never));
    expect([error.code, error.message]).toEqual(["invalid-argument", expect.stringContaining(message)]);
  });
});

describe("damaged and hostile images", () => {
  const good = png({
    width: 40,
    height: 30,
    depth: 8,
    color: 2,
    rows: Array.from({ length: 30 }, (_, y) => Array.from({ length: 120 }, (_, x) => (x * y) % 256)),
  });
  const header = (width: number, height: number): Buffer =>
    png({ width, height, depth: 8, color: 0, rows: [[0]] });
  const photo = encodeJpeg(
    {
      width: 24,
      height: 16,
      data: Buffer.from(Uint8Array.from({ length: 24 * 16 * 4 }, (_, i) => (i * 7) % 256)),
    },
    80,
  ).data;

  async function refusal(bytes: Uint8Array, options: ImagesOptions = {}): Promise<AdjointError> {
    const root = await folderOf({ "a/1.png": dot, "b/bad.png": bytes });
    const error = await refused(() => images(root, { size: 8, ...options }));
    expect(error.details.file).toBe(join(root, "b/bad.png"));
    return error;
  }

  it("cut off anywhere are refused, PNG", async () => {
    for (let length = 0; length < good.length; length += 16)
      expect((await refusal(good.subarray(0, length))).code, `${length} bytes`).toBe("file-format");
  });

  it("cut off anywhere but in their last blocks are refused, JPEG", async () => {
    for (let length = 0; length < photo.length - 40; length += 24) {
      const root = await folderOf({ "a/1.png": dot, "b/bad.jpg": photo.subarray(0, length) });
      const error = await refused(() => images(root, { size: 8 }));
      expect(error.code, `${length} bytes`).toBe("file-format");
    }
  });

  it("with any bit flipped are refused, or decoded: nothing else is thrown", async () => {
    for (const file of [good, Buffer.from(photo)])
      for (let i = 0; i < file.length; i += 11) {
        const bytes = Uint8Array.from(file);
        bytes[i] ^= 1 << (i % 8);
        const root = await folderOf({ "a/1.png": dot, "b/flip.png": bytes });
        const outcome: unknown = await images(root, { size: 8 }).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          expect(outcome, `byte ${i}`).toBeInstanceOf(AdjointError);
          expect(["file-format", "file-too-large", "unsupported"]).toContain((outcome as AdjointError).code);
        } else expect(outcome).toMatchObject({ size: 2 });
      }
  });

  it("of more pixels than allowed are refused before anything is decoded", async () => {
    const error = await refusal(header(100_000, 100_000));
    expect(error.code).toBe("file-too-large");
    expect(error.message).toContain("100000 × 100000 pixels are more than the 33554432 allowed by maxPixels");
    expect((await refusal(good, { maxPixels: 1000 })).code).toBe("file-too-large");
    const wide = Uint8Array.from(photo);
    const frame = wide.findIndex(
      (byte, i) => byte === 0xff && (wide[i + 1] === 0xc0 || wide[i + 1] === 0xc2),
    );
    wide.set([0xff, 0xff, 0xff, 0xff], frame + 5);
    expect((await refusal(wide)).code).toBe("file-too-large");
  });

  it("of many pixels in few bytes are refused before memory is taken for them", async () => {
    const claims = Uint8Array.from(photo);
    const frame = claims.findIndex(
      (byte, i) => byte === 0xff && (claims[i + 1] === 0xc0 || claims[i + 1] === 0xc2),
    );
    // 5000 × 5000
    claims.set([0x13, 0x88, 0x13, 0x88], frame + 5);
    const before = process.memoryUsage().arrayBuffers;
    expect((await refusal(claims)).message).toContain("bytes are too few for 5000 × 5000 pixels");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    const palette = png({
      width: 1,
      height: 1,
      depth: 8,
      color: 3,
      rows: [[0]],
      more: [chunk("PLTE", new Uint8Array(30_000_000))],
    });
    expect((await refusal(palette)).message).toContain("chunk PLTE at byte 33 has 30000000 bytes");
  });

  it("that unpack to more than their header says are refused with little memory", async () => {
    const bomb = Buffer.concat([
      header(10, 10).subarray(0, 33),
      chunk("IDAT", deflateSync(new Uint8Array(100_000_000))),
      chunk("IEND", []),
    ]);
    const before = process.memoryUsage().arrayBuffers;
    const error = await refusal(bomb);
    expect([error.code, error.message]).toEqual([
      "file-format",
      expect.stringContaining("more data than 10 × 10 pixels need"),
    ]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  it.each([
    [
      "an unknown color type",
      png({ width: 1, height: 1, depth: 8, color: 5, rows: [[0]] }),
      "there is no color type 5 of 8 bits",
    ],
    [
      "a palette of 16 bits",
      png({ width: 1, height: 1, depth: 16, color: 3, rows: [[0, 0]] }),
      "no color type 3 of 16 bits",
    ],
    [
      "no palette",
      png({ width: 1, height: 1, depth: 8, color: 3, rows: [[0]] }),
      "an image with a palette has none",
    ],
    [
      "a color outside the palette",
      png({ width: 1, height: 1, depth: 8, color: 3, rows: [[1]], more: [chunk("PLTE", [1, 2, 3])] }),
      "color 1 is outside its palette of 1",
    ],
    ["too few rows", header(1, 2), "expected 4 bytes of pixels, received 2"],
    ["no rows at all", header(0, 1), "an image of 0 × 1 pixels"],
    ["another format", Buffer.from("GIF89a"), "it is neither a PNG nor a JPEG file"],
  ])("with %s are refused", async (_, bytes, message) => {
    const error = await refusal(bytes);
    expect([error.code, error.message]).toEqual(["file-format", expect.stringContaining(message)]);
  });

  it("interlaced in less than 8 bits are refused rather than read wrongly", async () => {
    const error = await refusal(
      png({ width: 1, height: 1, depth: 1, color: 0, rows: [[128]], interlace: 1 }),
    );
    expect(error.code).toBe("unsupported");
  });
});

describe("data.stream.images", () => {
  it("gives what data.images gives, in any order, from any place", async () => {
    const gray = (value: number) =>
      png({
        width: 2,
        height: 2,
        depth: 8,
        color: 0,
        rows: [
          [value, 0],
          [0, value],
        ],
      });
    const root = await folderOf(
      Object.fromEntries(
        Array.from({ length: 40 }, (_, i) => [`${i % 2 === 0 ? "a" : "b"}/${i}.png`, gray(i)]),
      ),
    );
    const whole = await images(root, { channels: 1 });
    const opened = await stream.images(root, { channels: 1 });
    const batches = await collected(opened.batches(9));
    expect(batches.flatMap(({ x }) => [...x.dataSync()])).toEqual([...whole.inputs]);
    expect(batches.flatMap(({ y }) => [...y.dataSync()])).toEqual([...whole.targets]);
    expect([opened.size, opened.classes]).toEqual([40, ["a", "b"]]);
    const pass = { key: random.key(2) };
    const labels = (await collected(opened.batches(7, pass))).flatMap(({ y }) => [...y.dataSync()]);
    const rest = (await collected(opened.batches(7, { ...pass, skip: 2 }))).flatMap(({ y }) => [
      ...y.dataSync(),
    ]);
    expect(rest).toEqual(labels.slice(14));
  });
});
