/**
 * Chooses the loop of a nest whose iterations become lanes, and moves it to the innermost place among its kind.
 *
 * Requires: a normalised kernel. Guarantees: an equal kernel with a loop that may run in lanes, or none. Output loops may change
 * places unless a store adds up or scatters, because then their order is observable; reduced loops never do.
 */
import { operandsOf } from "../../../loops/expr.js";
import type { Expr, LoopKernel } from "../../../loops/ir.js";
import { expressions, roots } from "./expressions.js";
import { gatherFactors } from "./gather-factors.js";
import { isLaneFunction } from "./lane-functions.js";
import { normalise, regroup } from "./normalise.js";
import type { VectorLanes } from "./vector-lanes.js";

export interface VectorPlan {
  readonly kernel: LoopKernel;
  /** Outermost loops that are not to be touched. */
  readonly fixed: number;
  /** The loop that runs in lanes, or -1. */
  readonly loop: number;
  readonly lanes: VectorLanes;
  /** Vectors in flight in the main part of that loop. */
  readonly copies: number;
  /**
   * Whether the points left over run as a vector of which a part counts: worth it where a point costs as much as a vector,
   * and possible where a lane beyond the end does no harm.
   */
  readonly partialTail: boolean;
}

/** Vectors in flight by the work of one: long expressions have enough parallelism of their own. */
function copiesFor(work: number, functions: number): number {
  if (functions > 0) return functions === 1 ? 2 : 1;
  if (work <= 8) return 4;
  return work <= 20 ? 2 : 1;
}

export function planVectors(given: LoopKernel, fixed = 0): VectorPlan {
  const kernel = normalise(gatherFactors(given), fixed);
  const outputs = kernel.loops.length - kernel.reducedLoops;
  const all = expressions(kernel);
  const lanes = all.some(({ dtype }) => dtype === "float64") ? 2 : 4;
  const ordered = kernel.stores.some(({ at, accumulate }) => at !== undefined || accumulate === true);

  const candidates: number[] = [];
  for (let loop = ordered ? Math.max(fixed, outputs - 1) : fixed; loop < outputs; loop++)
    candidates.push(loop);
  const reducesInOrder = kernel.reductions.some(({ op }) => op === "argmax");
  if (kernel.reducedLoops > 0 && !reducesInOrder) candidates.push(kernel.loops.length - 1);

  let best = { loop: -1, gain: 0 };
  for (const loop of candidates) {
    const extent = kernel.loops[loop];
    if (extent < lanes) continue;
    const gain = gainOf(kernel, loop, outputs, all) * Math.min(1, extent / (2 * lanes));
    if (gain > best.gain || (gain === best.gain && gain > 0)) best = { loop, gain };
  }
  if (best.loop < 0) return { kernel, fixed, loop: -1, lanes, copies: 1, partialTail: false };

  const work = all.filter(({ kind }) => kind !== "constant" && kind !== "index").length;
  const functions = all.filter(isCall).length;
  const vectors = Math.floor(kernel.loops[best.loop] / lanes);
  const copies = Math.min(copiesFor(work, functions), vectors);
  const varying = varyingExpressions(kernel, best.loop);
  const looksUp = all.some(
    (e) => (e.kind === "bounded" || (e.kind === "load" && e.at !== undefined)) && varying.has(e),
  );
  // a tail of single points costs as much as some vectors: worth it only where little is done with each
  const partialTail = (functions > 0 || work >= 12) && !looksUp;
  if (best.loop >= outputs - 1) return { kernel, fixed, loop: best.loop, lanes, copies, partialTail };
  const order = kernel.loops.map((_, loop) => loop);
  order.splice(outputs - 1, 0, ...order.splice(best.loop, 1));
  const moved = regroup(
    kernel,
    order.map((loop) => [loop]),
    outputs,
  );
  const merged = normalise(moved, fixed);
  const loop = merged.loops.length - merged.reducedLoops - 1;
  return { kernel: merged, fixed, loop, lanes, copies, partialTail };
}

function isCall(e: Expr): boolean {
  return (
    (e.kind === "unary" && isLaneFunction(e.op)) ||
    (e.kind === "binary" && (e.op === "pow" || e.op === "atan2"))
  );
}

/** What lanes along `loop` save, in scalar instructions per vector, by a rough count; ≤ 0 where they are impossible. */
function gainOf(kernel: LoopKernel, loop: number, outputs: number, all: readonly Expr[]): number {
  const reduced = loop >= outputs;
  // Along a reduced loop only the reduced values run in lanes; what the stores do happens once a point.
  const inReductions = new Set<Expr>();
  const collect = (e: Expr): void => {
    if (inReductions.has(e)) return;
    inReductions.add(e);
    operandsOf(e).forEach(collect);
  };
  for (const { value } of kernel.reductions) collect(value);
  const varying = varyingExpressions(kernel, loop);

  let gain = 0;
  for (const e of all) {
    if (!varying.has(e) || (reduced && !inReductions.has(e))) continue;
    // Expressions of a reduction run once per reduced element, the others once per point.
    const weight = kernel.reducedLoops > 0 && !inReductions.has(e) ? 0.1 : 1;
    gain += weight * gainOfExpression(e, loop, varying);
  }
  if (reduced) return gain + kernel.reductions.length;
  for (const { strides, at } of kernel.stores) {
    // Lanes would write to one place, or in an order that matters.
    if (strides[loop] === 0 || (at !== undefined && varying.has(at))) return 0;
    const weight = kernel.reducedLoops > 0 ? 0.1 : 1;
    gain += weight * (strides[loop] === 1 ? 2 : -1);
  }
  if (kernel.stores.some(({ accumulate, strides }) => accumulate === true && strides[loop] !== 1)) return 0;
  return gain + kernel.reductions.length;
}

function gainOfExpression(e: Expr, loop: number, varying: ReadonlySet<Expr>): number {
  switch (e.kind) {
    case "load":
      if (e.at !== undefined && varying.has(e.at)) return -2;
      return e.strides[loop] === 1 ? 2 : e.strides[loop] === 0 ? 0 : -1;
    case "unary":
      return isLaneFunction(e.op) ? 20 : 1;
    case "binary":
      if (isCall(e)) return 20;
      if (e.op === "mod") return -2;
      return e.dtype === "int32" && (e.op === "div" || e.op === "pow") ? -2 : 1;
    case "compare":
    case "select":
    case "cast":
    case "bounded":
      return 1;
    case "constant":
    case "index":
    case "reduced":
      return 0;
  }
}

/** The expressions whose value differs along `loop`. */
export function varyingExpressions(kernel: LoopKernel, loop: number): Set<Expr> {
  const outputs = kernel.loops.length - kernel.reducedLoops;
  const varying = new Set<Expr>();
  const visit = (e: Expr, seen: Set<Expr>): void => {
    if (seen.has(e)) return;
    seen.add(e);
    let differs = false;
    for (const operand of operandsOf(e)) {
      visit(operand, seen);
      differs ||= varying.has(operand);
    }
    if (e.kind === "load") differs ||= e.strides[loop] !== 0;
    if (e.kind === "index") differs ||= e.loop === loop;
    if (e.kind === "reduced") differs = loop < outputs;
    if (differs) varying.add(e);
  };
  const seen = new Set<Expr>();
  if (loop >= 0) for (const root of roots(kernel)) visit(root, seen);
  return varying;
}
