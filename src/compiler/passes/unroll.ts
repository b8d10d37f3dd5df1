/**
 * unroll: writes what is done with the elements of small windows element by element: reductions over them, and their way back.
 *
 * Purpose: pooling windows have a handful of elements, too few to be worth loops of their own. Element by element, the whole of
 * pooling fuses with what is around it, in both directions, and runs in lanes along the positions.
 * Requires: a flat graph. Guarantees: the same values (of two zeros, a maximum may take the other).
 *
 *     %2 = window(%1, size 2); %3 = reduceMax(%2, axis 2)   →   %3 = max(slice(%2, 0), slice(%2, 1))
 *     %5 = windowAdd(%4, stride = size); %6 = sin(%5)       →   %6 = windowStores(sin(slice(%4, 0)), …)
 */
import { evaluateGraph, type Graph } from "../../graph/graph.js";
import { bind, bindAll, type Node, type Operation } from "../../graph/node.js";
import { add, max } from "../../primitives/binary.js";
import type { AxesParams, BroadcastParams } from "../../primitives/broadcast.js";
import { sliceAxis } from "../../primitives/pad.js";
import { reshape } from "../../primitives/reshape.js";
import { fill } from "../../primitives/support.js";
import { type WindowAddParams, type WindowParams, window } from "../../primitives/window.js";
import { range, sameShape, sizeOf } from "../../types/shape.js";
import { rewrite, uniformOf } from "../rewrite.js";
import { storedWindows, windowStores } from "../window-stores.js";

/** Larger windows are worth their loops, and would make expressions too long for the registers. */
const mostElements = 9;
/** Operations to look through for a window. */
const depth = 12;

export function unroll(graph: Graph): Graph {
  const uses = new Map<Node, number>();
  for (const node of [...graph.operations.flatMap(({ inputs }) => inputs), ...graph.outputs])
    uses.set(node, (uses.get(node) ?? 0) + 1);
  return rewrite(graph, (inputs) => {
    const elements = new Elements();
    return evaluateGraph(graph, inputs, (operation, operands) => {
      const result =
        reducedWindow(operation, operands, elements) ??
        tiledWindows(operation, operands, elements) ??
        behindWindows(operation, operands, elements, uses);
      return result === null ? bindAll(operation.primitive, operands, operation.params) : [result];
    });
  });
}

/** A reduction over the elements of small windows. */
function reducedWindow(
  { primitive, params, inputs: [before] }: Operation,
  [x]: readonly Node[],
  elements: Elements,
): Node | null {
  const combine = primitive.name === "reduceMax" ? max : primitive.name === "sum" ? add : null;
  if (combine === null) return null;
  const { axes } = params as AxesParams;
  const lead = before.shape.length - axes.length;
  if (!axes.every((axis) => axis >= lead) || !isSmall(before.shape.slice(lead))) return null;
  if (!isOfWindows(before, axes.length)) return null;
  return elements.all(x, axes.length).reduce(combine);
}

function isSmall(size: readonly number[]): boolean {
  const count = sizeOf(size);
  return count >= 2 && count <= mostElements;
}

/** Is this computed element by element from windows whose elements are the last `spatial` axes? */
function isOfWindows(node: Node, spatial: number): boolean {
  let found = false;
  const visit = ({ operation }: Node, left: number): void => {
    if (found || operation === null || left === 0) return;
    const { primitive, params, inputs } = operation;
    if (primitive.name === "window") found = (params as WindowParams).size.length === spatial;
    else if (primitive.lowering.kind === "pointwise") for (const input of inputs) visit(input, left - 1);
  };
  visit(node, depth);
  return found;
}

/** windowAdd of windows that lie side by side and leave no gap. */
function tiledWindows(
  { primitive, params }: Operation,
  [x]: readonly Node[],
  elements: Elements,
): Node | null {
  if (primitive.name !== "windowAdd") return null;
  const { size, stride, dilation, extents } = params as WindowAddParams;
  const positions = x.shape.slice(x.shape.length - 2 * size.length, x.shape.length - size.length);
  const tiles = size.every(
    (extent, i) =>
      stride[i] === extent && (dilation[i] === 1 || extent === 1) && positions[i] * extent === extents[i],
  );
  if (!tiles || !isSmall(size) || sizeOf(x.shape) === 0) return null;
  return windowStores(elements.all(x, size.length), size);
}

/** An element-wise operation on such a result, which nothing else reads: it is applied before the elements are put in place. */
function behindWindows(
  { primitive, params, inputs }: Operation,
  operands: readonly Node[],
  elements: Elements,
  uses: ReadonlyMap<Node, number>,
): Node | null {
  if (primitive.lowering.kind !== "pointwise") return null;
  const at = operands.findIndex((operand) => storedWindows(operand) !== null);
  const stored = at < 0 ? null : storedWindows(operands[at]);
  if (stored === null || uses.get(inputs[at]) !== 1) return null;
  const { size } = stored;
  const dilation = size.map(() => 1);
  const others = operands.map((operand, i) =>
    i === at
      ? stored.elements
      : isUniform(operand)
        ? stored.elements.map((element) => uniformLike(operand, element))
        : elements.all(window(operand, { size, stride: size, dilation }), size.length),
  );
  const results = stored.elements.map((_, flat) =>
    bind(
      primitive,
      others.map((list) => list[flat]),
      params,
    ),
  );
  return windowStores(results, size);
}

function isUniform(node: Node): boolean {
  return !node.isAbstract && uniformOf(node) !== undefined;
}

/** The same number everywhere, in the shape of another node. */
function uniformLike(node: Node, like: Node): Node {
  return fill({ shape: like.shape, dtype: node.dtype }, uniformOf(node) ?? 0);
}

/** Elements of windows, by what they are computed from: each is made once. */
class Elements {
  private readonly known = new Map<Node, Map<number, Node[]>>();

  /** The last `spatial` axes of a node, taken apart in row-major order. */
  all(x: Node, spatial: number): readonly Node[] {
    return range(sizeOf(x.shape.slice(x.shape.length - spatial))).map((flat) => this.one(x, spatial, flat));
  }

  private one(x: Node, spatial: number, flat: number): Node {
    const bySpatial = this.known.get(x) ?? new Map<number, Node[]>();
    this.known.set(x, bySpatial);
    const list = bySpatial.get(spatial) ?? [];
    bySpatial.set(spatial, list);
    list[flat] ??= this.make(x, spatial, flat);
    return list[flat];
  }

  private make(x: Node, spatial: number, flat: number): Node {
    const kept = x.shape.slice(0, x.shape.length - spatial);
    if (isUniform(x)) return fill({ shape: kept, dtype: x.dtype }, uniformOf(x) ?? 0);
    const { operation } = x;
    if (operation !== null) {
      const { primitive, inputs, params } = operation;
      if (primitive.lowering.kind === "pointwise") {
        const parts = inputs.map((input) => this.one(input, spatial, flat));
        return bind(primitive, parts, params);
      }
      // repeated over the window: the same for each of its elements
      if (primitive.name === "broadcast" && sameShape(inputs[0].shape, kept)) {
        const { axes } = params as BroadcastParams;
        if (axes.every((axis) => axis >= kept.length)) return inputs[0];
      }
    }
    let element = x;
    let rest = flat;
    for (let axis = x.shape.length - 1; axis >= kept.length; axis--) {
      const at = rest % x.shape[axis];
      rest = Math.floor(rest / x.shape[axis]);
      element = sliceAxis(element, axis, at, at + 1);
    }
    return reshape(element, kept);
  }
}
