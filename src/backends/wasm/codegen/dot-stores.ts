/** What is done with the sums of a contraction: the kernel's stores take them from where they lie. */
import { mapOperands, rewriterFromRoot } from "../../../loops/expr.js";
import type { DotKernel, Expr, LoopKernel } from "../../../loops/ir.js";
import type { DotForm } from "./dot-form.js";
import { mapStore } from "./expressions.js";

/**
 * The stores of one product as a nest over its rows and columns, which finds view i in buffer i.
 * @param sum what the stores take for `reduced`
 * @param extra loops within, along which the stores' own loads stay where they are
 */
export function storesOf(
  kernel: DotKernel,
  form: DotForm,
  sum: Expr,
  extra: readonly number[] = [],
): LoopKernel {
  const axes = [...form.rows, ...form.columns];
  const loops = [...axes.map(({ extent }) => extent), ...extra];
  const strides = (view: number): number[] => axes.map(({ views }) => views[view]);
  const rewrite = rewriterFromRoot((e, rewriteOperand) => {
    if (e.kind === "reduced") return sum;
    const made = mapOperands(e, rewriteOperand);
    if (made.kind !== "load" || e.kind !== "load") return made;
    const view = form.views.indexOf(e);
    return { ...made, buffer: view, strides: [...strides(view), ...extra.map(() => 0)] };
  });
  return {
    kind: "loops",
    name: kernel.name,
    loops,
    reducedLoops: 0,
    reductions: [],
    stores: kernel.stores.map((store) => {
      const view = form.views.indexOf(store);
      return { ...mapStore(store, rewrite), buffer: view, strides: strides(view) };
    }),
  };
}
