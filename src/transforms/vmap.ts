/**
 * vmap: the function is written for one example, recorded once on abstract tensors, and its operations are run again on
 * whole batches, each by its own batching rule. No loop is left.
 */

import { evaluateGraph, type Graph, traceGraph } from "../graph/graph.js";
import { bindAll, type Node } from "../graph/node.js";
import { broadcast } from "../primitives/broadcast.js";
import { moveAxis } from "../primitives/reshape.js";
import { fromNode, isTensor } from "../tensor/convert.js";
import type { Tensor } from "../tensor/tensor.js";
import { dropAxes, normalizeAxis } from "../types/shape.js";
import { checkOptionNames, invalidArgument } from "../util/checks.js";
import { AdjointError, formatReceived, formatShape } from "../util/errors.js";
import { checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";

type Anything = readonly unknown[];

/** Which axes are the batch. */
export interface VmapOptions {
  /** The batch axis of each argument; null for one that is shared. Default 0 for all. */
  readonly inAxes?: number | readonly (number | null)[];
  /** Where the batch axis goes in the results. Default 0. */
  readonly outAxes?: number;
}

/**
 * Runs a graph on inputs of which those `batched` have the batch as axis 0.
 * @returns the outputs, with those that do not depend on the batch left as they are
 */
export function evaluateBatched(
  graph: Graph,
  inputs: readonly Node[],
  batched: readonly boolean[],
  size: number,
): { outputs: Node[]; batched: boolean[] } {
  const withBatch = new Set<Node>();
  inputs.forEach((input, i) => {
    if (batched[i]) withBatch.add(input);
  });
  const outputs = evaluateGraph(graph, inputs, (operation, operands) => {
    const flags = operands.map((operand) => withBatch.has(operand));
    if (!flags.includes(true)) return bindAll(operation.primitive, operands, operation.params);
    const results = operation.primitive.batch({
      params: operation.params,
      inputs: operands,
      batched: flags,
      size,
    });
    for (const result of results) withBatch.add(result);
    return results;
  });
  return { outputs, batched: outputs.map((output) => withBatch.has(output)) };
}

/**
 * Turns a function of one example into a function of a batch. Numbers and other values that are not tensors are shared.
 *
 * @returns a function of the same arguments, each with one more axis where `inAxes` says, whose results have one more too
 * @throws AdjointError `shape-mismatch` where batch extents differ, `axis-out-of-range`, `abstract-value` where f reads a value
 * @example vmap((x) => x.mul(x).sum())(tensor([[1, 2], [3, 4]])).array(); // → 5,25
 */
export function vmap<R, A extends Anything = Tensor[]>(
  f: (...args: A) => R,
  options: VmapOptions = {},
): (...args: A) => R {
  checkFunction(f, "vmap");
  checkOptionNames(options, ["inAxes", "outAxes"], "vmap");
  const { inAxes = 0, outAxes = 0 } = options;
  if (typeof inAxes !== "number" && !Array.isArray(inAxes))
    throw invalidArgument(
      "vmap",
      "inAxes",
      "an axis, or an array of an axis or null for each argument",
      formatReceived(inAxes),
    );
  return (...args) => {
    const axes = typeof inAxes === "number" ? args.map(() => inAxes) : inAxes;
    if (axes.length !== args.length)
      throw new AdjointError(
        "invalid-argument",
        `vmap: inAxes has ${axes.length} entries for ${args.length} arguments`,
        {
          operation: "vmap",
          argument: "inAxes",
          expected: `${args.length} entries`,
          received: `${axes.length}`,
        },
      );
    let size: number | undefined;
    const batched: boolean[] = [];
    const inputs: Node[] = [];
    const structures = args.map((value, index) => {
      const flat = flattenTensors(value, "vmap");
      const axis = axes[index];
      for (const leaf of flat.leaves) {
        batched.push(axis !== null);
        if (axis === null) {
          inputs.push(leaf);
          continue;
        }
        const at = normalizeAxis(axis, leaf.shape, "vmap");
        if (size !== undefined && leaf.shape[at] !== size)
          throw new AdjointError(
            "shape-mismatch",
            `vmap: argument ${index} ${formatShape(leaf.shape)} has ${leaf.shape[at]} examples along axis ${at}, others have ${size}`,
            {
              operation: "vmap",
              argument: `argument ${index}`,
              expected: String(size),
              received: String(leaf.shape[at]),
            },
          );
        size = leaf.shape[at];
        inputs.push(moveAxis(leaf, at, 0));
      }
      return flat;
    });
    const count = size;
    if (count === undefined)
      throw new AdjointError("invalid-argument", "vmap: no argument has a tensor with a batch axis", {
        operation: "vmap",
        argument: "inAxes",
        expected: "at least one batched tensor",
      });
    const types = inputs.map((input, i) => ({
      shape: batched[i] ? dropAxes(input.shape, [0]) : input.shape,
      dtype: input.dtype,
    }));
    let output: ReturnType<typeof flattenTensors> | undefined;
    const graph = traceGraph("vmap", types, (leaves) => {
      let next = 0;
      const result = f(
        ...(structures.map(({ structure, leaves: own }) => {
          next += own.length;
          return rebuild(structure, leaves.slice(next - own.length, next));
        }) as unknown as A),
      );
      checkSynchronous(result, "vmap");
      output = flattenTensors(result, "vmap");
      return output.leaves;
    });
    const results = evaluateBatched(graph, inputs, batched, count);
    const placed = results.outputs.map((node, i) => {
      const whole = results.batched[i] ? node : broadcast(node, [0], [count]);
      return moveAxis(whole, 0, normalizeAxis(outAxes, whole.shape, "vmap"));
    });
    return rebuild<R>(output?.structure ?? { kind: "static", value: undefined }, placed);
  };
}

/** A single tensor, or an error that says what came instead. */
export function requireTensor(value: unknown, operation: string): Tensor {
  if (isTensor(value)) return fromNode(value);
  throw new AdjointError(
    "invalid-argument",
    `${operation}: the function must return a tensor, received ${formatReceived(value)}`,
    {
      operation,
      expected: "a tensor",
      received: formatReceived(value),
    },
  );
}
