/** scan: a loop with a fixed number of steps, recorded once. */
import type { Node } from "../graph/node.js";
import { uniformNode } from "../graph/node.js";
import { convert } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkCount, checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { leafPaths, type Structure } from "../util/tree.js";
import { checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";
import { type Carried, carryTree, firstTypes, type Loose, matchCarry, traceClosed } from "./carry.js";
import { bindScan } from "./scan-primitive.js";

/** Times a body is recorded until the dtypes of plain numbers in the carry have settled. */
export const mostAttempts = 4;

/** How a scan runs. */
export interface ScanOptions {
  /** Steps, for a scan over no sequence. Default: the extent of axis 0 of `xs`. */
  readonly length?: number;
  /** From the last slice to the first; what is given for slice i is still at place i of the results. Default false. */
  readonly reverse?: boolean;
  /**
   * For reverse mode: keep what the way back needs of each step, or only what is carried and run the step once more: less
   * memory, more time. Default "stored".
   */
  readonly residuals?: "stored" | "recomputed";
}

/**
 * Runs f on each slice of `xs` along axis 0, with what it carries from one to the next. f is recorded once, whatever the number
 * of steps, so compiling takes no longer for many of them. Numbers and booleans in the carry, alone or in arrays, are
 * tensors inside; a tensor f closes over is differentiated like an argument.
 *
 * @param f (carry, x) → [carry, y]; the carry keeps its tree, shapes and dtypes, y is any tree, or null
 * @param init the first carry
 * @param xs a tree of tensors of one extent along axis 0, or null where `length` is given
 * @returns the last carry, and the tree of y with the steps as axis 0
 * @throws AdjointError `tree-mismatch`, `shape-mismatch`, `dtype-mismatch` where the carry changes its type,
 * `invalid-argument`, `abstract-value` where f reads a value
 * @example
 * const [total, sums] = scan((sum, x) => [sum.add(x), sum.add(x)], 0, tensor([1, 2, 3]));
 * total.item(); // → 6
 * sums.array(); // → 1,3,6
 * @example grad((w) => scan((h) => [h.mul(w), null], 1, null, { length: 3 })[0])(2).item(); // → 12
 */
export function scan<const I, X, Y>(
  f: (carry: NoInfer<Carried<I>>, x: NoInfer<X>) => readonly [carry: NoInfer<Loose<I>>, y: Y],
  init: I,
  xs: X,
  options: ScanOptions = {},
): [carry: Carried<I>, ys: Carried<Y>] {
  checkFunction(f, "scan");
  checkOptionNames(options, ["length", "reverse", "residuals"], "scan");
  const { reverse = false, residuals = "stored" } = options;
  if (typeof reverse !== "boolean")
    throw invalidArgument("scan", "reverse", "true or false", formatReceived(reverse));
  if (residuals !== "stored" && residuals !== "recomputed")
    throw invalidArgument("scan", "residuals", '"stored" or "recomputed"', formatReceived(residuals));
  const sequences = flattenTensors(xs, "scan");
  const length = lengthOf(sequences.leaves, leafPaths(sequences.structure), options.length);
  const start = carryTree(init, "scan");
  const slices = sequences.leaves.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));

  let dtypes = firstTypes(start, slices);
  for (let attempts = 1; ; attempts++) {
    const carries = start.leaves.map(({ shape }, i) => ({ shape, dtype: dtypes[i] }));
    let wanted = dtypes;
    let output: Structure = { kind: "static", value: undefined };
    const { graphs, captures } = traceClosed(
      "scan",
      [...carries, ...slices],
      [
        (leaves) => {
          const result = f(
            rebuild<Carried<I>>(start.structure, leaves.slice(0, carries.length)),
            rebuild<X>(sequences.structure, leaves.slice(carries.length)),
          );
          checkSynchronous(result, "scan");
          const [carry, y] = pairOf(result);
          const matched = matchCarry(
            "scan",
            start,
            carries,
            carryTree(carry, "scan"),
            attempts <= mostAttempts,
          );
          wanted = [...matched.wanted];
          const given = carryTree(y, "scan");
          output = given.structure;
          return [...matched.leaves, ...given.leaves];
        },
      ],
    );
    // a number to begin with takes the dtype of what it becomes
    if (String(wanted) !== String(dtypes)) {
      dtypes = wanted;
      continue;
    }
    const [body] = graphs;
    const first = start.leaves.map((leaf, i) => convert(leaf, dtypes[i]));
    const inputs: Node[] = [...captures, ...first, ...sequences.leaves];
    const results =
      length === 0
        ? [
            ...first,
            ...body.outputs
              .slice(first.length)
              .map(({ shape, dtype }) => uniformNode([0, ...shape], dtype, 0)),
          ]
        : bindScan(
            {
              kind: "scan",
              body,
              constants: captures.length,
              carries: first.length,
              length,
              reverse,
              recompute: residuals === "recomputed",
            },
            inputs,
          );
    return [
      rebuild<Carried<I>>(start.structure, results.slice(0, first.length)),
      rebuild<Carried<Y>>(output, results.slice(first.length)),
    ];
  }
}

/** What a step gave, as carry and y. */
function pairOf(result: unknown): readonly [unknown, unknown] {
  if (Array.isArray(result) && result.length === 2) return [result[0], result[1]];
  const received = formatReceived(result);
  throw new AdjointError("invalid-argument", `scan: f must return [carry, y], received ${received}`, {
    operation: "scan",
    argument: "f",
    expected: "[carry, y]",
    received,
  });
}

function lengthOf(leaves: readonly Tensor[], paths: readonly string[], given: number | undefined): number {
  let length = given === undefined ? undefined : checkCount(given, "scan", "length");
  leaves.forEach(({ shape }, i) => {
    const argument = paths[i] === "" ? "xs" : `xs.${paths[i]}`;
    const expected = length === undefined ? "an axis of steps" : `${length} steps along axis 0`;
    if (shape.length === 0 || (length !== undefined && shape[0] !== length))
      throw new AdjointError(
        "shape-mismatch",
        `scan: ${argument} must have ${expected}, received shape ${formatShape(shape)}`,
        { operation: "scan", argument, expected, received: formatShape(shape) },
      );
    length = shape[0];
  });
  if (length === undefined) throw invalidArgument("scan", "length", "given where xs has no tensor", "none");
  return length;
}
