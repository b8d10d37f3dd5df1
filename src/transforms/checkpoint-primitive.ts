/**
 * A graph as one operation that keeps nothing: its derivative computes the forward pass once more (Griewank and Walther 2008,
 * chapter 12).
 */
import { evaluateGraph, type Graph } from "../graph/graph.js";
import { bindAll, constantNode, type Node, readValue } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { barrier } from "../primitives/control.js";
import { batchedGraph, batchVariant } from "./call.js";
import { withoutEnding } from "./checkpoint-ending.js";
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
  vjp: ({ primals, outputs, cotangents, params }) => {
    const rest = withoutEnding(params.graph, outputs, cotangents);
    const after = rest.cotangents.find((bar) => bar !== null);
    if (after === undefined || after === null) return primals.map(() => null);
    const again = primals.map((primal) => barrier(primal, after));
    return pullBack(recordGraph(rest.graph, again), rest.cotangents);
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
