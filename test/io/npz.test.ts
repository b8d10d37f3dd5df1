import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { npz } from "../../src/data/index.js";
import { type Tensor, tensor } from "../../src/index.js";
import { encodeNpy, encodeNpz, loadNpz, saveNpz } from "../../src/io/index.js";
import { directoryEnd } from "../../src/io/zip-writer.js";
import { npy } from "./malformed-arrays.js";
import { crcOf, fields, joined, type Member, zip } from "./malformed-zip.js";

const tensors = {
  w: tensor([
    [1.5, -0],
    [Number.NaN, Number.NEGATIVE_INFINITY],
  ]),
  7: tensor([-5, 2 ** 31 - 1], { dtype: "int32" }),
  "folder/flag ∂": tensor([true, false, true]),
  precise: tensor(0.1, { dtype: "float64" }),
  empty: tensor([], { shape: [0, 3] }),
};

function expectEqual(loaded: ReadonlyMap<string, Tensor>, expected: Readonly<Record<string, Tensor>>): void {
  expect([...loaded.keys()]).toEqual(Object.keys(expected));
  for (const [name, x] of loaded) {
    expect([x.dtype, x.shape]).toEqual([expected[name].dtype, expected[name].shape]);
    expect(x.dataSync()).toEqual(expected[name].dataSync());
  }
}

const refusal = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "adjoint-npz-"));
});
afterAll(() => rm(directory, { recursive: true }));

