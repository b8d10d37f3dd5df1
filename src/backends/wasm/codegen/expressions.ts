/** Walking and rewriting the expressions of a kernel. */
import { expressionsUnder } from "../../../loops/expr.js";
import type { Expr, LoopKernel, Store } from "../../../loops/ir.js";

/** The store with its value and index rewritten. */
export function mapStore(store: Store, rewrite: (e: Expr) => Expr): Store {
  const moved = { ...store, value: rewrite(store.value) };
  return store.at === undefined ? moved : { ...moved, at: rewrite(store.at) };
}

/** The expressions a kernel starts from: what it reduces, stores, and where it stores. */
export function roots(kernel: LoopKernel): Expr[] {
  const found: Expr[] = kernel.reductions.map(({ value }) => value);
  for (const { at, value } of kernel.stores) found.push(...(at === undefined ? [value] : [at, value]));
  return found;
}

/** Every expression of a kernel once, operands before those who use them. */
export function expressions(kernel: LoopKernel): Expr[] {
  return [...expressionsUnder(roots(kernel))];
}

/**
 * max(x, c) or min(x, c) of floats with a constant that is a number: cheaper than in general, since only x can be NaN.
 * Of zeros with different signs, x is kept.
 */
export function isClip(
  e: Extract<Expr, { readonly kind: "binary" }>,
): e is typeof e & { readonly op: "max" | "min"; readonly dtype: "float32" | "float64" } {
  const floats = e.dtype === "float32" || e.dtype === "float64";
  return floats && (e.op === "max" || e.op === "min") && e.y.kind === "constant" && !Number.isNaN(e.y.value);
}
