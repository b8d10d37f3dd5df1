/**
 * broadcast adds axes along which the elements repeat; sum takes axes away by adding them up. Each is the other's
 * adjoint, so neither rule needs to un-broadcast.
 */
import { bind, type Node, uniformNode } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { dropAxes, range, type Shape, sizeOf, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { reshape } from "./reshape.js";
import { allocateOutput, elementCost } from "./support.js";

export interface BroadcastParams {
  /** Positions of the new axes in the output, ascending. */
  readonly axes: readonly number[];
  readonly sizes: readonly number[];
}

export const broadcastPrimitive: Primitive<BroadcastParams> = {
  name: "broadcast",
  outputTypes([x], { axes, sizes }) {
    const shape: number[] = [];
    let from = 0;
    for (let axis = 0; axis < x.shape.length + axes.length; axis++) {
      const added = axes.indexOf(axis);
      shape.push(added >= 0 ? sizes[added] : x.shape[from++]);
    }
    return [{ shape, dtype: x.dtype }];
  },
  evaluate([x], context) {
    const y = allocateOutput(context);
    const shape = context.outputTypes[0].shape;
    const source = stridesOf(context.inputTypes[0].shape);
    const strides = shape.map((_, axis) => (context.params.axes.includes(axis) ? 0 : (source.shift() ?? 0)));
    copyStrided(x, 0, strides, shape, y);
    return [y];
  },
  // ẏ = broadcast(ẋ)
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : broadcast(xDot, params.axes, params.sizes)],
  // x̄ = Σ over the new axes of ȳ
  vjp: ({ cotangents: [yBar], params }) => [yBar === null ? null : sum(yBar, params.axes)],
  batch: ({ inputs, params }) => [
    broadcast(
      inputs[0],
      params.axes.map((axis) => axis + 1),
      params.sizes,
    ),
  ],
  lowering: {
    kind: "view",
    index: (output, { params }) => output.filter((_, axis) => !params.axes.includes(axis)),
  },
  cost: elementCost(0),
};

/** The same node where no axis is added; a uniform tensor stays uniform. */
export function broadcast(x: Node, axes: readonly number[], sizes: readonly number[]): Node {
  if (axes.length === 0) return x;
  const uniform = x.operation === null ? x.storage?.uniform : undefined;
  if (uniform !== undefined && x.recording === null) {
    const shape = broadcastPrimitive.outputTypes([x], { axes, sizes })[0].shape;
    return uniformNode(shape, x.dtype, uniform);
  }
  return bind(broadcastPrimitive, [x], { axes, sizes });
}

/** Broadcasts to a shape by NumPy's rule: aligned at the right, extents of 1 stretch. The shapes must fit. */
export function broadcastTo(x: Node, shape: Shape): Node {
  const lead = shape.length - x.shape.length;
  const kept = range(x.shape.length).filter((axis) => x.shape[axis] === shape[axis + lead]);
  invariant(lead >= 0, "broadcast to a smaller rank");
  const added = range(shape.length).filter((axis) => !kept.includes(axis - lead));
  const squeezed = reshape(
    x,
    kept.map((axis) => x.shape[axis]),
  );
  return broadcast(
    squeezed,
    added,
    added.map((axis) => shape[axis]),
  );
}

export interface AxesParams {
  /** Ascending. */
  readonly axes: readonly number[];
}

export const sumPrimitive: Primitive<AxesParams> = {
  name: "sum",
  outputTypes: ([x], { axes }) => [{ shape: dropAxes(x.shape, axes), dtype: x.dtype }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const { shape } = context.inputTypes[0];
    const totals = new Float64Array(y.length);
    const carry = new Float64Array(y.length);
    // Neumaier's compensated sum, so that the reference is right to the last bit or nearly so
    forEachReduced(shape, context.params.axes, (from, to) => {
      const value = x[from];
      const total = totals[to] + value;
      if (Number.isFinite(total))
        carry[to] +=
          Math.abs(totals[to]) >= Math.abs(value) ? totals[to] - total + value : value - total + totals[to];
      totals[to] = total;
    });
    for (let i = 0; i < y.length; i++) y[i] = Number.isFinite(totals[i]) ? totals[i] + carry[i] : totals[i];
    return [y];
  },
  // ẏ = Σ ẋ
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : sum(xDot, params.axes)],
  // x̄ = broadcast(ȳ)
  vjp: ({ primals: [x], cotangents: [yBar], params }) => [
    yBar === null
      ? null
      : broadcast(
          yBar,
          params.axes,
          params.axes.map((axis) => x.shape[axis]),
        ),
  ],
  batch: ({ inputs, params }) => [
    sum(
      inputs[0],
      params.axes.map((axis) => axis + 1),
    ),
  ],
  lowering: { kind: "reduce", op: "sum", axes: (params) => params.axes },
  cost: ([x]) => ({ flops: sizeOf(x.shape) }),
};

/** Σ over the axes, which disappear; the same node for no axes. */
export function sum(x: Node, axes: readonly number[]): Node {
  return axes.length === 0 ? x : bind(sumPrimitive, [x], { axes });
}

/** Copies a strided view of `source` into `target` in row-major order. */
export function copyStrided(
  source: ArrayLike<number>,
  offset: number,
  strides: readonly number[],
  shape: Shape,
  target: { [index: number]: number },
): void {
  forEachIndex(shape, [strides], [offset], (to, [from]) => {
    target[to] = source[from];
  });
}

/** Visits every element of `shape` in row-major order with its flat index and the strided positions. */
export function forEachIndex(
  shape: Shape,
  strides: readonly (readonly number[])[],
  offsets: readonly number[],
  visit: (flat: number, positions: readonly number[]) => void,
): void {
  const total = sizeOf(shape);
  if (total === 0) return;
  const rank = shape.length;
  const counters = new Array<number>(rank).fill(0);
  const positions = [...offsets];
  for (let flat = 0; flat < total; flat++) {
    visit(flat, positions);
    for (let axis = rank - 1; axis >= 0; axis--) {
      counters[axis]++;
      if (counters[axis] < shape[axis]) {
        for (let k = 0; k < positions.length; k++) positions[k] += strides[k][axis];
        break;
      }
      counters[axis] = 0;
      for (let k = 0; k < positions.length; k++) positions[k] -= strides[k][axis] * (shape[axis] - 1);
    }
  }
}

/** Visits every element of `shape` with its flat index and that of the element it reduces to. */
export function forEachReduced(
  shape: Shape,
  axes: readonly number[],
  visit: (from: number, to: number) => void,
): void {
  const kept = stridesOf(dropAxes(shape, axes));
  let next = 0;
  const strides = shape.map((_, axis) => (axes.includes(axis) ? 0 : kept[next++]));
  forEachIndex(shape, [strides], [0], (flat, [to]) => {
    visit(flat, to);
  });
}
