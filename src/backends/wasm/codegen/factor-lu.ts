/**
 * L and U with partial pivoting, in blocks of rows: a panel of columns is eliminated column by column, and the rest brought up to
 * date by one product of matrices.
 *
 * Source: Golub and Van Loan, Matrix Computations (4th ed.), 3.4.7.
 */
import { range } from "../../../types/shape.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { blockRows, forwardSubstitute, subtractProduct } from "./matrix-blocks.js";
import {
  exchangeRows,
  type FloatName,
  floatsOf,
  integers,
  loopWhile,
  setPlace,
  setSum,
} from "./matrix-rows.js";

/** (m, n): the last argument and what follows from it, as locals: bytes of a row, and from one element of the diagonal to the next. */
export function strides(f: FunctionBuilder, n: Local, bytes: number): { row: Local; diagonal: Local } {
  const [row, diagonal] = [f.local("i32"), f.local("i32")];
  f.get(n).i32(bytes).op(i32.mul).tee(row).i32(bytes).op(i32.add).set(diagonal);
  return { row, diagonal };
}

/** end = min(start + blockRows, n) */
export function setBlockEnd(f: FunctionBuilder, end: Local, start: Local, n: Local): void {
  f.get(start).i32(blockRows).op(i32.add).tee(end).get(n).op(i32.gt);
  f.if(undefined, () => f.get(n).set(end));
}

/** (m, n): L, U and the exchanges of rows, in place, with space for these behind the matrix. */
export function eliminate(context: ProgramContext, dtype: FloatName): number {
  const { bytes } = floatsOf(dtype, context);
  const panel = eliminatePanel(context, dtype);
  const substitute = forwardSubstitute(context, dtype);
  const multiply = subtractProduct(context, dtype);
  return context.helper(`eliminate ${dtype}`, integers(2), [], (f) => {
    const [m, n] = [0, 1];
    const { row, diagonal } = strides(f, n, bytes);
    const [start, end, size, first, right, below, rowBytes] = range(7).map(() => f.local("i32"));
    f.i32(0).set(start);
    loopWhile(
      f,
      () => f.get(start).get(n).op(i32.ne),
      () => {
        setBlockEnd(f, end, start, n);
        f.get(m).get(n).get(start).get(end).call(panel);
        f.get(end).get(start).op(i32.sub).set(size);
        f.get(n).get(end).op(i32.sub).i32(bytes).op(i32.mul).set(rowBytes);
        setPlace(f, first, m, diagonal, start);
        setSum(f, right, first, size, bytes);
        f.get(first).get(row).i32(bytes).get(right).get(row).get(size).get(rowBytes).i32(1).call(substitute);
        // what is right of the panel and below these rows
        setPlace(f, below, right, row, size);
        f.get(below).get(row);
        setPlace(f, below, first, row, size);
        f.get(below).get(row).i32(bytes).get(right).get(row);
        f.get(n).get(end).op(i32.sub).get(rowBytes).get(size).call(multiply);
        f.get(end).set(start);
      },
    );
  });
}

/** (m, n, start, end): elimination in the columns from start to end, below the rows that are done. */
function eliminatePanel(context: ProgramContext, dtype: FloatName): number {
  const { type, bytes, scalar } = floatsOf(dtype, context);
  const exchange = exchangeRows(context, dtype);
  const multiply = subtractProduct(context, dtype);
  return context.helper(`eliminatePanel ${dtype}`, integers(4), [], (f) => {
    const [m, n, k, end] = [0, 1, 2, 3];
    const { row, diagonal } = strides(f, n, bytes);
    const [at, under, i, pivot, other] = range(5).map(() => f.local("i32"));
    const [size, largest, divisor] = range(3).map(() => f.local(type));
    /** Down the column from below the diagonal, `under` at its element of row i. */
    const down = (body: () => void): void => {
      setSum(f, under, at, row);
      f.get(k).i32(1).op(i32.add).set(i);
      loopWhile(
        f,
        () => f.get(i).get(n).op(i32.ne),
        () => {
          body();
          setSum(f, under, under, row);
          f.increase(i, 1);
        },
      );
    };
    loopWhile(
      f,
      () => f.get(k).get(end).op(i32.ne),
      () => {
        setPlace(f, at, m, diagonal, k);
        f.get(at).memory(scalar.load, 0).op(scalar.abs).set(largest).get(k).set(pivot);
        down(() => {
          f.get(under).memory(scalar.load, 0).op(scalar.abs).tee(size).get(largest).op(scalar.gt);
          f.if(undefined, () => f.get(size).set(largest).get(i).set(pivot));
        });
        // the exchanges stand behind the last row
        setPlace(f, other, m, row, n);
        setSum(f, other, other, k, bytes);
        f.get(other).get(pivot).op(scalar.convertI32).memory(scalar.store, 0);
        f.get(pivot).get(k).op(i32.ne);
        f.if(undefined, () => {
          setPlace(f, under, m, row, k);
          setPlace(f, other, m, row, pivot);
          f.get(under).get(other).get(row).call(exchange);
        });
        f.get(at).memory(scalar.load, 0).tee(divisor);
        if (type === "f32") f.f32(0);
        else f.f64(0);
        f.op(scalar.ne);
        // a column without a pivot holds zeros
        f.if(undefined, () => {
          down(() => {
            f.get(under).get(under).memory(scalar.load, 0).get(divisor).op(scalar.div);
            f.memory(scalar.store, 0);
          });
        });
        setSum(f, under, at, row);
        f.get(under).i32(bytes).op(i32.add).get(row).get(under).get(row).i32(0);
        f.get(at).i32(bytes).op(i32.add).i32(0);
        f.get(n).get(k).op(i32.sub).i32(1).op(i32.sub);
        f.get(end).get(k).op(i32.sub).i32(1).op(i32.sub).i32(bytes).op(i32.mul);
        f.i32(1).call(multiply);
        f.increase(k, 1);
      },
    );
  });
}
