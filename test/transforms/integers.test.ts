/** Integers and booleans, where nothing rounds: compiled, batched and at once must be the same to the last bit. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  all,
  any,
  concat,
  devices,
  dot,
  einsum,
  jit,
  scatterAdd,
  setDevice,
  stack,
  type Tensor,
  tensor,
  where,
} from "../../src/index.js";
import { random } from "../support/registry-samples-values.js";
import { disagreements, type TensorFunction, vmapProblems } from "./agree.js";

const exact = { units: 0 };
const indices = tensor([2, 0, -1, 2], { dtype: "int32" });

const integers: readonly (readonly [name: string, f: TensorFunction])[] = [
  ["add, sub and mul", (x, y) => x.add(y).sub(3).mul(x)],
  ["products beyond 32 bits wrap", (x, y) => x.add(1 << 20).mul(y.add(1 << 20))],
  ["division gives floats", (x, y) => x.div(y.abs().add(1))],
  ["mod with either sign", (x, y) => x.mod(y.abs().add(1)).add(x.mod(y.abs().add(1).neg()))],
  ["pow", (x, y) => x.pow(y.abs())],
  ["maximum, minimum, abs, sign, neg", (x, y) => x.maximum(y).sub(x.minimum(y).abs()).add(x.sign()).neg()],
  ["clip and relu", (x) => x.clip(-2, 3).relu()],
  ["comparisons", (x, y) => [x.eq(y), x.ne(y), x.lt(y), x.le(y), x.gt(y), x.ge(y)]],
  ["logic", (x, y) => x.gt(0).and(y.gt(0)).or(x.eq(y).not())],
  ["where", (x, y) => where(x.gt(y), x, y.mul(2))],
  ["sum, prod, max and min", (x) => [x.sum(0), x.prod(1), x.max(0), x.min(1)]],
  ["mean gives floats", (x) => x.mean(1)],
  ["all and any", (x) => [all(x.gt(-3), 0), any(x.gt(3), 1)]],
  ["argmax and argmin", (x) => [x.argmax(1), x.argmin(0), x.argmax()]],
  ["cumsum", (x) => x.cumsum(1)],
  ["sort, argsort and topK", (x) => [x.sort(), x.argsort(0), ...x.topK(2)]],
  ["take and takeAlong", (x) => [x.take(indices), x.takeAlong(x.argsort(1), 1)]],
  ["scatterAdd", (x) => scatterAdd(x, indices, x.take(indices))],
  [
    "reshape, transpose, flip, tile, pad and slice",
    (x) =>
      x
        .transpose()
        .flip(0)
        .tile([1, 2])
        .pad(
          [
            [1, 0],
            [0, 1],
          ],
          7,
        )
        .slice([null, null, 2])
        .reshape([-1]),
  ],
  ["concat and stack", (x, y) => concat([stack([x, y]), stack([y, x])], 1)],
  ["matmul and einsum", (x, y) => [x.matmul(y.transpose()), dot(x, y.transpose()), einsum("ij,ij->i", x, y)]],
  [
    "casts",
    (x) => [
      x.cast("float32"),
      x.cast("float64"),
      x.cast("bool"),
      x.gt(0).cast("int32"),
      x.gt(0).cast("float32"),
    ],
  ],
  ["floats to integers truncate", (x) => [x.mul(0.7).cast("int32"), x.mul(-0.7).floor(), x.mul(0.5).round()]],
];

function argumentsOf(example: number): Tensor[] {
  return [1, 2].map((salt) =>
    tensor(random([3, 4], "int32", -6, 6, salt).values(example), { shape: [3, 4] }),
  );
}

describe.each(devices())("on the %s device", (device) => {
  beforeAll(() => setDevice(device));
  afterAll(() => setDevice(devices()[0]));

  test.each(integers)("%s: compiled, on the reference and for a batch alike", (name, f) => {
    const args = argumentsOf(0);
    setDevice("reference");
    const expected = f(...args);
    setDevice(device);
    expect(disagreements(name, f(...args), expected, exact)).toEqual([]);
    expect(disagreements(`${name}, jit`, jit(f)(...args), expected, exact)).toEqual([]);
    const examples = [0, 1, 2].map(argumentsOf);
    expect(vmapProblems(name, f, examples, exact)).toEqual([]);
    expect(vmapProblems(`${name}, jit`, jit(f), examples, exact)).toEqual([]);
  });
});
