/**
 * A recorded function as a chain of steps, cut where little is alive.
 *
 * A cut lies between two operations; what was computed before it and is read behind it is all that has to be kept to begin there
 * again. Between two costly operations (products, loops, calls) there is one cut, where the fewest bytes cross; of equals the
 * last from which the way back does not need the costly operation's result: behind relu or tanh, whose derivative their value
 * knows, but before gelu.
 */
import type { Graph } from "../graph/graph.js";
import type { Node, Operation } from "../graph/node.js";
import { bytesPerElement } from "../types/dtype.js";
import { sizeOf } from "../types/shape.js";
import { endsByValue } from "./checkpoint-ending.js";
import type { Step } from "./checkpoint-plan.js";

export interface Chain {
  /** Positions of operations: step i is operations cuts[i] to cuts[i + 1]. */
  readonly cuts: readonly number[];
  readonly steps: readonly Step[];
  /** The last operation that reads a value, the number of operations where the function gives it. */
  readonly lastUse: ReadonlyMap<Node, number>;
}

/** Steps beyond which neighbours become one. */
const mostSteps = 128;
/** A cut is left out that so many times as many bytes cross as one near it in front, and as one near it behind. */
const wide = 2;
/** So many cuts away is near: the products of one transformer block. */
const near = 8;
/** A value behind the activation must be smaller by this to be worth computing the product in front again. */
const muchSmaller = 0.75;

/** Rules that read neither their operands nor their result. */
const linear = new Set(
  "add sub neg sum reshape permute flip broadcast pad slice concat windowAdd cast alias barrier".split(" "),
);

export function chainOf(graph: Graph): Chain {
  const { operations, outputs } = graph;
  const lastUse = new Map<Node, number>();
  operations.forEach(({ inputs }, i) => {
    for (const input of inputs) lastUse.set(input, i);
  });
  for (const output of outputs) lastUse.set(output, operations.length);
  const crossing = crossingBytes(operations, lastUse);

  const inner = withoutWide(
    gapsOf(operations).map((gap) => bestIn(gap, operations, crossing)),
    crossing,
  );
  const every = Math.ceil((inner.length + 1) / mostSteps);
  const cuts = [0, ...inner.filter((_, i) => (i + 1) % every === 0), operations.length];
  const unit = middle(cuts.slice(1, -1).map((at) => crossing[at]));
  const steps = cuts.slice(1).map((to, i) => stepOf(operations.slice(cuts[i], to), to, lastUse, unit));
  return { cuts, steps, lastUse };
}

/** @param to the position behind the step */
function stepOf(
  operations: readonly Operation[],
  to: number,
  lastUse: ReadonlyMap<Node, number>,
  unit: number,
): Step {
  let cost = 0;
  // the last costly operation is not computed again: what follows it is known by its value, or does not need it
  let again = 0;
  for (const operation of operations) {
    const { primitive, inputs, outputs, params } = operation;
    if (isCostly(operation)) again = cost;
    cost += primitive.cost(inputs, outputs, params).flops;
  }
  let inner = 0;
  const crosses = (node: Node): boolean => (lastUse.get(node) ?? -1) >= to;
  for (const node of heldBy(operations)) if (!crosses(node)) inner += bytesOf(node);
  return { cost, again, inner: inner / unit };
}

/**
 * What the derivatives of products are made of, and of what else is computed from products: element-wise values in between are
 * computed where they are read.
 */
function heldBy(operations: readonly Operation[]): Set<Node> {
  const made = new Set(operations.flatMap(({ outputs }) => outputs));
  const held = new Set<Node>();
  /** The product that a value is the same as, but for linear operations. */
  const source = new Map<Node, Node>();
  for (const operation of operations) {
    const { primitive, inputs, outputs } = operation;
    if (isCostly(operation)) {
      for (const input of inputs) if (made.has(viewed(input))) held.add(viewed(input));
      for (const output of outputs) source.set(output, output);
      continue;
    }
    for (const input of inputs) {
      const product = source.get(input);
      if (product === undefined) continue;
      if (linear.has(primitive.name)) for (const output of outputs) source.set(output, product);
      else if (primitive.vjp !== "none") held.add(endsByValue(operation) ? outputs[0] : product);
    }
  }
  return held;
}

function viewed(node: Node): Node {
  let base = node;
  while (base.operation?.primitive.lowering.kind === "view") base = base.operation.inputs[0];
  return base;
}

function isCostly({ primitive: { lowering } }: Operation): boolean {
  return lowering.kind === "dot" || lowering.kind === "control" || lowering.kind === "inline";
}

const bytesOf = ({ shape, dtype }: Node): number => sizeOf(shape) * bytesPerElement(dtype);

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 1;
}

/** For each position the bytes of what is computed before it and read behind it. */
function crossingBytes(operations: readonly Operation[], lastUse: ReadonlyMap<Node, number>): Float64Array {
  const change = new Float64Array(operations.length + 2);
  operations.forEach(({ outputs }, i) => {
    for (const output of outputs) {
      change[i + 1] += bytesOf(output);
      change[(lastUse.get(output) ?? i) + 1] -= bytesOf(output);
    }
  });
  for (let i = 1; i < change.length; i++) change[i] += change[i - 1];
  return change;
}

interface Gap {
  /** The first and last position between two costly operations. */
  readonly first: number;
  readonly last: number;
}

function gapsOf(operations: readonly Operation[]): Gap[] {
  const places = operations.map((_, i) => i);
  const costly = places.filter((i) => isCostly(operations[i]));
  // a chain of functions of elements: each of them is a step
  const ends = costly.length > 1 ? costly : places;
  return ends.slice(1).map((last, i) => ({ first: ends[i] + 1, last }));
}

function bestIn({ first, last }: Gap, operations: readonly Operation[], crossing: Float64Array): number {
  let smallest = first;
  let known = first;
  /** Is all between the costly operation and here differentiated without that operation's result? */
  let isKnown = true;
  let ended = false;
  for (let at = first + 1; at <= last; at++) {
    if (crossing[at] <= crossing[smallest]) smallest = at;
    const operation = operations[at - 1];
    if (isKnown && endsByValue(operation) && !ended) ended = true;
    else if (operation.primitive.vjp !== "none") isKnown &&= !ended && linear.has(operation.primitive.name);
    if (isKnown && crossing[at] <= crossing[known]) known = at;
  }
  return crossing[smallest] < muchSmaller * crossing[known] ? smallest : known;
}

/** Leaves out cuts inside of blocks, where several values cross and before and behind there is one. */
function withoutWide(cuts: readonly number[], crossing: Float64Array): number[] {
  // nothing crosses where the function begins and ends
  const narrower = (others: readonly number[], at: number): boolean =>
    others.length === 0 || others.some((other) => wide * crossing[other] <= crossing[at]);
  return cuts.filter((at, i) => {
    const isWide =
      cuts.length > 1 &&
      narrower(cuts.slice(Math.max(0, i - near), i), at) &&
      narrower(cuts.slice(i + 1, i + 1 + near), at);
    return crossing[at] > 0 && !isWide;
  });
}
