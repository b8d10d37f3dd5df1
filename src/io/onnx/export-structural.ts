/** Primitives that move, pick, reduce and count, as ONNX operators. */
import type { Builder } from "./builder.js";
import { elementTypes, spec } from "./elements.js";
import {
  type Emission,
  type Emitter,
  extentOf,
  extentsOf,
  flagOf,
  integersOf,
  numberOf,
} from "./emission.js";
import { type Extent, isFixed, plus, sameExtent, times } from "./extents.js";
import type { Held } from "./specs.js";

/** The whole value of input i. */
function whole({ builder, inputs }: Emission, i = 0): Held {
  return builder.full(inputs[i]);
}

/** A node whose output has the type that the primitive gives. */
function result({ builder, output }: Emission, name: string): Held {
  return builder.held(name, output.dtype, output.shape);
}

/** Repeats lie in the value as axes of extent 1 until something needs the whole. */
const broadcast: Emitter = ({ builder, inputs: [x], operation, output }) =>
  builder.broadcast(x, integersOf(operation, "axes"), output.shape);

function reduction(operator: string): Emitter {
  return (emission) => {
    const { builder, operation } = emission;
    const axes = builder.ints(integersOf(operation, "axes"));
    return result(emission, builder.emit(operator, [whole(emission).name, axes], { keepdims: 0 }));
  };
}

const argmax: Emitter = (emission) => {
  const { builder, operation } = emission;
  const axis = extentOf(operation, "axis");
  const name = builder.emit("ArgMax", [whole(emission).name], { axis: Number(axis), keepdims: 0 });
  return result(emission, toInt32(builder, name));
};

function toInt32(builder: Builder, name: string): string {
  return builder.emit("Cast", [name], { to: elementTypes.int32 });
}

const cumsum: Emitter = (emission) => {
  const { builder, operation } = emission;
  const axis = builder.int(Number(extentOf(operation, "axis")));
  const reverse = flagOf(operation, "reverse") ? 1 : 0;
  return result(emission, builder.emit("CumSum", [whole(emission).name, axis], { reverse }));
};

const permute: Emitter = ({ builder, inputs: [x], operation }) =>
  builder.transpose(x, integersOf(operation, "permutation"));

const flip: Emitter = (emission) => {
  const { builder, operation } = emission;
  const axes = integersOf(operation, "axes");
  return result(
    emission,
    builder.emit("Slice", [
      whole(emission).name,
      builder.ints(axes.map(() => -1)),
      builder.ints(axes.map(() => Number.NEGATIVE_INFINITY)),
      builder.ints(axes),
      builder.ints(axes.map(() => -1)),
    ]),
  );
};

/** Elements start, start + step, … of the axes where that is not all of them. */
function sliced(
  builder: Builder,
  x: Held,
  start: readonly Extent[],
  stop: readonly Extent[],
  step: readonly number[],
  shape: readonly Extent[],
): Held {
  const axes = x.shape.flatMap((extent, axis) =>
    start[axis] === 0 && step[axis] === 1 && sameExtent(stop[axis], extent) ? [] : [axis],
  );
  if (axes.length === 0) return x;
  const name = builder.emit("Slice", [
    builder.full(x).name,
    builder.extents(axes.map((axis) => start[axis])),
    // up to the end needs no number
    builder.extents(
      axes.map((axis) => (sameExtent(stop[axis], x.shape[axis]) ? Number.POSITIVE_INFINITY : stop[axis])),
    ),
    builder.ints(axes),
    builder.ints(axes.map((axis) => step[axis])),
  ]);
  return builder.held(name, x.dtype, shape);
}

const slice: Emitter = ({ builder, inputs: [x], operation, output }) =>
  sliced(
    builder,
    x,
    extentsOf(operation, "start"),
    extentsOf(operation, "stop"),
    integersOf(operation, "step"),
    output.shape,
  );

/** Elements between, then elements around, then a crop. */
const pad: Emitter = ({ builder, inputs: [x], operation, output }) => {
  const low = integersOf(operation, "low");
  const high = integersOf(operation, "high");
  const interior = integersOf(operation, "interior");
  const value = builder.number(numberOf(operation, "value"), x.dtype, []);
  let spread = builder.full(x);
  interior.forEach((between, axis) => {
    if (between > 0) spread = interleave(builder, spread, axis, between, value);
  });
  const added = [...low, ...high].map((count) => Math.max(0, count));
  let padded = spread;
  if (added.some((count) => count > 0)) {
    const shape = spread.shape.map((extent, axis) =>
      plus(plus(extent, Math.max(0, low[axis])), Math.max(0, high[axis])),
    );
    const name = builder.emit("Pad", [spread.name, builder.ints(added), value.name]);
    padded = builder.held(name, x.dtype, shape);
  }
  return sliced(
    builder,
    padded,
    low.map((count) => Math.max(0, -count)),
    padded.shape.map((extent, axis) => plus(extent, Math.min(0, high[axis]))),
    low.map(() => 1),
    output.shape,
  );
};

