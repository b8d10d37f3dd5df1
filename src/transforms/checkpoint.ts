/** checkpoint: forget the intermediate values of a function on the way forward and compute them again on the way back. */
import { closeOver, evaluateGraph, liveCaptures, traceGraph } from "../graph/graph.js";
import { bindAll, isRecorded } from "../graph/node.js";
import type { Tensor } from "../tensor/tensor.js";
import { checkOptionNames, invalidArgument, isInteger } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import type { Structure } from "../util/tree.js";
import { checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";
import { runChain } from "./checkpoint-chain.js";
import { checkpointPrimitive } from "./checkpoint-primitive.js";

/** How much `checkpoint` forgets. */
export interface CheckpointOptions {
  /**
   * How many values inside the function are kept at once. Default none: all is forgotten, and computed again at once. `"auto"`: as
   * few as possible, such that no more is computed again than the function once.
   */
  readonly keep?: number | "auto";
}

/**
 * The same function, whose intermediate values are not stored for the backward pass but computed again there. Use it on a
 * block that is large in memory and cheap in time. The function is recorded on abstract tensors, so it must not
 * read values.
 *
 * With `keep`, use it on a whole chain: a deep network, or many steps in time. The function is cut where little is alive (between
 * layers), and its gradient goes from part to part, from the last to the first, with at most so many values between parts in
 * memory, besides what the function is given, the gradient itself and what one part takes. Which these are is chosen so that the
 * least is computed again: with 5 values, 32 equal layers take less than one forward pass more.
 *
 * @throws AdjointError `invalid-argument`, `abstract-value`, `async-function`
 * @example grad(checkpoint((x) => x.sin().sin().sum()))(tensor([0])).array(); // → 1
 * @example grad(checkpoint((x) => x.sin().sin().sin().sin().sum(), { keep: 1 }))(tensor([0])).array(); // → 1
 */
export function checkpoint<R, A extends readonly unknown[] = Tensor[]>(
  f: (...args: A) => R,
  options: CheckpointOptions = {},
): (...args: A) => R {
  checkFunction(f, "checkpoint");
  const { keep } = checkedOptions(options);
  return (...args) => {
    const flat = flattenTensors(args, "checkpoint");
    let output: Structure = { kind: "static", value: undefined };
    const open = traceGraph("checkpoint", flat.leaves, (leaves) => {
      const result = f(...rebuild<A>(flat.structure, leaves));
      checkSynchronous(result, "checkpoint");
      const parts = flattenTensors(result, "checkpoint");
      output = parts.structure;
      return parts.leaves;
    });
    const captures = liveCaptures(open);
    const graph = closeOver(open, captures);
    const inputs = [...flat.leaves, ...captures];
    const recorded = inputs.some((input) => input.isAbstract || isRecorded(input));
    if (!recorded) return rebuild<R>(output, evaluateGraph(graph, inputs));
    const outputs =
      keep === undefined ? bindAll(checkpointPrimitive, inputs, { graph }) : runChain(graph, inputs, keep);
    return rebuild<R>(output, outputs);
  };
}

function checkedOptions(options: CheckpointOptions): CheckpointOptions {
  checkOptionNames(options, ["keep"], "checkpoint");
  const { keep } = options;
  if (keep === undefined || keep === "auto" || (isInteger(keep) && keep >= 1)) return options;
  throw invalidArgument("checkpoint", "keep", 'an integer of at least 1 or "auto"', formatReceived(keep));
}
