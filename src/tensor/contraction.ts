/** Products that sum: matmul, dot, outer, einsum, all as one contraction primitive. */
import type { Node } from "../graph/node.js";
import { mul } from "../primitives/binary.js";
import { broadcastTo, sum } from "../primitives/broadcast.js";
import { dot as contract } from "../primitives/dot.js";
import { permute, reshape } from "../primitives/reshape.js";
import { broadcastShapes, range } from "../types/shape.js";
import { invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { asNumeric, fromNode, promoteOperands, type TensorLike, tensor } from "./convert.js";
import type { Tensor } from "./tensor.js";

function numericPair(a: TensorLike, b: TensorLike, operation: string): [Tensor, Tensor] {
  return promoteOperands(asNumeric(a, operation, "a"), asNumeric(b, operation, "b"), operation);
}

function innerMismatch(operation: string, a: Tensor, b: Tensor, left: number, right: number): AdjointError {
  return new AdjointError(
    "shape-mismatch",
    `${operation}: inner dimensions differ: a ${formatShape(a.shape)} · b ${formatShape(b.shape)} (${left} ≠ ${right})`,
    { operation, argument: "b", expected: `inner dimension ${left}`, received: String(right) },
  );
}

/**
 * The matrix product by NumPy's rules: [m, k] · [k, n] → [m, n]; a vector counts as a row on the left and a column on the
 * right and disappears; leading axes are batches and broadcast.
 * @throws AdjointError `shape-mismatch`
 * @example matmul(tensor([[1, 2]]), tensor([[3], [4]])).array(); // → 11
 */
export function matmul(a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = numericPair(a, b, "matmul");
  if (left.rank === 0 || right.rank === 0)
    throw new AdjointError(
      "shape-mismatch",
      `matmul: a ${formatShape(left.shape)} and b ${formatShape(right.shape)} must have rank 1 or more; use mul for scalars`,
      {
        operation: "matmul",
        argument: left.rank === 0 ? "a" : "b",
        expected: "rank 1 or more",
        received: "rank 0",
      },
    );
  const inner = left.shape[left.rank - 1];
  const innerRight = right.shape[Math.max(0, right.rank - 2)];
  if (inner !== innerRight) throw innerMismatch("matmul", left, right, inner, innerRight);
  const batchA = left.shape.slice(0, -2);
  const batchB = right.shape.slice(0, -2);
  const axisB = Math.max(0, right.rank - 2);
  if (batchB.length === 0)
    // every leading axis of a is a free row axis: no copies of b
    return fromNode(
      contract(left, right, { batchA: [], batchB: [], contractA: [left.rank - 1], contractB: [axisB] }),
    );
  const batch = broadcastShapes(batchA, batchB, "matmul", left.shape, right.shape);
  const axes = range(batch.length);
  const rows = broadcastTo(left, [...batch, ...left.shape.slice(left.rank === 1 ? -1 : -2)]);
  const columns = broadcastTo(right, [...batch, ...right.shape.slice(-2)]);
  return fromNode(
    contract(rows, columns, {
      batchA: axes,
      batchB: axes,
      contractA: [rows.shape.length - 1],
      contractB: [columns.shape.length - 2],
    }),
  );
}

/**
 * The last axis of a against the last but one of b (or its only one), as NumPy's dot; vectors give their inner product.
 * @throws AdjointError `shape-mismatch`
 * @example dot(tensor([1, 2]), tensor([3, 4])).item(); // → 11
 */
export function dot(a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = numericPair(a, b, "dot");
  if (left.rank === 0 || right.rank === 0) return left.mul(right);
  const axisB = Math.max(0, right.rank - 2);
  const inner = left.shape[left.rank - 1];
  if (inner !== right.shape[axisB]) throw innerMismatch("dot", left, right, inner, right.shape[axisB]);
  return fromNode(
    contract(left, right, { batchA: [], batchB: [], contractA: [left.rank - 1], contractB: [axisB] }),
  );
}

/** Every product of an element of a with one of b: [m], [n] → [m, n]. @example outer(tensor([1, 2]), tensor([3, 4])).array(); // → 3,4,6,8 */
export function outer(a: TensorLike, b: TensorLike): Tensor {
  const [left, right] = numericPair(a, b, "outer");
  return fromNode(
    contract(reshape(left, [left.size]), reshape(right, [right.size]), {
      batchA: [],
      batchB: [],
      contractA: [],
      contractB: [],
    }),
  );
}

/**
 * Einstein summation: `"bi,ij->bj"`. A letter names an axis; letters missing on the right are summed; without `->` the
 * result has the letters that occur once, in alphabetical order. `...` is not supported: name the axes.
 * @throws AdjointError `invalid-argument` for a malformed specification, `shape-mismatch` where extents differ
 * @example einsum("i,i->", tensor([1, 2]), tensor([3, 4])).item(); // → 11
 */
export function einsum(specification: string, ...operands: readonly TensorLike[]): Tensor {
  if (typeof specification !== "string")
    throw invalidArgument(
      "einsum",
      "specification",
      "a string such as bi,ij->bj",
      formatReceived(specification),
    );
  const malformed = (why: string): AdjointError =>
    new AdjointError("invalid-argument", `einsum: "${specification}": ${why}`, {
      operation: "einsum",
      argument: "specification",
    });
  const compact = specification.replaceAll(" ", "");
  const match = /^([a-zA-Z,]*)(?:->([a-zA-Z]*))?$/.exec(compact);
  if (match === null) throw malformed("expected letters, commas and one ->, such as bi,ij->bj");
  const terms = match[1].split(",");
  if (terms.length !== operands.length)
    throw malformed(`${terms.length} terms for ${operands.length} operands`);
  const extents = new Map<string, number>();
  const tensors = operands.map((operand, i) => asNumeric(operand, "einsum", `operand ${i}`));
  tensors.forEach((x, i) => {
    if (x.rank !== terms[i].length)
      throw new AdjointError(
        "shape-mismatch",
        `einsum: term "${terms[i]}" names ${terms[i].length} axes of operand ${i}, which is ${formatShape(x.shape)}`,
        { operation: "einsum", argument: `operand ${i}`, received: formatShape(x.shape) },
      );
    [...terms[i]].forEach((letter, axis) => {
      const known = extents.get(letter);
      if (known !== undefined && known !== x.shape[axis])
        throw new AdjointError(
          "shape-mismatch",
          `einsum: "${letter}" is ${known} and, in operand ${i} ${formatShape(x.shape)}, ${x.shape[axis]}`,
          {
            operation: "einsum",
            argument: `operand ${i}`,
            expected: String(known),
            received: String(x.shape[axis]),
          },
        );
      extents.set(letter, x.shape[axis]);
    });
  });
  const all = terms.join("");
  const result =
    match[2] ??
    [...new Set(all)]
      .filter((l) => all.split(l).length === 2)
      .sort()
      .join("");
  const unknown = [...result].find((letter) => !extents.has(letter));
  if (unknown !== undefined) throw malformed(`"${unknown}" on the right is in no term`);
  if (new Set(result).size !== result.length) throw malformed("a letter occurs twice on the right");

  let [labels, value] = diagonal(terms[0], tensors[0]);
  for (let i = 1; i < tensors.length; i++) {
    const [nextLabels, next] = diagonal(terms[i], tensors[i]);
    const later = terms.slice(i + 1).join("") + result;
    [labels, value] = contractPair(labels, value, nextLabels, next, later);
  }
  const summed = range(labels.length).filter((axis) => !result.includes(labels[axis]));
  const kept = [...labels].filter((letter) => result.includes(letter));
  return fromNode(
    permute(
      sum(value, summed),
      [...result].map((letter) => kept.indexOf(letter)),
    ),
  );
}

/** Takes the diagonal of axes that share a letter, by masking: "ii" → "i". */
function diagonal(term: string, x: Tensor): [string, Node] {
  let labels = term;
  let value: Tensor = x;
  for (let axis = 0; axis < labels.length; axis++) {
    const twin = labels.indexOf(labels[axis], axis + 1);
    if (twin < 0) continue;
    const n = value.shape[axis];
    const mask = identityMask(value, axis, twin, n);
    value = fromNode(sum(mul(value, mask), [twin]));
    labels = labels.slice(0, twin) + labels.slice(twin + 1);
    axis--;
  }
  return [labels, value];
}

function identityMask(x: Tensor, first: number, second: number, n: number): Node {
  const one = new Float64Array(n * n);
  for (let i = 0; i < n; i++) one[i * n + i] = 1;
  const eye = tensor(one, { shape: [n, n] }).cast(x.dtype);
  const shape = range(x.rank).map((axis) => (axis === first || axis === second ? n : 1));
  return broadcastTo(reshape(eye, shape), x.shape);
}

/** Contracts two labelled operands: letters that nobody needs later are summed right here. */
function contractPair(labelsA: string, a: Node, labelsB: string, b: Node, later: string): [string, Node] {
  const [left, right] = promoteOperands(fromNode(a), fromNode(b), "einsum");
  const shared = [...labelsA].filter((letter) => labelsB.includes(letter));
  const batch = shared.filter((letter) => later.includes(letter));
  const summed = shared.filter((letter) => !later.includes(letter));
  const value = contract(left, right, {
    batchA: batch.map((letter) => labelsA.indexOf(letter)),
    batchB: batch.map((letter) => labelsB.indexOf(letter)),
    contractA: summed.map((letter) => labelsA.indexOf(letter)),
    contractB: summed.map((letter) => labelsB.indexOf(letter)),
  });
  const free = (labels: string): string[] => [...labels].filter((letter) => !shared.includes(letter));
  return [[...batch, ...free(labelsA), ...free(labelsB)].join(""), value];
}
