/**
 * A compiled schedule with its buffers: write the inputs, run, read the outputs.
 *
 * Arena buffers hold what was written only until another program runs; static ones as long as the program.
 */

import type { Schedule } from "../../loops/ir.js";
import type { DType, TypedArray } from "../../types/dtype.js";
import { AdjointError, invariant } from "../../util/errors.js";
import { type Blas, findBlas } from "../blas/library.js";
import { compileSchedule } from "./codegen/schedule.js";
import { type WasmFeatures, wasmFeatures } from "./features.js";
import { sharedMemory, type WasmMemory } from "./memory.js";
import { runProduct } from "./products.js";

/** Blocks of programs that were dropped without `dispose`. */
let abandoned: FinalizationRegistry<{ readonly memory: WasmMemory; readonly block: number }> | undefined;

/** What a compiled module exports. */
interface ProgramExports {
  readonly run: (arenaBase: number, staticBase: number) => number;
  readonly offendingValue: WebAssembly.Global;
  readonly offendedSize: WebAssembly.Global;
}

/** With `exportKernels`, each kernel by its name. */
type KernelExports = Readonly<
  Record<string, ((arenaBase: number, staticBase: number) => number) | undefined>
>;

export class WasmProgram {
  readonly schedule: Schedule;
  private readonly memory: WasmMemory;
  private readonly arenaBytes: number;
  private readonly staticBase: number;
  private readonly exports: ProgramExports;
  private readonly kernels: KernelExports;
  private disposed = false;
  /** The kernel at which the last run stopped, where one did: those before it have run. */
  stoppedAt = -1;

  /** @throws AdjointError `device` without SIMD or when its static buffers find no room */
  constructor(
    schedule: Schedule,
    options: {
      readonly memory?: WasmMemory;
      readonly features?: WasmFeatures;
      /** Multiplies large matrices; by default the system's BLAS, where there is one, and null for none. */
      readonly blas?: Blas | null;
      /** Makes `runKernel` possible. Default false. */
      readonly exportKernels?: boolean;
    } = {},
  ) {
    this.schedule = schedule;
    this.memory = options.memory ?? sharedMemory();
    const blas = options.blas === undefined ? findBlas().blas : (options.blas ?? undefined);
    const features = options.features ?? wasmFeatures();
    const { bytes, arenaBytes, products } = compileSchedule(schedule, features, {
      hostProducts: blas !== undefined,
      exportKernels: options.exportKernels === true,
    });
    this.arenaBytes = arenaBytes;
    const { memory } = this.memory;
    const multiply = (product: number, a: number, b: number, out: number): void => {
      if (blas !== undefined) runProduct(blas, products[product], blas.address(memory.buffer), a, b, out);
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory, multiply } });
    this.exports = programExports(instance);
    this.kernels = kernelExports(instance);
    this.staticBase = this.memory.allocate(schedule.staticBytes);
    try {
      this.memory.arena(arenaBytes);
    } catch (error) {
      this.memory.release(this.staticBase);
      throw error;
    }
    abandoned ??= new FinalizationRegistry(({ memory, block }) => memory.release(block));
    abandoned.register(this, { memory: this.memory, block: this.staticBase }, this);
  }

  /** Copies `values` into a buffer of the same length and dtype. */
  write(buffer: number, values: TypedArray): void {
    const target = this.view(buffer);
    invariant(values.length === target.length, `${values.length} values for a buffer of ${target.length}`);
    target.set(values);
  }

  /** A copy of a buffer. */
  read(buffer: number): TypedArray {
    return this.view(buffer).slice();
  }

  /** A buffer in place: valid until memory grows, which making or running any program may cause. bool as bytes. */
  view(buffer: number): TypedArray {
    invariant(!this.disposed, "the program was disposed");
    const { dtype, length, space, address } = this.schedule.buffers[buffer];
    const base = space === "arena" ? this.memory.arena(this.arenaBytes) : this.staticBase;
    return viewOf(dtype, this.memory.memory.buffer, base + address, length);
  }

  /** @throws AdjointError `index-out-of-range` when an index was outside of its axis */
  run(): void {
    invariant(!this.disposed, "the program was disposed");
    const status = this.exports.run(this.memory.arena(this.arenaBytes), this.staticBase);
    if (status === 0) return;
    this.stoppedAt = status - 1;
    const kernel = this.schedule.kernels[status - 1].name;
    // what people call it
    const name = kernel === "gather" || kernel === "boundIndex" ? "take" : kernel;
    const value = Number(this.exports.offendingValue.value);
    const size = Number(this.exports.offendedSize.value);
    const expected = `-${size} ≤ index < ${size}`;
    throw new AdjointError(
      "index-out-of-range",
      `${name}: index ${value} is out of range for an axis of size ${size} (${expected})`,
      { operation: name, argument: "indices", expected, received: String(value) },
    );
  }

  /** Runs one kernel alone, in a program made with `exportKernels`. */
  runKernel(kernel: number): void {
    const run = this.kernels[`kernel${kernel}`];
    invariant(run !== undefined, "the program was made without exported kernels");
    run(this.memory.arena(this.arenaBytes), this.staticBase);
  }

  /** Gives the static block back; the program cannot be used again. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    abandoned?.unregister(this);
    this.memory.release(this.staticBase);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function viewOf(dtype: DType, buffer: ArrayBuffer, address: number, length: number): TypedArray {
  switch (dtype) {
    case "bool":
      return new Uint8Array(buffer, address, length);
    case "int32":
      return new Int32Array(buffer, address, length);
    case "float32":
      return new Float32Array(buffer, address, length);
    case "float64":
      return new Float64Array(buffer, address, length);
  }
}

/** The engine types exports as unknown; the code generator in this folder is what guarantees them. */
function programExports(instance: WebAssembly.Instance): ProgramExports {
  return instance.exports as unknown as ProgramExports;
}

/** Likewise. */
function kernelExports(instance: WebAssembly.Instance): KernelExports {
  return instance.exports as unknown as KernelExports;
}
