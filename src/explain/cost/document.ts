/** What a gradient costs, as plain data: versioned like the explanation itself. */
import type { DType } from "../../index.js";
import type { SourcePlace } from "../document.js";

/** Floating-point operations (a multiply-add is two, a function such as exp one) and bytes read and written. */
export interface Work {
  readonly flops: number;
  readonly bytes: number;
}

/** One operation of the function, and what the way back through it takes. */
export interface OperationCost {
  readonly primitive: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly place: SourcePlace | null;
  /** The library's functions on the way there, outermost first. */
  readonly calls: readonly string[];
  readonly forward: Work;
  readonly backward: Work;
  /** Bytes of its result that are kept because the way back reads it. */
  readonly savedBytes: number;
}

/** All operations that one line of the user's code asked for. */
export interface LineCost {
  readonly place: SourcePlace | null;
  readonly operations: number;
  readonly forward: Work;
  readonly backward: Work;
  readonly savedBytes: number;
}

/** One way to all derivatives. */
export interface MethodCost {
  readonly method: "reverse" | "forward" | "centredDifferences";
  /** How often what is run: one forward and backward pass, a pass for each parameter, two runs for each. */
  readonly runs: number;
  readonly flopsPerRun: number;
  readonly flops: number;
  /** Its operations over those of reverse mode. */
  readonly ratio: number;
  /** Seconds of one run, compiled, the median of several; null where nothing was measured. */
  readonly secondsPerRun: number | null;
  /** Of all runs: measured once, times their number. */
  readonly seconds: number | null;
}

/** One way to have what the way back needs. */
export interface StrategyCost {
  /** `written`: with the checkpoints the function has; only where it has some. */
  readonly strategy: "store" | "segments" | "recompute" | "written";
  readonly flops: number;
  /** Of which computed a second time. */
  readonly repeatedFlops: number;
  readonly peakBytes: number;
  /** Bytes alive after each step: values and adjoints from their making to their last use, without the arguments. */
  readonly timeline: readonly number[];
  /** The step at which the way back begins. */
  readonly turn: number;
}

/** What the gradient of a function costs. */
export interface CostDocument {
  readonly format: "adjoint-cost";
  readonly version: 1;
  readonly function: string;
  /** Numbers the function is differentiated towards. */
  readonly parameters: number;
  readonly forward: Work;
  readonly backward: Work;
  readonly savedBytes: number;
  readonly operations: readonly OperationCost[];
  /** In the order of their first operation. */
  readonly lines: readonly LineCost[];
  readonly methods: readonly MethodCost[];
  readonly strategies: readonly StrategyCost[];
}
