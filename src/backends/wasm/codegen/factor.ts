import type { FactorKernel } from "../../../loops/ir.js";
import type { FunctionBuilder } from "../assembler/function.js";
import type { ProgramContext } from "./context.js";

export function writeFactor(_f: FunctionBuilder, _context: ProgramContext, _kernel: FactorKernel): void {}
