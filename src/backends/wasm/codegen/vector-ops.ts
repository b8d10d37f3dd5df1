/**
 * Vector operations as instructions: operands are on the stack, so is the result.
 *
 * A frame has 4 lanes, or 2 as soon as float64 takes part. With 2 lanes, float32 and int32 occupy the low half of a
 * vector. bool is a mask as wide as a lane of the frame: 32 bits of 4, 64 bits of 2.
 */

import type { BinaryOp, CompareOp, UnaryOp } from "../../../loops/ir.js";
import type { DType } from "../../../types/dtype.js";
import { invariant, unreachable } from "../../../util/errors.js";
import type { FunctionBuilder } from "../assembler/function.js";
import { f32x4, f64x2, i32x4, i64x2, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { isLaneFunction, laneFunction, writeLaneFunction } from "./lane-functions.js";
import { splatFloat, splatInteger } from "./lanes.js";
import { lanewise, type VectorLanes, vectorConstant } from "./vector-lanes.js";

/** The low words of the two 64-bit lanes, side by side. */
const narrowMask = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];

export function vectorUnary(
  f: FunctionBuilder,
  context: ProgramContext,
  op: UnaryOp,
  dtype: DType,
  lanes: VectorLanes,
): void {
  switch (dtype) {
    case "bool":
      if (op === "not") f.op(v128.not);
      return;
    case "int32":
      integerUnary(f, op);
      return;
    case "float32":
    case "float64":
      floatUnary(f, context, op, dtype, lanes);
  }
}

function integerUnary(f: FunctionBuilder, op: UnaryOp): void {
  switch (op) {
    case "neg":
      f.op(i32x4.neg);
      return;
    case "abs":
      f.op(i32x4.abs);
      return;
    case "not":
      f.op(v128.not);
      return;
    case "sign": {
      // A comparison's mask is -1 where true: (x < 0) - (x > 0).
      const x = f.local("v128");
      f.tee(x).vector(splatInteger(32, 0)).op(i32x4.lt);
      f.get(x).vector(splatInteger(32, 0)).op(i32x4.gt).op(i32x4.sub);
      f.release(x);
      return;
    }
    default:
      invariant(op === "floor" || op === "ceil" || op === "round", `${op} of int32`);
  }
}

function floatUnary(
  f: FunctionBuilder,
  context: ProgramContext,
  op: UnaryOp,
  dtype: "float32" | "float64",
  lanes: VectorLanes,
): void {
  invariant(dtype === "float32" || lanes === 2, "float64 with four lanes");
  const bits = dtype === "float32" ? 32 : 64;
  const ops = dtype === "float32" ? f32x4 : f64x2;
  if (isLaneFunction(op)) {
    writeLaneFunction(f, context, op, bits);
    return;
  }
  switch (op) {
    case "neg":
      // The engine makes the masks of f32x4.neg and abs anew each time; a constant it keeps.
      f.vector(splatFloat(bits, -0)).op(v128.xor);
      return;
    case "abs":
      f.vector(splatFloat(bits, -0)).op(v128.andnot);
      return;
    case "sqrt":
    case "floor":
    case "ceil":
      f.op(ops[op]);
      return;
    case "round":
      f.op(ops.nearest);
      return;
    case "sign": {
      // ±1 with the sign of x where |x| > 0; else x itself: ±0 or NaN.
      const x = f.local("v128");
      f.tee(x).vector(splatFloat(bits, -0)).op(v128.and).vector(splatFloat(bits, 1)).op(v128.or);
      f.get(x).get(x).op(ops.abs).vector(splatFloat(bits, 0)).op(ops.gt).op(v128.bitselect);
      f.release(x);
      return;
    }
    case "not":
      invariant(false, `not of ${dtype}`);
      return;
    default:
      unreachable(op);
  }
}

