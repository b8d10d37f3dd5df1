/** Values that one function gives together, as instructions: whichever is asked for first, all are kept. */
import type { Expr } from "../../../loops/ir.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, f32x4 } from "../assembler/opcodes.js";
import { normal } from "../math/normal.js";
import type { ProgramContext } from "./context.js";
import type { JointFunction } from "./joint-functions.js";
import type { KeptValues } from "./kept-values.js";
import { LaneEmitter } from "./lanes.js";

/**
 * Leaves the value of `wanted` on the stack: of one vector in flight, or of a single point where `copy` is undefined. What nobody
 * asks for later costs nothing, as the engine drops it.
 */
export function writeJoint(
  f: FunctionBuilder,
  context: ProgramContext,
  kept: KeptValues,
  { shape, sum, bell }: JointFunction,
  wanted: Expr,
  pushArgument: () => void,
  copy?: number,
): void {
  const argument = f.local("v128");
  pushArgument();
  // a single point runs the vector function on one lane, so that it has the same bits
  if (copy === undefined) f.op(f32x4.splat);
  f.set(argument);
  const emitter = new LaneEmitter(f, 32, context.features);
  const values = normal<Local>(emitter, argument, shape);
  const leave = (e: Expr, value: Local): void => {
    f.get(value);
    if (copy === undefined) {
      f.lane(f32x4.extractLane, 0);
      kept.keepScalar(e);
    } else kept.keepVector(e, copy);
  };
  const results: readonly (readonly [Expr | undefined, Local])[] = [
    [sum, values.sum],
    [bell, values.bell],
  ];
  for (const [e, value] of results) {
    if (e === undefined || e === wanted) continue;
    leave(e, value);
    f.op(control.drop);
  }
  leave(wanted, wanted === sum ? values.sum : values.bell);
  emitter.release();
  f.release(argument);
}
