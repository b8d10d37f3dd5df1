/**
 * How a contraction becomes a matrix product: its axes collapse into batch loops, one row axis, one column axis and one
 * summed axis. Operands are read where they are if their strides allow, transposed or not, and packed if not.
 */
import type { Node } from "../graph/node.js";
import type { DotKernel, MatrixView } from "../loops/ir.js";
import { freeAxes } from "../primitives/dot.js";
import { range, sizeOf, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { mergeAxes, operandView } from "./operand.js";

export interface DotLayout {
  readonly problem: Pick<DotKernel, "batch" | "m" | "n" | "k" | "a" | "b">;
  /** Loops of the kernel: batch axes, rows, columns. */
  readonly loops: number;
  /** For each axis of the output its loop, where every free axis has one of its own; else null. */
  readonly loopOfAxis: readonly (number | null)[] | null;
  /** Where the result goes in a contiguous output. */
  readonly contiguous: { readonly offset: number; readonly strides: readonly number[] };
}

interface Host {
  buffer(base: Node): number;
  /** Copies a value with its axes in this order; gives the buffer. */
  pack(source: Node, order: readonly number[]): number;
}

export function dotLayout(node: Node, memory: ReadonlySet<Node>, host: Host): DotLayout {
  const operation = node.operation;
  invariant(
    operation !== null && operation.primitive.lowering.kind === "dot",
    "a contraction without an operation",
  );
  const { batchA, batchB, contractA, contractB } = operation.primitive.lowering.dimensions(operation.params);
  const [a, b] = operation.inputs;
  const freeA = freeAxes(a.shape, batchA, contractA);
  const freeB = freeAxes(b.shape, batchB, contractB);
  const batch = batchA.map((axis) => a.shape[axis]);
  const m = sizeOf(freeA.map((axis) => a.shape[axis]));
  const n = sizeOf(freeB.map((axis) => b.shape[axis]));
  const k = sizeOf(contractA.map((axis) => a.shape[axis]));

  // the summed axes may come in any order, as long as both operands have the same: try a's, then b's
  const byStride = (strides: readonly number[], axes: readonly number[]): number[] =>
    range(axes.length).sort((i, j) => Math.abs(strides[axes[j]]) - Math.abs(strides[axes[i]]) || i - j);
  const viewA = operandView(a, memory);
  const viewB = operandView(b, memory);
  const inPlace = (
    x: Node,
    view: typeof viewA,
    batchAxes: readonly number[],
    free: readonly number[],
    contract: readonly number[],
  ) => {
    const merged = (axes: readonly number[]): number | null =>
      mergeAxes(
        axes.map((axis) => x.shape[axis]),
        axes.map((axis) => view.strides[axis]),
      );
    const freeStride = merged(free);
    const contractStride = merged(contract);
    if (freeStride === null || contractStride === null) return null;
    const batchStrides = batchAxes.map((axis) => view.strides[axis]);
    return { buffer: host.buffer(view.base), offset: view.offset, batchStrides, freeStride, contractStride };
  };
  const orders = [
    byStride(viewA.strides, contractA),
    byStride(viewB.strides, contractB),
    range(contractA.length),
  ];
  const attempts = orders.map((order) => ({
    order,
    a: inPlace(
      a,
      viewA,
      batchA,
      freeA,
      order.map((i) => contractA[i]),
    ),
    b: inPlace(
      b,
      viewB,
      batchB,
      freeB,
      order.map((i) => contractB[i]),
    ),
  }));
  const score = (attempt: (typeof attempts)[number]): number =>
    (attempt.a === null ? 0 : sizeOf(a.shape)) + (attempt.b === null ? 0 : sizeOf(b.shape));
  const best = attempts.reduce((x, y) => (score(y) > score(x) ? y : x));
  const orderA = best.order.map((i) => contractA[i]);
  const orderB = best.order.map((i) => contractB[i]);

  const packed = (x: Node, order: readonly number[], batchCount: number) => {
    const strides = stridesOf(order.map((axis) => x.shape[axis]));
    return { buffer: host.pack(x, order), strides: strides.slice(0, batchCount) };
  };
  let left: MatrixView;
  if (best.a !== null) {
    const { buffer, offset, batchStrides, freeStride, contractStride } = best.a;
    left = { buffer, offset, batchStrides, rowStride: freeStride, columnStride: contractStride };
  } else {
    // [batch, rows, summed]
    const { buffer, strides } = packed(a, [...batchA, ...freeA, ...orderA], batchA.length);
    left = { buffer, offset: 0, batchStrides: strides, rowStride: k, columnStride: 1 };
  }
  let right: MatrixView;
  if (best.b !== null) {
    const { buffer, offset, batchStrides, freeStride, contractStride } = best.b;
    right = { buffer, offset, batchStrides, rowStride: contractStride, columnStride: freeStride };
  } else {
    // [batch, summed, columns]
    const { buffer, strides } = packed(b, [...batchB, ...orderB, ...freeB], batchB.length);
    right = { buffer, offset: 0, batchStrides: strides, rowStride: n, columnStride: 1 };
  }

  const loops = batch.length + 2;
  const plain = freeA.length <= 1 && freeB.length <= 1;
  const loopOfAxis = plain
    ? [...range(batch.length), ...freeA.map(() => batch.length), ...freeB.map(() => batch.length + 1)]
    : null;
  const batchSteps = stridesOf([...batch, m * n]).slice(0, batch.length);
  return {
    problem: { batch, m, n, k, a: left, b: right },
    loops,
    loopOfAxis,
    contiguous: { offset: 0, strides: [...batchSteps, n, 1] },
  };
}
