import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdjointError, grad, jit, type Tensor, tensor } from "../../src/index.js";
import {
  decodeSafetensors,
  encodeSafetensors,
  loadNpz,
  loadSafetensors,
  saveNpz,
  saveSafetensors,
} from "../../src/io/index.js";

/** A file with this header text (or value) and this many bytes of data, whatever they mean. */
function fileOf(header: unknown, dataLength: number, announced?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataLength);
  new DataView(bytes.buffer).setBigUint64(0, announced ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function refusal(bytes: Uint8Array): AdjointError {
  try {
    decodeSafetensors(bytes, "bad.safetensors");
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const w = (data_offsets: unknown, shape: unknown = [2], dtype: unknown = "F32") => ({
  dtype,
  shape,
  data_offsets,
});

describe("safetensors", () => {
  it("gives back every dtype, shape, name, order and metadata", () => {
    const tensors = {
      "layers.0.weight": tensor([
        [1.5, -0],
        [Number.NaN, Number.NEGATIVE_INFINITY],
      ]),
      flag: tensor([true, false, true]),
      7: tensor([-5, 2 ** 31 - 1], { dtype: "int32" }),
      precise: tensor(0.1, { dtype: "float64" }),
      empty: tensor([], { shape: [0, 3] }),
    };
    const loaded = decodeSafetensors(encodeSafetensors(tensors, { "a key": 'quote " and ∂' }));
    expect([...loaded.keys()]).toEqual(Object.keys(tensors));
    for (const [name, expected] of Object.entries(tensors)) {
      const found = loaded.get(name);
      expect([found?.dtype, found?.shape]).toEqual([expected.dtype, expected.shape]);
      expect(found?.dataSync()).toEqual(expected.dataSync());
    }
    expect(Object.is(loaded.get("layers.0.weight")?.dataSync()[1], -0)).toBe(true);
    expect([...loaded.metadata]).toEqual([["a key", 'quote " and ∂']]);
  });

  it("writes the bytes of the format: length, header, little-endian elements, wide ones first and aligned", () => {
    const bytes = encodeSafetensors({ b: tensor([true]), d: tensor([1], { dtype: "float64" }) });
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(new TextDecoder().decode(bytes.subarray(8, 8 + length)).trim()).toBe(
      '{"b":{"dtype":"BOOL","shape":[1],"data_offsets":[8,9]},"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}',
    );
    expect([...bytes.subarray(8 + length)]).toEqual([0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1]);
  });

  it("reads what another writer may write: no padding, entries in any order", () => {
    const header = { b: w([8, 16]), a: w([0, 8], [2], "I32"), none: w([8, 8], [0]) };
    const bytes = fileOf(header, 16);
    bytes[bytes.length - 16] = 3;
    const loaded = decodeSafetensors(bytes);
    expect([...loaded.keys()]).toEqual(["b", "a", "none"]);
    expect([...(loaded.get("a")?.dataSync() ?? [])]).toEqual([3, 0]);
    expect(decodeSafetensors(fileOf({}, 0)).size).toBe(0);
  });

  it("names are only names: __proto__, constructor and the empty one survive", () => {
    const names = ["__proto__", "constructor", "", "toString", "ключ"];
    const loaded = decodeSafetensors(
      encodeSafetensors(
        new Map(names.map((name, i) => [name, tensor([i])])),
        new Map([["__proto__", "kept"]]),
      ),
    );
    expect([...loaded].map(([name, value]) => [name, value.itemSync()])).toEqual(
      names.map((name, i) => [name, i]),
    );
    expect(loaded.metadata.get("__proto__")).toBe("kept");
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it("reads a view into a larger buffer", () => {
    const bytes = encodeSafetensors({ a: tensor([1, 2]) });
    const padded = new Uint8Array(bytes.length + 5);
    padded.set(bytes, 5);
    expect([...(decodeSafetensors(padded.subarray(5)).get("a")?.dataSync() ?? [])]).toEqual([1, 2]);
  });

  it("refuses every truncation", () => {
    const bytes = encodeSafetensors({ a: tensor([1, 2, 3]), f: tensor([true]) }, { note: "n" });
    for (let length = 0; length < bytes.length; length++)
      expect(refusal(bytes.subarray(0, length)).code).toBe("file-format");
    expect(refusal(Uint8Array.from([...bytes, 0])).message).toMatch(/belong to no tensor/);
  });

  it("any change of one byte of the header is refused or changes only names, texts or dtypes of the same width", () => {
    const bytes = encodeSafetensors({ ab: tensor([1, 2]), c: tensor([3]) });
    const headerEnd = bytes.length - 12;
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: headerEnd - 1 }),
        fc.integer({ min: 0, max: 255 }),
        (at, value) => {
          const changed = bytes.slice();
          changed[at] = value;
          try {
            const sizes = [...decodeSafetensors(changed).values()].map(({ size }) => size);
            expect(sizes.reduce((a, b) => a + b, 0)).toBe(3);
          } catch (error) {
            expect(error).toBeInstanceOf(AdjointError);
            expect(["file-format", "unsupported"]).toContain((error as AdjointError).code);
          }
        },
      ),
      { seed: 11, numRuns: 2000 },
    );
  });

  it.each([
    ["a header of 2⁶⁴ − 1 bytes", fileOf({}, 0, 2n ** 64n - 1n), /should be \d+ bytes/],
    ["a header longer than the file", fileOf({}, 3, 6n), /should be 6 bytes long, and 5 follow/],
    ["a header of 2⁶³ bytes", fileOf({}, 0, 2n ** 63n), /should be/],
    ["a header of no bytes", fileOf("", 0), /begin with \{/],
    ["a header that is not JSON", fileOf("{oops}", 0), /not JSON/],
    ["a header that begins with a space", fileOf(" {}", 0), /begin with \{/],
    ["a header that is not text", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff), /not JSON/],
    [
      "a name that is not UTF-8",
      Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x22, 0x7d),
      /not UTF-8/,
    ],
    ["text after the header", fileOf("{}x", 0), /not JSON/],
    ["a header that is deep", fileOf(`{"a":${"[".repeat(50_000)}`, 0), /by an object/],
    [
      "a name twice",
      fileOf(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        4,
      ),
      /names "a" twice/,
    ],
    [
      "a name twice, once escaped",
      fileOf(
        '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
        0,
      ),
      /twice/,
    ],
    ["metadata that are no object", fileOf({ __metadata__: "x" }, 0), /object of strings/],
    ["metadata that are no texts", fileOf({ __metadata__: { a: 1 } }, 0), /object of strings/],
    ["a tensor that is no object", fileOf({ a: 3 }, 0), /described by an object/],
    ["a tensor without dtype", fileOf({ a: { shape: [], data_offsets: [0, 0] } }, 0), /no dtype/],
    ["an unknown entry", fileOf({ a: { ...w([0, 8]), strides: [1] } }, 8), /unknown entry "strides"/],
    ["a negative extent", fileOf({ a: w([0, 8], [-2]) }, 8), /shape must be/],
    ["a fractional extent", fileOf({ a: w([0, 8], [0.5]) }, 8), /shape must be/],
    ["a shape that is no list", fileOf({ a: w([0, 8], { length: 1 }) }, 8), /shape must be/],
    ["a shape that overflows", fileOf({ a: w([0, 8], [2 ** 52, 2 ** 52, 2 ** 52]) }, 8), /takes .* bytes/],
    ["offsets that are too few", fileOf({ a: w([0]) }, 8), /two whole numbers/],
    ["offsets backwards", fileOf({ a: w([8, 0]) }, 8), /in order within 8/],
    ["offsets beyond the data", fileOf({ a: w([4, 12]) }, 8), /in order within 8/],
    [
      "a shape that does not fit",
      fileOf({ a: w([0, 8], [3]) }, 8),
      /F32\[3\] takes 12 bytes, its data_offsets hold 8/,
    ],
    ["an overlap", fileOf({ a: w([0, 8]), b: w([4, 12]) }, 12), /overlaps/],
    ["the same bytes twice", fileOf({ a: w([0, 8]), b: w([0, 8]) }, 8), /overlaps/],
    ["a gap", fileOf({ a: w([0, 8]), b: w([12, 20]) }, 20), /bytes 8 to 12/],
    ["a gap at the start", fileOf({ a: w([4, 12]) }, 12), /bytes 0 to 4/],
    ["a gap at the end", fileOf({ a: w([0, 8]) }, 9), /bytes 8 to 9/],
    [
      "a bool that is 2",
      (() => {
        const b = fileOf({ a: w([0, 1], [1], "BOOL") }, 1);
        b[b.length - 1] = 2;
        return b;
      })(),
      /0 or 1, received 2/,
    ],
  ])("refuses %s", (_name, bytes, message) => {
    const error = refusal(bytes);
    expect([error.code, error.details.file]).toEqual(["file-format", "bad.safetensors"]);
    expect(error.message).toMatch(message);
  });

  it.each(["F8_E8M0", "F4", "C64", "f32", "__proto__"])(
    "refuses dtype %s and says which are read",
    (dtype) => {
      const error = refusal(fileOf({ a: w([0, 8], [2], dtype) }, 8));
      expect(error.code).toBe("unsupported");
      expect(error.message).toContain("F64, F32, F16, BF16, F8_E4M3");
    },
  );

  it.each([
    ["F16", [0x3c00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0xfe00], [1, -2, 65504, 2 ** -24, Infinity, NaN]],
    ["BF16", [0x3f80, 0xc000, 0x7f80, 0x0080, 0x7fc0, 0x8000], [1, -2, Infinity, 2 ** -126, NaN, -0]],
    ["I16", [1, 0xffff, 0x8000, 0x7fff], [1, -1, -32768, 32767]],
    ["U16", [1, 0xffff], [1, 65535]],
  ])("widens %s exactly", (dtype, bits, expected) => {
    const bytes = fileOf({ a: w([0, 2 * bits.length], [bits.length], dtype) }, 2 * bits.length);
    bytes.set(new Uint8Array(Uint16Array.from(bits).buffer), bytes.length - 2 * bits.length);
    expect([...(decodeSafetensors(bytes).get("a")?.dataSync() ?? [])]).toEqual(expected);
  });

  it.each([
    ["I64", 8, [5n, -7n, 2n ** 31n - 1n], [5, -7, 2 ** 31 - 1]],
    ["I64", 8, [2n ** 31n], "2147483648"],
    ["I64", 8, [-(2n ** 31n) - 1n], "-2147483649"],
    ["U64", 8, [2n ** 63n], "9223372036854775808"],
    ["U32", 4, [7n, 2n ** 31n - 1n], [7, 2 ** 31 - 1]],
    ["U32", 4, [2n ** 32n - 1n], "4294967295"],
    ["I8", 1, [255n, 128n, 127n], [-1, -128, 127]],
    ["U8", 1, [255n, 0n], [255, 0]],
  ])("narrows %s to int32, or names the number that does not fit", (dtype, width, values, expected) => {
    const size = width * values.length;
    const bytes = fileOf({ a: w([0, size], [values.length], dtype) }, size);
    values.forEach((value, i) => {
      const raw = new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, value)).buffer, 0, width);
      bytes.set(raw, bytes.length - size + i * width);
    });
    if (typeof expected === "string") {
      const error = refusal(bytes);
      expect(error.code).toBe("unsupported");
      expect(error.message).toContain(expected);
    } else {
      const loaded = decodeSafetensors(bytes).get("a");
      expect([loaded?.dtype, ...(loaded?.dataSync() ?? [])]).toEqual(["int32", ...expected]);
    }
  });

  it("widens 8-bit floats exactly: all 256 of each kind", () => {
    const values = (dtype: string) => {
      const bytes = fileOf({ a: w([0, 256], [256], dtype) }, 256);
      for (let code = 0; code < 256; code++) bytes[bytes.length - 256 + code] = code;
      return decodeSafetensors(bytes).get("a")?.dataSync() ?? [];
    };
    // Table 1 of Micikevicius et al. 2022: the largest number, the smallest normal and subnormal ones, and what is no number
    const e4m3 = values("F8_E4M3");
    expect([0x7e, 0x08, 0x07, 0x01, 0x38, 0xb8].map((code) => e4m3[code])).toEqual([
      448,
      2 ** -6,
      0.875 * 2 ** -6,
      2 ** -9,
      1,
      -1,
    ]);
    const e5m2 = values("F8_E5M2");
    expect([0x7b, 0x04, 0x03, 0x01, 0x3c, 0xbc, 0x7c, 0xfc].map((code) => e5m2[code])).toEqual([
      57344,
      2 ** -14,
      0.75 * 2 ** -14,
      2 ** -16,
      1,
      -1,
      Infinity,
      -Infinity,
    ]);
    for (const [found, numbers] of [
      [e4m3, 0x7f],
      [e5m2, 0x7d],
    ] as const) {
      for (let code = 0; code < 128; code++) {
        // codes are in the order of their numbers, and the upper half is the lower one with the other sign
        if (code > 0 && code < numbers) expect(found[code]).toBeGreaterThan(found[code - 1]);
        expect(Number.isNaN(found[code])).toBe(code >= numbers);
        expect(found[128 + code]).toBe(-found[code]);
      }
    }
  });

  it("gives tensors like any others: to programs, to gradients, to other files", () => {
    const weights = decodeSafetensors(
      encodeSafetensors({
        w: tensor([
          [1, 2],
          [3, 4],
        ]),
      }),
    );
    const w = weights.get("w") ?? tensor([]);
    const f = jit((x: Tensor) => x.matmul(w).sum());
    expect([f(tensor([[1, 1]])).itemSync(), f(tensor([[2, 0]])).itemSync()]).toEqual([10, 6]);
    expect(grad((v: Tensor) => v.mul(v).sum())(w).arraySync()).toEqual([
      [2, 4],
      [6, 8],
    ]);
    expect(w.add(1).arraySync()).toEqual([
      [2, 3],
      [4, 5],
    ]);
    expect(encodeSafetensors(weights)).toEqual(
      encodeSafetensors({
        w: tensor([
          [1, 2],
          [3, 4],
        ]),
      }),
    );
    // what is read out of a tensor is a copy
    w.dataSync()[0] = 9;
    expect(w.at(0, 0).itemSync()).toBe(1);
  });

  it("refuses to write what it could not read", () => {
    const encode =
      (tensors: unknown, metadata: unknown = {}) =>
      () =>
        encodeSafetensors(tensors as Record<string, never>, metadata as Record<string, string>);
    expect(() => encodeSafetensors(new Map([["\ud800", tensor(1)]]))).toThrow(
      expect.objectContaining({ code: "invalid-argument" }),
    );
    for (const bad of [encode({ a: 3 }), encode({ __metadata__: tensor(1) }), encode({}, { a: 1 })])
      expect(bad).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });
});

