/**
 * hoist: computes once, outside, what is the same in all steps of a scan.
 *
 * Purpose: a step back is derived from a step forward, and neither knows what its constants are made of.
 * Requires: a flat graph. Guarantees: the same values. Graphs inside have no calls. Views stay where they are read, as
 * they cost nothing there and may be larger than what they view.
 *
 *     scan(w, xs) {exp(w) · x}       →   %2 = exp(w); scan(%2, xs) {%2 · x}
 *     scan(x repeated) {f(x)}        →   the slice is a constant of the steps
 *     scan(zeros) {f(slice)}         →   f(0), by which more can be simplified; a choice's and a loop's operands likewise
 */
import { type Control, mapGraphs, type ScanParams } from "../../graph/control.js";
import { evaluateGraph, type Graph, makeGraph, traceGraph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation, uniformNode } from "../../graph/node.js";
import { type BroadcastParams, broadcast } from "../../primitives/broadcast.js";
import { rewrite, uniformOf } from "../rewrite.js";
import { inline } from "./inline.js";

export function hoist(graph: Graph): Graph {
  return rewrite(graph, (leaves) =>
    evaluateGraph(graph, leaves, ({ primitive, params }, operands) => {
      const { lowering } = primitive;
      if (lowering.kind !== "control") return bindAll(primitive, operands, params);
      const control = mapGraphs(lowering.control(params), inline);
      if (control.kind === "scan") return hoistScan(primitive, control, operands);
      return foldOperands(primitive, control, operands);
    }),
  );
}

type ControlPrimitive = Operation["primitive"];

const uniformValue = (node: Node): number | undefined => (node.isAbstract ? undefined : uniformOf(node));

/** The graph where some inputs are constants of one number, which are no inputs any more. */
function withUniform(graph: Graph, values: readonly (number | undefined)[]): Graph {
  const kept = graph.inputs.filter((_, i) => values[i] === undefined);
  return traceGraph("compile", kept, (leaves) => {
    let next = 0;
    return evaluateGraph(
      graph,
      graph.inputs.map(({ shape, dtype }, i) => {
        const value = values[i];
        return value === undefined ? leaves[next++] : uniformNode(shape, dtype, value);
      }),
    );
  });
}

function foldOperands(
  primitive: ControlPrimitive,
  control: Exclude<Control, ScanParams>,
  operands: readonly Node[],
): Node[] {
  // a loop's carries change, and a predicate is no operand
  const isFixed = (i: number): boolean => (control.kind === "cond" ? i > 0 : i < control.constants);
  const values = operands.map((node, i) => (isFixed(i) ? uniformValue(node) : undefined));
  if (values.every((value) => value === undefined)) return bindAll(primitive, operands, control);
  const own = control.kind === "cond" ? values.slice(1) : values;
  const folded = mapGraphs(control, (graph) => withUniform(graph, own));
  const left = operands.filter((_, i) => values[i] === undefined);
  if (folded.kind !== "while" || control.kind !== "while") return bindAll(primitive, left, folded);
  const constants = values.slice(0, control.constants).filter((value) => value === undefined).length;
  return bindAll(primitive, left, { ...folded, constants });
}

/** What an input of a scan's body is. */
type Given =
  | { readonly kind: "uniform"; readonly value: number }
  | { readonly kind: "constant" | "carry" | "slice"; readonly node: Node };

