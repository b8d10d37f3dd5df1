/** Every file of the corpus, plain and gzipped, is refused with a typed error that names it; nothing else comes of it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csv } from "../../src/data/index.js";
import { AdjointError, tensor } from "../../src/index.js";
import {
  decodeNpy,
  decodeSafetensors,
  encodeNpy,
  encodeNpz,
  encodeSafetensors,
  loadIdx,
  loadNpy,
  loadNpz,
  loadSafetensors,
} from "../../src/io/index.js";
import type { Format, Malformed } from "./malformed.js";
import { malformedCsv, malformedIdx, malformedNpy } from "./malformed-arrays.js";
import { malformedNpz } from "./malformed-npz.js";
import { malformedSafetensors } from "./malformed-safetensors.js";

const corpora: Readonly<Record<Format, readonly Malformed[]>> = {
  safetensors: malformedSafetensors(),
  npy: malformedNpy(),
  npz: malformedNpz(),
  idx: malformedIdx(),
  csv: malformedCsv(),
};

const load: Readonly<Record<Format, (path: string) => Promise<unknown>>> = {
  safetensors: loadSafetensors,
  npy: loadNpy,
  npz: loadNpz,
  idx: loadIdx,
  csv: (path) => csv(path, { label: "y" }),
};

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adjoint-malformed-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** What is wrong with the refusal, or undefined where nothing is. */
async function complaint(
  work: () => unknown,
  file: string,
  codes: readonly string[],
): Promise<string | undefined> {
  try {
    await work();
    return "was read";
  } catch (error) {
    if (!(error instanceof AdjointError)) return `threw ${error instanceof Error ? error.stack : error}`;
    if (!codes.includes(error.code)) return `${error.code}, not ${codes.join(" or ")}: ${error.message}`;
    if (!error.message.includes(file)) return `does not name ${file}: ${error.message}`;
    if (error.details.file !== undefined && !error.details.file.startsWith(file))
      return `is of ${error.details.file}`;
    if (error.message.length > 1000 + file.length)
      return `has a message of ${error.message.length} characters`;
    if (/NaN|Infinity|undefined|\[object/.test(error.message.replace(/received "?(NaN|Infinity)"?$/, "")))
      return `speaks of what no file holds: ${error.message}`;
    return undefined;
  }
}

describe.each(Object.entries(corpora))("%s", (format, files) => {
  const check = async (made: (bytes: Uint8Array) => Uint8Array): Promise<string[]> => {
    const path = join(directory, `file.${format}`);
    const complaints: string[] = [];
    for (const { name, bytes, codes } of files) {
      await writeFile(path, made(bytes));
      const found = await complaint(() => load[format as Format](path), path, codes);
      if (found !== undefined) complaints.push(`${name}: ${found}`);
    }
    return complaints;
  };

  it(`refuses each of ${files.length} damaged files, and names it`, async () => {
    expect(await check((bytes) => bytes)).toEqual([]);
  });

  it("refuses them when they are gzipped", async () => {
    // what deflates to nothing is for the tests of bombs
    const unpacked = files.filter(({ bytes }) => bytes.length < 2 ** 20);
    expect(unpacked.length).toBeGreaterThan(0);
    expect(await check((bytes) => new Uint8Array(gzipSync(bytes, { level: 1 })))).toEqual([]);
  });
});

describe("bytes in memory", () => {
  const decoders: Partial<Record<Format, (bytes: Uint8Array) => unknown>> = {
    safetensors: (bytes) => decodeSafetensors(bytes, "here"),
    npy: (bytes) => decodeNpy(bytes, "here"),
  };

  it.each(Object.entries(decoders))("of %s are refused as files are", async (format, decode) => {
    const complaints: string[] = [];
    for (const { name, bytes, codes } of corpora[format as Format]) {
      const found = await complaint(() => decode(bytes), "here", codes);
      if (found !== undefined) complaints.push(`${name}: ${found}`);
    }
    expect(complaints).toEqual([]);
  });
});

describe("a gzipped file", () => {
  const content = encodeNpy(tensor(new Float32Array(200)));
  const whole = new Uint8Array(gzipSync(content));
  const refusal = async (bytes: Uint8Array): Promise<string | undefined> => {
    const path = join(directory, "file.npy.gz");
    await writeFile(path, bytes);
    return complaint(() => loadNpy(path), path, ["file-format"]);
  };

  it("is refused where it is cut", async () => {
    for (let length = 2; length < whole.length; length++)
      expect([length, await refusal(whole.subarray(0, length))]).toEqual([length, undefined]);
  });

  it("is refused with other bytes behind it, and not with zeros, or in parts", async () => {
    const behind = (...bytes: readonly number[]) => Uint8Array.from([...whole, ...bytes]);
    expect(await refusal(behind(1))).toBeUndefined();
    expect(await refusal(behind(0, 0, 0, 1))).toBeUndefined();
    expect(await refusal(behind(0, 0, 0, 0))).toBe("was read");
    const parts = [content.subarray(0, 300), content.subarray(300)].map((part) => gzipSync(part));
    expect(await refusal(new Uint8Array(Buffer.concat(parts)))).toBe("was read");
  });

  it("is refused where a bit of its checksum or its length is wrong", async () => {
    for (let bit = 8 * (whole.length - 8); bit < 8 * whole.length; bit++) {
      const changed = whole.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      expect([bit, await refusal(changed)]).toEqual([bit, undefined]);
    }
  });
});

describe("a cut table", () => {
  it("is refused, or read as far as it goes: its last row may be short of digits, which no format of this kind can tell", async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${i}.5,${i % 3},${"abc"[i % 3]}`);
    const text = new TextEncoder().encode(`u,v,y\n${rows.join("\n")}\n`);
    const path = join(directory, "cut.csv");
    for (let length = 0; length < text.length; length++) {
      await writeFile(path, text.subarray(0, length));
      try {
        const { inputs, size } = await csv(path, { label: "y" });
        for (let i = 0; i < size - 1; i++)
          expect([inputs[2 * i], inputs[2 * i + 1]]).toEqual([i + 0.5, i % 3]);
      } catch (error) {
        if (!(error instanceof AdjointError)) throw error;
        expect(["file-format", "invalid-data", "invalid-argument"]).toContain(error.code);
      }
    }
  });
});

describe("what the corpus breaks", () => {
  it("is read while it is whole", async () => {
    const x = tensor([1, 2, 3]);
    const files: Readonly<Record<string, Uint8Array>> = {
      safetensors: encodeSafetensors({ x }),
      npy: encodeNpy(x),
      npz: await encodeNpz({ x }),
      idx: Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 7),
      csv: new TextEncoder().encode("__proto__,y\n1,a\n2,b\n"),
    };
    for (const [format, bytes] of Object.entries(files)) {
      const path = join(directory, `whole.${format}`);
      for (const written of [bytes, new Uint8Array(gzipSync(bytes))]) {
        await writeFile(path, written);
        await expect(load[format as Format](path)).resolves.toBeDefined();
      }
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
