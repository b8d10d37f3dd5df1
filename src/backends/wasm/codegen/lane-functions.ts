/** The transcendental functions of a module: each is written once, as a function of whole vectors. */
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import type { LaneAlgebra } from "../math/algebra.js";
import {
  acos,
  asin,
  atan,
  atan2,
  cos,
  cosh,
  erf,
  exp,
  expm1,
  log,
  log1p,
  pow,
  sigmoid,
  sin,
  sinh,
  tan,
  tanh,
} from "../math/index.js";
import type { ProgramContext } from "./context.js";
import { LaneEmitter } from "./lanes.js";

type Unary = <V>(m: LaneAlgebra<V>, x: V) => V;
type Binary = <V>(m: LaneAlgebra<V>, x: V, y: V) => V;

const unaryFunctions = {
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  sigmoid,
  erf,
} as const satisfies Record<string, Unary>;

const binaryFunctions = { pow, atan2 } as const satisfies Record<string, Binary>;

export type UnaryLaneFunction = keyof typeof unaryFunctions;
export type BinaryLaneFunction = keyof typeof binaryFunctions;

/** Whether a unary operation is one of these functions rather than an instruction. */
export function isLaneFunction<T extends string>(op: T): op is T & UnaryLaneFunction {
  return Object.hasOwn(unaryFunctions, op);
}

function isBinaryLaneFunction(op: string): op is BinaryLaneFunction {
  return Object.hasOwn(binaryFunctions, op);
}

/** The index of the module's function for `op` on vectors of floats of this width. */
export function laneFunction(
  context: ProgramContext,
  op: UnaryLaneFunction | BinaryLaneFunction,
  bits: 32 | 64,
): number {
  if (isBinaryLaneFunction(op)) {
    const write = binaryFunctions[op];
    return context.helper(`${op}${bits}`, ["v128", "v128"], ["v128"], (f) => {
      const result: Local = write<Local>(new LaneEmitter(f, bits, context.features), 0, 1);
      f.get(result);
    });
  }
  invariant(isLaneFunction(op), `no lane function ${op}`);
  const write = unaryFunctions[op];
  return context.helper(`${op}${bits}`, ["v128"], ["v128"], (f) => {
    const result: Local = write<Local>(new LaneEmitter(f, bits, context.features), 0);
    f.get(result);
  });
}

/** Functions too long to repeat in every loop that uses them. */
const calledFunctions: ReadonlySet<UnaryLaneFunction> = new Set(["sin", "cos", "tan"]);

/**
 * The function of the vector on the stack. In a loop it is mostly written in place of a call: the engine then keeps its
 * constants ready (measured: a fifth less time for exp over 4096 elements).
 */
export function writeLaneFunction(
  f: FunctionBuilder,
  context: ProgramContext,
  op: UnaryLaneFunction,
  bits: 32 | 64,
): void {
  if (calledFunctions.has(op)) {
    f.call(laneFunction(context, op, bits));
    return;
  }
  const x = f.local("v128");
  f.set(x);
  const emitter = new LaneEmitter(f, bits, context.features);
  f.get(unaryFunctions[op]<Local>(emitter, x));
  emitter.release();
  f.release(x);
}
