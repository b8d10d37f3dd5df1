/** A compiled schedule in a memory: its module, and where its buffers lie. On one thread's memory, or on shared memory. */
import type { Schedule } from "../../loops/ir.js";
import { identityOf } from "../../util/tree.js";
import { type Blas, findBlas } from "../blas/library.js";
import { type CompiledSchedule, compileSchedule } from "./codegen/schedule.js";
import type { WasmFeatures } from "./features.js";
import { ordinaryMemory, type WasmMemory } from "./memory.js";
import { runProduct } from "./products.js";
import type { Pool, SharedProgram } from "./threads/pool.js";
import { threads } from "./threads/settings.js";

/** What a compiled module exports. */
export interface ProgramExports {
  readonly run: (arenaBase: number, staticBase: number) => number;
  readonly offendingValue: WebAssembly.Global;
  readonly offendedSize: WebAssembly.Global;
}

/** With `exportKernels`, each kernel by its name. */
export type KernelExports = Readonly<
  Record<string, ((arenaBase: number, staticBase: number) => number) | undefined>
>;

export interface InstanceOptions {
  readonly features: WasmFeatures;
  readonly blas: Blas | undefined;
  readonly exportKernels: boolean;
  /** The memory to use where no thread shares the work. */
  readonly memory?: WasmMemory | undefined;
}

export interface Instance {
  readonly memory: WasmMemory;
  readonly arenaBytes: number;
  readonly staticBase: number;
  readonly exports: ProgramExports;
  readonly kernels: KernelExports;
  /** Estimated nanoseconds of work in a run that threads could share. */
  readonly sharedWork: number;
  /** There is scratch memory for so many. */
  readonly mostThreads: number;
  /** Who shares it, and as what; absent where nobody does. */
  readonly shared?: { readonly pool: Pool; readonly program: SharedProgram };
}

let lastNumber = 0;

interface Code extends CompiledSchedule {
  readonly module: WebAssembly.Module;
}

/** Of schedules that are still in use, by what the code depends on beside them. */
const written = new WeakMap<Schedule, Map<string, Code>>();

/** The code of a schedule, written once: what the engine has made of it is used again, too. */
function codeOf(
  schedule: Schedule,
  { features, blas, exportKernels }: InstanceOptions,
  threads: number,
): Code {
  const ways = written.get(schedule) ?? new Map<string, Code>();
  written.set(schedule, ways);
  const key = `${JSON.stringify(features)} ${blas === undefined ? "" : identityOf(blas)} ${exportKernels} ${threads}`;
  let code = ways.get(key);
  if (code === undefined) {
    const compiled = compileSchedule(schedule, features, { host: blas, exportKernels, threads });
    code = { ...compiled, module: new WebAssembly.Module(compiled.bytes) };
    ways.set(key, code);
  }
  return code;
}

/**
 * @param pool whose workers share what work can be shared; without, one thread does it all
 * @throws AdjointError `device` when its buffers find no room
 */
export function instantiate(schedule: Schedule, options: InstanceOptions, pool: Pool | undefined): Instance {
  const { blas } = options;
  const mostThreads = pool === undefined ? 1 : threads();
  const compiled = codeOf(schedule, options, mostThreads);
  const { bytes, arenaBytes, products, sharedWork } = compiled;
  const sharing = compiled.isShared ? pool : undefined;
  const place = sharing?.memory ?? options.memory ?? ordinaryMemory();
  const { memory } = place;
  const multiply = (product: number, a: number, b: number, out: number): void => {
    if (blas !== undefined) runProduct(blas, products[product], blas.address(memory.buffer), a, b, out);
  };
  const imports = { env: { memory, multiply, stalled: () => sharing?.stalled() } };
  const instance = new WebAssembly.Instance(compiled.module, imports);
  const staticBase = place.allocate(schedule.staticBytes);
  try {
    place.arena(arenaBytes);
  } catch (error) {
    place.release(staticBase);
    throw error;
  }
  const made = {
    memory: place,
    arenaBytes,
    staticBase,
    exports: programExports(instance),
    kernels: kernelExports(instance),
    sharedWork,
    mostThreads,
  };
  if (sharing === undefined) return made;
  // workers load the library of the system, and know no other
  const callable = products.length === 0 || blas === findBlas().blas;
  const program = { number: ++lastNumber, bytes, products: callable ? products : null, sharedWork };
  return { ...made, shared: { pool: sharing, program } };
}

/** Gives back what an instance holds of its memory. */
export function release({
  memory,
  staticBase,
  shared,
}: Pick<Instance, "memory" | "staticBase" | "shared">): void {
  memory.release(staticBase);
  shared?.pool.forget(shared.program.number);
}

/** The engine types exports as unknown; the code generator in this folder is what guarantees them. */
function programExports(instance: WebAssembly.Instance): ProgramExports {
  return instance.exports as unknown as ProgramExports;
}

/** Likewise. */
function kernelExports(instance: WebAssembly.Instance): KernelExports {
  return instance.exports as unknown as KernelExports;
}
