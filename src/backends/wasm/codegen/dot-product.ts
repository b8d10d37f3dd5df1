/**
 * The products of a contraction and all that is around each of them: operands packed, the product by tiles or by BLAS, sums of
 * several, and what is done with the sums, while these are still in a cache.
 */
import type { DotKernel, LoopKernel, Store } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import type { Local } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import type { Base } from "./context.js";
import { type DotForm, type FormAxis, sizeOf, strideOf, sumStrides } from "./dot-form.js";
import { operandOf, type Placed } from "./dot-operand.js";
import { planDot } from "./dot-plan.js";
import type { DotProblem } from "./dot-problem.js";
import { storesOf } from "./dot-stores.js";
import { vectorMath } from "./dot-tile.js";
import { TileWriter } from "./dot-tiles.js";
import { type Update, updateOf } from "./dot-update.js";
import type { Workplace } from "./dot-workplace.js";
import { writeLoops } from "./nest.js";
import type { BufferSource } from "./pointers.js";

/** From which step of the outermost loop on to run how many, in locals; one step without a number. */
export interface Range {
  readonly first: Local;
  readonly steps?: Local;
}

interface Multiplier {
  /** Asks for scratch memory, and does what is done once for all products. */
  readonly prepare: () => void;
  readonly write: () => void;
}

export class ProductWriter {
  private readonly place: Workplace;
  private readonly kernel: DotKernel;
  private readonly form: DotForm;
  private readonly status: number;
  private readonly axes: readonly FormAxis[];
  private readonly m: number;
  private readonly n: number;
  private readonly k: number;
  private readonly bytes: number;

  constructor(place: Workplace, kernel: DotKernel, form: DotForm, status: number) {
    this.place = place;
    this.kernel = kernel;
    this.form = form;
    this.status = status;
    this.axes = [...form.outer, ...form.outerSummed];
    this.m = sizeOf(form.rows);
    this.n = sizeOf(form.columns);
    this.k = sizeOf(form.summed);
    this.bytes = bytesPerElement(kernel.dtype);
  }

  /**
   * Runs the outer loops, the outermost over a range where one is given.
   * @param target where sums go, as `sumStrides` says, instead of through the stores
   */
  write(range?: Range, target?: Base): void {
    const { place, kernel, form, m, n } = this;
    const [a, packA] = operandOf(place, kernel, form, "a");
    const [b, packB] = operandOf(place, kernel, form, "b");
    const direct = target === undefined ? this.direct(a, b) : undefined;
    const inPlace = target === undefined && direct === undefined ? this.ownPlace(a, b) : undefined;
    const out = direct?.out ?? inPlace?.out ?? this.sums(target ?? place.scratch(kernel.dtype, m * n));
    const multiply = this.multiplier(a, b, out, direct?.update);
    const ending =
      direct === undefined && target === undefined ? this.epilogue(out.base, inPlace?.view) : undefined;
    const startsAtZero = form.outerSummed.length > 0 && direct?.update.adds !== true;
    const packings = [packA, packB].filter((packing) => packing !== undefined);
    const pack = (once: boolean): void => {
      for (const { kernel: copy, source, once: only } of packings)
        if (only === once) writeLoops(place.f, place.context, copy, 0, source);
    };

    place.start(range?.first);
    pack(true);
    multiply.prepare();
    this.loops(0, form.outer.length, range, () => {
      if (startsAtZero) this.writeZeros(out);
      this.loops(form.outer.length, this.axes.length, range, () => {
        pack(false);
        multiply.write();
      });
      ending?.();
    });
  }

