/**
 * pad surrounds (and, with `interior`, spreads) elements with a constant, or crops where an edge is negative; slice
 * takes a regular part. Up to the constant they are each other's adjoints. concat and its slices are another pair.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { type Affine, identityIndex, scaleAffine } from "../loops/lowering.js";
import { type Shape, sizeOf, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { broadcast, copyStrided, forEachIndex } from "./broadcast.js";
import { allocateOutput, batchAll, elementCost, fill } from "./support.js";

export interface PadParams {
  /** Elements added before, after (negative: removed) and between, for each axis. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
  readonly value: number;
}

/** Which input elements survive the crop, and where the first of them lands. */
function placement(shape: Shape, params: PadParams, output: Shape) {
  const first = shape.map((_, axis) =>
    Math.max(0, Math.ceil(-params.low[axis] / (params.interior[axis] + 1))),
  );
  const last = shape.map((extent, axis) =>
    Math.min(extent - 1, Math.floor((output[axis] - 1 - params.low[axis]) / (params.interior[axis] + 1))),
  );
  const kept = shape.map((_, axis) => Math.max(0, last[axis] - first[axis] + 1));
  const start = shape.map((_, axis) => params.low[axis] + first[axis] * (params.interior[axis] + 1));
  return { first, kept, start };
}

export const padPrimitive: Primitive<PadParams> = {
  name: "pad",
  outputTypes([x], { low, high, interior }) {
    const shape = x.shape.map(
      (extent, axis) => low[axis] + high[axis] + extent + Math.max(0, extent - 1) * interior[axis],
    );
    invariant(
      shape.every((extent) => extent >= 0),
      "pad crops more than there is",
    );
    return [{ shape, dtype: x.dtype }];
  },
  evaluate([x], context) {
    const y = allocateOutput(context);
    const { params } = context;
    if (params.value !== 0) y.fill(params.value);
    const shape = context.inputTypes[0].shape;
    const output = context.outputTypes[0].shape;
    const { first, kept, start } = placement(shape, params, output);
    const source = stridesOf(shape);
    const target = stridesOf(output);
    const steps = target.map((stride, axis) => stride * (params.interior[axis] + 1));
    const dot = (a: readonly number[], b: readonly number[]): number =>
      a.reduce((s, v, i) => s + v * b[i], 0);
    forEachIndex(kept, [source, steps], [dot(first, source), dot(start, target)], (_flat, [from, to]) => {
      y[to] = x[from];
    });
    return [y];
  },
  // the padding is constant: ẏ = pad(ẋ, 0)
  jvp: ({ tangents: [xDot], params }) => [xDot === null ? null : pad(xDot, { ...params, value: 0 })],
  // x̄ = what of ȳ stands where x stood
  vjp: ({ primals: [x], cotangents: [yBar], params }) => [
    yBar === null ? null : unpad(yBar, x.shape, params),
  ],
  batch: ({ inputs, params }) => [
    pad(inputs[0], {
      low: [0, ...params.low],
      high: [0, ...params.high],
      interior: [0, ...params.interior],
      value: params.value,
    }),
  ],
  lowering: {
    kind: "kernels",
    inMemory: () => [],
    emit({ params, inputs, output, outputBuffer, read, emit, name }) {
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
            value: { kind: "constant", dtype: output.dtype, value: params.value },
          },
        ],
      });
      const { first, kept, start } = placement(inputs[0].shape, params, output.shape);
      if (sizeOf(kept) === 0) return;
      const target = stridesOf(output.shape);
      const index = identityIndex(kept.length, kept.length).map((a, axis) => scaleAffine(a, 1, first[axis]));
      emit({
        kind: "loops",
        name,
        loops: kept,
        reducedLoops: 0,
        reductions: [],
        stores: [
          {
            buffer: outputBuffer,
            offset: start.reduce((s, at, axis) => s + at * target[axis], 0),
            strides: target.map((stride, axis) => stride * (params.interior[axis] + 1)),
            value: read(0, index),
          },
        ],
      });
    },
  },
  cost: elementCost(0),
};

/** The same node where nothing is added. */
export function pad(x: Node, params: PadParams): Node {
  const idle = [...params.low, ...params.high, ...params.interior].every((n) => n === 0);
  return idle ? x : bind(padPrimitive, [x], params);
}

/** The adjoint of pad: crops the edges, then takes every (interior + 1)-th element. */
function unpad(yBar: Node, shape: Shape, { low, high, interior }: PadParams): Node {
  const none = shape.map(() => 0);
  const cropped = pad(yBar, { low: low.map((n) => -n), high: high.map((n) => -n), interior: none, value: 0 });
  return slice(
    cropped,
    none,
    cropped.shape,
    interior.map((n) => n + 1),
  );
}

export interface SliceParams {
  readonly start: readonly number[];
  /** Exclusive. */
  readonly stop: readonly number[];
  /** At least 1. */
  readonly step: readonly number[];
}

