/**
 * convolve: gives convolutions, and their gradients in the image, the form in which their results need not be moved.
 *
 * Purpose: a convolution is a contraction of weights with windows of an image, whose output has the channels in front; the
 * images move in front of them with a batch axis of the contraction, over weights that all images share. In the other
 * direction windows add up at once instead of being written out: the products of one image stay in a cache.
 * Requires: a flat graph. Guarantees: the same values up to the order of the additions.
 *
 *     %3 = dot(w, window(x)); %4 = permute(%3, [1, 0, 2, 3])   →   %4 = dot(broadcast(w), window(x)) with a batch axis
 *     %5 = permute(dot(w, ȳ)); %6 = windowAdd(%5)              →   %6 = windowDot(w, ȳ)
 */
import { evaluateGraph, type Graph } from "../../graph/graph.js";
import { bindAll, type Node, type Operation } from "../../graph/node.js";
import type { DotDimensions } from "../../loops/lowering.js";
import { broadcast } from "../../primitives/broadcast.js";
import { dot, freeAxes } from "../../primitives/dot.js";
import type { PermuteParams } from "../../primitives/reshape.js";
import type { WindowAddParams } from "../../primitives/window.js";
import { range, stridesOf } from "../../types/shape.js";
import { rewrite } from "../rewrite.js";
import { type OperandAxes, windowDot } from "../window-dot.js";

export function convolve(graph: Graph): Graph {
  const uses = new Map<Node, number>();
  for (const node of [...graph.operations.flatMap(({ inputs }) => inputs), ...graph.outputs])
    uses.set(node, (uses.get(node) ?? 0) + 1);
  const once = (node: Node): boolean => uses.get(node) === 1;
  return rewrite(graph, (inputs) =>
    evaluateGraph(graph, inputs, ({ primitive, params, inputs: before }, operands) => {
      // whether a value is used once is known of the old graph; what it is made of, of the new one
      const result =
        primitive.name === "permute" && once(before[0])
          ? imagesFirst(operands[0], (params as PermuteParams).permutation)
          : primitive.name === "windowAdd" && once(before[0])
            ? addedWindows(operands[0], params as WindowAddParams, before[0], once)
            : null;
      return result === null ? bindAll(primitive, operands, params) : [result];
    }),
  );
}

function made(node: Node, primitive: string): Operation | null {
  return node.operation?.primitive.name === primitive ? node.operation : null;
}

/** Is this a view of windows? */
function hasWindows(node: Node): boolean {
  let current = node;
  for (;;) {
    const { operation } = current;
    if (operation === null) return false;
    const { name } = operation.primitive;
    if (name === "window") return true;
    if (name !== "reshape" && name !== "permute") return false;
    current = operation.inputs[0];
  }
}

/** permute(dot(a, windows)) where the permutation only moves free axes of the windows to the front. */
function imagesFirst(node: Node, permutation: readonly number[]): Node | null {
  const operation = made(node, "dot");
  if (operation === null) return null;
  const [a, b] = operation.inputs;
  if (!hasWindows(b)) return null;
  const { batchA, batchB, contractA, contractB } = operation.params as DotDimensions;
  const freeB = freeAxes(b.shape, batchB, contractB);
  const rows = batchA.length;
  const columns = node.shape.length - freeB.length;
  const firstFree = permutation.findIndex((axis) => axis >= rows && axis < columns);
  if (firstFree < 0) return null;
  const front = permutation.slice(0, firstFree);
  const moved = front.filter((axis) => axis >= columns);
  const rest = range(node.shape.length).filter((axis) => axis >= rows && !moved.includes(axis));
  const isPlain = moved.length > 0 && permutation.slice(firstFree).every((axis, i) => axis === rest[i]);
  if (!isPlain || front.length !== rows + moved.length) return null;

  // the shared operand repeats along new axes in front of its own
  const shared = broadcast(
    a,
    range(moved.length),
    moved.map((axis) => node.shape[axis]),
  );
  const shift = (axis: number): number => axis + moved.length;
  return dot(shared, b, {
    batchA: front.map((axis) => (axis < rows ? shift(batchA[axis]) : moved.indexOf(axis))),
    batchB: front.map((axis) => (axis < rows ? batchB[axis] : freeB[axis - columns])),
    contractA: contractA.map(shift),
    contractB,
  });
}

/** windowAdd(permute(dot(a, b))), with or without permutations; contractions used elsewhere stay. */
function addedWindows(
  node: Node,
  { size, stride, dilation, extents }: WindowAddParams,
  before: Node,
  once: (node: Node) => boolean,
): Node | null {
  const moving = made(node, "permute");
  const contraction = moving === null ? node : moving.inputs[0];
  const operation = made(contraction, "dot");
  if (operation === null) return null;
  const inner = before.operation?.inputs[0];
  if (moving !== null && (inner === undefined || !once(inner))) return null;
  const permutation =
    moving === null ? range(node.shape.length) : (moving.params as PermuteParams).permutation;

  const lead = node.shape.length - 2 * size.length;
  const shape = [...node.shape.slice(0, lead), ...extents];
  const own = stridesOf(shape);
  const stepOf = [
    ...own.slice(0, lead),
    ...stride.map((step, i) => step * own[lead + i]),
    ...dilation.map((step, i) => step * own[lead + i]),
  ];
  const { batchA, batchB, contractA, contractB } = operation.params as DotDimensions;
  const axesOf = (x: Node, batch: readonly number[], contract: readonly number[]): OperandAxes => ({
    batch,
    free: freeAxes(x.shape, batch, contract),
    contract,
  });
  const [a, b] = operation.inputs;
  const left = unmoved(a, axesOf(a, batchA, contractA));
  const right = unmoved(b, axesOf(b, batchB, contractB));
  const steps = range(node.shape.length).map((axis) => stepOf[permutation.indexOf(axis)]);
  const batchSteps = steps.slice(0, batchA.length);
  const leftSteps = steps.slice(batchA.length, batchA.length + left.axes.free.length);
  const rightSteps = steps.slice(batchA.length + left.axes.free.length);
  // positions are the columns: there are many, and they lie side by side
  const positions = size.map((_, i) => permutation[lead + i]);
  const inLeft = positions.every((axis) => axis >= batchA.length && axis < batchA.length + leftSteps.length);
  return inLeft
    ? windowDot(right.node, left.node, {
        a: right.axes,
        b: left.axes,
        shape,
        strides: [...batchSteps, ...rightSteps, ...leftSteps],
      })
    : windowDot(left.node, right.node, {
        a: left.axes,
        b: right.axes,
        shape,
        strides: [...batchSteps, ...leftSteps, ...rightSteps],
      });
}

/** A permuted operand as what it permutes, its loops in the same order. */
function unmoved(node: Node, axes: OperandAxes): { readonly node: Node; readonly axes: OperandAxes } {
  const moving = made(node, "permute");
  if (moving === null) return { node, axes };
  const { permutation } = moving.params as PermuteParams;
  const below = (list: readonly number[]): number[] => list.map((axis) => permutation[axis]);
  return {
    node: moving.inputs[0],
    axes: { batch: below(axes.batch), free: below(axes.free), contract: below(axes.contract) },
  };
}
