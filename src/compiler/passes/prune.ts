/**
 * prune: drops what nobody reads of what scans, choices and loops give, and with it what only that was computed from.
 *
 * Purpose: what a way back might have needed is neither computed nor kept where there is no way back.
 * Requires: a flat graph. Guarantees: the same values. A loop's carry stays where a carry or slice that is read, or a
 * condition, depends on it.
 *
 *     %2, %3 = scan(%1) {carry; slices}   with %3 unread   →   %2 = scan(%1) {carry}
 */
import type { CondParams, Control, ScanParams, WhileParams } from "../../graph/control.js";
import { evaluateGraph, type Graph, makeGraph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import { range } from "../../types/shape.js";
import { rewrite } from "../rewrite.js";

/** The operation with less: which inputs and outputs are left, and the parameters for them. */
interface Pruned {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly control: Control;
}

export function prune(graph: Graph): Graph {
  const live = new Set<Node>(graph.outputs);
  const pruned = new Map<Operation, Pruned>();
  const dead = new Set<Operation>();
  for (const operation of [...graph.operations].reverse()) {
    const { primitive, inputs, outputs, params } = operation;
    const { lowering } = primitive;
    const read = outputs.map((output) => live.has(output));
    if (!read.includes(true)) {
      dead.add(operation);
      continue;
    }
    if (lowering.kind !== "control") {
      for (const input of inputs) live.add(input);
      continue;
    }
    const less = without(lowering.control(params), read);
    for (const i of less.inputs) live.add(inputs[i]);
    if (less.inputs.length < inputs.length || less.outputs.length < outputs.length)
      pruned.set(operation, less);
  }
  if (pruned.size === 0) return graph;
  return rewrite(graph, (leaves) =>
    evaluateGraph(graph, leaves, (operation, operands) => {
      // nobody reads what these give
      if (dead.has(operation)) return operation.outputs;
      const less = pruned.get(operation);
      if (less === undefined) return bindAll(operation.primitive, operands, operation.params);
      const given = bindAll(
        operation.primitive,
        less.inputs.map((i) => operands[i]),
        less.control,
      );
      const results = [...operation.outputs];
      less.outputs.forEach((output, i) => {
        results[output] = given[i];
      });
      return results;
    }),
  );
}

function without(control: Control, read: readonly boolean[]): Pruned {
  switch (control.kind) {
    case "scan":
      return scanWithout(control, read);
    case "cond":
      return condWithout(control, read);
    case "while":
      return whileWithout(control, read);
  }
}

/** Inputs that these outputs of a graph depend on. */
function neededFor(graph: Graph, outputs: readonly number[]): boolean[] {
  const needed = new Set(outputs.map((i) => graph.outputs[i]));
  for (let at = graph.operations.length - 1; at >= 0; at--) {
    const operation = graph.operations[at];
    if (operation.outputs.some((output) => needed.has(output)))
      for (const input of operation.inputs) needed.add(input);
  }
  return graph.inputs.map((input) => needed.has(input));
}

const part = (graph: Graph, inputs: readonly number[], outputs: readonly number[]): Graph =>
  makeGraph(
    inputs.map((i) => graph.inputs[i]),
    outputs.map((i) => graph.outputs[i]),
  );

/**
 * Adds the carries that those in the set, and whatever else is wanted, depend on.
 * @returns the inputs needed then
 */
function addCarries(
  body: Graph,
  constants: number,
  count: number,
  carries: Set<number>,
  others: readonly number[],
): boolean[] {
  for (;;) {
    const needed = neededFor(body, [...carries, ...others]);
    const { size } = carries;
    for (const i of range(count)) if (needed[constants + i]) carries.add(i);
    if (carries.size === size) return needed;
  }
}

const sorted = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);

function scanWithout(control: ScanParams, read: readonly boolean[]): Pruned {
  const { body, constants, carries } = control;
  const wanted = range(read.length).filter((i) => read[i]);
  const slices = wanted.filter((i) => i >= carries);
  const kept = new Set(wanted.filter((i) => i < carries));
  const needed = addCarries(body, constants, carries, kept, slices);
  const keptCarries = sorted(kept);
  const keptConstants = range(constants).filter((i) => needed[i]);
  const inputs = [
    ...keptConstants,
    ...keptCarries.map((i) => constants + i),
    ...range(needed.length).filter((i) => i >= constants + carries && needed[i]),
  ];
  const outputs = [...keptCarries, ...slices];
  return {
    inputs,
    outputs,
    control: {
      ...control,
      body: part(body, inputs, outputs),
      constants: keptConstants.length,
      carries: keptCarries.length,
    },
  };
}

function condWithout(control: CondParams, read: readonly boolean[]): Pruned {
  const outputs = range(read.length).filter((i) => read[i]);
  const [yes, no] = [control.onTrue, control.onFalse].map((graph) => neededFor(graph, outputs));
  const operands = range(yes.length).filter((i) => yes[i] || no[i]);
  return {
    inputs: [0, ...operands.map((i) => i + 1)],
    outputs,
    control: {
      kind: "cond",
      onTrue: part(control.onTrue, operands, outputs),
      onFalse: part(control.onFalse, operands, outputs),
    },
  };
}

function whileWithout({ condition, body, constants }: WhileParams, read: readonly boolean[]): Pruned {
  const asked = neededFor(condition, [0]);
  const kept = new Set(range(read.length).filter((i) => read[i] || asked[constants + i]));
  const needed = addCarries(body, constants, read.length, kept, []);
  const outputs = sorted(kept);
  const keptConstants = range(constants).filter((i) => needed[i] || asked[i]);
  const inputs = [...keptConstants, ...outputs.map((i) => constants + i)];
  return {
    inputs,
    outputs,
    control: {
      kind: "while",
      condition: part(condition, inputs, [0]),
      body: part(body, inputs, outputs),
      constants: keptConstants.length,
    },
  };
}
