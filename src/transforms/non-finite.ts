/**
 * Where the first NaN or infinity comes from: the operation that makes one of finite numbers, going forward or backward. The
 * function is recorded as it is for explanations, operation by operation, at once; so this takes the time of a step that is
 * not compiled, and is for when something has already gone wrong.
 */
import type { Place } from "../graph/call-site.js";
import { type Node, type Operation, readValue } from "../graph/node.js";
import { adjointsOf, recordTape, type Tape } from "./tape.js";

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

function badOf(node: Node, isBad: (value: number) => boolean): number | undefined {
  const values = readValue(node);
  for (let i = 0; i < values.length; i++) if (isBad(values[i])) return values[i];
  return undefined;
}

const isNotFinite = (value: number): boolean => !Number.isFinite(value);

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
  return inArguments(tape) ?? forward(tape) ?? backward(tape);
}

function inArguments({ leaves }: Tape): FirstNonFinite | null {
  for (const { node, path } of leaves) {
    const value = badOf(node, isNotFinite);
    if (value !== undefined) return { phase: "argument", node: path, value, place: null };
  }
  return null;
}

/** Infinities may be meant, as in a mask: only where they reach the result, or a NaN is made, has anything gone wrong. */
function forward(tape: Tape): FirstNonFinite | null {
  const { operations, output } = tape;
  const makes = (isBad: (value: number) => boolean): FirstNonFinite | null => {
    for (const operation of operations) {
      const { inputs, outputs } = operation;
      if (inputs.some((node) => badOf(node, isBad) !== undefined)) continue;
      for (const node of outputs) {
        const value = badOf(node, isBad);
        if (value !== undefined) return found(tape, operation, "forward", value);
      }
    }
    return null;
  };
  if (badOf(output, isNotFinite) !== undefined) return makes(isNotFinite) ?? makes(Number.isNaN);
  return null;
}

function backward(tape: Tape): FirstNonFinite | null {
  const { of: bars } = adjointsOf(tape);
  const isGood = (node: Node): boolean => {
    const bar = bars.get(node);
    return bar === undefined || badOf(bar, isNotFinite) === undefined;
  };
  if (tape.leaves.every(({ node }) => isGood(node))) return null;
  for (const operation of tape.operations.toReversed()) {
    const { primitive, inputs, outputs, params } = operation;
    const cotangents = outputs.map((node) => bars.get(node) ?? null);
    if (primitive.vjp === "none" || cotangents.every((bar) => bar === null)) continue;
    if (!outputs.every(isGood) || inputs.every(isGood)) continue;
    // the sum at an input may be another reader's fault: this rule alone is asked
    const needs = inputs.map((node) => bars.has(node));
    for (const bar of primitive.vjp({ primals: inputs, outputs, cotangents, params, needs })) {
      const value = bar === null ? undefined : badOf(bar, isNotFinite);
      if (value !== undefined) return found(tape, operation, "backward", value);
    }
  }
  return null;
}

function found(
  { sites }: Tape,
  operation: Operation,
  phase: "forward" | "backward",
  value: number,
): FirstNonFinite {
  const site = sites.get(operation);
  const { name } = operation.primitive;
  const called = site?.calls.at(-1);
  const node = called === undefined || called === name ? name : `${name} (of ${called})`;
  return { phase, node, value, place: site?.place ?? null };
}
