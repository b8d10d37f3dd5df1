/**
 * Resize and Upsample of ONNX: one axis after the other, each a pick of elements or a product with a matrix of weights that
 * is known before it runs.
 */
import { type Tensor, tensor } from "../../../index.js";
import type { Call, Operators } from "../call.js";
import { indexTensor, range } from "./support.js";

/** How an axis is sampled. */
interface Axis {
  readonly extent: number;
  readonly size: number;
  readonly scale: number;
  /** The part of the axis that is looked at, for crops. */
  readonly start: number;
  readonly end: number;
}

/** Where an element of the output lies in the input. */
function coordinate(
  mode: string,
  place: number,
  { extent, size, scale, start, end }: Axis,
  call: Call,
): number {
  switch (mode) {
    case "half_pixel":
      return (place + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return size > 1 ? (place + 0.5) / scale - 0.5 : 0;
    case "align_corners":
      return size === 1 ? 0 : (place * (extent - 1)) / (size - 1);
    case "asymmetric":
      return place / scale;
    case "tf_half_pixel_for_nn":
      return (place + 0.5) / scale;
    case "tf_crop_and_resize":
      return size > 1
        ? start * (extent - 1) + (place * (end - start) * (extent - 1)) / (size - 1)
        : 0.5 * (start + end) * (extent - 1);
    default:
      throw call.unsupported(`coordinate transformation ${mode}`);
  }
}

function nearest(at: number, mode: string, call: Call): number {
  switch (mode) {
    case "round_prefer_floor":
      return Math.ceil(at - 0.5);
    case "round_prefer_ceil":
      return Math.floor(at + 0.5);
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
    default:
      throw call.unsupported(`nearest mode ${mode}`);
  }
}

/** Weights of the elements around a coordinate: [the first one's index, weights…]. */
function kernel(at: number, mode: string, a: number): { first: number; weights: number[] } {
  const base = Math.floor(at);
  const t = at - base;
  if (mode === "linear") return { first: base, weights: [1 - t, t] };
  // Keys 1981, with a for the slope at 1
  const near = (s: number): number => ((a + 2) * s - (a + 3)) * s * s + 1;
  const far = (s: number): number => ((a * s - 5 * a) * s + 8 * a) * s - 4 * a;
  return { first: base - 1, weights: [far(1 + t), near(t), near(1 - t), far(2 - t)] };
}

/** The matrix [size, extent] that samples an axis; rows outside of a crop are 0. */
function matrix(
  axis: Axis,
  mode: string,
  coordinates: string,
  call: Call,
): { weights: Float64Array; outside: number[] } {
  const { extent, size } = axis;
  const excludes = call.number("exclude_outside", 0) === 1;
  const weights = new Float64Array(size * extent);
  const outside: number[] = [];
  for (let place = 0; place < size; place++) {
    const at = coordinate(coordinates, place, axis, call);
    if (coordinates === "tf_crop_and_resize" && (at < 0 || at > extent - 1)) {
      outside.push(place);
      continue;
    }
    const { first, weights: around } = kernel(at, mode, call.number("cubic_coeff_a", -0.75));
    const isInside = around.map((_, i) => first + i >= 0 && first + i < extent);
    const total = excludes ? around.reduce((sum, w, i) => sum + (isInside[i] ? w : 0), 0) : 1;
    around.forEach((w, i) => {
      if (excludes && !isInside[i]) return;
      const column = Math.max(0, Math.min(extent - 1, first + i));
      weights[place * extent + column] += w / total;
    });
  }
  return { weights, outside };
}

function sampled(x: Tensor, at: number, axis: Axis, call: Call): Tensor {
  const mode = call.text("mode", "nearest");
  const coordinates = call.text(
    "coordinate_transformation_mode",
    call.version < 11 ? "asymmetric" : "half_pixel",
  );
  if (mode === "nearest") {
    const rounding = call.text("nearest_mode", call.version < 11 ? "floor" : "round_prefer_floor");
    const places = range(axis.size).map((place) =>
      Math.max(
        0,
        Math.min(axis.extent - 1, nearest(coordinate(coordinates, place, axis, call), rounding, call)),
      ),
    );
    return x.take(indexTensor(places, [places.length]), at);
  }
  if (mode !== "linear" && mode !== "cubic") throw call.unsupported(`mode ${mode}`);
  const { weights, outside } = matrix(axis, mode, coordinates, call);
  const m = tensor(weights, { shape: [axis.size, axis.extent], dtype: x.dtype });
  // the axis last, for the product: [… extent] · [extent, size]
  const order = [...range(x.rank).filter((a) => a !== at), at];
  const back = range(x.rank).map((a) => order.indexOf(a));
  const y = x.transpose(order).matmul(m.transpose()).transpose(back);
  if (outside.length === 0) return y;
  const mask = tensor(
    range(axis.size).map((place) => (outside.includes(place) ? call.number("extrapolation_value", 0) : 0)),
    { shape: range(x.rank).map((a) => (a === at ? axis.size : 1)), dtype: x.dtype },
  );
  return y.add(mask);
}

function resize(call: Call): Tensor {
  const x = call.input(0);
  // [x, scales] before version 11, [x, roi, scales, sizes] from then on
  const isOld = call.version < 11;
  const axes = call.numbers("axes")?.map((axis) => call.axis(x.rank, axis)) ?? range(x.rank);
  if (call.number("antialias", 0) === 1) throw call.unsupported("antialias");
  if (call.text("keep_aspect_ratio_policy", "stretch") !== "stretch")
    throw call.unsupported("a policy that keeps the aspect ratio");
  const given = (isOld ? (call.numbers("scales") ?? call.host(1)) : call.host(2)) ?? [];
  const sizes = isOld || given.length > 0 ? undefined : call.host(3);
  if (sizes === undefined && given.length !== axes.length) throw call.malformed("neither scales nor sizes");
  const roi = isOld ? [] : (call.host(1) ?? []);
  const wanted = [...x.shape];
  axes.forEach((axis, i) => {
    wanted[axis] = sizes?.[i] ?? Math.floor(x.shape[axis] * given[i]);
  });
  call.checkSize(wanted);
  return axes.reduce((value, axis, i) => {
    const extent = x.shape[axis];
    const size = wanted[axis];
    const scale = sizes === undefined ? given[i] : size / extent;
    if (size === extent && scale === 1 && roi.length === 0) return value;
    return sampled(
      value,
      axis,
      { extent, size, scale, start: roi[i] ?? 0, end: roi[i + axes.length] ?? 1 },
      call,
    );
  }, x);
}

export const resizeOperators: Operators = {
  Resize: { inputs: [1, 4], narrow: true, run: resize },
  Upsample: { inputs: [1, 2], narrow: true, run: resize },
};
