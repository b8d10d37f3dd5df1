/**
 * Running sums, one row after the other. float32 adds up in double precision, since every later element
 * inherits the error of the earlier ones; the other dtypes add up in their own.
 */

import type { CumsumKernel } from "../../../loops/ir.js";
import { bytesPerElement } from "../../../types/dtype.js";
import type { FunctionBuilder } from "../assembler/function.js";
import { f32, f64, i32 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { scalarBinary, scalarConstant, scalarLoad, scalarStore, scalarType } from "./scalar-ops.js";

export function writeCumsum(f: FunctionBuilder, context: ProgramContext, kernel: CumsumKernel): void {
  const { dtype, rows, length, inner, reverse } = kernel;
  if (rows * length * inner === 0) return;
  const bytes = bytesPerElement(dtype);
  const wide = dtype === "float32" ? "float64" : dtype;
  const input = context.base(kernel.input);
  const output = context.base(kernel.output);
  const [row, column, step, total] = [
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local(scalarType(wide)),
  ];
  // Distance in bytes from the start of either buffer.
  const offset = f.local("i32");
  f.i32(reverse ? (length - 1) * inner * bytes : 0).set(offset);
  const stride = (reverse ? -1 : 1) * inner * bytes;
  f.repeat(row, 0, rows, 1, () => {
    f.repeat(column, 0, inner, 1, () => {
      scalarConstant(f, wide, 0);
      f.set(total);
      f.repeat(step, 0, length, 1, () => {
        f.get(output.local).get(offset).op(i32.add);
        f.get(total).get(input.local).get(offset).op(i32.add);
        scalarLoad(f, dtype, input.address);
        if (wide !== dtype) f.op(f64.promote);
        scalarBinary(f, context, "add", wide);
        f.tee(total);
        if (wide !== dtype) f.op(f32.demote);
        scalarStore(f, dtype, output.address);
        f.increase(offset, stride);
      });
      f.increase(offset, bytes - length * stride);
    });
    f.increase(offset, (length - 1) * inner * bytes);
  });
}
