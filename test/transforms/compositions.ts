/** The user's element-wise operations, reductions, movements and indexing, each with the shapes and the domain of its arguments. */
import { concat, maximum, minimum, scatterAdd, stack, tensor, where } from "../../src/index.js";
import { type Composition, of } from "./composition.js";
import { contractions } from "./compositions-contraction.js";

const positive = [0.3, 3] as const;
const indices = tensor([2, 0, -1, 2], { dtype: "int32" });

const elementary: readonly Composition[] = [
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
];

export const compositions: readonly Composition[] = [...elementary, ...contractions];
