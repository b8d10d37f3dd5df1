import { describe, expect, it } from "vitest";
import {
  cond,
  grad,
  graphOf,
  hessian,
  jit,
  jvp,
  linearize,
  random,
  scan,
  setDevice,
  type Tensor,
  tensor,
  vmap,
  where,
} from "../../src/index.js";

const f64 = (data: number | number[]): Tensor => tensor(data, { dtype: "float64" });
/** Two branches that both use what is outside. */
const chosen = (w: Tensor) => (x: Tensor) =>
  cond(
    x.sum().gt(0),
    (v) => v.mul(w).sin(),
    (v) => v.square().add(w),
    x,
  );
/** The same where both branches are computed. */
const both = (w: Tensor) => (x: Tensor) => where(x.sum().gt(0), x.mul(w).sin(), x.square().add(w));

const tolerance = 1e-13;
const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape);
  const want = b.dataSync();
  a.dataSync().forEach((value: number, i: number) => {
    expect(Math.abs(value - want[i])).toBeLessThan(tolerance);
  });
};

describe("cond", () => {
  const points = [f64([1, 2]), f64([-1, -2])];

  it.each(["reference", "wasm"] as const)(
    "has the value and the derivatives of the branch it takes, on %s",
    (device) => {
      setDevice(device);
      const w = f64([0.3, -0.6]);
      for (const x of points) {
        close(chosen(w)(x), both(w)(x));
        close(jit(chosen(w))(x), both(w)(x));
        for (const of of [0, 1]) {
          const cost = (f: typeof chosen) => (a: Tensor, b: Tensor) => f(a)(b).square().sum();
          const want = grad(cost(both), { argnums: of })(w, x);
          close(grad(cost(chosen), { argnums: of })(w, x), want);
          close(jit(grad(cost(chosen), { argnums: of }))(w, x), want);
          close(jit(hessian(cost(chosen), { argnum: of }))(w, x), hessian(cost(both), { argnum: of })(w, x));
        }
        const dots: [Tensor, Tensor] = [f64([1, 2]), f64([3, -1])];
        const tangent = (f: typeof chosen) => (a: Tensor, b: Tensor) =>
          jvp((u: Tensor, v: Tensor) => f(u)(v), [a, b], dots)[1];
        close(jit(tangent(chosen))(w, x), tangent(both)(w, x));
        const [, push] = linearize((u: Tensor, v: Tensor) => chosen(u)(v), w, x);
        close(push(...dots), tangent(both)(w, x));
      }
      setDevice("wasm");
    },
  );

  it("under vmap is a choice for each example, or one for all", () => {
    const w = f64([0.3, -0.6]);
    const many = random.uniform(random.key(1), { shape: [5, 2], dtype: "float64", low: -1, high: 1 });
    close(vmap(chosen(w))(many), vmap(both(w))(many));
    close(
      jit(vmap(grad((x: Tensor) => chosen(w)(x).sum())))(many),
      vmap(grad((x: Tensor) => both(w)(x).sum()))(many),
    );
    const one = (f: (x: Tensor) => Tensor, g: (x: Tensor) => Tensor) => (p: Tensor) =>
      vmap((x: Tensor) => cond(p, f, g, x))(many);
    for (const p of [true, false]) {
      const want = p ? many.sin() : many.cos();
      close(
        jit(
          one(
            (x) => x.sin(),
            (x) => x.cos(),
          ),
        )(tensor(p)),
        want,
      );
    }
  });

  it("calls one function only where the predicate has a value, and records both where it has none", () => {
    const calls: string[] = [];
    const f = (p: Tensor): Tensor =>
      cond(
        p,
        () => {
          calls.push("yes");
          return 1;
        },
        () => {
          calls.push("no");
          return 2;
        },
      );
    expect(f(tensor(true)).itemSync()).toBe(1);
    expect(calls).toEqual(["yes"]);
    expect(jit(f)(tensor(false)).itemSync()).toBe(2);
    expect(calls).toEqual(["yes", "yes", "no"]);
  });

  it("runs one branch only: an index that is out of range in the other does no harm", () => {
    const table = tensor([10, 20]);
    const safe = jit((i: Tensor) =>
      cond(
        i.lt(2),
        (k) => table.take(k),
        () => -1,
        i,
      ),
    );
    expect(safe(tensor(1, { dtype: "int32" })).itemSync()).toBe(20);
    expect(safe(tensor(5, { dtype: "int32" })).itemSync()).toBe(-1);
    expect(() => safe(tensor(-9, { dtype: "int32" }))).toThrow(/take: index -9 is out of range/);
  });

  it("gives trees, passes inputs through, and lets a number take the type of the other branch", () => {
    const f = jit((p: Tensor, x: Tensor, n: Tensor) =>
      cond(
        p,
        (v, k) => [{ a: v, b: v }, k, 1.5],
        (v, k) => [{ a: v.neg(), b: v }, k, v.sum()],
        x,
        n,
      ),
    );
    const [x, n] = [f64([1, 2]), tensor(3, { dtype: "int32" })];
    const [yes, , weak] = f(tensor(true), x, n);
    const [no, count, strong] = f(tensor(false), x, n);
    expect([yes.a, yes.b, no.a, no.b].map((t) => t.arraySync())).toEqual([
      [1, 2],
      [1, 2],
      [-1, -2],
      [1, 2],
    ]);
    expect([weak, strong, count].map((t) => t.itemSync())).toEqual([1.5, 3, 3]);
    expect([weak.dtype, count.dtype]).toEqual(["float64", "int32"]);
  });

  it("inside a scan decides in every step, with gradients", () => {
    const f = (xs: Tensor): Tensor =>
      scan(
        (h, x: Tensor) => [
          cond(
            h.lt(1),
            (a, b) => a.add(b.square()),
            (a, b) => a.mul(b),
            h,
            x,
          ),
          null,
        ],
        xs.slice(0),
        xs,
      )[0];
    const g = (xs: Tensor): Tensor => {
      let h = xs.slice(0);
      for (let i = 0; i < xs.shape[0]; i++) {
        const x = xs.slice(i);
        h = h.itemSync() < 1 ? h.add(x.square()) : h.mul(x);
      }
      return h;
    };
    const xs = f64([0.5, 0.7, 0.9, 1.5]);
    close(f(xs), g(xs));
    close(grad(f)(xs), grad(g)(xs));
    close(jit(grad(f))(xs), grad(g)(xs));
    close(jit(hessian(f))(xs), hessian(g)(xs));
  });

  it("is printed with both branches below it", () => {
    const text = String(
      graphOf(
        (x: Tensor) =>
          cond(
            x.gt(0),
            (v) => v,
            (v) => v.neg(),
            x,
          ),
        tensor(1),
      ),
    );
    expect(text).toContain("= cond(");
    expect(text).toContain("    function @1(%0: float32[]) {\n      %1 = neg(%0) : float32[]");
  });
});
