/** What computes: a device evaluates one operation at a time, and compiles graphs. */
import type { TypedArray } from "../types/dtype.js";
import type { Graph } from "./graph.js";
import type { EvaluateContext, Primitive } from "./primitive.js";
import type { Storage } from "./storage.js";

/** The devices there are. */
export type DeviceName = "wasm" | "reference";

/** A compiled graph. */
export interface Executable {
  /** One storage per graph input, in order; gives one per graph output. */
  run(inputs: readonly Storage[]): Storage[];
}

export interface CompileOptions {
  /** For each graph input: its storage may be overwritten, the caller never reads it again. */
  readonly donated: readonly boolean[];
}

/** One kernel (or, on the reference device, one operation) of a profiled program. */
export interface KernelTiming {
  /** What it computes, as people write it. */
  readonly name: string;
  /** The primitives that were fused into it. */
  readonly operation: string;
  readonly extents: string;
  readonly flops: number;
  readonly bytes: number;
  /** Of each run, in microseconds since the first of them began. */
  readonly starts: readonly number[];
  /** Of each run, in microseconds. */
  readonly times: readonly number[];
}

/** What a program needs while it runs, in bytes. */
export interface ProgramMemory {
  /** Constants and donated state: kept from run to run. */
  readonly staticBytes: number;
  /** Everything else, in one arena that all programs share. */
  readonly arenaBytes: number;
  /** What of everything else is alive at once where it is most: no arena can be smaller. */
  readonly liveBytes: number;
}

/** What is profiled. */
export interface ProfileRequest {
  readonly graph: Graph;
  readonly inputs: readonly Storage[];
  /** For each input its path, the argument's name in front: `model.layers.0.weight`. */
  readonly paths: readonly string[];
  readonly donated: readonly boolean[];
  readonly runs: number;
}

export interface ProfiledProgram {
  readonly kernels: readonly KernelTiming[];
  readonly memory: ProgramMemory;
}

export interface Device {
  readonly name: DeviceName;
  evaluate<P>(
    primitive: Primitive<P>,
    inputs: readonly TypedArray[],
    context: EvaluateContext<P>,
  ): readonly TypedArray[];
  compile(graph: Graph, options: CompileOptions): Executable;
  /** Runs the graph a number of times, timing each of its kernels. */
  profile(request: ProfileRequest): ProfiledProgram;
}

let current: Device | undefined;
let chooseDefault: (() => Device) | undefined;

export function setCurrentDevice(device: Device): void {
  current = device;
}

/** How the device is chosen when something is first computed and none was set. */
export function setDefaultDevice(choose: () => Device): void {
  chooseDefault = choose;
}

/** What computes; undefined only where the public face was not loaded. */
export function currentDevice(): Device | undefined {
  current ??= chooseDefault?.();
  return current;
}
