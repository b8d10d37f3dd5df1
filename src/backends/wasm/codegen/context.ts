/** What the kernels of one module share: buffers, helper functions made once, and the report of a bad index. */
import type { BufferPlan } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { Gemm } from "../../blas/library.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { ModuleBuilder } from "../assembler/module.js";
import { control, i32, type ValueType } from "../assembler/opcodes.js";
import type { WasmFeatures } from "../features.js";
import { type BlasProduct, blasProduct, type HostProducts, isWorthwhile } from "../products.js";
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
/** A part of a kernel takes its number too, and how many bytes on from the first one's its own scratch memory is. */
const partParameters: readonly ValueType[] = ["i32", "i32", "i32", "i32"];
const partNumber: Local = 2;
export const partOffset: Local = 3;
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
  /** The most that was used, by the part being written and in all. */
  private partPeak = 0;
  private scratchPeak = 0;
  private readonly host: HostProducts | undefined;
  private readonly callProduct: number | undefined;
  /** Products left to the host, in the order of their numbers. */
  readonly products: BlasProduct[] = [];
  private readonly fork: Fork | undefined;
  private readonly threads: number;
  /** While a part is written, which cannot have parts of its own. */
  inPart = false;
  /** The estimated time of all that several threads could share, in nanoseconds. */
  sharedWork = 0;
  /** How often the kernel being written runs in a run of the program. */
  private repeats = 1;

  /**
   * @param host what large products may be left to, through the import `env.multiply`
   * @param threads how many threads may share the work, which from two on needs shared memory
   */
  constructor(
    buffers: readonly BufferPlan[],
    arenaBytes: number,
    features: WasmFeatures,
    host: HostProducts | undefined,
    threads: number,
  ) {
    this.buffers = [...buffers];
    this.features = features;
    this.module = new ModuleBuilder();
    // product number, and the addresses of a, b and the result
    this.host = host;
    this.callProduct =
      host !== undefined ? this.module.importFunction("multiply", ["i32", "i32", "i32", "i32"]) : undefined;
    this.offendingValue = this.module.global();
    this.offendedSize = this.module.global();
    this.threads = threads;
    const failure = { value: this.offendingValue, size: this.offendedSize };
    this.fork = threads > 1 ? new Fork(this.module, failure, threads) : undefined;
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

  /** A buffer behind the planned arena, for the kernel at hand only; in a part, that of the one whose offset is 0. */
  scratch(dtype: BufferPlan["dtype"], length: number, bytes: number): number {
    const address = this.scratchStart + this.scratchUsed;
    this.scratchUsed = align(this.scratchUsed + bytes);
    this.partPeak = Math.max(this.partPeak, this.scratchUsed);
    this.scratchPeak = Math.max(this.scratchPeak, this.scratchUsed);
    this.buffers.push({ dtype, length, space: "arena", address });
    return this.buffers.length - 1;
  }

  /** What is written here runs so many times. */
  repeated(times: number, write: () => void): void {
    const { repeats } = this;
    this.repeats = repeats * times;
    write();
    this.repeats = repeats;
  }

  /** What is written here leaves its scratch memory to what comes after. */
  briefly(write: () => void): void {
    const used = this.scratchUsed;
    write();
    this.scratchUsed = used;
  }

  /** Whether there is a host that takes products of this size, however they lie. */
  hasHostFor(dtype: BufferPlan["dtype"], work: number): boolean {
    return this.host !== undefined && isWorthwhile(this.host, dtype, work);
  }

  /** Multiplications from which a product is worth parts. */
  partedFrom(dtype: BufferPlan["dtype"], work: number, otherwise: number): number {
    const { host } = this;
    return host !== undefined && isWorthwhile(host, dtype, work)
      ? (host.worthwhile[dtype]?.parted ?? otherwise)
      : otherwise;
  }

  /** Whether there is a host that takes this product. */
  hostTakes(problem: DotProblem): boolean {
    return this.host !== undefined && blasProduct(this.host, problem) !== undefined;
  }

  /** Leaves to the host a product it takes, of operands that start at these places. */
  writeHostProduct(
    f: FunctionBuilder,
    problem: DotProblem,
    bases: readonly Base[],
    how: Pick<Gemm, "adds" | "factor">,
  ): void {
    const product = this.host === undefined ? undefined : blasProduct(this.host, problem, how);
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
   * that holds the part's number; it may end the part with a status other than 0, which then ends the kernel. Scratch memory it
   * asks for is there once for each thread that may take part, or for each part where these are fewer.
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
    const { inPart: isInner, threads, fork } = this;
    const isShared = !isInner && count > 1 && time >= worthwhile.split;
    const part = this.module.function(partParameters, ["i32"]);
    const scratchBefore = this.scratchUsed;
    if (!isInner) this.partPeak = scratchBefore;
    this.inPart = true;
    write(part, partNumber);
    this.inPart = isInner;
    this.scratchUsed = scratchBefore;
    const scratch = this.partPeak - scratchBefore;
    part.i32(0);
    const number = f.local("i32");
    const status = f.local("i32");
    const inOrder = (): void => {
      f.repeat(number, 0, count, 1, () => {
        f.get(arenaBase).get(staticBase).get(number);
        if (isInner) f.get(partOffset);
        else f.i32(0);
        f.call(part.index).tee(status);
        f.if(undefined, () => f.get(status).op(control.return));
      });
    };
    if (isShared) this.sharedWork += this.repeats * Math.min(time, unknownTime);
    if (!isShared || fork === undefined) inOrder();
    else {
      this.scratchPeak = Math.max(this.scratchPeak, scratchBefore + scratch * Math.min(count, threads));
      fork.pushHasHelpers(f);
      f.if(
        undefined,
        () => {
          const region = { part: part.index, count, scratch, perPart: count <= threads };
          fork.write(f, region, time >= worthwhile.wake);
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
