/**
 * A matrix product to instructions: the bare product into its only plain store or into scratch memory, tile by tile;
 * then whatever is to be done with the sums, as an ordinary nest over them.
 */
import type { DotKernel, LoopKernel, MatrixView } from "../../../loops/ir.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import type { ProgramContext } from "./context.js";
import { directView, epilogue, scratchView } from "./dot-epilogue.js";
import { paddedAcross, writePacking } from "./dot-pack.js";
import { type DotPlan, planDot, type TileGroup } from "./dot-plan.js";
import { type DotProblem, withoutNeedlessBatch } from "./dot-problem.js";
import {
  pointerTo,
  type TileLayout,
  type TilePointers,
  type VectorMath,
  vectorMath,
  writeInnerTile,
  writeOuterTile,
} from "./dot-tile.js";
import { writeLoops } from "./nest.js";
import { contextBuffers } from "./program-buffers.js";

export function writeDot(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: DotKernel,
  status: number,
): void {
  const { dtype, batch, m, n, k, a, b } = kernel;
  const points = batch.reduce((product, extent) => product * extent, m * n);
  if (points === 0) return;
  const math = vectorMath(dtype, context.features);
  const direct = directView(kernel);
  const out = direct ?? scratchView(kernel, context.scratch(dtype, points, points * math.elementBytes));
  const problem = withoutNeedlessBatch({ dtype, batch, m, n, k, a, b, out });
  if (k === 0) writeZeros(f, context, problem, status);
  else if (!context.writeHostProduct(f, problem))
    new DotWriter(f, context, planDot(problem, math), math, status).write();
  if (direct === undefined) writeLoops(f, context, epilogue(kernel, out), status, contextBuffers(context));
}

/** Zeros over the whole result. */
function writeZeros(
  f: FunctionBuilder,
  context: ProgramContext,
  { dtype, batch, m, n, out }: DotProblem,
  status: number,
): void {
  const { buffer, offset } = out;
  const strides = [...out.batchStrides, out.rowStride, out.columnStride];
  const zeros: LoopKernel = {
    kind: "loops",
    name: "zeros",
    loops: [...batch, m, n],
    reducedLoops: 0,
    reductions: [],
    stores: [{ buffer, offset, strides, value: { kind: "constant", dtype, value: 0 } }],
  };
  writeLoops(f, context, zeros, status, contextBuffers(context));
}

class DotWriter {
  private readonly f: FunctionBuilder;
  private readonly context: ProgramContext;
  private readonly plan: DotPlan;
  private readonly math: VectorMath;
  private readonly status: number;

  constructor(f: FunctionBuilder, context: ProgramContext, plan: DotPlan, math: VectorMath, status: number) {
    this.f = f;
    this.context = context;
    this.plan = plan;
    this.math = math;
    this.status = status;
  }

  write(): void {
    const { f, context, plan } = this;
    const { problem, blockK } = plan;
    // Blocks of k add up in the result.
    if (blockK < problem.k) writeZeros(f, context, problem, this.status);
    const pointers = {
      a: this.matrix(problem.a),
      b: this.matrix(problem.b),
      out: this.matrix(problem.out),
    };
    this.batches(0, pointers);
    for (const local of Object.values(pointers)) f.release(local);
  }

  private matrix({ buffer, offset }: MatrixView): Local {
    const base = this.context.base(buffer);
    return pointerTo(this.f, base.local, base.address + offset * this.math.elementBytes);
  }

  private batches(loop: number, pointers: TilePointers): void {
    const { f, math } = this;
    const { batch, a, b, out } = this.plan.problem;
    if (loop === batch.length) {
      this.product(pointers);
      return;
    }
    const counter = f.local("i32");
    const move = (times: number): void => {
      f.increase(pointers.a, times * a.batchStrides[loop] * math.elementBytes);
      f.increase(pointers.b, times * b.batchStrides[loop] * math.elementBytes);
      f.increase(pointers.out, times * out.batchStrides[loop] * math.elementBytes);
    };
    f.repeat(counter, 0, batch[loop], 1, () => {
      this.batches(loop + 1, pointers);
      move(1);
    });
    move(-batch[loop]);
    f.release(counter);
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

  private product(pointers: TilePointers): void {
    const { f, plan, math } = this;
    const { dtype, m, n, k, a, b } = plan.problem;
    const { blockK } = plan;
    const start = { a: pointers.a, b: pointers.b };
    if (plan.packA) {
      const groups = plan.rowGroups;
      const operand = {
        dtype,
        start: start.a,
        across: m,
        acrossStride: a.rowStride,
        alongStride: a.columnStride,
      };
      start.a = this.pack({ ...operand, k, blockK, groups });
    }
    if (plan.packB) {
      const groups = this.panels;
      const operand = {
        dtype,
        start: start.b,
        across: n,
        acrossStride: b.columnStride,
        alongStride: b.rowStride,
      };
      start.b = this.pack({ ...operand, k, blockK, groups });
    }
    const aBlock = pointerTo(f, start.a, 0);
    const bBlock = pointerTo(f, start.b, 0);
    const tiles = { a: aBlock, b: bBlock, out: pointers.out };
    const whole = Math.floor(k / blockK);
    const accumulate = blockK < k;
    const counter = f.local("i32");
    const perK = math.elementBytes;
    f.repeat(counter, 0, whole, 1, () => {
      this.columns(tiles, blockK, accumulate);
      if (!accumulate) return;
      f.increase(aBlock, blockK * perK * (plan.packA ? paddedAcross(plan.rowGroups) : a.columnStride));
      f.increase(bBlock, blockK * perK * (plan.packB ? paddedAcross(this.panels) : b.rowStride));
    });
    if (k % blockK > 0) this.columns(tiles, k % blockK, accumulate);
    for (const local of [counter, aBlock, bBlock]) f.release(local);
    if (plan.packA) f.release(start.a);
    if (plan.packB) f.release(start.b);
  }

  private pack(operand: Parameters<typeof writePacking>[2]): Local {
    const { f, context, math } = this;
    const elements = operand.k * paddedAcross(operand.groups);
    const buffer = context.scratch(operand.dtype, elements, elements * math.elementBytes);
    const base = context.base(buffer);
    const target = pointerTo(f, base.local, base.address);
    writePacking(f, context, operand, target);
    return target;
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
