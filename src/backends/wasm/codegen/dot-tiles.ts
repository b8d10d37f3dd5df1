/** A product of two matrices by register tiles, on pointers: operands packed into panels where that pays, blocks of k, columns, rows. */
import type { LoopKernel } from "../../../loops/ir.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { type PackedOperand, paddedAcross, writePacking } from "./dot-pack.js";
import type { DotPlan, TileGroup } from "./dot-plan.js";
import {
  pointerTo,
  type TileLayout,
  type TilePointers,
  type VectorMath,
  writeInnerTile,
  writeOuterTile,
} from "./dot-tile.js";
import type { Workplace } from "./dot-workplace.js";
import { writeLoops } from "./nest.js";

interface Packing {
  readonly which: "a" | "b";
  readonly operand: Omit<PackedOperand, "start">;
  readonly target: Local;
  readonly isDone: boolean;
}

export class TileWriter {
  private readonly place: Workplace;
  private readonly f: FunctionBuilder;
  private readonly plan: DotPlan;
  private readonly math: VectorMath;
  /** Whether products are added to what the result holds. */
  private readonly adds: boolean;
  private readonly packings: Packing[] = [];

  constructor(place: Workplace, plan: DotPlan, math: VectorMath, adds: boolean) {
    this.place = place;
    this.f = place.f;
    this.plan = plan;
    this.math = math;
    this.adds = adds;
  }

  /**
   * Asks for scratch memory, and packs what stays the same; to be called before any loop around `write`.
   * @param same the operands that are the same in all products, where they start
   */
  prepare(same: Partial<Readonly<Record<"a" | "b", () => Local>>>): void {
    const { plan, f } = this;
    const { dtype, m, n, k, a, b } = plan.problem;
    const { blockK } = plan;
    const add = (which: "a" | "b", operand: Packing["operand"]): void => {
      const target = this.panelMemory(k * paddedAcross(operand.groups));
      const fixed = same[which];
      this.packings.push({ which, operand, target, isDone: fixed !== undefined });
      if (fixed === undefined) return;
      const start = fixed();
      writePacking(f, this.place.context, { ...operand, start }, target);
      f.release(start);
    };
    if (plan.packA)
      add("a", {
        dtype,
        across: m,
        acrossStride: a.rowStride,
        k,
        alongStride: a.columnStride,
        blockK,
        groups: plan.rowGroups,
      });
    if (plan.packB)
      add("b", {
        dtype,
        across: n,
        acrossStride: b.columnStride,
        k,
        alongStride: b.rowStride,
        blockK,
        groups: this.panels,
      });
  }

  private panelMemory(elements: number): Local {
    return this.place.pointer(this.place.scratch(this.plan.problem.dtype, elements));
  }

  /** The column groups in columns. */
  private get panels(): readonly TileGroup[] {
    const { lanes } = this.math;
    return this.plan.columnGroups.map(({ start, size, count }) => ({
      start: start * lanes,
      size: size * lanes,
      count,
    }));
  }

  write(pointers: TilePointers): void {
    const { f, plan, math, place } = this;
    const { k, a, b } = plan.problem;
    const { blockK } = plan;
    // blocks of k add up in the result
    if (blockK < k && !this.adds) this.writeZeros(pointers.out);
    const start = { a: pointers.a, b: pointers.b };
    for (const { which, operand, target, isDone } of this.packings) {
      if (!isDone) writePacking(f, place.context, { ...operand, start: start[which] }, target);
      start[which] = target;
    }
    const aBlock = pointerTo(f, start.a, 0);
    const bBlock = pointerTo(f, start.b, 0);
    const tiles = { a: aBlock, b: bBlock, out: pointers.out };
    const whole = Math.floor(k / blockK);
    const accumulate = this.adds || blockK < k;
    const counter = f.local("i32");
    const perK = math.elementBytes;
    f.repeat(counter, 0, whole, 1, () => {
      this.columns(tiles, blockK, accumulate);
      if (blockK === k) return;
      f.increase(aBlock, blockK * perK * (plan.packA ? paddedAcross(plan.rowGroups) : a.columnStride));
      f.increase(bBlock, blockK * perK * (plan.packB ? paddedAcross(this.panels) : b.rowStride));
    });
    if (k % blockK > 0) this.columns(tiles, k % blockK, accumulate);
    for (const local of [counter, aBlock, bBlock]) f.release(local);
  }

