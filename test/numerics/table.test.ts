/** The numerics table of the manual, a test a row, on every device, at once and compiled. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as adjoint from "../../src/index.js";
import {
  AdjointError,
  devices,
  grad,
  jit,
  random,
  setDevice,
  type Tensor,
  type TensorLike,
  tensor,
  vjp,
} from "../../src/index.js";

type Unary = (x: Tensor) => Tensor;
const dtypes = ["float32", "float64"] as const;

/** A function's elements, at once and compiled, in both float types: one list where all agree. */
function values(f: Unary, data: readonly number[]): number[] {
  const runs = dtypes.flatMap((dtype) => {
    const x = tensor([...data], { dtype });
    return [f(x), jit(f)(x)].map((y) => Array.from(y.dataSync()));
  });
  for (const run of runs) expect(run).toEqual(runs[0]);
  return runs[0];
}

/** The gradient of the sum of a function's elements. */
function slopes(f: Unary, data: readonly number[]): number[] {
  return values((x) => grad((y: Tensor) => f(y).sum())(x), data);
}

function allFinite(f: Unary, data: readonly number[]): void {
  for (const dtype of dtypes)
    for (const run of [f, jit(f)]) {
      const x = tensor([...data], { dtype });
      expect(Array.from(run(x).dataSync()).every(Number.isFinite)).toBe(true);
      const slope = grad((y: Tensor) => run(y).sum())(x);
      expect(Array.from(slope.dataSync()).every(Number.isFinite)).toBe(true);
    }
}

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test("relu′(0) = 0", () => {
    expect(slopes((x) => x.relu(), [-1, 0, 2])).toEqual([0, 0, 1]);
  });

  test("abs′(0) = 0", () => {
    expect(slopes((x) => x.abs(), [-1, 0, 2])).toEqual([-1, 0, 1]);
  });

  test("the maximum over a tie shares the gradient evenly", () => {
    expect(slopes((x) => x.max(), [3, 1, 3, 2])).toEqual([0.5, 0, 0.5, 0]);
    expect(slopes((x) => x.max(), [3, 3, 3, 3])).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test("the minimum over a tie shares the gradient evenly", () => {
    expect(slopes((x) => x.min(), [1, 1, 3, 5])).toEqual([0.5, 0.5, 0, 0]);
  });

  test("maximum(a, a) gives ½ to each operand, minimum too", () => {
    for (const f of [adjoint.maximum, adjoint.minimum])
      for (const run of [f, jit(f)]) {
        const pull = vjp((a: Tensor, b: Tensor) => run(a, b), tensor([2, -1]), tensor([2, -1]))[1];
        expect(pull(tensor([1, 1])).map((bar) => bar.arraySync())).toEqual([
          [0.5, 0.5],
          [0.5, 0.5],
        ]);
      }
  });

  test("clip has derivative 1 at its bounds and inside, 0 outside", () => {
    expect(slopes((x) => x.clip(-1, 1), [-1.5, -1, 0, 1, 1.5])).toEqual([0, 1, 1, 1, 0]);
  });

  test("sqrt′(0) = ∞", () => {
    expect(slopes((x) => x.sqrt(), [0, 4])).toEqual([Number.POSITIVE_INFINITY, 0.25]);
  });

  test("norm′(0) = 0, and std′ of equal elements is 0", () => {
    expect(slopes((x) => x.norm(), [0, 0])).toEqual([0, 0]);
    expect(slopes((x) => x.norm(), [0, -5, 0])).toEqual([0, -1, 0]);
    expect(slopes((x) => x.std(), [2, 2, 2])).toEqual([0, 0, 0]);
  });

  test("prod is exact where elements are 0, and so are its first and second derivatives", () => {
    expect(slopes((x) => x.prod(), [2, 0, 5])).toEqual([0, 10, 0]);
    expect(slopes((x) => x.prod(), [2, 0, 0])).toEqual([0, 0, 0]);
    expect(slopes((x) => x.prod(), [2, 3, 5, 7])).toEqual([105, 70, 42, 30]);
    const second = (x: Tensor): Tensor => adjoint.hessian((y: Tensor) => y.prod())(x);
    expect(values(second, [2, 0, 0])).toEqual([0, 0, 0, 0, 0, 2, 0, 2, 0]);
  });

  test("softmax, logSoftmax and logSumExp are finite at ±1000, with their derivatives", () => {
    for (const f of [(x: Tensor) => x.softmax(), (x: Tensor) => x.logSoftmax(), (x: Tensor) => x.logSumExp()])
      allFinite(f, [1000, -1000, 0, 999]);
    expect(values((x) => x.softmax(), [1000, -1000])).toEqual([1, 0]);
    expect(values((x) => x.logSumExp(), [1000, -1000])).toEqual([1000]);
  });

  test("sigmoid and softplus are finite at ±1000, with their derivatives", () => {
    allFinite((x) => x.sigmoid(), [1000, -1000, 0]);
    allFinite((x) => x.softplus(), [1000, -1000, 0]);
    expect(values((x) => x.softplus(), [1000, -1000])).toEqual([1000, 0]);
    expect(slopes((x) => x.softplus(), [1000, -1000, 0])).toEqual([1, 0, 0.5]);
  });

  test("cross-entropy from logits is finite at ±1000, with its derivative", () => {
    const crossEntropy = (x: Tensor): Tensor =>
      x
        .logSoftmax()
        .mul(tensor([0, 1, 0], { dtype: x.dtype }))
        .sum()
        .neg();
    allFinite(crossEntropy, [1000, -1000, 0]);
    expect(values(crossEntropy, [1000, -1000, 0])).toEqual([2000]);
    expect(slopes(crossEntropy, [1000, -1000, 0])).toEqual([1, -1, 0]);
  });

  test("round goes half to even", () => {
    expect(values((x) => x.round(), [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.4999999, 8388609])).toEqual([
      -2, -2, -0, 0, 2, 2, 0, 8388609,
    ]);
  });

  test("NaN goes through relu, maximum, minimum, max and min", () => {
    const rest = [Number.NaN, 1, Number.NaN];
    expect(values((x) => x.relu(), [Number.NaN])).toEqual([Number.NaN]);
    expect(values((x) => x.maximum(0), rest)).toEqual([Number.NaN, 1, Number.NaN]);
    expect(values((x) => x.minimum(3), rest)).toEqual([Number.NaN, 1, Number.NaN]);
    expect(values((x) => x.max(), [1, Number.NaN, 3])).toEqual([Number.NaN]);
    expect(values((x) => x.min(), [1, Number.NaN, 3])).toEqual([Number.NaN]);
    expect(values((x) => x.max(), [Number.NaN, Number.POSITIVE_INFINITY])).toEqual([Number.NaN]);
  });

  test("argmax and argmin take the first, and NaN counts as the largest", () => {
    expect(values((x) => x.argmax(), [1, 5, 5])).toEqual([1]);
    expect(values((x) => x.argmin(), [4, 1, 1])).toEqual([1]);
    expect(values((x) => x.argmax(), [1, Number.NaN, 7, Number.NaN])).toEqual([1]);
  });

  test("an empty sum is 0, an empty product 1, an empty mean NaN", () => {
    expect(values((x) => x.sum(), [])).toEqual([0]);
    expect(values((x) => x.prod(), [])).toEqual([1]);
    expect(values((x) => x.mean(), [])).toEqual([Number.NaN]);
  });

  test("the maximum and the argmax of nothing are refused", () => {
    for (const f of [adjoint.max, adjoint.min, adjoint.argmax, adjoint.logSumExp] as ((
      x: TensorLike,
    ) => Tensor)[]) {
      const attempt = (): Tensor => f(tensor([]));
      expect(attempt).toThrow(AdjointError);
      expect(attempt).toThrow(expect.objectContaining({ code: "empty-reduction" }));
    }
  });

  test("pow follows C at its edges, and its derivative vanishes where the exponent is 0", () => {
    const inf = Number.POSITIVE_INFINITY;
    const pow = (x: Tensor): Tensor => x.pow(tensor([0, inf, -inf, 2, 0, 0.5], { dtype: x.dtype }));
    expect(values(pow, [0, 1, -1, -3, Number.NaN, -1])).toEqual([1, 1, 1, 9, 1, Number.NaN]);
    expect(slopes((x) => x.pow(0), [0, 2])).toEqual([0, 0]);
    expect(slopes((x) => x.pow(2), [0, -3])).toEqual([0, -6]);
    // 0^b towards b is 0 for b > 0
    expect(slopes((b) => tensor([0, 0], { dtype: b.dtype }).pow(b), [1, 2])).toEqual([0, 0]);
  });

  test("where lets no NaN of the branch not taken into the value", () => {
    expect(values((x) => adjoint.where(x.gt(0), x.log(), 0), [-1, 1])).toEqual([0, 0]);
  });

  test("the same seed gives the same bits, compiled or not", () => {
    const key = random.key(42);
    for (const draw of [
      (k: Tensor) => random.uniform(k, { shape: [33] }),
      (k: Tensor) => random.normal(k, { shape: [33], dtype: "float64" }),
    ]) {
      expect(Array.from(draw(key).dataSync())).toEqual(Array.from(draw(random.key(42)).dataSync()));
      expect(Array.from(jit(draw)(key).dataSync())).toEqual(Array.from(jit(draw)(key).dataSync()));
    }
    const bits = (k: Tensor): Tensor => random.uniform(k, { shape: [33] });
    expect(Array.from(jit(bits)(key).dataSync())).toEqual(Array.from(bits(key).dataSync()));
  });

  test("the same key gives the same bits on every device, compiled or not", () => {
    const key = random.key(7);
    const draws: readonly ((k: Tensor) => Tensor)[] = [
      (k) => random.uniform(k, { shape: [501] }),
      (k) => random.uniform(k, { shape: [501], dtype: "float64" }),
      (k) => random.normal(k, { shape: [501] }),
      (k) => random.normal(k, { shape: [501], dtype: "float64" }),
      (k) => random.bernoulli(k, 0.3, { shape: [501] }),
      (k) => random.categorical(k, tensor([[1, 2, 3]]).broadcastTo([501, 3])),
      (k) => random.permutation(k, 501),
      (k) => adjoint.stack(random.split(k, 5)),
    ];
    const onReference = (draw: (k: Tensor) => Tensor): number[] => {
      setDevice("reference");
      const values = Array.from(draw(key).dataSync());
      setDevice(device);
      return values;
    };
    for (const draw of draws)
      for (const run of [draw, jit(draw)]) expect(Array.from(run(key).dataSync())).toEqual(onReference(draw));
  });

  test("two runs of the same compiled program give the same bits", () => {
    const x = random.normal(random.key(1), { shape: [64, 33] });
    const f = jit((y: Tensor) => grad((z: Tensor) => z.matmul(z.transpose()).tanh().mean())(y));
    expect(Array.from(f(x).dataSync())).toEqual(Array.from(f(x).dataSync()));
  });

  test("float64 is complete: a network, its gradient and its optimizer step stay in float64", () => {
    const f = (x: Tensor): Tensor => x.matmul(x.transpose()).softmax().logSumExp().mul(2).add(1);
    const x = random.normal(random.key(3), { shape: [3, 3], dtype: "float64" });
    expect(f(x).dtype).toBe("float64");
    expect(grad(f)(x).dtype).toBe("float64");
    expect(jit(grad(f))(x).dtype).toBe("float64");
    expect(x.sub(grad(f)(x).mul(0.1)).dtype).toBe("float64");
  });
});
