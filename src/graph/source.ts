/**
 * What a derived body computes beside what is new in it: a transform that needs more of a loop runs a body that gives the old
 * results too, and the compiler runs one loop for both.
 */
import type { Graph } from "./graph.js";

export interface BodySource {
  readonly body: Graph;
  /** For each input of the operation with that body the input of the one with the derived body. */
  readonly inputs: readonly number[];
  /** Likewise its outputs. */
  readonly outputs: readonly number[];
}

const sources = new WeakMap<Graph, BodySource>();

export function setSource(derived: Graph, source: BodySource): void {
  sources.set(derived, source);
}

export function sourceOf(body: Graph): BodySource | undefined {
  return sources.get(body);
}