function hoistScan(primitive: ControlPrimitive, scan: ScanParams, operands: readonly Node[]): Node[] {
  const { body, constants, carries } = scan;
  const given = operands.map((node, i) => classify(scan, node, i));
  // a carry that no step changes is a constant
  const isStill = (i: number): boolean => body.outputs[i] === body.inputs[constants + i];
  const fixed = body.inputs.filter((_, i) => given[i].kind === "constant" || given[i].kind === "uniform");
  const frontier = invariantPart(body, fixed);
  const hoisted =
    frontier.length === 0
      ? []
      : evaluateGraph(
          makeGraph(fixed, frontier),
          given.flatMap((one, i) => {
            if (one.kind === "uniform") {
              const { shape, dtype } = body.inputs[i];
              return [uniformNode(shape, dtype, one.value)];
            }
            return one.kind === "constant" ? [one.node] : [];
          }),
        );
  const changing = body.outputs.slice(0, carries).map((_, i) => !isStill(i));
  const kept = (kind: Given["kind"]): number[] => given.flatMap((one, i) => (one.kind === kind ? [i] : []));
  const [constantPlaces, carryPlaces, slicePlaces] = [kept("constant"), kept("carry"), kept("slice")];
  const inner = [
    ...constantPlaces.map((i) => body.inputs[i]),
    ...frontier,
    ...carryPlaces.map((i) => body.inputs[i]),
    ...slicePlaces.map((i) => body.inputs[i]),
  ];
  const outputs = body.outputs.filter((_, i) => i >= carries || changing[i]);
  const values = new Map(
    given.flatMap((one, i) => (one.kind === "uniform" ? [[body.inputs[i], one.value] as const] : [])),
  );
  const fixedInputs = [...values.keys()];
  const step = makeGraph([...inner, ...fixedInputs], outputs);
  const folded = withUniform(
    step,
    step.inputs.map((input, i) => (i < inner.length ? undefined : values.get(input))),
  );
  const nodeOf = (i: number): Node => {
    const one = given[i];
    return one.kind === "uniform" ? operands[i] : one.node;
  };
  const results = bindAll(
    primitive,
    [...constantPlaces.map(nodeOf), ...hoisted, ...carryPlaces.map(nodeOf), ...slicePlaces.map(nodeOf)],
    {
      ...scan,
      body: folded,
      constants: constantPlaces.length + frontier.length,
      carries: carryPlaces.length,
    },
  );
  let next = 0;
  return body.outputs.map((_, i) =>
    i < carries && !changing[i] ? operands[constants + i] : results[next++],
  );
}

function classify(scan: ScanParams, node: Node, i: number): Given {
  const { body, constants, carries } = scan;
  const isCarry = i >= constants && i < constants + carries;
  if (isCarry && body.outputs[i - constants] !== body.inputs[i]) return { kind: "carry", node };
  const value = uniformValue(node);
  if (value !== undefined) return { kind: "uniform", value };
  if (i < constants + carries) return { kind: "constant", node };
  const slice = repeatedSlice(node);
  return slice === null ? { kind: "slice", node } : { kind: "constant", node: slice };
}

/** The slice of a sequence that is one slice repeated. */
function repeatedSlice(node: Node): Node | null {
  const { operation } = node;
  if (operation?.primitive.name !== "broadcast") return null;
  const { axes, sizes } = operation.params as BroadcastParams;
  const at = axes.indexOf(0);
  if (at < 0) return null;
  return broadcast(
    operation.inputs[0],
    axes.filter((axis) => axis !== 0).map((axis) => axis - 1),
    sizes.filter((_, i) => i !== at),
  );
}

/** Values that depend on `fixed` alone and are worth computing outside, as far as the rest of the graph reads them. */
function invariantPart(body: Graph, fixed: readonly Node[]): Node[] {
  const still = new Set<Node>(fixed);
  const outside = new Set<Operation>();
  for (const operation of body.operations) {
    if (!operation.inputs.every((input) => still.has(input) || !input.isAbstract)) continue;
    for (const output of operation.outputs) still.add(output);
  }
  const makers = new Map<Node, Operation>();
  for (const operation of body.operations)
    for (const output of operation.outputs) makers.set(output, operation);
  const take = (given: Operation): void => {
    const pending = [given];
    for (let operation = pending.pop(); operation !== undefined; operation = pending.pop()) {
      if (outside.has(operation)) continue;
      outside.add(operation);
      pending.push(...operation.inputs.flatMap((input) => makers.get(input) ?? []));
    }
  };
  for (const operation of body.operations) {
    const { kind } = operation.primitive.lowering;
    if (kind === "view" || kind === "generator" || !operation.outputs.every((output) => still.has(output)))
      continue;
    take(operation);
  }
  const frontier = new Set<Node>();
  const read = (node: Node): void => {
    const maker = makers.get(node);
    if (maker !== undefined && outside.has(maker)) frontier.add(node);
  };
  for (const operation of body.operations) if (!outside.has(operation)) operation.inputs.forEach(read);
  body.outputs.forEach(read);
  return [...frontier];
}
