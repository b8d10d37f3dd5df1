/**
 * gather picks rows by index; scatterAdd adds rows into a target by index, repeated indices adding up. Towards its
 * source, each is the other's adjoint.
 */
import { bind, type Node } from "../graph/node.js";
import type { Primitive, TensorType } from "../graph/primitive.js";
import type { Expr } from "../loops/ir.js";
import { identityIndex } from "../loops/lowering.js";
import { range, sizeOf, stridesOf } from "../types/shape.js";
import { AdjointError, formatShape } from "../util/errors.js";
import { add, mul } from "./binary.js";
import { broadcast } from "./broadcast.js";
import { reshape } from "./reshape.js";
import { iota } from "./source.js";
import { allocateOutput, batchAll, elementCost, fill } from "./support.js";

/**
 * @throws AdjointError `index-out-of-range`
 */
export function checkIndex(
  index: number,
  extent: number,
  operation: string,
  shape: readonly number[],
): number {
  if (index < -extent || index >= extent)
    throw new AdjointError(
      "index-out-of-range",
      `${operation}: index ${index} is outside an axis of extent ${extent} (shape ${formatShape(shape)}); expected ${extent === 0 ? "no index" : `${-extent} to ${extent - 1}`}`,
      { operation, argument: "indices", expected: `${-extent} … ${extent - 1}`, received: String(index) },
    );
  return index < 0 ? index + extent : index;
}

export interface BoundIndexParams {
  /** The extent of the axis that is indexed. */
  readonly extent: number;
}

/** int32 indices, negative ones counted from the end → 0 … extent − 1; outside, an error while running */
export const boundIndexPrimitive: Primitive<BoundIndexParams> = {
  name: "boundIndex",
  outputTypes: ([indices]) => [{ shape: indices.shape, dtype: "int32" }],
  evaluate([indices], context) {
    const y = allocateOutput(context);
    const { extent } = context.params;
    for (let i = 0; i < y.length; i++) y[i] = checkIndex(indices[i], extent, "take", [extent]);
    return [y];
  },
  jvp: "none",
  vjp: "none",
  batch: ({ inputs, params }) => [boundIndex(inputs[0], params.extent)],
  lowering: {
    kind: "pointwise",
    expr: ([x], { params }) => ({ kind: "bounded", dtype: "int32", x, size: params.extent }),
  },
  cost: elementCost(1),
};

/** Indices made non-negative, and checked. */
export function boundIndex(indices: Node, extent: number): Node {
  return bind(boundIndexPrimitive, [indices], { extent });
}

/** The row number as an expression: counted from the end where negative, checked while running. */
function rowStart(indices: Expr, rows: number, rowSize: number): Expr {
  const row: Expr = { kind: "bounded", dtype: "int32", x: indices, size: rows };
  const size: Expr = { kind: "constant", dtype: "int32", value: rowSize };
  return { kind: "binary", op: "mul", dtype: "int32", x: row, y: size };
}

/** x [rows, rest…], indices [i…] int32 → [i…, rest…] */
export const gatherPrimitive: Primitive<undefined> = {
  name: "gather",
  outputTypes: ([x, indices]) => [{ shape: [...indices.shape, ...x.shape.slice(1)], dtype: x.dtype }],
  evaluate([x, indices], context) {
    const y = allocateOutput(context);
    const { shape } = context.inputTypes[0];
    const row = sizeOf(shape.slice(1));
    for (let i = 0; i < indices.length; i++) {
      const from = checkIndex(indices[i], shape[0], "take", shape) * row;
      y.set(x.subarray(from, from + row), i * row);
    }
    return [y];
  },
  jvp: ({ primals: [, indices], tangents: [xDot] }) => [xDot === null ? null : gather(xDot, indices)],
  // x̄ = scatterAdd(0, indices, ȳ)
  vjp: ({ primals: [x, indices], cotangents: [yBar] }) => [
    yBar === null ? null : scatterAdd(fill(x, 0), indices, yBar),
    null,
  ],
  batch(context) {
    if (!context.batched[0]) return [gather(context.inputs[0], context.inputs[1])];
    const [x, indices] = batchAll(context, broadcast);
    return [gather(flattenBatch(x), batchRows(indices, x))];
  },
  lowering: {
    kind: "kernels",
    inMemory: () => [0],
    emit({ inputs: [x, indices], output, buffer, outputBuffer, read, emit, name }) {
      const rank = output.shape.length;
      const counters = identityIndex(rank, rank);
      const row = x.shape.slice(1);
      const index = read(1, counters.slice(0, indices.shape.length));
      const value: Expr = {
        kind: "load",
        dtype: x.dtype,
        buffer: buffer(0),
        offset: 0,
        strides: [...indices.shape.map(() => 0), ...stridesOf(row)],
        at: rowStart(index, x.shape[0], sizeOf(row)),
      };
      if (sizeOf(output.shape) > 0)
        emit({
          kind: "loops",
          name,
          loops: output.shape,
          reducedLoops: 0,
          reductions: [],
          stores: [{ buffer: outputBuffer, offset: 0, strides: stridesOf(output.shape), value }],
        });
    },
  },
  cost: elementCost(0),
};

