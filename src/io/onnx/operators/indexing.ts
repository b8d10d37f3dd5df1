/** Operators of ONNX that pick and place by index, and make constants. */
import { argmax, argmin, full, type Tensor, topK, where } from "../../../index.js";
import { type Call, giving, narrow, type Operator, type Operators, one } from "../call.js";
import { elementName } from "../elements.js";
import { toTensor } from "../import-tensor.js";
import { arangeLike, indexTensor, integers, product, range, stridesOf, wrapped } from "./support.js";

/** Positions in the flattened data of elements picked along one axis. */
function flatAlong(indices: Tensor, shape: readonly number[], axis: number): Tensor {
  const strides = stridesOf(shape);
  return range(shape.length)
    .map((a) => (a === axis ? wrapped(indices, shape[axis]) : arangeLike(indices, a)).mul(strides[a]))
    .reduce((sum, part) => sum.add(part))
    .broadcastTo(indices.shape);
}

/** Extents of the data may exceed those of the indices, except along the axis. */
function gatherElements(call: Call): Tensor {
  const [data, indices] = [call.input(0), call.input(1)];
  const axis = call.axis(data.rank, call.number("axis", 0));
  return data.reshape([data.size]).take(flatAlong(indices, data.shape, axis));
}

/** Positions of rows that the last axis of the indices names. */
function flatRows(indices: Tensor, shape: readonly number[], batch: number): Tensor {
  const depth = indices.shape[indices.rank - 1];
  const rows = shape.slice(0, batch + depth);
  const strides = stridesOf(rows);
  const named = range(depth).map((k) => {
    const index = indices.slice(...indices.shape.map((_, axis) => (axis === indices.rank - 1 ? k : null)));
    return wrapped(index, rows[batch + k]).mul(strides[batch + k]);
  });
  const outside = indices.shape.slice(0, -1);
  const leading = range(batch).map((axis) =>
    integers(shape[axis])
      .reshape(outside.map((extent, a) => (a === axis ? extent : 1)))
      .mul(strides[axis]),
  );
  return [...named, ...leading]
    .reduce((sum, part) => sum.add(part), full([], 0, { dtype: "int32" }))
    .broadcastTo(outside);
}

function gatherNd(call: Call): Tensor {
  const [data, indices] = [call.input(0), call.input(1)];
  const batch = call.number("batch_dims", 0);
  const depth = batch + indices.shape[indices.rank - 1];
  const rest = data.shape.slice(depth);
  const flat = data.reshape([product(data.shape.slice(0, depth)), ...rest]);
  return flat.take(flatRows(indices, data.shape, batch));
}

/** Puts rows into flattened data: replacing, or adding. */
function place(call: Call, flat: Tensor, places: Tensor, updates: Tensor): Tensor {
  switch (call.text("reduction", "none")) {
    case "add":
      return flat.scatterAdd(places, updates);
    case "none": {
      // what is replaced is taken out first; one place given twice has no meaning in the format
      const marks = full(updates.shape, 1, { dtype: "int32" });
      const touched = full(flat.shape, 0, { dtype: "int32" }).scatterAdd(places, marks);
      const zero = full([], 0, { dtype: flat.dtype });
      if (flat.dtype === "bool") {
        const added = zero.cast("int32").broadcastTo(flat.shape).scatterAdd(places, updates.cast("int32"));
        return where(touched.gt(0), added.gt(0), flat);
      }
      return where(touched.gt(0), zero, flat).scatterAdd(places, updates);
    }
    default:
      throw call.unsupported(`reduction ${call.text("reduction")}; there are none and add`);
  }
}

function scatterElements(call: Call): Tensor {
  const [data, indices, updates] = [call.input(0), call.input(1), call.input(2)];
  const axis = call.axis(data.rank, call.number("axis", 0));
  const places = flatAlong(indices, data.shape, axis).reshape([indices.size]);
  return place(call, data.reshape([data.size]), places, updates.reshape([updates.size])).reshape(data.shape);
}

function scatterNd(call: Call): Tensor {
  const [data, indices, updates] = [call.input(0), call.input(1), call.input(2)];
  const depth = indices.shape[indices.rank - 1];
  const rest = data.shape.slice(depth);
  const places = flatRows(indices, data.shape, 0);
  const flat = data.reshape([product(data.shape.slice(0, depth)), ...rest]);
  const rows = updates.reshape([places.size, ...rest]);
  return place(call, flat, places.reshape([places.size]), rows).reshape(data.shape);
}

/** `on` at the index, `off` elsewhere; an index outside gives none. */
function oneHot(call: Call): Tensor {
  const indices = call.input(0).cast("int32");
  const depth = call.host(1)?.[0] ?? 0;
  const values = call.input(2);
  const rank = indices.rank + 1;
  const axis = call.axis(rank, call.number("axis", -1));
  const shape = [...indices.shape.slice(0, axis), 1, ...indices.shape.slice(axis)];
  call.checkSize([...indices.shape, depth]);
  const classes = integers(depth).reshape(range(rank).map((a) => (a === axis ? depth : 1)));
  const hits = wrapped(indices, depth).reshape(shape).eq(classes);
  return where(hits, values.slice(1), values.slice(0));
}

function largest(call: Call): readonly Tensor[] {
  const x = call.input(0);
  const k = call.has("k") ? call.number("k") : (call.host(1)?.[0] ?? 0);
  const axis = call.axis(x.rank, call.number("axis", -1));
  if (call.number("largest", 1) === 1) {
    const [values, indices] = topK(x, k, axis);
    return [values, indices];
  }
  const indices = x
    .argsort(axis)
    .slice(...x.shape.map((_, a): [number, number] | null => (a === axis ? [0, k] : null)));
  return [x.takeAlong(indices, axis), indices];
}

