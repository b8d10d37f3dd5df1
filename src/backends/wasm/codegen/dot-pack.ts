/**
 * Packing: a matrix copied into panels that the tiles read from first to last. A panel holds, for each k of a block,
 * the rows of A or the columns of B of one tile; columns beyond the matrix's end are left as they are.
 */
import type { LoopKernel } from "../../../loops/ir.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import type { ProgramContext } from "./context.js";
import type { TileGroup } from "./dot-plan.js";
import type { DotProblem } from "./dot-problem.js";
import { writeLoops } from "./nest.js";

/** What to pack: `across` is the axis of tiles, `along` that of k. Strides in elements. */
export interface PackedOperand {
  readonly dtype: DotProblem["dtype"];
  readonly start: Local;
  readonly across: number;
  readonly acrossStride: number;
  readonly k: number;
  readonly alongStride: number;
  readonly blockK: number;
  /** In elements across. */
  readonly groups: readonly TileGroup[];
}

/** Elements across, with those that fill the last panel. */
export function paddedAcross(groups: readonly TileGroup[]): number {
  return groups.reduce((sum, { size, count }) => sum + size * count, 0);
}

export function writePacking(
  f: FunctionBuilder,
  context: ProgramContext,
  operand: PackedOperand,
  target: Local,
): void {
  const { k, blockK } = operand;
  const whole = Math.floor(k / blockK);
  writeBlocks(f, context, operand, target, { first: 0, blocks: whole, length: blockK });
  if (k % blockK > 0)
    writeBlocks(f, context, operand, target, { first: whole * blockK, blocks: 1, length: k % blockK });
}

interface Blocks {
  /** Of k. */
  readonly first: number;
  readonly blocks: number;
  readonly length: number;
}

function writeBlocks(
  f: FunctionBuilder,
  context: ProgramContext,
  operand: PackedOperand,
  target: Local,
  { first, blocks, length }: Blocks,
): void {
  const { across, acrossStride, alongStride, groups } = operand;
  const padded = paddedAcross(groups);
  const copy = (start: number, size: number, count: number, width: number): void => {
    writeCopy(f, context, operand, target, {
      loops: [blocks, count, length, width],
      fromOffset: first * alongStride + start * acrossStride,
      from: [length * alongStride, size * acrossStride, alongStride, acrossStride],
      toOffset: first * padded + start * length,
      to: [length * padded, length * size, size, 1],
    });
  };
  for (const { start, size, count } of groups) {
    const complete = Math.min(count, Math.floor((across - start) / size));
    if (complete > 0) copy(start, size, complete, size);
    const rest = start + complete * size;
    if (complete < count && rest < across) copy(rest, size, 1, across - rest);
  }
}

interface Copy {
  readonly loops: readonly number[];
  readonly fromOffset: number;
  readonly from: readonly number[];
  readonly toOffset: number;
  readonly to: readonly number[];
}

function writeCopy(
  f: FunctionBuilder,
  context: ProgramContext,
  { dtype, start }: PackedOperand,
  target: Local,
  { loops, fromOffset, from, toOffset, to }: Copy,
): void {
  const kernel: LoopKernel = {
    kind: "loops",
    name: "pack",
    loops,
    reducedLoops: 0,
    reductions: [],
    stores: [
      {
        buffer: 1,
        offset: toOffset,
        strides: to,
        value: { kind: "load", dtype, buffer: 0, offset: fromOffset, strides: from },
      },
    ],
  };
  const source = {
    base: (buffer: number) => ({ local: buffer === 0 ? start : target, address: 0 }),
    dtype: () => dtype,
  };
  // Nothing here looks an index up, so there is no status to report.
  writeLoops(f, context, kernel, 0, source);
}
