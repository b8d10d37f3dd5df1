/** The order of the last axis. Sorting is a gather by it, so it needs no derivative of its own. */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { sizeOf } from "../types/shape.js";
import { radixFrom, radixOrder, sortKeys } from "./radix.js";
import { allocateOutput } from "./support.js";

/** x [rows…, n] → int32 positions that sort each row ascending; stable, NaN last */
export const argsortPrimitive: Primitive<undefined> = {
  name: "argsort",
  outputTypes: ([x]) => [{ shape: x.shape, dtype: "int32" }],
  evaluate([x], context) {
    const y = allocateOutput(context);
    const length = context.inputTypes[0].shape.at(-1) ?? 1;
    if (length === 0) return [y];
    for (let row = 0; row < x.length; row += length) {
      if (length >= radixFrom && (x instanceof Int32Array || x instanceof Float32Array)) {
        y.set(radixOrder(sortKeys(x.subarray(row, row + length))), row);
        continue;
      }
      const order = Array.from({ length }, (_, i) => i);
      // Array.prototype.sort is stable
      order.sort((i, j) => {
        const a = x[row + i];
        const b = x[row + j];
        if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
        return a < b ? -1 : a > b ? 1 : 0;
      });
      y.set(order, row);
    }
    return [y];
  },
  jvp: "none",
  vjp: "none",
  batch: ({ inputs }) => [argsort(inputs[0])],
  lowering: {
    kind: "kernels",
    inMemory: () => [0],
    emit({ inputs: [x], buffer, outputBuffer, emit, name }) {
      const length = x.shape.at(-1) ?? 1;
      emit({
        kind: "argsort",
        name,
        dtype: x.dtype,
        rows: length === 0 ? 0 : sizeOf(x.shape) / length,
        length,
        input: buffer(0),
        output: outputBuffer,
      });
    },
  },
  cost: ([x]) => ({ flops: sizeOf(x.shape) * Math.ceil(Math.log2(Math.max(2, x.shape.at(-1) ?? 1))) }),
};

export function argsort(x: Node): Node {
  return bind(argsortPrimitive, [x], undefined);
}
