import type { SubstituteKernel } from "../../../loops/ir.js";
import type { FunctionBuilder } from "../assembler/function.js";
import type { ProgramContext } from "./context.js";

export function writeSubstitute(
  _f: FunctionBuilder,
  _context: ProgramContext,
  _kernel: SubstituteKernel,
): void {}
