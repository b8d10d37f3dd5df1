/** Strided views of memory: how a contraction reads its operands without copying them first. */
import type { Node } from "../graph/node.js";
import { mapLoads } from "../loops/expr.js";
import type { Expr, LoopKernel } from "../loops/ir.js";
import { type Affine, identityIndex } from "../loops/lowering.js";
import { range, type Shape, stridesOf } from "../types/shape.js";
import { uniformOf } from "./rewrite.js";

/** Element (i₀, i₁, …) of a value is at offset + Σ strides[axis] · i of the base's memory. */
export interface OperandView {
  readonly base: Node;
  readonly offset: number;
  readonly strides: readonly number[];
}

/** An affine index of a contiguous value, as one offset and one stride a loop. */
export function flattenIndex(
  index: readonly Affine[],
  shape: Shape,
  loops: number,
): { offset: number; strides: number[] } {
  const own = stridesOf(shape);
  const strides = new Array<number>(loops).fill(0);
  let offset = 0;
  index.forEach((affine, axis) => {
    offset += own[axis] * affine.offset;
    affine.coefficients.forEach((coefficient, loop) => {
      strides[loop] += own[axis] * coefficient;
    });
  });
  return { offset, strides };
}

/** Follows affine views down to a value that is, or can be, in memory. */
export function operandView(node: Node, memory: ReadonlySet<Node>): OperandView {
  const rank = node.shape.length;
  let base = node;
  let index: readonly Affine[] = identityIndex(rank, rank);
  while (!memory.has(base) && base.operation !== null && base.operation.primitive.lowering.kind === "view") {
    const { operation } = base;
    const { lowering } = operation.primitive;
    if (lowering.kind !== "view") break;
    const below = lowering.index(index, { params: operation.params, inputs: operation.inputs, output: base });
    // a constant has no memory of its own to view
    if (below === null || uniformOf(operation.inputs[0]) !== undefined) break;
    index = below;
    base = operation.inputs[0];
  }
  return { base, ...flattenIndex(index, base.shape, rank) };
}

/** Several axes as one of stride `stride`, where they nest without gaps; null where they do not. */
export function mergeAxes(extents: readonly number[], strides: readonly number[]): number | null {
  let stride = 1;
  let covered: number | null = null;
  for (let axis = extents.length - 1; axis >= 0; axis--) {
    if (extents[axis] === 1) continue;
    if (covered === null) stride = strides[axis];
    else if (strides[axis] !== covered) return null;
    covered = strides[axis] * extents[axis];
  }
  return stride;
}

/** An affine index with one coefficient for each of `loops` loops. */
export function spanning(affine: Affine, loops: number): Affine {
  if (affine.coefficients.length === loops) return affine;
  const coefficients = range(loops).map((loop) => affine.coefficients[loop] ?? 0);
  return { offset: affine.offset, coefficients };
}

/** A value of rank 0 is read without naming a loop: its loads get a stride of 0 for each. */
export function fitLoads(kernel: LoopKernel): LoopKernel {
  const loops = kernel.loops.length;
  const fitted = (expr: Expr): Expr =>
    mapLoads(expr, (load) => ({ ...load, strides: range(loops).map((loop) => load.strides[loop] ?? 0) }));
  const stores = kernel.stores.map((store) => ({
    ...store,
    value: fitted(store.value),
    ...(store.at === undefined ? {} : { at: fitted(store.at) }),
  }));
  return { ...kernel, stores };
}