describe("safetensors files", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "adjoint-io-"));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it("come back from disk, and leave nothing else there", async () => {
    const path = join(directory, "model.safetensors");
    await saveSafetensors(path, { a: tensor([1]) });
    await saveSafetensors(path, { a: tensor([2]) }, { epoch: "1" });
    const loaded = await loadSafetensors(path);
    expect([loaded.get("a")?.itemSync(), loaded.metadata.get("epoch")]).toEqual([2, "1"]);
    expect(await readdir(directory)).toEqual(["model.safetensors"]);
  });

  it("a save that fails leaves the old file whole and no temporary one", async () => {
    const path = join(directory, "kept.safetensors");
    await saveSafetensors(path, { a: tensor([1]) });
    const before = await readFile(path);
    await expect(saveSafetensors(path, { a: "no tensor" as never })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    await expect(saveSafetensors(join(directory, "none", "x"), {})).rejects.toMatchObject({
      code: "unwritable-output",
    });
    await expect(saveSafetensors(directory, {})).rejects.toMatchObject({ code: "unwritable-output" });
    expect(await readFile(path)).toEqual(before);
    expect((await readdir(directory)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("many saves of one path at a time leave one of them, whole", async () => {
    const path = join(directory, "race.safetensors");
    await Promise.all(
      [1, 2, 3, 4].map((value) =>
        saveSafetensors(path, { a: tensor(Float32Array.from({ length: 1000 }, () => value)) }),
      ),
    );
    const values = (await loadSafetensors(path)).get("a")?.dataSync() ?? new Float32Array();
    expect(new Set(values).size).toBe(1);
  });

  it("hold what tensors held when the save was asked for, whatever becomes of them meanwhile", async () => {
    const step = jit((x: Tensor) => x.add(1), { donate: [0] });
    let state = step(tensor([1, 2]));
    const path = join(directory, "state.safetensors");
    const saved = saveSafetensors(path, { state });
    const archived = saveNpz(`${path}.npz`, { state }, { compress: true });
    for (let i = 0; i < 5; i++) state = step(state);
    await Promise.all([saved, archived]);
    expect((await loadSafetensors(path)).get("state")?.arraySync()).toEqual([2, 3]);
    expect((await loadNpz(`${path}.npz`)).get("state")?.arraySync()).toEqual([2, 3]);
    expect(state.arraySync()).toEqual([7, 8]);
  });

  it("have a header that may be long, up to 100 million bytes", async () => {
    const path = join(directory, "long.safetensors");
    const header = new Uint8Array(100_000_000).fill(0x20);
    header.set([0x7b, 0x7d]);
    await writeFile(path, [Uint8Array.of(0, 0xe1, 0xf5, 5, 0, 0, 0, 0), header]);
    expect((await loadSafetensors(path)).size).toBe(0);
  });

  it("a refused file is named", async () => {
    const path = join(directory, "text.safetensors");
    await writeFile(path, "this is not a tensor file");
    await expect(loadSafetensors(path)).rejects.toMatchObject({
      code: "file-format",
      details: { file: path },
    });
    await expect(loadSafetensors(join(directory, "none"))).rejects.toMatchObject({ code: "file-not-found" });
  });
});
