/**
 * The loops of a contraction, put in order for matrix products: which of them run outside, around one product each, and
 * which make its rows, columns and summed steps.
 *
 * An operand whose rows and summed steps each have one stride is multiplied where it is. Any other, windows of an image above
 * all, is copied into scratch memory first; loops move outside until such a copy fits a cache.
 */

import { dotLoops, loopsOfDot } from "../../../loops/dot.js";
import type { DotKernel, Expr, Store } from "../../../loops/ir.js";
import { expressions } from "./expressions.js";

/** A loop, and how many elements everything moves along it. */
export interface FormAxis {
  readonly extent: number;
  readonly a: number;
  readonly b: number;
  /** For each of `DotForm.views`; empty for summed loops, which run within the stores. */
  readonly views: readonly number[];
}

/** A store, or a load in one. */
export type StoreView = Store | Extract<Expr, { readonly kind: "load" }>;

export interface DotForm {
  /** Outermost first. */
  readonly outer: readonly FormAxis[];
  /** Summed loops around products that add up; within `outer`. */
  readonly outerSummed: readonly FormAxis[];
  readonly rows: readonly FormAxis[];
  readonly columns: readonly FormAxis[];
  readonly summed: readonly FormAxis[];
  readonly views: readonly StoreView[];
  /** Whether the operands are matrices where they are. */
  readonly directA: boolean;
  readonly directB: boolean;
}

/** Elements of packed operands that one product should have at most: they stay in the second-level cache. */
const packedElements = 192 * 1024;
/** Fewer multiplications than this are not worth a product of their own. */
const leastProduct = 10_000;

type Group = "rows" | "columns" | "summed";
type Loops = Readonly<Record<Group, readonly FormAxis[]>>;

export function sizeOf(axes: readonly FormAxis[]): number {
  return axes.reduce((size, { extent }) => size * extent, 1);
}

/** The one stride of several loops, or undefined where they do not nest without gaps. */
export function strideOf(axes: readonly FormAxis[], stride: (axis: FormAxis) => number): number | undefined {
  for (let i = 0; i + 1 < axes.length; i++)
    if (stride(axes[i]) !== stride(axes[i + 1]) * axes[i + 1].extent) return undefined;
  return axes.length === 0 ? 1 : stride(axes[axes.length - 1]);
}

/** The stores of a kernel and all loads in them, each once. */
function storeViews(stores: readonly Store[]): StoreView[] {
  const kernel = { kind: "loops", name: "", loops: [], reducedLoops: 0, reductions: [], stores } as const;
  return [...stores, ...expressions(kernel).filter((e) => e.kind === "load")];
}

export function formOf(kernel: DotKernel): DotForm {
  const views = storeViews(kernel.stores);
  const given = loopsOfDot(kernel);
  let loop = 0;
  const stored = ({ extent, a, b }: (typeof given.batch)[number]): FormAxis => {
    const at = loop++;
    return { extent, a, b, views: views.map(({ strides }) => strides[at]) };
  };
  const batch = given.batch.map(stored);
  const rows = given.rows.map(stored);
  const columns = given.columns.map(stored);
  const summed = given.summed.map((axis): FormAxis => ({ ...axis, views: [] }));
  const merged = {
    batch: joined(batch),
    rows: joined(rows),
    columns: joined(columns),
    summed: joined(summed),
  };
  return peeled(absorbed(merged), views);
}

/** Without loops of extent 1, and with one loop for any two that move alike. */
function joined(axes: readonly FormAxis[]): FormAxis[] {
  const kept: FormAxis[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const outer = kept[kept.length - 1];
    const nests = (x: number, y: number): boolean => x === y * axis.extent;
    const joins =
      outer !== undefined &&
      nests(outer.a, axis.a) &&
      nests(outer.b, axis.b) &&
      outer.views.every((stride, view) => nests(stride, axis.views[view]));
    if (joins) kept[kept.length - 1] = { ...axis, extent: outer.extent * axis.extent };
    else kept.push(axis);
  }
  return kept;
}

