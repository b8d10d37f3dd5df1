/**
 * The way back through a scan. The joint graph of one step's values and cotangents is split at the operations that depend on a
 * cotangent, as for compiled calls: the step forward also gives what the step back reads (its residuals), and the step
 * back, run from the last step to the first, carries the cotangents of carries, and sums of those of constants.
 *
 * What does not change from step to step is computed once, outside. Views are made again from what they view, and where steps
 * are to be computed again everything is: then the carries alone are kept.
 */
import { evaluateGraph, type Graph, makeGraph, traceGraph } from "../graph/graph.js";
import type { Node, Operation } from "../graph/node.js";
import { add } from "../primitives/binary.js";
import { isFloating } from "../types/dtype.js";
import { partsOf, recordBody, varying, withoutAliases, zeroLike } from "./loop-body.js";
import { pullBack } from "./reverse.js";

/** A scan's way forward and back. Numbers are places among the inputs and outputs of the scan's own body. */
export interface ScanGradient {
  /** The body with what is kept of a step as further slices: residuals, then the carries in `keptCarries`. */
  readonly forward: Graph;
  readonly residuals: number;
  readonly keptCarries: readonly number[];
  /**
   * Constants: those in `usedConstants`, then the invariants. Carries: sums for `wantedConstants`, then cotangents of
   * `wantedCarries`. Slices: residuals, kept carries, `usedOutputs`, `usedSlices`, cotangents of `readOutputs`. Gives the carries, and
   * cotangents of `wantedSlices`.
   */
  readonly backward: Graph;
  /** From constants alone: what the step back reads of what all steps share. */
  readonly invariants: Graph;
  readonly usedConstants: readonly number[];
  readonly usedSlices: readonly number[];
  /** Slices the body gives anyway that the step back reads; places among its outputs. */
  readonly usedOutputs: readonly number[];
  readonly wantedConstants: readonly number[];
  readonly wantedCarries: readonly number[];
  readonly wantedSlices: readonly number[];
  /** Outputs of the body that are slices and vary. */
  readonly readOutputs: readonly number[];
}

const places = (flags: readonly boolean[]): number[] => flags.flatMap((flag, i) => (flag ? [i] : []));

export function makeScanGradient(
  body: Graph,
  constants: number,
  carries: number,
  marked: readonly boolean[],
  recompute: boolean,
): ScanGradient {
  const vary = varying(body, constants, carries, marked);
  const wanted = partsOf(vary.inputs, constants, carries);
  const varies = (i: number): boolean => vary.outputs[i] && isFloating(body.outputs[i].dtype);
  const received = body.outputs.map((_, i) => varies(i));
  const bars: (Node | null)[] = [];
  const joint = withoutAliases(
    traceGraph("scan", [...body.inputs, ...body.outputs.filter((_, i) => received[i])], (leaves) => {
      const primals = leaves.slice(0, body.inputs.length);
      let next = primals.length;
      const recorded = recordBody("vjp", body, primals, vary.inputs);
      bars.push(
        ...pullBack(
          recorded,
          received.map((has) => (has ? leaves[next++] : null)),
        ),
      );
      return [...recorded.outputs, ...bars.filter((bar) => bar !== null)];
    }),
  );
  const own = joint.inputs.slice(0, body.inputs.length);
  const cotangents = joint.inputs.slice(body.inputs.length);
  let made = body.outputs.length;
  // places of cotangents among the joint graph's outputs, or null
  const barOf = new Map<number, Node | null>();
  places(vary.inputs).forEach((input, k) => {
    barOf.set(input, bars[k] === null ? null : joint.outputs[made++]);
  });

  const needs = neededBy(
    joint,
    own,
    constants,
    joint.outputs.slice(carries, body.outputs.length),
    cotangents,
    [...barOf.values()].filter((bar) => bar !== null),
    recompute,
  );
  const inputs = partsOf(own, constants, carries);
  const usedConstants = places(inputs.constants.map((input) => needs.has(input)));
  const keptCarries = places(inputs.carries.map((input) => needs.has(input)));
  const usedSlices = places(inputs.slices.map((input) => needs.has(input)));
  const given = new Map<Node, number>();
  for (let i = carries; i < body.outputs.length; i++) given.set(joint.outputs[i], i);
  const found = [...needs].filter((node) => !own.includes(node));
  const outputNodes = found.filter((node) => given.has(node));
  const usedOutputs = outputNodes.flatMap((node) => given.get(node) ?? []);
  const produced = found.filter((node) => !given.has(node));
  const varyingNodes = dependingOn(joint, [...inputs.carries, ...inputs.slices]);
  const invariant = produced.filter((node) => !varyingNodes.has(node));
  const residuals = produced.filter((node) => varyingNodes.has(node));

  const wantedConstants = places(wanted.constants).filter((i) => barOf.get(i) !== null);
  const wantedCarries = places(wanted.carries);
  const wantedSlices = places(wanted.slices).filter((i) => barOf.get(constants + carries + i) !== null);
  const read = [
    ...usedConstants.map((i) => inputs.constants[i]),
    ...invariant,
    ...residuals,
    ...keptCarries.map((i) => inputs.carries[i]),
    ...outputNodes,
    ...usedSlices.map((i) => inputs.slices[i]),
    ...cotangents,
  ];
  const readOutputs = places(received.map((has, i) => has && i >= carries));
  const carryBars = cotangents.slice(0, wantedCarries.length);
  const outputBars = cotangents.slice(wantedCarries.length);
  const step = makeGraph(
    read,
    [
      ...wantedConstants.map((i) => barOf.get(i)),
      ...wantedCarries.map((i) => barOf.get(constants + i) ?? zeroLike(inputs.carries[i])),
      ...wantedSlices.map((i) => barOf.get(constants + carries + i)),
    ].filter((bar) => bar !== null && bar !== undefined),
  );
  const shared = usedConstants.length + invariant.length;
  const stepSlices = read.slice(shared, read.length - cotangents.length);
  const sums = wantedConstants.map((i) => inputs.constants[i]);
  const backward = traceGraph(
    "scan",
    [...read.slice(0, shared), ...sums, ...carryBars, ...stepSlices, ...outputBars],
    (leaves) => {
      const carried = leaves.slice(shared, shared + sums.length + carryBars.length);
      const slices = leaves.slice(shared + carried.length);
      const given = evaluateGraph(step, [
        ...leaves.slice(0, shared),
        ...slices.slice(0, stepSlices.length),
        ...carried.slice(sums.length),
        ...slices.slice(stepSlices.length),
      ]);
      return given.map((bar, i) => (i < sums.length ? add(carried[i], bar) : bar));
    },
  );
  return {
    forward: makeGraph(own, [
      ...joint.outputs.slice(0, body.outputs.length),
      ...residuals,
      ...keptCarries.map((i) => inputs.carries[i]),
    ]),
    residuals: residuals.length,
    keptCarries,
    backward,
    invariants: makeGraph(inputs.constants, invariant),
    usedConstants,
    usedSlices,
    usedOutputs,
    wantedConstants,
    wantedCarries,
    wantedSlices,
    readOutputs,
  };
}

