import { describe, expect, it } from "vitest";
import { grad, jit, type Tensor, tensor } from "../../src/index.js";

class Pair {
  a: Tensor;
  b: Tensor;
  constructor(a: Tensor, b: Tensor) {
    this.a = a;
    this.b = b;
  }
}

class Other extends Pair {}

const one = tensor([1, 2]);
const two = tensor([3, 4]);

/** Trees that are told apart, each with all others: none is like another. */
const trees: readonly (readonly [name: string, tree: unknown])[] = [
  ["a tensor", one],
  ["one of another shape", tensor([[1, 2]])],
  ["one of another type", tensor([1, 2], { dtype: "float64" })],
  ["an array of one", [one]],
  ["an array of two", [one, two]],
  ["an array with a number", [one, 2]],
  ["an array with another number", [one, 3]],
  ["an array with 0", [one, 0]],
  ["an array with -0", [one, -0]],
  ["an array with NaN", [one, Number.NaN]],
  ["an array with a text", [one, "2"]],
  ["an array with null", [one, null]],
  ["an array with undefined", [one, undefined]],
  ["an array in an array", [[one], two]],
  ["an object", { a: one, b: two }],
  ["the same in another order", { b: two, a: one }],
  ["one with a key more", { a: one, b: two, c: 1 }],
  ["one with other keys", { a: one, c: two }],
  ["keys that are those of an array", { 0: one, 1: two }],
  ["an instance", new Pair(one, two)],
  ["an instance of another class", new Other(one, two)],
  ["nothing", undefined],
];

describe("a compiled function", () => {
  it("is traced once for each signature, whichever call came before", () => {
    let traces = 0;
    const f = jit((_tree: unknown): Tensor => {
      traces++;
      return tensor(traces);
    });
    const first = trees.map(([, tree]) => f(tree).itemSync());
    expect(traces).toBe(trees.length);
    // every one after every other, so that each is compared with each as the last one
    for (const [i, [name, tree]] of trees.entries())
      for (const [j, [before, other]] of trees.entries()) {
        f(other);
        expect(f(tree).itemSync(), `${name} after ${before}`).toBe(first[i]);
        expect(f(tree).itemSync(), `${name} again`).toBe(first[i]);
        expect(first[i] === first[j], `${name} and ${before}`).toBe(i === j);
      }
    expect(traces).toBe(trees.length);
  });

  it("gives a tree of the class it was given, from a call like the last one too", () => {
    const f = jit((pair: Pair) => new Pair(pair.b, pair.a.mul(2)));
    for (let i = 0; i < 3; i++) {
      const swapped = f(new Pair(one, two));
      expect(swapped).toBeInstanceOf(Pair);
      expect([swapped.a.arraySync(), swapped.b.arraySync()]).toEqual([
        [3, 4],
        [2, 4],
      ]);
    }
  });

  it("compares static arguments by what they are", () => {
    const seen: unknown[] = [];
    const f = jit(
      (x: Tensor, setting: unknown) => {
        seen.push(setting);
        return x;
      },
      { static: [1] },
    );
    const settings = [{ a: 1 }, { a: 1 }, one, two, 1, "1"];
    for (let round = 0; round < 2; round++) for (const setting of settings) f(one, setting);
    expect(seen).toEqual(settings);
  });

  it("refuses a tree that contains itself, after a call with one that does not", () => {
    const f = jit((tree: { x: Tensor; self?: unknown }) => tree.x.mul(2));
    const tree: { x: Tensor; self?: unknown } = { x: one, self: { x: one, self: null } };
    f(tree);
    tree.self = tree;
    expect(() => f(tree)).toThrow(expect.objectContaining({ code: "tree-mismatch" }));
  });

  it("takes a number of arguments it was not made for as another signature, and one too few as an error of its options", () => {
    let traces = 0;
    const f = jit(
      (...tensors: Tensor[]) => {
        traces++;
        return tensors.reduce((sum, x) => sum.add(x));
      },
      { donate: [1] },
    );
    expect(f(one, tensor([1, 1])).arraySync()).toEqual([2, 3]);
    expect(f(one, tensor([1, 1]), two).arraySync()).toEqual([5, 7]);
    expect(traces).toBe(2);
    expect(() => f(one)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  });

  it("is recorded by a transform and dissolves in another jit, in calls like the last one", () => {
    let traces = 0;
    const square = jit((x: Tensor) => {
      traces++;
      return x.mul(x).sum();
    });
    for (let i = 0; i < 3; i++) {
      expect(square(one).itemSync()).toBe(5);
      expect(grad(square)(one).arraySync()).toEqual([2, 4]);
    }
    expect(traces).toBe(1);
    const outer = jit((x: Tensor) => square(x).add(1));
    expect(outer(one).itemSync()).toBe(6);
    // inside another jit it is part of that one's trace
    expect(traces).toBe(2);
  });
});