  /** Nested loops over axes `from` … `to` - 1. */
  private loops(from: number, to: number, range: Range | undefined, body: () => void): void {
    if (from >= to) {
      body();
      return;
    }
    const { place, axes } = this;
    const { f } = place;
    const ranged = from === 0 ? range : undefined;
    if (ranged !== undefined && ranged.steps === undefined) {
      this.loops(from + 1, to, range, body);
      return;
    }
    const counter = f.local("i32");
    const step = (): void => {
      this.loops(from + 1, to, range, body);
      place.advance(from, 1);
    };
    if (ranged?.steps !== undefined) {
      f.get(ranged.steps).set(counter);
      f.loop(() => {
        step();
        f.get(counter).i32(1).op(i32.sub).tee(counter).branchIf(0);
      });
    } else {
      const { extent } = axes[from];
      f.repeat(counter, 0, extent, 1, step);
      if (from > 0) place.advance(from, -extent);
    }
    f.release(counter);
  }

  /** Sums in memory of their own. */
  private sums(base: Base): Placed {
    const isTransposed = this.form.outerSummed.length > 0 && this.n > this.m;
    return isTransposed
      ? { base, rowStride: 1, columnStride: this.m }
      : { base, rowStride: this.n, columnStride: 1 };
  }

  /** Where products go at once, and what is done to what is there. */
  private direct(a: Placed, b: Placed): { readonly out: Placed; readonly update: Update } | undefined {
    const update = updateOf(this.kernel);
    const out = update && this.placeOf(update.store);
    if (out === undefined || update === undefined) return undefined;
    // what is generated here stores sums as they are
    const isPlain = !update.adds && update.factor === 1;
    return isPlain || this.place.context.hostTakes(this.problem(a, b, out)) ? { out, update } : undefined;
  }

  /**
   * The place of the last store, where sums may wait for what is done with them: it takes no memory besides, and is written in any
   * case. Nothing else of that place may be wanted: it is read by nobody, and of all stores of an element the last overwrites
   * the sum.
   */
  private ownPlace(a: Placed, b: Placed): { readonly out: Placed; readonly view: number } | undefined {
    const { place, kernel, form } = this;
    const store = kernel.stores[kernel.stores.length - 1];
    const plan = place.context.buffer(store.buffer);
    if (store.at !== undefined || store.accumulate === true || plan.dtype !== kernel.dtype) return undefined;
    const others = [kernel.a, kernel.b, ...form.views.filter((view) => view !== store)];
    const isOther = others.some(({ buffer }) => this.overlap(buffer, store.buffer));
    const out = isOther ? undefined : this.placeOf(store);
    if (out === undefined) return undefined;
    // where rows or columns are not side by side, the host would have to leave it
    const hostTakes = (to: Placed): boolean => place.context.hostTakes(this.problem(a, b, to));
    const isLeft = !hostTakes(out) && hostTakes(this.sums(out.base));
    return isLeft ? undefined : { out, view: form.views.indexOf(store) };
  }

  private overlap(one: number, other: number): boolean {
    const [x, y] = [one, other].map((buffer) => {
      const { space, address, length, dtype } = this.place.context.buffer(buffer);
      return { space, address, end: address + length * bytesPerElement(dtype) };
    });
    return x.space === y.space && x.address < y.end && y.address < x.end;
  }

  /** The place of a store, if that is a matrix. */
  private placeOf(store: Store): Placed | undefined {
    const { place, form, axes, bytes } = this;
    const view = form.views.indexOf(store);
    const stride = (axis: FormAxis): number => axis.views[view] ?? 0;
    const rowStride = strideOf(form.rows, stride);
    const columnStride = strideOf(form.columns, stride);
    if (rowStride === undefined || columnStride === undefined || rowStride < 0 || columnStride < 0)
      return undefined;
    const { local, address } = place.context.base(store.buffer);
    const base = { local, address: address + store.offset * bytes };
    const moving = place.moving(
      base,
      axes.map((axis) => stride(axis) * bytes),
    );
    return { base: moving, rowStride, columnStride };
  }

  private problem(a: Placed, b: Placed, out: Placed): DotProblem {
    const { kernel, m, n, k } = this;
    const matrix = (buffer: number, { rowStride, columnStride }: Placed): DotProblem["a"] => ({
      buffer,
      offset: 0,
      rowStride,
      columnStride,
    });
    return {
      dtype: kernel.dtype,
      m,
      n,
      k,
      a: matrix(0, a),
      b: matrix(1, b),
      out: matrix(2, out),
      work: sizeOf(this.axes) * m * n * k,
    };
  }

