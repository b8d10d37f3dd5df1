/** Files that expand beyond all measure: each is refused before it has done harm. Of their own process: its peak of memory is looked at. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, deflateRawSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csv } from "../../src/data/index.js";
import { tensor } from "../../src/index.js";
import {
  encodeNpy,
  encodeNpz,
  encodeSafetensors,
  loadIdx,
  loadNpy,
  loadNpz,
  loadSafetensors,
} from "../../src/io/index.js";
import { npy } from "./malformed-arrays.js";
import { bytesOf, crcOf, deflatedMember, fields, joined, type Member, zip } from "./malformed-zip.js";

const mebibyte = 2 ** 20;

/** A packed MiB of zeros. */
let zeros: Uint8Array | undefined;

/** Deflate's packing of `start` and then of so many MiB of zeros: blocks that do not look back, so that one can be repeated. */
function packedZeros(start: Uint8Array, mebibytes: number): Uint8Array {
  const block = (content: Uint8Array) =>
    new Uint8Array(deflateRawSync(content, { finishFlush: constants.Z_FULL_FLUSH, level: 9 }));
  zeros ??= block(new Uint8Array(mebibyte));
  const parts = [block(start), ...new Array<Uint8Array>(mebibytes).fill(zeros)];
  // an empty last block
  return joined(...parts, Uint8Array.of(3, 0));
}

/** A gzip file that announces `length` bytes. */
function gzipOf(packed: Uint8Array, length: number): Uint8Array {
  const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
  return joined(header, packed, fields([4, 0], [4, length % 2 ** 32]));
}

const header = (elements: number): Uint8Array =>
  npy(`{'descr': '<f4', 'fortran_order': False, 'shape': (${elements},), }\n`);
const tenGigabytes = 10 * 1024;

/** A member of so many MiB of zeros behind a header that announces them. */
function bomb(name: string, mebibytes: number, announced = mebibytes): Member {
  const start = header((announced * mebibyte) / 4);
  const packed = packedZeros(start, mebibytes);
  const size = start.length + announced * mebibyte;
  const fields = { size, crc: 0, compressedSize: packed.length };
  return { name, content: start, packed, local: fields, central: fields };
}

/** What is refused, and how. */
interface Bomb {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  readonly load: (path: string) => Promise<unknown>;
  readonly code: "file-too-large" | "file-format";
}

const gzipBomb = (start: Uint8Array) => () =>
  gzipOf(packedZeros(start, tenGigabytes), start.length + tenGigabytes * mebibyte);
const table = (path: string) => csv(path, { label: "y" });

const bombs: readonly Bomb[] = [
  { name: "10 GB of a table", bytes: gzipBomb(bytesOf("x,y\n1,a\n2,")), load: table, code: "file-too-large" },
  { name: "10 GB of an array", bytes: gzipBomb(header(2 ** 31 - 1)), load: loadNpy, code: "file-too-large" },
  {
    name: "10 GB of images",
    bytes: gzipBomb(Uint8Array.of(0, 0, 8, 1, 127, 255, 255, 255)),
    load: loadIdx,
    code: "file-too-large",
  },
  {
    name: "10 GB of weights",
    bytes: gzipBomb(bytesOf('\x02\0\0\0\0\0\0\0{"')),
    load: loadSafetensors,
    code: "file-too-large",
  },
  {
    name: "a gzip file that says it holds little",
    bytes: () => gzipOf(packedZeros(header(1), tenGigabytes), 100),
    load: loadNpy,
    code: "file-too-large",
  },
  {
    name: "a gzip file in a thousand parts of 10 MB",
    bytes: () =>
      joined(...new Array<Uint8Array>(1000).fill(new Uint8Array(gzipSync(new Uint8Array(10 * mebibyte))))),
    load: loadNpz,
    code: "file-too-large",
  },
  {
    name: "an archive of 10 GB, as it says",
    bytes: () => zip([bomb("w.npy", tenGigabytes - 1, 3000)]),
    load: loadNpz,
    code: "file-too-large",
  },
  {
    name: "an archive that says it holds little",
    bytes: () => zip([bomb("w.npy", tenGigabytes, 1)]),
    load: loadNpz,
    code: "file-format",
  },
  {
    name: "an archive of a thousand members of 60 MB each",
    bytes: () => zip(Array.from({ length: 1000 }, (_, i) => bomb(`${i}.npy`, 1, 60))),
    load: loadNpz,
    code: "file-too-large",
  },
  {
    name: "60 KB whose thousand members are one and the same 10 MB",
    bytes: () => {
      const content = joined(header(2.5 * mebibyte), new Uint8Array(10 * mebibyte));
      const zeros = deflatedMember("0.npy", content);
      const central = {
        offset: 0,
        crc: crcOf(content),
        size: content.length,
        compressedSize: zeros.packed?.length ?? 0,
        method: 8,
      };
      const same: Member = { name: "0.npy", content: new Uint8Array(0), central };
      return zip([zeros, ...new Array<Member>(999).fill(same)]);
    },
    load: loadNpz,
    code: "file-format",
  },
  {
    name: "an array that announces 60 MB in an archive of nothing",
    bytes: () => zip([bomb("w.npy", 0, 60)]),
    load: loadNpz,
    code: "file-format",
  },
  {
    name: "a gzipped archive of 10 GB",
    bytes: () => new Uint8Array(gzipSync(zip([bomb("w.npy", tenGigabytes, 3000)]))),
    load: loadNpz,
    code: "file-too-large",
  },
];

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adjoint-bombs-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("a file that expands beyond all measure", () => {
  const times: number[] = [];
  let peak = 0;

  it.each(bombs)("is refused: $name", async ({ bytes, load, code }) => {
    const path = join(directory, "bomb");
    await writeFile(path, bytes());
    const before = process.resourceUsage().maxRSS;
    const start = performance.now();
    await expect(load(path)).rejects.toMatchObject({ code, details: { file: path } });
    times.push(performance.now() - start);
    peak = Math.max(peak, process.resourceUsage().maxRSS - before);
  });

  it("needs little memory for it, and so little work: what is unpacked lies there", () => {
    console.log(
      `bombs: ${Math.max(...times).toFixed(0)} ms at most, ${(peak / 1024).toFixed(0)} MiB at most`,
    );
    expect(times).toHaveLength(bombs.length);
    // the 64 MiB that everything may expand to, once as pieces and once put together while room for them is made
    expect(peak / 1024).toBeLessThan(3 * 64);
  });
});

describe("a file that expands a good deal", () => {
  it("is read", async () => {
    const zeros = tensor(new Float32Array(4 * mebibyte));
    const path = join(directory, "zeros");
    await writeFile(path, await encodeNpz({ zeros }, { compress: true }));
    expect((await loadNpz(path)).get("zeros")?.size).toBe(4 * mebibyte);
    await writeFile(path, gzipSync(encodeNpy(zeros)));
    expect((await loadNpy(path)).size).toBe(4 * mebibyte);
    await writeFile(path, gzipSync(encodeSafetensors({ zeros })));
    expect((await loadSafetensors(path)).get("zeros")?.size).toBe(4 * mebibyte);
  });
});
