/**
 * Quantised operators of ONNX: integers q that stand for scale · (q − zero point). Products of them are computed in float64, which
 * holds every sum of up to 2²² of them, and become int32.
 */
import type { Tensor } from "../../../index.js";
import type { Call, Operators } from "../call.js";
import type { ElementName } from "../elements.js";
import { convolve } from "./images.js";
import { range } from "./support.js";

/** The ends of an integer type. */
function limits(element: ElementName | undefined, call: Call): [low: number, high: number] {
  switch (element) {
    case undefined:
    case "uint8":
      return [0, 255];
    case "int8":
      return [-128, 127];
    case "uint16":
      return [0, 65535];
    case "int16":
      return [-32768, 32767];
    default:
      throw call.unsupported(`integers of type ${element}`);
  }
}

/** [channels] beside an axis of x. */
function along(values: Tensor, x: Tensor, axis: number): Tensor {
  if (values.size === 1) return values.reshape([]);
  if (values.rank === x.rank) return values;
  return values.reshape(x.shape.map((extent, a) => (a === axis ? extent : 1)));
}

function blocks(call: Call): void {
  if (call.number("block_size", 0) !== 0) throw call.unsupported("scales of blocks");
}

/** round(x / scale) + zero point, cut off at the ends of its type. */
function quantize(
  call: Call,
  x: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
  element: ElementName | undefined,
): Tensor {
  const axis = call.axis(Math.max(1, x.rank), call.number("axis", 1) % Math.max(1, x.rank));
  const scaled = x.div(along(scale, x, axis)).round();
  const shifted = zero === undefined ? scaled : scaled.add(along(zero, x, axis).cast(x.dtype));
  const [low, high] = limits(element, call);
  return shifted.clip(low, high).cast("int32");
}

function dequantize(call: Call): Tensor {
  blocks(call);
  const x = call.input(0);
  const axis = call.axis(Math.max(1, x.rank), call.number("axis", 1) % Math.max(1, x.rank));
  const zero = call.maybe(2);
  const centred = zero === undefined ? x : x.sub(along(zero, x, axis));
  const scale = call.input(1);
  return centred.cast(scale.dtype).mul(along(scale, x, axis));
}

/** The scale that spans 0 and all elements by 0 … 255, found while running. */
function quantizeDynamically(call: Call): readonly Tensor[] {
  const x = call.input(0);
  const [low, high] = [x.min().minimum(0), x.max().maximum(0)];
  const scale = high.sub(low).div(255);
  const zero = low.neg().div(scale).round().clip(0, 255);
  return [x.div(scale).round().add(zero).clip(0, 255).cast("int32"), scale, zero.cast("int32")];
}

/** Elements less their zero point, exact in float64. */
function centred(call: Call, i: number, zero: Tensor | undefined, axis: number): Tensor {
  const x = call.input(i);
  return (zero === undefined ? x : x.sub(along(zero, x, axis))).cast("float64");
}

function quantizedMatmul(call: Call): Tensor {
  const [a, aScale, aZero, , bScale, bZero] = range(6).map((i) => call.input(i));
  const left = centred(call, 0, aZero, a.rank - 2);
  const right = centred(call, 3, bZero, call.input(3).rank - 1);
  const y = left
    .matmul(right)
    .cast("float32")
    .mul(aScale.reshape([]))
    .mul(along(bScale, call.input(3), call.input(3).rank - 1));
  return quantize(call, y, call.input(6), call.input(7), call.facts.elements[7]);
}

function quantizedConv(call: Call): Tensor {
  const [, xScale, xZero, w, wScale, wZero, yScale, yZero] = range(8).map((i) => call.input(i));
  const product = convolve(call, centred(call, 0, xZero, 1), centred(call, 3, wZero, 0));
  const bias = call.maybe(8);
  const channels = [w.shape[0], ...w.shape.slice(2).map(() => 1)];
  const sum = bias === undefined ? product : product.add(bias.cast("float64").reshape(channels));
  const scale = wScale.size === 1 ? wScale.reshape([]) : wScale.reshape(channels);
  const y = sum.cast("float32").mul(xScale.reshape([])).mul(scale);
  return quantize(call, y, yScale, yZero, call.facts.elements[7]);
}

export const quantizedOperators: Operators = {
  QuantizeLinear: {
    inputs: [2, 3],
    gives: ({ elements }) => [elements[2] ?? "uint8"],
    narrow: true,
    run: (call) => {
      blocks(call);
      return quantize(
        call,
        call.input(0).cast(call.input(1).dtype),
        call.input(1),
        call.maybe(2),
        call.facts.elements[2],
      );
    },
  },
  DequantizeLinear: { inputs: [2, 3], gives: ({ elements }) => [elements[1]], narrow: true, run: dequantize },
  DynamicQuantizeLinear: {
    inputs: [1, 1],
    gives: () => ["uint8", "float", "uint8"],
    run: quantizeDynamically,
  },
  MatMulInteger: {
    inputs: [2, 4],
    gives: () => ["int32"],
    narrow: true,
    run: (call) => {
      const [a, b] = [call.input(0), call.input(1)];
      const left = centred(call, 0, call.maybe(2), a.rank - 2);
      return left.matmul(centred(call, 1, call.maybe(3), b.rank - 1)).cast("int32");
    },
  },
  ConvInteger: {
    inputs: [2, 4],
    gives: () => ["int32"],
    narrow: true,
    run: (call) =>
      convolve(call, centred(call, 0, call.maybe(2), 1), centred(call, 1, call.maybe(3), 0)).cast("int32"),
  },
  QLinearMatMul: {
    inputs: [8, 8],
    gives: ({ elements }) => [elements[7]],
    narrow: true,
    run: quantizedMatmul,
  },
  QLinearConv: { inputs: [8, 9], gives: ({ elements }) => [elements[7]], narrow: true, run: quantizedConv },
};
