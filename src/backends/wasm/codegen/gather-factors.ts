/**
 * Products with 1 + erf(u) or e^(−u²) in them: their constant factors go together, beside that function, whose coefficients take
 * them in; and what a sum of two such products has in common is multiplied once.
 *
 * Requires: a loop kernel. Guarantees: one of the same values but for rounding (both functions are bounded, so nothing overflows that
 * did not). Example: ((g·(½·x))·(1.1·e))·0.7 + (g·s)·½ → g·(x·(0.39·e) + ½·s), where e = e^(−u²), s = 1 + erf(u).
 */
import { interner, rewriter } from "../../../loops/expr.js";
import type { Expr, LoopKernel } from "../../../loops/ir.js";
import { expressions, mapStore } from "./expressions.js";
import { isBell, isErfSum, isModerate } from "./joint-functions.js";

interface Product {
  /** Neither constant nor one of the functions, in order. */
  readonly factors: readonly Expr[];
  readonly constant: number;
  readonly functions: readonly Expr[];
}

export function gatherFactors(kernel: LoopKernel): LoopKernel {
  if (!expressions(kernel).some(isErfSum)) return kernel;
  // Equal products must be one expression, or their functions would be asked for with different constants.
  const scaled = new Map<Expr, Map<number, Expr>>();
  const timesConstant = (e: Expr, constant: number): Expr => {
    if (constant === 1) return e;
    const known = scaled.get(e) ?? new Map<number, Expr>();
    const product =
      known.get(constant) ?? multiply({ kind: "constant", dtype: "float32", value: constant }, e);
    scaled.set(e, known.set(constant, product));
    return product;
  };
  const products = new Map<Expr, Product>();
  const productOf = (e: Expr): Product => {
    const known = products.get(e);
    if (known !== undefined) return known;
    if (e.kind === "constant") return { factors: [], constant: e.value, functions: [] };
    if (isErfSum(e) || isBell(e)) return { factors: [], constant: 1, functions: [e] };
    if (e.kind !== "binary" || e.op !== "mul" || e.dtype !== "float32")
      return { factors: [e], constant: 1, functions: [] };
    const [x, y] = [productOf(e.x), productOf(e.y)];
    const functions = [...x.functions, ...y.functions];
    const constant = x.constant * y.constant;
    // A product of nothing but factors may have other uses: it stays one.
    if (functions.length === 0 && constant === 1) return { factors: [e], constant, functions };
    return { factors: [...x.factors, ...y.factors], constant, functions };
  };
  const together = ({ factors, constant, functions }: Product): Expr =>
    [...factors, timesConstant(functions[0], constant)].reduce(multiply);
  const rewrite = rewriter((e) => {
    if (e.kind !== "binary" || e.dtype !== "float32") return e;
    if (e.op === "mul") {
      const product = productOf(e);
      if (product.functions.length !== 1 || !isModerate(product.constant)) return e;
      const result = together(product);
      products.set(result, product);
      return result;
    }
    if (e.op !== "add") return e;
    const [x, y] = [products.get(e.x), products.get(e.y)];
    if (x === undefined || y === undefined) return e;
    const common = x.factors.find((factor) => y.factors.includes(factor));
    if (common === undefined) return e;
    const rest = (product: Product): Expr =>
      together({
        ...product,
        factors: product.factors.filter((_, i) => i !== product.factors.indexOf(common)),
      });
    return multiply(common, { ...e, x: rest(x), y: rest(y) });
  });
  const intern = interner();
  const change = (e: Expr): Expr => rewrite(intern(e));
  return {
    ...kernel,
    reductions: kernel.reductions.map((reduction) => ({ ...reduction, value: change(reduction.value) })),
    stores: kernel.stores.map((store) => mapStore(store, change)),
  };
}

function multiply(x: Expr, y: Expr): Expr {
  return { kind: "binary", op: "mul", dtype: "float32", x, y };
}
