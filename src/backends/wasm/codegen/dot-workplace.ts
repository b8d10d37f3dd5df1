/**
 * Where a contraction's code runs: the function it is written into, its scratch memory, and locals that follow its outer
 * loops. In one of several parts, all of these are the part's own, or that of the thread which runs it.
 */
import { bytesPerElement, type DType } from "../../../types/dtype.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import { align, type Base, type ProgramContext, partOffset } from "./context.js";

interface Mover {
  readonly local: Local;
  readonly base: Local;
  /** Bytes along each outer loop. */
  readonly strides: readonly number[];
}

export class Workplace {
  readonly f: FunctionBuilder;
  readonly context: ProgramContext;
  private readonly movers = new Map<string, Mover>();

  constructor(f: FunctionBuilder, context: ProgramContext) {
    this.f = f;
    this.context = context;
  }

  /** Memory for the kernel at hand; its start, in bytes. */
  scratch(dtype: DType, elements: number): Base {
    const { f, context } = this;
    const bytes = align(elements * bytesPerElement(dtype));
    const base = context.base(context.scratch(dtype, elements, bytes));
    if (!context.inPart) return base;
    const local = f.local("i32");
    f.get(partOffset).get(base.local).op(i32.add).set(local);
    return { local, address: base.address };
  }

  /** A base that moves by these bytes with each step of the outer loops; ask before the loops are written. */
  moving(base: Base, strides: readonly number[]): Base {
    if (strides.every((stride) => stride === 0)) return base;
    const key = [base.local, ...strides].join();
    let mover = this.movers.get(key);
    if (mover === undefined) {
      mover = { local: this.f.local("i32"), base: base.local, strides };
      this.movers.set(key, mover);
    }
    return { local: mover.local, address: base.address };
  }

  /** Sets all moving bases to the first step, or to that of the outermost loop which a local holds. */
  start(first?: Local): void {
    const { f } = this;
    for (const { local, base, strides } of this.movers.values()) {
      f.get(base);
      if (first !== undefined && strides[0] !== 0) f.get(first).i32(strides[0]).op(i32.mul).op(i32.add);
      f.set(local);
    }
  }

  advance(loop: number, steps: number): void {
    for (const { local, strides } of this.movers.values()) this.f.increase(local, strides[loop] * steps);
  }

  /** An absolute pointer, in a local of its own. */
  pointer({ local, address }: Base, bytes = 0): Local {
    const pointer = this.f.local("i32");
    this.f.get(local);
    if (address + bytes !== 0) this.f.i32(address + bytes).op(i32.add);
    this.f.set(pointer);
    return pointer;
  }
}
