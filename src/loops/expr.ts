/** Walks over loop expressions. */
import type { Expr } from "./ir.js";

export type LoadExpr = Extract<Expr, { kind: "load" }>;

/** The expression with every load replaced; shared parts stay shared. */
export function mapLoads(root: Expr, replace: (load: LoadExpr) => Expr): Expr {
  const done = new Map<Expr, Expr>();
  const visit = (expr: Expr): Expr => {
    const known = done.get(expr);
    if (known !== undefined) return known;
    let result: Expr;
    switch (expr.kind) {
      case "constant":
      case "index":
      case "reduced":
        result = expr;
        break;
      case "load":
        result = replace(expr.at === undefined ? expr : { ...expr, at: visit(expr.at) });
        break;
      case "unary":
      case "cast":
      case "bounded":
        result = { ...expr, x: visit(expr.x) };
        break;
      case "binary":
      case "compare":
        result = { ...expr, x: visit(expr.x), y: visit(expr.y) };
        break;
      case "select":
        result = { ...expr, condition: visit(expr.condition), x: visit(expr.x), y: visit(expr.y) };
        break;
    }
    done.set(expr, result);
    return result;
  };
  return visit(root);
}
