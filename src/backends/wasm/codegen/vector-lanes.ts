/** Lanes of vectors one by one: constants and scalars into all of them, single ones out, and what only scalars can do. */

import type { BinaryOp } from "../../../loops/ir.js";
import type { DType } from "../../../types/dtype.js";
import type { FunctionBuilder } from "../assembler/function.js";
import { control, f32x4, f64x2, i32, i32x4, i64x2, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { splatFloat, splatInteger } from "./lanes.js";
import { scalarBinary } from "./scalar-ops.js";

export type VectorLanes = 2 | 4;

export function vectorConstant(f: FunctionBuilder, dtype: DType, value: number): void {
  switch (dtype) {
    case "bool":
      f.vector(splatInteger(32, value === 0 ? 0 : -1));
      return;
    case "int32":
      f.vector(splatInteger(32, value | 0));
      return;
    case "float32":
      f.vector(splatFloat(32, value));
      return;
    case "float64":
      f.vector(splatFloat(64, value));
      return;
  }
}

/** A scalar to every lane; a bool 0 or 1 to a mask. */
export function splat(f: FunctionBuilder, dtype: DType): void {
  switch (dtype) {
    case "bool":
      f.i32(-1).op(i32.mul).op(i32x4.splat);
      return;
    case "int32":
      f.op(i32x4.splat);
      return;
    case "float32":
      f.op(f32x4.splat);
      return;
    case "float64":
      f.op(f64x2.splat);
      return;
  }
}

/** One lane as a scalar; of a mask, 0 or 1. */
export function extractLane(f: FunctionBuilder, dtype: DType, lanes: VectorLanes, lane: number): void {
  switch (dtype) {
    case "bool":
      f.lane(i32x4.extractLane, lanes === 2 ? 2 * lane : lane)
        .i32(1)
        .op(i32.and);
      return;
    case "int32":
      f.lane(i32x4.extractLane, lane);
      return;
    case "float32":
      f.lane(f32x4.extractLane, lane);
      return;
    case "float64":
      f.lane(f64x2.extractLane, lane);
      return;
  }
}

const replaceCodes = {
  int32: i32x4.replaceLane,
  float32: f32x4.replaceLane,
  float64: f64x2.replaceLane,
} as const;

/** An operation that SIMD does not have, lane after lane. */
export function lanewise(
  f: FunctionBuilder,
  context: ProgramContext,
  op: BinaryOp,
  dtype: Exclude<DType, "bool">,
  lanes: VectorLanes,
): void {
  const x = f.local("v128");
  const y = f.local("v128");
  f.set(y).tee(x);
  for (let i = 0; i < lanes; i++) {
    f.get(x);
    extractLane(f, dtype, lanes, i);
    f.get(y);
    extractLane(f, dtype, lanes, i);
    scalarBinary(f, context, op, dtype);
    f.lane(replaceCodes[dtype], i);
  }
  f.release(x);
  f.release(y);
}

/** Takes an int32 index from the stack and leaves it made non-negative; leaves the kernel with `status` where it is outside of `size`. */
export function scalarBounded(
  f: FunctionBuilder,
  context: ProgramContext,
  size: number,
  status: number,
): void {
  const given = f.local("i32");
  const wrapped = f.local("i32");
  f.tee(given).get(given).i32(31).op(i32.shr).i32(size).op(i32.and).op(i32.add).tee(wrapped);
  f.i32(size).op(i32.geU);
  f.if(undefined, () => context.reportOutOfRange(f.get(given), size, status));
  f.get(wrapped);
  f.release(given);
  f.release(wrapped);
}

/**
 * Takes int32 indices from the stack and leaves them made non-negative; leaves the kernel with `status` when one is
 * outside of `size`.
 */
export function vectorBounded(
  f: FunctionBuilder,
  context: ProgramContext,
  size: number,
  lanes: VectorLanes,
  status: number,
): void {
  const given = f.local("v128");
  const wrapped = f.local("v128");
  f.tee(given).get(given).i32(31).op(i32x4.shr).vector(splatInteger(32, size)).op(v128.and).op(i32x4.add);
  // With two lanes the upper half holds zeros or copies, which a size of 0 alone would refuse: look at valid lanes only.
  f.tee(wrapped).vector(splatInteger(32, size)).op(i32x4.geU);
  if (lanes === 2) f.op(i64x2.extendLowI32S);
  f.op(v128.anyTrue).if(undefined, () => {
    for (let lane = 0; lane < lanes; lane++) {
      f.get(wrapped).lane(i32x4.extractLane, lane).i32(size).op(i32.geU);
      f.if(undefined, () => {
        f.get(given).lane(i32x4.extractLane, lane);
        context.reportOutOfRange(f, size, status);
      });
    }
    f.op(control.unreachable);
  });
  f.get(wrapped);
  f.release(given);
  f.release(wrapped);
}
