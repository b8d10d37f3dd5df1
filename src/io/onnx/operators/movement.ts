/** Operators of ONNX that move elements. */
import { concat, full, type SliceIndex, type Tensor, tensor, where } from "../../../index.js";
import { type Call, narrow, type Operators, one } from "../call.js";
import { arangeLike } from "./support.js";

/** 0 takes the input's extent (unless allowed to mean 0), −1 what is left over. */
function reshape(call: Call): Tensor {
  const x = call.input(0);
  const wanted = call.hostOr("shape", 1) ?? [];
  const zeroIsZero = call.number("allowzero", 0) === 1;
  const shape = wanted.map((extent, axis) => (extent === 0 && !zeroIsZero ? (x.shape[axis] ?? 0) : extent));
  const open = shape.indexOf(-1);
  if (open < 0) return x.reshape(shape);
  const known = shape.reduce((size, extent, axis) => (axis === open ? size : size * extent), 1);
  const left = known === 0 ? 0 : x.size / known;
  return x.reshape(shape.map((extent, axis) => (axis === open ? left : extent)));
}

function flatten(call: Call): Tensor {
  const x = call.input(0);
  const given = call.number("axis", 1);
  const axis = given < 0 ? given + x.rank : given;
  const size = (extents: readonly number[]): number => extents.reduce((a, b) => a * b, 1);
  return x.reshape([size(x.shape.slice(0, axis)), size(x.shape.slice(axis))]);
}

function squeeze(call: Call): Tensor {
  const x = call.input(0);
  const axes = call.hostOr("axes", 1)?.map((axis) => call.axis(x.rank, axis));
  const dropped = axes ?? x.shape.flatMap((extent, axis) => (extent === 1 ? [axis] : []));
  return x.reshape(x.shape.filter((_, axis) => !dropped.includes(axis)));
}

function unsqueeze(call: Call): Tensor {
  const x = call.input(0);
  const given = call.hostOr("axes", 1) ?? [];
  const rank = x.rank + given.length;
  const axes = given.map((axis) => call.axis(rank, axis)).sort((a, b) => a - b);
  const shape = [...x.shape];
  for (const axis of axes) shape.splice(axis, 0, 1);
  return x.reshape(shape);
}

/** Starts and ends may lie anywhere; what is outside is cut off. */
function slice(call: Call): Tensor {
  const x = call.input(0);
  const starts = call.hostOr("starts", 1) ?? [];
  const ends = call.hostOr("ends", 2) ?? [];
  const axes = call.hostOr("axes", 3) ?? starts.map((_, i) => i);
  const steps = call.host(4) ?? starts.map(() => 1);
  const indices: SliceIndex[] = x.shape.map(() => null);
  axes.forEach((given, i) => {
    const axis = call.axis(x.rank, given);
    indices[axis] = range(x.shape[axis], starts[i], ends[i], steps[i]);
  });
  return x.slice(...indices);
}

/** The range by the format's rules, with null where it runs past the first element. */
function range(extent: number, start: number, end: number, step: number): SliceIndex {
  const from = start < 0 ? start + extent : start;
  const to = end < 0 ? end + extent : end;
  const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));
  if (step > 0) return [clamp(from, 0, extent), clamp(to, 0, extent), step];
  const first = clamp(from, -1, extent - 1);
  const last = clamp(to, -1, extent - 1);
  if (first <= last) return [0, 0];
  return [first, last < 0 ? null : last, step];
}

function splitInto(call: Call): readonly Tensor[] {
  const x = call.input(0);
  const axis = call.axis(x.rank, call.number("axis", 0));
  const given = call.hostOr("split", 1);
  const count = call.facts.outputs.length;
  // the last part is smaller where parts of equal size do not come out even
  const each = Math.ceil(x.shape[axis] / count);
  const sizes = given ?? Array.from({ length: count }, (_, i) => Math.min(each, x.shape[axis] - i * each));
  let at = 0;
  return sizes.map((size) => {
    const start = at;
    at += size;
    return x.slice(...x.shape.map((_, a): SliceIndex => (a === axis ? [start, start + size] : null)));
  });
}

function expand(call: Call): Tensor {
  const x = call.input(0);
  const wanted = call.host(1) ?? [];
  const rank = Math.max(x.rank, wanted.length);
  const extent = (shape: readonly number[], axis: number): number => shape[axis - rank + shape.length] ?? 1;
  // either side may have the extents of 1
  const shape = Array.from({ length: rank }, (_, axis) => {
    const [own, asked] = [extent(x.shape, axis), extent(wanted, axis)];
    return asked === 1 ? own : asked;
  });
  return x.broadcastTo(call.checkSize(shape));
}

function tile(call: Call): Tensor {
  const x = call.input(0);
  const repeats = call.host(1) ?? [];
  call.checkSize(x.shape.map((extent, axis) => extent * (repeats[axis] ?? 1)));
  return x.tile(repeats);
}

/** Amounts before and after each axis, from [before…, after…] of the axes that are named. */
function padAmounts(call: Call, rank: number): [number, number][] {
  const pads = call.numbers("pads") ?? call.numbers("paddings") ?? call.host(1) ?? [];
  const axes = call.host(3) ?? Array.from({ length: rank }, (_, i) => i);
  const amounts = Array.from({ length: rank }, (): [number, number] => [0, 0]);
  axes.forEach((axis, i) => {
    amounts[call.axis(rank, axis)] = [pads[i], pads[i + axes.length]];
  });
  return amounts;
}

