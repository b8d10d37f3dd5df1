/**
 * Where the first NaN or infinity comes from: the operation that makes one of finite numbers, going forward or backward. The
 * function is recorded as it is for explanations, operation by operation, at once; so this takes the time of a step that is
 * not compiled, and is for when something has already gone wrong.
 */
import type { Place } from "../graph/call-site.js";
import { type Node, type Operation, readValue } from "../graph/node.js";
import type { TypedArray } from "../types/dtype.js";
import { type Adjoints, adjointsOf, recordTape, type Tape } from "./tape.js";

/** The first number that is not finite. */
export interface FirstNonFinite {
  /** Whether an argument had it already, or which way the function was gone through. */
  readonly phase: "argument" | "forward" | "backward";
  /** The operation, with the function of the library it belongs to, such as `log (of entropy)`; the path of an argument. */
  readonly node: string;
  readonly value: number;
  /** The line in the user's code that asked for it, where the stack tells. */
  readonly place: Place | null;
}

/** The same on a tape, before it is put into words. */
export type NonFiniteOnTape =
  | { readonly phase: "argument"; readonly path: string; readonly made: TypedArray; readonly at: number }
  | {
      readonly phase: "forward" | "backward";
      readonly operation: Operation;
      /** The result, or the cotangent of an input, that has it. */
      readonly made: TypedArray;
      /** Where in it. */
      readonly at: number;
    };

/** The index of the first bad element, -1 where there is none. */
function firstBad(values: ArrayLike<number>, isBad: (value: number) => boolean = isNotFinite): number {
  for (let i = 0; i < values.length; i++) if (isBad(values[i])) return i;
  return -1;
}

const isNotFinite = (value: number): boolean => !Number.isFinite(value);
const isSound = (node: Node, isBad = isNotFinite): boolean => firstBad(readValue(node), isBad) < 0;

/**
 * The first NaN or infinity of a scalar function or its gradient; null where all is finite.
 *
 * @param f tensors in the tree of its argument to a scalar
 */
export function firstNonFinite(
  operation: string,
  f: (tree: unknown) => unknown,
  tree: unknown,
): FirstNonFinite | null {
  const tape = recordTape(operation, (given) => f(given), [tree]);
  const found = locateNonFinite(tape, adjointsOf(tape));
  if (found === null) return null;
  const value = found.made[found.at];
  if (found.phase === "argument") return { phase: "argument", node: found.path, value, place: null };
  const place = tape.sites.get(found.operation)?.place ?? null;
  return { phase: found.phase, node: nameOnTape(tape, found.operation), value, place };
}

/** The operation, with the function of the library it belongs to: `log (of entropy)`. */
export function nameOnTape({ sites }: Tape, operation: Operation): string {
  const { name } = operation.primitive;
  const called = sites.get(operation)?.calls.at(-1);
  return called === undefined || called === name ? name : `${name} (of ${called})`;
}

/** The first NaN or infinity on a tape; null where its result and gradient are finite. */
export function locateNonFinite(tape: Tape, adjoints: Adjoints): NonFiniteOnTape | null {
  return inArguments(tape) ?? forward(tape) ?? backward(tape, adjoints);
}

function inArguments({ leaves }: Tape): NonFiniteOnTape | null {
  for (const { node, path } of leaves) {
    const made = readValue(node);
    const at = firstBad(made);
    if (at >= 0) return { phase: "argument", path, made, at };
  }
  return null;
}

/** Infinities may be meant, as in a mask: only where they reach the result, or a NaN is made, has anything gone wrong. */
function forward({ operations, output }: Tape): NonFiniteOnTape | null {
  if (isSound(output)) return null;
  const makes = (isBad: (value: number) => boolean): NonFiniteOnTape | null => {
    for (const operation of operations) {
      if (!operation.inputs.every((node) => isSound(node, isBad))) continue;
      for (const node of operation.outputs) {
        const made = readValue(node);
        const at = firstBad(made, isBad);
        if (at >= 0) return { phase: "forward", operation, made, at };
      }
    }
    return null;
  };
  return makes(isNotFinite) ?? makes(Number.isNaN);
}

function backward({ leaves, operations }: Tape, { of: bars }: Adjoints): NonFiniteOnTape | null {
  const isGood = (node: Node): boolean => {
    const bar = bars.get(node);
    return bar === undefined || isSound(bar);
  };
  if (leaves.every(({ node }) => isGood(node))) return null;
  for (const operation of operations.toReversed()) {
    const { primitive, inputs, outputs, params } = operation;
    const cotangents = outputs.map((node) => bars.get(node) ?? null);
    if (primitive.vjp === "none" || cotangents.every((bar) => bar === null)) continue;
    if (!outputs.every(isGood) || inputs.every(isGood)) continue;
    // the sum at an input may be another reader's fault: this rule alone is asked
    const needs = inputs.map((node) => bars.has(node));
    for (const bar of primitive.vjp({ primals: inputs, outputs, cotangents, params, needs })) {
      if (bar === null) continue;
      const made = readValue(bar);
      const at = firstBad(made);
      if (at >= 0) return { phase: "backward", operation, made, at };
    }
  }
  return null;
}
