/** whileLoop: a loop whose number of steps depends on what it computes. */
import { bindAll } from "../graph/node.js";
import { convert } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkFunction, checkSynchronous, rebuild } from "./arguments.js";
import {
  type Carried,
  carryTree,
  checkPredicate,
  firstTypes,
  type Loose,
  matchCarry,
  traceClosed,
} from "./carry.js";
import { mostAttempts } from "./scan.js";
import { whilePrimitive } from "./while-primitive.js";

/**
 * Runs body on the carry as long as condition holds of it. Both are recorded once. Numbers and booleans in the carry, alone or
 * in arrays, are tensors inside. Forward mode differentiates it; reverse mode needs a number of steps: use `scan`.
 *
 * @param condition of a carry, one bool
 * @param body gives a carry of the same tree, shapes and dtypes
 * @returns the first carry of which the condition does not hold
 * @throws AdjointError `tree-mismatch`, `shape-mismatch`, `dtype-mismatch` where the carry changes its type, `not-differentiable`
 * in reverse mode, `invalid-argument`, `abstract-value` where a function reads a value
 * @example whileLoop((x) => x.lt(100), (x) => x.mul(2), 3).item(); // → 192
 */
export function whileLoop<const I>(
  condition: (carry: NoInfer<Carried<I>>) => Tensor | boolean,
  body: (carry: NoInfer<Carried<I>>) => NoInfer<Loose<I>>,
  init: I,
): Carried<I> {
  checkFunction(condition, "whileLoop");
  checkFunction(body, "whileLoop");
  const start = carryTree(init, "whileLoop");
  let dtypes = firstTypes(start, []);
  for (let attempts = 1; ; attempts++) {
    const carries = start.leaves.map(({ shape }, i) => ({ shape, dtype: dtypes[i] }));
    let wanted = dtypes;
    const { graphs, captures } = traceClosed("whileLoop", carries, [
      (leaves) => [
        checkPredicate(
          condition(rebuild<Carried<I>>(start.structure, leaves)),
          "whileLoop",
          "what condition gives",
        ),
      ],
      (leaves) => {
        const result = body(rebuild<Carried<I>>(start.structure, leaves));
        checkSynchronous(result, "whileLoop");
        const after = carryTree(result, "whileLoop");
        const matched = matchCarry("whileLoop", start, carries, after, attempts <= mostAttempts);
        wanted = [...matched.wanted];
        return matched.leaves;
      },
    ]);
    if (String(wanted) !== String(dtypes)) {
      dtypes = wanted;
      continue;
    }
    const first = start.leaves.map((leaf, i) => convert(leaf, dtypes[i]));
    const outputs = bindAll(whilePrimitive, [...captures, ...first], {
      kind: "while",
      condition: graphs[0],
      body: graphs[1],
      constants: captures.length,
    });
    return rebuild<Carried<I>>(start.structure, outputs);
  }
}