function argument(find: (x: Tensor, axis: number) => Tensor): Operator {
  return giving("int64", {
    inputs: [1, 1],
    narrow: true,
    run: (call) => {
      const x = call.input(0);
      const axis = call.axis(x.rank, call.number("axis", 0));
      const last = call.number("select_last_index", 0) === 1;
      const found = last
        ? find(x.flip(axis), axis)
            .neg()
            .add(x.shape[axis] - 1)
        : find(x, axis);
      return call.number("keepdims", 1) === 1 ? found.expandDims(axis) : found;
    },
  });
}

/** A constant node in any of its forms. */
function constant(call: Call): Tensor {
  const value = call.tensor("value");
  if (value !== undefined) return toTensor(value);
  if (call.has("value_float")) return full([], call.number("value_float"));
  if (call.has("value_int")) return indexTensor([call.number("value_int")], []);
  const floats = call.numbers("value_floats");
  if (floats !== undefined)
    return toTensor({
      element: "float",
      dtype: "float32",
      shape: [floats.length],
      data: Float32Array.from(floats),
    });
  const ints = call.numbers("value_ints");
  if (ints !== undefined) return indexTensor(ints, [ints.length]);
  throw call.unsupported("a constant that is no tensor of numbers");
}

function constantOfShape(call: Call): Tensor {
  const value = call.tensor("value");
  const shape = call.checkSize(call.host(0) ?? []);
  return full(shape, value?.data[0] ?? 0, { dtype: value?.dtype ?? "float32" });
}

function shapeOf(x: Tensor, call: Call): Tensor {
  const within = (place: number): number => Math.max(0, Math.min(x.rank, place < 0 ? place + x.rank : place));
  const extents = x.shape.slice(within(call.number("start", 0)), within(call.number("end", x.rank)));
  return indexTensor(extents, [extents.length]);
}

/** start, start + delta, … */
function counting(call: Call): Tensor {
  const [start, limit, delta] = [0, 1, 2].map((i) => call.host(i)?.[0] ?? 0);
  const [count] = call.checkSize([Math.max(0, Math.ceil((limit - start) / delta))]);
  const { dtype } = call.input(0);
  return integers(count).cast(dtype).mul(delta).add(start);
}

function eyeLike(x: Tensor, call: Call): Tensor {
  const offset = arangeLike(x, 1).sub(arangeLike(x, 0));
  const hits = offset.eq(call.number("k", 0));
  const target = elementName(call.number("dtype", 0));
  return hits.cast(
    target === "double"
      ? "float64"
      : target === "int32" || target === "int64"
        ? "int32"
        : target === "float"
          ? "float32"
          : x.dtype,
  );
}

/** Indices of what is not 0, [rank, count]: a shape that depends on values, so only where those are known. */
function nonZero(call: Call): Tensor {
  const x = call.input(0);
  const found = (call.host(0) ?? []).flatMap((value, i) => (value !== 0 ? [i] : []));
  const strides = stridesOf(x.shape);
  const indices = strides.flatMap((stride, axis) => found.map((i) => Math.floor(i / stride) % x.shape[axis]));
  return indexTensor(indices, [x.rank, found.length]);
}

/** What the condition holds for, along an axis or of all elements in a row. */
function compress(call: Call): Tensor {
  const places = (call.host(1) ?? []).flatMap((value, i) => (value !== 0 ? [i] : []));
  const x = call.input(0);
  const picks = indexTensor(places, [places.length]);
  return call.has("axis")
    ? x.take(picks, call.axis(x.rank, call.number("axis")))
    : x.reshape([x.size]).take(picks);
}

export const indexingOperators: Operators = {
  Gather: {
    inputs: [2, 2],
    narrow: true,
    run: (call) => call.input(0).take(call.input(1), call.number("axis", 0)),
  },
  GatherElements: { inputs: [2, 2], narrow: true, run: gatherElements },
  GatherND: { inputs: [2, 2], narrow: true, run: gatherNd },
  ScatterElements: { inputs: [3, 3], narrow: true, run: scatterElements },
  Scatter: { inputs: [3, 3], narrow: true, run: scatterElements },
  ScatterND: { inputs: [3, 3], narrow: true, run: scatterNd },
  OneHot: { inputs: [3, 3], narrow: true, gives: ({ elements }) => [elements[2]], run: oneHot },
  TopK: { inputs: [1, 2], narrow: true, gives: ({ elements }) => [elements[0], "int64"], run: largest },
  ArgMax: argument(argmax),
  ArgMin: argument(argmin),
  Constant: {
    inputs: [0, 0],
    gives: ({ attributes }) => {
      const value = attributes.get("value");
      if (typeof value === "object" && "element" in value) return [value.element];
      return [attributes.has("value_float") || attributes.has("value_floats") ? "float" : "int64"];
    },
    run: constant,
  },
  ConstantOfShape: {
    inputs: [1, 1],
    gives: ({ attributes }) => {
      const value = attributes.get("value");
      return [typeof value === "object" && "element" in value ? value.element : "float"];
    },
    run: constantOfShape,
  },
  Shape: giving("int64", narrow(one(shapeOf))),
  Size: giving("int64", narrow(one((x) => indexTensor([x.size], [])))),
  Range: { inputs: [3, 3], run: counting },
  EyeLike: one(eyeLike),
  NonZero: giving("int64", narrow({ inputs: [1, 1], run: nonZero })),
  Compress: { inputs: [2, 2], narrow: true, run: compress },
};
