/** Files as NumPy writes them, read as NumPy reads them; scripts/make-numpy-fixtures.py made them. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { AdjointError, type Tensor } from "../../src/index.js";
import { decodeNpy, encodeNpz, loadNpz } from "../../src/io/index.js";

interface Described {
  /** NumPy's kind and width: f4. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | boolean | string)[];
}

interface Flips {
  readonly bytes: string;
  readonly arrays: Readonly<Record<string, Described>>;
  /** By the number of the bit; null for the arrays of the whole file. */
  readonly accepted: Readonly<Record<string, Readonly<Record<string, Described>> | null>>;
}

const folder = new URL("../fixtures/numpy/", import.meta.url);
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(name, folder)));
const parse = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

const arrays = new Map(Object.entries(parse("arrays.json") as Record<string, Described>));

/** What becomes of NumPy's types. */
function dtypeOf(dtype: string): string {
  if (dtype === "f8") return "float64";
  return dtype.startsWith("f") ? "float32" : dtype.startsWith("b") ? "bool" : "int32";
}

function expectSame(x: Tensor, { dtype, shape, data }: Described): void {
  expect([x.dtype, x.shape]).toEqual([dtypeOf(dtype), shape]);
  // toEqual tells −0 from 0 and takes NaN for NaN
  expect([...x.dataSync()]).toEqual(data.map(Number));
}

describe("arrays of NumPy's", () => {
  it.each(["arrays.npz", "arrays-deflated.npz"])(
    "of every type, order and name come out of %s",
    async (name) => {
      const loaded = await loadNpz(read(name));
      expect([...loaded.keys()]).toEqual([...arrays.keys()]);
      for (const [key, x] of loaded) expectSame(x, arrays.get(key) as Described);
    },
  );

  it("come out of an archive that was written to a pipe", async () => {
    const loaded = await loadNpz(read("streamed.npz"));
    expect([...loaded.keys()]).toEqual(["f4", "by columns", "empty"]);
    for (const [key, x] of loaded) expectSame(x, arrays.get(key) as Described);
  });

  it.each([2, 3])("come out of version %i of the header", (version) => {
    expectSame(decodeNpy(read(`version-${version}.npy`)), arrays.get("by columns") as Described);
  });

  it("go into archives as NumPy stores them: the same arrays of float32, float64, int32 and bool", async () => {
    const loaded = await loadNpz(read("arrays.npz"));
    for (const compress of [false, true]) {
      const again = await loadNpz(await encodeNpz(loaded, { compress }));
      expect([...again.keys()]).toEqual([...loaded.keys()]);
      for (const [key, x] of again) expectSame(x, arrays.get(key) as Described);
    }
  });
});

/** The arrays, or null where the file is refused with a code. */
async function verdict(load: () => Promise<Map<string, Tensor>>): Promise<Map<string, Tensor> | null> {
  try {
    return await load();
  } catch (error) {
    if (!(error instanceof AdjointError)) throw error;
    expect(["file-format", "unsupported", "file-too-large"]).toContain(error.code);
    return null;
  }
}

describe("a flipped bit", () => {
  const flips = parse("flips.json") as Record<string, Flips>;

  it.each([
    ["npy", 8 * 128],
    ["npz", Number.POSITIVE_INFINITY],
    ["npz-deflated", Number.POSITIVE_INFINITY],
  ])("of %s is refused, or gives what NumPy reads", async (kind, bits) => {
    const { bytes, arrays, accepted } = flips[kind];
    const whole = Uint8Array.from(bytes.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
    let refused = 0;
    const wrong: string[] = [];
    for (let bit = 0; bit < Math.min(bits, 8 * whole.length); bit++) {
      const changed = whole.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      const found = await verdict(async () =>
        kind === "npy" ? new Map([["", decodeNpy(changed)]]) : loadNpz(changed),
      );
      const expected = bit in accepted ? (accepted[bit] ?? arrays) : undefined;
      if (found === null) refused++;
      else if (expected === undefined) wrong.push(`bit ${bit}: NumPy refuses, and here it is ${[...found]}`);
      else {
        expect([...found.keys()]).toEqual(Object.keys(expected));
        for (const [name, x] of found) expectSame(x, expected[name]);
      }
    }
    expect(wrong).toEqual([]);
    // what stands nowhere twice and means nothing here may change: dates, attributes, versions of the writer
    expect(refused).toBeGreaterThan(0.75 * Math.min(bits, 8 * whole.length));
    expect(
      await verdict(async () => (kind === "npy" ? new Map([["", decodeNpy(whole)]]) : loadNpz(whole))),
    ).not.toBeNull();
  });
});
