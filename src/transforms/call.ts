/**
 * A compiled call: a closed graph as one operation. Its derivative, its batched form and its tangent map are graphs too,
 * made once and kept, so that a transform of a compiled function runs compiled code only.
 *
 * Where a transform records a call, the forward graph also gives what the backward pass needs (the residuals), split off
 * the joint graph of value and gradient at the operations that depend on a cotangent (as partial evaluation would).
 */

import { currentDevice, type Executable } from "../graph/device.js";
import { evaluateGraph, type Graph, makeGraph, traceGraph } from "../graph/graph.js";
import { bindAll, isRecorded, makeNode, type Node, uniformNode } from "../graph/node.js";
import type { Primitive, TensorType } from "../graph/primitive.js";
import { HostStorage, type Storage } from "../graph/storage.js";
import { broadcast } from "../primitives/broadcast.js";
import { isFloating } from "../types/dtype.js";
import { invariant } from "../util/errors.js";
import { derived, mask } from "./derived.js";
import { pushForward } from "./forward.js";
import { holdsWhile } from "./loop-body.js";
import { pullBack, recordOn } from "./reverse.js";
import { evaluateBatched } from "./vmap.js";

export interface CallParams {
  /** What captures it has are constants. */
  readonly graph: Graph;
  /** Set on a forward call: how to turn cotangents of its first outputs into those of its inputs. */
  readonly backward?: Backward;
}

interface Backward {
  /** Inputs: the primals, the residuals (further outputs of the forward graph), the cotangents. */
  readonly graph: Graph;
  /** Outputs of the function itself; the rest are residuals. */
  readonly outputs: number;
  /** Inputs whose cotangents the graph gives, in order. */
  readonly wanted: readonly number[];
}

const executables = new WeakMap<Graph, Map<string, Executable>>();

/** Compiles a graph for the current device, once. */
export function executableOf(graph: Graph, donated?: readonly boolean[]): Executable {
  const device = currentDevice();
  invariant(device !== undefined, "no device to compile for");
  let perDevice = executables.get(graph);
  if (perDevice === undefined) {
    perDevice = new Map();
    executables.set(graph, perDevice);
  }
  const key = `${device.name} ${donated?.map(Number).join("") ?? ""}`;
  let executable = perDevice.get(key);
  if (executable === undefined) {
    executable = device.compile(graph, { donated: donated ?? graph.inputs.map(() => false) });
    perDevice.set(key, executable);
  }
  return executable;
}

const zeroLike = (type: TensorType): Node => uniformNode(type.shape, type.dtype, 0);

/** (primals, tangents of the inputs marked 1) → output tangents */
const tangentGraph = derived((graph, variant) => {
  const marked = graph.inputs.map((_, i) => variant[i] === "1");
  return traceGraph("jit", [...graph.inputs, ...graph.inputs.filter((_, i) => marked[i])], (leaves) => {
    const primals = leaves.slice(0, graph.inputs.length);
    let next = primals.length;
    const { recorded } = recordOn("jvp", primals, (own) => ({
      outputs: evaluateGraph(graph, own),
      result: undefined,
    }));
    const dots = pushForward(
      recorded,
      marked.map((has) => (has ? leaves[next++] : null)),
    );
    return dots.map((dot, i) => dot ?? zeroLike(graph.outputs[i]));
  });
});

/** (primals, cotangents of the outputs) → [outputs…, cotangents of the inputs marked 1] */
const gradientGraph = derived((graph, variant) =>
  traceGraph("jit", [...graph.inputs, ...graph.outputs], (leaves) => {
    const primals = leaves.slice(0, graph.inputs.length);
    const cotangents = leaves.slice(graph.inputs.length);
    const { recorded } = recordOn("vjp", primals, (own) => ({
      outputs: evaluateGraph(graph, own),
      result: undefined,
    }));
    const bars = pullBack(recorded, cotangents);
    return [
      ...recorded.outputs,
      ...bars.map((bar, i) => bar ?? zeroLike(primals[i])).filter((_, i) => variant[i] === "1"),
    ];
  }),
);

/** The same function over a batch of the inputs marked 1; the variant is "mask size". */
export const batchedGraph = derived((graph, variant) => {
  const [marks, extent] = variant.split(" ");
  const size = Number(extent);
  const batched = graph.inputs.map((_, i) => marks[i] === "1");
  const types = graph.inputs.map((input, i) => ({
    shape: batched[i] ? [size, ...input.shape] : input.shape,
    dtype: input.dtype,
  }));
  return traceGraph("jit", types, (leaves) => {
    const result = evaluateBatched(graph, leaves, batched, size);
    return result.outputs.map((output, i) => (result.batched[i] ? output : broadcast(output, [0], [size])));
  });
});

export function batchVariant(batched: readonly boolean[], size: number): string {
  return `${mask(batched)} ${size}`;
}

