/**
 * Register tiles of a matrix product: what stands in the innermost loops.
 *
 * An outer-product tile keeps rows × vectors of the result in registers, and for each k adds one number of A in all
 * lanes times vectors of B. An inner-product tile keeps rows × columns partial sums whose lanes run along k.
 * Engines on x64 hand out 15 vector registers; a tile that needs more for accumulators and loads together spills.
 */
import { bytesPerElement } from "../../../types/dtype.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { f32x4, f64x2, i32, i32x4, v128 } from "../assembler/opcodes.js";
import type { WasmFeatures } from "../features.js";
import type { DotProblem } from "./dot-problem.js";

/** Instructions for vectors of one dtype. */
export interface VectorMath {
  readonly lanes: number;
  readonly elementBytes: number;
  readonly add: number;
  readonly mul: number;
  readonly madd: number | undefined;
  readonly loadSplat: number;
  readonly storeLane: number;
}

export function vectorMath(dtype: DotProblem["dtype"], features: WasmFeatures): VectorMath {
  const elementBytes = bytesPerElement(dtype);
  if (dtype === "float64")
    return {
      lanes: 2,
      elementBytes,
      add: f64x2.add,
      mul: f64x2.mul,
      madd: features.relaxedMadd ? f64x2.relaxedMadd : undefined,
      loadSplat: v128.load64Splat,
      storeLane: v128.store64Lane,
    };
  const ops = dtype === "float32" ? f32x4 : i32x4;
  return {
    lanes: 4,
    elementBytes,
    add: ops.add,
    mul: ops.mul,
    madd: features.relaxedMadd && dtype === "float32" ? f32x4.relaxedMadd : undefined,
    loadSplat: v128.load32Splat,
    storeLane: v128.store32Lane,
  };
}

/** Where a tile's matrices start, in bytes; the tile leaves these locals as they are. */
export interface TilePointers {
  readonly a: Local;
  readonly b: Local;
  readonly out: Local;
}

export interface TileShape {
  readonly rows: number;
  /** Vectors of an outer-product tile, columns of an inner-product one. */
  readonly columns: number;
  /** Lanes of the last vector that are part of the result. */
  readonly lastLanes: number;
}

export interface TileLayout {
  readonly k: number;
  /** Bytes between rows of A, and between elements along k. */
  readonly aRow: number;
  readonly aStep: number;
  /** Bytes between elements of B along k, and between its columns. */
  readonly bStep: number;
  readonly bColumn: number;
  readonly outRow: number;
  readonly outColumn: number;
  /** Whether the tile adds to what the result holds. */
  readonly accumulate: boolean;
}

/** acc += a·b */
function multiplyAdd(f: FunctionBuilder, math: VectorMath, accumulator: Local, a: Local, b: Local): void {
  if (math.madd !== undefined) f.get(a).get(b).get(accumulator).op(math.madd);
  else f.get(accumulator).get(a).get(b).op(math.mul).op(math.add);
  f.set(accumulator);
}

/**
 * Runs `step` for `steps` steps, advancing pointers. Not unrolled: V8's older compiler moves all loads of a loop body
 * before its arithmetic, so that a longer body needs more registers than there are (measured: 48 GFLOP/s as it is, 29
 * when unrolled four times).
 */
function alongK(
  f: FunctionBuilder,
  steps: number,
  pointers: readonly { readonly local: Local; readonly bytes: number }[],
  step: () => void,
): void {
  const counter = f.local("i32");
  f.repeat(counter, 0, steps, 1, () => {
    step();
    for (const { local, bytes } of pointers) f.increase(local, bytes);
  });
  f.release(counter);
}

export function writeOuterTile(
  f: FunctionBuilder,
  math: VectorMath,
  shape: TileShape,
  layout: TileLayout,
  pointers: TilePointers,
): void {
  const { rows, columns } = shape;
  const accumulators = grid(f, rows, columns);
  const a = f.local("i32");
  const b = f.local("i32");
  f.get(pointers.a).set(a).get(pointers.b).set(b);
  for (const local of accumulators.flat()) f.vector(new Uint8Array(16)).set(local);

  // The shorter side is held in registers while the longer one streams past.
  const holdsB = columns <= rows;
  const held = Array.from({ length: Math.min(rows, columns) }, () => f.local("v128"));
  const passing = f.local("v128");
  const loadA = (row: number): FunctionBuilder => f.get(a).memory(math.loadSplat, row * layout.aRow);
  const loadB = (column: number): FunctionBuilder => f.get(b).memory(v128.load, column * 16);
  const strides = [
    { local: a, bytes: layout.aStep },
    { local: b, bytes: layout.bStep },
  ];
  alongK(f, layout.k, strides, () => {
    held.forEach((local, j) => {
      (holdsB ? loadB(j) : loadA(j)).set(local);
    });
    for (let j = 0; j < Math.max(rows, columns); j++) {
      (holdsB ? loadA(j) : loadB(j)).set(passing);
      held.forEach((local, h) => {
        if (holdsB) multiplyAdd(f, math, accumulators[j][h], passing, local);
        else multiplyAdd(f, math, accumulators[h][j], local, passing);
      });
    }
  });
  accumulators.forEach((row, i) => {
    row.forEach((value, j) => {
      const lanes = j === columns - 1 ? shape.lastLanes : math.lanes;
      const offset = i * layout.outRow + j * math.lanes * layout.outColumn;
      storeVector(f, math, pointers.out, offset, value, lanes, layout);
    });
  });
  for (const local of [...accumulators.flat(), ...held, passing, a, b]) f.release(local);
}

