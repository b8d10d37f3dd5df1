/**
 * Scalar operations as WebAssembly instructions: operands are on the stack, so is the result. bool is an i32 of 0 or 1.
 *
 * Transcendental functions run the vector function on one lane, so that a tail has the same bits as the vector part.
 */

import type { BinaryOp, CompareOp, UnaryOp } from "../../../loops/ir.js";
import type { DType } from "../../../types/dtype.js";
import { invariant, unreachable } from "../../../util/errors.js";
import type { FunctionBuilder } from "../assembler/function.js";
import { control, f32, f32x4, f64, f64x2, i32, type ValueType } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { integerDivide, integerModulo, integerPower, remainder } from "./helpers.js";
import { isLaneFunction, laneFunction } from "./lane-functions.js";

/** What a scalar of this dtype is on the stack. */
export function scalarType(dtype: DType): "i32" | "f32" | "f64" {
  switch (dtype) {
    case "bool":
    case "int32":
      return "i32";
    case "float32":
      return "f32";
    case "float64":
      return "f64";
  }
}

/** The dtype whose scalar instructions these are. */
function floatOps(dtype: "float32" | "float64"): typeof f32 | typeof f64 {
  return dtype === "float32" ? f32 : f64;
}

export function scalarConstant(f: FunctionBuilder, dtype: DType, value: number): void {
  switch (dtype) {
    case "bool":
      f.i32(value === 0 ? 0 : 1);
      return;
    case "int32":
      f.i32(value);
      return;
    case "float32":
      f.f32(value);
      return;
    case "float64":
      f.f64(value);
      return;
  }
}

export function scalarLoad(f: FunctionBuilder, dtype: DType, offset: number): void {
  const codes = { bool: i32.load8u, int32: i32.load, float32: f32.load, float64: f64.load } as const;
  f.memory(codes[dtype], offset);
}

export function scalarStore(f: FunctionBuilder, dtype: DType, offset: number): void {
  const codes = { bool: i32.store8, int32: i32.store, float32: f32.store, float64: f64.store } as const;
  f.memory(codes[dtype], offset);
}

export function scalarUnary(f: FunctionBuilder, context: ProgramContext, op: UnaryOp, dtype: DType): void {
  if (dtype === "bool") {
    // 0 and 1 are their own sign, magnitude and rounding.
    if (op === "not") f.op(i32.eqz);
    else invariant(isIdentityOnIntegers(op) || op === "abs" || op === "sign", `${op} of bool`);
  } else if (dtype === "int32") integerUnary(f, op);
  else floatUnary(f, context, op, dtype);
}

function isIdentityOnIntegers(op: UnaryOp): boolean {
  return op === "floor" || op === "ceil" || op === "round";
}

function integerUnary(f: FunctionBuilder, op: UnaryOp): void {
  switch (op) {
    case "neg":
      f.i32(-1).op(i32.mul);
      return;
    case "not":
      f.i32(-1).op(i32.xor);
      return;
    case "abs":
      withCopy(f, "i32", (x) =>
        f.get(x).i32(31).op(i32.shr).op(i32.xor).get(x).i32(31).op(i32.shr).op(i32.sub),
      );
      return;
    case "sign":
      withCopy(f, "i32", (x) => f.i32(0).op(i32.gt).get(x).i32(0).op(i32.lt).op(i32.sub));
      return;
    default:
      invariant(isIdentityOnIntegers(op), `${op} of int32`);
  }
}

function floatUnary(
  f: FunctionBuilder,
  context: ProgramContext,
  op: UnaryOp,
  dtype: "float32" | "float64",
): void {
  const ops = floatOps(dtype);
  if (isLaneFunction(op)) {
    const vector = dtype === "float32" ? f32x4 : f64x2;
    f.op(vector.splat)
      .call(laneFunction(context, op, dtype === "float32" ? 32 : 64))
      .lane(vector.extractLane, 0);
    return;
  }
  switch (op) {
    case "neg":
    case "abs":
    case "sqrt":
    case "floor":
    case "ceil":
      f.op(ops[op]);
      return;
    case "round":
      f.op(ops.nearest);
      return;
    case "sign":
      // ±1 with the sign of x where |x| > 0; else x itself: ±0 or NaN.
      withCopy(f, scalarType(dtype), (x) => {
        f.set(x);
        scalarConstant(f, dtype, 1);
        f.get(x).op(ops.copysign).get(x).get(x).op(ops.abs);
        scalarConstant(f, dtype, 0);
        f.op(ops.gt).op(control.select);
      });
      return;
    case "not":
      invariant(false, `not of ${dtype}`);
      return;
    default:
      unreachable(op);
  }
}