function pad(call: Call): Tensor {
  const x = call.input(0);
  const mode = call.text("mode", "constant");
  const amounts = padAmounts(call, x.rank);
  call.checkSize(x.shape.map((extent, axis) => extent + amounts[axis][0] + amounts[axis][1]));
  if (mode === "constant") return padConstant(call, x, amounts);
  return amounts.reduce((padded, [before, after], axis) => {
    if (before === 0 && after === 0) return padded;
    const extent = x.shape[axis];
    const places = Array.from({ length: before + extent + after }, (_, i) =>
      mirrored(i - before, extent, mode, call),
    );
    return padded.take(tensor(places, { dtype: "int32" }), axis);
  }, x);
}

function padConstant(call: Call, x: Tensor, amounts: readonly (readonly [number, number])[]): Tensor {
  const cropped = x.slice(
    ...amounts.map(
      ([before, after], axis): SliceIndex => [Math.max(0, -before), x.shape[axis] - Math.max(0, -after)],
    ),
  );
  const added = amounts.map(([before, after]) => [Math.max(0, before), Math.max(0, after)] as const);
  const value = call.has("value") ? call.number("value") : (call.host(2)?.[0] ?? 0);
  return cropped.pad(added, value);
}

/** Which element stands at a place outside. */
function mirrored(place: number, extent: number, mode: string, call: Call): number {
  switch (mode) {
    case "edge":
      return Math.max(0, Math.min(extent - 1, place));
    case "wrap":
      return ((place % extent) + extent) % extent;
    case "reflect": {
      if (extent === 1) return 0;
      const period = 2 * (extent - 1);
      const at = ((place % period) + period) % period;
      return at < extent ? at : period - at;
    }
    default:
      throw call.unsupported(`padding mode ${mode}; there are constant, edge, reflect and wrap`);
  }
}

/** [batch, blocks · channels, h, w] → [batch, channels, h · size, w · size] */
function depthToSpace(x: Tensor, call: Call): Tensor {
  const size = call.number("blocksize");
  const [batch, depth, height, width] = x.shape;
  const channels = depth / size ** 2;
  const spread =
    call.text("mode", "DCR") === "CRD"
      ? x.reshape([batch, channels, size, size, height, width]).transpose([0, 1, 4, 2, 5, 3])
      : x.reshape([batch, size, size, channels, height, width]).transpose([0, 3, 4, 1, 5, 2]);
  return spread.reshape([batch, channels, height * size, width * size]);
}

function spaceToDepth(x: Tensor, call: Call): Tensor {
  const size = call.number("blocksize");
  const [batch, channels, height, width] = x.shape;
  return x
    .reshape([batch, channels, height / size, size, width / size, size])
    .transpose([0, 3, 5, 1, 2, 4])
    .reshape([batch, channels * size ** 2, height / size, width / size]);
}

/** Keeps one triangle of the last two axes. */
function triangle(call: Call): Tensor {
  const x = call.input(0);
  const diagonal = call.host(1)?.[0] ?? 0;
  const rows = arangeLike(x, x.rank - 2);
  const offset = arangeLike(x, x.rank - 1).sub(rows);
  const keeps = call.number("upper", 1) === 1 ? offset.ge(diagonal) : offset.le(diagonal);
  return where(keeps, x, full([], 0, { dtype: x.dtype }));
}

/** The first entries of each row backwards, as many as its length says. */
function reverseSequence(call: Call): Tensor {
  const x = call.input(0);
  const lengths = call.input(1);
  const batchAxis = call.number("batch_axis", 1);
  const timeAxis = call.number("time_axis", 0);
  const time = arangeLike(x, timeAxis);
  const length = lengths.reshape(x.shape.map((extent, axis) => (axis === batchAxis ? extent : 1)));
  const places = where(time.lt(length), length.sub(1).sub(time), time);
  return x.takeAlong(places.broadcastTo(x.shape), timeAxis);
}

export const movementOperators: Operators = {
  Reshape: { inputs: [1, 2], narrow: true, run: reshape },
  Flatten: { inputs: [1, 1], narrow: true, run: flatten },
  Squeeze: { inputs: [1, 2], narrow: true, run: squeeze },
  Unsqueeze: { inputs: [1, 2], narrow: true, run: unsqueeze },
  Transpose: narrow(one((x, call) => x.transpose(call.numbers("perm")))),
  Concat: {
    inputs: [1, Number.POSITIVE_INFINITY],
    narrow: true,
    run: (call) => concat(call.all, call.number("axis", call.version < 4 ? 1 : undefined)),
  },
  Split: {
    inputs: [1, 2],
    narrow: true,
    gives: ({ elements, outputs }) => outputs.map(() => elements[0]),
    run: splitInto,
  },
  Slice: { inputs: [1, 5], narrow: true, run: slice },
  Expand: { inputs: [2, 2], narrow: true, run: expand },
  Tile: { inputs: [2, 2], narrow: true, run: tile },
  Pad: { inputs: [1, 4], narrow: true, run: pad },
  DepthToSpace: narrow(one(depthToSpace)),
  SpaceToDepth: narrow(one(spaceToDepth)),
  Trilu: { inputs: [1, 2], narrow: true, run: triangle },
  ReverseSequence: { inputs: [2, 2], narrow: true, run: reverseSequence },
};
