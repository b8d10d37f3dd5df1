/**
 * lower: turns the fused graph into kernels over buffers.
 *
 * Requires: the fusion decided. Guarantees: kernels in an order in which every buffer is complete before it is read, one
 * buffer for each value in memory (views that only rename elements share one).
 */

import type { Graph } from "../graph/graph.js";
import { type Node, type Operation, readValue } from "../graph/node.js";
import type { Expr, Kernel, Reduction, Store } from "../loops/ir.js";
import { type Affine, identityIndex } from "../loops/lowering.js";
import type { DType, TypedArray } from "../types/dtype.js";
import { range, sizeOf, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { type LowerGraph, lowerControl } from "./control.js";
import { dotProblem } from "./dot.js";
import { anchorOf, type Fusion, kindOf, renamedBy } from "./fuse.js";
import { fitLoads, flattenIndex, spanning } from "./operand.js";
import { uniformOf } from "./rewrite.js";

export interface BufferSpec {
  readonly dtype: DType;
  readonly length: number;
  /** What the buffer always holds, where it is a constant. */
  readonly constant?: TypedArray;
}

export interface Lowered {
  readonly buffers: BufferSpec[];
  readonly kernels: Kernel[];
  /** Buffers of the graph's inputs and outputs. */
  readonly inputs: number[];
  readonly outputs: number[];
}

/** @param lowerGraph lowers the graphs inside operations */
export function lower(graph: Graph, fusion: Fusion, lowerGraph: LowerGraph): Lowered {
  const lowering = new LoweringPass(fusion, lowerGraph);
  const inputs = graph.inputs.map((input) => lowering.allocateFor(input));
  for (const operation of graph.operations) lowering.lowerOperation(operation);
  return {
    buffers: lowering.buffers,
    kernels: lowering.kernels,
    inputs,
    outputs: graph.outputs.map((output) => lowering.bufferOf(output)),
  };
}

/** What an expression is built for: the loops it runs in, and what is already computed there. */
interface KernelScope {
  readonly loops: number;
  readonly reduced: ReadonlyMap<Node, Expr>;
  readonly memo: Map<string, Expr>;
  /** What must be there before the kernel may run, though it does not read it. */
  readonly after: Set<number>;
}

class LoweringPass {
  readonly buffers: BufferSpec[] = [];
  readonly kernels: Kernel[] = [];
  private readonly bufferOfNode = new Map<Node, number>();
  private readonly fusion: Fusion;
  private readonly endings = new Map<Node, Node>();

  private readonly lowerGraph: LowerGraph;

  constructor(fusion: Fusion, lowerGraph: LowerGraph) {
    this.fusion = fusion;
    this.lowerGraph = lowerGraph;
    for (const [node, root] of fusion.epilogueOf) this.endings.set(root, node);
  }

  newBuffer(dtype: DType, length: number, constant?: TypedArray): number {
    this.buffers.push(constant === undefined ? { dtype, length } : { dtype, length, constant });
    return this.buffers.length - 1;
  }

  allocateFor(node: Node): number {
    const id = this.newBuffer(node.dtype, sizeOf(node.shape));
    this.bufferOfNode.set(node, id);
    return id;
  }

  /** The buffer that holds a value; constants get theirs when first asked for. */
  bufferOf(node: Node): number {
    const known = this.bufferOfNode.get(node);
    if (known !== undefined) return known;
    invariant(!node.isAbstract, `%${node.id} is read before it is computed`);
    const id = this.newBuffer(node.dtype, sizeOf(node.shape), readValue(node));
    this.bufferOfNode.set(node, id);
    return id;
  }

  lowerOperation(operation: Operation): void {
    const [node] = operation.outputs;
    const { lowering } = operation.primitive;
    if (lowering.kind === "control") {
      lowerControl(this, operation, lowering.control(operation.params), this.lowerGraph);
      return;
    }
    if (!this.fusion.memory.has(node)) return;
    const kind = kindOf(node);
    const renamed = renamedBy(operation);
    if (renamed !== null) {
      this.bufferOfNode.set(node, this.bufferOf(renamed));
      return;
    }
    const ending = this.endings.get(node);
    if (kind === "kernels") this.emitOwn(operation);
    else if (kind === "dot") this.emitDot(node, node);
    else if (kind === "reduce") this.emitReduce(node, node);
    else if (ending !== undefined && kindOf(ending) === "dot") this.emitDot(ending, node);
    else if (ending !== undefined) this.emitReduce(ending, node);
    else this.emitPointwise(node);
  }

  /** The expression of element `index` of a value. */
  private read(node: Node, index: readonly Affine[], scope: KernelScope): Expr {
    const constant = node.isAbstract ? undefined : uniformOf(node);
    if (constant !== undefined) return { kind: "constant", dtype: node.dtype, value: constant };
    const done = scope.reduced.get(node);
    if (done !== undefined) return done;
    const fitted = index.map((affine) => spanning(affine, scope.loops));
    const key = `${node.id}:${fitted.map((a) => `${a.offset},${a.coefficients.join(",")}`).join(";")}`;
    let expr = scope.memo.get(key);
    if (expr === undefined) {
      expr = this.build(node, fitted, scope);
      scope.memo.set(key, expr);
    }
    return expr;
  }

  private build(node: Node, index: readonly Affine[], scope: KernelScope): Expr {
    const operation = node.operation;
    if (operation?.primitive.name === "barrier") this.waitFor(anchorOf(operation), scope);
    if (this.bufferOfNode.has(node) || operation === null || this.fusion.memory.has(node)) {
      const buffer = this.bufferOf(node);
      return { kind: "load", dtype: node.dtype, buffer, ...flattenIndex(index, node.shape, scope.loops) };
    }
    const { lowering } = operation.primitive;
    const context = { params: operation.params, inputs: operation.inputs, output: node };
    switch (lowering.kind) {
      case "pointwise":
        return lowering.expr(
          operation.inputs.map((input) => this.read(input, index, scope)),
          context,
        );
      case "generator":
        return lowering.expr(index, context);
      case "view": {
        const below = lowering.index(index, context);
        if (below !== null) return this.read(operation.inputs[0], below, scope);
        // a reshape that merges axes: the input is in memory, and contiguous memory has every shape
        const buffer = this.bufferOf(operation.inputs[0]);
        return { kind: "load", dtype: node.dtype, buffer, ...flattenIndex(index, node.shape, scope.loops) };
      }
      default:
        invariant(false, `${operation.primitive.name} is read before it has memory`);
    }
  }

  /** Notes that a kernel computes something again, so that it is not moved to where that was computed first. */
  private waitFor(node: Node, scope: KernelScope): void {
    if (node.operation !== null) scope.after.add(this.bufferOf(node));
  }

  private scope(
    loops: number,
    reduced: ReadonlyMap<Node, Expr> = new Map(),
    after: Set<number> = new Set(),
  ): KernelScope {
    return { loops, reduced, memo: new Map(), after };
  }

  private emitPointwise(node: Node): void {
    const rank = node.shape.length;
    const scope = this.scope(rank);
    const value = this.computeRoot(node, identityIndex(rank, rank), scope);
    const buffer = this.allocateFor(node);
    this.kernels.push({
      kind: "loops",
      name: describe(node),
      loops: node.shape,
      reducedLoops: 0,
      reductions: [],
      stores: [{ buffer, offset: 0, strides: stridesOf(node.shape), value }],
      ...waiting(scope.after),
    });
  }

  /** The expression that computes a value that is about to be stored (it has no buffer to load from yet). */
  private computeRoot(node: Node, index: readonly Affine[], scope: KernelScope): Expr {
    const operation = node.operation;
    invariant(operation !== null, "a root without an operation");
    const { lowering } = operation.primitive;
    const context = { params: operation.params, inputs: operation.inputs, output: node };
    if (lowering.kind === "pointwise")
      return lowering.expr(
        operation.inputs.map((input) => this.read(input, index, scope)),
        context,
      );
    if (lowering.kind === "generator") return lowering.expr(index, context);
    invariant(lowering.kind === "view", `${operation.primitive.name} as the root of a loop`);
    const below = lowering.index(index, context);
    if (below !== null) return this.read(operation.inputs[0], below, scope);
    const buffer = this.bufferOf(operation.inputs[0]);
    return { kind: "load", dtype: node.dtype, buffer, ...flattenIndex(index, node.shape, scope.loops) };
  }

  private emitReduce(node: Node, root: Node): void {
    const operation = node.operation;
    invariant(
      operation !== null && operation.primitive.lowering.kind === "reduce",
      "a reduction without an operation",
    );
    const { lowering } = operation.primitive;
    const [input] = operation.inputs;
    const axes = lowering.axes(operation.params);
    const kept = range(input.shape.length).filter((axis) => !axes.includes(axis));
    const order = [...kept, ...axes];
    const loops = order.map((axis) => input.shape[axis]);
    const counters = identityIndex(order.length, order.length);
    const index = input.shape.map((_, axis) => counters[order.indexOf(axis)]);
    const scope = this.scope(order.length);
    const value = this.read(input, index, scope);
    const reduction: Reduction = { op: lowering.op, dtype: node.dtype, value };
    this.kernels.push({
      kind: "loops",
      name: node === root ? describe(node) : `${describe(node)} → ${describe(root)}`,
      loops,
      reducedLoops: axes.length,
      reductions: [reduction],
      stores: [
        this.ending(node, root, kept.length, counters.slice(0, kept.length), loops.length, scope.after),
      ],
      ...waiting(scope.after),
    });
  }

  /** The store of a finished reduction or contraction, through the element-wise operations fused behind it. */
  private ending(
    node: Node,
    root: Node,
    kept: number,
    index: readonly Affine[],
    loops: number,
    after?: Set<number>,
  ): Store {
    const finished: Expr = { kind: "reduced", dtype: node.dtype, index: 0 };
    const value =
      node === root
        ? finished
        : this.computeRoot(
            root,
            index.map((affine) => spanning(affine, loops)),
            this.scope(loops, new Map([[node, finished]]), after),
          );
    const buffer = this.allocateFor(root);
    return {
      buffer,
      offset: 0,
      strides: flattenIndex(index, root.shape, loops).strides.slice(0, kept),
      value,
    };
  }

  private emitDot(node: Node, root: Node): void {
    const rank = node.shape.length;
    this.kernels.push({
      kind: "dot",
      name: node === root ? describe(node) : `${describe(node)} → ${describe(root)}`,
      dtype: node.dtype,
      ...dotProblem(node, this.fusion.memory, (base) => this.bufferOf(base)),
      stores: [this.ending(node, root, rank, identityIndex(rank, rank), rank)],
    });
  }

  private emitOwn(operation: Operation): void {
    const { lowering } = operation.primitive;
    invariant(lowering.kind === "kernels", "own kernels");
    const [output] = operation.outputs;
    // inputs first: asking for their buffers must not come between the kernels below
    for (const i of lowering.inMemory(operation.params)) this.bufferOf(operation.inputs[i]);
    const outputBuffer = this.allocateFor(output);
    const scopes = new Map<number, KernelScope>();
    const after = new Set<number>();
    lowering.emit({
      params: operation.params,
      inputs: operation.inputs,
      output,
      name: describe(output),
      outputBuffer,
      buffer: (i) => this.bufferOf(operation.inputs[i]),
      read: (i, index) => {
        const loops = index[0]?.coefficients.length ?? 0;
        let scope = scopes.get(loops);
        if (scope === undefined) {
          scope = this.scope(loops, undefined, after);
          scopes.set(loops, scope);
        }
        return this.read(operation.inputs[i], index, scope);
      },
      emit: (kernel) => {
        this.kernels.push(kernel.kind === "loops" ? { ...fitLoads(kernel), ...waiting(after) } : kernel);
      },
    });
  }
}

function waiting(after: ReadonlySet<number>): { after?: readonly number[] } {
  return after.size === 0 ? {} : { after: [...after] };
}

/** `mul(sigmoid, sub)`: the operation and what is near it, for profiles. */
function describe(node: Node): string {
  const operation = node.operation;
  return operation === null ? `%${node.id}` : operation.primitive.name;
}
