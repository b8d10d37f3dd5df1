/**
 * A compiled schedule with its buffers: write the inputs, run, read the outputs.
 *
 * Arena buffers hold what was written only until another program runs; static ones as long as the program.
 */

import { leavesOf } from "../../compiler/nested.js";
import type { Schedule } from "../../loops/ir.js";
import type { DType, TypedArray } from "../../types/dtype.js";
import { AdjointError, invariant } from "../../util/errors.js";
import { leastOperations } from "../blas/found.js";
import { type Blas, findBlas } from "../blas/library.js";
import { type WasmFeatures, wasmFeatures } from "./features.js";
import { heapLesson } from "./heap.js";
import { type Instance, type InstanceOptions, instantiate, release } from "./instance.js";
import type { WasmMemory } from "./memory.js";
import { commonPool, type Pool } from "./threads/pool.js";
import { threads } from "./threads/settings.js";

/** What programs held that were dropped without `dispose`. */
let abandoned: FinalizationRegistry<Parameters<typeof release>[0]> | undefined;

export interface ProgramOptions {
  /** By default that of all programs, shared by threads where they share its work; one given here stays with one thread. */
  readonly memory?: WasmMemory;
  readonly features?: WasmFeatures;
  /** Multiplies large matrices; by default the system's BLAS, where there is one, and null for none. */
  readonly blas?: Blas | null;
  /** Makes `runKernel` possible. Default false. */
  readonly exportKernels?: boolean;
  /** Whose threads share the work; by default the pool of all programs, when more than one thread is wanted. */
  readonly pool?: Pool;
}

export class WasmProgram {
  readonly schedule: Schedule;
  private readonly options: InstanceOptions;
  private readonly pool: () => Pool | undefined;
  private instance: Instance;
  private disposed = false;
  /** After a run that was refused: the kernel that did it, those before it have run; or where they end, if all may have. */
  stoppedAt = -1;

  /** @throws AdjointError `device` without SIMD or when its static buffers find no room */
  constructor(schedule: Schedule, options: ProgramOptions = {}) {
    const { memory, exportKernels = false } = options;
    this.schedule = schedule;
    const blas = options.blas === undefined ? blasFor(schedule) : (options.blas ?? undefined);
    this.options = { features: options.features ?? wasmFeatures(), blas, exportKernels, memory };
    this.pool = () => {
      if (memory !== undefined || threads() === 1) return undefined;
      return options.pool ?? commonPool();
    };
    this.instance = instantiate(schedule, this.options, this.pool());
    this.watch();
  }

  private watch(): void {
    const { memory, staticBase, shared } = this.instance;
    abandoned ??= new FinalizationRegistry(release);
    abandoned.register(this, { memory, staticBase, ...(shared && { shared }) }, this);
  }

  /** Copies `values` into a buffer of the same length and dtype. */
  write(buffer: number, values: TypedArray): void {
    const target = this.view(buffer);
    invariant(values.length === target.length, `${values.length} values for a buffer of ${target.length}`);
    target.set(values);
  }

  /** What it takes of the arena, the scratch memory of its kernels included. */
  get arenaBytes(): number {
    return this.instance.arenaBytes;
  }

  /** A copy of a buffer. */
  read(buffer: number): TypedArray {
    const view = this.view(buffer);
    heapLesson.count(view.byteLength);
    // a copy by a constructor is not filled with zeros first, as one by slice is: 1.5 against 1.75 ms for 2 × 4 MB and their use
    switch (this.schedule.buffers[buffer].dtype) {
      case "bool":
        return new Uint8Array(view);
      case "int32":
        return new Int32Array(view);
      case "float32":
        return new Float32Array(view);
      case "float64":
        return new Float64Array(view);
    }
  }

