/** Loads and stores of vectors: contiguous ones in one instruction, others lane by lane. */
import type { FunctionBuilder } from "../assembler/function.js";
import { i16x8, i32, i32x4, i64x2, v128 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import type { Access, PointerTable } from "./pointers.js";
import { type VectorLanes, vectorConstant } from "./vector-lanes.js";
import { vectorBinary } from "./vector-ops.js";

export interface VectorAccess {
  readonly lanes: VectorLanes;
  /** Lanes that count: others are loaded only where that costs nothing, and never stored. */
  readonly valid: number;
  /** Which of the vectors in flight. */
  readonly copy: number;
  /** Bytes between lanes. */
  readonly along: number;
  /** Whether lanes have indices of their own, even at distance 0. */
  readonly perLane: boolean;
  readonly pushAt: ((lane: number) => unknown) | undefined;
}

export function pushVectorLoad(
  f: FunctionBuilder,
  pointers: PointerTable,
  access: Access,
  { lanes, valid, copy, along, perLane, pushAt }: VectorAccess,
): void {
  const { dtype, elementBytes } = access;
  const start = copy * lanes * along;
  if (!perLane && along === elementBytes) {
    const offset = pointers.push(access, start, pushAt && (() => pushAt(0)));
    if (dtype === "bool") loadMask(f, lanes, offset);
    else f.memory(lanes * elementBytes === 16 ? v128.load : v128.load64Zero, offset);
    return;
  }
  const address = (wanted: number): number => {
    const lane = Math.min(wanted, valid - 1);
    return pointers.push(access, start + lane * along, pushAt && (() => pushAt(lane)));
  };
  if (dtype === "bool") {
    // Two lanes of 64 bits are written as their two halves of 32.
    const width = lanes === 2 ? 2 : 1;
    f.memory(i32.load8u, address(0)).i32(-1).op(i32.mul).op(i32x4.splat);
    const byte = f.local("i32");
    for (let lane = 1; lane < lanes; lane++) {
      f.memory(i32.load8u, address(lane)).i32(-1).op(i32.mul).set(byte);
      for (let half = 0; half < width; half++) f.get(byte).lane(i32x4.replaceLane, lane * width + half);
    }
    f.release(byte);
    return;
  }
  // Addresses lie under the vector they load into, so they are pushed last lane first.
  const offsets: number[] = [];
  for (let lane = lanes - 1; lane >= 0; lane--) offsets[lane] = address(lane);
  const double = elementBytes === 8;
  f.memory(double ? v128.load64Zero : v128.load32Zero, offsets[0]);
  for (let lane = 1; lane < lanes; lane++)
    f.memoryLane(double ? v128.load64Lane : v128.load32Lane, offsets[lane], lane);
}

/** Bytes of 0 or 1 to masks. */
function loadMask(f: FunctionBuilder, lanes: VectorLanes, offset: number): void {
  f.memory(lanes === 4 ? v128.load32Zero : v128.load16Splat, offset);
  f.op(i16x8.extendLowI8U).op(i32x4.extendLowI16U);
  if (lanes === 4) f.op(i32x4.neg);
  else f.op(i64x2.extendLowI32U).op(i64x2.neg);
}

/** Stores the vector in the local `value`, or adds it to what is there. */
export function vectorStore(
  f: FunctionBuilder,
  context: ProgramContext,
  pointers: PointerTable,
  access: Access,
  where: VectorAccess,
  value: number,
  accumulate: boolean,
): void {
  const { dtype, elementBytes } = access;
  const { lanes, valid, copy, along, pushAt } = where;
  const start = copy * lanes * along;
  const pushValue = (): void => {
    if (accumulate) {
      pushVectorLoad(f, pointers, access, where);
      f.get(value);
      vectorBinary(f, context, "add", dtype, lanes);
    } else f.get(value);
    if (dtype !== "bool") return;
    vectorConstant(f, "int32", 1);
    f.op(v128.and);
  };
  if (along === elementBytes && valid === lanes) {
    const offset = pointers.push(access, start, pushAt && (() => pushAt(0)));
    pushValue();
    if (dtype === "bool") storeMask(f, lanes, offset);
    else if (lanes * elementBytes === 16) f.memory(v128.store, offset);
    else f.memoryLane(v128.store64Lane, offset, 0);
    return;
  }
  const kept = f.local("v128");
  pushValue();
  f.set(kept);
  const code = { 1: v128.store8Lane, 4: v128.store32Lane, 8: v128.store64Lane }[elementBytes];
  const bytesPerLane = 16 / (dtype === "float64" ? 2 : dtype === "bool" ? lanes : 4);
  for (let lane = 0; lane < valid; lane++) {
    const offset = pointers.push(access, start + lane * along, pushAt && (() => pushAt(lane)));
    f.get(kept).memoryLane(code ?? v128.store32Lane, offset, (lane * bytesPerLane) / elementBytes);
  }
  f.release(kept);
}

/** The lowest byte of every lane, side by side. */
function storeMask(f: FunctionBuilder, lanes: VectorLanes, offset: number): void {
  const mask = f.local("v128");
  const step = 16 / lanes;
  f.tee(mask)
    .get(mask)
    .shuffle(Array.from({ length: 16 }, (_, i) => (i < lanes ? i * step : 0)));
  f.memoryLane(lanes === 4 ? v128.store32Lane : v128.store16Lane, offset, 0);
  f.release(mask);
}
