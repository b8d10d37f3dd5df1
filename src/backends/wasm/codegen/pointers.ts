/**
 * Addresses by increment: views that move alike share one pointer, whose local is advanced at the end of each loop
 * body; where a buffer starts is a constant in the instruction itself.
 */

import type { Expr, LoopKernel, Store } from "../../../loops/ir.js";
import type { DType } from "../../../types/dtype.js";
import { bytesPerElement } from "../../../types/dtype.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import type { Base } from "./context.js";
import { expressions } from "./expressions.js";

export type Load = Extract<Expr, { readonly kind: "load" }>;

/** A view as the code sees it: a pointer, and a constant to add. */
export interface Access {
  readonly pointer: Local;
  /** Bytes. */
  readonly constant: number;
  readonly dtype: DType;
  readonly elementBytes: number;
  /** Bytes between iterations, for each loop. */
  readonly strides: readonly number[];
}

interface Pointer {
  readonly local: Local;
  readonly base: Base["local"];
  readonly start: number;
  readonly strides: readonly number[];
}

export interface BufferSource {
  base(buffer: number): Base;
  dtype(buffer: number): DType;
}

export class PointerTable {
  private readonly f: FunctionBuilder;
  private readonly loops: readonly number[];
  private readonly pointers = new Map<string, Pointer>();
  private readonly loads = new Map<Load, Access>();
  private readonly stores = new Map<Store, Access>();

  constructor(f: FunctionBuilder, kernel: LoopKernel, source: BufferSource) {
    this.f = f;
    this.loops = kernel.loops;
    const reduced = kernel.loops.length - kernel.reducedLoops;
    for (const e of expressions(kernel))
      if (e.kind === "load") this.loads.set(e, this.access(e, e.strides, source));
    for (const store of kernel.stores) {
      const strides = kernel.loops.map((_, loop) => (loop < reduced ? store.strides[loop] : 0));
      this.stores.set(store, this.access(store, strides, source));
    }
  }

  private access(view: Load | Store, strides: readonly number[], source: BufferSource): Access {
    const dtype = source.dtype(view.buffer);
    const wanted = "value" in view ? view.value.dtype : view.dtype;
    invariant(wanted === dtype, `${wanted} in buffer ${view.buffer} of ${dtype}`);
    const elementBytes = bytesPerElement(dtype);
    const base = source.base(view.buffer);
    const byteStrides = strides.map((stride) => stride * elementBytes);
    const constant = base.address + view.offset * elementBytes;
    // An instruction's constant is added without wrapping: a pointer that could step below the start of its space, as
    // with a negative stride, must hold the true address itself. With `at`, the sum is wrapped before it is used.
    const whole = view.at === undefined && (constant < 0 || byteStrides.some((stride) => stride < 0));
    const start = whole ? constant : 0;
    const pointer = this.pointer(base.local, start, byteStrides);
    return { pointer, constant: constant - start, dtype, elementBytes, strides: byteStrides };
  }

  private pointer(base: Local, start: number, strides: readonly number[]): Local {
    if (start === 0 && strides.every((stride) => stride === 0)) return base;
    const key = [base, start, ...strides].join();
    const known = this.pointers.get(key);
    if (known !== undefined) return known.local;
    const local = this.f.local("i32");
    this.pointers.set(key, { local, base, start, strides });
    return local;
  }

  load(e: Load): Access {
    const access = this.loads.get(e);
    invariant(access !== undefined, "a load without an address");
    return access;
  }

  store(store: Store): Access {
    const access = this.stores.get(store);
    invariant(access !== undefined, "a store without an address");
    return access;
  }

  initialise(): void {
    for (const { local, base, start } of this.pointers.values()) {
      this.f.get(base);
      if (start !== 0) this.f.i32(start).op(i32.add);
      this.f.set(local);
    }
  }

  /** To the iteration of an outermost loop that a local holds. */
  startAt(loop: number, iteration: Local): void {
    const { f } = this;
    for (const { local, strides } of this.pointers.values())
      if (strides[loop] !== 0)
        f.get(iteration).i32(strides[loop]).op(i32.mul).get(local).op(i32.add).set(local);
  }

  /** After `iterations` of `loop`, whose body has run the loop within to its end. */
  advance(loop: number, iterations: number): void {
    const inner = loop + 1;
    for (const { local, strides } of this.pointers.values()) {
      const run = inner < this.loops.length ? this.loops[inner] * strides[inner] : 0;
      this.f.increase(local, iterations * strides[loop] - run);
    }
  }

  release(): void {
    for (const { local } of this.pointers.values()) this.f.release(local);
  }

  /**
   * Pushes the address part of an access, `distance` bytes further on, and gives the constant its instruction adds.
   * `pushAt` pushes an element index to add.
   */
  push(access: Access, distance: number, pushAt?: () => unknown): number {
    const { f } = this;
    const constant = access.constant + distance;
    f.get(access.pointer);
    if (pushAt === undefined) {
      if (constant >= 0) return constant;
      f.i32(constant).op(i32.add);
      return 0;
    }
    pushAt();
    const shift = Math.log2(access.elementBytes);
    if (shift > 0) f.i32(shift).op(i32.shl);
    f.op(i32.add);
    if (constant !== 0) f.i32(constant).op(i32.add);
    return 0;
  }
}
