/** Transforms at their edges: identities, constants, repeated arguments, empty batches, nothing to do. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkpoint,
  customVjp,
  devices,
  grad,
  hessian,
  hvp,
  jacobian,
  jit,
  jvp,
  linearize,
  ones,
  setDevice,
  stopGradient,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
  zeros,
} from "../../src/index.js";

const x = tensor([1, 2, 3]);

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test("the identity is its own value, with derivative 1, under every transform", () => {
    const identity = (t: Tensor): Tensor => t;
    expect(grad(identity)(3).itemSync()).toBe(1);
    expect(jit(identity)(x).arraySync()).toEqual([1, 2, 3]);
    expect(grad(jit(identity))(3).itemSync()).toBe(1);
    expect(vmap(identity)(x).arraySync()).toEqual([1, 2, 3]);
    expect(jvp(identity, [x], [x])[1].arraySync()).toEqual([1, 2, 3]);
    expect(vjp(identity, x)[1](x)[0].arraySync()).toEqual([1, 2, 3]);
    expect(jacobian(identity)(x).arraySync()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    expect(checkpoint(identity)(x).arraySync()).toEqual([1, 2, 3]);
    expect(grad((t: Tensor) => checkpoint(identity)(t))(3).itemSync()).toBe(1);
  });

  test("a constant has derivative 0, under every transform", () => {
    const constant = (_t: Tensor): Tensor => tensor(7);
    expect(valueAndGrad(constant)(3).map((t) => t.itemSync())).toEqual([7, 0]);
    expect(jit(grad(constant))(3 as never as Tensor).itemSync()).toBe(0);
    expect(grad(jit(constant))(tensor([1, 2]).sum()).itemSync()).toBe(0);
    expect(jvp(constant, [x], [x]).map((t) => t.itemSync())).toEqual([7, 0]);
    expect(vmap(constant)(x).arraySync()).toEqual([7, 7, 7]);
    expect(jacobian((t: Tensor) => constant(t).reshape([1]))(x).arraySync()).toEqual([[0, 0, 0]]);
    expect(hessian(constant)(x).arraySync()).toEqual(zeros([3, 3]).arraySync());
    expect(hvp(constant, [x], [x])[0].arraySync()).toEqual([0, 0, 0]);
  });

  test("a linear function has Hessian 0", () => {
    expect(hessian((t: Tensor) => t.mul(2).sum())(x).arraySync()).toEqual(zeros([3, 3]).arraySync());
  });

  test("one result twice, an argument as a result, and a captured constant come back in their places", () => {
    const f = (t: Tensor): Tensor[] => {
      const y = t.mul(2);
      return [y, y, t, x, t];
    };
    const expected = [
      [8, 10],
      [8, 10],
      [4, 5],
      [1, 2, 3],
      [4, 5],
    ];
    const t = tensor([4, 5]);
    expect(jit(f)(t).map((y) => y.arraySync())).toEqual(expected);
    expect(jit(f)(t).map((y) => y.arraySync())).toEqual(expected);
    expect(vjp(f, t)[0].map((y) => y.arraySync())).toEqual(expected);
    expect(vmap(f)(tensor([[4, 5]])).map((y) => y.slice(0).arraySync())).toEqual(expected);
  });

  test("results of a compiled function are its own: the next call does not change them", () => {
    const f = jit((t: Tensor) => [t.mul(2), t]);
    const first = f(tensor([1, 2]));
    const second = f(tensor([5, 6]));
    expect(first.map((y) => y.arraySync())).toEqual([
      [2, 4],
      [1, 2],
    ]);
    expect(second.map((y) => y.arraySync())).toEqual([
      [10, 12],
      [5, 6],
    ]);
  });

  test("the same tensor as two arguments gets the gradient of each place", () => {
    const f = (a: Tensor, b: Tensor): Tensor => a.mul(a).mul(b).sum();
    for (const run of [
      grad(f, { argnums: [0, 1] }),
      jit(grad(f, { argnums: [0, 1] })),
      grad(jit(f), { argnums: [0, 1] }),
    ]) {
      const [a, b] = run(x, x);
      expect(a.arraySync()).toEqual([2, 8, 18]);
      expect(b.arraySync()).toEqual([1, 4, 9]);
    }
  });

  test("a donated argument that is also a result, or used twice, keeps its value in the result", () => {
    const step = jit((w: Tensor, g: Tensor) => [w.sub(g.mul(0.5)), w.add(g)], { donate: [0] });
    let w = tensor([1, 2]);
    for (let i = 0; i < 3; i++) [w] = step(w, tensor([1, 1]));
    expect(w.arraySync()).toEqual([-0.5, 0.5]);
    const keep = jit((t: Tensor) => [t, t.mul(2)], { donate: [0] });
    expect(keep(tensor([1, 2])).map((y) => y.arraySync())).toEqual([
      [1, 2],
      [2, 4],
    ]);
    const swap = jit((a: Tensor, b: Tensor) => [b, a], { donate: [0, 1] });
    expect(swap(tensor([1]), tensor([2])).map((y) => y.arraySync())).toEqual([[2], [1]]);
    const reversed = jit((a: Tensor) => a.flip(), { donate: [0] });
    expect(reversed(tensor([1, 2, 3, 4, 5])).arraySync()).toEqual([5, 4, 3, 2, 1]);
    const running = jit((a: Tensor) => a.add(a.sum()), { donate: [0] });
    expect(running(tensor([1, 2, 3])).arraySync()).toEqual([7, 8, 9]);
    const transposed = jit((a: Tensor) => a.transpose().add(a), { donate: [0] });
    expect(
      transposed(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ).arraySync(),
    ).toEqual([
      [2, 5],
      [5, 8],
    ]);
  });

  test("a batch of none gives results of none, with gradients", () => {
    const f = (t: Tensor): Tensor => t.sin().sum();
    expect(vmap(f)(zeros([0, 3])).shape).toEqual([0]);
    expect(vmap(grad(f))(zeros([0, 3])).shape).toEqual([0, 3]);
    expect(jit(vmap(grad(f)))(zeros([0, 3])).shape).toEqual([0, 3]);
    expect(grad(f)(zeros([0])).shape).toEqual([0]);
    expect(jit(grad(f))(zeros([0])).shape).toEqual([0]);
  });

  test("batch axes other than the first go in and come out where they are named", () => {
    const m = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(vmap((t: Tensor) => t.sum(), { inAxes: 1 })(m).arraySync()).toEqual([5, 7, 9]);
    expect(vmap((t: Tensor) => t.mul(2), { inAxes: -1, outAxes: -1 })(m).arraySync()).toEqual([
      [2, 4, 6],
      [8, 10, 12],
    ]);
    expect(vmap((t: Tensor) => t.mul(2), { inAxes: 1 })(m).shape).toEqual([3, 2]);
    // every pair of a row and a column
    const pairs = vmap(
      vmap((a: Tensor, b: Tensor) => a.mul(b), { inAxes: [null, 0] }),
      { inAxes: [0, null] },
    );
    expect(pairs(tensor([1, 2]), tensor([3, 4, 5])).arraySync()).toEqual([
      [3, 4, 5],
      [6, 8, 10],
    ]);
  });

  test("what f closes over is shared by a batch, and differentiated by the transform outside", () => {
    const f = (w: Tensor): Tensor =>
      vmap((t: Tensor) => t.mul(w).sum())(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ).sum();
    for (const run of [grad(f), jit(grad(f)), grad(jit(f))])
      expect(run(ones([2])).arraySync()).toEqual([4, 6]);
    const inside = (w: Tensor): Tensor =>
      vmap(grad((t: Tensor) => t.mul(t).mul(w).sum()))(
        tensor([
          [1, 2],
          [3, 4],
        ]),
      ).sum();
    for (const run of [grad(inside), jit(grad(inside)), grad(jit(inside))])
      expect(run(ones([2])).arraySync()).toEqual([8, 12]);
  });

  test("integer arguments and results pass through derivatives untouched", () => {
    const f = (t: Tensor, i: Tensor): [Tensor, Tensor] => [t.take(i).sum(), i.add(1)];
    const i = tensor([0, 2], { dtype: "int32" });
    const [value, dot] = jvp(f, [x, i], [x, zeros([2], { dtype: "int32" })]);
    expect(value.map((t) => t.dtype)).toEqual(["float32", "int32"]);
    expect(dot[0].itemSync()).toBe(4);
    const [, pull] = vjp(f, x, i);
    expect(pull([tensor(1), zeros([2], { dtype: "int32" })])[0].arraySync()).toEqual([1, 0, 1]);
    const [, push] = linearize((t: Tensor) => f(t, i)[0], x);
    expect(push(x).itemSync()).toBe(4);
    expect(grad((t: Tensor) => f(t, i)[0])(x).arraySync()).toEqual([1, 0, 1]);
  });

  test("stopGradient holds inside jit, vmap and checkpoint, and to second order", () => {
    const f = (t: Tensor): Tensor => t.mul(stopGradient(t)).mul(t);
    const expected = 2 * 9;
    for (const run of [grad(f), grad(jit(f)), jit(grad(f)), grad(checkpoint(f))])
      expect(run(tensor(3)).itemSync()).toBe(expected);
    expect(vmap(grad(f))(tensor([3])).arraySync()).toEqual([expected]);
    const slope = (t: Tensor): Tensor => grad(f)(t);
    // d/dx of 2 x · stop(x), the inner derivative taken with x held where it is stopped
    expect(grad(slope)(3).itemSync()).toBe(6);
  });

  test("checkpoint nests and keeps values and derivatives of every order", () => {
    const block = (t: Tensor): Tensor => t.sin().mul(t);
    const twice = checkpoint((t: Tensor) => checkpoint(block)(checkpoint(block)(t)));
    const plain = (t: Tensor): Tensor => block(block(t));
    const t = tensor(0.8, { dtype: "float64" });
    const orders = [
      (f: typeof plain) => f,
      (f: typeof plain): typeof plain => grad(f),
      (f: typeof plain): typeof plain => grad((u: Tensor) => grad(f)(u)),
    ];
    for (const order of orders) {
      const expected = order(plain)(t).itemSync();
      for (const run of [order(twice), jit(order(twice)), order(jit(twice))])
        expect(Math.abs(run(t).itemSync() - expected)).toBeLessThan(1e-12);
    }
  });

  test("a rule of one's own takes trees, may leave arguments out, and closes over a variable outside", () => {
    const scaled = customVjp({
      forward: (p: { w: Tensor; b: Tensor }, t: Tensor) => [p.w.mul(t).add(p.b), { w: p.w, t }] as const,
      backward: ({ t }: { w: Tensor; t: Tensor }, yBar: Tensor) => [
        { w: yBar.mul(t).mul(10), b: yBar },
        null,
      ],
    });
    const p = { w: tensor([1, 2]), b: tensor([3, 4]) };
    const f = (q: typeof p, t: Tensor): Tensor => scaled(q, t).sum();
    for (const run of [
      grad(f, { argnums: [0, 1] }),
      jit(grad(f, { argnums: [0, 1] })),
      grad(jit(f), { argnums: [0, 1] }),
    ]) {
      const [params, t] = run(p, tensor([5, 6]));
      expect(params.w.arraySync()).toEqual([50, 60]);
      expect(params.b.arraySync()).toEqual([1, 1]);
      expect(t.arraySync()).toEqual([0, 0]);
    }
    const each = vmap(grad(f), { inAxes: [null, 0] })(
      p,
      tensor([
        [5, 6],
        [7, 8],
      ]),
    );
    expect(each.w.arraySync()).toEqual([
      [50, 60],
      [70, 80],
    ]);
  });

  test("a compiled function keeps one program a signature, whatever runs it", () => {
    let traces = 0;
    const f = jit((t: Tensor) => {
      traces++;
      return t.mul(2).sum();
    });
    for (let i = 0; i < 3; i++) {
      f(x);
      grad(f)(x);
      f(tensor([4, 5, 6]));
    }
    expect(traces).toBe(1);
    f(tensor([1, 2]));
    f(tensor([1, 2, 3], { dtype: "float64" }));
    expect(traces).toBe(3);
  });
});
