/** Walks over loop expressions. */
import type { Expr } from "./ir.js";

export type LoadExpr = Extract<Expr, { kind: "load" }>;

/** What an expression is computed from. */
export function operandsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case "constant":
    case "index":
    case "reduced":
      return [];
    case "load":
      return expr.at === undefined ? [] : [expr.at];
    case "unary":
    case "cast":
    case "bounded":
      return [expr.x];
    case "binary":
    case "compare":
      return [expr.x, expr.y];
    case "select":
      return [expr.condition, expr.x, expr.y];
  }
}

/** The expression with other operands; itself when it has none. */
export function mapOperands(expr: Expr, rewrite: (operand: Expr) => Expr): Expr {
  switch (expr.kind) {
    case "constant":
    case "index":
    case "reduced":
      return expr;
    case "load":
      return expr.at === undefined ? expr : { ...expr, at: rewrite(expr.at) };
    case "unary":
    case "cast":
    case "bounded":
      return { ...expr, x: rewrite(expr.x) };
    case "binary":
    case "compare":
      return { ...expr, x: rewrite(expr.x), y: rewrite(expr.y) };
    case "select":
      return { ...expr, condition: rewrite(expr.condition), x: rewrite(expr.x), y: rewrite(expr.y) };
  }
}

/**
 * A function that rewrites expressions: `change` is asked once for each, and rewrites what it keeps of the operands itself. What
 * is shared stays shared, from call to call too.
 */
export function rewriterFromRoot(
  change: (expr: Expr, rewrite: (operand: Expr) => Expr) => Expr,
): (root: Expr) => Expr {
  const done = new Map<Expr, Expr>();
  const visit = (expr: Expr): Expr => {
    const known = done.get(expr);
    if (known !== undefined) return known;
    const result = change(expr, visit);
    done.set(expr, result);
    return result;
  };
  return visit;
}

/** The same, operands first. */
export function rewriter(change: (expr: Expr) => Expr): (root: Expr) => Expr {
  return rewriterFromRoot((expr, rewrite) => change(mapOperands(expr, rewrite)));
}

/** The expression with every load replaced; shared parts stay shared. */
export function mapLoads(root: Expr, replace: (load: LoadExpr) => Expr): Expr {
  return rewriter((expr) => (expr.kind === "load" ? replace(expr) : expr))(root);
}

/** Every expression under these roots once, operands before those who use them. */
export function expressionsUnder(roots: readonly Expr[]): Set<Expr> {
  const seen = new Set<Expr>();
  const visit = (expr: Expr): void => {
    if (seen.has(expr)) return;
    for (const operand of operandsOf(expr)) visit(operand);
    seen.add(expr);
  };
  roots.forEach(visit);
  return seen;
}

/** A function that gives equal expressions one object, so that a kernel computes them once. */
export function interner(): (root: Expr) => Expr {
  const canonical = new Map<string, Expr>();
  const numbers = new Map<Expr, number>();
  const number = (expr: Expr | undefined): number => (expr === undefined ? -1 : (numbers.get(expr) ?? -1));
  const key = (expr: Expr): string => {
    switch (expr.kind) {
      case "constant":
        return `c${expr.dtype}${Object.is(expr.value, -0) ? "-0" : expr.value}`;
      case "load":
        return `l${expr.buffer},${expr.offset},${expr.strides.join()},${number(expr.at)}`;
      case "index":
        return `i${expr.loop}`;
      case "reduced":
        return `r${expr.index}${expr.dtype}`;
      case "unary":
        return `${expr.op}(${number(expr.x)}`;
      case "binary":
      case "compare":
        return `${expr.kind}${expr.op}(${number(expr.x)},${number(expr.y)}`;
      case "select":
        return `?${number(expr.condition)},${number(expr.x)},${number(expr.y)}`;
      case "cast":
        return `cast${expr.dtype}(${number(expr.x)}`;
      case "bounded":
        return `b${expr.size}(${number(expr.x)}`;
    }
  };
  return rewriter((expr) => {
    if (numbers.has(expr)) return expr;
    const name = key(expr);
    const known = canonical.get(name);
    if (known !== undefined) return known;
    canonical.set(name, expr);
    numbers.set(expr, canonical.size);
    return expr;
  });
}
