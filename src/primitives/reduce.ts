/** Reductions that cannot be built from sums: max, argmax, and the running sum. */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { dropAxes, sizeOf } from "../types/shape.js";
import { div, mul } from "./binary.js";
import { type AxesParams, broadcast, forEachReduced, sum } from "./broadcast.js";
import { eq } from "./compare.js";
import { cast } from "./select.js";
import { allocateOutput } from "./support.js";

/** 1 where x equals its maximum, over the number of such places: how a tie shares the gradient. */
function tieShares(x: Node, y: Node, axes: readonly number[]): Node {
  const sizes = axes.map((axis) => x.shape[axis]);
  const mask = cast(eq(x, broadcast(y, axes, sizes)), x.dtype);
  return div(mask, broadcast(sum(mask, axes), axes, sizes));
}

export const maxPrimitive: Primitive<AxesParams> = {
  name: "reduceMax",
  outputTypes: ([x], { axes }) => [{ shape: dropAxes(x.shape, axes), dtype: x.dtype }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const seen = new Uint8Array(y.length);
    forEachReduced(context.inputTypes[0].shape, context.params.axes, (from, to) => {
      const value = x[from];
      if (seen[to] === 0 || value > y[to] || Number.isNaN(value)) {
        // once NaN, always NaN: no comparison with it holds
        if (seen[to] === 0 || !Number.isNaN(y[to])) y[to] = value;
        seen[to] = 1;
      }
    });
    return [y];
  },
  // ẏ = Σ share · ẋ
  jvp: ({ primals: [x], outputs: [y], tangents: [xDot], params: { axes } }) => [
    xDot === null ? null : sum(mul(xDot, tieShares(x, y, axes)), axes),
  ],
  // x̄ = ȳ · share
  vjp: ({ primals: [x], outputs: [y], cotangents: [yBar], params: { axes } }) => [
    yBar === null
      ? null
      : mul(
          broadcast(
            yBar,
            axes,
            axes.map((axis) => x.shape[axis]),
          ),
          tieShares(x, y, axes),
        ),
  ],
  batch: ({ inputs, params }) => [
    reduceMax(
      inputs[0],
      params.axes.map((axis) => axis + 1),
    ),
  ],
  lowering: { kind: "reduce", op: "max", axes: (params) => params.axes },
  cost: ([x]) => ({ flops: sizeOf(x.shape) }),
};

/** The maximum over the axes, which disappear. NaN wins. The reduced part must not be empty. */
export function reduceMax(x: Node, axes: readonly number[]): Node {
  return axes.length === 0 ? x : bind(maxPrimitive, [x], { axes });
}

export interface AxisParams {
  readonly axis: number;
}

export const argmaxPrimitive: Primitive<AxisParams> = {
  name: "argmax",
  outputTypes: ([x], { axis }) => [{ shape: dropAxes(x.shape, [axis]), dtype: "int32" }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const { shape } = context.inputTypes[0];
    const { axis } = context.params;
    const inner = sizeOf(shape.slice(axis + 1));
    for (let to = 0; to < y.length; to++) {
      const start = Math.floor(to / inner) * shape[axis] * inner + (to % inner);
      let best = 0;
      for (let i = 1; i < shape[axis]; i++) {
        const value = x[start + i * inner];
        const leader = x[start + best * inner];
        if (value > leader || (Number.isNaN(value) && !Number.isNaN(leader))) best = i;
      }
      y[to] = best;
    }
    return [y];
  },
  jvp: "none",
  vjp: "none",
  batch: ({ inputs, params }) => [argmax(inputs[0], params.axis + 1)],
  lowering: { kind: "reduce", op: "argmax", axes: (params) => [params.axis] },
  cost: ([x]) => ({ flops: sizeOf(x.shape) }),
};

/** The position (int32) of the first maximum along an axis, which disappears; NaN counts as largest. */
export function argmax(x: Node, axis: number): Node {
  return bind(argmaxPrimitive, [x], { axis });
}

export interface CumsumParams {
  readonly axis: number;
  /** From the last element down. */
  readonly reverse: boolean;
}

export const cumsumPrimitive: Primitive<CumsumParams> = {
  name: "cumsum",
  outputTypes: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const { shape } = context.inputTypes[0];
    const { axis, reverse } = context.params;
    const inner = sizeOf(shape.slice(axis + 1));
    const rows = sizeOf(shape.slice(0, axis));
    const length = shape[axis];
    for (let row = 0; row < rows; row++)
      for (let j = 0; j < inner; j++) {
        let total = 0;
        for (let i = 0; i < length; i++) {
          const at = (row * length + (reverse ? length - 1 - i : i)) * inner + j;
          total += x[at];
          y[at] = total;
        }
      }
    return [y];
  },
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : cumsum(xDot, params.axis, params.reverse)],
  // the transpose of a lower triangle of ones is the upper one
  vjp: ({ cotangents: [yBar], params }) => [
    yBar === null ? null : cumsum(yBar, params.axis, !params.reverse),
  ],
  batch: ({ inputs, params }) => [cumsum(inputs[0], params.axis + 1, params.reverse)],
  lowering: {
    kind: "kernels",
    inMemory: () => [0],
    emit({ params, inputs: [x], buffer, outputBuffer, emit, name }) {
      emit({
        kind: "cumsum",
        name,
        dtype: x.dtype,
        rows: sizeOf(x.shape.slice(0, params.axis)),
        length: x.shape[params.axis],
        inner: sizeOf(x.shape.slice(params.axis + 1)),
        reverse: params.reverse,
        input: buffer(0),
        output: outputBuffer,
      });
    },
  },
  cost: ([x]) => ({ flops: sizeOf(x.shape) }),
};

export function cumsum(x: Node, axis: number, reverse: boolean): Node {
  return bind(cumsumPrimitive, [x], { axis, reverse });
}
