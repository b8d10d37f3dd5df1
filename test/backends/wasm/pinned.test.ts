/** Inputs that come again and again are copied once; whatever comes instead is seen. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { WasmProgram } from "../../../src/backends/wasm/program.js";
import { jit, type Tensor, tensor } from "../../../src/index.js";

const size = 2 ** 20;
/** 4 MiB with this number in front. */
const large = (first: number): Tensor => {
  const values = new Float32Array(size).fill(1);
  values[0] = first;
  return tensor(values);
};

/** Elements of large arrays that programs are given while `action` runs. */
function copied(action: () => void): number {
  let elements = 0;
  const view = vi.spyOn(WasmProgram.prototype, "view").mockImplementation(function (
    this: WasmProgram,
    buffer: number,
  ) {
    const target = original.call(this, buffer);
    const { set } = target;
    return Object.assign(target, {
      set(values: ArrayLike<number>) {
        if (values.length >= size) elements += values.length;
        set.call(target, values as never);
      },
    });
  });
  try {
    action();
  } finally {
    view.mockRestore();
  }
  return elements;
}
const original = WasmProgram.prototype.view;

afterEach(() => vi.restoreAllMocks());

describe("an input that comes again and again", () => {
  it("is copied until that has cost 64 MiB, then once more, then never", () => {
    const f = jit((x: Tensor) => x.mul(2).sum());
    const x = large(5);
    const results = new Set<number>();
    const before = copied(() => {
      for (let i = 0; i < 40; i++) results.add(f(x).itemSync());
    });
    expect(before / size).toBe(18);
    expect(copied(() => results.add(f(x).itemSync()))).toBe(0);
    expect([...results]).toEqual([2 * (size - 1) + 10]);
  });

  it("gives way to another tensor, to a uniform one, and comes back", () => {
    const f = jit((x: Tensor, y: Tensor) => x.mul(y).slice([0, 2]));
    const [x, y] = [large(5), large(3)];
    for (let i = 0; i < 40; i++) f(x, y);
    expect(f(x, y).arraySync()).toEqual([15, 1]);
    expect(f(x, large(7)).arraySync()).toEqual([35, 1]);
    expect(f(x, y).arraySync()).toEqual([15, 1]);
    expect(f(x, x.mul(0).add(2)).arraySync()).toEqual([10, 2]);
    expect(f(y, x).arraySync()).toEqual([15, 1]);
    expect(f(x, y).arraySync()).toEqual([15, 1]);
  });

  it("leaves donated state as it was when the program is made anew", () => {
    const step = jit((state: Tensor, x: Tensor) => state.add(x), { donate: [0] });
    const x = large(5);
    let state = large(0);
    for (let i = 0; i < 40; i++) state = step(state, x);
    expect(state.slice([0, 2]).arraySync()).toEqual([200, 41]);
    expect(x.slice([0, 2]).arraySync()).toEqual([5, 1]);
  });

  it("that the caller donates is never kept", () => {
    const f = jit((x: Tensor) => x.add(1), { donate: [0] });
    for (let i = 0; i < 20; i++) {
      const result = f(large(i));
      expect(result.slice([0, 1]).arraySync()).toEqual([i + 1]);
    }
  });
});
