/**
 * Sums that go straight to where they are wanted: as they are, times a number, or added to what is there, as in a step of gradient
 * descent, w ← w − η · Σ. What multiplies them may then do all of it, and nothing of the size of the result is written and read
 * in between.
 */
import type { DotKernel, Expr, Store } from "../../../loops/ir.js";

export interface Update {
  readonly store: Store;
  /** What the sums are multiplied by. */
  readonly factor: number;
  /** Whether that is added to what is in the store's place. */
  readonly adds: boolean;
}

/** What the only store does with the sums, where it is no more than this. */
export function updateOf({ stores, a, b }: DotKernel): Update | undefined {
  const [store] = stores;
  if (stores.length !== 1 || store.at !== undefined) return undefined;
  const { value } = store;
  const made = (factor: number | undefined, adds: boolean): Update | undefined =>
    factor !== undefined && isSafe(factor, value.dtype) ? { store, factor, adds } : undefined;
  const whole = multiple(value);
  if (whole !== undefined) return made(whole, store.accumulate === true);
  // what is overwritten must not be read for anything else
  if (store.accumulate === true || value.kind !== "binary" || [a.buffer, b.buffer].includes(store.buffer))
    return undefined;
  const { op, x, y } = value;
  if (op === "add") {
    if (isOwn(x, store)) return made(multiple(y), true);
    return isOwn(y, store) ? made(multiple(x), true) : undefined;
  }
  if (op !== "sub" || !isOwn(x, store)) return undefined;
  const taken = multiple(y);
  return taken === undefined ? undefined : made(-taken, true);
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

/**
 * The sums times a number: only one that is known now. BLAS multiplies nothing by zero, not even NaN, and a number that is read
 * may turn out to be zero.
 */
function multiple(e: Expr): number | undefined {
  if (e.kind === "reduced") return 1;
  if (e.kind === "unary" && e.op === "neg") {
    const inner = multiple(e.x);
    return inner === undefined ? undefined : -inner;
  }
  if (e.kind !== "binary" || (e.op !== "mul" && e.op !== "div")) return undefined;
  const [sums, number] = e.op === "mul" && e.x.kind === "constant" ? [e.y, e.x] : [e.x, e.y];
  if (number.kind !== "constant") return undefined;
  const inner = multiple(sums);
  if (inner === undefined) return undefined;
  return e.op === "mul" ? inner * number.value : inner / number.value;
}

const smallestNormal: Partial<Record<Expr["dtype"], number>> = { float32: 2 ** -126, float64: 2 ** -1022 };

/** Neither zero nor infinite nor of fewer digits, however many factors there were. */
function isSafe(factor: number, dtype: Expr["dtype"]): boolean {
  const smallest = smallestNormal[dtype];
  const value = Math.abs(dtype === "float32" ? Math.fround(factor) : factor);
  return factor === 1 || (smallest !== undefined && value >= smallest && value < Number.POSITIVE_INFINITY);
}
