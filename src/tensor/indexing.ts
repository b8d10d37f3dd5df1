/** Picking and adding by index, and sorting. */
import type { Node } from "../graph/node.js";
import * as binary from "../primitives/binary.js";
import { broadcast } from "../primitives/broadcast.js";
import { boundIndex, gather, scatterAdd as scatterRows } from "../primitives/gather.js";
import { moveAxis, permute, reshape } from "../primitives/reshape.js";
import { argsort as argsortRows } from "../primitives/sort.js";
import { iota } from "../primitives/source.js";
import { fill } from "../primitives/support.js";
import { normalizeAxis, range, sameShape } from "../types/shape.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import {
  asIndices,
  asNumeric,
  asTensor,
  convert,
  fromNode,
  type Indices,
  promoteOperands,
  type TensorLike,
} from "./convert.js";
import type { Tensor } from "./tensor.js";

/** Refuses indices outside where their values are known; compiled programs check while they run. */
function checkBounds(indices: Tensor, extent: number, operation: string, shape: readonly number[]): void {
  const values = indices.storage?.read();
  if (values === undefined) return;
  for (let i = 0; i < values.length; i++)
    if (values[i] < -extent || values[i] >= extent)
      throw new AdjointError(
        "index-out-of-range",
        `${operation}: index ${values[i]} is outside an axis of extent ${extent} (shape ${formatShape(shape)}); expected ${extent === 0 ? "no index" : `${-extent} to ${extent - 1}`}`,
        {
          operation,
          argument: "indices",
          expected: extent === 0 ? "no index" : `${-extent} … ${extent - 1}`,
          received: String(values[i]),
        },
      );
}

/**
 * Picks along an axis (default 0) by int32 indices of any shape, which replaces that axis; negative ones count from the end.
 * @throws AdjointError `index-out-of-range`, `dtype-mismatch`
 * @example tensor([10, 20, 30]).take([2, 0, -1]).array(); // → 30,10,30
 */
export function take(x: TensorLike, indices: Indices, axis = 0): Tensor {
  const value = asTensor(x, "take", "x");
  const along = normalizeAxis(axis, value.shape, "take");
  const picks = asIndices(indices, "take");
  checkBounds(picks, value.shape[along], "take", value.shape);
  // [axis, before…, after…] → [picks…, before…, after…] → [before…, picks…, after…]
  const picked = gather(moveAxis(value, along, 0), picks);
  const before = range(along).map((i) => picks.rank + i);
  const after = range(value.rank - along - 1).map((i) => picks.rank + along + i);
  return fromNode(permute(picked, [...before, ...range(picks.rank), ...after]));
}

/** Flat positions of x[…, indices[…], …] along an axis, for indices of x's rank. */
function flatPositions(indices: Tensor, shape: readonly number[], along: number): Node {
  const extent = shape[along];
  // checked here: an index outside its axis would be inside another row
  const wrapped = boundIndex(indices, extent);
  let flat: Node = fill(indices, 0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const others = range(shape.length).filter((a) => a !== axis);
    const counter = broadcast(
      iota(indices.shape[axis], "int32"),
      others,
      others.map((a) => indices.shape[a]),
    );
    const position = axis === along ? wrapped : counter;
    flat = binary.add(flat, binary.mul(position, fill(position, stride)));
    stride *= shape[axis];
  }
  return flat;
}

/**
 * For each position, the element along the axis at its own index: indices has x's rank, and its extents elsewhere.
 * @throws AdjointError `shape-mismatch`, `index-out-of-range`, `dtype-mismatch`
 * @example tensor([[1, 2], [3, 4]]).takeAlong(tensor([[1], [0]], { dtype: "int32" }), 1).array(); // → 2,3
 */
export function takeAlong(x: TensorLike, indices: Indices, axis: number): Tensor {
  const value = asTensor(x, "takeAlong", "x");
  const along = normalizeAxis(axis, value.shape, "takeAlong");
  const picks = asIndices(indices, "takeAlong");
  const fits =
    picks.rank === value.rank && picks.shape.every((extent, a) => a === along || extent === value.shape[a]);
  if (!fits)
    throw new AdjointError(
      "shape-mismatch",
      `takeAlong: indices ${formatShape(picks.shape)} must have the shape of x ${formatShape(value.shape)} except along axis ${along}`,
      {
        operation: "takeAlong",
        argument: "indices",
        expected: formatShape(value.shape),
        received: formatShape(picks.shape),
      },
    );
  checkBounds(picks, value.shape[along], "takeAlong", value.shape);
  return fromNode(gather(reshape(value, [value.size]), flatPositions(picks, value.shape, along)));
}

