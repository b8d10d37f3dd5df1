/** Which of the recorded operations is at fault: each is checked by itself; calls are looked into. */

import { evaluateGraph } from "../graph/graph.js";
import { type Node, readValue } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import { isFloating, type TypedArray } from "../types/dtype.js";
import { type CallParams, callPrimitive } from "./call.js";
import { checkpointPrimitive } from "./checkpoint-primitive.js";
import { type CustomParams, customPrimitive } from "./custom.js";
import type { Culprit } from "./gradcheck-report.js";
import { type Application, type CheckSettings, checkRules } from "./gradcheck-rules.js";
import { recordOn } from "./reverse.js";

/** The first culprit of each primitive, rule and input among the operations; calls are looked into. */
export function findCulprits(operations: readonly Application[], settings: CheckSettings): Culprit[] {
  const found = new Map<string, Culprit>();
  for (const operation of operations) {
    const isCall = [callPrimitive, checkpointPrimitive].includes(operation.primitive);
    const isCustom = operation.primitive === customPrimitive;
    const inside = isCall ? findCulprits(insideOf(operation), settings) : [];
    const subject = isCustom ? wholeOf(operation, operations) : operation;
    for (const culprit of inside.length > 0 ? inside : checkRules(subject, settings)) {
      const key = `${culprit.primitive} ${culprit.rule} ${culprit.input}`;
      if (!found.has(key)) found.set(key, culprit);
    }
  }
  return [...found.values()];
}

/** The operations of a compiled or checkpointed call, run one by one on its inputs' values. */
function insideOf({ inputs, params }: Application): readonly Application[] {
  // both calls' params hold a graph by their definition
  const { graph } = params as Pick<CallParams, "graph">;
  const floats = inputs.filter((input) => isFloating(input.dtype));
  return recordOn("gradCheck", floats, (leaves) => {
    let next = 0;
    const given = inputs.map((input) => (isFloating(input.dtype) ? leaves[next++] : input));
    return { outputs: evaluateGraph(graph, given), result: undefined };
  }).recorded.operations;
}

/**
 * A function with a rule of the user's, from its arguments to its outputs. It is recorded as an identity on the outputs of a
 * forward computation that stands before it, so what there is to differentiate is that computation, done again.
 */
function wholeOf(operation: Application, operations: readonly Application[]): Application {
  // its params are CustomParams by its definition
  const { outputs, residuals } = operation.params as CustomParams;
  const held = outputs + residuals;
  const args = operation.inputs.slice(held);
  const results = operation.inputs.slice(0, outputs);
  const rule = operation.primitive;
  const primitive: Primitive = {
    ...rule,
    evaluate: (arrays) => replay(operations, args, arrays, results),
    vjp: (context) =>
      rule.vjp === "none"
        ? args.map(() => null)
        : rule
            .vjp({
              ...context,
              primals: operation.inputs,
              needs: [...new Array<boolean>(held).fill(false), ...context.needs],
            })
            .slice(held),
    jvp: (context) =>
      rule.jvp === "none"
        ? results.map(() => null)
        : rule.jvp({
            ...context,
            primals: operation.inputs,
            tangents: [...new Array<null>(held).fill(null), ...context.tangents],
          }),
  };
  return { ...operation, primitive, inputs: args };
}

/** Values of `results` for other values of `args`, through the recorded operations between them. */
function replay(
  operations: readonly Application[],
  args: readonly Node[],
  arrays: readonly TypedArray[],
  results: readonly Node[],
): readonly TypedArray[] {
  const values = new Map<Node, TypedArray>();
  args.forEach((node, i) => {
    values.set(node, arrays[i]);
  });
  for (const { primitive, params, inputs, outputs } of operations) {
    if (!inputs.some((input) => values.has(input))) continue;
    const operands = inputs.map((input) => values.get(input) ?? readValue(input));
    const computed = primitive.evaluate(operands, { params, inputTypes: inputs, outputTypes: outputs });
    outputs.forEach((output, k) => {
      // an argument made from another argument stays what it was set to
      if (!args.includes(output)) values.set(output, computed[k]);
    });
  }
  return results.map((node) => values.get(node) ?? readValue(node));
}
