/** Convolutions and pools of ONNX. */
import { avgPool, conv, full, maxPool, type Tensor } from "../../../index.js";
import { type Call, type Operator, type Operators, one } from "../call.js";
import { indexTensor, range } from "./support.js";

type Amounts = [number, number][];

/** How windows move over the last axes. */
interface Windows {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  /** Padding that counts as elements. */
  readonly padding: Amounts;
  /** Further elements after the end, so that the last window is whole. */
  readonly beyond: readonly number[];
}

function windowsOf(call: Call, extents: readonly number[], size: readonly number[]): Windows {
  const spatial = extents.length;
  const ones = extents.map(() => 1);
  const stride = call.numbers("strides") ?? ones;
  const dilation = call.numbers("dilations") ?? ones;
  const pads = call.numbers("pads") ?? new Array<number>(2 * spatial).fill(0);
  const reach = size.map((n, i) => (n - 1) * dilation[i] + 1);
  const auto = call.text("auto_pad", "NOTSET");
  const padding = extents.map((extent, i): [number, number] => {
    if (auto === "NOTSET") return [pads[i], pads[i + spatial]];
    if (auto === "VALID") return [0, 0];
    const total = Math.max(0, (Math.ceil(extent / stride[i]) - 1) * stride[i] + reach[i] - extent);
    const less = Math.floor(total / 2);
    return auto === "SAME_LOWER" ? [total - less, less] : [less, total - less];
  });
  const isCeil = call.number("ceil_mode", 0) === 1;
  const beyond = extents.map((extent, i) => {
    const room = extent + padding[i][0] + padding[i][1] - reach[i];
    const whole = Math.ceil(room / stride[i]);
    // a window that would begin in the padding after the end is left out
    const last = whole * stride[i] >= extent + padding[i][0] ? whole - 1 : whole;
    return isCeil ? Math.max(0, last * stride[i] - room) : 0;
  });
  return { size, stride, dilation, padding, beyond };
}

function withBias(y: Tensor, bias: Tensor | undefined): Tensor {
  return bias === undefined ? y : y.add(bias.reshape([bias.size, ...y.shape.slice(2).map(() => 1)]));
}

/** The convolution a node describes. */
export function convolve(call: Call, x: Tensor, w: Tensor): Tensor {
  const { stride, dilation, padding } = windowsOf(call, x.shape.slice(2), w.shape.slice(2));
  return conv(x, w, { stride, dilation, padding, groups: call.number("group", 1) });
}

/** [… n …] → [… (n − 1) · stride + 1 …], zeros between. */
function spread(x: Tensor, axis: number, stride: number): Tensor {
  if (stride === 1) return x;
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const extent = x.shape[axis];
  const column = x.reshape([...before, extent, 1, ...after]);
  const pads = column.shape.map((_, a): [number, number] => [0, a === axis + 1 ? stride - 1 : 0]);
  const wide = column.pad(pads).reshape([...before, extent * stride, ...after]);
  return wide.slice(
    ...wide.shape.map((_, a): [number, number] | null =>
      a === axis ? [0, extent * stride - stride + 1] : null,
    ),
  );
}

/** The padding of a transposed convolution, from the shape it is to give where that is named. */
function transposedPadding(
  call: Call,
  extents: readonly number[],
  reach: readonly number[],
  stride: readonly number[],
): Amounts {
  const spatial = extents.length;
  const extra = call.numbers("output_padding") ?? extents.map(() => 0);
  const auto = call.text("auto_pad", "NOTSET");
  const asked = call.numbers("output_shape")?.slice(-spatial);
  const wanted =
    asked ?? (auto.startsWith("SAME") ? extents.map((extent, i) => extent * stride[i]) : undefined);
  const pads = call.numbers("pads") ?? new Array<number>(2 * spatial).fill(0);
  return extents.map((extent, i): [number, number] => {
    if (wanted === undefined) return [pads[i], pads[i + spatial] - extra[i]];
    const total = (extent - 1) * stride[i] + extra[i] + reach[i] - wanted[i];
    const [less, more] = [Math.floor(total / 2), total - Math.floor(total / 2)];
    return auto === "SAME_UPPER" ? [less, more - extra[i]] : [more, less - extra[i]];
  });
}

/** A convolution of the spread input with flipped weights: x [batch, in, …], w [in, out / groups, …]. */
function transposedConvolution(call: Call): Tensor {
  const [x, w] = [call.input(0), call.input(1)];
  const extents = x.shape.slice(2);
  const size = w.shape.slice(2);
  const stride = call.numbers("strides") ?? extents.map(() => 1);
  const dilation = call.numbers("dilations") ?? extents.map(() => 1);
  const groups = call.number("group", 1);
  const reach = size.map((n, i) => (n - 1) * dilation[i] + 1);
  const padding = transposedPadding(call, extents, reach, stride);
  const open = extents.reduce((value, _, i) => spread(value, 2 + i, stride[i]), x);
  // cut where the padding is larger than the window, surround where it is smaller
  const sides = padding.map(([low, high], i): [number, number] => [reach[i] - 1 - low, reach[i] - 1 - high]);
  const cut = open.slice(
    null,
    null,
    ...sides.map(([low, high], i): [number, number] => [
      Math.max(0, -low),
      open.shape[2 + i] + Math.min(0, high),
    ]),
  );
  const around = sides.map(([low, high]): [number, number] => [Math.max(0, low), Math.max(0, high)]);
  const [inside, each] = w.shape;
  const axes = range(extents.length);
  // [groups, in / groups, out / groups, …] → [groups · out / groups, in / groups, …]
  const kernel = w
    .reshape([groups, inside / groups, each, ...size])
    .transpose([0, 2, 1, ...axes.map((i) => 3 + i)])
    .reshape([groups * each, inside / groups, ...size])
    .flip(axes.map((i) => 2 + i));
  return withBias(conv(cut, kernel, { padding: around, dilation, groups }), call.maybe(2));
}

