/** What the kernels of one module share: buffers, helper functions made once, and the report of a bad index. */
import type { BufferPlan } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { ModuleBuilder } from "../assembler/module.js";
import { control, i32, type ValueType } from "../assembler/opcodes.js";
import type { WasmFeatures } from "../features.js";
import { type BlasProduct, blasProduct } from "../products.js";
import type { DotProblem } from "./dot-problem.js";

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

  /** @param hostProducts whether the host multiplies large matrices, through the import `env.multiply` */
  constructor(
    buffers: readonly BufferPlan[],
    arenaBytes: number,
    features: WasmFeatures,
    hostProducts: boolean,
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

  /** Leaves a product to the host, where there is one that takes it; false where it must be computed here. */
  writeHostProduct(f: FunctionBuilder, problem: DotProblem): boolean {
    const product = this.callProduct === undefined ? undefined : blasProduct(problem);
    if (product === undefined || this.callProduct === undefined) return false;
    f.i32(this.products.push(product) - 1);
    const bytes = product.dtype === "float32" ? 4 : 8;
    for (const { buffer, offset } of [problem.a, problem.b, problem.out]) {
      const { local, address } = this.base(buffer);
      f.get(local)
        .i32(address + offset * bytes)
        .op(i32.add);
    }
    f.call(this.callProduct);
    return true;
  }

  /**
   * Work in `count` parts, none of which writes what another reads or writes. How work is parted must depend on its extents
   * alone, so that results do not depend on who does it. `write` is called once, with a function for any part and the local
   * that holds the part's number; it may end the part with a status other than 0, which then ends the kernel.
   */
  parallel(f: FunctionBuilder, count: number, write: (part: FunctionBuilder, number: Local) => void): void {
    const part = this.module.function(partParameters, ["i32"]);
    write(part, partNumber);
    part.i32(0);
    const number = f.local("i32");
    const status = f.local("i32");
    f.repeat(number, 0, count, 1, () => {
      f.get(arenaBase).get(staticBase).get(number).call(part.index).tee(status);
      f.if(undefined, () => f.get(status).op(control.return));
    });
    f.release(number);
    f.release(status);
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
