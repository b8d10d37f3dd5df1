/**
 * How a matrix product is computed: which operand runs in lanes, which tile, what is packed first. Chosen by estimated
 * cycles of a machine that multiplies two vectors and loads two in a cycle, four cycles after its operands.
 *
 * Source: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication" (2008), for packed panels and blocks of k. The
 * blocking for the second-level cache is left out: with 128-bit vectors, streaming A from there costs nothing measurable.
 */

import { invariant } from "../../../util/errors.js";
import { type DotProblem, swapped } from "./dot-problem.js";
import type { VectorMath } from "./dot-tile.js";

/** Equal parts of a total: `count` of `size`, from element `start` on. */
export interface TileGroup {
  readonly start: number;
  readonly size: number;
  readonly count: number;
}

export interface DotPlan {
  /** As given, or with the roles of A and B exchanged. */
  readonly problem: DotProblem;
  readonly kind: "outer" | "inner";
  readonly packA: boolean;
  readonly packB: boolean;
  /** In rows. */
  readonly rowGroups: readonly TileGroup[];
  /** In vectors of columns for an outer product, in columns for an inner one. */
  readonly columnGroups: readonly TileGroup[];
  /** Steps of k in one block; all of k unless B is packed. */
  readonly blockK: number;
  readonly cost: number;
}

/**
 * Vector registers for a tile's accumulators and what one step loads: one of sixteen is the engine's own, and a product
 * that is not fused with its addition needs one for a moment (measured: 15 GFLOP/s with one register too many, 38 without).
 */
function registersFor({ madd }: VectorMath): number {
  return madd === undefined ? 14 : 15;
}
/** A panel of B, `blockK` by a tile's columns, fills at most half of a 32 KiB first-level cache. */
const panelBytes = 12 * 1024;

/** `total` in the fewest parts of at most `most`, as equal as can be. */
export function balanced(total: number, most: number): TileGroup[] {
  const tiles = Math.ceil(total / most);
  const size = Math.floor(total / tiles);
  const larger = total % tiles;
  const groups = [
    { start: 0, size: size + 1, count: larger },
    { start: larger * (size + 1), size, count: tiles - larger },
  ];
  return groups.filter(({ count }) => count > 0);
}

/** Cycles for all tiles, each `steps` of the innermost loop long. */
function tileCost(
  rows: readonly TileGroup[],
  columns: readonly TileGroup[],
  steps: number,
  store: number,
): number {
  let cycles = 0;
  for (const row of rows)
    for (const column of columns) {
      const products = row.size * column.size;
      // A row's number in all lanes takes a little more than a vector.
      const step = Math.max(4, products / 2, (1.1 * row.size + column.size) / 2) + 0.5;
      cycles += row.count * column.count * (steps * step + products * store + 8);
    }
  return cycles;
}

interface Tiling {
  readonly rowGroups: readonly TileGroup[];
  readonly columnGroups: readonly TileGroup[];
  readonly cost: number;
}

function bestTiling(rows: number, columns: number, steps: number, store: number, registers: number): Tiling {
  let best: Tiling | undefined;
  for (let r = 1; r <= Math.min(rows, 12); r++)
    for (let c = 1; c <= Math.min(columns, 12); c++) {
      if (r * c + r + c > registers) continue;
      const rowGroups = balanced(rows, r);
      const columnGroups = balanced(columns, c);
      const cost = tileCost(rowGroups, columnGroups, steps, store);
      if (best === undefined || cost < best.cost) best = { rowGroups, columnGroups, cost };
    }
  invariant(best !== undefined, "a product without rows or columns");
  return best;
}

/** The cheapest plan; m, n and k are positive, and no stride of `out` is negative. */
export function planDot(problem: DotProblem, math: VectorMath): DotPlan {
  const plans = [problem, swapped(problem)].flatMap((oriented) => [
    outerPlan(oriented, math),
    ...innerPlan(oriented, math),
  ]);
  return plans.reduce((best, plan) => (plan.cost < best.cost ? plan : best));
}

function outerPlan(problem: DotProblem, math: VectorMath): DotPlan {
  const { m, n, k, a, b, out } = problem;
  const { lanes, elementBytes } = math;
  const vectors = Math.ceil(n / lanes);
  const tiling = bestTiling(m, vectors, k, out.columnStride === 1 ? 1 : 4, registersFor(math));
  const tall = m > 2 * tiling.rowGroups[0].size;

  // Rows of B far apart cost cache lines and associativity; packing pays when many tiles of rows use a panel. Whole pages apart,
  // all rows want the same few lines of the cache.
  const collide = k > 16 && (b.rowStride * elementBytes) % 4096 === 0;
  const spread = tall && (k * n * elementBytes > 48 * 1024 || collide);
  const packB = b.columnStride !== 1 || b.rowStride < 0 || spread;
  const packA =
    a.rowStride < 0 ||
    a.columnStride < 0 ||
    (Math.abs(a.columnStride) * elementBytes > 256 && k > 64 && n > 64);
  const packing = (packB ? k * n * (b.columnStride === 1 ? 0.6 : 1.5) : 0) + (packA ? m * k : 0);
  const widest = tiling.columnGroups[0].size * 16;
  const blocks = packB ? Math.ceil(k / Math.floor(panelBytes / widest)) : 1;
  return {
    problem,
    kind: "outer",
    packA,
    packB,
    rowGroups: tiling.rowGroups,
    columnGroups: tiling.columnGroups,
    blockK: packB ? Math.ceil(k / blocks) : k,
    cost: tiling.cost + packing,
  };
}

function innerPlan(problem: DotProblem, math: VectorMath): DotPlan[] {
  const { m, n, k, a, b, out } = problem;
  if (a.columnStride !== 1 || b.rowStride !== 1 || a.rowStride < 0 || b.columnStride < 0) return [];
  const steps = Math.ceil(k / math.lanes);
  const tiling = bestTiling(m, n, steps, out.columnStride === 1 ? 3.5 : 4, registersFor(math));
  const { rowGroups, columnGroups, cost } = tiling;
  return [{ problem, kind: "inner", packA: false, packB: false, rowGroups, columnGroups, blockK: k, cost }];
}