/**
 * The target with updates added at indices along an axis (default 0); repeated indices add up. updates has the target's shape with
 * that axis replaced by the indices' shape.
 * @throws AdjointError `shape-mismatch`, `index-out-of-range`, `dtype-mismatch`
 * @example scatterAdd(zeros([3]), [0, 0, 2], tensor([1, 2, 3])).array(); // → 3,0,3
 */
export function scatterAdd(target: TensorLike, indices: Indices, updates: TensorLike, axis = 0): Tensor {
  const [base, added] = promoteOperands(target, updates, "scatterAdd", "target", "updates");
  const along = normalizeAxis(axis, base.shape, "scatterAdd");
  const places = asIndices(indices, "scatterAdd");
  const expected = [...base.shape.slice(0, along), ...places.shape, ...base.shape.slice(along + 1)];
  if (!sameShape(added.shape, expected))
    throw new AdjointError(
      "shape-mismatch",
      `scatterAdd: updates must be ${formatShape(expected)} for target ${formatShape(base.shape)} and indices ${formatShape(places.shape)} along axis ${along}, received ${formatShape(added.shape)}`,
      {
        operation: "scatterAdd",
        argument: "updates",
        expected: formatShape(expected),
        received: formatShape(added.shape),
      },
    );
  checkBounds(places, base.shape[along], "scatterAdd", base.shape);
  const front = range(places.rank).map((i) => along + i);
  const others = range(added.rank).filter((a) => !front.includes(a));
  const rows = permute(added, [...front, ...others]);
  return fromNode(moveAxis(scatterRows(moveAxis(base, along, 0), places, rows), 0, along));
}

/** int32 positions that sort along an axis (default the last), ascending and stable, NaN last. @example tensor([3, 1, 2]).argsort().array(); // → 1,2,0 */
export function argsort(x: TensorLike, axis = -1): Tensor {
  const value = asNumeric(x, "argsort");
  const along = normalizeAxis(axis, value.shape, "argsort");
  return fromNode(moveAxis(argsortRows(moveAxis(value, along, value.rank - 1)), value.rank - 1, along));
}

/** The elements in ascending order along an axis (default the last), NaN last. @example tensor([3, 1, 2]).sort().array(); // → 1,2,3 */
export function sort(x: TensorLike, axis = -1): Tensor {
  const value = asNumeric(x, "sort");
  const along = normalizeAxis(axis, value.shape, "sort");
  return takeAlong(value, argsort(value, along), along);
}

/**
 * The k largest along an axis (default the last), descending, and their int32 positions; of equal ones the first.
 * @example tensor([1, 9, 4]).topK(2).map((t) => t.array()); // → 9,4,1,2
 */
export function topK(x: TensorLike, k: number, axis = -1): [values: Tensor, indices: Tensor] {
  const value = asNumeric(x, "topK");
  const along = normalizeAxis(axis, value.shape, "topK");
  if (!Number.isInteger(k) || k < 0 || k > value.shape[along])
    throw new AdjointError(
      "invalid-argument",
      `topK: k must be an integer from 0 to ${value.shape[along]}, received ${formatReceived(k)}`,
      {
        operation: "topK",
        argument: "k",
        expected: `0 … ${value.shape[along]}`,
        received: formatReceived(k),
      },
    );
  // ascending order of the reversed row, read from its end: equal elements then come out first one first
  const extent = value.shape[along];
  const reversed = value.flip(along);
  const order = argsort(reversed, along).flip(along);
  const wanted = order.slice(...range(along + 1).map((a) => (a === along ? ([0, k] as const) : null)));
  const indices = convert(fromNode(binary.sub(fill(wanted, extent - 1), wanted)), "int32");
  return [takeAlong(value, indices, along), indices];
}
