/**
 * Accumulators of reductions. Lanes along an output loop each finish their own sum; lanes along a reduced loop are
 * partial sums, which meet in one scalar when the reduced loops are done.
 *
 * A long float32 sum is cut: partial sums move into compensated totals every so many steps, so that the error depends on
 * that number and not on the length of the sum.
 */

import type { Reduction } from "../../../loops/ir.js";
import type { DType } from "../../../types/dtype.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, f32, f32x4, f64, f64x2, i32, i32x4, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { splatInteger } from "./lanes.js";
import { scalarBinary, scalarCompare, scalarConstant, scalarType } from "./scalar-ops.js";
import { extractLane, type VectorLanes, vectorConstant } from "./vector-lanes.js";
import { vectorBinary, vectorCompare, vectorSelect } from "./vector-ops.js";

export interface Accumulator {
  readonly reduction: Reduction;
  /** Vectors, one for each copy; none in a scalar nest. */
  readonly vectors: Local[];
  readonly scalar: Local | undefined;
  /** For argmax: where the largest was found, as `vectors` and `scalar`. */
  readonly vectorPositions: Local[];
  readonly scalarPosition: Local | undefined;
  /** For each vector and the scalar, where it is added to now and then; none for short sums. */
  readonly totals: Totals | undefined;
}

export interface Total {
  readonly type: "f32" | "v128";
  readonly sum: Local;
  /** What the sum holds too much, by rounding. */
  readonly lost: Local;
}

export interface Totals {
  readonly vectors: readonly Total[];
  readonly scalar: Total | undefined;
}

/** The value that changes nothing. */
function identity(op: Reduction["op"], dtype: DType): number {
  if (op === "sum" || dtype === "bool") return 0;
  return dtype === "int32" ? -(2 ** 31) : Number.NEGATIVE_INFINITY;
}

export function initialise(f: FunctionBuilder, { reduction, ...locals }: Accumulator): void {
  const { dtype } = reduction.value;
  const start = identity(reduction.op, dtype);
  for (const local of locals.vectors) {
    vectorConstant(f, dtype, start);
    f.set(local);
  }
  for (const local of locals.vectorPositions) f.vector(splatInteger(32, 0)).set(local);
  if (locals.scalar !== undefined) {
    scalarConstant(f, dtype, start);
    f.set(locals.scalar);
  }
  const { totals } = locals;
  for (const total of [...(totals?.vectors ?? []), totals?.scalar])
    for (const local of total === undefined ? [] : [total.sum, total.lost]) {
      pushZero(f, total?.type ?? "f32");
      f.set(local);
    }
  if (locals.scalarPosition !== undefined) f.i32(0).set(locals.scalarPosition);
}

/** total += partial with what rounding lost kept in `lost` (Kahan 1965); the partial sum starts again at 0. */
function flushOne(f: FunctionBuilder, ops: typeof f32 | typeof f32x4, partial: Local, total: Total): void {
  const { sum, lost, type } = total;
  const before = f.local(type);
  f.get(partial).get(lost).op(ops.sub).set(partial);
  f.get(sum).tee(before).get(partial).op(ops.add).tee(sum).get(before).op(ops.sub);
  f.get(partial).op(ops.sub).set(lost);
  pushZero(f, type);
  f.set(partial);
  f.release(before);
}

function pushZero(f: FunctionBuilder, type: Total["type"]): void {
  if (type === "f32") f.f32(0);
  else f.vector(splatInteger(32, 0));
}

/** Moves partial sums of float32 into their totals. */
export function flush(f: FunctionBuilder, { vectors, scalar, totals }: Accumulator): void {
  totals?.vectors.forEach((total, copy) => {
    flushOne(f, f32x4, vectors[copy], total);
  });
  if (totals?.scalar !== undefined && scalar !== undefined) flushOne(f, f32, scalar, totals.scalar);
}

/** Adds the totals to what partial sums hold since the last flush. */
export function settle(f: FunctionBuilder, { vectors, scalar, totals }: Accumulator): void {
  totals?.vectors.forEach(({ sum, lost }, copy) => {
    f.get(sum).get(vectors[copy]).get(lost).op(f32x4.sub).op(f32x4.add).set(vectors[copy]);
  });
  if (totals?.scalar === undefined || scalar === undefined) return;
  const { sum, lost } = totals.scalar;
  f.get(sum).get(scalar).get(lost).op(f32.sub).op(f32.add).set(scalar);
}