/** Rows of x [rows, rest…] at int32 indices [i…] (negative from the end) → [i…, rest…]. */
export function gather(x: Node, indices: Node): Node {
  return bind(gatherPrimitive, [x, indices], undefined);
}

/** target [rows, rest…], indices [i…], updates [i…, rest…] → target with the updates added */
export const scatterAddPrimitive: Primitive<undefined> = {
  name: "scatterAdd",
  outputTypes: ([target]) => [{ shape: target.shape, dtype: target.dtype }],
  evaluate([target, indices, updates], context) {
    const y = allocateOutput(context);
    const { shape } = context.inputTypes[0];
    const row = sizeOf(shape.slice(1));
    const totals = Float64Array.from(target);
    for (let i = 0; i < indices.length; i++) {
      const to = checkIndex(indices[i], shape[0], "scatterAdd", shape) * row;
      for (let j = 0; j < row; j++) totals[to + j] += updates[i * row + j];
    }
    y.set(totals);
    return [y];
  },
  jvp: ({ primals: [target, indices, updates], tangents: [targetDot, , updatesDot] }) => [
    targetDot === null && updatesDot === null
      ? null
      : updatesDot === null
        ? targetDot
        : scatterAdd(targetDot ?? fill(target, 0), indices, updatesDot ?? fill(updates, 0)),
  ],
  // target̄ = ȳ, updates̄ = gather(ȳ, indices)
  vjp: ({ primals: [, indices], cotangents: [yBar], needs }) =>
    yBar === null ? [null, null, null] : [yBar, null, needs[2] ? gather(yBar, indices) : null],
  batch(context) {
    const [target, indices, updates] = batchAll(context, broadcast);
    const flat = scatterAdd(flattenBatch(target), batchRows(indices, target), updates);
    return [reshape(flat, target.shape)];
  },
  lowering: {
    kind: "kernels",
    inMemory: () => [],
    emit({ inputs: [target, indices, updates], output, outputBuffer, read, emit, name }) {
      if (sizeOf(output.shape) === 0) return;
      const rank = target.shape.length;
      emit({
        kind: "loops",
        name: `${name} (copy)`,
        loops: output.shape,
        reducedLoops: 0,
        reductions: [],
        stores: [
          {
            buffer: outputBuffer,
            offset: 0,
            strides: stridesOf(output.shape),
            value: read(0, identityIndex(rank, rank)),
          },
        ],
      });
      if (sizeOf(updates.shape) === 0) return;
      const loops = updates.shape.length;
      const counters = identityIndex(loops, loops);
      const row = target.shape.slice(1);
      emit({
        kind: "loops",
        name,
        loops: updates.shape,
        reducedLoops: 0,
        reductions: [],
        stores: [
          {
            buffer: outputBuffer,
            offset: 0,
            strides: [...indices.shape.map(() => 0), ...stridesOf(row)],
            at: rowStart(read(1, counters.slice(0, indices.shape.length)), target.shape[0], sizeOf(row)),
            value: read(2, counters),
            accumulate: true,
          },
        ],
      });
    },
  },
  cost: (inputs: readonly TensorType[]) => ({ flops: sizeOf(inputs[2].shape) }),
};

/** target [rows, rest…] plus updates [i…, rest…] at rows indices [i…]; repeated rows add up. */
export function scatterAdd(target: Node, indices: Node, updates: Node): Node {
  return bind(scatterAddPrimitive, [target, indices, updates], undefined);
}

/** [batch, rows, rest…] → [batch · rows, rest…] */
function flattenBatch(x: Node): Node {
  return reshape(x, [x.shape[0] * x.shape[1], ...x.shape.slice(2)]);
}

/**
 * Row numbers in the flattened x: index + batch number · rows, of indices that are normalised and checked first, as one
 * that is outside its own batch would be inside a neighbour.
 */
function batchRows(indices: Node, x: Node): Node {
  const [batch, rows] = x.shape;
  const others = range(indices.shape.length).slice(1);
  const start = broadcast(
    iota(batch, "int32"),
    others,
    others.map((axis) => indices.shape[axis]),
  );
  return add(boundIndex(indices, rows), mul(start, fill(start, rows)));
}
