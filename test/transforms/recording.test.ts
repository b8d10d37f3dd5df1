/** What a transform leaves behind: nothing. Links are cut, histories freed, abstract tensors refused outside. */
import { describe, expect, test } from "vitest";
import {
  AdjointError,
  grad,
  hessian,
  jit,
  jvp,
  linearize,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "../../src/index.js";

const x = tensor([1, 2, 3]);
const loss = (y: Tensor): Tensor => y.sin().mul(y).sum();

describe("after a transform", () => {
  test("a result computed outside any transform has no history", () => {
    expect(loss(x).operation).toBeNull();
  });

  test.each([
    ["grad", (f: typeof loss) => grad(f)(x)],
    ["valueAndGrad", (f: typeof loss) => valueAndGrad(f)(x)],
    ["vjp", (f: typeof loss) => vjp(f, x)],
    ["jvp", (f: typeof loss) => jvp(f, [x], [x])],
    ["linearize", (f: typeof loss) => linearize(f, x)],
    ["hessian", (f: typeof loss) => hessian(f)(x)],
    ["grad of jit", (f: typeof loss) => grad(jit(f))(x)],
    [
      "a failing grad",
      (f: typeof loss) => {
        try {
          grad((y: Tensor) => {
            f(y);
            throw new Error("stop");
          })(x);
        } catch {}
      },
    ],
  ])("tensors that leaked from %s keep their value and have no history", (_name, run) => {
    const leaked: Tensor[] = [];
    run((y) => {
      const inner = y.sin();
      leaked.push(inner, y);
      return inner.mul(y).sum();
    });
    expect(leaked.length).toBeGreaterThan(0);
    for (const tensorOut of leaked.filter((t) => !t.isAbstract)) {
      expect(tensorOut.operation).toBeNull();
      expect(tensorOut.dataSync().length).toBe(3);
      // and it is an ordinary tensor again
      expect(tensorOut.mul(2).operation).toBeNull();
    }
  });

  test("values and gradients that are returned have no history", () => {
    const [value, gradient] = valueAndGrad(loss)(x);
    expect([value.operation, gradient.operation]).toEqual([null, null]);
    const [y, pull] = vjp(loss, x);
    expect([y.operation, pull(1)[0].operation]).toEqual([null, null]);
    expect(pull(2)[0].arraySync()).toEqual(Array.from(gradient.dataSync(), (g) => Math.fround(2 * g)));
  });

  test("a leaked constant of one gradient is a constant to the next", () => {
    let kept: Tensor | undefined;
    grad((y: Tensor) => {
      kept = y.mul(2);
      return kept.sum();
    })(x);
    const gradient = grad((y: Tensor) => y.mul(kept ?? y).sum())(x);
    expect(gradient.arraySync()).toEqual([2, 4, 6]);
  });

  test("an abstract tensor used after its trace is refused with where it came from", () => {
    for (const run of [(f: (y: Tensor) => Tensor) => jit(f)(x), (f: (y: Tensor) => Tensor) => vmap(f)(x)]) {
      let kept: Tensor | undefined;
      run((y) => {
        kept = y.mul(2);
        return kept;
      });
      const use = (): unknown => kept?.add(1);
      expect(use).toThrow(AdjointError);
      expect(use).toThrow(expect.objectContaining({ code: "abstract-leak" }));
    }
  });
});

test("a list of losses of 300 steps retains none of the steps' intermediate tensors", async () => {
  const collected = { count: 0 };
  const registry = new FinalizationRegistry<undefined>(() => {
    collected.count++;
  });
  const losses: Tensor[] = [];
  let w = tensor([0.1, 0.2, 0.3]);
  for (let step = 0; step < 300; step++) {
    const [value, gradient] = valueAndGrad((v: Tensor) => {
      const hidden = v.mul(x).tanh();
      registry.register(hidden, undefined);
      return hidden.sum();
    })(w);
    losses.push(value);
    w = w.sub(gradient.mul(0.01));
  }
  const { setFlagsFromString } = await import("node:v8");
  const { runInNewContext } = await import("node:vm");
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let i = 0; i < 20 && collected.count < 300; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(losses.length).toBe(300);
  // the last step's may still be on the stack
  expect(collected.count).toBeGreaterThanOrEqual(298);
});
