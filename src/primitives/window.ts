/**
 * window takes sliding windows over the last k axes; windowAdd puts them back, adding where they overlap. They are each
 * other's adjoints. Convolution is a contraction of windows with weights, pooling a reduction over them.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { addAffine, identityIndex, scaleAffine } from "../loops/lowering.js";
import { type Shape, sizeOf, stridesOf } from "../types/shape.js";
import { copyStrided, forEachIndex } from "./broadcast.js";
import { allocateOutput, elementCost } from "./support.js";

export interface WindowParams {
  /** Extents of the window, one per windowed axis. */
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

/** Positions a window of this extent can take along an axis. */
export function windowCount(extent: number, size: number, stride: number, dilation: number): number {
  return Math.max(0, Math.floor((extent - (size - 1) * dilation - 1) / stride) + 1);
}

/** [lead…, L…] → [lead…, positions…, size…] */
function windowShape(shape: Shape, { size, stride, dilation }: WindowParams): number[] {
  const lead = shape.length - size.length;
  const positions = size.map((extent, i) => windowCount(shape[lead + i], extent, stride[i], dilation[i]));
  return [...shape.slice(0, lead), ...positions, ...size];
}

/** Strides of the windowed view of a contiguous tensor of `shape`. */
function windowStrides(shape: Shape, { size, stride, dilation }: WindowParams): number[] {
  const lead = shape.length - size.length;
  const source = stridesOf(shape);
  return [
    ...source.slice(0, lead),
    ...stride.map((step, i) => step * source[lead + i]),
    ...dilation.map((step, i) => step * source[lead + i]),
  ];
}

export const windowPrimitive: Primitive<WindowParams> = {
  name: "window",
  outputTypes: ([x], params) => [{ shape: windowShape(x.shape, params), dtype: x.dtype }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    copyStrided(
      x,
      0,
      windowStrides(context.inputTypes[0].shape, context.params),
      context.outputTypes[0].shape,
      y,
    );
    return [y];
  },
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : window(xDot, params)],
  vjp: ({ primals: [x], cotangents: [yBar], params }) => {
    if (yBar === null) return [null];
    return [windowAdd(yBar, { ...params, extents: x.shape.slice(x.shape.length - params.size.length) })];
  },
  // the windowed axes are the last: one more in front changes nothing
  batch: ({ inputs, params }) => [window(inputs[0], params)],
  lowering: {
    kind: "view",
    index(output, { params, inputs }) {
      const spatial = params.size.length;
      const lead = inputs[0].shape.length - spatial;
      return inputs[0].shape.map((_, axis) =>
        axis < lead
          ? output[axis]
          : addAffine(
              scaleAffine(output[axis], params.stride[axis - lead], 0),
              scaleAffine(output[axis + spatial], params.dilation[axis - lead], 0),
            ),
      );
    },
  },
  cost: elementCost(0),
};

export function window(x: Node, params: WindowParams): Node {
  return bind(windowPrimitive, [x], params);
}

export interface WindowAddParams extends WindowParams {
  /** Extents of the windowed axes of the output. */
  readonly extents: readonly number[];
}

export const windowAddPrimitive: Primitive<WindowAddParams> = {
  name: "windowAdd",
  outputTypes: ([x], { extents, size }) => [
    { shape: [...x.shape.slice(0, x.shape.length - 2 * size.length), ...extents], dtype: x.dtype },
  ],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const totals = new Float64Array(y.length);
    const shape = context.outputTypes[0].shape;
    forEachIndex(context.inputTypes[0].shape, [windowStrides(shape, context.params)], [0], (from, [to]) => {
      totals[to] += x[from];
    });
    y.set(totals);
    return [y];
  },
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : windowAdd(xDot, params)],
  vjp: ({ cotangents: [yBar], params: { size, stride, dilation } }) => [
    yBar === null ? null : window(yBar, { size, stride, dilation }),
  ],
  batch: ({ inputs, params }) => [windowAdd(inputs[0], params)],
  lowering: {
    kind: "kernels",
    inMemory: () => [],
    emit({ params, inputs: [x], output, outputBuffer, read, emit, name }) {
      emit({
        kind: "loops",
        name: `${name} (fill)`,
        loops: [sizeOf(output.shape)],
        reducedLoops: 0,
        reductions: [],
        stores: [
          {
            buffer: outputBuffer,
            offset: 0,
            strides: [1],
            value: { kind: "constant", dtype: output.dtype, value: 0 },
          },
        ],
      });
      // window positions innermost: consecutive stores then touch distinct elements
      const spatial = params.size.length;
      const lead = x.shape.length - 2 * spatial;
      const order = [
        ...Array.from({ length: lead }, (_, i) => i),
        ...Array.from({ length: spatial }, (_, i) => lead + spatial + i),
        ...Array.from({ length: spatial }, (_, i) => lead + i),
      ];
      const strides = windowStrides(output.shape, params);
      const identity = identityIndex(x.shape.length, x.shape.length);
      const index = x.shape.map((_, axis) => identity[order.indexOf(axis)]);
      if (sizeOf(x.shape) > 0)
        emit({
          kind: "loops",
          name,
          loops: order.map((axis) => x.shape[axis]),
          reducedLoops: 0,
          reductions: [],
          stores: [
            {
              buffer: outputBuffer,
              offset: 0,
              strides: order.map((axis) => strides[axis]),
              value: read(0, index),
              accumulate: true,
            },
          ],
        });
    },
  },
  cost: ([x]) => ({ flops: sizeOf(x.shape) }),
};

export function windowAdd(x: Node, params: WindowAddParams): Node {
  return bind(windowAddPrimitive, [x], params);
}