export const slicePrimitive: Primitive<SliceParams> = {
  name: "slice",
  outputTypes: ([x], { start, stop, step }) => [
    {
      shape: start.map((from, axis) => Math.max(0, Math.ceil((stop[axis] - from) / step[axis]))),
      dtype: x.dtype,
    },
  ],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const { start, step } = context.params;
    const source = stridesOf(context.inputTypes[0].shape);
    const offset = start.reduce((s, from, axis) => s + from * source[axis], 0);
    copyStrided(
      x,
      offset,
      source.map((stride, axis) => stride * step[axis]),
      context.outputTypes[0].shape,
      y,
    );
    return [y];
  },
  jvp: ({ tangents: [xDot], params }) => [
    xDot === null ? null : slice(xDot, params.start, params.stop, params.step),
  ],
  // x̄ = pad(ȳ): zeros where nothing was taken
  vjp: ({ primals: [x], cotangents: [yBar], params }) => {
    if (yBar === null) return [null];
    const interior = params.step.map((n) => n - 1);
    const spread = yBar.shape.map((extent, axis) => extent + Math.max(0, extent - 1) * interior[axis]);
    const high = x.shape.map((extent, axis) => extent - params.start[axis] - spread[axis]);
    return [pad(yBar, { low: params.start, high, interior, value: 0 })];
  },
  batch: ({ inputs, params, size }) => [
    slice(inputs[0], [0, ...params.start], [size, ...params.stop], [1, ...params.step]),
  ],
  lowering: {
    kind: "view",
    index: (output, { params }) =>
      output.map((a, axis) => scaleAffine(a, params.step[axis], params.start[axis])),
  },
  cost: elementCost(0),
};

/** The same node for the whole. */
export function slice(
  x: Node,
  start: readonly number[],
  stop: readonly number[],
  step: readonly number[],
): Node {
  const whole = x.shape.every(
    (extent, axis) => start[axis] === 0 && stop[axis] === extent && step[axis] === 1,
  );
  return whole ? x : bind(slicePrimitive, [x], { start, stop, step });
}

/** Elements start … stop − 1 along one axis. */
export function sliceAxis(x: Node, axis: number, start: number, stop: number): Node {
  return slice(
    x,
    x.shape.map((_, a) => (a === axis ? start : 0)),
    x.shape.map((extent, a) => (a === axis ? stop : extent)),
    x.shape.map(() => 1),
  );
}

export interface ConcatParams {
  readonly axis: number;
}

export const concatPrimitive: Primitive<ConcatParams> = {
  name: "concat",
  outputTypes(inputs, { axis }) {
    const total = inputs.reduce((s, input) => s + input.shape[axis], 0);
    return [
      { shape: inputs[0].shape.map((extent, a) => (a === axis ? total : extent)), dtype: inputs[0].dtype },
    ];
  },
  evaluate(inputs, context) {
    const y = allocateOutput(context);
    const { axis } = context.params;
    const output = context.outputTypes[0].shape;
    const inner = sizeOf(output.slice(axis + 1));
    const outer = sizeOf(output.slice(0, axis));
    let at = 0;
    inputs.forEach((x, i) => {
      const row = context.inputTypes[i].shape[axis] * inner;
      for (let o = 0; o < outer; o++)
        y.set(x.subarray(o * row, (o + 1) * row), o * output[axis] * inner + at);
      at += row;
    });
    return [y];
  },
  jvp: ({ primals, tangents, params }) =>
    tangents.every((t) => t === null)
      ? [null]
      : [
          concat(
            tangents.map((t, i) => t ?? fill(primals[i], 0)),
            params.axis,
          ),
        ],
  // each input takes its slice of ȳ
  vjp: ({ primals, cotangents: [yBar], params: { axis }, needs }) => {
    if (yBar === null) return primals.map(() => null);
    let at = 0;
    return primals.map((x, i) => {
      const start = at;
      at += x.shape[axis];
      return needs[i] ? sliceAxis(yBar, axis, start, at) : null;
    });
  },
  batch(context) {
    return [concat(batchAll(context, broadcast), context.params.axis + 1)];
  },
  lowering: {
    kind: "kernels",
    inMemory: () => [],
    emit({ params: { axis }, inputs, output, outputBuffer, read, emit, name }) {
      const strides = stridesOf(output.shape);
      let at = 0;
      inputs.forEach((input, i) => {
        const rank = input.shape.length;
        const index: Affine[] = identityIndex(rank, rank);
        if (sizeOf(input.shape) > 0)
          emit({
            kind: "loops",
            name: `${name} ${i}`,
            loops: input.shape,
            reducedLoops: 0,
            reductions: [],
            stores: [{ buffer: outputBuffer, offset: at * strides[axis], strides, value: read(i, index) }],
          });
        at += input.shape[axis];
      });
    },
  },
  cost: elementCost(0),
};

/** The same node for one input. */
export function concat(inputs: readonly Node[], axis: number): Node {
  return inputs.length === 1 ? inputs[0] : bind(concatPrimitive, inputs, { axis });
}
