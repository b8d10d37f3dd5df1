/** Small pieces that several primitives' records share. */

import { type Node, uniformNode } from "../graph/node.js";
import type { BatchContext, EvaluateContext, TensorType } from "../graph/primitive.js";
import type { TypedArray } from "../types/dtype.js";
import { allocate } from "../types/dtype.js";
import { sameShape, sizeOf } from "../types/shape.js";
import { formatShape, invariant } from "../util/errors.js";

/** A node of `like`'s type, every element `value`. */
export function fill(like: TensorType, value: number): Node {
  return uniformNode(like.shape, like.dtype, value);
}

/** All inputs must have one type, which the output has too. */
export function sameTypes(name: string, inputs: readonly TensorType[]): TensorType {
  const first = inputs[0];
  for (const input of inputs)
    invariant(
      sameShape(first.shape, input.shape) && first.dtype === input.dtype,
      `${name} of ${first.dtype}${formatShape(first.shape)} and ${input.dtype}${formatShape(input.shape)}`,
    );
  return first;
}

/** Zero-filled arrays for the outputs. */
export function allocateOutput<P>(context: EvaluateContext<P>): TypedArray {
  const type = context.outputTypes[0];
  return allocate(type.dtype, sizeOf(type.shape));
}

/** Gives every input the batch axis, repeating those that have none. */
export function batchAll<P>(
  context: BatchContext<P>,
  broadcast: (x: Node, axes: readonly number[], sizes: readonly number[]) => Node,
): Node[] {
  return context.inputs.map((input, i) =>
    context.batched[i] ? input : broadcast(input, [0], [context.size]),
  );
}

export function elementCost(flopsPerElement: number) {
  return (_inputs: readonly TensorType[], outputs: readonly TensorType[]) => ({
    flops: flopsPerElement * sizeOf(outputs[0].shape),
  });
}
