/** What derivatives of loops share: which carries vary, and a body with tangents beside everything that has one. */
import { graphsOf } from "../graph/control.js";
import { evaluateGraph, type Graph, traceGraph } from "../graph/graph.js";
import { bindAll, type Node, uniformNode } from "../graph/node.js";
import type { TensorType } from "../graph/primitive.js";
import { aliasPrimitive } from "../primitives/control.js";
import { isFloating } from "../types/dtype.js";
import { pushForward } from "./forward.js";
import { type Recorded, recordOn } from "./reverse.js";

export const zeroLike = (type: TensorType): Node => uniformNode(type.shape, type.dtype, 0);

/** Three lists, one after the other: what a loop's inputs are. */
export interface Parts<T> {
  readonly constants: readonly T[];
  readonly carries: readonly T[];
  readonly slices: readonly T[];
}

export function partsOf<T>(all: readonly T[], constants: number, carries: number): Parts<T> {
  return {
    constants: all.slice(0, constants),
    carries: all.slice(constants, constants + carries),
    slices: all.slice(constants + carries),
  };
}

/** What of the graph depends, by operations that have derivatives, on the marked inputs. */
function reached(graph: Graph, marked: readonly boolean[]): Set<Node> {
  const found = new Set(graph.inputs.filter((_, i) => marked[i]));
  for (const { primitive, inputs, outputs } of graph.operations)
    if (primitive.jvp !== "none" && inputs.some((input) => found.has(input)))
      for (const output of outputs) if (isFloating(output.dtype)) found.add(output);
  return found;
}

/**
 * The inputs of a body that vary with the marked ones when it runs again and again: a carry does where it depends on one that does.
 * @returns marks of the inputs and of the outputs
 */
export function varying(
  body: Graph,
  constants: number,
  carries: number,
  marked: readonly boolean[],
): { readonly inputs: readonly boolean[]; readonly outputs: readonly boolean[] } {
  const inputs = body.inputs.map((input, i) => marked[i] && isFloating(input.dtype));
  for (;;) {
    const found = reached(body, inputs);
    const late = body.outputs.findIndex(
      (output, i) => i < carries && !inputs[constants + i] && found.has(output),
    );
    if (late < 0) {
      // a carry that starts to vary stays so
      const outputs = body.outputs.map((output, i) =>
        i < carries ? inputs[constants + i] : found.has(output),
      );
      return { inputs, outputs };
    }
    inputs[constants + late] = true;
  }
}

/** Records a body on leaves of its own for the marked inputs only. */
export function recordBody(
  name: string,
  body: Graph,
  inputs: readonly Node[],
  marked: readonly boolean[],
): Recorded {
  return recordOn(
    name,
    inputs.filter((_, i) => marked[i]),
    (leaves) => {
      let next = 0;
      const own = inputs.map((input, i) => (marked[i] ? leaves[next++] : input));
      return { outputs: evaluateGraph(body, own), result: undefined };
    },
  ).recorded;
}

const irreversible = new WeakMap<Graph, boolean>();

/** Does the graph, or one inside it, hold a loop that reverse mode refuses? */
export function holdsWhile(graph: Graph): boolean {
  let found = irreversible.get(graph);
  if (found === undefined) {
    found = graph.operations.some(({ primitive, params }) => {
      if (primitive.lowering.kind === "control") {
        const control = primitive.lowering.control(params);
        return control.kind === "while" || graphsOf(control).some(holdsWhile);
      }
      const called = (params as { readonly graph?: Graph } | null | undefined)?.graph;
      return called !== undefined && holdsWhile(called);
    });
    irreversible.set(graph, found);
  }
  return found;
}

/** The same graph without the aliases of finished transforms. */
export function withoutAliases(graph: Graph): Graph {
  return traceGraph("scan", graph.inputs, (leaves) =>
    evaluateGraph(graph, leaves, ({ primitive, params }, operands) =>
      primitive.name === aliasPrimitive.name ? operands : bindAll(primitive, operands, params),
    ),
  );
}

/** A body that carries tangents along. */
export interface TangentBody {
  /** (constants, ċ, carries, ḣ, slices, ẋ) → (h, ḣ, y, ẏ), with a tangent for what is marked below. */
  readonly graph: Graph;
  readonly inputs: Parts<boolean>;
  /** Outputs with tangents, carries first. */
  readonly outputs: readonly boolean[];
}

export function makeTangentBody(
  body: Graph,
  constants: number,
  carries: number,
  marked: readonly boolean[],
): TangentBody {
  const vary = varying(body, constants, carries, marked);
  const types = partsOf(body.inputs, constants, carries);
  const marks = partsOf(vary.inputs, constants, carries);
  const chosen = <T>(all: readonly T[], flags: readonly boolean[]): T[] => all.filter((_, i) => flags[i]);
  const groups = [
    types.constants,
    chosen(types.constants, marks.constants),
    types.carries,
    chosen(types.carries, marks.carries),
    types.slices,
    chosen(types.slices, marks.slices),
  ];
  let outputs = vary.outputs;
  const graph = withoutAliases(
    traceGraph("scan", groups.flat(), (leaves) => {
      let next = 0;
      const [c, cDot, h, hDot, x, xDot] = groups.map((group) => {
        next += group.length;
        return leaves.slice(next - group.length, next);
      });
      const recorded = recordBody("jvp", body, [...c, ...h, ...x], vary.inputs);
      const dots = pushForward(recorded, [...cDot, ...hDot, ...xDot]);
      outputs = dots.map((dot, i) => (i < carries ? marks.carries[i] : dot !== null));
      const tangents = dots.map((dot, i) => dot ?? zeroLike(recorded.outputs[i]));
      return [
        ...recorded.outputs.slice(0, carries),
        ...chosen(tangents.slice(0, carries), outputs.slice(0, carries)),
        ...recorded.outputs.slice(carries),
        ...chosen(tangents.slice(carries), outputs.slice(carries)),
      ];
    }),
  );
  return { graph, inputs: marks, outputs };
}
