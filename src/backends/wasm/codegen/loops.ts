/** A loop kernel: whole, or in parts for several threads. */
import type { LoopKernel } from "../../../loops/ir.js";
import type { FunctionBuilder } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { writeLoops } from "./nest.js";
import { planParts } from "./parts.js";
import { contextBuffers } from "./program-buffers.js";

/** Writes the kernel into `f`, a function of a kernel; `status` is what it returns when an index is out of range. */
export function writeLoopKernel(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: LoopKernel,
  status: number,
): void {
  const source = contextBuffers(context);
  const plan = planParts(kernel);
  if (plan === undefined) {
    writeLoops(f, context, kernel, status, source);
    return;
  }
  const { main, parts, rest, time } = plan;
  const count = rest === undefined ? parts : parts + 1;
  const write = (part: FunctionBuilder, number: number): void => {
    if (rest === undefined) {
      writeLoops(part, context, main, status, source, number);
      return;
    }
    part.get(number).i32(parts).op(i32.ltU);
    part.if(
      undefined,
      () => writeLoops(part, context, main, status, source, number),
      () => writeLoops(part, context, rest, status, source),
    );
  };
  context.parallel(f, count, write, time);
}
