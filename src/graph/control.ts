/**
 * Operations that run graphs: a scan, a choice, a loop. Their parameters are what the compiler, printers and transforms
 * know of them. The graphs are closed: what they use of the outside is among the inputs, but for constants of one number.
 */
import type { Graph } from "./graph.js";

/**
 * Inputs: constants (the same in every step), carries (from step to step), sequences (a slice along axis 0 each step).
 * The body takes constants, carries, slices and gives new carries and slices; outputs are the last carries, and
 * sequences of the slices.
 */
export interface ScanParams {
  readonly kind: "scan";
  readonly body: Graph;
  readonly constants: number;
  readonly carries: number;
  /** Steps. */
  readonly length: number;
  /** From the last slice to the first. */
  readonly reverse: boolean;
  /** For reverse mode: whether steps are computed again instead of kept. */
  readonly recompute: boolean;
}

/** Inputs: a bool, and operands, which both graphs take; only one of them runs. */
export interface CondParams {
  readonly kind: "cond";
  readonly onTrue: Graph;
  readonly onFalse: Graph;
}

/** Inputs: constants, carries. Both graphs take all of them; the condition gives a bool, the body new carries. */
export interface WhileParams {
  readonly kind: "while";
  readonly condition: Graph;
  readonly body: Graph;
  readonly constants: number;
}

export type Control = ScanParams | CondParams | WhileParams;

/** What it runs. */
export function graphsOf(control: Control): readonly Graph[] {
  switch (control.kind) {
    case "scan":
      return [control.body];
    case "cond":
      return [control.onTrue, control.onFalse];
    case "while":
      return [control.condition, control.body];
  }
}

/** The same with other graphs. */
export function mapGraphs(control: Control, map: (graph: Graph) => Graph): Control {
  switch (control.kind) {
    case "scan":
      return { ...control, body: map(control.body) };
    case "cond":
      return { ...control, onTrue: map(control.onTrue), onFalse: map(control.onFalse) };
    case "while":
      return { ...control, condition: map(control.condition), body: map(control.body) };
  }
}
