/**
 * A schedule to one WebAssembly module: a function for each kernel, and `run`, which calls them in order.
 *
 * `run(arenaBase, staticBase)` returns 0, or 1 + the number of the kernel that met an index out of range; the exported
 * globals `offendingValue` and `offendedSize` then say which.
 */
import type { Kernel, Schedule } from "../../../loops/ir.js";
import { unreachable } from "../../../util/errors.js";
import type { FunctionBuilder } from "../assembler/function.js";
import { control } from "../assembler/opcodes.js";
import type { WasmFeatures } from "../features.js";
import type { BlasProduct } from "../products.js";
import { writeArgsort } from "./argsort.js";
import { kernelParameters, ProgramContext } from "./context.js";
import { writeCumsum } from "./cumsum.js";
import { writeDot } from "./dot.js";
import { writeFactor } from "./factor.js";
import { writeLoopKernel } from "./loops.js";
import { writeRandomBits } from "./random-bits.js";
import { writeRows } from "./rows.js";
import { writeSubstitute } from "./substitute.js";

export interface CompiledSchedule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** What the program needs of the arena: the planned bytes, and scratch memory behind them. */
  readonly arenaBytes: number;
  /** Matrix products the module leaves to its import `env.multiply`, by number. */
  readonly products: readonly BlasProduct[];
  /** Whether the module wants shared memory, since threads may share its work. */
  readonly isShared: boolean;
  /** The estimated time of what threads could share, in nanoseconds; 0 where there is nothing. */
  readonly sharedWork: number;
}

/** What `compileSchedule` may do beside the usual. */
export interface CompileScheduleOptions {
  /** Whether large matrix products may be left to the host. Default false. */
  readonly hostProducts?: boolean;
  /** Whether each kernel is exported too, as `kernel0`, `kernel1`, …: for profiles. Default false. */
  readonly exportKernels?: boolean;
  /** How many threads may share its work, which from two on may need shared memory. Default 1. */
  readonly threads?: number;
}

export function compileSchedule(
  schedule: Schedule,
  features: WasmFeatures,
  { hostProducts = false, exportKernels = false, threads = 1 }: CompileScheduleOptions = {},
): CompiledSchedule {
  const context = new ProgramContext(schedule.buffers, schedule.arenaBytes, features, hostProducts, threads);
  const run = context.module.function(kernelParameters, ["i32"]);
  const status = run.local("i32");
  schedule.kernels.forEach((kernel, i) => {
    const f = context.module.function(kernelParameters, ["i32"]);
    writeKernel(f, context, kernel, i + 1);
    f.i32(0);
    context.releaseScratch();
    if (exportKernels) context.module.export(`kernel${i}`, "function", f.index);
    run.get(0).get(1).call(f.index).tee(status);
    run.if(undefined, () => run.get(status).op(control.return));
  });
  run.i32(0);
  context.module.export("run", "function", run.index);
  const { arenaBytes, products, sharedWork } = context;
  return { ...context.finish(), arenaBytes, products, sharedWork };
}

function writeKernel(f: FunctionBuilder, context: ProgramContext, kernel: Kernel, status: number): void {
  switch (kernel.kind) {
    case "loops":
      writeLoopKernel(f, context, kernel, status);
      return;
    case "rows":
      writeRows(f, context, kernel, status);
      return;
    case "dot":
      writeDot(f, context, kernel, status);
      return;
    case "cumsum":
      writeCumsum(f, context, kernel);
      return;
    case "argsort":
      writeArgsort(f, context, kernel);
      return;
    case "factor":
      writeFactor(f, context, kernel);
      return;
    case "substitute":
      writeSubstitute(f, context, kernel);
      return;
    case "randomBits":
      writeRandomBits(f, context, kernel);
      return;
    default:
      unreachable(kernel);
  }
}