interface Batched extends Loops {
  readonly batch: readonly FormAxis[];
}

/** A batch loop whose products share an operand is more rows or columns of one product, where these follow each other. */
function absorbed({ batch, rows, columns, summed }: Batched): Batched {
  const last = batch[batch.length - 1];
  if (last === undefined) return { batch, rows, columns, summed };
  const rest = batch.slice(0, -1);
  if (last.b === 0) {
    const more = joined([last, ...rows]);
    if (more.length === 1) return absorbed({ batch: rest, rows: more, columns, summed });
  }
  if (last.a === 0) {
    const more = joined([last, ...columns]);
    if (more.length === 1) return absorbed({ batch: rest, rows, columns: more, summed });
  }
  return { batch, rows, columns, summed };
}

interface Judged {
  readonly directA: boolean;
  readonly directB: boolean;
  /** Elements to pack for one product. */
  readonly packed: number;
}

function judge({ rows, columns, summed }: Loops): Judged {
  const one = (axes: readonly FormAxis[], stride: (axis: FormAxis) => number): boolean =>
    strideOf(axes, stride) !== undefined;
  const directA = one(rows, (axis) => axis.a) && one(summed, (axis) => axis.a);
  const directB = one(columns, (axis) => axis.b) && one(summed, (axis) => axis.b);
  const [m, n, k] = [rows, columns, summed].map(sizeOf);
  return { directA, directB, packed: (directA ? 0 : m * k) + (directB ? 0 : n * k) };
}

/** Moves loops outside while that leaves less to copy, or a copy that fits the cache. */
function peeled({ batch, ...given }: Batched, views: readonly StoreView[]): DotForm {
  const outer = [...batch];
  const outerSummed: FormAxis[] = [];
  let loops: Loops = given;
  for (;;) {
    const now = judge(loops);
    if (now.packed === 0) break;
    let best: { readonly group: Group; readonly at: number; readonly cost: number } | undefined;
    for (const group of ["rows", "columns", "summed"] as const)
      loops[group].forEach((axis, at) => {
        if (loops[group].length < 2) return;
        const next = without(loops, group, at);
        const [m, n, k] = [next.rows, next.columns, next.summed].map(sizeOf);
        if (m * n * k < leastProduct) return;
        // sums of several products are added up in memory
        const cost = axis.extent * (judge(next).packed + (group === "summed" ? 2 * m * n : 0));
        const fits = now.packed > packedElements && cost < 2 * now.packed;
        if (!fits && cost >= now.packed) return;
        if (best === undefined || cost < best.cost) best = { group, at, cost };
      });
    if (best === undefined) break;
    (best.group === "summed" ? outerSummed : outer).push(loops[best.group][best.at]);
    loops = without(loops, best.group, best.at);
  }
  const { directA, directB } = judge(loops);
  return { outer, outerSummed, ...loops, views, directA, directB };
}

function without(loops: Loops, group: Group, at: number): Loops {
  return { ...loops, [group]: joined(loops[group].filter((_, i) => i !== at)) };
}

/** The layout of sums that are added up: the longer side across memory, which BLAS computes a little faster. */
export function sumStrides({ rows, columns, outerSummed }: DotForm): { rows: number[]; columns: number[] } {
  const inner = (axes: readonly FormAxis[], unit: number): number[] =>
    axes.map((_, i) => unit * sizeOf(axes.slice(i + 1)));
  const [m, n] = [sizeOf(rows), sizeOf(columns)];
  return outerSummed.length > 0 && n > m
    ? { rows: inner(rows, 1), columns: inner(columns, m) }
    : { rows: inner(rows, n), columns: inner(columns, 1) };
}

/** Whether a store needs to know where it is: then its loops stay as they are. */
export function usesCounters(kernel: DotKernel): boolean {
  const { stores } = kernel;
  const loops = {
    kind: "loops",
    name: "",
    loops: dotLoops(kernel),
    reducedLoops: 0,
    reductions: [],
    stores,
  } as const;
  return expressions(loops).some(({ kind }) => kind === "index");
}
