/**
 * windowStores: the elements of windows that lie side by side, each an operand of its own, put where they belong. One pass over the
 * positions computes and stores all elements of a window. Only the compiler makes it, of what has been differentiated already.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import type { Store } from "../loops/ir.js";
import { identityIndex } from "../loops/lowering.js";
import { forEachIndex } from "../primitives/broadcast.js";
import { allocateOutput } from "../primitives/support.js";
import { type Shape, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";

export interface WindowStoresParams {
  /** Of the windows, which are also their distances: one for each of the last axes. */
  readonly size: readonly number[];
}

function made(shape: Shape, { size }: WindowStoresParams): Shape {
  const lead = shape.length - size.length;
  return shape.map((extent, axis) => (axis < lead ? extent : extent * size[axis - lead]));
}

/** Where element `flat` of a window lies, and strides from window to window. */
function placement(
  shape: Shape,
  size: readonly number[],
  flat: number,
): { offset: number; strides: number[] } {
  const lead = shape.length - size.length;
  const own = stridesOf(shape);
  let rest = flat;
  let offset = 0;
  for (let i = size.length - 1; i >= 0; i--) {
    offset += (rest % size[i]) * own[lead + i];
    rest = Math.floor(rest / size[i]);
  }
  return { offset, strides: own.map((stride, axis) => (axis < lead ? stride : stride * size[axis - lead])) };
}

function derivedElsewhere(): never {
  invariant(false, "windowStores is made of what has been differentiated and batched already");
}

const windowStoresPrimitive: Primitive<WindowStoresParams> = {
  name: "windowStores",
  outputTypes: ([x], params) => [{ shape: made(x.shape, params), dtype: x.dtype }],
  evaluate(inputs, context) {
    const y = allocateOutput(context);
    inputs.forEach((x, flat) => {
      const { offset, strides } = placement(context.outputTypes[0].shape, context.params.size, flat);
      forEachIndex(context.inputTypes[flat].shape, [strides], [offset], (from, [to]) => {
        y[to] = x[from];
      });
    });
    return [y];
  },
  jvp: derivedElsewhere,
  vjp: derivedElsewhere,
  batch: derivedElsewhere,
  lowering: {
    kind: "kernels",
    inMemory: () => [],
    emit({ name, params, inputs, output, outputBuffer, read, emit }) {
      const loops = inputs[0].shape;
      const index = identityIndex(loops.length, loops.length);
      const stores = inputs.map((_, flat): Store => {
        const place = placement(output.shape, params.size, flat);
        return { buffer: outputBuffer, ...place, value: read(flat, index) };
      });
      emit({ kind: "loops", name, loops, reducedLoops: 0, reductions: [], stores });
    },
  },
  cost: () => ({ flops: 0 }),
};

/** `elements[i]` are the elements i of all windows, in row-major order: [lead…, positions…] → [lead…, positions · size…] */
export function windowStores(elements: readonly Node[], size: readonly number[]): Node {
  return bind(windowStoresPrimitive, elements, { size });
}

/** The windows and their elements, where a node is made of them. */
export function storedWindows(
  node: Node,
): { readonly elements: readonly Node[]; readonly size: readonly number[] } | null {
  const { operation } = node;
  if (operation === null || operation.primitive.name !== windowStoresPrimitive.name) return null;
  return { elements: operation.inputs, size: (operation.params as WindowStoresParams).size };
}