  /** A buffer in place: valid until memory grows, which making or running any program may cause. bool as bytes. */
  view(buffer: number): TypedArray {
    invariant(!this.disposed, "the program was disposed");
    const { dtype, length, space, address } = this.schedule.buffers[buffer];
    const { memory, arenaBytes, staticBase } = this.instance;
    const base = space === "arena" ? memory.arena(arenaBytes) : staticBase;
    return viewOf(dtype, memory.memory.buffer, base + address, length);
  }

  /**
   * @throws AdjointError `index-out-of-range` when an index was outside of its axis, and `worker-lost` when a thread has ended in
   * the middle of its work
   */
  run(): void {
    invariant(!this.disposed, "the program was disposed");
    if (this.instance.sharedWork > 0) this.meetThreads();
    const { memory, arenaBytes, staticBase, exports } = this.instance;
    // a run that throws may have stopped anywhere
    this.stoppedAt = this.schedule.kernels.length;
    const status = exports.run(memory.arena(arenaBytes), staticBase);
    if (status === 0) return;
    let leaves = 0;
    this.stoppedAt = this.schedule.kernels.findIndex((kernel) => {
      leaves += leavesOf([kernel]).length;
      return leaves >= status;
    });
    const kernel = leavesOf(this.schedule.kernels)[status - 1].name;
    // what people call it
    const name = kernel === "gather" || kernel === "boundIndex" ? "take" : kernel;
    const value = Number(exports.offendingValue.value);
    const size = Number(exports.offendedSize.value);
    const expected = `-${size} ≤ index < ${size}`;
    throw new AdjointError(
      "index-out-of-range",
      `${name}: index ${value} is out of range for an axis of size ${size} (${expected})`,
      { operation: name, argument: "indices", expected, received: String(value) },
    );
  }

  /** Runs one kernel alone, in a program made with `exportKernels`. */
  runKernel(kernel: number): void {
    if (this.instance.sharedWork > 0) this.meetThreads();
    const { memory, arenaBytes, staticBase, kernels } = this.instance;
    const run = kernels[`kernel${kernel}`];
    invariant(run !== undefined, "the program was made without exported kernels");
    run(memory.arena(arenaBytes), staticBase);
  }

  /**
   * Tells the threads what is to be done. Where there were none when the program was made, it moves to their memory; where
   * there were fewer, it is made again with room for all.
   */
  private meetThreads(): void {
    if (this.instance.mostThreads < threads()) {
      const pool = this.pool();
      if (pool !== undefined) this.moveTo(pool);
    }
    const { shared } = this.instance;
    shared?.pool.prepare(shared.program);
  }

  private moveTo(pool: Pool): void {
    const before = this.instance;
    const { arenaBytes, staticBytes } = this.schedule;
    // copies, as the arena itself moves when it grows
    const contentsOf = (from: number, bytes: number): Uint8Array =>
      new Uint8Array(before.memory.memory.buffer, from, bytes).slice();
    const kept = contentsOf(before.staticBase, staticBytes);
    const inArena = contentsOf(before.memory.arena(before.arenaBytes), arenaBytes);
    this.instance = instantiate(this.schedule, this.options, pool);
    const { memory, staticBase } = this.instance;
    const arena = memory.arena(this.instance.arenaBytes);
    const target = new Uint8Array(memory.memory.buffer);
    target.set(kept, staticBase);
    target.set(inArena, arena);
    abandoned?.unregister(this);
    release(before);
    this.watch();
  }

  /** Gives the static block back; the program cannot be used again. */
  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    abandoned?.unregister(this);
    release(this.instance);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The system's BLAS where it has something to do: loading it takes some 20 ms. */
function blasFor({ kernels }: Schedule): Blas | undefined {
  const isLarge = leavesOf(kernels).some((kernel) => {
    if (kernel.kind !== "dot") return false;
    const { batch, m, n, k } = kernel;
    return 2 * batch.reduce((product, extent) => product * extent, m * n * k) >= leastOperations;
  });
  return isLarge ? findBlas().blas : undefined;
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
