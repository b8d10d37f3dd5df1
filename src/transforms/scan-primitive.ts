/**
 * A scan as one operation: a body run once for each slice, with what it carries from one to the next. Its tangent is a scan,
 * its way back a scan from the other end, its batched form a scan of batches.
 */
import type { ScanParams } from "../graph/control.js";
import { evaluateGraph, type Graph, traceGraph } from "../graph/graph.js";
import { interpreter } from "../graph/interpret.js";
import { bindAll, isRecorded, type Node } from "../graph/node.js";
import type { BatchContext, JvpContext, Primitive, VjpContext } from "../graph/primitive.js";
import { setSource } from "../graph/source.js";
import { broadcast } from "../primitives/broadcast.js";
import { moveAxis } from "../primitives/reshape.js";
import { allocate, isFloating } from "../types/dtype.js";
import { range, sizeOf } from "../types/shape.js";
import { derived, mask, unmask } from "./derived.js";
import { holdsWhile, makeTangentBody, partsOf, zeroLike } from "./loop-body.js";
import { makeScanGradient, type ScanGradient } from "./scan-backward.js";
import { evaluateBatched } from "./vmap.js";

/** Everything about a body that its derivatives depend on, and what is marked. */
function variantOf(params: ScanParams, marked: readonly boolean[]): string {
  return [params.constants, params.carries, Number(params.recompute), mask(marked)].join(" ");
}

function parseVariant(variant: string) {
  const [constants, carries, recompute, marks] = variant.split(" ");
  return {
    constants: Number(constants),
    carries: Number(carries),
    recompute: recompute === "1",
    marked: unmask(marks),
  };
}

const tangentBody = derived((body, variant) => {
  const { constants, carries, marked } = parseVariant(variant);
  const made = makeTangentBody(body, constants, carries, marked);
  // where the old results stand among the new ones
  const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length;
  const { inputs } = made;
  const newConstants = constants + count(inputs.constants);
  const newCarries = carries + count(inputs.carries);
  const slices = body.inputs.length - constants - carries;
  setSource(made.graph, {
    body,
    inputs: [
      ...range(constants),
      ...range(carries).map((i) => newConstants + i),
      ...range(slices).map((i) => newConstants + newCarries + i),
    ],
    outputs: [...range(carries), ...range(body.outputs.length - carries).map((i) => newCarries + i)],
  });
  return made;
});

const gradientOf = derived((body, variant) => {
  const { constants, carries, recompute, marked } = parseVariant(variant);
  const gradient = makeScanGradient(body, constants, carries, marked, recompute);
  setSource(gradient.forward, {
    body,
    inputs: range(body.inputs.length),
    outputs: range(body.outputs.length),
  });
  return gradient;
});

/** The gradient whose forward body this is, and for which inputs it was made. */
const kept = new WeakMap<
  Graph,
  { readonly gradient: ScanGradient; readonly outputs: number; readonly marked: readonly boolean[] }
>();

/** The scan that also gives what its way back needs. */
function withKept(params: ScanParams, marked: readonly boolean[]): ScanParams {
  const gradient = gradientOf(params.body, variantOf(params, marked));
  kept.set(gradient.forward, { gradient, outputs: params.body.outputs.length, marked });
  return { ...params, body: gradient.forward };
}

export const scanPrimitive: Primitive<ScanParams> = {
  name: "scan",
  outputTypes: (_inputs, { body, carries, length }) =>
    body.outputs.map(({ shape, dtype }, i) => ({ shape: i < carries ? shape : [length, ...shape], dtype })),
  evaluate(inputs, { params, outputTypes }) {
    const { body, constants, carries, length, reverse } = params;
    const given = partsOf(inputs, constants, carries);
    const sizes = partsOf(body.inputs, constants, carries).slices.map(({ shape }) => sizeOf(shape));
    const step = interpreter(body);
    let carried = given.carries;
    const sequences = outputTypes.slice(carries).map(({ dtype, shape }) => allocate(dtype, sizeOf(shape)));
    for (let at = 0; at < length; at++) {
      const place = reverse ? length - 1 - at : at;
      const slices = given.slices.map((x, i) => x.subarray(place * sizes[i], (place + 1) * sizes[i]));
      const results = step([...given.constants, ...carried, ...slices]);
      carried = results.slice(0, carries);
      results.slice(carries).forEach((y, i) => {
        sequences[i].set(y, place * y.length);
      });
    }
    return [...carried, ...sequences];
  },
  jvp: scanTangents,
  vjp: scanCotangents,
  batch: batchScan,
  lowering: { kind: "control", control: (params) => params },
  cost: (_inputs, _outputs, { body, length }) => ({ flops: length * flopsOf(body) }),
};

export function flopsOf(graph: Graph): number {
  return graph.operations.reduce(
    (total, { primitive, inputs, outputs, params }) => total + primitive.cost(inputs, outputs, params).flops,
    0,
  );
}

/** Binds a scan; where something records its values it gives what the way back needs at once, not by a second run. */
export function bindScan(params: ScanParams, inputs: readonly Node[]): Node[] {
  const marked = inputs.map((input) => isRecorded(input) && isFloating(input.dtype));
  const isConcrete = inputs.every((input) => !input.isAbstract);
  // what has no way back may still have tangents
  if (marked.includes(true) && isConcrete && !holdsWhile(params.body))
    return bindAll(scanPrimitive, inputs, withKept(params, marked)).slice(0, params.body.outputs.length);
  return bindAll(scanPrimitive, inputs, params);
}