/** Takes in the scalar on the stack; `position` is its flat index. */
export function takeScalar(
  f: FunctionBuilder,
  context: ProgramContext,
  { reduction, scalar, scalarPosition }: Accumulator,
  position: Local | undefined,
): void {
  if (scalar === undefined) return;
  const { dtype } = reduction.value;
  if (scalarPosition === undefined || position === undefined) {
    f.get(scalar);
    scalarBinary(f, context, reduction.op === "sum" ? "add" : "max", dtype);
    f.set(scalar);
    return;
  }
  const value = f.local(scalarType(dtype));
  const better = f.local("i32");
  f.tee(value).get(scalar);
  scalarCompare(f, "gt", dtype);
  if (dtype === "float32" || dtype === "float64") {
    // The first NaN is larger than anything before it.
    const { ne, eq } = dtype === "float32" ? f32 : f64;
    f.get(value).get(value).op(ne).get(scalar).get(scalar).op(eq).op(i32.and).op(i32.or);
  }
  f.set(better);
  f.get(value).get(scalar).get(better).op(control.select).set(scalar);
  f.get(position).get(scalarPosition).get(better).op(control.select).set(scalarPosition);
  f.release(value);
  f.release(better);
}

/**
 * `best` = the larger of it and the floats on the stack, NaN where either is. pmax keeps a NaN of its first operand and none of
 * its second, of which the comparison makes a NaN of all bits: three instructions where f32x4.max becomes eight (row maxima of
 * 1000 × 1000 float32: 270 → 70 µs).
 */
function vectorLargest(f: FunctionBuilder, dtype: "float32" | "float64", best: Local): void {
  const ops = dtype === "float64" ? f64x2 : f32x4;
  const value = f.local("v128");
  f.set(value).get(best).get(value).op(ops.pmax);
  f.get(value).get(value).op(ops.ne).op(v128.or).set(best);
  f.release(value);
}

/** Takes in the vector on the stack. */
export function takeVector(
  f: FunctionBuilder,
  context: ProgramContext,
  { reduction, vectors, vectorPositions }: Accumulator,
  copy: number,
  lanes: VectorLanes,
  position: Local | undefined,
): void {
  const { dtype } = reduction.value;
  const best = vectors[copy];
  if (reduction.op === "max" && (dtype === "float32" || dtype === "float64")) {
    vectorLargest(f, dtype, best);
    return;
  }
  if (vectorPositions.length === 0 || position === undefined) {
    f.get(best);
    vectorBinary(f, context, reduction.op === "sum" ? "add" : "max", dtype, lanes);
    f.set(best);
    return;
  }
  const value = f.local("v128");
  const better = f.local("v128");
  f.tee(value).get(best);
  vectorCompare(f, "gt", dtype, lanes);
  if (dtype === "float32" || dtype === "float64") {
    f.get(value).get(value);
    vectorCompare(f, "ne", dtype, lanes);
    f.get(best).get(best);
    vectorCompare(f, "eq", dtype, lanes);
    f.op(v128.and).op(v128.or);
  }
  f.set(better);
  f.get(value).get(best).get(better);
  vectorSelect(f, dtype, lanes);
  f.set(best);
  f.get(position).op(i32x4.splat).get(vectorPositions[copy]).get(better);
  vectorSelect(f, "int32", lanes);
  f.set(vectorPositions[copy]);
  f.release(value);
  f.release(better);
}

/** Of the vector on the stack, keeps the first `valid` lanes and puts what changes nothing in the others. */
export function maskLanes(
  f: FunctionBuilder,
  { reduction }: Accumulator,
  lanes: VectorLanes,
  valid: number,
): void {
  const { dtype } = reduction.value;
  const laneBytes = dtype === "float64" ? 8 : dtype === "bool" ? 16 / lanes : 4;
  vectorConstant(f, dtype, identity(reduction.op, dtype));
  f.vector(new Uint8Array(16).fill(255, 0, valid * laneBytes)).op(v128.bitselect);
}

/** Brings the partial results in all lanes and copies together in one scalar local, `into`. */
export function combineLanes(
  f: FunctionBuilder,
  context: ProgramContext,
  { reduction, vectors, scalar }: Accumulator,
  lanes: VectorLanes,
  into: Local,
): void {
  const { dtype } = reduction.value;
  const op = reduction.op === "sum" ? "add" : "max";
  // Pairwise, so that the last steps do not wait for each other.
  for (let distance = 1; distance < vectors.length; distance *= 2)
    for (let i = 0; i + distance < vectors.length; i += 2 * distance) {
      f.get(vectors[i]).get(vectors[i + distance]);
      vectorBinary(f, context, op, dtype, lanes);
      f.set(vectors[i]);
    }
  const lane = (i: number): void => {
    f.get(vectors[0]);
    extractLane(f, dtype, lanes, i);
  };
  for (let i = 0; i < lanes; i += 2) {
    lane(i);
    lane(i + 1);
    scalarBinary(f, context, op, dtype);
  }
  if (lanes === 4) scalarBinary(f, context, op, dtype);
  if (scalar !== undefined) {
    f.get(scalar);
    scalarBinary(f, context, op, dtype);
  }
  f.set(into);
}
