/**
 * A contraction to instructions: in parts that several threads may share, each of them products of matrices with all that
 * belongs to them.
 */

import { dotLoops } from "../../../loops/dot.js";
import { mapOperands, rewriterFromRoot } from "../../../loops/expr.js";
import type { DotKernel, Expr, LoopKernel } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, i32 } from "../assembler/opcodes.js";
import type { Base, ProgramContext } from "./context.js";
import { blocksOf, standsAlone } from "./dot-blocks.js";
import { type DotForm, formOf, sizeOf, sumStrides, usesCounters } from "./dot-form.js";
import { ProductWriter, type Range } from "./dot-product.js";
import { storesOf } from "./dot-stores.js";
import { Workplace } from "./dot-workplace.js";
import { mapStore } from "./expressions.js";
import { writeLoops } from "./nest.js";
import { contextBuffers } from "./program-buffers.js";

/** Multiplications from which a product is worth parts. */
const shared = 1_000_000;

export function writeDot(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: DotKernel,
  status: number,
): void {
  const { dtype } = kernel;
  const points = dotLoops(kernel).reduce((product, extent) => product * extent, 1);
  if (points === 0) return;
  if (kernel.k === 0) {
    const zero: Expr = { kind: "constant", dtype, value: 0 };
    writeLoops(f, context, afterwards(kernel, zero), status, contextBuffers(context));
    return;
  }
  if (usesCounters(kernel)) {
    const buffer = context.scratch(dtype, points, points * bytesPerElement(dtype));
    const loops = dotLoops(kernel);
    const strides = loops.map((_, i) => loops.slice(i + 1).reduce((size, extent) => size * extent, 1));
    const sums = { buffer, offset: 0, strides };
    writeProducts(f, context, { ...kernel, stores: [{ ...sums, value: reducedOf(dtype) }] }, status);
    const value: Expr = { kind: "load", dtype, ...sums };
    writeLoops(f, context, afterwards(kernel, value), status, contextBuffers(context));
    return;
  }
  writeProducts(f, context, kernel, status);
}

function reducedOf(dtype: DotKernel["dtype"]): Expr {
  return { kind: "reduced", dtype, index: 0 };
}

/** The stores as a nest of their own, with this for the sums. */
function afterwards(kernel: DotKernel, sum: Expr): LoopKernel {
  const rewrite = rewriterFromRoot((e, rewriteOperand) =>
    e.kind === "reduced" ? sum : mapOperands(e, rewriteOperand),
  );
  return {
    kind: "loops",
    name: kernel.name,
    loops: dotLoops(kernel),
    reducedLoops: 0,
    reductions: [],
    stores: kernel.stores.map((store) => mapStore(store, rewrite)),
  };
}

function writeProducts(f: FunctionBuilder, context: ProgramContext, kernel: DotKernel, status: number): void {
  const form = formOf(kernel);
  const { outer, outerSummed, rows, columns, summed } = form;
  const work = sizeOf([...outer, ...outerSummed, ...rows, ...columns, ...summed]);
  if (work >= shared) {
    const shareable = outer.length > 0 && standsAlone(kernel, form);
    if (shareable) {
      shareLoop(f, context, outer[0].extent, work, (place, range) =>
        new ProductWriter(place, kernel, form, status).write(range),
      );
      return;
    }
    if (outer.length === 0 && outerSummed.length > 0) {
      writePartialSums(f, context, kernel, form, work, status);
      return;
    }
  }
  if (writeBlocks(f, context, kernel, form, work, status)) return;
  new ProductWriter(new Workplace(f, context), kernel, form, status).write();
}

/** An estimate for one thread, in nanoseconds. */
function timeOf(work: number): number {
  return work / 25;
}

