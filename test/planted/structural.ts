/** Planted bugs in the derivatives of structural primitives, reductions and contractions. */
import type { Node } from "../../src/graph/node.js";
import { mul } from "../../src/primitives/binary.js";
import { broadcast } from "../../src/primitives/broadcast.js";
import { eq } from "../../src/primitives/compare.js";
import { dot } from "../../src/primitives/dot.js";
import { gather, scatterAdd } from "../../src/primitives/gather.js";
import { concat, pad, slice, sliceAxis } from "../../src/primitives/pad.js";
import { cumsum } from "../../src/primitives/reduce.js";
import { flip, permute, reshape } from "../../src/primitives/reshape.js";
import { cast } from "../../src/primitives/select.js";
import { fill } from "../../src/primitives/support.js";
import { window, windowAdd } from "../../src/primitives/window.js";
import { range } from "../../src/types/shape.js";
import { bug, change, only, type PlantedBug } from "./plant.js";

const times = (x: Node, factor: number): Node => mul(x, fill(x, factor));
const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const none = { batchA: [], batchB: [] };

export const structuralBugs: readonly PlantedBug[] = [
  bug("the mean for the sum behind a broadcast", "broadcast", {
    vjp: ({ params }, right) => only(right, (bar) => times(bar, 1 / product(params.sizes))),
  }),
  bug("1/n applied where there is only a sum", "sum", {
    vjp: ({ primals: [x], params }, right) =>
      only(right, (bar) => times(bar, 1 / product(params.axes.map((axis) => x.shape[axis])))),
  }),
  bug("the sum's tangent averaged", "sum", {
    jvp: ({ primals: [x], params }, right) =>
      only(right, (dotted) => times(dotted, 1 / product(params.axes.map((axis) => x.shape[axis])))),
  }),
  bug("the gradient of max to every element", "reduceMax", {
    vjp: ({ cotangents: [yBar], primals: [x], params: { axes } }) => [
      yBar === null
        ? null
        : broadcast(
            yBar,
            axes,
            axes.map((axis) => x.shape[axis]),
          ),
    ],
  }),
  bug("cumsum not reversed", "cumsum", {
    vjp: ({ cotangents: [yBar], params }) => [
      yBar === null ? null : cumsum(yBar, params.axis, params.reverse),
    ],
  }),
  bug("cumsum's cotangent not summed at all", "cumsum", { vjp: ({ cotangents }) => cotangents }),
  bug("the permutation for its inverse", "permute", {
    vjp: ({ cotangents: [yBar], primals: [x], params }) => {
      if (yBar === null) return [null];
      // of axes with different extents this does not even fit; reshaping hides that, as flat buffers do
      return [reshape(permute(yBar, params.permutation), x.shape)];
    },
  }),
  bug("the tangent of a transpose not transposed", "permute", {
    jvp: ({ tangents: [xDot], outputs: [y] }) => [xDot === null ? null : reshape(xDot, y.shape)],
  }),
  bug("flip not flipped back", "flip", { vjp: ({ cotangents }) => cotangents }),
  bug("pad off by one", "pad", {
    vjp: ({ cotangents: [yBar], primals: [x], params }, right) => {
      if (yBar === null || params.low.length === 0 || x.shape.includes(0)) return right;
      return only(right, (bar) => rotate(bar));
    },
  }),
  bug("the spreading of pad forgotten", "pad", {
    vjp: ({ params }, right) =>
      only(right, (bar) => (params.interior.some((n) => n > 0) ? times(bar, 0) : bar)),
  }),
  bug("the stride of slice forgotten", "slice", {
    vjp: ({ cotangents: [yBar], primals: [x], params: { start } }) => {
      if (yBar === null) return [null];
      const high = x.shape.map((extent, axis) => extent - start[axis] - yBar.shape[axis]);
      return [pad(yBar, { low: start, high, interior: start.map(() => 0), value: 0 })];
    },
  }),
  bug("the start of slice forgotten", "slice", {
    vjp: ({ cotangents: [yBar], primals: [x], params: { start, step } }) => {
      if (yBar === null) return [null];
      const interior = step.map((n) => n - 1);
      const high = x.shape.map(
        (extent, axis) => extent - yBar.shape[axis] - Math.max(0, yBar.shape[axis] - 1) * interior[axis],
      );
      return [pad(yBar, { low: start.map(() => 0), high, interior, value: 0 })];
    },
  }),
  bug("concat gives every input the first part", "concat", {
    vjp: ({ cotangents: [yBar], primals, params: { axis } }) =>
      primals.map((x) => (yBar === null ? null : sliceAxis(yBar, axis, 0, x.shape[axis]))),
  }),
  bug("concat's tangents in the wrong order", "concat", {
    jvp: ({ tangents, primals, params: { axis } }) => [
      concat(
        [...primals.keys()].reverse().map((i) => tangents[i] ?? fill(primals[i], 0)),
        axis,
      ),
    ],
  }),
  bug("repeated rows of take overwrite instead of adding", "gather", {
    vjp: ({ cotangents: [yBar], primals: [x, indices] }, right) => {
      if (yBar === null) return right;
      // dividing by how often a row is taken is what averaging, or the last writer, would give
      const counts = scatterAdd(fill(x, 0), indices, fill(yBar, 1));
      const many = cast(eq(counts, fill(counts, 1)), x.dtype);
      return only(right, (bar) => mul(bar, many));
    },
  }),
  bug("scatterAdd's updates get the first rows", "scatterAdd", {
    vjp: ({ cotangents: [yBar], primals: [, indices] }, right) =>
      change(right, 2, (bar) => (yBar === null ? bar : gather(yBar, mul(indices, fill(indices, 0))))),
  }),
  bug("scatterAdd's target loses what is added to", "scatterAdd", {
    vjp: ({ cotangents: [yBar], primals: [target, indices, updates] }, right) =>
      change(right, 0, (bar) => {
        if (yBar === null) return bar;
        const counts = scatterAdd(fill(target, 0), indices, fill(updates, 1));
        return mul(bar, cast(eq(counts, fill(counts, 0)), target.dtype));
      }),
  }),
  bug("a missing transpose in the matrix product", "dot", {
    vjp: ({ cotangents: [yBar], primals: [a, b], params }, right) => {
      if (yBar === null || !isMatrixProduct(a, b, params.contractA)) return right;
      // ȳ · b for ȳ · bᵀ, where b is square
      return b.shape[0] === b.shape[1]
        ? change(right, 0, () => dot(yBar, b, { ...none, contractA: [1], contractB: [0] }))
        : change(right, 0, (bar) => reshape(permute(bar, [1, 0]), bar.shape));
    },
  }),
  bug("the second term of the product's tangent lost", "dot", {
    jvp: ({ tangents: [aDot], primals: [, b], params }) => [aDot === null ? null : dot(aDot, b, params)],
  }),
  bug("contracted axes put back in the wrong order", "dot", {
    vjp: ({ params }, right) =>
      params.contractA.length < 2
        ? right
        : change(right, 0, (bar) => reshape(permute(bar, range(bar.shape.length).reverse()), bar.shape)),
  }),
  bug("conv weights flipped", "window", {
    vjp: ({ cotangents: [yBar], primals: [x], params }) => {
      if (yBar === null) return [null];
      const spatial = params.size.length;
      const axes = range(spatial).map((i) => yBar.shape.length - spatial + i);
      return [windowAdd(flip(yBar, axes), { ...params, extents: x.shape.slice(x.shape.length - spatial) })];
    },
  }),
  bug("the stride of a window forgotten", "window", {
    vjp: ({ cotangents: [yBar], primals: [x], params }) => {
      if (yBar === null) return [null];
      const extents = x.shape.slice(x.shape.length - params.size.length);
      return [windowAdd(yBar, { ...params, stride: params.stride.map(() => 1), extents })];
    },
  }),
  bug("the dilation of a window forgotten", "window", {
    vjp: ({ cotangents: [yBar], primals: [x], params }) => {
      if (yBar === null) return [null];
      const extents = x.shape.slice(x.shape.length - params.size.length);
      return [windowAdd(yBar, { ...params, dilation: params.dilation.map(() => 1), extents })];
    },
  }),
  bug("overlapping windows averaged on the way back", "windowAdd", {
    vjp: ({ cotangents: [yBar], params }) => {
      if (yBar === null) return [null];
      const ones = window(fill(yBar, 1), params);
      const counts = window(windowAdd(ones, params), params);
      return [mul(window(yBar, params), cast(eq(counts, fill(counts, 1)), yBar.dtype))];
    },
  }),
  bug("a reshape that reads columns first", "reshape", {
    vjp: ({ cotangents: [yBar], primals: [x] }) => [
      yBar === null ? null : reshape(permute(yBar, range(yBar.shape.length).reverse()), x.shape),
    ],
  }),
  bug("a cotangent stopped at a barrier", "barrier", { vjp: () => [null, null] }),
  bug("a cotangent doubled at a leaf", "alias", {
    vjp: (_context, right) => only(right, (bar) => times(bar, 2)),
  }),
];

/** Ties, where finite differences are silent. */
export const reductionTieBugs: readonly PlantedBug[] = [
  bug("the tie of max not split", "reduceMax", {
    vjp: ({ cotangents: [yBar], primals: [x], outputs: [y], params: { axes } }) => {
      if (yBar === null) return [null];
      const sizes = axes.map((axis) => x.shape[axis]);
      return [mul(broadcast(yBar, axes, sizes), cast(eq(x, broadcast(y, axes, sizes)), x.dtype))];
    },
  }),
];

/** Every element in the next one's place: what an index off by one does. */
function rotate(x: Node): Node {
  const flat = reshape(x, [product(x.shape)]);
  const last = flat.shape[0];
  return reshape(concat([slice(flat, [1], [last], [1]), slice(flat, [0], [1], [1])], 0), x.shape);
}

function isMatrixProduct(a: Node, b: Node, contractA: readonly number[]): boolean {
  return a.shape.length === 2 && b.shape.length === 2 && contractA.length === 1 && contractA[0] === 1;
}
