/** Operands of a product as matrices: where they are, or copied together for each product. */
import type { DotKernel, LoopKernel } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import type { Base } from "./context.js";
import { type DotForm, type FormAxis, sizeOf, strideOf } from "./dot-form.js";
import type { Workplace } from "./dot-workplace.js";
import type { BufferSource } from "./pointers.js";

/** A matrix and where it starts. */
export interface Placed {
  readonly base: Base;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** An operand copied into a matrix, before each product or, where it serves them all, once. */
export interface Packing {
  readonly kernel: LoopKernel;
  readonly source: BufferSource;
  readonly once: boolean;
}

/** An operand as a matrix: where it is, or where it is copied to. */
export function operandOf(
  place: Workplace,
  kernel: DotKernel,
  form: DotForm,
  which: "a" | "b",
): [Placed, Packing | undefined] {
  const axes = [...form.outer, ...form.outerSummed];
  const bytes = bytesPerElement(kernel.dtype);
  const view = kernel[which];
  const free = which === "a" ? form.rows : form.columns;
  const stride = (axis: FormAxis): number => axis[which];
  const base = place.context.base(view.buffer);
  const moving = place.moving(
    { local: base.local, address: base.address + view.offset * bytes },
    axes.map((axis) => stride(axis) * bytes),
  );
  const matrix = (at: Base, freeStride: number, summedStride: number): Placed =>
    which === "a"
      ? { base: at, rowStride: freeStride, columnStride: summedStride }
      : { base: at, rowStride: summedStride, columnStride: freeStride };
  if (which === "a" ? form.directA : form.directB)
    return [matrix(moving, strideOf(free, stride) ?? 1, strideOf(form.summed, stride) ?? 1), undefined];

  // innermost goes what lies side by side in memory, for as long as possible
  const run = (loops: readonly FormAxis[]): number => {
    const last = loops[loops.length - 1];
    return last === undefined ? 0 : last.extent / Math.max(1, Math.abs(stride(last)));
  };
  const freeInside = run(free) > run(form.summed);
  const [outside, inside] = freeInside ? [form.summed, free] : [free, form.summed];
  const width = sizeOf(inside);
  const loops = [...outside, ...inside];
  const to = place.scratch(kernel.dtype, sizeOf(loops));
  const copy: LoopKernel = {
    kind: "loops",
    name: "pack",
    loops: loops.map(({ extent }) => extent),
    reducedLoops: 0,
    reductions: [],
    stores: [
      {
        buffer: 1,
        offset: 0,
        strides: loops.map((_, i) => sizeOf(loops.slice(i + 1))),
        value: { kind: "load", dtype: kernel.dtype, buffer: 0, offset: 0, strides: loops.map(stride) },
      },
    ],
  };
  const source = { base: (buffer: number) => (buffer === 0 ? moving : to), dtype: () => kernel.dtype };
  const packing = { kernel: copy, source, once: axes.every((axis) => stride(axis) === 0) };
  return [freeInside ? matrix(to, 1, width) : matrix(to, width, 1), packing];
}