/** Stores the first `lanes` lanes of a vector of results. */
function storeVector(
  f: FunctionBuilder,
  math: VectorMath,
  out: Local,
  offset: number,
  value: Local,
  lanes: number,
  { outColumn, accumulate }: TileLayout,
): void {
  if (outColumn === math.elementBytes && lanes === math.lanes) {
    f.get(out).get(value);
    if (accumulate) f.get(out).memory(v128.load, offset).op(math.add);
    f.memory(v128.store, offset);
    return;
  }
  for (let lane = 0; lane < lanes; lane++) {
    const at = offset + lane * outColumn;
    f.get(out).get(value);
    // Every lane holds the old value, of which only this one is stored.
    if (accumulate) f.get(out).memory(math.loadSplat, at).op(math.add);
    f.memoryLane(math.storeLane, at, lane);
  }
}

export function writeInnerTile(
  f: FunctionBuilder,
  math: VectorMath,
  shape: TileShape,
  layout: TileLayout,
  pointers: TilePointers,
): void {
  const { rows, columns } = shape;
  const { lanes } = math;
  const accumulators = grid(f, rows, columns);
  const a = f.local("i32");
  const b = f.local("i32");
  f.get(pointers.a).set(a).get(pointers.b).set(b);
  for (const local of accumulators.flat()) f.vector(new Uint8Array(16)).set(local);

  const holdsB = columns < rows;
  const held = Array.from({ length: Math.min(rows, columns) }, () => f.local("v128"));
  const passing = f.local("v128");
  const step = (mask: Uint8Array | undefined): void => {
    const load = (pointer: Local, bytes: number, into: Local): void => {
      f.get(pointer).memory(v128.load, bytes);
      // What lies beyond the end may be anything, NaN included, so both factors are masked.
      if (mask !== undefined) f.vector(mask).op(v128.and);
      f.set(into);
    };
    held.forEach((local, j) => {
      if (holdsB) load(b, j * layout.bColumn, local);
      else load(a, j * layout.aRow, local);
    });
    for (let j = 0; j < Math.max(rows, columns); j++) {
      if (holdsB) load(a, j * layout.aRow, passing);
      else load(b, j * layout.bColumn, passing);
      held.forEach((local, h) => {
        multiplyAdd(f, math, holdsB ? accumulators[j][h] : accumulators[h][j], passing, local);
      });
    }
  };
  const whole = Math.floor(layout.k / lanes);
  const strides = [a, b].map((local) => ({ local, bytes: 16 }));
  alongK(f, whole, strides, () => {
    step(undefined);
  });
  const rest = layout.k % lanes;
  if (rest > 0) {
    const mask = new Uint8Array(16).fill(255, 0, rest * math.elementBytes);
    step(mask);
  }
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column += lanes) {
      const group = accumulators[row].slice(column, column + lanes);
      sumLanes(f, math, group, passing);
      const offset = row * layout.outRow + column * layout.outColumn;
      storeVector(f, math, pointers.out, offset, passing, group.length, layout);
    }
  for (const local of [...accumulators.flat(), ...held, passing, a, b]) f.release(local);
}

/** Lane i of `into` becomes the sum of the lanes of `vectors[i]`: a transposition whose rows are added. */
function sumLanes(f: FunctionBuilder, math: VectorMath, vectors: readonly Local[], into: Local): void {
  const at = (i: number): Local => vectors[Math.min(i, vectors.length - 1)];
  const pick = (elements: readonly number[]): number[] =>
    elements.flatMap((element) =>
      Array.from({ length: math.elementBytes }, (_, byte) => element * math.elementBytes + byte),
    );
  /** Of x and y, the even places plus the odd ones: pairs are summed, those of x first. */
  const pairs = (pushX: () => void, pushY: () => void): void => {
    const x = f.local("v128");
    const y = f.local("v128");
    pushX();
    f.set(x);
    pushY();
    f.set(y);
    const even = math.lanes === 4 ? [0, 2, 4, 6] : [0, 2];
    f.get(x).get(y).shuffle(pick(even));
    f.get(x)
      .get(y)
      .shuffle(pick(even.map((element) => element + 1)));
    f.op(math.add);
    f.release(x);
    f.release(y);
  };
  const two = (i: number): void =>
    pairs(
      () => f.get(at(i)),
      () => f.get(at(i + 1)),
    );
  if (math.lanes === 2) two(0);
  else if (vectors.length <= 2)
    pairs(
      () => two(0),
      () => two(0),
    );
  else
    pairs(
      () => two(0),
      () => two(2),
    );
  f.set(into);
}

function grid(f: FunctionBuilder, rows: number, columns: number): Local[][] {
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => f.local("v128")));
}

/** start + constant, in a new local. */
export function pointerTo(f: FunctionBuilder, start: Local, constant: number): Local {
  const local = f.local("i32");
  f.get(start);
  if (constant !== 0) f.i32(constant).op(i32.add);
  f.set(local);
  return local;
}
