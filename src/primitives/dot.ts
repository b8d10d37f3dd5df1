/**
 * The contraction: batch axes pair up, contracted axes are multiplied and summed, free axes remain. Matrix products,
 * inner and outer products, einsum and convolution are all this one primitive.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive } from "../graph/primitive.js";
import type { DotDimensions } from "../loops/lowering.js";
import { range, type Shape, sizeOf, stridesOf } from "../types/shape.js";
import { invariant } from "../util/errors.js";
import { add } from "./binary.js";
import { broadcast, forEachIndex } from "./broadcast.js";
import { invertPermutation, permute } from "./reshape.js";
import { allocateOutput, batchAll } from "./support.js";

/** Axes that are neither batch nor contracted. */
export function freeAxes(shape: Shape, batch: readonly number[], contract: readonly number[]): number[] {
  return range(shape.length).filter((axis) => !batch.includes(axis) && !contract.includes(axis));
}

export const dotPrimitive: Primitive<DotDimensions> = {
  name: "dot",
  outputTypes([a, b], { batchA, batchB, contractA, contractB }) {
    invariant(a.dtype === b.dtype, `dot of ${a.dtype} and ${b.dtype}`);
    const fits = (axesA: readonly number[], axesB: readonly number[]): boolean =>
      axesA.length === axesB.length && axesA.every((axis, i) => a.shape[axis] === b.shape[axesB[i]]);
    invariant(fits(batchA, batchB) && fits(contractA, contractB), `dot of [${a.shape}] and [${b.shape}]`);
    return [
      {
        shape: [
          ...batchA.map((axis) => a.shape[axis]),
          ...freeAxes(a.shape, batchA, contractA).map((axis) => a.shape[axis]),
          ...freeAxes(b.shape, batchB, contractB).map((axis) => b.shape[axis]),
        ],
        dtype: a.dtype,
      },
    ];
  },
  evaluate([a, b], context) {
    const y = allocateOutput(context);
    const { batchA, batchB, contractA, contractB } = context.params;
    const [typeA, typeB] = context.inputTypes;
    const freeA = freeAxes(typeA.shape, batchA, contractA);
    const freeB = freeAxes(typeB.shape, batchB, contractB);
    const strideA = stridesOf(typeA.shape);
    const strideB = stridesOf(typeB.shape);
    const outer = [
      [...[...batchA, ...freeA].map((axis) => strideA[axis]), ...freeB.map(() => 0)],
      [...batchB.map((axis) => strideB[axis]), ...freeA.map(() => 0), ...freeB.map((axis) => strideB[axis])],
    ];
    const inner = [contractA.map((axis) => strideA[axis]), contractB.map((axis) => strideB[axis])];
    const length = sizeOf(contractA.map((axis) => typeA.shape[axis]));
    const offsetA = new Int32Array(length);
    const offsetB = new Int32Array(length);
    forEachIndex(
      contractA.map((axis) => typeA.shape[axis]),
      inner,
      [0, 0],
      (flat, [fromA, fromB]) => {
        offsetA[flat] = fromA;
        offsetB[flat] = fromB;
      },
    );
    const integer = typeA.dtype === "int32";
    forEachIndex(context.outputTypes[0].shape, outer, [0, 0], (to, [fromA, fromB]) => {
      let total = 0;
      if (integer)
        for (let k = 0; k < length; k++)
          total = (total + Math.imul(a[fromA + offsetA[k]], b[fromB + offsetB[k]])) | 0;
      else for (let k = 0; k < length; k++) total += a[fromA + offsetA[k]] * b[fromB + offsetB[k]];
      y[to] = total;
    });
    return [y];
  },
  // ẏ = ȧ · b + a · ḃ
  jvp: ({ primals: [a, b], tangents: [aDot, bDot], params }) => {
    const fromA = aDot === null ? null : dot(aDot, b, params);
    const fromB = bDot === null ? null : dot(a, bDot, params);
    return [fromA === null ? fromB : fromB === null ? fromA : add(fromA, fromB)];
  },
  // ā = ȳ · bᵀ, b̄ = aᵀ · ȳ: contract what was free on the other side
  vjp: ({ primals: [a, b], cotangents: [yBar], params, needs }) => {
    if (yBar === null) return [null, null];
    const { batchA, batchB, contractA, contractB } = params;
    const freeA = freeAxes(a.shape, batchA, contractA);
    const freeB = freeAxes(b.shape, batchB, contractB);
    const batchY = range(batchA.length);
    const rowsY = range(freeA.length).map((i) => batchA.length + i);
    const columnsY = range(freeB.length).map((i) => batchA.length + freeA.length + i);
    const towardsA = (): Node => {
      // [batch, free a, contracted (in b's order)]
      const y = dot(yBar, b, { batchA: batchY, batchB, contractA: columnsY, contractB: freeB });
      const order = contractB.map((_, i) => i).sort((i, j) => contractB[i] - contractB[j]);
      return permute(y, invertPermutation([...batchA, ...freeA, ...order.map((i) => contractA[i])]));
    };
    const towardsB = (): Node => {
      // [batch, free b, contracted (in a's order)]
      const y = dot(yBar, a, { batchA: batchY, batchB: batchA, contractA: rowsY, contractB: freeA });
      const order = contractA.map((_, i) => i).sort((i, j) => contractA[i] - contractA[j]);
      return permute(y, invertPermutation([...batchB, ...freeB, ...order.map((i) => contractB[i])]));
    };
    return [needs[0] ? towardsA() : null, needs[1] ? towardsB() : null];
  },
  batch(context) {
    const { batchA, batchB, contractA, contractB } = context.params;
    const shift = (axes: readonly number[]): number[] => axes.map((axis) => axis + 1);
    if (context.batched[0] && context.batched[1])
      return [
        dot(context.inputs[0], context.inputs[1], {
          batchA: [0, ...shift(batchA)],
          batchB: [0, ...shift(batchB)],
          contractA: shift(contractA),
          contractB: shift(contractB),
        }),
      ];
    // a free axis in front of a's own comes out after the batch axes: without those, a needs no copy of b
    if (context.batched[0] && batchA.length === 0)
      return [dot(context.inputs[0], context.inputs[1], { ...context.params, contractA: shift(contractA) })];
    if (context.batched[1] && batchA.length === 0) {
      const y = dot(context.inputs[0], context.inputs[1], { ...context.params, contractB: shift(contractB) });
      const rows = context.inputs[0].shape.length - contractA.length;
      return [permute(y, [rows, ...range(y.shape.length).filter((axis) => axis !== rows)])];
    }
    const [a, b] = batchAll(context, broadcast);
    return this.batch({ ...context, inputs: [a, b], batched: [true, true] });
  },
  lowering: { kind: "dot", dimensions: (params) => params },
  cost: ([a], [y], { contractA }) => ({
    flops: 2 * sizeOf(y.shape) * sizeOf(contractA.map((axis) => a.shape[axis])),
  }),
};

/** Σ over the contracted axes of a · b → [batch…, free of a…, free of b…] */
export function dot(a: Node, b: Node, dimensions: DotDimensions): Node {
  return bind(dotPrimitive, [a, b], dimensions);
}
