/**
 * fuse: decides which values get memory. Everything else melts into the kernels that read it: element-wise chains and
 * views into their consumers, a reduction or contraction into the element-wise operation that follows it.
 *
 * Requires: a flat graph. Guarantees: every value some kernel needs in memory is in `memory`; a value that is in
 * none of the sets is recomputed where it is read.
 */
import type { Graph } from "../graph/graph.js";
import type { Node, Operation } from "../graph/node.js";
import { identityIndex } from "../loops/lowering.js";
import { sameShape, sizeOf } from "../types/shape.js";
import { operandView } from "./operand.js";
import { uniformOf } from "./rewrite.js";

export interface Fusion {
  /** Values that are stored: each is the root of a kernel, an input, a constant, or shares the memory of one. */
  readonly memory: ReadonlySet<Node>;
  /** Reductions and contractions computed inside the kernel of a later element-wise root. */
  readonly epilogueOf: ReadonlyMap<Node, Node>;
}

/** Recomputing up to this many simple operations beats a trip through memory. */
const cheap = 4;
/** Larger expressions are cut: they would outgrow the registers. */
const largest = 48;
const transcendental = new Set(
  "exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh sigmoid erf pow atan2 mod".split(" "),
);

/** What an operation does to loops; captures and inputs have none. */
export function kindOf(
  node: Node,
): "pointwise" | "generator" | "view" | "reduce" | "dot" | "kernels" | "memory" {
  const kind = node.operation?.primitive.lowering.kind;
  return kind === undefined || kind === "inline" ? "memory" : kind;
}

/** Is the operation's input needed in memory because the view's index has no affine inverse? */
export function needsMemoryBelow(operation: Operation): boolean {
  const { lowering } = operation.primitive;
  if (lowering.kind !== "view") return false;
  const output = operation.outputs[0];
  const rank = output.shape.length;
  const context = { params: operation.params, inputs: operation.inputs, output };
  return lowering.index(identityIndex(rank, rank), context) === null;
}

export function fuse(graph: Graph, enabled: boolean): Fusion {
  const memory = new Set<Node>([
    ...graph.inputs,
    ...graph.captures.filter((node) => uniformOf(node) === undefined),
  ]);
  const consumers = new Map<Node, Operation[]>();
  for (const operation of graph.operations)
    for (const input of new Set(operation.inputs)) {
      const list = consumers.get(input) ?? [];
      list.push(operation);
      consumers.set(input, list);
    }
  /** Puts a value in memory; a view that only renames elements shares the memory of what it views. */
  const store = (node: Node): void => {
    memory.add(node);
    if (node.operation?.primitive.name === "reshape") store(node.operation.inputs[0]);
  };
  for (const output of graph.outputs) store(output);

  // what kernels demand in memory
  for (const operation of graph.operations) {
    const { lowering } = operation.primitive;
    if (lowering.kind === "dot")
      operation.inputs.forEach((input) => {
        store(operandView(input, memory).base);
      });
    else if (lowering.kind === "kernels")
      for (const i of lowering.inMemory(operation.params)) store(operation.inputs[i]);
    else if (needsMemoryBelow(operation)) store(operation.inputs[0]);
  }

  const epilogueOf = new Map<Node, Node>();
  const roots = new Map<Node, ReadonlySet<Node>>();
  const expanded = new Set<Node>();
  const weights = new Map<Node, number>();
  // weights from the leaves up, as if nothing more were stored: an upper bound that keeps expressions small
  for (const operation of graph.operations) {
    const [output] = operation.outputs;
    const own = kindOf(output) === "pointwise" ? (transcendental.has(operation.primitive.name) ? 10 : 1) : 0;
    let weight = own;
    for (const input of new Set(operation.inputs))
      weight += memory.has(input) ? 0 : (weights.get(input) ?? 0);
    if (!enabled || kindOf(output) === "reduce" || kindOf(output) === "dot" || kindOf(output) === "kernels")
      weight = 0;
    if (weight > largest && kindOf(output) === "pointwise") {
      store(output);
      weight = 0;
    }
    weights.set(output, weight);
  }

  for (let at = graph.operations.length - 1; at >= 0; at--) {
    const operation = graph.operations[at];
    const [node] = operation.outputs;
    const kind = kindOf(node);
    const users = consumers.get(node) ?? [];
    const reached = new Set<Node>();
    for (const user of users) {
      const [result] = user.outputs;
      for (const root of roots.get(result) ?? [result]) reached.add(root);
      const userKind = kindOf(result);
      const repeats = userKind === "view" && sizeOf(result.shape) > sizeOf(node.shape);
      if (repeats || (expanded.has(result) && !memory.has(result))) expanded.add(node);
    }
    if (!memory.has(node)) {
      if (kind === "reduce" || kind === "dot" || kind === "kernels") {
        const root = reached.size === 1 ? [...reached][0] : undefined;
        if (enabled && root !== undefined && canEnd(node, root, users, memory, epilogueOf))
          epilogueOf.set(node, root);
        else store(node);
      } else if (kind === "pointwise") {
        const weight = weights.get(node) ?? 0;
        const many = reached.size > 1;
        if (!enabled || ((many || expanded.has(node)) && weight > cheap)) store(node);
      } else if (!enabled && kind === "generator") store(node);
    }
    roots.set(node, memory.has(node) ? new Set([node]) : reached);
  }
  return { memory, epilogueOf };
}

/** May this reduction or contraction be finished inside the kernel of `root`? Only through element-wise operations of its own shape. */
function canEnd(
  node: Node,
  root: Node,
  users: readonly Operation[],
  memory: ReadonlySet<Node>,
  taken: ReadonlyMap<Node, Node>,
): boolean {
  if (kindOf(root) !== "pointwise" || !sameShape(root.shape, node.shape)) return false;
  if ([...taken.values()].includes(root)) return false;
  const kind = kindOf(node);
  if (kind === "kernels") return false;
  if (kind === "dot" && !hasPlainLoops(node)) return false;
  const pending = [...users];
  for (let user = pending.pop(); user !== undefined; user = pending.pop()) {
    const [result] = user.outputs;
    if (kindOf(result) !== "pointwise") return false;
    if (result !== root) {
      if (memory.has(result)) return false;
      // follow the element-wise operations between the node and the root
      pending.push(...between(result, root, memory));
    }
  }
  return true;
}

/** One row axis and one column axis at most: the loops of the contraction are then axes of its output. */
function hasPlainLoops(node: Node): boolean {
  const operation = node.operation;
  if (operation === null || operation.primitive.lowering.kind !== "dot") return false;
  const { batchA, contractA, contractB } = operation.primitive.lowering.dimensions(operation.params);
  const [a, b] = operation.inputs;
  const free = (input: Node, contract: readonly number[]): number =>
    input.shape.length - batchA.length - contract.length;
  return free(a, contractA) <= 1 && free(b, contractB) <= 1;
}

/** Operations between `from` (exclusive) and `root` that read `from`, found from the root's side within its kernel. */
function between(from: Node, root: Node, memory: ReadonlySet<Node>): Operation[] {
  const found: Operation[] = [];
  const seen = new Set<Node>();
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (seen.has(node) || node.operation === null || node.id < from.id) continue;
    if (node !== root && memory.has(node)) continue;
    seen.add(node);
    if (node.operation.inputs.includes(from)) found.push(node.operation);
    pending.push(...node.operation.inputs);
  }
  return found;
}
