/**
 * One product in blocks of its columns or rows: what the parts of several threads are made of, and small enough that the sums of
 * a block are still in a cache when something is done with them, and need memory for one block only.
 *
 * Widths are a compromise: sums of about 192 columns at a time cost BLAS 1 to 3 % against all at once (of rows up to 12 %),
 * as it copies the other operand together for each call; our own tiles keep that copy, and take what a first-level cache has
 * room for, or 96 columns, below which rows of memory are read in too short pieces (64 cost 5 % of a step of [784, 1024, 1024,
 * 10]). All follows from extents, so bits do not depend on who computes what.
 */
import type { DotKernel } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import { type DotForm, type FormAxis, sizeOf } from "./dot-form.js";
import { updateOf } from "./dot-update.js";

/** Columns of a part are whole vectors, and rows whole tiles more or less. */
const partStep = 16;
/** Blocks are made of whole vectors: of BLAS, which may have 512 bits, or our own. */
const step = { blas: 16, tiles: 8 };
/** About the width of a block by BLAS; and of the sums of our own, unless that would be too few. */
const blasWidth = { columns: 192, rows: 512 };
const blockBytes = 32 * 1024;
const leastWidth = 96;

export interface Blocks {
  readonly count: number;
  readonly parts: number;
  /** Blocks of a part; the last part may have fewer. */
  readonly perPart: number;
  /** The products of all blocks, of which loop 0 counts them; and that of the last, where it is smaller. */
  readonly all: DotForm;
  readonly rest: DotForm | undefined;
}

/**
 * @param most parts there should be; fewer than two for none
 * @param isHosts whether the host is to multiply
 * @returns undefined where the product had better stay whole
 */
export function blocksOf(
  kernel: DotKernel,
  form: DotForm,
  most: number,
  isHosts: boolean,
): Blocks | undefined {
  if (form.outer.length > 0 || form.outerSummed.length > 0) return undefined;
  const update = updateOf(kernel);
  const isDirect = update !== undefined && (isHosts || (!update.adds && update.factor === 1));
  // BLAS loses least where the longer side is parted
  const rowsFirst = isHosts && sizeOf(form.rows) > sizeOf(form.columns);
  for (const group of rowsFirst ? (["rows", "columns"] as const) : (["columns", "rows"] as const)) {
    const [axis, ...others] = form[group];
    if (axis === undefined) continue;
    const parts = most > 1 && axis.extent >= 2 * partStep * most ? most : 1;
    if (most > 1 && parts === 1) continue;
    const inPart = isDirect ? 1 : blocksInPart(kernel, form, group, parts, isHosts);
    if (parts * inPart === 1) continue;
    const multiple = inPart === 1 ? partStep : isHosts ? step.blas : step.tiles;
    const each = Math.ceil(axis.extent / (parts * inPart) / multiple) * multiple;
    const count = Math.ceil(axis.extent / each);
    const last = axis.extent - (count - 1) * each;
    const outer: FormAxis = {
      extent: count,
      a: axis.a * each,
      b: axis.b * each,
      views: axis.views.map((stride) => stride * each),
    };
    const blocked = (extent: number): DotForm => ({
      ...form,
      outer: [outer],
      [group]: [{ ...axis, extent }, ...others],
    });
    const all = blocked(each);
    if (count < 2 || !standsAlone(kernel, all)) continue;
    const perPart = Math.ceil(count / parts);
    return {
      count,
      parts: Math.ceil(count / perPart),
      perPart,
      all,
      rest: last < each ? blocked(last) : undefined,
    };
  }
  return undefined;
}

function blocksInPart(
  { dtype }: DotKernel,
  form: DotForm,
  group: "columns" | "rows",
  parts: number,
  isHosts: boolean,
): number {
  const size = sizeOf(form[group]) / parts;
  const across = sizeOf(form[group === "columns" ? "rows" : "columns"]);
  const fitting = Math.max(leastWidth, blockBytes / (across * bytesPerElement(dtype)));
  return Math.max(1, Math.round(size / (isHosts ? blasWidth[group] : fitting)));
}

/** Does no step of the outermost loop add to what another adds to? */
export function standsAlone({ stores }: DotKernel, { outer, rows, columns }: DotForm): boolean {
  const [first, ...others] = [...outer, ...rows, ...columns];
  return stores.every(({ accumulate }, view) => {
    if (accumulate !== true) return true;
    const reach = others.reduce((sum, axis) => sum + Math.abs(axis.views[view]) * (axis.extent - 1), 0);
    return Math.abs(first.views[view]) > reach;
  });
}
