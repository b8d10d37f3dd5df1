/**
 * Windows and what is made of them. A contraction of windows with weights becomes Conv, or ConvTranspose where the windows
 * are of a spread input; a reduction of windows MaxPool or AveragePool. That is for float32, for which runtimes have these
 * operators; anything else picks its windows by index.
 */

import { int64Spec } from "./elements.js";
import { type Emission, type Emitter, fixed, integersOf, numberOf } from "./emission.js";
import { same } from "./export-pointwise.js";
import { plainMax } from "./export-structural.js";
import type { Held } from "./specs.js";
import type { TracedOperation } from "./trace.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Windows over the last axes of a value [batch, channels, …], and the padding in front of them. */
interface Windows {
  readonly source: Held;
  readonly spatial: number;
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

/** The windows that a value is, padded with `value`, where an operator for images can take them. */
function windowsOf(emission: Emission, id: number, value: number): Windows | undefined {
  const window = emission.maker(id);
  if (window?.primitive !== "window") return undefined;
  const size = integersOf(window, "size");
  const spatial = size.length;
  const input = window.inputs[0];
  const plain = emission.held(input);
  if (plain.shape.length !== spatial + 2 || spatial > 3) return undefined;
  const moves = {
    spatial,
    size,
    stride: integersOf(window, "stride"),
    dilation: integersOf(window, "dilation"),
  };
  const none = size.map(() => 0);
  const pad = emission.maker(input);
  if (pad?.primitive === "pad" && numberOf(pad, "value") === value) {
    const amounts = (["low", "high", "interior"] as const).map((name) => integersOf(pad, name));
    if (amounts.every(([first, second]) => first === 0 && second === 0)) {
      const [low, high, interior] = amounts.map((amount) => amount.slice(2));
      return { source: emission.held(pad.inputs[0]), ...moves, low, high, interior };
    }
  }
  return { source: plain, ...moves, low: none, high: none, interior: none };
}

/** The same windows with the padding done before, where an operator cannot do it. */
function unpadded(emission: Emission, id: number, windows: Windows): Windows {
  const none = windows.size.map(() => 0);
  const source = emission.held(emission.maker(id)?.inputs[0] ?? id);
  return { ...windows, source, low: none, high: none, interior: none };
}

function equalLists(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

function dimensionsAre(
  operation: TracedOperation,
  batchA: readonly number[],
  batchB: readonly number[],
  contractA: readonly number[],
  contractB: readonly number[],
): boolean {
  const expected = { batchA, batchB, contractA, contractB };
  return Object.entries(expected).every(([name, axes]) => equalLists(integersOf(operation, name), axes));
}

/** A contraction that is a convolution: its value, or nothing. */
export function convolution(emission: Emission): Held | undefined {
  const { operation, output } = emission;
  if (output.dtype !== "float32") return undefined;
  const [weights, images] = operation.inputs;
  return ungrouped(emission, weights, images) ?? grouped(emission, weights, images);
}

/** w [out, in, size…] · windows [batch, in, positions…, size…] → [out, batch, positions…] */
function ungrouped(emission: Emission, weights: number, images: number): Held | undefined {
  const { builder, operation, output } = emission;
  const found = windowsOf(emission, images, 0);
  if (found === undefined) return undefined;
  const { spatial } = found;
  const contractA = range(spatial + 1).map((i) => 1 + i);
  const contractB = [1, ...range(spatial).map((i) => 2 + spatial + i)];
  if (emission.held(weights).shape.length !== spatial + 2) return undefined;
  if (!dimensionsAre(operation, [], [], contractA, contractB)) return undefined;
  const [out, batch, ...positions] = output.shape;
  const name =
    spreading(emission, weights, found) ??
    convolve(emission, images, found, builder.full(emission.held(weights)), 1);
  const swap = [1, 0, ...range(spatial).map((i) => 2 + i)];
  return builder.transpose(builder.held(name, output.dtype, [batch, out, ...positions]), swap);
}

/** w [groups, out / groups, in / groups, size…] · [batch, groups, in / groups, …] → [groups, out / groups, batch, positions…] */
function grouped(emission: Emission, weights: number, images: number): Held | undefined {
  const { builder, operation, output } = emission;
  const split = emission.maker(images);
  if (split?.primitive !== "reshape") return undefined;
  const found = windowsOf(emission, split.inputs[0], 0);
  if (found === undefined) return undefined;
  const { spatial } = found;
  const kernel = emission.held(weights);
  const [groups, each, inside, ...size] = fixed(operation, kernel.shape, "weights");
  const contractA = range(spatial + 1).map((i) => 2 + i);
  const contractB = [2, ...range(spatial).map((i) => 3 + spatial + i)];
  if (kernel.shape.length !== spatial + 3 || emission.held(images).shape[1] !== groups) return undefined;
  if (!dimensionsAre(operation, [0], [1], contractA, contractB)) return undefined;
  const [, , batch, ...positions] = output.shape;
  const w = builder.full(builder.reshape(kernel, [groups * each, inside, ...size]));
  const name = convolve(emission, split.inputs[0], found, w, groups);
  const y = builder.held(name, output.dtype, [batch, groups * each, ...positions]);
  const divided = builder.reshape(y, [batch, groups, each, ...positions]);
  return builder.transpose(divided, [1, 2, 0, ...range(spatial).map((i) => 3 + i)]);
}

function convolve(emission: Emission, id: number, found: Windows, weights: Held, group: number): string {
  const simple = [...found.low, ...found.high].every((n) => n >= 0) && found.interior.every((n) => n === 0);
  const windows = simple ? found : unpadded(emission, id, found);
  const { builder } = emission;
  return builder.product("Conv", [builder.full(windows.source).name, weights.name], {
    kernel_shape: windows.size,
    strides: windows.stride,
    dilations: windows.dilation,
    pads: [...windows.low, ...windows.high],
    group,
  });
}

/** Windows of an input spread by a stride, against flipped weights: the transposed convolution they came from. */
function spreading(emission: Emission, weights: number, windows: Windows): string | undefined {
  const { builder } = emission;
  const { size, stride, dilation, low, high, interior, spatial } = windows;
  if (interior.every((n) => n === 0) || ![...stride, ...dilation].every((n) => n === 1)) return undefined;
  const swapped = emission.maker(weights);
  const flipped = swapped === undefined ? undefined : emission.maker(swapped.inputs[0]);
  if (swapped?.primitive !== "permute" || flipped?.primitive !== "flip") return undefined;
  const axes = range(spatial).map((i) => 2 + i);
  if (!equalLists(integersOf(swapped, "permutation"), [1, 0, ...axes])) return undefined;
  if (!equalLists(integersOf(flipped, "axes"), axes)) return undefined;
  const pads = [...low.map((n, i) => size[i] - 1 - n), ...high.map((n, i) => size[i] - 1 - n)];
  if (pads.some((n) => n < 0)) return undefined;
  const kernel = builder.full(emission.held(flipped.inputs[0]));
  return builder.product("ConvTranspose", [builder.full(windows.source).name, kernel.name], {
    kernel_shape: size,
    strides: interior.map((n) => n + 1),
    pads,
  });
}

/** Whether the reduced axes are the windows' own. */
function reducesWindows(operation: TracedOperation, { spatial }: Windows): boolean {
  return equalLists(
    integersOf(operation, "axes"),
    range(spatial).map((i) => 2 + spatial + i),
  );
}

function pooled(emission: Emission, operator: string, id: number, found: Windows, extra: object): Held {
  const { builder, output } = emission;
  // runtimes refuse windows that see padding only
  const simple =
    found.interior.every((n) => n === 0) &&
    [found.low, found.high].every((side) => side.every((n, i) => n >= 0 && n < found.size[i]));
  const windows = simple ? found : unpadded(emission, id, found);
  const name = builder.emit(operator, [builder.full(windows.source).name], {
    kernel_shape: windows.size,
    strides: windows.stride,
    pads: [...windows.low, ...windows.high],
    ...extra,
  });
  return builder.held(name, output.dtype, output.shape);
}

const reduceMax: Emitter = (emission) => {
  const { operation, output } = emission;
  const windows = windowsOf(emission, operation.inputs[0], Number.NEGATIVE_INFINITY);
  if (windows === undefined || output.dtype !== "float32" || !reducesWindows(operation, windows))
    return plainMax(emission);
  return pooled(emission, "MaxPool", operation.inputs[0], windows, { dilations: windows.dilation });
};

/** A product, or the mean of windows: their sum times one over their size. */
const mul: Emitter = (emission) => averagePool(emission) ?? same("Mul")(emission);

function averagePool(emission: Emission): Held | undefined {
  const { operation, inputs, output } = emission;
  const scale = inputs[1]?.uniform;
  const sum = emission.maker(operation.inputs[0]);
  if (scale === undefined || sum?.primitive !== "sum" || output.dtype !== "float32") return undefined;
  const windows = windowsOf(emission, sum.inputs[0], 0);
  if (windows === undefined || !reducesWindows(sum, windows)) return undefined;
  const count = windows.size.reduce((a, b) => a * b, 1);
  if (Math.fround(scale) !== Math.fround(1 / count) || windows.dilation.some((n) => n !== 1))
    return undefined;
  return pooled(emission, "AveragePool", sum.inputs[0], windows, { count_include_pad: 1 });
}

/** Positions in the source of each element of each window, [positions, size]. */
function places(positions: number, size: number, stride: number, dilation: number): number[] {
  return range(positions).flatMap((p) => range(size).map((k) => p * stride + k * dilation));
}

/** [lead…, positions…, size…] by index, one axis after the other. */
const window: Emitter = ({ builder, inputs: [x], operation, output }) => {
  const [size, stride, dilation] = ["size", "stride", "dilation"].map((name) => integersOf(operation, name));
  const spatial = size.length;
  const lead = x.shape.length - spatial;
  const positions = fixed(operation, output.shape.slice(lead, lead + spatial), "positions");
  let name = builder.full(x).name;
  for (const i of range(spatial).reverse()) {
    const indices = int64Spec(places(positions[i], size[i], stride[i], dilation[i]), [positions[i], size[i]]);
    name = builder.emit("Gather", [name, builder.initializer("places", indices)], { axis: lead + i });
  }
  const paired = [...output.shape.slice(0, lead), ...range(spatial).flatMap((i) => [positions[i], size[i]])];
  const order = [
    ...range(lead),
    ...range(spatial).map((i) => lead + 2 * i),
    ...range(spatial).map((i) => lead + 2 * i + 1),
  ];
  return builder.transpose(builder.held(name, x.dtype, paired), order);
};

/** [positions…, size…, lead…] added up where the windows lie in [extents…, lead…]. */
const windowAdd: Emitter = ({ builder, inputs: [x], operation, output }) => {
  const [size, stride, dilation, extents] = ["size", "stride", "dilation", "extents"].map((name) =>
    integersOf(operation, name),
  );
  const spatial = size.length;
  const lead = x.shape.length - 2 * spatial;
  const positions = fixed(operation, x.shape.slice(lead, lead + spatial), "positions");
  const updates = builder.transpose(builder.full(x), [
    ...range(2 * spatial).map((i) => lead + i),
    ...range(lead),
  ]);
  const leading = output.shape.slice(0, lead);
  const empty = builder.full(builder.number(0, x.dtype, [...extents, ...leading]));
  const indices = cellsOf([...positions, ...size]).flatMap((cell) =>
    range(spatial).map((i) => cell[i] * stride[i] + cell[spatial + i] * dilation[i]),
  );
  const at = builder.initializer("places", int64Spec(indices, [...positions, ...size, spatial]));
  const name = builder.emit("ScatterND", [empty.name, at, updates.name], { reduction: "add" });
  const y = builder.held(name, x.dtype, [...extents, ...leading]);
  return builder.transpose(y, [...range(lead).map((i) => spatial + i), ...range(spatial)]);
};

/** Every index of a shape, in order. */
function cellsOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (cells, extent) => cells.flatMap((cell) => range(extent).map((i) => [...cell, i])),
    [[]],
  );
}

export const windowEmitters = { reduceMax, mul, window, windowAdd } satisfies Readonly<
  Record<string, Emitter>
>;