  /** What computes one product. */
  private multiplier(a: Placed, b: Placed, out: Placed, update: Update | undefined): Multiplier {
    const { place, kernel, form } = this;
    const { f, context } = place;
    const { dtype } = kernel;
    const sums = form.outerSummed.length > 0;
    const problem = this.problem(a, b, out);
    if (context.hostTakes(problem)) {
      const how = { adds: sums || update?.adds === true, factor: update?.factor ?? 1 };
      return {
        prepare: () => {},
        write: () => context.writeHostProduct(f, problem, [a.base, b.base, out.base], how),
      };
    }
    const math = vectorMath(dtype, context.features);
    const plan = planDot(problem, math);
    const tiles = new TileWriter(place, plan, math, sums);
    // with the roles exchanged, the left operand is b
    const isSwapped = plan.problem.a.buffer !== 0;
    const [left, right] = isSwapped ? [b, a] : [a, b];
    const stays = (which: "a" | "b"): boolean => this.axes.every((axis) => axis[which] === 0);
    const prepare = (): void => {
      tiles.prepare({
        ...(stays(isSwapped ? "b" : "a") && { a: () => place.pointer(left.base) }),
        ...(stays(isSwapped ? "a" : "b") && { b: () => place.pointer(right.base) }),
      });
    };
    const write = (): void => {
      const pointers = {
        a: place.pointer(left.base),
        b: place.pointer(right.base),
        out: place.pointer(out.base),
      };
      tiles.write(pointers);
      for (const pointer of Object.values(pointers)) f.release(pointer);
    };
    return { prepare, write };
  }

  /** @param view the view in whose place the sums are, where they are not in memory of their own */
  private epilogue(sums: Base, view?: number): () => void {
    const { place, kernel, form, axes, status } = this;
    const { f, context } = place;
    const ownBuffer = form.views.length;
    const { rows, columns } = view === undefined ? sumStrides(form) : stridesOf(form, view);
    const nest = storesOf(kernel, form, {
      kind: "load",
      dtype: kernel.dtype,
      buffer: ownBuffer,
      offset: 0,
      strides: [...rows, ...columns],
    });
    const dtypes = form.views.map(({ buffer }) => context.buffer(buffer).dtype);
    const bases = form.views.map(({ buffer }, view) =>
      place.moving(
        context.base(buffer),
        axes.map(({ views }) => (views[view] ?? 0) * bytesPerElement(dtypes[view])),
      ),
    );
    const source: BufferSource = {
      base: (buffer) => (buffer === ownBuffer ? sums : bases[buffer]),
      dtype: (buffer) => (buffer === ownBuffer ? kernel.dtype : dtypes[buffer]),
    };
    return () => writeLoops(f, context, nest, status, source);
  }

  /** Zeros along the memory of a result. */
  private writeZeros({ base, rowStride, columnStride }: Placed): void {
    const { place, kernel, m, n } = this;
    const { dtype } = kernel;
    const across = columnStride > rowStride;
    const store: Store = {
      buffer: 0,
      offset: 0,
      strides: across ? [columnStride, rowStride] : [rowStride, columnStride],
      value: { kind: "constant", dtype, value: 0 },
      accumulate: false,
    };
    const nest: LoopKernel = {
      kind: "loops",
      name: "sums",
      loops: across ? [n, m] : [m, n],
      reducedLoops: 0,
      reductions: [],
      stores: [store],
    };
    const source = { base: () => base, dtype: () => dtype };
    writeLoops(place.f, place.context, nest, 0, source);
  }
}

function stridesOf(form: DotForm, view: number): { readonly rows: number[]; readonly columns: number[] } {
  const [rows, columns] = [form.rows, form.columns].map((axes) => axes.map(({ views }) => views[view]));
  return { rows, columns };
}