export function vectorBinary(
  f: FunctionBuilder,
  context: ProgramContext,
  op: BinaryOp,
  dtype: DType,
  lanes: VectorLanes,
): void {
  switch (dtype) {
    case "bool":
      f.op(maskBinary(op));
      return;
    case "int32":
      if (op === "div" || op === "mod" || op === "pow" || op === "shl" || op === "shr")
        lanewise(f, context, op, dtype, lanes);
      else if (op === "and" || op === "or" || op === "xor") f.op(v128[op]);
      else {
        invariant(op !== "atan2", "atan2 of int32");
        f.op(i32x4[op]);
      }
      return;
    case "float32":
    case "float64": {
      const ops = dtype === "float32" ? f32x4 : f64x2;
      if (op === "pow" || op === "atan2") f.call(laneFunction(context, op, dtype === "float32" ? 32 : 64));
      else if (op === "mod") lanewise(f, context, op, dtype, lanes);
      else {
        invariant(
          op !== "and" && op !== "or" && op !== "xor" && op !== "shl" && op !== "shr",
          `${op} of ${dtype}`,
        );
        f.op(ops[op]);
      }
    }
  }
}

function maskBinary(op: BinaryOp): number {
  switch (op) {
    case "or":
    case "add":
    case "max":
      return v128.or;
    case "and":
    case "mul":
    case "min":
      return v128.and;
    case "xor":
    case "sub":
      return v128.xor;
    default:
      invariant(false, `${op} of bool`);
  }
}

/** Stack: x, limit. x where it is within the limit or NaN, else the limit. */
export function vectorClip(f: FunctionBuilder, op: "max" | "min", dtype: "float32" | "float64"): void {
  const ops = dtype === "float32" ? f32x4 : f64x2;
  f.op(op === "max" ? ops.pmax : ops.pmin);
}

/** A shift by one amount for all lanes. */
export function vectorShift(f: FunctionBuilder, op: "shl" | "shr"): void {
  f.op(op === "shl" ? i32x4.shl : i32x4.shrU);
}

/** Operands of `dtype`; the result is a mask. */
export function vectorCompare(f: FunctionBuilder, op: CompareOp, dtype: DType, lanes: VectorLanes): void {
  switch (dtype) {
    case "bool":
      maskCompare(f, op);
      return;
    case "int32":
      f.op(i32x4[op]);
      break;
    case "float32":
      f.op(f32x4[op]);
      break;
    case "float64":
      f.op(f64x2[op]);
      return;
  }
  if (lanes === 2) f.op(i64x2.extendLowI32S);
}

/** False < true. */
function maskCompare(f: FunctionBuilder, op: CompareOp): void {
  switch (op) {
    case "ne":
      f.op(v128.xor);
      return;
    case "eq":
      f.op(v128.xor).op(v128.not);
      return;
    case "gt":
      f.op(v128.andnot);
      return;
    case "le":
      f.op(v128.andnot).op(v128.not);
      return;
    case "lt":
    case "ge": {
      const y = f.local("v128");
      const x = f.local("v128");
      f.set(y).set(x).get(y).get(x).op(v128.andnot);
      if (op === "ge") f.op(v128.not);
      f.release(x);
      f.release(y);
    }
  }
}

/** Stack: x, y, mask. */
export function vectorSelect(f: FunctionBuilder, dtype: DType, lanes: VectorLanes): void {
  if (lanes === 2 && (dtype === "float32" || dtype === "int32")) narrow(f);
  f.op(v128.bitselect);
}

function narrow(f: FunctionBuilder): void {
  const mask = f.local("v128");
  f.tee(mask).get(mask).shuffle(narrowMask);
  f.release(mask);
}

export function vectorCast(f: FunctionBuilder, from: DType, to: DType, lanes: VectorLanes): void {
  if (from === to) return;
  if (from === "bool") {
    if (lanes === 2 && to !== "float64") narrow(f);
    vectorConstant(f, to, 1);
    f.op(v128.and);
    return;
  }
  switch (to) {
    case "bool":
      vectorConstant(f, from, 0);
      vectorCompare(f, "ne", from, lanes);
      return;
    case "int32":
      f.op(from === "float32" ? i32x4.truncSatF32 : i32x4.truncSatF64Zero);
      return;
    case "float32":
      f.op(from === "float64" ? f32x4.demoteF64Zero : f32x4.convertI32);
      return;
    case "float64":
      f.op(from === "float32" ? f64x2.promoteLowF32 : f64x2.convertLowI32);
      return;
  }
}
