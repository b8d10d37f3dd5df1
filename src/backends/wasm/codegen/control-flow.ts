/**
 * Scans, choices and loops: functions that call those of the kernels inside. A step's parts of sequences are copied to and
 * from buffers of their own, so that kernels know nothing of steps.
 */
import type { ControlKernel, Kernel, StepWindow } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, f64, i32, memoryCopy, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";

/** Copies up to this many bytes are written out: a call of the engine's own takes longer. */
const shortest = 128;
/** Times that a loop without a known end is taken to run, where the work of threads is estimated. */
const assumedSteps = 16;

/**
 * @param functionsOf writes the functions of kernels, each (arenaBase, staticBase) → status, and gives their indices; to be
 * called for each list inside once, in the order in which they stand in the program
 */
export function writeControl(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: ControlKernel,
  functionsOf: (kernels: readonly Kernel[]) => readonly number[],
): void {
  const status = f.local("i32");
  const callAll = (functions: readonly number[]): void => {
    for (const index of functions) {
      f.get(0).get(1).call(index).tee(status);
      f.if(undefined, () => f.get(status).op(control.return));
    }
  };
  const pushPredicate = (buffer: number): void => {
    const { local, address } = context.base(buffer);
    f.get(local).memory(i32.load8u, address);
  };
  switch (kernel.kind) {
    case "cond": {
      const [onTrue, onFalse] = [functionsOf(kernel.onTrue), functionsOf(kernel.onFalse)];
      pushPredicate(kernel.predicate);
      f.if(
        undefined,
        () => callAll(onTrue),
        () => callAll(onFalse),
      );
      return;
    }
    case "while":
      context.repeated(assumedSteps, () => {
        const [condition, body] = [functionsOf(kernel.condition), functionsOf(kernel.body)];
        f.block(() => {
          f.loop(() => {
            callAll(condition);
            pushPredicate(kernel.predicate);
            f.op(i32.eqz).branchIf(1);
            callAll(body);
            f.branch(0);
          });
        });
      });
      return;
    case "scan": {
      const { length, reverse, reads, writes } = kernel;
      context.repeated(length, () => {
        const body = functionsOf(kernel.body);
        if (length === 0) return;
        const step = f.local("i32");
        f.repeat(step, reverse ? length - 1 : 0, length, reverse ? -1 : 1, () => {
          for (const part of reads) writeStepCopy(f, context, part, step, true);
          callAll(body);
          for (const part of writes) writeStepCopy(f, context, part, step, false);
        });
      });
    }
  }
}

/** The step's part of a sequence to its window, or back. */
function writeStepCopy(
  f: FunctionBuilder,
  context: ProgramContext,
  { sequence, window }: StepWindow,
  step: Local,
  toWindow: boolean,
): void {
  const { dtype, length } = context.buffer(window);
  const bytes = length * bytesPerElement(dtype);
  if (bytes === 0) return;
  const [whole, part] = [context.base(sequence), context.base(window)];
  const place = f.local("i32");
  f.get(step).i32(bytes).op(i32.mul).get(whole.local).op(i32.add).set(place);
  const from = toWindow ? { local: place, address: whole.address } : part;
  const to = toWindow ? part : { local: place, address: whole.address };
  if (bytes > shortest) {
    for (const { local, address } of [to, from]) f.get(local).i32(address).op(i32.add);
    f.i32(bytes).memory(memoryCopy, 0);
  } else {
    let done = 0;
    for (const { size, load, store } of widths)
      for (; bytes - done >= size; done += size) {
        f.get(to.local).get(from.local);
        f.memory(load, from.address + done).memory(store, to.address + done);
      }
  }
  f.release(place);
}

/** From the widest on. */
const widths = [
  { size: 16, load: v128.load, store: v128.store },
  { size: 8, load: f64.load, store: f64.store },
  { size: 4, load: i32.load, store: i32.store },
  { size: 1, load: i32.load8u, store: i32.store8 },
];
