/** Transforms of transforms, in every order, against derivatives in closed form. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  checkpoint,
  customVjp,
  devices,
  grad,
  gradCheck,
  hessian,
  hvp,
  jacobian,
  jit,
  jvp,
  linearize,
  setDevice,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vjp,
  vmap,
} from "../../src/index.js";
import { random } from "../support/registry-samples-values.js";
import { disagreements } from "./agree.js";

const float64 = (data: number | number[] | number[][]): Tensor => tensor(data, { dtype: "float64" });
const sample = (shape: readonly number[], salt: number): Tensor =>
  tensor(random(shape, "float64", -1, 1, salt).values(0), { shape });

/** f(x) = x³ + x sin x of a scalar, and its derivatives by hand. */
const f = (x: Tensor): Tensor => x.pow(3).add(x.mul(x.sin()));
const derivatives: readonly ((x: number) => number)[] = [
  (x) => x ** 3 + x * Math.sin(x),
  (x) => 3 * x ** 2 + Math.sin(x) + x * Math.cos(x),
  (x) => 6 * x + 2 * Math.cos(x) - x * Math.sin(x),
  (x) => 6 - 3 * Math.sin(x) - x * Math.cos(x),
  (x) => -4 * Math.cos(x) + x * Math.sin(x),
];

type Scalar = (x: Tensor) => Tensor;
const once = (g: Scalar): Scalar => grad(g);
/** Ways to differentiate a scalar function once. */
const differentiate: Readonly<Record<string, (g: Scalar) => Scalar>> = {
  grad: (g) => grad(g),
  "value and grad": (g) => (x) => valueAndGrad(g)(x)[1],
  vjp: (g) => (x) => vjp(g, x)[1](float64(1))[0],
  jvp: (g) => (x) => jvp(g, [x], [float64(1)])[1],
  linearize: (g) => (x) => linearize(g, x)[1](float64(1)),
  jacobian: (g) => jacobian(g),
  "forward jacobian": (g) => jacobian(g, { mode: "forward" }),
};
/** Ways to run the same function otherwise. */
const wrap: Readonly<Record<string, (g: Scalar) => Scalar>> = {
  "nothing else": (g) => g,
  jit: (g) => jit(g),
  "vmap over one": (g) => (x) => vmap(g)(x.reshape([1])).reshape([]),
  checkpoint: (g) => checkpoint(g),
};
const pairs = (
  a: Readonly<Record<string, unknown>>,
  b: Readonly<Record<string, unknown>>,
): [string, string][] => Object.keys(a).flatMap((x) => Object.keys(b).map((y): [string, string] => [x, y]));

