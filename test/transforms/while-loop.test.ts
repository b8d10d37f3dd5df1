import { describe, expect, it } from "vitest";
import {
  grad,
  jacobian,
  jit,
  jvp,
  random,
  scan,
  setDevice,
  type Tensor,
  tensor,
  vmap,
  whileLoop,
} from "../../src/index.js";

const f64 = (data: number | number[]): Tensor => tensor(data, { dtype: "float64" });

/** Heron's square root, and how many steps it took. */
const root = (x: Tensor): [Tensor, Tensor] =>
  whileLoop(
    ([y]) => y.mul(y).sub(x).abs().gt(1e-10),
    ([y, n]) => [y.add(x.div(y)).mul(0.5), n.add(1)],
    [x, 0],
  );

const steps = (x: number): number => {
  let y = x;
  let n = 0;
  for (; Math.abs(y * y - x) > 1e-10; n++) y = (y + x / y) * 0.5;
  return n;
};

describe("whileLoop", () => {
  it.each(["reference", "wasm"] as const)(
    "runs until its condition fails, compiled or not, on %s",
    (device) => {
      setDevice(device);
      for (const x of [1, 2, 9, 1e6])
        for (const run of [root, jit(root)]) {
          const [y, n] = run(f64(x));
          expect(y.itemSync()).toBeCloseTo(Math.sqrt(x), 9);
          expect(n.itemSync()).toBe(steps(x));
        }
      setDevice("wasm");
    },
  );

  it("does nothing where the condition fails at once", () => {
    const same = (x: Tensor): Tensor =>
      whileLoop(
        (y) => y.lt(0),
        (y) => y.mul(2),
        x,
      );
    expect(same(f64(3)).itemSync()).toBe(3);
    expect(jit(same)(f64(3)).itemSync()).toBe(3);
  });

  it("over a batch goes on until all are done, and who is done keeps its value", () => {
    const many = f64([1, 2, 9, 1e6]);
    const [y, n] = vmap(root)(many);
    expect(n.arraySync()).toEqual([1, 2, 9, 1e6].map(steps));
    y.dataSync().forEach((value: number, i: number) => {
      expect(value).toBe(root(f64([1, 2, 9, 1e6][i]))[0].itemSync());
    });
    expect(jit(vmap(root))(many)[1].arraySync()).toEqual([1, 2, 9, 1e6].map(steps));
    // one condition for all
    const double = (x: Tensor): Tensor =>
      whileLoop(
        ([i]) => i.lt(3),
        ([i, v]) => [i.add(1), v.mul(2)],
        [0, x],
      )[1];
    expect(vmap(double)(f64([1, 5])).arraySync()).toEqual([8, 40]);
  });

  it("has tangents, of the second order too, and no gradients", () => {
    const value = (x: Tensor): Tensor => root(x)[0];
    // d√x = 1/(2√x); the iteration's derivative converges with it
    for (const run of [value, jit(value)])
      expect(jvp(run, [f64(2)], [f64(1)])[1].itemSync()).toBeCloseTo(0.5 / Math.SQRT2, 9);
    expect(jit((x: Tensor) => jvp(value, [x], [f64(1)])[1])(f64(2)).itemSync()).toBeCloseTo(
      0.5 / Math.SQRT2,
      9,
    );
    const slope = (x: Tensor): Tensor => jvp(value, [x], [f64(1)])[1];
    expect(jvp(slope, [f64(2)], [f64(1)])[1].itemSync()).toBeCloseTo(-0.25 / 2 ** 1.5, 6);
    expect(jacobian(value, { mode: "forward" })(f64(2)).itemSync()).toBeCloseTo(0.5 / Math.SQRT2, 9);
    for (const refused of [
      () => grad(value)(f64(2)),
      () => jit(grad(value))(f64(2)),
      () => grad(jit(value))(f64(2)),
    ])
      expect(refused).toThrow(/whileLoop: reverse mode .* use scan with a fixed length/);
  });

  it("inside a scan or a compiled function has tangents too", () => {
    const f = (x: Tensor): Tensor =>
      scan(
        (h) => [
          whileLoop(
            (v) => v.lt(10),
            (v) => v.mul(x),
            h,
          ).sub(9),
          null,
        ],
        x,
        null,
        { length: 3 },
      )[0];
    const g = (x: number): number => {
      let h = x;
      for (let i = 0; i < 3; i++) {
        while (h < 10) h *= x;
        h -= 9;
      }
      return h;
    };
    const slope = (g(2.1 + 1e-6) - g(2.1 - 1e-6)) / 2e-6;
    for (const run of [f, jit(f)]) {
      expect(run(f64(2.1)).itemSync()).toBeCloseTo(g(2.1), 12);
      // a central difference: 1e-12 · f‴ and roundings of 1e-10
      expect(jvp(run, [f64(2.1)], [f64(1)])[1].itemSync()).toBeCloseTo(slope, 5);
      expect(() => grad(run)(f64(2.1))).toThrow(/whileLoop: reverse mode/);
    }
  });

  it("lets gradients past that do not go through it", () => {
    const f = (x: Tensor): Tensor => {
      const n = whileLoop(
        (i) => i.lt(5),
        (i) => i.add(2),
        0,
      );
      return x.mul(n);
    };
    expect(grad(f)(f64(2)).itemSync()).toBe(6);
    expect(jit(grad(f))(f64(2)).itemSync()).toBe(6);
  });

  it("exchanges carries, and carries keys, integers and conditions", () => {
    const f = (x: Tensor): readonly [Tensor, Tensor, Tensor] => {
      const [a, b, , done] = whileLoop(
        ([, , , stop]) => stop.not(),
        ([p, q, i, _]) => [q, p, i.add(1), i.ge(2)],
        [x, x.neg(), tensor(0, { dtype: "int32" }), false],
      );
      return [a, b, done];
    };
    for (const run of [f, jit(f)]) {
      const [a, b, done] = run(f64([1, 2]));
      expect([a.arraySync(), b.arraySync(), done.itemSync()]).toEqual([[-1, -2], [1, 2], 1]);
    }
    const draws = jit((key: Tensor) =>
      whileLoop(
        ([, u]) => u.lt(0.9),
        ([k]) => {
          const [next, now] = random.split(k);
          return [next, random.uniform(now)];
        },
        [key, 0],
      ),
    );
    expect(draws(random.key(1))[1].itemSync()).toBeGreaterThanOrEqual(0.9);
  });
});
