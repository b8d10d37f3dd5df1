/**
 * A loop whose number of steps is known when it ends. Its tangent is a loop; reverse mode would have to keep an unknown number
 * of steps, and is refused. Over a batch it goes on until all are done, and who is done keeps its value.
 */
import type { WhileParams } from "../graph/control.js";
import { evaluateGraph, type Graph, traceGraph } from "../graph/graph.js";
import { interpreter } from "../graph/interpret.js";
import { bindAll, type Node } from "../graph/node.js";
import type { BatchContext, JvpContext, Primitive, VjpContext } from "../graph/primitive.js";
import { setSource } from "../graph/source.js";
import { broadcast } from "../primitives/broadcast.js";
import { reduceMax } from "../primitives/reduce.js";
import { select } from "../primitives/select.js";
import { isFloating } from "../types/dtype.js";
import { range } from "../types/shape.js";
import { AdjointError } from "../util/errors.js";
import { spread } from "./cond-primitive.js";
import { derived, mask, unmask } from "./derived.js";
import { makeTangentBody, zeroLike } from "./loop-body.js";
import { flopsOf } from "./scan-primitive.js";
import { evaluateBatched } from "./vmap.js";

const tangentBody = derived((body, variant) => {
  const [constants, marks] = variant.split(" ");
  const shared = Number(constants);
  const carries = body.inputs.length - shared;
  const made = makeTangentBody(body, shared, carries, unmask(marks));
  const fresh = shared + made.inputs.constants.filter(Boolean).length;
  setSource(made.graph, {
    body,
    inputs: [...range(shared), ...range(carries).map((i) => fresh + i)],
    outputs: range(carries),
  });
  return made;
});

/** The graph with inputs beside its own, which it does not read; `places` are those of its own among all. */
function withInputs(graph: Graph, types: readonly Node[], places: readonly number[]): Graph {
  return traceGraph("whileLoop", types, (leaves) =>
    evaluateGraph(
      graph,
      places.map((place) => leaves[place]),
    ),
  );
}

export const whilePrimitive: Primitive<WhileParams> = {
  name: "whileLoop",
  outputTypes: (_inputs, { body }) => body.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  evaluate(inputs, { params }) {
    const constants = inputs.slice(0, params.constants);
    let carried = inputs.slice(params.constants);
    const goesOn = interpreter(params.condition);
    const step = interpreter(params.body);
    while (goesOn([...constants, ...carried])[0][0] !== 0) carried = step([...constants, ...carried]);
    return carried;
  },
  // ḣ beside h, as long as the condition of h holds
  jvp: ({ primals, tangents, params }: JvpContext<WhileParams>) => {
    const { constants, body, condition } = params;
    const marks = mask(tangents.map((dot) => dot !== null));
    const { graph, inputs } = tangentBody(body, `${constants} ${marks}`);
    const dotsOf = (from: number, flags: readonly boolean[]): Node[] =>
      flags.flatMap((flag, i) => (flag ? [tangents[from + i] ?? zeroLike(primals[from + i])] : []));
    const constantDots = dotsOf(0, inputs.constants);
    const carries = primals.length - constants;
    const fresh = constants + constantDots.length;
    const results = bindAll(
      whilePrimitive,
      [
        ...primals.slice(0, constants),
        ...constantDots,
        ...primals.slice(constants),
        ...dotsOf(constants, inputs.carries),
      ],
      {
        kind: "while",
        condition: withInputs(condition, graph.inputs, [
          ...range(constants),
          ...range(carries).map((i) => fresh + i),
        ]),
        body: graph,
        constants: fresh,
      },
    ).slice(carries);
    return inputs.carries.map((has) => (has ? (results.shift() ?? null) : null));
  },
  vjp: ({ primals, needs }: VjpContext<WhileParams>) => {
    if (!primals.some(({ dtype }, i) => needs[i] && isFloating(dtype))) return primals.map(() => null);
    throw new AdjointError(
      "not-differentiable",
      'whileLoop: reverse mode would have to keep an unknown number of steps; use scan with a fixed length (steps after the end that change nothing, by where), or forward mode: jvp, or jacobian with mode: "forward"',
      { operation: "whileLoop", expected: "forward mode", received: "reverse mode" },
    );
  },
  batch: ({ params, inputs, batched, size }: BatchContext<WhileParams>) => {
    const { constants } = params;
    const made = batchedLoop(params, batched, size);
    const operands = inputs.map((input, i) =>
      made.batched[i] && !batched[i] ? broadcast(input, [0], [size]) : input,
    );
    return bindAll(whilePrimitive, operands, made.params).map((output, i) =>
      made.batched[constants + i] ? output : broadcast(output, [0], [size]),
    );
  },
  lowering: { kind: "control", control: (params) => params },
  // of one step: nobody knows how many there are
  cost: (_inputs, _outputs, { condition, body }) => ({ flops: flopsOf(condition) + flopsOf(body) }),
};

function batchedLoop(
  params: WhileParams,
  given: readonly boolean[],
  size: number,
): { readonly params: WhileParams; readonly batched: readonly boolean[] } {
  const { constants, condition, body } = params;
  const batched = [...given];
  for (;;) {
    const types = body.inputs.map(({ shape, dtype }, i) => ({
      shape: batched[i] ? [size, ...shape] : shape,
      dtype,
    }));
    let separate = false;
    const goesOn = traceGraph("vmap", types, (leaves) => {
      const result = evaluateBatched(condition, leaves, batched, size);
      separate = result.batched[0];
      return separate ? [reduceMax(result.outputs[0], [0])] : result.outputs;
    });
    let found: readonly boolean[] = [];
    const step = traceGraph("vmap", types, (leaves) => {
      const result = evaluateBatched(body, leaves, batched, size);
      found = result.batched.map((has) => has || separate);
      const outputs = result.outputs.map((output, i) =>
        batched[constants + i] && !result.batched[i] ? broadcast(output, [0], [size]) : output,
      );
      if (!separate || !leaves.slice(constants).every((_, i) => batched[constants + i])) return outputs;
      const [going] = evaluateBatched(condition, leaves, batched, size).outputs;
      return outputs.map((output, i) => select(spread(going, output.shape), output, leaves[constants + i]));
    });
    const late = found.flatMap((has, i) => (has && !batched[constants + i] ? [i] : []));
    if (late.length === 0) return { params: { ...params, condition: goesOn, body: step }, batched };
    for (const i of late) batched[constants + i] = true;
  }
}
