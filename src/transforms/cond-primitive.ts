/**
 * A choice between two graphs as one operation: both are in the program, one of them runs. Its derivatives are choices too;
 * the way back runs the forward part of its branch once more, so that nothing of either is kept.
 */
import type { CondParams } from "../graph/control.js";
import { type Graph, traceGraph } from "../graph/graph.js";
import { interpreter } from "../graph/interpret.js";
import { bindAll, type Node } from "../graph/node.js";
import type { BatchContext, JvpContext, Primitive, VjpContext } from "../graph/primitive.js";
import { broadcast } from "../primitives/broadcast.js";
import { select } from "../primitives/select.js";
import { isFloating } from "../types/dtype.js";
import { derived, mask, unmask } from "./derived.js";
import { pushForward } from "./forward.js";
import { recordBody, withoutAliases, zeroLike } from "./loop-body.js";
import { pullBack } from "./reverse.js";
import { flopsOf } from "./scan-primitive.js";
import { evaluateBatched } from "./vmap.js";

/** (operands, tangents of those marked) → tangents of the floating outputs */
const branchTangents = derived((graph, variant) => {
  const marked = unmask(variant);
  return withoutAliases(
    traceGraph("cond", [...graph.inputs, ...graph.inputs.filter((_, i) => marked[i])], (leaves) => {
      const recorded = recordBody("jvp", graph, leaves.slice(0, marked.length), marked);
      const dots = pushForward(recorded, leaves.slice(marked.length));
      return floating(dots.map((dot, i) => dot ?? zeroLike(recorded.outputs[i])));
    }),
  );
});

/** (operands, cotangents of the floating outputs) → cotangents of the operands marked */
const branchCotangents = derived((graph, variant) => {
  const marked = unmask(variant);
  return withoutAliases(
    traceGraph("cond", [...graph.inputs, ...floating(graph.outputs)], (leaves) => {
      const operands = leaves.slice(0, marked.length);
      const recorded = recordBody("vjp", graph, operands, marked);
      let next = marked.length;
      const given = graph.outputs.map(({ dtype }) => (isFloating(dtype) ? leaves[next++] : null));
      const wanted = operands.filter((_, i) => marked[i]);
      return pullBack(recorded, given).map((bar, i) => bar ?? zeroLike(wanted[i]));
    }),
  );
});

/** The branch over batches of the operands marked; every output has the batch. */
const branchBatch = derived((graph, variant): Graph => {
  const [extent, marks] = variant.split(" ");
  const size = Number(extent);
  const batched = unmask(marks);
  const types = graph.inputs.map(({ shape, dtype }, i) => ({
    shape: batched[i] ? [size, ...shape] : shape,
    dtype,
  }));
  return traceGraph("vmap", types, (leaves) => {
    const result = evaluateBatched(graph, leaves, batched, size);
    return result.outputs.map((output, i) => (result.batched[i] ? output : broadcast(output, [0], [size])));
  });
});

function floating<T extends { readonly dtype: Node["dtype"] }>(nodes: readonly T[]): T[] {
  return nodes.filter(({ dtype }) => isFloating(dtype));
}

export const condPrimitive: Primitive<CondParams> = {
  name: "cond",
  outputTypes: (_inputs, { onTrue }) => onTrue.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  evaluate: ([predicate, ...operands], { params }) =>
    interpreter(predicate[0] !== 0 ? params.onTrue : params.onFalse)(operands),
  // ẏ of the branch that is taken
  jvp: ({ primals: [predicate, ...operands], tangents, params, outputs }: JvpContext<CondParams>) => {
    const dots = tangents.slice(1);
    const variant = mask(dots.map((dot) => dot !== null));
    const results = bindAll(
      condPrimitive,
      [predicate, ...operands, ...dots.filter((dot) => dot !== null)],
      branches(params, (graph) => branchTangents(graph, variant)),
    );
    return handOut(
      results,
      outputs.map(({ dtype }) => isFloating(dtype)),
    );
  },
  // x̄ of the branch that was taken
  vjp: ({
    primals: [predicate, ...operands],
    outputs,
    cotangents,
    needs,
    params,
  }: VjpContext<CondParams>) => {
    const wanted = operands.map(({ dtype }, i) => needs[i + 1] && isFloating(dtype));
    const variant = mask(wanted);
    const given = outputs.flatMap((output, i) =>
      isFloating(output.dtype) ? [cotangents[i] ?? zeroLike(output)] : [],
    );
    const results = bindAll(
      condPrimitive,
      [predicate, ...operands, ...given],
      branches(params, (graph) => branchCotangents(graph, variant)),
    );
    return [null, ...handOut(results, wanted)];
  },
  // one predicate: a choice of batches; many: both branches, and a choice for each
  batch: ({ inputs, batched, params, size }: BatchContext<CondParams>) => {
    const [predicate, ...operands] = inputs;
    const variant = `${size} ${mask(batched.slice(1))}`;
    const both = branches(params, (graph) => branchBatch(graph, variant));
    if (!batched[0]) return bindAll(condPrimitive, inputs, both);
    const run = (graph: Graph): Node[] => {
      const result = evaluateBatched(graph, operands, batched.slice(1), size);
      return result.outputs.map((output, i) => (result.batched[i] ? output : broadcast(output, [0], [size])));
    };
    const [yes, no] = [run(params.onTrue), run(params.onFalse)];
    return yes.map((output, i) => select(spread(predicate, output.shape), output, no[i]));
  },
  lowering: { kind: "control", control: (params) => params },
  cost: (_inputs, _outputs, { onTrue, onFalse }) => ({
    flops: Math.max(flopsOf(onTrue), flopsOf(onFalse)),
  }),
};

/** The results in the places marked, null in the others. */
function handOut(results: readonly Node[], marked: readonly boolean[]): (Node | null)[] {
  let next = 0;
  return marked.map((has) => (has ? results[next++] : null));
}

function branches(params: CondParams, map: (graph: Graph) => Graph): CondParams {
  return { kind: "cond", onTrue: map(params.onTrue), onFalse: map(params.onFalse) };
}

/** [batch] → a shape whose first axis is the batch */
export function spread(predicate: Node, shape: readonly number[]): Node {
  const axes = shape.map((_, axis) => axis).slice(1);
  return broadcast(predicate, axes, shape.slice(1));
}