/** Windows picked by index, [batch, channels, positions…, size…], for what the pools cannot do. */
function picked(x: Tensor, { size, stride, dilation }: Windows): Tensor {
  const spatial = size.length;
  const extents = x.shape.slice(2);
  const counts = extents.map(
    (extent, i) => Math.floor((extent - (size[i] - 1) * dilation[i] - 1) / stride[i]) + 1,
  );
  let value = x;
  for (const i of range(spatial).reverse()) {
    const places = range(counts[i]).flatMap((p) =>
      range(size[i]).map((k) => p * stride[i] + k * dilation[i]),
    );
    value = value.take(indexTensor(places, [counts[i], size[i]]), 2 + i);
  }
  const order = [...range(spatial).map((i) => 2 + 2 * i), ...range(spatial).map((i) => 3 + 2 * i)];
  return value.transpose([0, 1, ...order]);
}

function surrounded(x: Tensor, amounts: Amounts, value: number): Tensor {
  return amounts.every(([a, b]) => a === 0 && b === 0) ? x : x.pad([[0, 0], [0, 0], ...amounts], value);
}

function largestOf(call: Call): Tensor {
  if (call.facts.outputs.length > 1 && call.facts.outputs[1] !== "")
    throw call.unsupported("the positions of maxima are not given, only the maxima");
  const x = call.input(0);
  const windows = windowsOf(call, x.shape.slice(2), call.numbers("kernel_shape") ?? []);
  const amounts = windows.padding.map(([low, high], i): [number, number] => [low, high + windows.beyond[i]]);
  const { size, stride, dilation } = windows;
  if (x.dtype !== "int32" && dilation.every((n) => n === 1)) {
    // where the padding is as wide as the window, it is done before
    const wide = amounts.some(([low, high], i) => low >= size[i] || high >= size[i]);
    return wide
      ? maxPool(surrounded(x, amounts, Number.NEGATIVE_INFINITY), { size, stride })
      : maxPool(x, { size, stride, padding: amounts });
  }
  const lowest = x.dtype === "int32" ? -(2 ** 31) : Number.NEGATIVE_INFINITY;
  const places = picked(surrounded(x, amounts, lowest), windows);
  return places.max(size.map((_, i) => 2 + size.length + i));
}

/** The mean of the elements that count: without padding unless it is asked for, never with what lies beyond. */
function meanOf(call: Call): Tensor {
  const x = call.input(0);
  const windows = windowsOf(call, x.shape.slice(2), call.numbers("kernel_shape") ?? []);
  const { size, stride, dilation, padding, beyond } = windows;
  const isPadded = [...padding.flat(), ...beyond].some((n) => n > 0);
  const mean = (value: Tensor): Tensor =>
    dilation.every((n) => n === 1)
      ? avgPool(value, { size, stride })
      : picked(value, windows).mean(size.map((_, i) => 2 + size.length + i));
  if (!isPadded) return mean(x);
  const counts = call.number("count_include_pad", 0) === 1 ? 1 : 0;
  const tail = beyond.map((n): [number, number] => [0, n]);
  const around = (value: Tensor, fill: number): Tensor =>
    surrounded(surrounded(value, padding, fill), tail, 0);
  const ones = full([1, 1, ...x.shape.slice(2)], 1, { dtype: x.dtype });
  return mean(around(x, 0)).div(mean(around(ones, counts)));
}

function lpPool(call: Call): Tensor {
  const x = call.input(0);
  const p = call.number("p", 2);
  const windows = windowsOf(call, x.shape.slice(2), call.numbers("kernel_shape") ?? []);
  const amounts = windows.padding.map(([low, high], i): [number, number] => [low, high + windows.beyond[i]]);
  const places = picked(surrounded(x.abs().pow(p), amounts, 0), windows);
  return places.sum(windows.size.map((_, i) => 2 + windows.size.length + i)).pow(1 / p);
}

/** Over all positions, which stay as axes of extent 1. */
function global(reduce: (x: Tensor, axes: number[]) => Tensor): Operator {
  return one((x) =>
    reduce(
      x,
      range(x.rank - 2).map((i) => 2 + i),
    ),
  );
}

export const imageOperators: Operators = {
  Conv: {
    inputs: [2, 3],
    run: (call) => withBias(convolve(call, call.input(0), call.input(1)), call.maybe(2)),
  },
  ConvTranspose: { inputs: [2, 3], run: transposedConvolution },
  MaxPool: {
    inputs: [1, 1],
    narrow: true,
    gives: ({ elements }) => [elements[0], "int64"],
    run: largestOf,
  },
  AveragePool: { inputs: [1, 1], run: meanOf },
  LpPool: { inputs: [1, 1], run: lpPool },
  GlobalAveragePool: global((x, axes) => x.mean(axes, { keepDims: true })),
  GlobalMaxPool: global((x, axes) => x.max(axes, { keepDims: true })),
  GlobalLpPool: one((x, call) => {
    const p = call.number("p", 2);
    const axes = range(x.rank - 2).map((i) => 2 + i);
    return x
      .abs()
      .pow(p)
      .sum(axes, { keepDims: true })
      .pow(1 / p);
  }),
};