/** (ḣ, ẏ) by a scan that carries h and ḣ */
function scanTangents({ primals, tangents, params }: JvpContext<ScanParams>): (Node | null)[] {
  const { body, constants, carries } = params;
  const marked = tangents.map((dot) => dot !== null);
  const { graph, inputs, outputs } = tangentBody(body, variantOf(params, marked));
  const flags = [...inputs.constants, ...inputs.carries, ...inputs.slices];
  const dots = primals.flatMap((primal, i) =>
    flags[i] ? [{ i, dot: tangents[i] ?? zeroLike(primal) }] : [],
  );
  const dotsFrom = (from: number, to: number): Node[] =>
    dots.filter(({ i }) => i >= from && i < to).map(({ dot }) => dot);
  const given = partsOf(primals, constants, carries);
  const all = [
    ...given.constants,
    ...dotsFrom(0, constants),
    ...given.carries,
    ...dotsFrom(constants, constants + carries),
    ...given.slices,
    ...dotsFrom(constants + carries, primals.length),
  ];
  const count = (list: readonly boolean[]): number => list.filter(Boolean).length;
  const results = bindScan(
    {
      ...params,
      body: graph,
      constants: constants + count(inputs.constants),
      carries: carries + count(inputs.carries),
    },
    all,
  );
  const found = [
    ...results.slice(carries, carries + count(inputs.carries)),
    ...results.slice(results.length - count(outputs.slice(carries))),
  ];
  return outputs.map((has) => (has ? (found.shift() ?? null) : null));
}

/** x̄, h̄ and c̄ by a scan from the other end, over what the way forward kept */
function scanCotangents(context: VjpContext<ScanParams>): (Node | null)[] {
  const { primals, cotangents, needs, params } = context;
  const known = kept.get(params.body);
  const marked = primals.map(({ dtype }, i) => needs[i] && isFloating(dtype));
  if (
    known !== undefined &&
    cotangents.slice(known.outputs).every((bar) => bar === null) &&
    marked.every((isWanted, i) => !isWanted || known.marked[i])
  ) {
    const { gradient, outputs } = known;
    return runBackward(gradient, context, outputs, context.outputs, needs);
  }
  const forward = withKept(params, marked);
  const gradient = gradientOf(params.body, variantOf(params, marked));
  const outputs = bindScan(forward, primals);
  return runBackward(gradient, context, params.body.outputs.length, outputs, needs);
}

function runBackward(
  gradient: ScanGradient,
  { primals, cotangents, params }: VjpContext<ScanParams>,
  ownOutputs: number,
  outputs: readonly Node[],
  needs: readonly boolean[],
): (Node | null)[] {
  const { constants, carries, length, reverse } = params;
  const given = partsOf(primals, constants, carries);
  const barOf = (i: number): Node => cotangents[i] ?? zeroLike(outputs[i]);
  const shared = [
    ...gradient.usedConstants.map((i) => given.constants[i]),
    ...evaluateGraph(gradient.invariants, given.constants),
  ];
  const carried = [
    ...gradient.wantedConstants.map((i) => zeroLike(given.constants[i])),
    ...gradient.wantedCarries.map(barOf),
  ];
  const slices = [
    ...outputs.slice(ownOutputs),
    ...gradient.usedOutputs.map((i) => outputs[i]),
    ...gradient.usedSlices.map((i) => given.slices[i]),
    ...gradient.readOutputs.map(barOf),
  ];
  const results = bindScan(
    {
      kind: "scan",
      body: gradient.backward,
      constants: shared.length,
      carries: carried.length,
      length,
      reverse: !reverse,
      recompute: params.recompute,
    },
    [...shared, ...carried, ...slices],
  );
  const bars: (Node | null)[] = primals.map(() => null);
  let next = 0;
  const take = (places: readonly number[], from: number): void => {
    for (const i of places) bars[from + i] = results[next++];
  };
  take(gradient.wantedConstants, 0);
  take(gradient.wantedCarries, constants);
  take(gradient.wantedSlices, constants + carries);
  return bars.map((bar, i) => (needs[i] ? bar : null));
}

/** A body over batches of the inputs marked; a carry that meets a batch has one from the start. */
const batchedBody = derived((body, variant) => {
  const [constants, carries, extent, marks] = variant.split(" ");
  const [shared, carried, size] = [Number(constants), Number(carries), Number(extent)];
  const batched = unmask(marks);
  for (;;) {
    const types = body.inputs.map(({ shape, dtype }, i) => ({
      shape: batched[i] ? [size, ...shape] : shape,
      dtype,
    }));
    let found: readonly boolean[] = [];
    const graph = traceGraph("vmap", types, (leaves) => {
      const result = evaluateBatched(body, leaves, batched, size);
      found = result.batched;
      return result.outputs.map((output, i) => {
        const isWanted = i >= carried || batched[shared + i];
        return isWanted && !found[i] ? broadcast(output, [0], [size]) : output;
      });
    });
    const late = found.findIndex((has, i) => i < carried && has && !batched[shared + i]);
    if (late < 0) return { graph, batched };
    batched[shared + late] = true;
  }
});

function batchScan({ params, inputs, batched, size }: BatchContext<ScanParams>): Node[] {
  const { constants, carries } = params;
  const made = batchedBody(params.body, [constants, carries, size, mask(batched)].join(" "));
  const operands = inputs.map((input, i) => {
    const whole = made.batched[i] && !batched[i] ? broadcast(input, [0], [size]) : input;
    // a sequence has its steps first
    return batched[i] && i >= constants + carries ? moveAxis(whole, 0, 1) : whole;
  });
  return bindScan({ ...params, body: made.graph }, operands).map((output, i) => {
    if (i >= carries) return moveAxis(output, 1, 0);
    return made.batched[constants + i] ? output : broadcast(output, [0], [size]);
  });
}
