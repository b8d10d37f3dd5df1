/** Primitives that make elements from little: counting, and counter-based random bits. */

import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { affineExpr } from "../loops/lowering.js";
import type { DType } from "../types/dtype.js";
import { type Shape, sizeOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { broadcast } from "./broadcast.js";
import { allocateOutput, batchAll, elementCost } from "./support.js";

export interface IotaParams {
  readonly length: number;
  readonly dtype: DType;
}

/** 0, 1, …, length − 1 */
export const iotaPrimitive: Primitive<IotaParams> = {
  name: "iota",
  outputTypes: (_inputs, { length, dtype }) => [{ shape: [length], dtype }],
  evaluate(_inputs, context) {
    const y = allocateOutput(context);
    for (let i = 0; i < y.length; i++) y[i] = i;
    return [y];
  },
  jvp: "none",
  vjp: "none",
  batch({ params, size }) {
    return [broadcast(iota(params.length, params.dtype), [0], [size])];
  },
  lowering: {
    kind: "generator",
    expr: ([index], { params }) => ({ kind: "cast", dtype: params.dtype, x: affineExpr(index) }),
  },
  cost: elementCost(0),
};

export function iota(length: number, dtype: DType): Node {
  return bind(iotaPrimitive, [], { length, dtype });
}

export interface RandomBitsParams {
  /** Shape of the bits drawn for each key. */
  readonly shape: Shape;
}

/** key [keys…, 2] int32 → [keys…, shape…] int32 */
export const randomBitsPrimitive: Primitive<RandomBitsParams> = {
  name: "randomBits",
  outputTypes([key], { shape }) {
    invariant(key.dtype === "int32" && key.shape.at(-1) === 2, "a random key is int32 [..., 2]");
    return [{ shape: [...key.shape.slice(0, -1), ...shape], dtype: "int32" }];
  },
  evaluate([key], context) {
    const y = allocateOutput(context);
    const count = sizeOf(context.params.shape);
    for (let k = 0; k * 2 < key.length; k++)
      for (let i = 0; i < count; i += 2) {
        const [first, second] = threefry2x32(key[2 * k], key[2 * k + 1], i >>> 1, 0);
        y[k * count + i] = first;
        if (i + 1 < count) y[k * count + i + 1] = second;
      }
    return [y];
  },
  jvp: "none",
  vjp: "none",
  batch(context) {
    const [key] = batchAll(context, broadcast);
    return [randomBits(key, context.params.shape)];
  },
  lowering: {
    kind: "kernels",
    inMemory: () => [0],
    emit({ params, inputs: [key], buffer, outputBuffer, emit, name }) {
      emit({
        kind: "randomBits",
        name,
        keys: buffer(0),
        keyCount: sizeOf(key.shape) / 2,
        count: sizeOf(params.shape),
        output: outputBuffer,
      });
    },
  },
  cost: elementCost(50),
};

/** Independent uniform 32-bit words (as int32), a pure function of key and position. */
export function randomBits(key: Node, shape: Shape): Node {
  return bind(randomBitsPrimitive, [key], { shape });
}

// Rotation distances and the key-schedule parity of threefry2x32 (Salmon et al. 2011, Parallel Random Numbers: As Easy as 1, 2, 3).
const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
const parity = 0x1bd11bda;

/** One block of threefry2x32 with 20 rounds: two words from a key and a counter. */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): [number, number] {
  const keys = [key0, key1, parity ^ key0 ^ key1];
  let x0 = (counter0 + key0) | 0;
  let x1 = (counter1 + key1) | 0;
  for (let round = 0; round < 20; round++) {
    const r = rotations[round % 8];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x0 = (x0 + keys[injection % 3]) | 0;
      x1 = (x1 + keys[(injection + 1) % 3] + injection) | 0;
    }
  }
  return [x0, x1];
}