/** The forward graph with residuals, and the backward graph that uses them. */
const split = new WeakMap<Graph, Map<string, CallParams>>();

function splitGradient(graph: Graph, wantedMask: string): CallParams {
  let variants = split.get(graph);
  if (variants === undefined) {
    variants = new Map();
    split.set(graph, variants);
  }
  const known = variants.get(wantedMask);
  if (known !== undefined) return known;
  const joint = gradientGraph(graph, wantedMask);
  const primals = joint.inputs.slice(0, graph.inputs.length);
  const cotangents = joint.inputs.slice(graph.inputs.length);
  const outputs = joint.outputs.slice(0, graph.outputs.length);
  const bars = joint.outputs.slice(graph.outputs.length);
  const backwardNodes = new Set<Node>(cotangents);
  const produced = new Set<Node>();
  const residuals = new Set<Node>();
  for (const operation of joint.operations) {
    const isBackward = operation.inputs.some((input) => backwardNodes.has(input));
    for (const output of operation.outputs) (isBackward ? backwardNodes : produced).add(output);
  }
  const save = (node: Node): void => {
    if (produced.has(node)) residuals.add(node);
  };
  for (const operation of joint.operations)
    if (operation.inputs.some((input) => backwardNodes.has(input))) operation.inputs.forEach(save);
  bars.forEach(save);
  const saved = [...residuals];
  const params: CallParams = {
    graph: makeGraph(primals, [...outputs, ...saved]),
    backward: {
      graph: makeGraph([...primals, ...saved, ...cotangents], bars),
      outputs: outputs.length,
      wanted: graph.inputs.map((_, i) => i).filter((i) => wantedMask[i] === "1"),
    },
  };
  variants.set(wantedMask, params);
  return params;
}

export const callPrimitive: Primitive<CallParams> = {
  name: "call",
  outputTypes: (_inputs, { graph }) => graph.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
  evaluate: (inputs, { params }) =>
    executableOf(params.graph)
      .run(inputs.map((array): Storage => new HostStorage(array)))
      .map((storage) => storage.read()),
  // ẏ = J · ẋ, by the graph's own tangent graph
  jvp: ({ primals, tangents, params }) => {
    const graph = tangentGraph(params.graph, mask(tangents.map((dot) => dot !== null)));
    const given = tangents.filter((dot) => dot !== null);
    return call(graph, [...primals, ...given]).map((dot) => (isFloating(dot.dtype) ? dot : null));
  },
  // x̄ = Jᵀ · ȳ: from the residuals where they were kept, else with the forward pass once more
  vjp: ({ primals, outputs, cotangents, needs, params }) => {
    const bars = (count: number): Node[] =>
      cotangents.slice(0, count).map((bar, i) => bar ?? zeroLike(outputs[i]));
    const { backward } = params;
    if (backward !== undefined && cotangents.slice(backward.outputs).every((bar) => bar === null)) {
      const residuals = outputs.slice(backward.outputs);
      const given = call(backward.graph, [...primals, ...residuals, ...bars(backward.outputs)]);
      return primals.map((_, i) => (backward.wanted.includes(i) ? given[backward.wanted.indexOf(i)] : null));
    }
    const wanted = needs.map((need, i) => need && isFloating(primals[i].dtype));
    const graph = gradientGraph(params.graph, mask(wanted));
    const given = call(graph, [...primals, ...bars(outputs.length)]).slice(params.graph.outputs.length);
    return wanted.map((want) => (want ? (given.shift() ?? null) : null));
  },
  batch: ({ inputs, batched, params, size }) =>
    call(batchedGraph(params.graph, batchVariant(batched, size)), inputs),
  lowering: { kind: "inline", expand: (inputs, { graph }) => evaluateGraph(graph, inputs) },
  cost: (_inputs, _outputs, { graph }) => ({
    flops: graph.operations.reduce(
      (total, { primitive, inputs, outputs, params }) =>
        total + primitive.cost(inputs, outputs, params).flops,
      0,
    ),
  }),
};

/** Calls a closed graph as one operation, saving residuals where something records an input. */
export function call(graph: Graph, inputs: readonly Node[]): Node[] {
  const wanted = inputs.map((input) => isRecorded(input) && isFloating(input.dtype));
  const concrete = inputs.every((input) => !input.isAbstract);
  // what has no way back may still have tangents
  if (concrete && wanted.includes(true) && !holdsWhile(graph)) {
    const params = splitGradient(graph, mask(wanted));
    return bindAll(callPrimitive, inputs, params).slice(0, graph.outputs.length);
  }
  return bindAll(callPrimitive, inputs, { graph });
}

/** Runs the program of a closed graph on values that nothing records. */
export function run(graph: Graph, executable: Executable, inputs: readonly Storage[]): Node[] {
  return executable
    .run(inputs)
    .map((storage, i) => makeNode(graph.outputs[i].shape, graph.outputs[i].dtype, storage));
}
