/** A refused call leaves nothing half done: arguments, caches, seeds and surrounding transforms are as they were. */
import { describe, expect, it } from "vitest";
import {
  AdjointError,
  customVjp,
  grad,
  jit,
  ones,
  random,
  scatterAdd,
  setSeed,
  type Tensor,
  tensor,
  vjp,
  vmap,
  zeros,
} from "../../src/index.js";

describe("after a refusal", () => {
  it("a donated argument of a call that failed can still be read", () => {
    const a = tensor([1, 2]);
    const failing = jit((x: Tensor) => x.reshape([3]), { donate: [0] });
    expect(() => failing(a)).toThrow(AdjointError);
    expect(a.arraySync()).toEqual([1, 2]);
  });

  it("a donated argument survives a call that failed while running, not only while tracing", () => {
    const a = tensor([1, 2, 3]);
    const pick = jit((x: Tensor, i: Tensor) => x.take(i), { donate: [0] });
    expect(() => pick(a, tensor([7], { dtype: "int32" }))).toThrow(/index 7/);
    expect(a.arraySync()).toEqual([1, 2, 3]);
    expect(pick(a, tensor([1], { dtype: "int32" })).arraySync()).toEqual([2]);
  });

  it("jit keeps no signature of a trace that failed", () => {
    let broken = true;
    const f = jit((x: Tensor) => (broken ? x.reshape([5]) : x.mul(2)));
    expect(() => f(ones([2]))).toThrow(/reshape/);
    broken = false;
    expect(f(ones([2])).arraySync()).toEqual([2, 2]);
  });

  it("the surrounding grad goes on when the refusal is caught inside", () => {
    const f = (x: Tensor): Tensor => {
      expect(() => x.matmul(ones([5]))).toThrow(/inner dimensions/);
      expect(() => grad((y: Tensor) => y)(x)).toThrow(/scalar/);
      expect(() => jit((y: Tensor) => y.reshape([9]))(x)).toThrow(/reshape/);
      return x.square().sum();
    };
    expect(grad(f)(tensor([1, 2])).arraySync()).toEqual([2, 4]);
    expect(vmap(f)(tensor([[1, 2]])).arraySync()).toEqual([5]);
    expect(jit(f)(tensor([1, 2])).itemSync()).toBe(5);
  });

  it("a pullback refused one cotangent takes the next", () => {
    const [, pull] = vjp((x: Tensor) => x.square(), tensor([1, 2]));
    expect(() => pull(ones([3]))).toThrow(/shape \[2\]/);
    expect(pull(ones([2]))[0].arraySync()).toEqual([2, 4]);
  });

  it("scatterAdd leaves its target and updates as they are", () => {
    const target = zeros([2]);
    const updates = ones([2]);
    expect(() => scatterAdd(target, [0, 5], updates)).toThrow(/index 5/);
    expect(target.arraySync()).toEqual([0, 0]);
    expect(updates.arraySync()).toEqual([1, 1]);
  });

  it("setSeed with a bad seed keeps the running sequence", () => {
    setSeed(7);
    const [first, second] = [random.next().arraySync(), random.next().arraySync()];
    setSeed(7);
    expect(random.next().arraySync()).toEqual(first);
    expect(() => setSeed(0.5)).toThrow(AdjointError);
    expect(random.next().arraySync()).toEqual(second);
  });

  it("a backward rule refused at one point does not spoil the function at another", () => {
    let good = false;
    const cube = customVjp({
      forward: (x: Tensor): [Tensor, Tensor] => [x.pow(3), x],
      backward: (x: Tensor, bar: Tensor) => (good ? [bar.mul(x.square()).mul(3)] : [ones([7])]),
    });
    expect(() => grad(cube)(tensor(2))).toThrow(/cotangent 0 must have shape \[\]/);
    good = true;
    expect(grad(cube)(tensor(2)).itemSync()).toBe(12);
  });

  it("the user's own exceptions pass through transforms unchanged", () => {
    const mine = new RangeError("mine");
    const f = (_: Tensor): Tensor => {
      throw mine;
    };
    for (const transformed of [grad(f), jit(f), vmap(f)]) expect(() => transformed(ones([1]))).toThrow(mine);
    expect(grad((x: Tensor) => x.mul(x))(3).itemSync()).toBe(6);
  });
});