/** [… n …] → [… n, 1 …] → [… n, 1 + between …] → [… n · (1 + between) …], without the elements after the last. */
function interleave(builder: Builder, x: Held, axis: number, between: number, value: Held): Held {
  const extent = x.shape[axis];
  if (extent === 0) return x;
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const column = builder.reshape(x, [...before, extent, 1, ...after]);
  const pads = column.shape.map(() => 0).concat(column.shape.map((_, i) => (i === axis + 1 ? between : 0)));
  const wide = builder.emit("Pad", [column.name, builder.ints(pads), value.name]);
  const spaced = times(extent, between + 1);
  const flat = builder.reshape(builder.held(wide, x.dtype, [...before, extent, between + 1, ...after]), [
    ...before,
    spaced,
    ...after,
  ]);
  const shape = [...before, plus(spaced, -between), ...after];
  return sliced(
    builder,
    flat,
    shape.map(() => 0),
    shape,
    shape.map(() => 1),
    shape,
  );
}

const concat: Emitter = (emission) => {
  const { builder, inputs, operation } = emission;
  const names = inputs.map((input) => builder.full(input).name);
  return result(emission, builder.emit("Concat", names, { axis: Number(extentOf(operation, "axis")) }));
};

/** Indices that are negative count from the end. */
const boundIndex: Emitter = ({ builder, inputs: [x], operation }) => {
  const extent = extentOf(operation, "extent");
  const zero = builder.number(0, x.dtype, x.shape);
  const size = isFixed(extent)
    ? builder.number(extent, x.dtype, x.shape)
    : { ...zero, name: toInt32(builder, builder.emit("Squeeze", [builder.extents([extent])])) };
  const isNegative = builder.elementwise("Less", [x, zero], "bool");
  return builder.elementwise("Where", [isNegative, builder.elementwise("Add", [x, size]), x], x.dtype);
};

const gather: Emitter = (emission) => {
  const name = emission.builder.emit("Gather", [whole(emission).name, whole(emission, 1).name], { axis: 0 });
  return result(emission, name);
};

const scatterAdd: Emitter = (emission) => {
  const { builder } = emission;
  const indices = whole(emission, 1);
  const wide = builder.emit("Cast", [indices.name], { to: elementTypes.int64 });
  const places = builder.emit("Unsqueeze", [wide, builder.ints([indices.shape.length])]);
  const inputs = [whole(emission).name, places, whole(emission, 2).name];
  return result(emission, builder.emit("ScatterND", inputs, { reduction: "add" }));
};

/** The smallest of all, all of them, in order; equal ones in order of place. */
const argsort: Emitter = (emission) => {
  const { builder, inputs, output } = emission;
  const length = inputs[0].shape.at(-1) ?? 1;
  // ONNX Runtime 1.24 divides by an extent of 0 here
  if (output.shape.includes(0)) return builder.number(0, output.dtype, output.shape);
  const [, places] = builder.emitAll(
    "TopK",
    [whole(emission).name, builder.extents([length])],
    { axis: -1, largest: 0, sorted: 1 },
    2,
  );
  return result(emission, toInt32(builder, places));
};

const iota: Emitter = (emission) => {
  const { builder, output, operation } = emission;
  const length = extentOf(operation, "length");
  if (isFixed(length)) {
    const values = Array.from({ length }, (_, i) => i);
    return result(emission, builder.constant(spec(values, output.dtype, [length])));
  }
  const stop = builder.emit("Squeeze", [builder.extents([length])]);
  const range = builder.emit("Range", [builder.int(0), stop, builder.int(1)]);
  const to =
    output.dtype === "int32"
      ? elementTypes.int32
      : elementTypes[output.dtype === "float64" ? "double" : "float"];
  return result(emission, builder.emit("Cast", [range], { to }));
};

/** The value itself. */
const itself: Emitter = ({ inputs: [x] }) => x;

export const structuralEmitters = {
  broadcast,
  argmax,
  cumsum,
  reshape: ({ builder, inputs: [x], output }) => builder.reshape(x, output.shape),
  permute,
  flip,
  pad,
  slice,
  concat,
  boundIndex,
  gather,
  scatterAdd,
  argsort,
  iota,
  alias: itself,
  stopGradient: itself,
  barrier: itself,
} satisfies Readonly<Record<string, Emitter>>;

export const plainSum: Emitter = reduction("ReduceSum");
export const plainMax: Emitter = reduction("ReduceMax");
