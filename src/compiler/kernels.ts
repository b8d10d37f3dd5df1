/** What passes ask of kernels: the expressions in them, and the buffers they read and write. */
import { dotLoops } from "../loops/dot.js";
import { expressionsUnder } from "../loops/expr.js";
import type { ControlKernel, DotKernel, Expr, Kernel, LoopKernel, Store } from "../loops/ir.js";
import { isControl, leavesOf, listsOf, ownBuffers } from "./nested.js";

/** Kernels that are loops with stores. */
export type Nest = LoopKernel | DotKernel;

export function isNest(kernel: Kernel): kernel is Nest {
  return kernel.kind === "loops" || kernel.kind === "dot";
}

/** The extents of the loops around the stores. */
export function pointsOf(kernel: Nest): readonly number[] {
  if (kernel.kind === "dot") return dotLoops(kernel);
  return kernel.loops.slice(0, kernel.loops.length - kernel.reducedLoops);
}

/** The extents of all loops that loads have strides for. */
export function loopsOf(kernel: Nest): readonly number[] {
  return kernel.kind === "dot" ? pointsOf(kernel) : kernel.loops;
}

/** The expressions a kernel starts from. */
export function rootsOf(kernel: Nest): Expr[] {
  const roots = kernel.kind === "dot" ? [] : kernel.reductions.map(({ value }) => value);
  for (const { value, at } of kernel.stores) roots.push(...(at === undefined ? [value] : [value, at]));
  return roots;
}

/** The kernel with its expressions, and the places it stores to, changed. */
export function mapNest<K extends Nest>(
  kernel: K,
  map: (expr: Expr) => Expr,
  moveStore: (store: Store) => Store = (store) => store,
): K {
  const stores = kernel.stores.map((store): Store => {
    const moved = moveStore({ ...store, value: map(store.value) });
    return store.at === undefined ? moved : { ...moved, at: map(store.at) };
  });
  if (kernel.kind === "dot") return { ...kernel, stores };
  const reductions = kernel.reductions.map((reduction) => ({ ...reduction, value: map(reduction.value) }));
  return { ...kernel, stores, reductions };
}

/** Buffers a kernel reads or writes, or waits for. */
export function buffersOf(kernel: Kernel): Set<number> {
  const used = readsOf(kernel);
  for (const buffer of outputsOf(kernel)) used.add(buffer);
  return used;
}

/** Buffers a kernel writes. */
export function outputsOf(kernel: Kernel): Set<number> {
  switch (kernel.kind) {
    case "scan":
    case "cond":
    case "while":
      return insideOf(kernel);
    case "loops":
    case "dot":
      return new Set(kernel.stores.map(({ buffer }) => buffer));
    case "rows":
      return new Set(kernel.parts.flatMap((part) => [...outputsOf(part)]));
    case "cumsum":
    case "argsort":
    case "factor":
    case "substitute":
    case "randomBits":
      return new Set([kernel.output]);
  }
}

/** Buffers a kernel reads, adds to, or waits for. */
export function readsOf(kernel: Kernel): Set<number> {
  switch (kernel.kind) {
    case "scan":
    case "cond":
    case "while":
      return insideOf(kernel);
    case "rows":
      return new Set(kernel.parts.flatMap((part) => [...readsOf(part)]));
    case "cumsum":
    case "argsort":
    case "factor":
      return new Set([kernel.input]);
    case "substitute":
      return new Set([kernel.factors, kernel.input]);
    case "randomBits":
      return new Set([kernel.keys]);
    case "loops":
    case "dot":
      break;
  }
  const read = new Set<number>();
  for (const expr of expressionsUnder(rootsOf(kernel))) if (expr.kind === "load") read.add(expr.buffer);
  for (const { buffer, accumulate } of kernel.stores) if (accumulate === true) read.add(buffer);
  if (kernel.kind === "dot") read.add(kernel.a.buffer).add(kernel.b.buffer);
  else for (const buffer of kernel.after ?? []) read.add(buffer);
  return read;
}

/** All that a scan, choice or loop uses: what it writes it may have left as it was, which counts as reading. */
function insideOf(kernel: ControlKernel): Set<number> {
  const used = new Set(ownBuffers(kernel));
  for (const list of listsOf(kernel))
    for (const inner of list) for (const buffer of buffersOf(inner)) used.add(buffer);
  return used;
}

/** May the kernel stop the program, at an index out of range? */
export function mayStop(kernel: Kernel): boolean {
  if (isControl(kernel)) return leavesOf([kernel]).some(mayStop);
  if (kernel.kind === "rows") return kernel.parts.some(mayStop);
  if (!isNest(kernel)) return false;
  for (const { kind } of expressionsUnder(rootsOf(kernel))) if (kind === "bounded") return true;
  return false;
}