/** Keeps a copy of the top of the stack in a local while `body` is written. */
function withCopy(f: FunctionBuilder, type: ValueType, body: (copy: number) => void): void {
  const copy = f.local(type);
  f.tee(copy);
  body(copy);
  f.release(copy);
}

export function scalarBinary(f: FunctionBuilder, context: ProgramContext, op: BinaryOp, dtype: DType): void {
  if (dtype === "bool") f.op(booleanBinary(op));
  else if (dtype === "int32") integerBinary(f, context, op);
  else floatBinary(f, context, op, dtype);
}

/** On 0 and 1: + and max are or, · and min are and. */
function booleanBinary(op: BinaryOp): number {
  switch (op) {
    case "or":
    case "add":
    case "max":
      return i32.or;
    case "and":
    case "mul":
    case "min":
      return i32.and;
    case "xor":
    case "sub":
      return i32.xor;
    default:
      invariant(false, `${op} of bool`);
  }
}

function integerBinary(f: FunctionBuilder, context: ProgramContext, op: BinaryOp): void {
  switch (op) {
    case "add":
    case "sub":
    case "mul":
    case "and":
    case "or":
    case "xor":
    case "shl":
      f.op(i32[op]);
      return;
    case "shr":
      f.op(i32.shrU);
      return;
    case "div":
      f.call(integerDivide(context));
      return;
    case "mod":
      f.call(integerModulo(context));
      return;
    case "pow":
      f.call(integerPower(context));
      return;
    case "max":
    case "min": {
      const y = f.local("i32");
      f.set(y);
      withCopy(f, "i32", (x) => {
        f.get(y)
          .get(x)
          .get(y)
          .op(op === "max" ? i32.gt : i32.lt)
          .op(control.select);
      });
      f.release(y);
      return;
    }
    case "atan2":
      invariant(false, "atan2 of int32");
      return;
    default:
      unreachable(op);
  }
}

function floatBinary(
  f: FunctionBuilder,
  context: ProgramContext,
  op: BinaryOp,
  dtype: "float32" | "float64",
): void {
  switch (op) {
    case "add":
    case "sub":
    case "mul":
    case "div":
    case "max":
    case "min":
      f.op(floatOps(dtype)[op]);
      return;
    case "mod":
      f.call(remainder(context, dtype));
      return;
    case "pow":
    case "atan2": {
      const vector = dtype === "float32" ? f32x4 : f64x2;
      const y = f.local(scalarType(dtype));
      f.set(y).op(vector.splat).get(y).op(vector.splat);
      f.call(laneFunction(context, op, dtype === "float32" ? 32 : 64)).lane(vector.extractLane, 0);
      f.release(y);
      return;
    }
    default:
      invariant(false, `${op} of ${dtype}`);
  }
}

/** Stack: limit, x. x where it is within the limit or NaN, else the limit. */
export function scalarClip(f: FunctionBuilder, op: "max" | "min", dtype: "float32" | "float64"): void {
  const ops = floatOps(dtype);
  const x = f.local(scalarType(dtype));
  const limit = f.local(scalarType(dtype));
  f.set(x).tee(limit).get(x).get(limit).get(x);
  f.op(op === "max" ? ops.gt : ops.lt).op(control.select);
  f.release(x);
  f.release(limit);
}

/** Operands of `dtype`; the result is 0 or 1. */
export function scalarCompare(f: FunctionBuilder, op: CompareOp, dtype: DType): void {
  switch (dtype) {
    case "bool":
    case "int32":
      f.op(i32[op]);
      return;
    case "float32":
      f.op(f32[op]);
      return;
    case "float64":
      f.op(f64[op]);
      return;
  }
}

export function scalarCast(f: FunctionBuilder, from: DType, to: DType): void {
  if (from === to) return;
  switch (to) {
    case "bool":
      if (from === "int32") f.i32(0).op(i32.ne);
      else if (from === "float32") f.f32(0).op(f32.ne);
      else f.f64(0).op(f64.ne);
      return;
    case "int32":
      if (from === "float32") f.op(i32.truncSatF32);
      else if (from === "float64") f.op(i32.truncSatF64);
      return;
    case "float32":
      f.op(from === "float64" ? f32.demote : f32.convertI32);
      return;
    case "float64":
      f.op(from === "float32" ? f64.promote : f64.convertI32);
      return;
  }
}
