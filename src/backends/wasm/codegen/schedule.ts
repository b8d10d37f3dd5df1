/**
 * A schedule to one WebAssembly module: a function for each kernel, and `run`, which calls them in order.
 *
 * `run(arenaBase, staticBase)` returns 0, or 1 + the number of the kernel that met an index out of range (kernels inside
 * scans, choices and loops are counted in their place, and these are not); the exported
 * globals `offendingValue` and `offendedSize` then say which.
 */

import { isControl } from "../../../compiler/nested.js";
import type { ControlKernel, Kernel, Schedule } from "../../../loops/ir.js";
import { unreachable } from "../../../util/errors.js";
import type { FunctionBuilder } from "../assembler/function.js";
import { control } from "../assembler/opcodes.js";
import type { WasmFeatures } from "../features.js";
import type { BlasProduct, HostProducts } from "../products.js";
import { writeArgsort } from "./argsort.js";
import { kernelParameters, ProgramContext } from "./context.js";
import { writeControl } from "./control-flow.js";
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
  /** What large matrix products may be left to. Default none. */
  readonly host?: HostProducts | undefined;
  /** Whether each kernel is exported too, as `kernel0`, `kernel1`, …: for profiles. Default false. */
  readonly exportKernels?: boolean;
  /** How many threads may share its work, which from two on may need shared memory. Default 1. */
  readonly threads?: number;
}

export function compileSchedule(
  schedule: Schedule,
  features: WasmFeatures,
  { host, exportKernels = false, threads = 1 }: CompileScheduleOptions = {},
): CompiledSchedule {
  const context = new ProgramContext(schedule.buffers, schedule.arenaBytes, features, host, threads);
  const run = context.module.function(kernelParameters, ["i32"]);
  const status = run.local("i32");
  // numbers of kernels that compute, those inside others in their place
  let number = 0;
  const functionOf = (kernel: Kernel): number => {
    const f = context.module.function(kernelParameters, ["i32"]);
    if (isControl(kernel)) writeControl(f, context, kernel, (inner) => inner.map(functionOf));
    else {
      writeKernel(f, context, kernel, ++number);
      context.releaseScratch();
    }
    f.i32(0);
    return f.index;
  };
  schedule.kernels.forEach((kernel, i) => {
    const index = functionOf(kernel);
    if (exportKernels) context.module.export(`kernel${i}`, "function", index);
    run.get(0).get(1).call(index).tee(status);
    run.if(undefined, () => run.get(status).op(control.return));
  });
  run.i32(0);
  context.module.export("run", "function", run.index);
  const { arenaBytes, products, sharedWork } = context;
  return { ...context.finish(), arenaBytes, products, sharedWork };
}

function writeKernel(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: Exclude<Kernel, ControlKernel>,
  status: number,
): void {
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