  private writeZeros(start: Local): void {
    const { place, plan } = this;
    const { dtype, m, n, out } = plan.problem;
    const zeros: LoopKernel = {
      kind: "loops",
      name: "zeros",
      loops: [m, n],
      reducedLoops: 0,
      reductions: [],
      stores: [
        {
          buffer: 0,
          offset: 0,
          strides: [out.rowStride, out.columnStride],
          value: { kind: "constant", dtype, value: 0 },
        },
      ],
    };
    const source = { base: () => ({ local: start, address: 0 }), dtype: () => dtype };
    writeLoops(place.f, place.context, zeros, 0, source);
  }

  /** All tiles of one block of k; a panel of B stays in the cache while all rows pass. */
  private columns(start: TilePointers, blockK: number, accumulate: boolean): void {
    const { f, plan, math } = this;
    const { n, b, out } = plan.problem;
    const perColumn = plan.kind === "outer" ? math.lanes : 1;
    const total = plan.columnGroups.reduce((sum, { size, count }) => sum + size * count, 0);
    const lastLanes = plan.kind === "outer" ? n - (total - 1) * math.lanes : math.lanes;
    const bTile = pointerTo(f, start.b, 0);
    const outTile = pointerTo(f, start.out, 0);
    const counter = f.local("i32");
    plan.columnGroups.forEach(({ size, count }, group) => {
      const columns = size * perColumn;
      const one = (lanes: number): void => {
        this.rows(
          { a: start.a, b: bTile, out: outTile },
          { columns: size, lastLanes: lanes },
          blockK,
          accumulate,
        );
        f.increase(bTile, columns * math.elementBytes * (plan.packB ? blockK : b.columnStride));
        f.increase(outTile, columns * math.elementBytes * out.columnStride);
      };
      const partial = group === plan.columnGroups.length - 1 && lastLanes < math.lanes ? 1 : 0;
      f.repeat(counter, 0, count - partial, 1, () => one(math.lanes));
      if (partial === 1) one(lastLanes);
    });
    for (const local of [counter, bTile, outTile]) f.release(local);
  }

  private rows(
    start: TilePointers,
    { columns, lastLanes }: { readonly columns: number; readonly lastLanes: number },
    blockK: number,
    accumulate: boolean,
  ): void {
    const { f, plan, math } = this;
    const { a, out } = plan.problem;
    const aTile = pointerTo(f, start.a, 0);
    const outTile = pointerTo(f, start.out, 0);
    const counter = f.local("i32");
    const pointers = { a: aTile, b: start.b, out: outTile };
    const write = plan.kind === "outer" ? writeOuterTile : writeInnerTile;
    for (const { size, count } of plan.rowGroups)
      f.repeat(counter, 0, count, 1, () => {
        write(
          f,
          math,
          { rows: size, columns, lastLanes },
          this.layout(size, columns, blockK, accumulate),
          pointers,
        );
        f.increase(aTile, size * math.elementBytes * (plan.packA ? blockK : a.rowStride));
        f.increase(outTile, size * math.elementBytes * out.rowStride);
      });
    for (const local of [counter, aTile, outTile]) f.release(local);
  }

  private layout(rows: number, columns: number, k: number, accumulate: boolean): TileLayout {
    const { plan, math } = this;
    const { a, b, out } = plan.problem;
    const bytes = math.elementBytes;
    return {
      k,
      aRow: bytes * (plan.packA ? 1 : a.rowStride),
      aStep: bytes * (plan.packA ? rows : a.columnStride),
      bStep: plan.packB ? columns * 16 : bytes * b.rowStride,
      bColumn: bytes * b.columnStride,
      outRow: bytes * out.rowStride,
      outColumn: bytes * out.columnStride,
      accumulate,
    };
  }
}
