/**
 * The way forward and the way back as a list of steps, without running them: the function is recorded on tensors that have
 * types and no values, and the rules of its derivatives are applied to those.
 */
import { graphOf, type Tensor, type TypedArray } from "../../index.js";
import {
  type CallSite,
  type Node,
  type Operation,
  recordTape,
  type Tape,
  uniformNode,
} from "../../transforms/tape.js";
import type { Work } from "./document.js";

/** One operation on the way forward, with the way back through it. */
export interface Step {
  readonly operation: Operation;
  readonly site: CallSite | undefined;
  readonly forward: Work;
  readonly backward: Work;
  /** Values of the way forward that the way back through it reads. */
  readonly saves: readonly Node[];
  /** Nodes whose adjoints it reads and adds to; empty where the cost does not depend on it. */
  readonly adjointsFrom: readonly Node[];
  readonly adjointsTo: readonly Node[];
}

export interface CostTrace {
  readonly steps: readonly Step[];
  readonly leaves: readonly Node[];
  readonly output: Node;
  readonly recomputed: boolean;
}

const bytesOf = { float32: 4, float64: 8, int32: 4, bool: 1 } as const;

/** Elements of a tensor. */
export function sizeOf({ shape }: Node): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** Bytes of a tensor; one number for all elements takes none. */
export function bytesIn(node: Node): number {
  return node.storage?.uniform === undefined ? sizeOf(node) * bytesOf[node.dtype] : 0;
}

/** Applies and reads nothing but types. */
export function traceCost(f: (...args: readonly unknown[]) => unknown, args: readonly unknown[]): CostTrace {
  let trace: CostTrace | undefined;
  const record = (...given: readonly unknown[]): Tensor[] => {
    trace = stepsOf(recordTape("explain.cost", f, given));
    return [];
  };
  graphOf(record, ...(args as readonly TypedArray[]));
  if (trace === undefined) throw new RangeError("explain.cost: nothing was recorded");
  return trace;
}

function workOf({ primitive, inputs, outputs, params }: Operation): Work {
  const bytes = [...inputs, ...outputs].reduce((sum, node) => sum + sizeOf(node) * bytesOf[node.dtype], 0);
  return { flops: primitive.cost(inputs, outputs, params).flops, bytes };
}

function stepsOf(tape: Tape): CostTrace {
  const leaves = tape.leaves.map(({ node }) => node);
  const seen = new Set<Operation>(tape.operations);
  const forward = new Set<Node>(leaves);
  for (const { inputs, outputs } of tape.operations)
    for (const node of [...inputs, ...outputs]) forward.add(node);
  const active = new Set<Node>(leaves);
  // what a stopGradient holds back is no work: it is not needed
  for (const { primitive, inputs, outputs } of tape.operations)
    if (primitive.vjp !== "none" && inputs.some((input) => active.has(input)))
      for (const output of outputs) active.add(output);
  // the sum of cotangents has the type of each: for counting, one that is no constant stands for it
  const bars = new Map<Node, Node>([[tape.output, uniformNode([], tape.output.dtype, 1)]]);
  const steps: Step[] = [];
  for (const operation of [...tape.operations].reverse()) {
    const { primitive, inputs, outputs, params } = operation;
    const own = { operation, site: tape.sites.get(operation), forward: workOf(operation) };
    const received = outputs.filter((output) => bars.has(output));
    if (primitive.vjp === "none" || received.length === 0 || !outputs.some((output) => active.has(output))) {
      steps.push({ ...own, backward: none, saves: [], adjointsFrom: [], adjointsTo: [] });
      continue;
    }
    const needs = inputs.map((input) => active.has(input));
    const cotangents = outputs.map((output) => bars.get(output) ?? null);
    const given = primitive.vjp({ primals: inputs, outputs, cotangents, params, needs });
    const made = operationsTo(given, seen);
    let { flops, bytes } = sumOf(made.map(workOf));
    const adjointsTo: Node[] = [];
    inputs.forEach((input, k) => {
      const bar = given[k];
      if (bar === null || !needs[k]) return;
      const sofar = bars.get(input);
      const isConstant = bar.storage !== null;
      if (sofar !== undefined && !(isConstant && sofar.storage !== null)) {
        flops += sizeOf(input);
        bytes += 3 * bytesIn(input);
      }
      // a sum with a constant is no constant: what follows has to be computed
      if (sofar === undefined || !isConstant) bars.set(input, bar);
      adjointsTo.push(input);
    });
    const saves = new Set(made.flatMap((one) => one.inputs.filter((input) => forward.has(input))));
    steps.push({ ...own, backward: { flops, bytes }, saves: [...saves], adjointsFrom: received, adjointsTo });
  }
  return { steps: steps.reverse(), leaves, output: tape.output, recomputed: tape.recomputed.size > 0 };
}

const none: Work = { flops: 0, bytes: 0 };

export function sumOf(works: readonly Work[]): Work {
  return works.reduce(
    (sum, { flops, bytes }) => ({ flops: sum.flops + flops, bytes: sum.bytes + bytes }),
    none,
  );
}

/** The operations that made these nodes and were not seen before. */
function operationsTo(nodes: readonly (Node | null)[], seen: Set<Operation>): Operation[] {
  const found: Operation[] = [];
  const pending = nodes.flatMap((node) => (node === null ? [] : [node]));
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const { operation } = node;
    if (operation === null || seen.has(operation) || operation.primitive.name === "alias") continue;
    seen.add(operation);
    found.push(operation);
    pending.push(...operation.inputs);
  }
  return found;
}
