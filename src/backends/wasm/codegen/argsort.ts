/**
 * Positions in ascending order: a bottom-up merge sort of positions, stable, n·log₂ n comparisons.
 *
 * Known weakness: keys are read through their positions, so rows larger than the cache are slow.
 */

import type { ArgsortKernel } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { control, f32, f64, i32 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { scalarCompare, scalarLoad, scalarType } from "./scalar-ops.js";

export function writeArgsort(f: FunctionBuilder, context: ProgramContext, kernel: ArgsortKernel): void {
  const { dtype, rows, length } = kernel;
  if (rows * length === 0) return;
  const rowBytes = length * bytesPerElement(dtype);
  const input = context.base(kernel.input);
  const output = context.base(kernel.output);
  const scratch = context.base(context.scratch("int32", length, length * 4));
  const local = (): Local => f.local("i32");
  const [row, keys, result, from, to, width, low] = [
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
    local(),
  ];
  const [middle, high, left, right, next] = [local(), local(), local(), local(), local()];

  const pushScratch = (): FunctionBuilder => f.get(scratch.local).i32(scratch.address).op(i32.add);
  f.get(input.local).i32(input.address).op(i32.add).set(keys);
  f.get(output.local).i32(output.address).op(i32.add).set(result);
  // Passes go back and forth between result and scratch memory; the last must end in the result.
  const passes = Math.ceil(Math.log2(length));
  f.repeat(row, 0, rows, 1, () => {
    if (passes % 2 === 0) {
      f.get(result).set(from);
      pushScratch().set(to);
    } else {
      f.get(result).set(to);
      pushScratch().set(from);
    }
    f.repeat(next, 0, length, 1, () => {
      element(f, from, next);
      f.get(next).memory(i32.store, 0);
    });
    f.i32(1).set(width);
    if (length > 1)
      f.loop(() => {
        f.i32(0).set(low);
        f.loop(() => {
          smaller(f, () => f.get(low).get(width).op(i32.add), length, middle);
          smaller(f, () => f.get(low).get(width).i32(1).op(i32.shl).op(i32.add), length, high);
          f.get(low).set(left).get(middle).set(right).get(low).set(next);
          f.loop(() => {
            element(f, to, next);
            pushTakesRight(f, kernel, { from, keys, left, middle, right, high });
            f.if(
              "i32",
              () => {
                element(f, from, right);
                f.memory(i32.load, 0).increase(right, 1);
              },
              () => {
                element(f, from, left);
                f.memory(i32.load, 0).increase(left, 1);
              },
            );
            f.memory(i32.store, 0);
            f.increase(next, 1).get(next).get(high).op(i32.lt).branchIf(0);
          });
          f.get(high).tee(low).i32(length).op(i32.lt).branchIf(0);
        });
        // `next` is free between merges.
        f.get(from).set(next).get(to).set(from).get(next).set(to);
        f.get(width).i32(1).op(i32.shl).tee(width).i32(length).op(i32.lt).branchIf(0);
      });
    f.increase(keys, rowBytes).increase(result, length * 4);
  });
}

/** The address of an int32 element. */
function element(f: FunctionBuilder, start: Local, index: Local): void {
  f.get(start).get(index).i32(2).op(i32.shl).op(i32.add);
}

/** min(x, limit) */
function smaller(f: FunctionBuilder, push: () => void, limit: number, into: Local): void {
  push();
  f.tee(into).i32(limit).get(into).i32(limit).op(i32.lt).op(control.select).set(into);
}

interface Merge {
  readonly from: Local;
  readonly keys: Local;
  readonly left: Local;
  readonly middle: Local;
  readonly right: Local;
  readonly high: Local;
}

/** Whether the right run goes next: it has elements, and the left has none or one that is strictly larger. */
function pushTakesRight(f: FunctionBuilder, { dtype }: ArgsortKernel, merge: Merge): void {
  const { from, keys, left, middle, right, high } = merge;
  const x = f.local(scalarType(dtype));
  const y = f.local(scalarType(dtype));
  const loadKey = (index: Local, into: Local): void => {
    f.get(keys);
    element(f, from, index);
    f.memory(i32.load, 0).i32(bytesPerElement(dtype)).op(i32.mul).op(i32.add);
    scalarLoad(f, dtype, 0);
    f.set(into);
  };
  f.get(left).get(middle).op(i32.ge);
  f.if(
    "i32",
    () => f.i32(1),
    () => {
      f.get(right).get(high).op(i32.ge);
      f.if(
        "i32",
        () => f.i32(0),
        () => {
          loadKey(right, x);
          loadKey(left, y);
          f.get(x).get(y);
          scalarCompare(f, "lt", dtype);
          if (dtype === "float32" || dtype === "float64") {
            const { eq, ne } = dtype === "float32" ? f32 : f64;
            // NaN comes after every number.
            f.get(x).get(x).op(eq).get(y).get(y).op(ne).op(i32.and).op(i32.or);
          }
        },
      );
    },
  );
  f.release(x);
  f.release(y);
}
