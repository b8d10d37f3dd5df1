/**
 * Where each expression of a nest is computed: in the body of the innermost loop it depends on, and no deeper.
 *
 * Level L is the body of loop L - 1; level 0 stands before all loops.
 */
import { operandsOf } from "../../../loops/expr.js";
import type { Expr, LoopKernel } from "../../../loops/ir.js";
import { expressions, roots } from "./expressions.js";
import { type JointFunction, jointFunctions } from "./joint-functions.js";
import { varyingExpressions } from "./vectorise.js";

export interface NestAnalysis {
  /** Expressions whose value differs between lanes. */
  readonly varying: ReadonlySet<Expr>;
  /** How many places use an expression. */
  readonly uses: ReadonlyMap<Expr, number>;
  /** For each level, what is computed there ahead of the loops within, operands first. */
  readonly hoisted: readonly (readonly Expr[])[];
  /** Expressions that are the same in all lanes, but meet one that is not. */
  readonly splatted: ReadonlySet<Expr>;
  /** Expressions that are computed with others. */
  readonly joint: ReadonlyMap<Expr, JointFunction>;
}

export function analyse(kernel: LoopKernel, vectorLoop: number): NestAnalysis {
  const all = expressions(kernel);
  const depth = kernel.loops.length;
  const outputs = depth - kernel.reducedLoops;
  const varying = varyingExpressions(kernel, vectorLoop);

  const level = new Map<Expr, number>();
  const afterReductions = new Set<Expr>();
  const uses = new Map<Expr, number>();
  const splatted = new Set<Expr>();
  const use = (e: Expr): void => {
    uses.set(e, (uses.get(e) ?? 0) + 1);
  };
  for (const e of all) {
    let own = 0;
    if (e.kind === "index") own = e.loop + 1;
    if (e.kind === "load")
      own = e.strides.reduce((most, stride, loop) => (stride === 0 ? most : loop + 1), 0);
    if (e.kind === "reduced") afterReductions.add(e);
    for (const operand of operandsOf(e)) {
      use(operand);
      own = Math.max(own, level.get(operand) ?? 0);
      if (afterReductions.has(operand)) afterReductions.add(e);
      // An address stays a scalar unless it differs between lanes.
      if (varying.has(e) && !varying.has(operand) && e.kind !== "load") splatted.add(operand);
    }
    level.set(e, own);
  }

  const hoistedSet = new Set<Expr>();
  const levelOf = (e: Expr): number => (afterReductions.has(e) ? outputs : (level.get(e) ?? 0));
  const visited = new Map<Expr, number>();
  const visit = (e: Expr, place: number): void => {
    const before = visited.get(e);
    if (before !== undefined && before >= place) return;
    visited.set(e, place);
    if (!afterReductions.has(e) && e.kind !== "constant" && levelOf(e) < place) hoistedSet.add(e);
    for (const operand of operandsOf(e)) visit(operand, levelOf(e));
  };
  for (const { value } of kernel.reductions) {
    use(value);
    visit(value, depth);
    if (vectorLoop >= 0 && !varying.has(value)) splatted.add(value);
  }
  for (const { at, value, accumulate } of kernel.stores) {
    use(value);
    visit(value, outputs);
    if (vectorLoop >= 0 && vectorLoop < outputs && !varying.has(value)) splatted.add(value);
    if (at === undefined) continue;
    use(at);
    // Read, then written: the address is needed twice.
    if (accumulate === true) use(at);
    visit(at, outputs);
  }

  const hoisted: Expr[][] = Array.from({ length: depth + 1 }, () => []);
  for (const e of all) if (hoistedSet.has(e)) hoisted[levelOf(e)].push(e);
  return { varying, uses, hoisted, splatted, joint: jointFunctions(roots(kernel)) };
}
