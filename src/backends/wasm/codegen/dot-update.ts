/**
 * Sums that go straight to where they are wanted: as they are, times a number, or added to what is there, as in a step of gradient
 * descent, w ← w − η · Σ. What multiplies them may then do all of it, and nothing of the size of the result is written and read
 * in between.
 */
import { expressionsUnder } from "../../../loops/expr.js";
import type { DotKernel, Expr, Store } from "../../../loops/ir.js";

export interface Update {
  readonly store: Store;
  /** What the sums are multiplied by: a number that is the same for all of them; absent for 1. */
  readonly factor?: Expr;
  /** Whether that is added to what is in the store's place. */
  readonly adds: boolean;
}

/** What the only store does with the sums, where it is no more than this. */
export function updateOf({ stores, a, b }: DotKernel): Update | undefined {
  const [store] = stores;
  if (stores.length !== 1 || store.at !== undefined) return undefined;
  const { value } = store;
  const accumulates = store.accumulate === true;
  const whole = multiple(value, store);
  if (whole !== undefined) return { store, adds: accumulates, ...whole };
  // what is overwritten must not be read for anything else
  if (accumulates || value.kind !== "binary" || [a.buffer, b.buffer].includes(store.buffer)) return undefined;
  const { op, dtype, x, y } = value;
  if (op === "add") {
    const [own, other] = isOwn(x, store) ? [x, y] : [y, x];
    const added = isOwn(own, store) ? multiple(other, store) : undefined;
    return added && { store, adds: true, ...added };
  }
  const taken = op === "sub" && isOwn(x, store) ? multiple(y, store) : undefined;
  if (taken === undefined) return undefined;
  const one: Expr = { kind: "constant", dtype, value: 1 };
  return { store, adds: true, factor: negative(taken.factor ?? one) };
}

function isOwn(e: Expr, { buffer, offset, strides }: Store): boolean {
  return (
    e.kind === "load" &&
    e.buffer === buffer &&
    e.offset === offset &&
    e.at === undefined &&
    e.strides.every((stride, loop) => stride === strides[loop])
  );
}

/** The sums times a number, which is given; absent for 1. */
function multiple(e: Expr, store: Store): { readonly factor?: Expr } | undefined {
  if (e.kind === "reduced") return {};
  if (e.kind === "unary" && e.op === "neg") {
    const inner = multiple(e.x, store);
    return inner && { factor: inner.factor === undefined ? constant(e.dtype, -1) : negative(inner.factor) };
  }
  if (e.kind !== "binary" || (e.op !== "mul" && e.op !== "div")) return undefined;
  const [sums, number] = e.op === "mul" && isNumber(e.x, store) ? [e.y, e.x] : [e.x, e.y];
  const inner = multiple(sums, store);
  if (inner === undefined || !isNumber(number, store)) return undefined;
  if (inner.factor === undefined && e.op === "mul") return { factor: number };
  return { factor: { ...e, x: inner.factor ?? constant(e.dtype, 1), y: number } };
}

function constant(dtype: Expr["dtype"], value: number): Expr {
  return { kind: "constant", dtype, value };
}

function negative(e: Expr): Expr {
  return e.kind === "constant"
    ? constant(e.dtype, -e.value)
    : { kind: "unary", op: "neg", dtype: e.dtype, x: e };
}

/** Is it the same everywhere, whatever has been stored so far? Zero is left out: BLAS multiplies nothing by it, not even NaN. */
function isNumber(e: Expr, { buffer }: Store): boolean {
  if (e.kind === "constant" && e.value === 0) return false;
  for (const part of expressionsUnder([e])) {
    if (part.kind === "reduced" || part.kind === "index") return false;
    if (part.kind !== "load") continue;
    if (part.at !== undefined || part.buffer === buffer || part.strides.some((stride) => stride !== 0))
      return false;
  }
  return true;
}
