/** Results that are disposed of unread are, in the end, not copied out of their program any more; all others are saved. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { WasmProgram } from "../../../src/backends/wasm/program.js";
import { grad, jit, ones, type Tensor, tensor } from "../../../src/index.js";

const size = 2 ** 20;
const full = (value: number): Tensor => tensor(new Float32Array(size).fill(value));
const firstTwo = (x: Tensor): unknown => x.slice([0, 2]).arraySync();

/** Elements that programs copy out while `action` runs, in buffers of the size of a result. */
function copiedOut(action: () => void): number {
  let elements = 0;
  const read = vi.spyOn(WasmProgram.prototype, "read").mockImplementation(function (
    this: WasmProgram,
    buffer: number,
  ) {
    const values = original.call(this, buffer);
    if (values.length === size) elements += size;
    return values;
  });
  try {
    action();
  } finally {
    read.mockRestore();
  }
  return elements / size;
}
const original = WasmProgram.prototype.read;

afterEach(() => vi.restoreAllMocks());

/** A doubling whose results have memory to themselves. */
function settled(): (x: Tensor) => Tensor {
  const double = jit((x: Tensor) => x.mul(2));
  for (let i = 0; i < 20; i++) double(full(i)).dispose();
  expect(copiedOut(() => double(full(1)).dispose())).toBe(0);
  return double;
}

describe("a result that is disposed of unread", () => {
  it("is copied until that has cost 64 MiB, and never after", () => {
    const double = jit((x: Tensor) => x.mul(2));
    const x = full(3);
    const copies = copiedOut(() => {
      for (let i = 0; i < 40; i++) double(x).dispose();
    });
    // the input is copied in vain as often: 16 of 4 MiB each, together, are 8 calls
    expect(copies).toBeLessThanOrEqual(18);
    expect(copies).toBeGreaterThanOrEqual(8);
    expect(
      copiedOut(() => {
        for (let i = 0; i < 10; i++) double(x).dispose();
      }),
    ).toBe(0);
    expect(firstTwo(double(x))).toEqual([6, 6]);
  });

  it("cannot be read, printed as a number or given to another call", () => {
    const y = jit((x: Tensor) => x.mul(2))(tensor([1, 2]));
    y.dispose();
    expect(() => y.arraySync()).toThrowError(expect.objectContaining({ code: "disposed" }));
    expect(() => jit((x: Tensor) => x.add(1))(y)).toThrowError(expect.objectContaining({ code: "disposed" }));
    expect(String(y)).toContain("disposed");
    expect(y.shape).toEqual([2]);
    y.dispose();
  });

  it("at the end of a block with using is gone after it and there within it", () => {
    const f = jit((x: Tensor) => x.mul(2));
    let outside: Tensor;
    {
      using y = f(tensor([1, 2]));
      expect(y.arraySync()).toEqual([2, 4]);
      outside = y;
    }
    expect(() => outside.arraySync()).toThrowError(expect.objectContaining({ code: "disposed" }));
  });

  it("leaves what was made of it", () => {
    const double = settled();
    const y = double(full(4));
    const views = [y.reshape([2, size / 2]), y.slice([0, 3]), y.add(1)];
    y.dispose();
    double(full(7)).dispose();
    expect(views.map((view) => view.reshape([-1]).slice([0, 1]).arraySync())).toEqual([[8], [8], [9]]);
  });
});

describe("a result that is not disposed of", () => {
  it("is saved before the next run overwrites its memory, read or unread", () => {
    const double = settled();
    const results = [1, 2, 3, 4].map((value) => double(full(value)));
    expect(results.map(firstTwo)).toEqual([
      [2, 2],
      [4, 4],
      [6, 6],
      [8, 8],
    ]);
    const [a, b] = [double(full(10)), double(full(20))];
    a.dispose();
    expect(firstTwo(b)).toEqual([40, 40]);
  });

  it("is saved when the run that would overwrite it takes it as its input", () => {
    const double = settled();
    let x = full(1);
    for (let i = 0; i < 5; i++) x = double(x);
    expect(firstTwo(x)).toEqual([32, 32]);
  });

  it("is saved when the program is made anew around it", () => {
    const f = jit((x: Tensor, y: Tensor) => [x.mul(2), y.mul(3)]);
    const [x, y] = [full(5), full(7)];
    const kept: Tensor[] = [];
    for (let i = 0; i < 40; i++) {
      const [a, b] = f(x, y);
      a.dispose();
      if (i % 10 === 0) kept.push(b);
    }
    expect(kept.map(firstTwo)).toEqual(kept.map(() => [21, 21]));
  });
});

describe("disposing", () => {
  it("takes nothing from a derivative that still needs the value", () => {
    const f = jit((x: Tensor) => x.exp());
    const scale = f(tensor([0, 0]));
    const gradient = grad((x: Tensor) => {
      using y = f(x);
      using z = y.mul(scale);
      const total = z.mul(y).sum();
      scale.dispose();
      return total;
    })(ones([2]));
    expect(gradient.arraySync()).toEqual([2, 2].map((n) => expect.closeTo(n * Math.exp(2), 4)));
  });

  it("does nothing to tensors that no compiled function made", () => {
    const x = tensor([1, 2]);
    x.dispose();
    const y = x.add(1);
    y.dispose();
    expect([x.arraySync(), y.arraySync()]).toEqual([
      [1, 2],
      [2, 3],
    ]);
  });

  it("of donated state spares it the copy, and giving it on is refused", () => {
    const step = jit((state: Tensor) => state.add(1), { donate: [0] });
    const first = step(full(0));
    first.dispose();
    expect(copiedOut(() => expect(firstTwo(step(full(5)))).toEqual([6, 6]))).toBeLessThanOrEqual(1);
    expect(() => step(first)).toThrowError(expect.objectContaining({ code: "disposed" }));
  });
});
