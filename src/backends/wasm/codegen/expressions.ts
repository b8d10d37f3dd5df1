/** Walking and rewriting the expressions of a kernel. */
import type { Expr, LoopKernel, Store } from "../../../loops/ir.js";

/** The operands of an expression. */
export function operands(e: Expr): readonly Expr[] {
  switch (e.kind) {
    case "constant":
    case "index":
    case "reduced":
      return [];
    case "load":
      return e.at === undefined ? [] : [e.at];
    case "unary":
    case "cast":
    case "bounded":
      return [e.x];
    case "binary":
    case "compare":
      return [e.x, e.y];
    case "select":
      return [e.condition, e.x, e.y];
  }
}

/** The expression with other operands; itself when it has none. */
export function mapOperands(e: Expr, rewrite: (operand: Expr) => Expr): Expr {
  switch (e.kind) {
    case "constant":
    case "index":
    case "reduced":
      return e;
    case "load":
      return e.at === undefined ? e : { ...e, at: rewrite(e.at) };
    case "unary":
    case "cast":
    case "bounded":
      return { ...e, x: rewrite(e.x) };
    case "binary":
    case "compare":
      return { ...e, x: rewrite(e.x), y: rewrite(e.y) };
    case "select":
      return { ...e, condition: rewrite(e.condition), x: rewrite(e.x), y: rewrite(e.y) };
  }
}

/** Rewrites expressions so that what was shared stays shared: `node` is asked once for each. */
export function rewriter(node: (e: Expr, rewrite: (e: Expr) => Expr) => Expr): (e: Expr) => Expr {
  const known = new Map<Expr, Expr>();
  const rewrite = (e: Expr): Expr => {
    const before = known.get(e);
    if (before !== undefined) return before;
    const made = node(e, rewrite);
    known.set(e, made);
    return made;
  };
  return rewrite;
}

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
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    for (const operand of operands(e)) visit(operand);
    seen.add(e);
  };
  for (const root of roots(kernel)) visit(root);
  return [...seen];
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
