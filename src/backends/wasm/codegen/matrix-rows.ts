/**
 * Rows of matrices whose extents are known while they run, as functions: divided, exchanged, copied; and the few forms of address
 * arithmetic that all of them share.
 */
import { bytesPerElement } from "../../../types/dtype.js";
import { range } from "../../../types/shape.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, f32, f32x4, f64, f64x2, i32, type ValueType, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { type VectorMath, vectorMath } from "./dot-tile.js";

export type FloatName = "float32" | "float64";

/** Instructions and sizes of one element type. */
export interface Floats {
  readonly type: "f32" | "f64";
  readonly bytes: number;
  readonly scalar: typeof f32 | typeof f64;
  readonly vector: typeof f32x4 | typeof f64x2;
  readonly math: VectorMath;
}

export function floatsOf(dtype: FloatName, context: ProgramContext): Floats {
  const narrow = dtype === "float32";
  return {
    type: narrow ? "f32" : "f64",
    bytes: bytesPerElement(dtype),
    scalar: narrow ? f32 : f64,
    vector: narrow ? f32x4 : f64x2,
    math: vectorMath(dtype, context.features),
  };
}

export const integers = (count: number): ValueType[] => range(count).map(() => "i32");

/** Runs `body` while `pushHolds` leaves something other than 0. */
export function loopWhile(f: FunctionBuilder, pushHolds: () => void, body: () => void): void {
  f.block(() => {
    f.loop(() => {
      pushHolds();
      f.op(i32.eqz).branchIf(1);
      body();
      f.branch(0);
    });
  });
}

/** sum = x + y · times */
export function setSum(f: FunctionBuilder, sum: Local, x: Local, y: Local, times = 1): void {
  f.get(x).get(y);
  if (times !== 1) f.i32(times).op(i32.mul);
  f.op(i32.add).set(sum);
}

/** at = start + stride · number */
export function setPlace(f: FunctionBuilder, at: Local, start: Local, stride: Local, number: Local): void {
  f.get(start).get(stride).get(number).op(i32.mul).op(i32.add).set(at);
}

/** min(x, limit) */
export function setSmaller(f: FunctionBuilder, result: Local, x: Local, limit: number): void {
  f.get(x).i32(limit).get(x).i32(limit).op(i32.lt).op(control.select).set(result);
}

/** (x, rowBytes, divisor): a row divided by a number. */
export function divideRow(context: ProgramContext, dtype: FloatName): number {
  const { type, scalar, vector, bytes } = floatsOf(dtype, context);
  return context.helper(`divideRow ${dtype}`, ["i32", "i32", type], [], (f) => {
    const [x, left, divisor] = [0, 1, 2];
    const quotients = f.local("v128");
    f.get(divisor).op(vector.splat).set(quotients);
    alongRow(f, left, bytes, (isVector, step) => {
      f.get(x).get(x);
      if (isVector) f.memory(v128.load, 0).get(quotients).op(vector.div).memory(v128.store, 0);
      else f.memory(scalar.load, 0).get(divisor).op(scalar.div).memory(scalar.store, 0);
      f.increase(x, step);
    });
  });
}

/** (x, y, rowBytes): two rows exchanged. */
export function exchangeRows(context: ProgramContext, dtype: FloatName): number {
  const { type, scalar, bytes } = floatsOf(dtype, context);
  return context.helper(`exchangeRows ${dtype}`, integers(3), [], (f) => {
    const [x, y, left] = [0, 1, 2];
    const [heldVector, held] = [f.local("v128"), f.local(type)];
    alongRow(f, left, bytes, (isVector, step) => {
      const [load, store, local] = isVector
        ? [v128.load, v128.store, heldVector]
        : [scalar.load, scalar.store, held];
      f.get(x).memory(load, 0).set(local);
      f.get(x).get(y).memory(load, 0).memory(store, 0);
      f.get(y).get(local).memory(store, 0);
      f.increase(x, step).increase(y, step);
    });
  });
}

/** (to, from, bytes): elements copied. */
export function copyElements(context: ProgramContext, dtype: FloatName): number {
  const { scalar, bytes } = floatsOf(dtype, context);
  return context.helper(`copyElements ${dtype}`, integers(3), [], (f) => {
    const [to, from, left] = [0, 1, 2];
    alongRow(f, left, bytes, (isVector, step) => {
      f.get(to).get(from);
      if (isVector) f.memory(v128.load, 0).memory(v128.store, 0);
      else f.memory(scalar.load, 0).memory(scalar.store, 0);
      f.increase(to, step).increase(from, step);
    });
  });
}

/** Whole vectors, then what is left one element at a time; `left` counts bytes. */
function alongRow(
  f: FunctionBuilder,
  left: Local,
  elementBytes: number,
  body: (isVector: boolean, step: number) => void,
): void {
  for (const step of [16, elementBytes])
    loopWhile(
      f,
      () => f.get(left).i32(step).op(i32.ge),
      () => {
        body(step === 16, step);
        f.increase(left, -step);
      },
    );
}
