/**
 * The contraction as ONNX operators: Conv where it is a convolution, Gemm for two matrices, MatMul where each side has one
 * contracted and one free axis, a product without contraction as Mul, and Einsum for the rest.
 */

import { type Emission, type Emitter, integersOf } from "./emission.js";
import { plainSum } from "./export-structural.js";
import { convolution } from "./export-windows.js";
import type { Held } from "./specs.js";

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

interface Sides {
  readonly a: Held;
  readonly b: Held;
  readonly batchA: readonly number[];
  readonly batchB: readonly number[];
  readonly contractA: readonly number[];
  readonly contractB: readonly number[];
  readonly freeA: readonly number[];
  readonly freeB: readonly number[];
}

const dot: Emitter = (emission) => {
  const known = convolution(emission);
  if (known !== undefined) return known;
  const { builder, inputs, operation, output } = emission;
  const [a, b] = inputs;
  // a sum of nothing, or nothing at all: ONNX Runtime 1.24 divides by an extent of 0
  if ([...a.shape, ...b.shape].includes(0)) return builder.number(0, output.dtype, output.shape);
  const [batchA, batchB, contractA, contractB] = ["batchA", "batchB", "contractA", "contractB"].map((name) =>
    integersOf(operation, name),
  );
  const free = (x: Held, batch: readonly number[], contract: readonly number[]): number[] =>
    range(x.shape.length).filter((axis) => !batch.includes(axis) && !contract.includes(axis));
  const sides: Sides = {
    a,
    b,
    batchA,
    batchB,
    contractA,
    contractB,
    freeA: free(a, batchA, contractA),
    freeB: free(b, batchB, contractB),
  };
  return (
    outer(emission, sides) ?? gemm(emission, sides) ?? matmul(emission, sides) ?? einsum(emission, sides)
  );
};

/** Nothing contracted: each side gets axes of extent 1 for the other's. */
function outer(
  emission: Emission,
  { a, b, batchA, batchB, contractA, freeA, freeB }: Sides,
): Held | undefined {
  if (contractA.length > 0) return undefined;
  const { builder, output } = emission;
  const left = builder.full(builder.transpose(a, [...batchA, ...freeA]));
  const right = builder.full(builder.transpose(b, [...batchB, ...freeB]));
  const extended = (x: Held, axes: readonly number[]): string =>
    axes.length === 0 ? x.name : builder.emit("Unsqueeze", [x.name, builder.ints(axes)]);
  const lead = batchA.length;
  const names = [
    extended(
      left,
      freeB.map((_, i) => lead + freeA.length + i),
    ),
    extended(
      right,
      freeA.map((_, i) => lead + i),
    ),
  ];
  return builder.held(builder.emit("Mul", names), output.dtype, output.shape);
}

/** Two matrices of floats, either of which may be a transpose. */
function gemm(emission: Emission, { a, b, batchA, contractA, contractB }: Sides): Held | undefined {
  const { builder, output } = emission;
  const isFloat = output.dtype === "float32" || output.dtype === "float64";
  if (!isFloat || batchA.length > 0 || contractA.length !== 1) return undefined;
  if (a.shape.length !== 2 || b.shape.length !== 2) return undefined;
  const left = untransposed(emission, a, contractA[0]);
  const right = untransposed(emission, b, contractB[0]);
  const name = builder.product("Gemm", [left.name, right.name], {
    transA: left.axis === 0 ? 1 : 0,
    transB: right.axis === 1 ? 1 : 0,
  });
  return builder.held(name, output.dtype, output.shape);
}

/** A matrix as it was before a transposition, and where its contracted axis was. */
function untransposed({ builder }: Emission, x: Held, axis: number): { name: string; axis: number } {
  const before = builder.transposed(x);
  if (before === undefined || before.order.length !== 2) return { name: builder.full(x).name, axis };
  return { name: builder.full(before.from).name, axis: before.order[axis] };
}

function matmul(emission: Emission, sides: Sides): Held | undefined {
  const { builder, output } = emission;
  const { a, b, batchA, batchB, contractA, contractB, freeA, freeB } = sides;
  if (contractA.length !== 1 || freeB.length !== 1) return undefined;
  // ONNX Runtime 1.24 makes a product of its own of these, which it does not have for float64
  if (output.dtype === "float64" && batchA.length > 0) return undefined;
  // without batches, all free axes of a are rows
  if (freeA.length !== 1 && (batchA.length > 0 || freeA.length === 0)) return undefined;
  const left = builder.full(builder.transpose(a, [...batchA, ...freeA, ...contractA]));
  const right = builder.full(builder.transpose(b, [...batchB, ...contractB, ...freeB]));
  return builder.held(builder.emit("MatMul", [left.name, right.name]), output.dtype, output.shape);
}

/** A letter for each axis. */
function einsum(emission: Emission, sides: Sides): Held {
  const { builder, output } = emission;
  const { a, b, batchA, batchB, contractA, contractB, freeA, freeB } = sides;
  let next = 0;
  const letter = (): string => String.fromCharCode((next < 26 ? 97 : 65 - 26) + next++);
  const left = new Array<string>(a.shape.length);
  const right = new Array<string>(b.shape.length);
  batchA.forEach((axis, i) => {
    left[axis] = letter();
    right[batchB[i]] = left[axis];
  });
  for (const axis of freeA) left[axis] = letter();
  for (const axis of freeB) right[axis] = letter();
  contractA.forEach((axis, i) => {
    left[axis] = letter();
    right[contractB[i]] = left[axis];
  });
  const result = [
    ...batchA.map((axis) => left[axis]),
    ...freeA.map((axis) => left[axis]),
    ...freeB.map((axis) => right[axis]),
  ];
  const equation = `${left.join("")},${right.join("")}->${result.join("")}`;
  const name = builder.emit("Einsum", [builder.full(a).name, builder.full(b).name], { equation });
  return builder.held(name, output.dtype, output.shape);
}

export const contractionEmitters = { dot, sum: plainSum } satisfies Readonly<Record<string, Emitter>>;
