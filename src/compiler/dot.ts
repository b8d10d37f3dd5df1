/**
 * How a contraction becomes loops: batch axes, rows (free axes of a), columns (free axes of b) and summed axes, over operands
 * that are read where they are, through any affine view. What is no matrix there, windows above all, is for the backend to
 * bring together as it goes.
 */
import type { Node } from "../graph/node.js";
import type { DotKernel, MatrixView } from "../loops/ir.js";
import { freeAxes } from "../primitives/dot.js";
import { range, sizeOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { mergeAxes, type OperandView, operandView } from "./operand.js";

export type DotProblem = Pick<
  DotKernel,
  "batch" | "m" | "n" | "k" | "rows" | "columns" | "summed" | "a" | "b"
>;

/** The loops of a contraction; those of its output are [...batch, ...rows, ...columns], one an axis. */
export function dotProblem(
  node: Node,
  memory: ReadonlySet<Node>,
  bufferOf: (base: Node) => number,
): DotProblem {
  const operation = node.operation;
  invariant(
    operation !== null && operation.primitive.lowering.kind === "dot",
    "a contraction without an operation",
  );
  const { batchA, batchB, contractA, contractB } = operation.primitive.lowering.dimensions(operation.params);
  const [a, b] = operation.inputs;
  const [viewA, viewB] = [operandView(a, memory), operandView(b, memory)];
  const freeA = freeAxes(a.shape, batchA, contractA);
  const freeB = freeAxes(b.shape, batchB, contractB);
  const order = summedOrder(viewA, viewB, a.shape, contractA, contractB);
  const rows = freeA.map((axis) => a.shape[axis]);
  const columns = freeB.map((axis) => b.shape[axis]);
  const summed = order.map((i) => a.shape[contractA[i]]);

  const strides = (view: OperandView, axes: readonly number[]): number[] =>
    axes.map((axis) => view.strides[axis]);
  const matrix = (
    view: OperandView,
    batch: readonly number[],
    rowAxes: readonly number[],
    columnAxes: readonly number[],
  ): MatrixView => {
    const rowStrides = strides(view, rowAxes);
    const columnStrides = strides(view, columnAxes);
    return {
      buffer: bufferOf(view.base),
      offset: view.offset,
      batchStrides: strides(view, batch),
      rowStride: rowStrides[rowStrides.length - 1] ?? 1,
      columnStride: columnStrides[columnStrides.length - 1] ?? 1,
      ...(rowStrides.length === 1 ? {} : { rowStrides }),
      ...(columnStrides.length === 1 ? {} : { columnStrides }),
    };
  };
  return {
    batch: batchA.map((axis) => a.shape[axis]),
    m: sizeOf(rows),
    n: sizeOf(columns),
    k: sizeOf(summed),
    ...(rows.length === 1 ? {} : { rows }),
    ...(columns.length === 1 ? {} : { columns }),
    ...(summed.length === 1 ? {} : { summed }),
    a: matrix(
      viewA,
      batchA,
      freeA,
      order.map((i) => contractA[i]),
    ),
    b: matrix(
      viewB,
      batchB,
      order.map((i) => contractB[i]),
      freeB,
    ),
  };
}

/** The summed axes may come in any order that both operands share: the one in which they nest in the larger one, or in both. */
function summedOrder(
  viewA: OperandView,
  viewB: OperandView,
  shape: readonly number[],
  contractA: readonly number[],
  contractB: readonly number[],
): number[] {
  const plain = range(contractA.length);
  const byStride = ({ strides }: OperandView, axes: readonly number[]): number[] =>
    [...plain].sort((i, j) => Math.abs(strides[axes[j]]) - Math.abs(strides[axes[i]]) || i - j);
  const extents = (order: readonly number[]): number[] => order.map((i) => shape[contractA[i]]);
  const nests = ({ strides }: OperandView, axes: readonly number[], order: readonly number[]): boolean => {
    const own = order.map((i) => strides[axes[i]]);
    return mergeAxes(extents(order), own) !== null;
  };
  const score = (order: readonly number[]): number =>
    (nests(viewA, contractA, order) ? 1 : 0) + (nests(viewB, contractB, order) ? 1 : 0);
  const orders = [byStride(viewA, contractA), byStride(viewB, contractB), plain];
  return orders.reduce((best, order) => (score(order) > score(best) ? order : best));
}
