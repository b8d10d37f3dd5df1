/** The user's products and windows. */
import { avgPool, conv, convTranspose, dot, einsum, maxPool, outer } from "../../src/index.js";
import { type Composition, of } from "./composition.js";

export const contractions: readonly Composition[] = [
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
