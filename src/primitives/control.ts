/** Identities that mean something to a transform or to the compiler. */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { broadcast } from "./broadcast.js";
import { elementCost } from "./support.js";

/** The same value as a fresh node: how a transform gets leaves of its own. */
export const aliasPrimitive: Primitive<undefined> = {
  name: "alias",
  outputTypes: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  evaluate: ([x]) => [x],
  jvp: ({ tangents }) => tangents,
  vjp: ({ cotangents }) => cotangents,
  batch: ({ inputs }) => inputs,
  lowering: { kind: "inline", expand: (inputs) => inputs },
  cost: elementCost(0),
};

/** The same value, a constant to every derivative. */
export const stopGradientPrimitive: Primitive<undefined> = {
  name: "stopGradient",
  outputTypes: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  evaluate: ([x]) => [x],
  jvp: "none",
  vjp: "none",
  batch: ({ inputs }) => [stopGradient(inputs[0])],
  lowering: { kind: "inline", expand: (inputs) => inputs },
  cost: elementCost(0),
};

export function stopGradient(x: Node): Node {
  return bind(stopGradientPrimitive, [x], undefined);
}

export interface BarrierParams {
  /** Distinguishes this computation from equal ones: the compiler must not merge them. */
  readonly unique: number;
}

/**
 * The same value, computed no earlier than `after` exists: keeps the compiler from merging a recomputation with the
 * original, which would store what checkpointing means to forget. Inputs: x, after. Both are in memory when this is compiled,
 * and nothing is copied.
 */
export const barrierPrimitive: Primitive<BarrierParams> = {
  name: "barrier",
  outputTypes: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  evaluate: ([x]) => [x],
  jvp: ({ tangents: [xDot] }) => [xDot],
  vjp: ({ cotangents: [yBar] }) => [yBar, null],
  batch: ({ inputs, batched, params, size }) => {
    if (batched[0]) return [bind(barrierPrimitive, inputs, params)];
    return [broadcast(bind(barrierPrimitive, inputs, params), [0], [size])];
  },
  // the memory of x, under another name
  lowering: { kind: "view", index: (index) => index },
  cost: elementCost(0),
};

let nextBarrier = 1;

export function barrier(x: Node, after: Node): Node {
  return bind(barrierPrimitive, [x, after], { unique: nextBarrier++ });
}
