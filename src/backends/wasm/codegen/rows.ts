/**
 * Parts of a kernel row by row: for each row every part as a nest of its own, over buffers that start at that row.
 *
 * Many rows are divided among threads, each with scratch rows of its own; where they are divided follows from the extents
 * alone.
 */
import { mapOperands, rewriterFromRoot } from "../../../loops/expr.js";
import type { Expr, LoopKernel, RowsKernel, Store } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import { sizeOf } from "../../../types/shape.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import { align, type Base, type ProgramContext } from "./context.js";
import { expressions, mapStore } from "./expressions.js";
import { writeLoops } from "./nest.js";

/** Nanoseconds for one expression at one point, in vectors, by a rough count. */
const timeOfOne = 0.15;
/** A share of the rows takes about so many nanoseconds. */
const shareTime = 16_000;
/** Rows are not divided further than this, so that scratch rows stay few. */
const mostShares = 64;

/** A buffer as a part sees it: from the current row on. */
interface RowView {
  readonly buffer: number;
  /** Elements between rows, for each of the row loops. */
  readonly strides: readonly number[];
  readonly pointer: Local;
}

export function writeRows(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: RowsKernel,
  status: number,
): void {
  const rows = sizeOf(kernel.rows);
  if (rows === 0) return;
  const work = rows * workOfRow(kernel);
  const shares = Math.min(mostShares, rows, Math.floor((work * timeOfOne) / shareTime));
  const size = shares < 2 ? rows : Math.ceil(rows / shares);
  const count = Math.ceil(rows / size);
  const scratch = scratchRows(context, kernel, count);
  if (count === 1) {
    new RowsWriter(f, context, kernel, status, scratch, undefined).write(0, rows);
    return;
  }
  context.parallel(
    f,
    count,
    (share, number) => {
      new RowsWriter(share, context, kernel, status, scratch, number).write(size, rows);
    },
    work * timeOfOne,
  );
}

/** Points times expressions. */
function workOfRow({ rows, parts }: RowsKernel): number {
  return parts.reduce(
    (sum, part) => sum + sizeOf(part.loops.slice(rows.length)) * expressions(part).length,
    0,
  );
}

/** For each scratch buffer where the rows of all shares lie, one after the other. */
function scratchRows(
  context: ProgramContext,
  { scratch }: RowsKernel,
  shares: number,
): ReadonlyMap<number, { readonly base: Base; readonly bytes: number }> {
  return new Map(
    scratch.map((buffer) => {
      const { dtype, length } = context.buffer(buffer);
      if (shares === 1) return [buffer, { base: context.base(buffer), bytes: 0 }];
      const bytes = align(length * bytesPerElement(dtype));
      return [buffer, { base: context.base(context.scratch(dtype, length, bytes * shares)), bytes }];
    }),
  );
}

class RowsWriter {
  private readonly f: FunctionBuilder;
  private readonly context: ProgramContext;
  private readonly kernel: RowsKernel;
  private readonly status: number;
  private readonly scratch: ReturnType<typeof scratchRows>;
  /** The number of the share being written, where there are several. */
  private readonly share: Local | undefined;
  private readonly views: RowView[] = [];
  private readonly known = new Map<string, number>();

  constructor(
    f: FunctionBuilder,
    context: ProgramContext,
    kernel: RowsKernel,
    status: number,
    scratch: ReturnType<typeof scratchRows>,
    share: Local | undefined,
  ) {
    this.f = f;
    this.context = context;
    this.kernel = kernel;
    this.status = status;
    this.scratch = scratch;
    this.share = share;
  }

  /** `size` rows from share · size on, or all of them. */
  write(size: number, rows: number): void {
    const { f, share } = this;
    const parts = this.kernel.parts.map((part) => this.withoutRows(part));
    const row = f.local("i32");
    const end = f.local("i32");
    if (share === undefined) f.i32(0).set(row).i32(rows).set(end);
    else {
      f.get(share).i32(size).op(i32.mul).tee(row).i32(size).op(i32.add).set(end);
      f.get(end).i32(rows).op(i32.gt);
      f.if(undefined, () => f.i32(rows).set(end));
    }
    f.loop(() => {
      this.point(row);
      for (const part of parts)
        writeLoops(f, this.context, part, this.status, {
          base: (view) => this.baseOf(view),
          dtype: (view) => this.context.buffer(this.views[view].buffer).dtype,
        });
      f.get(row).i32(1).op(i32.add).tee(row).get(end).op(i32.lt).branchIf(0);
    });
    for (const { pointer } of this.views) f.release(pointer);
    for (const local of [row, end]) f.release(local);
  }

  private baseOf(view: number): Base {
    const { buffer, pointer } = this.views[view];
    const { address } = this.scratch.get(buffer)?.base ?? this.context.base(buffer);
    return { local: pointer, address };
  }

  /** Sets every pointer to the row. */
  private point(row: Local): void {
    const { f, context, share } = this;
    const counters = this.counters(row);
    for (const { buffer, strides, pointer } of this.views) {
      const own = this.scratch.get(buffer);
      f.get((own?.base ?? context.base(buffer)).local);
      if (own !== undefined && share !== undefined && own.bytes > 0)
        f.get(share).i32(own.bytes).op(i32.mul).op(i32.add);
      const bytes = bytesPerElement(context.buffer(buffer).dtype);
      strides.forEach((stride, loop) => {
        if (stride === 0 || this.kernel.rows[loop] === 1) return;
        f.get(counters[loop])
          .i32(stride * bytes)
          .op(i32.mul)
          .op(i32.add);
      });
      f.set(pointer);
    }
    for (const counter of counters) if (counter !== row) f.release(counter);
  }

  /** The counters of the row loops, from the number of the row. */
  private counters(row: Local): readonly Local[] {
    const { f } = this;
    const { rows } = this.kernel;
    if (rows.length === 1) return [row];
    return rows.map((extent, loop) => {
      const counter = f.local("i32");
      const within = sizeOf(rows.slice(loop + 1));
      f.get(row);
      if (within > 1) f.i32(within).op(i32.div);
      if (loop > 0) f.i32(extent).op(i32.rem);
      f.set(counter);
      return counter;
    });
  }

  /** The part at one row: its row loops are gone, and its buffers are views. */
  private withoutRows(part: LoopKernel): LoopKernel {
    const outer = this.kernel.rows.length;
    const rewrite = rewriterFromRoot((e, rewriteOperand): Expr => {
      const moved = mapOperands(e, rewriteOperand);
      if (moved.kind === "index") {
        invariant(moved.loop >= outer, "the counter of a row");
        return { ...moved, loop: moved.loop - outer };
      }
      if (moved.kind !== "load") return moved;
      const buffer = this.view(moved.buffer, moved.strides.slice(0, outer));
      return { ...moved, buffer, strides: moved.strides.slice(outer) };
    });
    return {
      ...part,
      loops: part.loops.slice(outer),
      reductions: part.reductions.map((reduction) => ({ ...reduction, value: rewrite(reduction.value) })),
      stores: part.stores.map((store): Store => {
        const buffer = this.view(store.buffer, store.strides.slice(0, outer));
        return { ...mapStore(store, rewrite), buffer, strides: store.strides.slice(outer) };
      }),
    };
  }

  private view(buffer: number, strides: readonly number[]): number {
    const key = `${buffer}:${strides}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const view = this.views.push({ buffer, strides, pointer: this.f.local("i32") }) - 1;
    this.known.set(key, view);
    return view;
  }
}
