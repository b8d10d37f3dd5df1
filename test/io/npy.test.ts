import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { AdjointError, tensor } from "../../src/index.js";
import { decodeNpy, encodeNpy, loadNpy, saveNpy } from "../../src/io/index.js";

/** A version-1 file with this dictionary and these elements. */
function fileOf(dictionary: string, elements: ArrayLike<number>, version = 1): Uint8Array {
  const text = new TextEncoder().encode(`${dictionary}\n`);
  const length = version === 1 ? [text.length & 255, text.length >> 8] : [text.length, 0, 0, 0];
  return Uint8Array.from([
    0x93,
    ...new TextEncoder().encode("NUMPY"),
    version,
    0,
    ...length,
    ...text,
    ...Array.from(elements),
  ]);
}

function refusal(bytes: Uint8Array): AdjointError {
  try {
    decodeNpy(bytes, "bad.npy");
  } catch (error) {
    if (error instanceof AdjointError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const ints = (values: readonly number[]) => new Uint8Array(Int32Array.from(values).buffer);

describe("npy", () => {
  it.each([
    tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]),
    tensor(0.1, { dtype: "float64" }),
    tensor([true, false]),
    tensor([-7], { dtype: "int32" }),
    tensor([], { shape: [2, 0] }),
  ])("gives back %s", (x) => {
    const loaded = decodeNpy(encodeNpy(x));
    expect([loaded.dtype, loaded.shape]).toEqual([x.dtype, x.shape]);
    expect(loaded.dataSync()).toEqual(x.dataSync());
  });

  it("writes the dictionary as NumPy does, elements at a multiple of 64", () => {
    const bytes = encodeNpy(tensor([1, 2]));
    const text = new TextDecoder("latin1").decode(bytes);
    expect(text.slice(10)).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2,\), \} *\n/);
    expect((text.indexOf("\n") + 1) % 64).toBe(0);
    expect(bytes.length).toBe(64 * 2 + 8);
  });

  it("reads column-major order and later versions", () => {
    // [[1, 2, 3], [4, 5, 6]] by columns
    const elements = ints([1, 4, 2, 5, 3, 6]);
    for (const version of [1, 2, 3]) {
      const x = decodeNpy(
        fileOf("{'shape': (2, 3), 'fortran_order': True, 'descr': '<i4'}", elements, version),
      );
      expect(x.arraySync()).toEqual([
        [1, 2, 3],
        [4, 5, 6],
      ]);
    }
  });

  it("refuses every truncation and anything after the end", () => {
    const bytes = encodeNpy(tensor([1, 2, 3]));
    for (let length = 0; length < bytes.length; length++) {
      const error = refusal(bytes.subarray(0, length));
      expect([error.code, error.details.offset]).toEqual(["file-format", length]);
    }
    expect(refusal(Uint8Array.from([...bytes, 0])).message).toMatch(/expected 12 bytes .* received 13/);
  });

  it.each([
    ["another magic", Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x5a, 1, 0, 0, 0), /NUMPY/],
    ["another version", fileOf("{}", [], 4), /version/],
    ["no dictionary", fileOf("shape", []), /not a dictionary/],
    ["no shape", fileOf("{'descr': '<f4', 'fortran_order': False}", []), /not a dictionary/],
    [
      "a shape of no numbers",
      fileOf("{'descr': '<f4', 'fortran_order': False, 'shape': (a,)}", []),
      /not a dictionary/,
    ],
    [
      "a shape that overflows",
      fileOf("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", []),
      /expected .* bytes/,
    ],
    ["a bool that is 3", fileOf("{'descr': '|b1', 'fortran_order': False, 'shape': (1,)}", [3]), /0 or 1/],
  ])("refuses %s", (_name, bytes, message) => {
    const error = refusal(bytes);
    expect(error.code).toBe("file-format");
    expect(error.message).toMatch(message);
  });

  it("refuses other element types and says what to do", () => {
    for (const type of ["|O", "|S3", "<U3", "<c8", "<M8", "|V4", "<f16", "=f4", "|f4", "f4", "<q"])
      expect(
        refusal(fileOf(`{'descr': '${type}', 'fortran_order': False, 'shape': (1,)}`, [0, 0, 0, 0])).code,
      ).toBe("unsupported");
  });

  it("goes through a file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "adjoint-npy-"));
    const path = join(directory, "x.npy");
    await saveNpy(path, tensor([1, 2]));
    expect((await loadNpy(path)).arraySync()).toEqual([1, 2]);
    await rm(directory, { recursive: true });
    await expect(loadNpy(path)).rejects.toMatchObject({ code: "file-not-found" });
  });
});