/** One product in blocks of its columns, or of its rows where these run in lanes; those of large ones in parts. */
function writeBlocks(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: DotKernel,
  form: DotForm,
  work: number,
  status: number,
): boolean {
  // measured with OpenBLAS and 256-bit vectors: columns in two cost 1 to 3 %, rows 3 to 15 %
  const most = work < context.partedFrom(kernel.dtype, work, shared) ? 1 : work < 32 * shared ? 2 : 4;
  const blocks = blocksOf(kernel, form, most, context.hasHostFor(kernel.dtype, work));
  if (blocks === undefined) return false;
  const { count, parts, perPart, all, rest } = blocks;
  const write = (own: FunctionBuilder, of: DotForm, range?: Range): void =>
    context.briefly(() => new ProductWriter(new Workplace(own, context), kernel, of, status).write(range));
  const writeRest = (own: FunctionBuilder): void => {
    if (rest === undefined) return;
    const first = own.local("i32");
    own.i32(count - 1).set(first);
    write(own, rest, { first });
  };
  const whole = rest === undefined ? count : count - 1;
  if (parts === 1) {
    const first = f.local("i32");
    const steps = f.local("i32");
    f.i32(0).set(first).i32(whole).set(steps);
    write(f, all, { first, steps });
    writeRest(f);
    return true;
  }
  const part = (own: FunctionBuilder, number: Local): void => {
    const first = own.local("i32");
    const steps = own.local("i32");
    own.get(number).i32(perPart).op(i32.mul).set(first);
    own.i32(perPart).i32(whole).get(first).op(i32.sub).tee(steps);
    own.i32(perPart).get(steps).op(i32.lt).op(control.select).tee(steps);
    // the last part may have nothing but the rest
    own.if(undefined, () => write(own, all, { first, steps }));
    if (rest === undefined) return;
    own
      .get(number)
      .i32(parts - 1)
      .op(i32.eq);
    own.if(undefined, () => writeRest(own));
  };
  context.parallel(f, parts, part, timeOf(work));
  return true;
}

/** A loop in parts of as many steps, of which the last may have fewer. */
function shareLoop(
  f: FunctionBuilder,
  context: ProgramContext,
  extent: number,
  work: number,
  write: (place: Workplace, range: Range, number: Local) => void,
): void {
  const { each, count } = partsOf(extent, work);
  const part = (own: FunctionBuilder, number: Local): void => {
    const first = own.local("i32");
    const steps = own.local("i32");
    own.get(number).i32(each).op(i32.mul).set(first);
    own.i32(each).i32(extent).get(first).op(i32.sub).tee(steps);
    own.i32(each).get(steps).op(i32.lt).op(control.select).set(steps);
    write(new Workplace(own, context), { first, steps }, number);
  };
  context.parallel(f, count, part, timeOf(work));
}

/** Enough parts to keep several threads busy to the end, by the extent alone. */
function partsOf(extent: number, work: number): { readonly each: number; readonly count: number } {
  const most = work < 8 * shared ? 4 : 8;
  const each = Math.ceil(extent / most);
  return { each, count: Math.ceil(extent / each) };
}

/** Products that add up, in parts of which each has sums of its own; these are added in order. */
function writePartialSums(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: DotKernel,
  form: DotForm,
  work: number,
  status: number,
): void {
  const { dtype } = kernel;
  const bytes = bytesPerElement(dtype);
  const points = sizeOf(form.rows) * sizeOf(form.columns);
  const { extent } = form.outerSummed[0];
  const { count } = partsOf(extent, work);
  const base = context.base(context.scratch(dtype, points * count, points * count * bytes));
  shareLoop(f, context, extent, work, (place, range, number) => {
    const local = place.f.local("i32");
    place.f
      .get(number)
      .i32(points * bytes)
      .op(i32.mul)
      .get(base.local)
      .op(i32.add)
      .set(local);
    const own: Base = { local, address: base.address };
    new ProductWriter(place, kernel, form, status).write(range, own);
  });
  const steps = sumStrides(form);
  const strides = [...steps.rows, ...steps.columns, points];
  const ownBuffer = form.views.length;
  const value: Expr = { kind: "load", dtype, buffer: ownBuffer, offset: 0, strides };
  const nest: LoopKernel = {
    ...storesOf(kernel, form, reducedOf(dtype), [count]),
    reducedLoops: 1,
    reductions: [{ op: "sum", dtype, value }],
  };
  writeLoops(f, context, nest, status, {
    base: (buffer) => (buffer === ownBuffer ? base : context.base(form.views[buffer].buffer)),
    dtype: (buffer) => (buffer === ownBuffer ? dtype : context.buffer(form.views[buffer].buffer).dtype),
  });
}