/** Polynomials and sines of about 10 operations: their rounding stays far below this, relative to 1. */
const CLOSE = 1e-11;

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test.each(pairs(differentiate, differentiate))(
    "%s of %s is the second derivative, under every wrapping",
    (outer, inner) => {
      for (const [name, around] of Object.entries(wrap))
        for (const [within, between] of Object.entries(wrap)) {
          const second = around(differentiate[outer](between(differentiate[inner](around(f)))));
          const y = second(float64(0.7)).itemSync();
          expect(Math.abs(y - derivatives[2](0.7)), `${name}, ${within}: ${y}`).toBeLessThan(CLOSE);
        }
    },
  );

  test.each(pairs(differentiate, differentiate))(
    "%s of %s of grad of jit is the third derivative",
    (outer, inner) => {
      const third = differentiate[outer](jit(differentiate[inner](once(jit(f)))));
      expect(Math.abs(third(float64(-1.3)).itemSync() - derivatives[3](-1.3))).toBeLessThan(CLOSE);
    },
  );

  test("four gradients in a row give the fourth derivative, compiled or not", () => {
    const fourth = once(once(once(once(f))));
    expect(Math.abs(fourth(float64(0.4)).itemSync() - derivatives[4](0.4))).toBeLessThan(CLOSE);
    expect(Math.abs(jit(fourth)(float64(0.4)).itemSync() - derivatives[4](0.4))).toBeLessThan(CLOSE);
    expect(
      Math.abs(once(jit(once(jit(once(jit(once(f)))))))(float64(0.4)).itemSync() - derivatives[4](0.4)),
    ).toBeLessThan(CLOSE);
  });

  test("vmap of grad and grad of vmap give the gradients of all examples", () => {
    const x = sample([5], 1);
    const expected = float64(Array.from(x.dataSync(), derivatives[1]));
    expect(disagreements("vmap∘grad", vmap(grad(f))(x), expected)).toEqual([]);
    expect(disagreements("grad∘vmap", grad((y: Tensor) => vmap(f)(y).sum())(x), expected)).toEqual([]);
    expect(disagreements("jit∘vmap∘grad", jit(vmap(grad(f)))(x), expected)).toEqual([]);
    expect(disagreements("vmap∘jit∘grad", vmap(jit(grad(f)))(x), expected)).toEqual([]);
    expect(disagreements("vmap∘grad∘jit", vmap(once(jit(f)))(x), expected)).toEqual([]);
    const second = float64(Array.from(x.dataSync(), derivatives[2]));
    expect(disagreements("vmap∘grad∘grad", vmap(once(once(f)))(x), second)).toEqual([]);
    expect(disagreements("grad∘vmap∘grad", grad((y: Tensor) => vmap(grad(f))(y).sum())(x), second)).toEqual(
      [],
    );
  });

  test("vmap of vmap is a batch of batches", () => {
    const x = sample([3, 4], 2);
    const expected = float64(Array.from(x.dataSync(), derivatives[1])).reshape([3, 4]);
    expect(disagreements("vmap∘vmap∘grad", vmap(vmap(grad(f)))(x), expected)).toEqual([]);
  });

  test("jacobian agrees forward, reverse, compiled, and under vmap", () => {
    const w = sample([3, 4], 3);
    const g = (x: Tensor): Tensor => w.matmul(x).tanh();
    const x = sample([4], 4);
    const slope = w.matmul(x).tanh().square().neg().add(1);
    const expected = w.mul(slope.expandDims(1));
    for (const mode of ["auto", "forward", "reverse"] as const) {
      expect(disagreements(mode, jacobian(g, { mode })(x), expected)).toEqual([]);
      expect(disagreements(`${mode} of jit`, jacobian(jit(g), { mode })(x), expected)).toEqual([]);
      expect(disagreements(`jit of ${mode}`, jit(jacobian(g, { mode }))(x), expected)).toEqual([]);
      const batch = stack([x, x.mul(2)]);
      const each = stack([jacobian(g, { mode })(x), jacobian(g, { mode })(x.mul(2))]);
      expect(disagreements(`vmap of ${mode}`, vmap(jacobian(g, { mode }))(batch), each)).toEqual([]);
    }
  });

  test("the Hessian of a small network is symmetric, agrees with hvp, with jacobian of grad and with finite differences", () => {
    const [x, y, w2] = [sample([5, 3], 5), sample([5, 1], 6), sample([1, 4], 7)];
    const loss = (w: Tensor): Tensor =>
      x
        .matmul(w.reshape([4, 3]).transpose())
        .tanh()
        .matmul(w2.transpose())
        .sub(y)
        .square()
        .mean();
    const w = sample([12], 8);
    const h = hessian(loss)(w);
    expect(h.shape).toEqual([12, 12]);
    expect(disagreements("symmetry", h, h.transpose())).toEqual([]);
    expect(disagreements("jacobian∘grad", jacobian(grad(loss))(w), h)).toEqual([]);
    expect(disagreements("reverse over reverse", jacobian(grad(loss), { mode: "reverse" })(w), h)).toEqual(
      [],
    );
    expect(disagreements("hessian∘jit", hessian(jit(loss))(w), h)).toEqual([]);
    expect(disagreements("jit∘hessian", jit(hessian(loss))(w), h)).toEqual([]);
    const v = sample([12], 9);
    expect(disagreements("hvp", hvp(loss, [w], [v])[0], h.matmul(v))).toEqual([]);
    const report = gradCheck(grad(loss), [w]);
    expect(report.passed, String(report)).toBe(true);
  });

  test("per-example gradients of parameters are those of a loop", () => {
    const params = { w: sample([2, 3], 10), b: sample([2], 11) };
    const loss = (p: typeof params, x: Tensor): Tensor => p.w.matmul(x).add(p.b).sigmoid().square().sum();
    const xs = sample([4, 3], 12);
    const each = vmap(grad(loss), { inAxes: [null, 0] })(params, xs);
    const loop = [0, 1, 2, 3].map((i) => grad(loss)(params, xs.slice(i)));
    expect(disagreements("w", each.w, stack(loop.map(({ w }) => w)))).toEqual([]);
    expect(disagreements("b", each.b, stack(loop.map(({ b }) => b)))).toEqual([]);
  });

  test("perturbations do not mix: d/dx (x · d/dy (x + y)) is 1", () => {
    const confused = (x: Tensor): Tensor => x.mul(grad((y: Tensor) => x.add(y))(float64(1)));
    expect(grad(confused)(float64(1)).itemSync()).toBe(1);
    expect(jvp(confused, [float64(1)], [float64(1)])[1].itemSync()).toBe(1);
    const forward = (x: Tensor): Tensor => x.mul(jvp((y: Tensor) => x.add(y), [float64(1)], [float64(1)])[1]);
    expect(grad(forward)(float64(1)).itemSync()).toBe(1);
    expect(jvp(forward, [float64(1)], [float64(1)])[1].itemSync()).toBe(1);
    expect(grad(jit(confused))(float64(1)).itemSync()).toBe(1);
    // the same point twice: d/dx (x · d/dy (x y) at y = x) = d/dx x² = 2x
    const twice = (x: Tensor): Tensor => x.mul(grad((y: Tensor) => x.mul(y))(x));
    expect(grad(twice)(float64(3)).itemSync()).toBe(6);
  });

  test("a gradient may be taken through a gradient step, towards what the inner loss closes over", () => {
    // w' = w − η (w − a), loss (w' − 1)²: d/da = 2 (w' − 1) η
    const step = (a: Tensor): Tensor => {
      const w = float64(2);
      const moved = w.sub(grad((v: Tensor) => v.sub(a).square().mul(0.5))(w).mul(0.1));
      return moved.sub(1).square();
    };
    const expected = 2 * (2 - 0.1 * (2 - 0.5) - 1) * 0.1;
    for (const each of [
      grad(step),
      grad(jit(step)),
      jit(grad(step)),
      (a: Tensor) => vmap(grad(step))(a.reshape([1])).reshape([]),
    ])
      expect(Math.abs(each(float64(0.5)).itemSync() - expected)).toBeLessThan(CLOSE);
  });

  test("a compiled function that closes over a variable of a transform is differentiated towards it", () => {
    const g = (x: Tensor): Tensor => jit((y: Tensor) => y.mul(x).mul(x))(float64(3));
    expect(grad(g)(float64(2)).itemSync()).toBe(12);
    expect(vmap(grad(g))(float64([1, 2])).arraySync()).toEqual([6, 12]);
    expect(jvp(g, [float64(2)], [float64(1)])[1].itemSync()).toBe(12);
  });

  test("argnums choose arguments, and gradients have the classes of their trees", () => {
    class Layer {
      readonly w: Tensor;
      readonly size = 2;
      constructor(w: Tensor) {
        this.w = w;
      }
      forward(x: Tensor): Tensor {
        return this.w.mul(x).sum();
      }
    }
    const layer = new Layer(float64([1, 2]));
    const g = (l: Layer, x: Tensor, scale: number): Tensor => l.forward(x).mul(scale);
    const byLayer = grad(g)(layer, float64([3, 4]), 2);
    expect(byLayer).toBeInstanceOf(Layer);
    expect(byLayer.w.arraySync()).toEqual([6, 8]);
    expect(byLayer.size).toBe(2);
    expect(grad(g, { argnums: 1 })(layer, float64([3, 4]), 2).arraySync()).toEqual([2, 4]);
    const [first, second] = grad(g, { argnums: [1, 0] })(layer, float64([3, 4]), 2);
    expect(first.arraySync()).toEqual([2, 4]);
    expect(second.w.arraySync()).toEqual([6, 8]);
    expect(jit(grad(g))(layer, float64([3, 4]), 2).w.arraySync()).toEqual([6, 8]);
  });

  test("a rule of one's own holds under grad, jvp, vmap and jit, and is differentiated in turn", () => {
    // a rule that says 7 x², where the derivative would be 3 x²
    const odd = customVjp({
      forward: (x: Tensor) => [x.pow(3), x] as const,
      backward: (x: Tensor, y: Tensor) => [y.mul(7).mul(x.square())],
    });
    expect(grad(odd)(float64(2)).itemSync()).toBe(28);
    expect(jit(grad(odd))(float64(2)).itemSync()).toBe(28);
    expect(grad(jit(odd))(float64(2)).itemSync()).toBe(28);
    expect(jvp(odd, [float64(2)], [float64(1)])[1].itemSync()).toBe(28);
    expect(vmap(grad(odd))(float64([1, 2])).arraySync()).toEqual([7, 28]);
    expect(once(once(odd))(float64(2)).itemSync()).toBe(28);
  });
});
