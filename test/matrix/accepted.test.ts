/** What stands right beside bad input, and works. */
import { describe, expect, it } from "vitest";
import {
  AdjointError,
  arange,
  clip,
  convTranspose,
  customVjp,
  full,
  grad,
  hvp,
  jit,
  jvp,
  maxPool,
  oneHot,
  ones,
  pad,
  random,
  type Tensor,
  tensor,
  vjp,
} from "../../src/index.js";
import { readRows, run, tables } from "./rows.js";

describe("numbers beside dtypes", () => {
  it("clip with whole bounds keeps int32; a fraction limits integers as float32", () => {
    const x = tensor([0, 1, 2, 3], { dtype: "int32" });
    expect(clip(x, 1, 2).dtype).toBe("int32");
    expect(clip(x, 1, 2).arraySync()).toEqual([1, 1, 2, 2]);
    expect(clip(x, 0.5, 2).dtype).toBe("float32");
    expect(clip(x, 0.5, 2).arraySync()).toEqual([0.5, 1, 2, 2]);
  });

  it("full and pad store truth values as 0 and 1, whatever number they are given", () => {
    expect([...full([2], 7, { dtype: "bool" }).dataSync()]).toEqual([1, 1]);
    expect(full([1], true, { dtype: "bool" }).arraySync()).toEqual([true]);
    expect([...pad(tensor([false]), [[1, 0]], 7).dataSync()]).toEqual([1, 0]);
  });

  it("full and pad take NaN and the infinities for floats", () => {
    expect(full([1], Number.NaN).itemSync()).toBeNaN();
    expect(pad(ones([1]), [[1, 0]], Number.NEGATIVE_INFINITY).arraySync()).toEqual([-Infinity, 1]);
  });

  it("arange counts in int32 up to its last number, and its length may be fractional", () => {
    expect(arange(2 ** 31 - 2, 2 ** 31).arraySync()).toEqual([2 ** 31 - 2, 2 ** 31 - 1]);
    expect(arange(0, 2.5, 1, { dtype: "int32" }).arraySync()).toEqual([0, 1, 2]);
  });

  it("oneHot takes nested labels", () => {
    expect(oneHot([[1], [0]], 2).arraySync()).toEqual([[[0, 1]], [[1, 0]]]);
  });
});

describe("shapes at their limits", () => {
  it("maxPool takes any padding smaller than the window", () => {
    const x = tensor([[[-3, -5]]]);
    expect(maxPool(x, { size: 3, stride: 1, padding: 2 }).arraySync()).toEqual([[[-3, -3, -3, -5]]]);
  });

  it("convTranspose may cut off all but one element", () => {
    const options = { padding: [[0, 3]] as const };
    expect(convTranspose(ones([1, 1, 2]), ones([1, 1, 3]), options).arraySync()).toEqual([[[1]]]);
  });

  it("pad may crop more than there is on one side where the other adds it", () => {
    expect(pad(ones([2]), [[-3, 4]]).arraySync()).toEqual([0, 0, 0]);
  });

  it("random.bernoulli broadcasts its probabilities to the shape", () => {
    const p = tensor([0, 1]);
    expect(random.bernoulli(random.key(3), p, { shape: [2, 2] }).arraySync()).toEqual([
      [false, true],
      [false, true],
    ]);
  });
});

describe("trees of tangents and cotangents", () => {
  it("need tensors in the same places only: what is no tensor may be left out", () => {
    const f = (x: Tensor, options: { scale: number } | null): Tensor => x.mul(options?.scale ?? 1);
    const [, dot] = jvp(f, [ones([1]), { scale: 3 }], [ones([1]), null]);
    expect(dot.arraySync()).toEqual([3]);
  });

  it("hvp goes through arguments of any tree", () => {
    const f = (p: { a: Tensor }): Tensor => p.a.mul(p.a).mul(p.a).sum();
    const [result] = hvp(f, [{ a: tensor([1, 2]) }], [{ a: tensor([1, 1]) }]);
    expect(result.a.arraySync()).toEqual([6, 12]);
  });

  it("a cotangent with the right keys in another order is refused, not mixed up", () => {
    const [, pull] = vjp((x: Tensor) => ({ a: x, b: x.mul(2) }), ones([1]));
    expect(() => pull({ b: ones([1]), a: ones([1]) })).toThrow(/a tensor at "a", received "b"/);
  });
});

describe("functions with rules and options of their own", () => {
  it("customVjp takes numbers for tensors: as arguments, outputs and cotangents", () => {
    const cube = customVjp({
      forward: (x: Tensor): [Tensor, Tensor] => [x.pow(3), x],
      backward: () => [7],
    });
    expect(cube(2 as never).itemSync()).toBe(8);
    expect(grad(cube)(2).itemSync()).toBe(7);
  });

  it("jit tells static values of different types apart", () => {
    let traces = 0;
    const f = jit(
      (x: Tensor, _: unknown) => {
        traces++;
        return x;
      },
      { static: [1] },
    );
    for (const value of [1, "1", true, "true", -0, 0, null, undefined, "a", "a"]) f(ones([1]), value);
    expect(traces).toBe(9);
  });
});

describe("the facts of a refusal", () => {
  it("name the operation that the message names, in every row of the table", async () => {
    for (const { call } of tables.flatMap(readRows)) {
      const error: unknown = await run(call).catch((thrown: unknown) => thrown);
      if (!(error instanceof AdjointError)) throw new Error(`${call} is not refused`);
      expect(error.details.operation, call).toBeTypeOf("string");
      if (error.message.startsWith("this tensor") || error.message.startsWith("a tensor")) continue;
      expect(error.message.startsWith(`${error.details.operation}: `), `${call}: ${error.message}`).toBe(
        true,
      );
    }
  });
});
