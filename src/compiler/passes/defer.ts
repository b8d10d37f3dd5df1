/**
 * defer: multiplies behind a scan what its steps would multiply and add up one by one.
 *
 * Purpose: the gradient of a matrix used in every step is a sum of products with few rows each, for which the whole sum is read
 * and written in each step; as one product over all steps it is computed as fast as a machine can. Measured: value and gradient
 * of an LSTM(16 → 32) for one example in 0.11 instead of 0.16 ms for 100 steps, of an LSTM(16 → 64) for 32 in 8.5 instead of
 * 9.5 ms; from 128 units and 64 examples on no difference.
 * Requires: a flat graph; graphs inside without calls. Guarantees: the same values up to the order of the additions, and at
 * most half as much again of what steps read from sequences.
 *
 *     scan(0, δ, h) {s + δᵀ · h}   →   dot(δ, h) over steps and rows
 */
import type { ScanParams } from "../../graph/control.js";
import { evaluateGraph, type Graph, makeGraph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import type { DotDimensions } from "../../loops/lowering.js";
import { add } from "../../primitives/binary.js";
import { dot } from "../../primitives/dot.js";
import { isFloating } from "../../types/dtype.js";
import { range, sizeOf } from "../../types/shape.js";
import { rewrite } from "../rewrite.js";

/** A carry that is a sum of products, and nothing else. */
interface Sum {
  readonly carry: number;
  readonly product: Operation;
  /** Views between the product and the sum, the first made first. */
  readonly views: readonly Operation[];
}

export function defer(graph: Graph): Graph {
  return rewrite(graph, (leaves) =>
    evaluateGraph(graph, leaves, ({ primitive, params }, operands) => {
      const { lowering } = primitive;
      const control = lowering.kind === "control" ? lowering.control(params) : null;
      if (control?.kind !== "scan") return bindAll(primitive, operands, params);
      const sums = sumsIn(control);
      return sums.length === 0
        ? bindAll(primitive, operands, params)
        : withoutSums(primitive, control, operands, sums);
    }),
  );
}

function sumsIn({ body, constants, carries }: ScanParams): Sum[] {
  const uses = new Map<Node, number>();
  for (const node of [...body.operations.flatMap(({ inputs }) => inputs), ...body.outputs])
    uses.set(node, (uses.get(node) ?? 0) + 1);
  const once = (node: Node): boolean => uses.get(node) === 1;
  const changing = new Set<Node>(body.inputs.slice(constants));
  for (const { inputs, outputs } of body.operations)
    if (inputs.some((input) => changing.has(input))) for (const output of outputs) changing.add(output);
  const slices = body.inputs.slice(constants + carries);
  const there = new Set<Node>([...slices, ...body.outputs.slice(carries)]);
  // what steps read already bounds what they may give in addition
  let room = slices.reduce((sum, { shape }) => sum + sizeOf(shape), 0) / 2;
  return range(carries).flatMap((carry): Sum[] => {
    const [old, sum] = [body.inputs[constants + carry], body.outputs[carry]];
    const addition = sum.operation;
    if (addition?.primitive.name !== "add" || !isFloating(sum.dtype) || !once(sum) || !once(old)) return [];
    let term = addition.inputs[0] === old ? addition.inputs[1] : addition.inputs[0];
    if (!addition.inputs.includes(old) || term === old) return [];
    const views: Operation[] = [];
    while (
      once(term) &&
      (term.operation?.primitive.name === "permute" || term.operation?.primitive.name === "reshape")
    ) {
      views.unshift(term.operation);
      [term] = term.operation.inputs;
    }
    const product = term.operation;
    if (product?.primitive.name !== "dot" || !once(term)) return [];
    if (!product.inputs.every((operand) => changing.has(operand))) return [];
    const fresh = [...new Set(product.inputs)].filter((operand) => !there.has(operand));
    const size = fresh.reduce((all, { shape }) => all + sizeOf(shape), 0);
    if (size > room) return [];
    room -= size;
    for (const operand of fresh) there.add(operand);
    return [{ carry, product, views }];
  });
}

function withoutSums(
  primitive: Operation["primitive"],
  scan: ScanParams,
  operands: readonly Node[],
  sums: readonly Sum[],
): Node[] {
  const { body, constants, carries } = scan;
  const isSum = new Set(sums.map(({ carry }) => carry));
  const kept = range(carries).filter((i) => !isSum.has(i));
  const first = constants + carries;
  const slices = body.inputs.slice(first);
  const given = body.outputs.slice(carries);
  const fresh = [...new Set(sums.flatMap(({ product }) => product.inputs))].filter(
    (operand) => !slices.includes(operand) && !given.includes(operand),
  );
  const places = [...range(constants), ...kept.map((i) => constants + i), ...slices.map((_, i) => first + i)];
  const results = bindAll(
    primitive,
    places.map((i) => operands[i]),
    {
      ...scan,
      body: makeGraph(
        places.map((i) => body.inputs[i]),
        [...kept.map((i) => body.outputs[i]), ...given, ...fresh],
      ),
      carries: kept.length,
    },
  );
  const sequences = results.slice(kept.length);
  const sequenceOf = (operand: Node): Node => {
    const slice = slices.indexOf(operand);
    if (slice >= 0) return operands[first + slice];
    const at = given.indexOf(operand);
    return sequences[at >= 0 ? at : given.length + fresh.indexOf(operand)];
  };
  const finished = new Map(
    sums.map(({ carry, product, views }) => {
      const [a, b] = product.inputs.map(sequenceOf);
      let term = dot(a, b, overSteps(product.params as DotDimensions));
      for (const view of views) [term] = bindAll(view.primitive, [term], view.params);
      return [carry, add(operands[constants + carry], term)];
    }),
  );
  return body.outputs.map((_, i) => {
    const done = finished.get(i);
    if (done !== undefined) return done;
    return i < carries ? results[kept.indexOf(i)] : sequences[i - carries];
  });
}

/** The contraction with an axis of steps in front of both operands. */
function overSteps({ batchA, batchB, contractA, contractB }: DotDimensions): DotDimensions {
  const shift = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);
  return {
    batchA: shift(batchA),
    batchB: shift(batchB),
    contractA: [0, ...shift(contractA)],
    contractB: [0, ...shift(contractB)],
  };
}
