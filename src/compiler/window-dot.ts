/**
 * windowDot: windowAdd of a contraction, as one operation. The products of all window positions are added where the windows
 * lie, instead of being written out, a copy of the image for every element of the window. Only the compiler makes it, of
 * what has been differentiated already.
 */
import type { Node } from "../graph/node.js";
import { bind } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import type { MatrixView } from "../loops/ir.js";
import { forEachIndex } from "../primitives/broadcast.js";
import { allocateOutput } from "../primitives/support.js";
import { type Shape, sizeOf, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";

/** The loops of an operand: its axes by their part in the contraction, in the order of the loops. */
export interface OperandAxes {
  readonly batch: readonly number[];
  readonly free: readonly number[];
  readonly contract: readonly number[];
}

export interface WindowDotParams {
  readonly a: OperandAxes;
  readonly b: OperandAxes;
  /** The output, and how far each loop moves in it: batch, free of a, free of b. */
  readonly shape: Shape;
  readonly strides: readonly number[];
}

function derivedElsewhere(): never {
  invariant(false, "windowDot is made of what has been differentiated and batched already");
}

interface Sides {
  readonly outer: readonly number[];
  readonly inner: readonly number[];
  readonly outerStrides: readonly (readonly number[])[];
  readonly innerStrides: readonly (readonly number[])[];
}

function loopsOf(shapeA: Shape, shapeB: Shape, { a, b }: WindowDotParams): Sides {
  const [ownA, ownB] = [stridesOf(shapeA), stridesOf(shapeB)];
  const none = (axes: readonly number[]): number[] => axes.map(() => 0);
  const along = (own: readonly number[], axes: readonly number[]): number[] => axes.map((axis) => own[axis]);
  return {
    outer: [...a.batch, ...a.free].map((axis) => shapeA[axis]).concat(b.free.map((axis) => shapeB[axis])),
    inner: a.contract.map((axis) => shapeA[axis]),
    outerStrides: [
      [...along(ownA, [...a.batch, ...a.free]), ...none(b.free)],
      [...along(ownB, b.batch), ...none(a.free), ...along(ownB, b.free)],
    ],
    innerStrides: [along(ownA, a.contract), along(ownB, b.contract)],
  };
}

const windowDotPrimitive: Primitive<WindowDotParams> = {
  name: "windowDot",
  outputTypes: ([a], { shape }) => [{ shape, dtype: a.dtype }],
  evaluate([a, b], context) {
    const { params, inputTypes } = context;
    const y = allocateOutput(context);
    const totals = new Float64Array(y.length);
    const loops = loopsOf(inputTypes[0].shape, inputTypes[1].shape, params);
    forEachIndex(loops.outer, [...loops.outerStrides, params.strides], [0, 0, 0], (_, [atA, atB, to]) => {
      forEachIndex(loops.inner, loops.innerStrides, [atA, atB], (_step, [fromA, fromB]) => {
        totals[to] += a[fromA] * b[fromB];
      });
    });
    y.set(totals);
    return [y];
  },
  jvp: derivedElsewhere,
  vjp: derivedElsewhere,
  batch: derivedElsewhere,
  lowering: {
    kind: "kernels",
    inMemory: () => [0, 1],
    emit({ params, inputs: [a, b], output, outputBuffer, buffer, emit, name }) {
      const value = { kind: "constant", dtype: output.dtype, value: 0 } as const;
      emit({
        kind: "loops",
        name: `${name} (fill)`,
        loops: [sizeOf(output.shape)],
        reducedLoops: 0,
        reductions: [],
        stores: [{ buffer: outputBuffer, offset: 0, strides: [1], value }],
      });
      const view = (input: number, shape: Shape, axes: OperandAxes, freeAreRows: boolean): MatrixView => {
        const own = stridesOf(shape);
        const along = (list: readonly number[]): number[] => list.map((axis) => own[axis]);
        const [free, contract] = [along(axes.free), along(axes.contract)];
        const [rowStrides, columnStrides] = freeAreRows ? [free, contract] : [contract, free];
        return {
          buffer: buffer(input),
          offset: 0,
          batchStrides: along(axes.batch),
          rowStride: rowStrides[rowStrides.length - 1] ?? 1,
          columnStride: columnStrides[columnStrides.length - 1] ?? 1,
          rowStrides,
          columnStrides,
        };
      };
      const extents = (shape: Shape, axes: readonly number[]): number[] => axes.map((axis) => shape[axis]);
      const rows = extents(a.shape, params.a.free);
      const columns = extents(b.shape, params.b.free);
      const summed = extents(a.shape, params.a.contract);
      emit({
        kind: "dot",
        name,
        dtype: output.dtype,
        batch: extents(a.shape, params.a.batch),
        m: sizeOf(rows),
        n: sizeOf(columns),
        k: sizeOf(summed),
        rows,
        columns,
        summed,
        a: view(0, a.shape, params.a, true),
        b: view(1, b.shape, params.b, false),
        stores: [
          {
            buffer: outputBuffer,
            offset: 0,
            strides: params.strides,
            value: { kind: "reduced", dtype: output.dtype, index: 0 },
            accumulate: true,
          },
        ],
      });
    },
  },
  cost: ([a, b], _outputs, params) => {
    const { outer, inner } = loopsOf(a.shape, b.shape, params);
    return { flops: 2 * sizeOf(outer) * sizeOf(inner) };
  },
};

/** Σ over the contracted axes of a · b, each added at Σ strides[loop] · counter(loop) of an output of `shape`. */
export function windowDot(a: Node, b: Node, params: WindowDotParams): Node {
  return bind(windowDotPrimitive, [a, b], params);
}
