/** The user's operations as functions of float64 tensors, each with the shapes and the domain of its arguments. */
import {
  avgPool,
  concat,
  conv,
  convTranspose,
  dot,
  einsum,
  maximum,
  maxPool,
  minimum,
  outer,
  scatterAdd,
  stack,
  type Tensor,
  tensor,
  where,
} from "../../src/index.js";
import { random } from "../support/registry-samples-values.js";
import type { TensorFunction } from "./agree.js";

export interface Composition {
  readonly name: string;
  readonly f: TensorFunction;
  readonly shapes: readonly (readonly number[])[];
  /** Where arguments are drawn from. Default −2 … 2. */
  readonly domain?: readonly [low: number, high: number];
}

/** The arguments of one example. */
export function argumentsOf({ shapes, domain = [-2, 2] }: Composition, example = 0): Tensor[] {
  return shapes.map((shape, i) =>
    tensor(random(shape, "float64", domain[0], domain[1], i + 1).values(example), { shape }),
  );
}

const of = (
  name: string,
  shapes: readonly (readonly number[])[],
  f: TensorFunction,
  domain?: readonly [number, number],
): Composition => (domain === undefined ? { name, f, shapes } : { name, f, shapes, domain });

const positive = [0.3, 3] as const;
const indices = tensor([2, 0, -1, 2], { dtype: "int32" });

