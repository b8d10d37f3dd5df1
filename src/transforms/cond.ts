/** cond: one of two functions, by a value that may be known only when the program runs. */
import { evaluateGraph, traceGraph } from "../graph/graph.js";
import { canonicalGraph } from "../graph/graph-key.js";
import { bindAll, uniformNode } from "../graph/node.js";
import { convert, fromNode } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { type DType, promote, weakDType } from "../types/dtype.js";
import { sameShape } from "../types/shape.js";
import { AdjointError } from "../util/errors.js";
import { leafPaths } from "../util/tree.js";
import { checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";
import {
  type Carried,
  type CarryTree,
  carryTree,
  checkPredicate,
  checkSameTree,
  formatType,
  type Loose,
  traceClosed,
} from "./carry.js";
import { condPrimitive } from "./cond-primitive.js";

/**
 * One of two functions of the same operands. Where the predicate has a value, the function it chooses is called and the other
 * is not; inside jit, vmap and loops both become part of the graph, one of them runs, and both must give the same tree of the
 * same types. Under vmap with a predicate for each example both run, and each example keeps its own.
 *
 * @param predicate a bool tensor of shape [], or a boolean
 * @throws AdjointError `tree-mismatch`, `shape-mismatch`, `dtype-mismatch` where the results differ in type, `invalid-argument`
 * @example jit((x) => cond(x.sum().gt(0), (v) => v.mul(2), (v) => v.neg(), x))(tensor([1, 2])).array(); // → 2,4
 */
export function cond<const R, A extends readonly unknown[]>(
  predicate: Tensor | boolean,
  onTrue: (...operands: NoInfer<A>) => R,
  onFalse: (...operands: NoInfer<A>) => NoInfer<Loose<R>>,
  ...operands: A
): Carried<R> {
  checkFunction(onTrue, "cond");
  checkFunction(onFalse, "cond");
  const chosen = checkPredicate(predicate, "cond", "predicate");
  if (!chosen.isAbstract) {
    const result = (chosen.itemSync() ? onTrue : onFalse)(...operands);
    checkSynchronous(result, "cond");
    const { structure, leaves } = carryTree(result, "cond");
    return rebuild<Carried<R>>(structure, leaves);
  }
  const given = flattenTensors(operands, "cond");
  const results: CarryTree[] = [];
  const { graphs, captures } = traceClosed(
    "cond",
    given.leaves,
    [onTrue, onFalse].map((branch) => (leaves) => {
      const result = branch(...rebuild<A>(given.structure, leaves));
      checkSynchronous(result, "cond");
      const tree = carryTree(result, "cond");
      results.push(tree);
      return tree.leaves;
    }),
  );
  const [yes, no] = results;
  checkSameTree("cond", "the result of onFalse", yes.structure, no.structure, ", as onTrue gives");
  const dtypes = commonTypes(yes, no);
  const [first, second] = graphs.map((graph, branch) =>
    canonicalGraph(
      traceGraph("cond", graph.inputs, (leaves) =>
        evaluateGraph(graph, leaves).map((node, i) => {
          const number = results[branch].numbers[i];
          return number === undefined
            ? convert(fromNode(node), dtypes[i])
            : uniformNode(node.shape, dtypes[i], Number(number));
        }),
      ),
    ),
  );
  const outputs = bindAll(condPrimitive, [chosen, ...captures, ...given.leaves], {
    kind: "cond",
    onTrue: first,
    onFalse: second,
  });
  return rebuild<Carried<R>>(yes.structure, outputs);
}

/** The dtypes both branches give; a plain number takes that of the tensor in the other. */
function commonTypes(yes: CarryTree, no: CarryTree): DType[] {
  const paths = leafPaths(yes.structure);
  return yes.leaves.map((a, i) => {
    const b = no.leaves[i];
    const [weakA, weakB] = [yes.numbers[i], no.numbers[i]];
    const isSame = sameShape(a.shape, b.shape);
    if (isSame && a.dtype === b.dtype) return a.dtype;
    if (isSame && weakA !== undefined && weakB !== undefined) return promote(a.dtype, b.dtype);
    if (isSame && weakA !== undefined) return weakDType(weakA, b.dtype);
    if (isSame && weakB !== undefined) return weakDType(weakB, a.dtype);
    const where = paths[i] === "" ? "the result" : `the result at "${paths[i]}"`;
    throw new AdjointError(
      isSame ? "dtype-mismatch" : "shape-mismatch",
      `cond: ${where} must have one type in both branches: ${formatType(a)} of onTrue, ${formatType(b)} of onFalse`,
      { operation: "cond", argument: "onFalse", expected: formatType(a), received: formatType(b) },
    );
  });
}
