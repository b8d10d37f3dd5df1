/** What the kernels of one module share: buffers, helper functions made once, and the report of a bad index. */
import type { BufferPlan } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { ModuleBuilder } from "../assembler/module.js";
import { control, i32, type ValueType } from "../assembler/opcodes.js";
import type { WasmFeatures } from "../features.js";
import { type BlasProduct, blasProduct } from "../products.js";
import type { DotProblem } from "./dot-problem.js";
import { Fork } from "./fork.js";
import { worthwhile } from "./parts.js";

/** Where a buffer starts: a local holding a byte address, and a constant added to it. */
export interface Base {
  readonly local: Local;
  readonly address: number;
}

/** Every kernel function takes the two space bases. */
export const kernelParameters: readonly ValueType[] = ["i32", "i32"];
/** A part of a kernel takes its number too. */
const partParameters: readonly ValueType[] = ["i32", "i32", "i32"];
const partNumber: Local = 2;
/** What `parallel` takes work for that it is told no time of, in nanoseconds. */
const unknownTime = 200_000;
const arenaBase: Local = 0;
const staticBase: Local = 1;

export class ProgramContext {
  readonly module: ModuleBuilder;
  readonly features: WasmFeatures;
  private readonly buffers: BufferPlan[];
  private readonly helpers = new Map<string, FunctionBuilder>();
  private readonly offendingValue: number;
  private readonly offendedSize: number;
  private scratchStart: number;
  private scratchUsed = 0;
  private scratchPeak = 0;
  private readonly callProduct: number | undefined;
  /** Products left to the host, in the order of their numbers. */
  readonly products: BlasProduct[] = [];
  private readonly fork: Fork | undefined;
  /** While a part is written, which cannot have parts of its own. */
  private inPart = false;
  /** The estimated time of all that several threads could share, in nanoseconds. */
  sharedWork = 0;

  /**
   * @param hostProducts whether the host multiplies large matrices, through the import `env.multiply`
   * @param threads whether several threads may share the work, on shared memory
   */
  constructor(
    buffers: readonly BufferPlan[],
    arenaBytes: number,
    features: WasmFeatures,
    hostProducts: boolean,
    threads: boolean,
  ) {
    this.buffers = [...buffers];
    this.features = features;
    this.module = new ModuleBuilder();
    // product number, and the addresses of a, b and the result
    this.callProduct = hostProducts
      ? this.module.importFunction("multiply", ["i32", "i32", "i32", "i32"])
      : undefined;
    this.offendingValue = this.module.global();
    this.offendedSize = this.module.global();
    this.fork = threads
      ? new Fork(this.module, { value: this.offendingValue, size: this.offendedSize })
      : undefined;
    this.module.export("offendingValue", "global", this.offendingValue);
    this.module.export("offendedSize", "global", this.offendedSize);
    this.scratchStart = align(arenaBytes);
  }

  buffer(index: number): BufferPlan {
    invariant(index >= 0 && index < this.buffers.length, `no buffer ${index} in this schedule`);
    return this.buffers[index];
  }

  base(index: number): Base {
    const { space, address } = this.buffer(index);
    return { local: space === "arena" ? arenaBase : staticBase, address };
  }

  /** A buffer behind the planned arena, for the kernel at hand only. */
  scratch(dtype: BufferPlan["dtype"], length: number, bytes: number): number {
    const address = this.scratchStart + this.scratchUsed;
    this.scratchUsed = align(this.scratchUsed + bytes);
    this.scratchPeak = Math.max(this.scratchPeak, this.scratchUsed);
    this.buffers.push({ dtype, length, space: "arena", address });
    return this.buffers.length - 1;
  }

  /** Whether there is a host that takes this product. */
  hostTakes(problem: DotProblem): boolean {
    return this.callProduct !== undefined && blasProduct(problem) !== undefined;
  }

  /** Leaves to the host a product it takes, of operands that start at these places. */
  writeHostProduct(f: FunctionBuilder, problem: DotProblem, bases: readonly Base[]): void {
    const product = blasProduct(problem);
    invariant(product !== undefined && this.callProduct !== undefined, "no host takes this product");
    f.i32(this.products.push(product) - 1);
    const bytes = product.dtype === "float32" ? 4 : 8;
    [problem.a, problem.b, problem.out].forEach(({ offset }, i) => {
      f.get(bases[i].local)
        .i32(bases[i].address + offset * bytes)
        .op(i32.add);
    });
    f.call(this.callProduct);
  }

  /**
   * Work in `count` parts, none of which writes what another reads or writes. How work is parted must depend on its extents
   * alone, so that results do not depend on who does it. `write` is called once, with a function for any part and the local
   * that holds the part's number; it may end the part with a status other than 0, which then ends the kernel.
   *
   * `time` is an estimate for all parts on one thread, in nanoseconds: short work stays where it is. A part that has parts
   * runs them itself, in order.
   */
  parallel(
    f: FunctionBuilder,
    count: number,
    write: (part: FunctionBuilder, number: Local) => void,
    time: number = Number.POSITIVE_INFINITY,
  ): void {
    const isInner = this.inPart;
    const part = this.module.function(partParameters, ["i32"]);
    this.inPart = true;
    write(part, partNumber);
    this.inPart = isInner;
    part.i32(0);
    const number = f.local("i32");
    const status = f.local("i32");
    const inOrder = (): void => {
      f.repeat(number, 0, count, 1, () => {
        f.get(arenaBase).get(staticBase).get(number).call(part.index).tee(status);
        f.if(undefined, () => f.get(status).op(control.return));
      });
    };
    const isShared = !isInner && count > 1 && time >= worthwhile.split;
    if (isShared) this.sharedWork += Math.min(time, unknownTime);
    const { fork } = this;
    if (!isShared || fork === undefined) inOrder();
    else {
      fork.pushHasHelpers(f);
      f.if(
        undefined,
        () => {
          fork.write(f, part.index, count, time >= worthwhile.wake);
          f.tee(status);
          f.if(undefined, () => f.get(status).op(control.return));
        },
        inOrder,
      );
    }
    f.release(number);
    f.release(status);
  }

  /** The module; on shared memory where any of its work is shared. */
  finish(): { readonly bytes: Uint8Array<ArrayBuffer>; readonly isShared: boolean } {
    this.fork?.finish();
    const isShared = this.fork?.isUsed === true;
    return { bytes: this.module.finish({ sharedMemory: isShared }), isShared };
  }

  /** The next kernel may use the same scratch memory. */
  releaseScratch(): void {
    this.scratchUsed = 0;
  }

  /** Arena bytes with scratch memory. */
  get arenaBytes(): number {
    return this.scratchStart + this.scratchPeak;
  }

  /** The index of a function that is written the first time it is asked for. */
  helper(
    key: string,
    parameters: readonly ValueType[],
    results: readonly ValueType[],
    write: (body: FunctionBuilder) => void,
  ): number {
    const known = this.helpers.get(key);
    if (known !== undefined) return known.index;
    const made = this.module.function(parameters, results);
    this.helpers.set(key, made);
    write(made);
    return made.index;
  }

  /** Ends the kernel with a status; the offending index is on the stack. */
  reportOutOfRange(f: FunctionBuilder, size: number, status: number): void {
    f.globalSet(this.offendingValue).i32(size).globalSet(this.offendedSize).i32(status).op(control.return);
  }
}

/** Buffers start on cache lines. */
export function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}
