/** What computes: a device evaluates one operation at a time, and compiles graphs. */
import type { TypedArray } from "./dtype.js";
import type { Graph } from "./graph.js";
import type { EvaluateContext, Primitive } from "./primitive.js";
import type { Storage } from "./storage.js";

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

export interface Device {
  readonly name: DeviceName;
  evaluate<P>(
    primitive: Primitive<P>,
    inputs: readonly TypedArray[],
    context: EvaluateContext<P>,
  ): readonly TypedArray[];
  compile(graph: Graph, options: CompileOptions): Executable;
}

let current: Device | undefined;

export function setCurrentDevice(device: Device): void {
  current = device;
}

/** Evaluates with the primitives' own reference code until a device is chosen. */
export function currentDevice(): Device | undefined {
  return current;
}
