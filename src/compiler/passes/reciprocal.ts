/**
 * Quotients of rows by one number each as products with its reciprocal, which is computed once a row: a division takes several
 * times as long as a multiplication.
 *
 *     a / broadcast(√v)   →   a · broadcast(1 / √v)
 *
 * Only for divisors whose reciprocal neither overflows nor underflows, so that every special value stays what it was: a
 * square root, and the sum of exponentials below their largest, as in softmax (0, at least 1, infinite or NaN). The result is
 * rounded once more than the quotient would be.
 */
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import { div, mul } from "../../primitives/binary.js";
import type { AxesParams } from "../../primitives/broadcast.js";
import { fill } from "../../primitives/support.js";
import { sizeOf } from "../../types/shape.js";

/** Shorter rows gain nothing. */
const shortestRow = 8;

const views = new Set(["broadcast", "reshape"]);

/** a / b as a product, or null. */
export function byReciprocal(a: Node, b: Node): Node | null {
  const path: Operation[] = [];
  const divisor = belowViews(b, path);
  if (sizeOf(b.shape) < shortestRow * sizeOf(divisor.shape) || !hasSafeReciprocal(divisor)) return null;
  let factor = div(fill(divisor, 1), divisor);
  for (const { primitive, params } of path.reverse()) [factor] = bindAll(primitive, [factor], params);
  return mul(a, factor);
}

/** What a node shows through broadcasts and reshapes; these are added to `path`, outermost first. */
function belowViews(node: Node, path: Operation[] = []): Node {
  let base = node;
  while (base.operation !== null && views.has(base.operation.primitive.name)) {
    path.push(base.operation);
    [base] = base.operation.inputs;
  }
  return base;
}

function hasSafeReciprocal({ operation }: Node): boolean {
  if (operation === null) return false;
  if (operation.primitive.name === "sqrt") return true;
  return operation.primitive.name === "sum" && isBelowLargest(operation.inputs[0], operation);
}

/** Is this exp(x − m), with m the maximum of x over the axes of the sum, or 0 where that is infinite? */
function isBelowLargest(exps: Node, total: Operation): boolean {
  const difference = exps.operation?.primitive.name === "exp" ? exps.operation.inputs[0].operation : null;
  if (difference?.primitive.name !== "sub") return false;
  const [x, subtracted] = difference.inputs;
  const base = belowViews(subtracted).operation;
  const peak = base?.primitive.name === "select" ? finiteBranch(base) : base;
  const axes = (operation: Operation): string => String((operation.params as AxesParams).axes);
  return peak?.primitive.name === "reduceMax" && peak.inputs[0] === x && axes(peak) === axes(total);
}

/** m of |m| = ∞ ? 0 : m */
function finiteBranch({ inputs: [condition, , m] }: Operation): Operation | null {
  const test = condition.operation;
  const isOfM = test?.primitive.name === "eq" && test.inputs[0].operation?.inputs[0] === m;
  return isOfM && test.inputs[0].operation?.primitive.name === "abs" ? m.operation : null;
}