function dependingOn(graph: Graph, nodes: readonly Node[]): Set<Node> {
  const found = new Set(nodes);
  for (const { inputs, outputs } of graph.operations)
    if (inputs.some((input) => found.has(input))) for (const output of outputs) found.add(output);
  return found;
}

/** Cheaper to make again than to keep: what is larger than what it is made of, or in another order. */
const views = new Set(["broadcast", "reshape", "permute"]);
/** A value of so many operations at most is made again of what is kept anyway, as `1 − y²` of y. */
const deepest = 8;
const expensive = new Set(
  "exp expm1 log log1p sqrt sin cos tan asin acos atan sinh cosh tanh sigmoid erf pow atan2 mod".split(" "),
);

/** What the step back reads of inputs and of values of the step forward. */
function neededBy(
  joint: Graph,
  own: readonly Node[],
  constants: number,
  slices: readonly Node[],
  cotangents: readonly Node[],
  bars: readonly Node[],
  recompute: boolean,
): Set<Node> {
  const isBack = dependingOn(joint, cotangents);
  const varies = dependingOn(joint, own.slice(constants));
  const makers = new Map<Node, Operation>();
  for (const operation of joint.operations)
    for (const output of operation.outputs) makers.set(output, operation);
  const isInput = new Set(own);
  const again = new Set<Node>();
  const collect = (): Set<Node> => {
    const needed = new Set<Node>();
    const seen = new Set<Node>();
    const pending: Node[] = [...bars];
    for (const { inputs } of joint.operations)
      if (inputs.some((input) => isBack.has(input))) pending.push(...inputs);
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      if (isBack.has(node) || seen.has(node)) continue;
      seen.add(node);
      const maker = makers.get(node);
      const isRemade =
        maker !== undefined &&
        varies.has(node) &&
        (recompute || ((again.has(node) || views.has(maker.primitive.name)) && !slices.includes(node)));
      if (isRemade) pending.push(...maker.inputs);
      else if (isInput.has(node) || maker !== undefined) needed.add(node);
    }
    return needed;
  };
  const first = collect();
  if (recompute) return first;

  // what element-wise operations make of things that are there anyway is made again
  const isThere = new Set<Node>([...first, ...slices, ...own.slice(0, constants)]);
  const isMadeOf = (node: Node, left: number): boolean => {
    if (isThere.has(node) || !varies.has(node)) return true;
    const maker = makers.get(node);
    if (maker === undefined || left === 0) return false;
    const { name, lowering } = maker.primitive;
    const isCheap = views.has(name) || (lowering.kind === "pointwise" && !expensive.has(name));
    return isCheap && maker.inputs.every((input) => isMadeOf(input, left - 1));
  };
  for (const node of [...first].sort((a, b) => b.id - a.id)) {
    if (isInput.has(node) || slices.includes(node)) continue;
    isThere.delete(node);
    if (isMadeOf(node, deepest)) again.add(node);
    else isThere.add(node);
  }
  if (again.size === 0) return first;
  // values in between are made again with them
  const pending = [...again].flatMap((node) => makers.get(node)?.inputs ?? []);
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    const maker = makers.get(node);
    if (maker === undefined || isThere.has(node) || again.has(node)) continue;
    again.add(node);
    pending.push(...maker.inputs);
  }
  return collect();
}
