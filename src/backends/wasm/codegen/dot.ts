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
    if (outer.length === 0 && writeSplit(f, context, kernel, form, work, status)) return;
  }
  new ProductWriter(new Workplace(f, context), kernel, form, status).write();
}

/** An estimate for one thread, in nanoseconds. */
function timeOf(work: number): number {
  return work / 25;
}

/** Does no step of the outermost loop add to what another adds to? */
function standsAlone({ stores }: DotKernel, { outer, rows, columns }: DotForm): boolean {
  const [first, ...others] = [...outer, ...rows, ...columns];
  return stores.every(({ accumulate }, view) => {
    if (accumulate !== true) return true;
    const reach = others.reduce((sum, axis) => sum + Math.abs(axis.views[view]) * (axis.extent - 1), 0);
    return Math.abs(first.views[view]) > reach;
  });
}

/** Columns of a part are whole vectors, and rows whole tiles more or less. */
const partStep = 16;

/** One product in parts of its columns, or of its rows where these run in lanes; false where it has too few. */
function writeSplit(
  f: FunctionBuilder,
  context: ProgramContext,
  kernel: DotKernel,
  form: DotForm,
  work: number,
  status: number,
): boolean {
  // measured with OpenBLAS: columns in two cost 1 to 3 %, rows 3 to 15 %
  const most = work < 32 * shared ? 2 : 4;
  for (const group of ["columns", "rows"] as const) {
    const [axis, ...others] = form[group];
    if (axis === undefined || axis.extent < 2 * partStep * most) continue;
    const each = Math.ceil(axis.extent / most / partStep) * partStep;
    const count = Math.ceil(axis.extent / each);
    const outer = {
      extent: count,
      a: axis.a * each,
      b: axis.b * each,
      views: axis.views.map((stride) => stride * each),
    };
    if (!standsAlone(kernel, { ...form, outer: [outer], [group]: [{ ...axis, extent: each }, ...others] }))
      continue;
    const write = (part: FunctionBuilder, number: Local, extent: number): void => {
      const inner = { ...form, outer: [outer], [group]: [{ ...axis, extent }, ...others] };
      const place = new Workplace(part, context, { count, number });
      new ProductWriter(place, kernel, inner, status).write({ first: number });
    };
    const last = axis.extent - (count - 1) * each;
    const parts = (part: FunctionBuilder, number: Local): void => {
      if (last === each) {
        write(part, number, each);
        return;
      }
      part
        .get(number)
        .i32(count - 1)
        .op(i32.ltU);
      part.if(
        undefined,
        () => write(part, number, each),
        () => write(part, number, last),
      );
    };
    context.parallel(f, count, parts, timeOf(work));
    return true;
  }
  return false;
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
    write(new Workplace(own, context, { count, number }), { first, steps }, number);
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
