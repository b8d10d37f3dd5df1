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
): "pointwise" | "generator" | "view" | "reduce" | "dot" | "kernels" | "control" | "memory" {
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
  for (const output of graph.outputs) store(output, memory);

  // what kernels demand in memory
  for (const operation of graph.operations) {
    const { lowering } = operation.primitive;
    if (lowering.kind === "dot")
      operation.inputs.forEach((input) => {
        store(operandView(input, memory).base, memory);
      });
    else if (lowering.kind === "control")
      for (const node of [...operation.inputs, ...operation.outputs]) store(node, memory);
    else if (lowering.kind === "kernels")
      for (const i of lowering.inMemory(operation.params)) store(operation.inputs[i], memory);
    else if (needsMemoryBelow(operation)) store(operation.inputs[0], memory);
    else if (operation.primitive.name === "barrier")
      // what is computed again starts from a value, not from what that was computed from
      for (const node of [operation.inputs[0], anchorOf(operation)])
        if (uniformOf(node) === undefined) store(node, memory);
  }

  const first = decide(graph, enabled, new Set(memory), consumers);
  if (!enabled) return first;
  // a sum or product that several kernels read had better be stored as what all of them make of it
  const endings = [...first.memory].flatMap((node) =>
    memory.has(node) ? [] : (commonEnding(node, first.memory, consumers) ?? []),
  );
  if (endings.length === 0) return first;
  for (const node of endings) store(node, memory);
  return decide(graph, enabled, memory, consumers);
}

/** Puts a value in memory; a view that only renames elements shares the memory of what it views. */
function store(node: Node, memory: Set<Node>): void {
  memory.add(node);
  const renamed = renamedBy(node.operation);
  if (renamed !== null) store(renamed, memory);
}

/** What an operation gives another name or shape, in the same memory: null where it does more. */
export function renamedBy(operation: Operation | null): Node | null {
  const name = operation?.primitive.name;
  return operation !== null && (name === "reshape" || name === "barrier") ? operation.inputs[0] : null;
}

/** What has to be there before a barrier lets pass: views need no memory of their own. */
export function anchorOf(barrier: Operation): Node {
  let node = barrier.inputs[1];
  while (node.operation?.primitive.lowering.kind === "view") node = node.operation.inputs[0];
  return node;
}

/** Adds to `memory` what else had better be stored. */
function decide(
  graph: Graph,
  enabled: boolean,
  memory: Set<Node>,
  consumers: ReadonlyMap<Node, readonly Operation[]>,
): Fusion {
  const epilogueOf = new Map<Node, Node>();
  const ended = new Set<Node>();
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
      store(output, memory);
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
        if (enabled && root !== undefined && !ended.has(root) && canEnd(node, root, users, memory)) {
          epilogueOf.set(node, root);
          ended.add(root);
        } else {
          const sum = enabled ? sumWith(node, users) : undefined;
          if (sum !== undefined && !memory.has(sum) && !ended.has(sum) && canEnd(node, sum, users, memory)) {
            store(sum, memory);
            roots.set(sum, new Set([sum]));
            epilogueOf.set(node, sum);
            ended.add(sum);
          } else store(node, memory);
        }
      } else if (kind === "pointwise") {
        const weight = weights.get(node) ?? 0;
        const many = reached.size > 1;
        if (!enabled || ((many || expanded.has(node)) && weight > cheap)) store(node, memory);
      } else if (!enabled && kind === "generator") store(node, memory);
    }
    roots.set(node, memory.has(node) ? new Set([node]) : reached);
  }
  return { memory, epilogueOf };
}

/**
 * A product that is added to another, or to a sum of others, ends with that sum: of all products that make a gradient together,
 * as those of a weight that is used many times, only the sum so far need be kept.
 */
function sumWith(node: Node, users: readonly Operation[]): Node | undefined {
  const [user] = users;
  if (kindOf(node) !== "dot" || users.length !== 1 || !isSum(user)) return undefined;
  const [x, y] = user.inputs;
  const other = x === node ? y : x;
  const alike =
    kindOf(other) === "dot" ||
    (isSum(other.operation) && other.operation.inputs.some((n) => kindOf(n) === "dot"));
  return x !== y && other.id < node.id && alike ? user.outputs[0] : undefined;
}

function isSum(operation: Operation | null): operation is Operation {
  return operation?.primitive.name === "add";
}

/** Operations to look at behind a sum or product. */
const longestEnding = 16;

/**
 * The last element-wise value behind a reduction or contraction that everything else is made from: `dot + bias` before it
 * meets an activation and, later, its derivative.
 */
function commonEnding(
  node: Node,
  memory: ReadonlySet<Node>,
  consumers: ReadonlyMap<Node, readonly Operation[]>,
): Node | null {
  const kind = kindOf(node);
  if (kind !== "reduce" && kind !== "dot") return null;
  let found: Node | null = null;
  const frontier = new Set<Operation>(consumers.get(node));
  for (let steps = 0; steps < longestEnding && frontier.size > 0; steps++) {
    let next: Operation | undefined;
    for (const operation of frontier) if (next === undefined || operation.id < next.id) next = operation;
    if (next === undefined) break;
    const [result] = next.outputs;
    if (kindOf(result) !== "pointwise" || !sameShape(result.shape, node.shape) || memory.has(result)) break;
    if (frontier.size === 1) found = result;
    frontier.delete(next);
    for (const user of consumers.get(result) ?? []) frontier.add(user);
  }
  return found;
}

/** May this reduction or contraction be finished inside the kernel of `root`? Only through element-wise operations of its own shape. */
function canEnd(node: Node, root: Node, users: readonly Operation[], memory: ReadonlySet<Node>): boolean {
  if (kindOf(root) !== "pointwise" || !sameShape(root.shape, node.shape)) return false;
  const kind = kindOf(node);
  if (kind === "kernels") return false;
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