export const compositions: readonly Composition[] = [
  // element-wise
  of("add, broadcasting", [[2, 3], [3]], (x, y) => x.add(y)),
  of(
    "mul, broadcasting both ways",
    [
      [2, 1],
      [1, 3],
    ],
    (x, y) => x.mul(y),
  ),
  of("div by a scalar tensor", [[2, 3], []], (x, y) => x.div(y), positive),
  of("pow of two tensors", [[2, 3], [3]], (x, y) => x.pow(y), positive),
  of("pow 3", [[4]], (x) => x.pow(3)),
  of("rsqrt", [[4]], (x) => x.rsqrt(), positive),
  of("reciprocal", [[4]], (x) => x.reciprocal(), positive),
  of("square", [[4]], (x) => x.square()),
  of("atan2", [[4], [4]], (x, y) => x.atan2(y), positive),
  of("maximum and minimum", [[7], [7]], (x, y) => maximum(x, y).mul(minimum(x, y))),
  of("mod", [[4]], (x) => x.mod(0.7)),
  of("softplus", [[5]], (x) => x.softplus()),
  of("relu", [[6]], (x) => x.relu()),
  of("leakyRelu", [[6]], (x) => x.leakyRelu(0.2)),
  of("elu", [[6]], (x) => x.elu(1.5)),
  of("gelu", [[6]], (x) => x.gelu()),
  of("gelu, tanh", [[6]], (x) => x.gelu({ approximate: "tanh" })),
  of("silu", [[6]], (x) => x.silu()),
  of("clip", [[9]], (x) => x.clip(-0.7, 0.9)),
  of("where", [[6], [6]], (x, y) => where(x.gt(0), x.mul(y), y.sin())),
  of("a chain of functions", [[5]], (x) => x.sin().exp().add(x.cosh()).log().tanh()),
  // reductions
  of("sum over two axes", [[2, 3, 2]], (x) => x.sum([0, 2])),
  of("mean, keeping axes", [[2, 3]], (x) => x.sub(x.mean(1, { keepDims: true }))),
  of("max along an axis", [[3, 4]], (x) => x.max(1)),
  of("min of everything", [[3, 4]], (x) => x.min()),
  of("prod along an axis", [[3, 5]], (x) => x.prod(1)),
  of("prod of everything", [[2, 3]], (x) => x.prod()),
  of("prod with one zero", [[4]], (x) => concat([x, tensor([0], { dtype: "float64" })]).prod()),
  of("var", [[3, 4]], (x) => x.var(1)),
  of("std", [[3, 4]], (x) => x.std(0)),
  of("norm along an axis", [[3, 4]], (x) => x.norm(1)),
  of("logSumExp over two axes", [[2, 3, 2]], (x) => x.logSumExp([1, 2])),
  of("softmax", [[3, 4]], (x) => x.softmax()),
  of("softmax along the first axis", [[3, 4]], (x) => x.softmax(0)),
  of("logSoftmax", [[3, 4]], (x) => x.logSoftmax(1)),
  of("cumsum", [[2, 4]], (x) => x.cumsum(1)),
  of("layer normalisation", [[3, 5]], (x) =>
    x.sub(x.mean(1, { keepDims: true })).div(x.var(1, { keepDims: true }).add(1e-3).sqrt()),
  ),
  // movement
  of("reshape and transpose", [[2, 6]], (x) => x.reshape([3, 4]).transpose().mul(2)),
  of("moveAxis and swapAxes", [[2, 3, 4]], (x) => x.moveAxis(0, 2).swapAxes(0, 1).sin()),
  of("flip", [[3, 4]], (x) => x.flip(1).cumsum(1)),
  of("tile", [[2, 2]], (x) => x.tile([2, 1, 3])),
  of("pad and crop", [[3, 4]], (x) =>
    x.pad(
      [
        [1, -1],
        [-1, 2],
      ],
      3,
    ),
  ),
  of("an index and a range", [[3, 4, 2]], (x) => x.slice(1, [1, 3])),
  of("a negative step", [[7]], (x) => x.slice([5, 0, -2])),
  of("the whole, backwards by 3", [[8, 2]], (x) => x.slice([null, null, -3], -1)),
  of("concat of a tensor with itself", [[2, 3]], (x) => concat([x, x.mul(2), x], 1)),
  of("stack and split", [[4], [4]], (x, y) =>
    stack([x, y], 1)
      .split([1, 3])
      .map((part) => part.sin()),
  ),
  of("squeeze and expandDims", [[1, 3, 1]], (x) => x.squeeze().expandDims(1).exp()),
  of("broadcastTo", [[3, 1]], (x) => x.broadcastTo([2, 3, 4]).sin()),
  // indexing
  of("take with repeats", [[3, 2]], (x) => x.take(indices).sin()),
  of("take along another axis", [[2, 3]], (x) => x.take(indices, 1)),
  of("takeAlong", [[2, 3]], (x) =>
    x.takeAlong(
      tensor(
        [
          [0, -1],
          [1, 1],
        ],
        { dtype: "int32" },
      ),
      1,
    ),
  ),
  of(
    "scatterAdd with repeats",
    [
      [3, 2],
      [4, 2],
    ],
    (x, y) => scatterAdd(x, indices, y),
  ),
  of(
    "scatterAdd along another axis",
    [
      [2, 3],
      [2, 4],
    ],
    (x, y) => scatterAdd(x, indices, y, 1).sin(),
  ),
  of("sort", [[2, 5]], (x) => x.sort().mul(tensor([1, 2, 3, 4, 5], { dtype: "float64" }))),
  of("sort along the first axis", [[4, 2]], (x) => x.sort(0).cumsum(0)),
  of("topK", [[2, 5]], (x) => x.topK(3)[0].mul(tensor([1, 2, 3], { dtype: "float64" }))),
  // contraction
  of(
    "matmul",
    [
      [2, 3],
      [3, 4],
    ],
    (x, y) => x.matmul(y),
  ),
  of("matmul of vectors", [[3], [3]], (x, y) => x.matmul(y)),
  of("a vector through a matrix", [[3], [3, 2]], (x, y) => x.matmul(y)),
  of("a matrix on a vector", [[2, 3], [3]], (x, y) => x.matmul(y)),
  of(
    "batched matmul, broadcasting",
    [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    (x, y) => x.matmul(y),
  ),
  of(
    "dot of rank 3 with rank 2",
    [
      [2, 2, 3],
      [3, 2],
    ],
    (x, y) => dot(x, y),
  ),
  of("outer", [[2], [3]], (x, y) => outer(x, y).sin()),
  of("x Wᵀ + b", [[4, 3], [2, 3], [2]], (x, w, b) => x.matmul(w.transpose()).add(b).sigmoid()),
  of(
    "einsum bi,ij->bj",
    [
      [2, 3],
      [3, 2],
    ],
    (x, y) => einsum("bi,ij->bj", x, y),
  ),
  of(
    "einsum ij,jk,kl->il",
    [
      [2, 3],
      [3, 2],
      [2, 3],
    ],
    (x, y, z) => einsum("ij,jk,kl->il", x, y, z),
  ),
  of("einsum ii->i", [[3, 3]], (x) => einsum("ii->i", x)),
  of(
    "einsum bij,bkj->bik",
    [
      [2, 2, 3],
      [2, 4, 3],
    ],
    (x, y) => einsum("bij,bkj->bik", x, y),
  ),
  of(
    "einsum ij,ij->",
    [
      [2, 3],
      [2, 3],
    ],
    (x, y) => einsum("ij,ij->", x, y),
  ),
  of("einsum i,j->ji", [[2], [3]], (x, y) => einsum("i,j->ji", x, y)),
  of("einsum ijk->k", [[2, 2, 3]], (x) => einsum("ijk->k", x)),
  // windows
  of(
    "conv in one dimension",
    [
      [2, 2, 6],
      [3, 2, 3],
    ],
    (x, w) => conv(x, w),
  ),
  of(
    "conv, strided and padded",
    [
      [1, 2, 6],
      [2, 2, 3],
    ],
    (x, w) => conv(x, w, { stride: 2, padding: 1 }),
  ),
  of(
    "conv, dilated",
    [
      [1, 1, 7],
      [2, 1, 3],
    ],
    (x, w) => conv(x, w, { dilation: 2 }),
  ),
  of(
    "conv in groups",
    [
      [2, 4, 5],
      [4, 2, 2],
    ],
    (x, w) => conv(x, w, { groups: 2 }),
  ),
  of(
    "depthwise conv",
    [
      [1, 3, 5],
      [3, 1, 2],
    ],
    (x, w) => conv(x, w, { groups: 3, stride: 2 }),
  ),
  of(
    "conv in two dimensions, same",
    [
      [1, 2, 4, 5],
      [2, 2, 3, 2],
    ],
    (x, w) => conv(x, w, { padding: "same" }),
  ),
  of(
    "conv, same and strided",
    [
      [1, 1, 5, 6],
      [1, 1, 3, 3],
    ],
    (x, w) => conv(x, w, { padding: "same", stride: [2, 3] }),
  ),
  of(
    "conv with uneven padding",
    [
      [1, 1, 3, 4],
      [1, 1, 2, 3],
    ],
    (x, w) =>
      conv(x, w, {
        padding: [
          [0, 1],
          [2, 0],
        ],
      }),
  ),
  of(
    "conv in three dimensions",
    [
      [1, 1, 3, 3, 3],
      [2, 1, 2, 2, 2],
    ],
    (x, w) => conv(x, w),
  ),
  of(
    "convTranspose",
    [
      [1, 2, 4],
      [2, 3, 3],
    ],
    (x, w) => convTranspose(x, w),
  ),
  of(
    "convTranspose, strided and padded",
    [
      [1, 2, 4],
      [2, 2, 3],
    ],
    (x, w) => convTranspose(x, w, { stride: 2, padding: 1 }),
  ),
  of(
    "convTranspose in two dimensions",
    [
      [1, 1, 3, 2],
      [1, 2, 2, 3],
    ],
    (x, w) => convTranspose(x, w, { stride: [2, 1] }),
  ),
  of("maxPool", [[1, 2, 6]], (x) => maxPool(x, { size: 2 })),
  of("maxPool, overlapping and padded", [[1, 1, 5, 5]], (x) =>
    maxPool(x, { size: 3, stride: 2, padding: 1 }),
  ),
  of("avgPool", [[1, 2, 4, 4]], (x) => avgPool(x, { size: 2 })),
  of("avgPool, overlapping and padded", [[1, 1, 5]], (x) => avgPool(x, { size: 3, stride: 1, padding: 1 })),
];
