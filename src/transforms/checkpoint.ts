/**
 * checkpoint: forget the intermediate values of a function on the way forward and compute them again on the way back:
 * memory for time (Griewank and Walther 2008, chapter 12; here one level, chosen by the user).
 */
import { closeOver, evaluateGraph, type Graph, liveCaptures, traceGraph } from "../graph/graph.js";
import { bindAll, constantNode, isRecorded, type Node, readValue } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { barrier } from "../primitives/control.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Structure } from "../util/tree.js";
import { checkFunction, checkSynchronous, flattenTensors, rebuild } from "./arguments.js";
import { batchedGraph, batchVariant } from "./call.js";
import { pushForward } from "./forward.js";
import { pullBack, recordOn } from "./reverse.js";

interface CheckpointParams {
  readonly graph: Graph;
}

export const checkpointPrimitive: Primitive<CheckpointParams> = {
  name: "checkpoint",
  outputTypes: (_inputs, { graph }) => graph.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  evaluate: (inputs, { params, inputTypes }) => {
    const nodes = inputs.map((array, i) => constantNode(inputTypes[i].shape, inputTypes[i].dtype, array));
    return evaluateGraph(params.graph, nodes).map((node) => readValue(node));
  },
  jvp: ({ primals, tangents, params }) => pushForward(recordGraph(params.graph, primals), tangents),
  // the forward pass once more, from inputs the compiler may not confuse with the first one's
  vjp: ({ primals, cotangents, params }) => {
    const after = cotangents.find((bar) => bar !== null);
    if (after === undefined || after === null) return primals.map(() => null);
    const again = primals.map((primal) => barrier(primal, after));
    return pullBack(recordGraph(params.graph, again), cotangents);
  },
  batch: ({ inputs, batched, params, size }) =>
    bindAll(checkpointPrimitive, inputs, { graph: batchedGraph(params.graph, batchVariant(batched, size)) }),
  lowering: { kind: "inline", expand: (inputs, { graph }) => evaluateGraph(graph, inputs) },
  cost: (_inputs, _outputs, { graph }) => ({
    flops: graph.operations.reduce(
      (total, { primitive, inputs, outputs, params }) =>
        total + primitive.cost(inputs, outputs, params).flops,
      0,
    ),
  }),
};

function recordGraph(graph: Graph, primals: readonly Node[]) {
  return recordOn("checkpoint", primals, (own) => ({ outputs: evaluateGraph(graph, own), result: undefined }))
    .recorded;
}

/**
 * The same function, whose intermediate values are not stored for the backward pass but computed again there. Use it on a
 * block that is large in memory and cheap in time. The function is recorded on abstract tensors, so it must not
 * read values.
 *
 * @throws AdjointError `abstract-value`, `async-function`
 * @example grad(checkpoint((x) => x.sin().sin().sum()))(tensor([0])).array(); // → 1
 */
export function checkpoint<R, A extends readonly unknown[] = Tensor[]>(
  f: (...args: A) => R,
): (...args: A) => R {
  checkFunction(f, "checkpoint");
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
    const outputs = recorded ? bindAll(checkpointPrimitive, inputs, { graph }) : evaluateGraph(graph, inputs);
    return rebuild<R>(output, outputs);
  };
}
