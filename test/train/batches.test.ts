import { describe, expect, it } from "vitest";
import { jit, tensor } from "../../src/index.js";
import { BatchReader } from "../../src/train/batches.js";
import { sourceOf } from "../../src/train/source.js";

/** Example i has the inputs 100 i, 100 i + 1, …: wide rows are picked by another loop than narrow ones. */
const rows = (size: number, width: number, dtype: "float32" | "float64") =>
  tensor(
    Array.from({ length: size }, (_, i) => Array.from({ length: width }, (_, k) => 100 * i + k)),
    { dtype },
  );
const labels = tensor([5, 6, 7, 8, 9], { dtype: "int32" });

describe.each([3, 40])("a batch of rows of %i numbers", (width) => {
  it.each(["float32", "float64"] as const)("holds the rows of its order, as %s", async (dtype) => {
    for (const given of ["float32", "float64"] as const) {
      const x = rows(5, width, given);
      const reader = new BatchReader(await sourceOf({ x, y: labels }, "test", "data"), dtype);
      const order = Int32Array.of(4, 0, 3, 1, 2);
      const batch = reader.read(1, 4, order);
      expect([batch.x.dtype, batch.y.dtype]).toEqual([dtype, "int32"]);
      expect(await batch.x.array()).toEqual(await x.take([0, 3, 1]).array());
      expect(await batch.y.array()).toEqual([5, 8, 6]);
      const next = reader.read(3, 5);
      expect(await next.x.array()).toEqual(await x.slice([3, 5]).array());
      expect(await next.y.array()).toEqual([8, 9]);
    }
  });

  it("is the same to a program, which has it written into its own memory", async () => {
    const x = rows(5, width, "float32");
    const reader = new BatchReader(await sourceOf({ x, y: labels }, "test", "data"), "float32");
    const twice = jit((a, b) => [a.mul(2), b.add(1)]);
    // the second call has another batch in the place of the first
    for (const order of [Int32Array.of(4, 0, 3), Int32Array.of(1, 1, 2)]) {
      const batch = reader.read(0, 3, order);
      const [doubled, next] = twice(batch.x, batch.y);
      expect(await doubled.array()).toEqual(
        await x
          .take([...order])
          .mul(2)
          .array(),
      );
      expect(await next.array()).toEqual([...order].map((i) => i + 6));
    }
  });
});
