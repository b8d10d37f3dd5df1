/** Runs a function as checkpoints inside checkpoints, as a plan says; whoever differentiates it need know nothing of chains. */
import { type Graph, traceGraph } from "../graph/graph.js";
import { bindAll, type Node } from "../graph/node.js";
import { chainOf } from "./checkpoint-cuts.js";
import { ChainPlan } from "./checkpoint-plan.js";
import { checkpointPrimitive } from "./checkpoint-primitive.js";

type Values = Map<Node, Node>;

/** Evaluates a graph such that its derivative keeps at most `keep` values between steps. */
export function runChain(graph: Graph, inputs: readonly Node[], keep: number | "auto"): readonly Node[] {
  const { cuts, steps, lastUse } = chainOf(graph);
  const plan = new ChainPlan(steps);

  const run = (values: Values, from: number, to: number, kept: number): void => {
    const division = plan.divide(from, to, kept);
    if (division.kind === "parts") {
      forget(values, from, division.at, kept);
      run(values, division.at, to, Math.max(0, kept - 1));
      return;
    }
    for (const { primitive, inputs: operands, outputs, params } of graph.operations.slice(
      cuts[from],
      cuts[to],
    )) {
      const results = bindAll(
        primitive,
        operands.map((operand) => values.get(operand) ?? operand),
        params,
      );
      outputs.forEach((output, i) => {
        values.set(output, results[i]);
      });
    }
  };

  /** The same steps as a checkpoint, from what they read to what is read behind them. */
  const forget = (values: Values, from: number, to: number, kept: number): void => {
    const operations = graph.operations.slice(cuts[from], cuts[to]);
    const reads = [...new Set(operations.flatMap(({ inputs: operands }) => operands))].filter((node) =>
      values.has(node),
    );
    const results = operations
      .flatMap(({ outputs }) => outputs)
      .filter((output) => (lastUse.get(output) ?? -1) >= cuts[to]);
    const given = reads.map((node) => values.get(node) ?? node);
    const part = traceGraph("checkpoint", given, (leaves) => {
      const own: Values = new Map(reads.map((node, i) => [node, leaves[i]]));
      run(own, from, to, kept);
      return results.map((result) => own.get(result) ?? result);
    });
    const made = bindAll(checkpointPrimitive, given, { graph: part });
    results.forEach((result, i) => {
      values.set(result, made[i]);
    });
  };

  const values: Values = new Map(graph.inputs.map((input, i) => [input, inputs[i]]));
  run(values, 0, steps.length, keep === "auto" ? plan.fewest() : keep);
  return graph.outputs.map((output) => values.get(output) ?? output);
}
