/** Memory of large results that nobody disposes of. */
import { describe, expect, it } from "vitest";
import { HeapLesson } from "../../../src/backends/wasm/heap.js";
import { jit, type Tensor, tensor } from "../../../src/index.js";

describe("the heap is shown a large block", () => {
  const given = (...results: readonly number[]): number[] => {
    const blocks: number[] = [];
    const lesson = new HeapLesson((bytes) => blocks.push(bytes));
    for (const bytes of results) lesson.count(bytes);
    return blocks;
  };

  it("once, after 16 MiB of large results, and just below 32 MiB", () => {
    expect(given(2 ** 22, 2 ** 22, 2 ** 22)).toEqual([]);
    const blocks = given(...Array.from({ length: 20 }, () => 2 ** 22));
    expect(blocks.length).toBe(1);
    expect(blocks[0]).toBeLessThan(2 ** 25);
    expect(blocks[0]).toBeGreaterThan(2 ** 25 - 2 ** 17);
  });

  it("never for small results, however many", () => {
    expect(given(...Array.from({ length: 1000 }, () => 2 ** 16))).toEqual([]);
  });
});

it("results in a loop keep their numbers, whatever is made and dropped after them", () => {
  const shift = jit((x: Tensor, by: Tensor) => x.add(by));
  const x = tensor(Float32Array.from({ length: 250_000 }, (_, i) => i % 1000));
  const kept: (readonly [number, Tensor])[] = [];
  for (let i = 0; i < 400; i++) {
    const result = shift(x, tensor(i));
    if (i % 40 === 0) kept.push([i, result]);
  }
  for (const [i, result] of kept)
    expect(result.dataSync().every((value, at) => value === (at % 1000) + i)).toBe(true);
});