describe("npz", () => {
  it.each([false, true])(
    "gives back every dtype, shape, name and order; compressed: %s",
    async (compress) => {
      const path = join(directory, "all.npz");
      await saveNpz(path, tensors, { compress });
      expectEqual(await loadNpz(path), tensors);
      expectEqual(await loadNpz(new Uint8Array(await readFile(path))), tensors);
      expect(new Uint8Array(await readFile(path))).toEqual(await encodeNpz(tensors, { compress }));
      expect(await readdir(directory)).toEqual(["all.npz"]);
    },
  );

  it("names are only names: __proto__ and constructor survive", async () => {
    const names = ["__proto__", "constructor", "toString", "", "a.npy", "w:0", "a..b"];
    const map = new Map(names.map((name, i) => [name, tensor([i])]));
    const loaded = await loadNpz(await encodeNpz(map));
    expect([...loaded].map(([name, x]) => [name, x.itemSync()])).toEqual(
      [...map].map(([name, x]) => [name, x.itemSync()]),
    );
    expect(({} as Record<string, unknown>).shape).toBeUndefined();
  });

  it("has bytes that depend on nothing but the tensors, and smaller ones where they are compressed", async () => {
    const zeros = { zeros: tensor(new Float32Array(10_000)) };
    expect(await encodeNpz(zeros)).toEqual(await encodeNpz(zeros));
    expect((await encodeNpz(zeros, { compress: true })).length).toBeLessThan(1000);
  });

  it("compresses so many zeros at most as it would read again, and stores the rest", async () => {
    // 60 MB may expand from nothing, 120 MB may not
    const zeros = { a: tensor(new Float32Array(15e6)), b: tensor(new Float32Array(15e6)), c: tensor([1]) };
    const bytes = await encodeNpz(zeros, { compress: true });
    expect(bytes.length).toBeGreaterThan(60e6);
    expect(bytes.length).toBeLessThan(61e6);
    expect([...(await loadNpz(bytes)).values()].map(({ size }) => size)).toEqual([15e6, 15e6, 1]);
  });

  it("reads only the arrays it is asked for, whatever the others are", async () => {
    const objects = npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", 8);
    const bytes = zip([
      { name: "objects.npy", content: objects },
      { name: "w.npy", content: encodeNpy(tensor([1, 2])) },
    ]);
    const loaded = await loadNpz(bytes, { names: ["w"] });
    expect([...loaded.keys()]).toEqual(["w"]);
    await expect(loadNpz(bytes)).rejects.toEqual(
      refusal("unsupported", /the bytes: objects\.npy: .*Python objects/),
    );
    await expect(loadNpz(bytes, { names: ["v"] })).rejects.toEqual(
      refusal("invalid-argument", /no array "v"; its arrays are objects, w/),
    );
  });

  it("reads wide sizes, offsets and ends of zip64 where they are right", async () => {
    const content = encodeNpy(tensor([1, 2, 3]));
    const in64 = { size: 0xffff_ffff, compressedSize: 0xffff_ffff };
    const extra = (...numbers: readonly number[]) =>
      joined(
        fields([2, 0x9999], [2, 0], [2, 1], [2, 8 * numbers.length]),
        ...numbers.map((n) => fields([8, n])),
      );
    const both = [content.length, content.length];
    const member: Member = {
      name: "w.npy",
      content,
      local: { ...in64, extra: extra(...both) },
      central: { ...in64, offset: 0xffff_ffff, extra: extra(...both, 0) },
    };
    expect([...(await loadNpz(zip([member]))).keys()]).toEqual(["w"]);
    // a descriptor of 64-bit sizes, as writers to pipes leave one
    const checked = { crc: 0, size: 0, compressedSize: 0, flags: 8 };
    const behind = joined(
      fields([4, 0x08074b50], [4, crcOf(content)], [8, content.length], [8, content.length]),
    );
    const piped: Member = { name: "v.npy", content, local: checked, central: { flags: 8 }, behind };
    expect([
      ...(
        await loadNpz(
          zip(
            [piped, member].map((m, i) =>
              i === 0 ? m : { ...m, central: { ...in64, extra: extra(...both) } },
            ),
          ),
        )
      ).keys(),
    ]).toEqual(["v", "w"]);
  });

  it("writes the end of an archive beyond 65,535 members or 4 GiB as zip64 records, which it reads again", async () => {
    expect(directoryEnd(65_534, 2 ** 32 - 2, 9)).toHaveLength(1);
    for (const [count, offset, size] of [
      [65_535, 1, 1],
      [1, 2 ** 32, 1],
      [1, 1, 2 ** 32 - 1],
    ]) {
      const [record, locator, end] = directoryEnd(count, offset, size);
      const view = new DataView(record.buffer);
      expect([view.getBigUint64(32, true), view.getBigUint64(40, true), view.getBigUint64(48, true)]).toEqual(
        [count, size, offset].map(BigInt),
      );
      expect([locator.length, end.length]).toEqual([20, 22]);
    }
    const many = new Map(Array.from({ length: 65_536 }, (_, i) => [String(i), tensor([i])]));
    const bytes = await encodeNpz(many);
    const [last] = (await loadNpz(bytes, { names: ["65535"] })).values();
    expect(last.itemSync()).toBe(65_535);
  });

  it("refuses to write what it could not read", async () => {
    for (const name of ["../w", "/w", "C:\\w", "a\0b", "\ud800", "x".repeat(70_000)])
      await expect(encodeNpz(new Map([[name, tensor([1])]]))).rejects.toEqual(
        refusal("invalid-argument", /named/),
      );
    await expect(encodeNpz({ w: 3 } as never)).rejects.toEqual(refusal("invalid-argument", /"w".* a tensor/));
    await expect(encodeNpz([tensor([1])] as never)).rejects.toEqual(
      refusal("invalid-argument", /tensors must be/),
    );
    await expect(encodeNpz({}, { compress: "yes" } as never)).rejects.toEqual(
      refusal("invalid-argument", /compress/),
    );
    await expect(encodeNpz({}, { compres: true } as never)).rejects.toEqual(
      refusal("invalid-argument", /compress/),
    );
    await expect(loadNpz(3 as never)).rejects.toEqual(refusal("invalid-argument", /path or a Uint8Array/));
    await expect(loadNpz("x.npz", { names: "w" } as never)).rejects.toEqual(
      refusal("invalid-argument", /names/),
    );
    await expect(loadNpz(join(directory, "none.npz"))).rejects.toEqual(
      refusal("file-not-found", /none\.npz/),
    );
    await expect(loadNpz(directory)).rejects.toEqual(refusal("file-not-found", /directory/));
    await expect(saveNpz(join(directory, "none", "x.npz"), {})).rejects.toEqual(
      refusal("unwritable-output", /none/),
    );
  });

  it("a save that fails leaves the old file whole", async () => {
    const path = join(directory, "kept.npz");
    await saveNpz(path, { w: tensor([1]) });
    await expect(saveNpz(path, { w: tensor([2]), v: 3 } as never)).rejects.toEqual(
      refusal("invalid-argument", /"v"/),
    );
    expect((await loadNpz(path)).get("w")?.itemSync()).toBe(1);
    expect((await readdir(directory)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    await writeFile(path, "");
    await expect(loadNpz(path)).rejects.toEqual(refusal("file-format", /is it whole/));
  });
});

describe("data.npz", () => {
  const x = tensor(
    [
      [0, 255],
      [51, 102],
      [1, 2],
    ],
    { dtype: "int32" },
  );
  const y = tensor([2, 0, 1], { dtype: "int32" });

  it("takes x and y, or the arrays it is told, and scales the inputs", async () => {
    const bytes = await encodeNpz({ x, y, x_test: x, y_test: tensor([[1], [2], [3]]) });
    const whole = await npz(bytes, { scale: 1 / 255, classes: ["a", "b", "c"] });
    expect([whole.size, whole.inputShape, whole.classes]).toEqual([3, [2], ["a", "b", "c"]]);
    expect(whole.inputs).toEqual(Float32Array.of(0, 1, 0.2, 0.4, 1 / 255, 2 / 255));
    expect(whole.targets).toEqual(Int32Array.of(2, 0, 1));
    const test = await npz(bytes, { x: "x_test", y: "y_test" });
    expect([test.targetShape, test.targets]).toEqual([[1], Float32Array.of(1, 2, 3)]);
    expect(test.inputs).toEqual(Float32Array.of(0, 255, 51, 102, 1, 2));
  });

  it("is called by its path, and refuses names that are not there and arrays that do not fit", async () => {
    const path = join(directory, "data.npz");
    await saveNpz(path, { x, y, short: tensor([1]) });
    expect((await npz(path)).name).toBe(path);
    await expect(npz(path, { y: "z" })).rejects.toEqual(refusal("invalid-argument", /x, y, short/));
    await expect(npz(path, { y: "short" })).rejects.toEqual(
      refusal("shape-mismatch", /3 inputs and 1 targets/),
    );
    await expect(npz(path, { scale: Number.NaN })).rejects.toEqual(refusal("invalid-argument", /scale/));
    await expect(npz(path, { X: "x" } as never)).rejects.toEqual(refusal("invalid-argument", /no option X/));
  });
});
