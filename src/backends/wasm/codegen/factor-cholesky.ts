/**
 * The Cholesky factor, in blocks of rows: a block is computed row by row, and the rest brought up to date by one product of matrices.
 *
 * Source: Golub and Van Loan, Matrix Computations (4th ed.), 4.2.6. Deviation: the factor is computed as its transpose, of which
 * every row is contiguous, and transposed at the end.
 */
import { range } from "../../../types/shape.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { setBlockEnd, strides } from "./factor-lu.js";
import { subtractProduct } from "./matrix-blocks.js";
import { divideRow, type FloatName, floatsOf, integers, loopWhile, setPlace, setSum } from "./matrix-rows.js";

/** (m, n): from the upper triangle of a symmetric matrix its lower Cholesky factor in place, or NaN everywhere. */
export function cholesky(context: ProgramContext, dtype: FloatName): number {
  const { type, bytes, scalar } = floatsOf(dtype, context);
  const divide = divideRow(context, dtype);
  const multiply = subtractProduct(context, dtype);
  const finish = transposeUpper(context, dtype);
  const fail = fillWithNaN(context, dtype);
  return context.helper(`cholesky ${dtype}`, integers(2), [], (f) => {
    const [m, n] = [0, 1];
    const { row, diagonal } = strides(f, n, bytes);
    const [start, end, k, at, above, next, length] = range(7).map(() => f.local("i32"));
    const [square, root] = [f.local(type), f.local(type)];
    const setLength = (from: Local): void => {
      f.get(n).get(from).op(i32.sub).i32(bytes).op(i32.mul).set(length);
    };
    /** U[start, column] */
    const setAbove = (column: Local): void => {
      setPlace(f, above, m, row, start);
      setSum(f, above, above, column, bytes);
    };
    f.i32(0).set(start);
    loopWhile(
      f,
      () => f.get(start).get(n).op(i32.ne),
      () => {
        setBlockEnd(f, end, start, n);
        f.get(start).set(k);
        loopWhile(
          f,
          () => f.get(k).get(end).op(i32.ne),
          () => {
            setPlace(f, at, m, diagonal, k);
            setAbove(k);
            setLength(k);
            f.get(at).i32(0).get(above).i32(0).get(row).get(above).get(row).i32(1).get(length);
            f.get(k).get(start).op(i32.sub).call(multiply);
            f.get(at).memory(scalar.load, 0).tee(square);
            if (type === "f32") f.f32(0);
            else f.f64(0);
            // false for NaN too
            f.op(scalar.gt).op(i32.eqz);
            f.if(undefined, () => f.get(m).get(n).get(n).op(i32.mul).call(fail).return());
            f.get(square).op(scalar.sqrt).set(root);
            f.get(at).get(length).get(root).call(divide);
            f.get(at).get(root).memory(scalar.store, 0);
            f.increase(k, 1);
          },
        );
        // of the rows below, block by block, what is not left of the diagonal
        f.get(end).set(k);
        loopWhile(
          f,
          () => f.get(k).get(n).op(i32.ne),
          () => {
            setBlockEnd(f, next, k, n);
            setPlace(f, at, m, diagonal, k);
            setAbove(k);
            setLength(k);
            f.get(at).get(row).get(above).i32(bytes).get(row).get(above).get(row);
            f.get(next).get(k).op(i32.sub).get(length).get(end).get(start).op(i32.sub).call(multiply);
            f.get(next).set(k);
          },
        );
        f.get(end).set(start);
      },
    );
    f.get(m).get(n).call(finish);
  });
}

/** (m, count): NaN in every element. */
function fillWithNaN(context: ProgramContext, dtype: FloatName): number {
  const { type, bytes, scalar } = floatsOf(dtype, context);
  return context.helper(`fillWithNaN ${dtype}`, integers(2), [], (f) => {
    const [at, count] = [0, 1];
    f.loop(() => {
      f.get(at);
      if (type === "f32") f.f32(Number.NaN);
      else f.f64(Number.NaN);
      f.memory(scalar.store, 0).increase(at, bytes);
      f.get(count).i32(1).op(i32.sub).tee(count).branchIf(0);
    });
  });
}

/** (to, from, n): the lower triangle of one matrix as the upper one of another. */
export function copyTransposed(context: ProgramContext, dtype: FloatName): number {
  const { scalar, bytes } = floatsOf(dtype, context);
  return context.helper(`copyTransposed ${dtype}`, integers(3), [], (f) => {
    const [to, from, n] = [0, 1, 2];
    alongTriangle(f, to, from, n, bytes, (upper, lower) => {
      f.get(upper).get(lower).memory(scalar.load, 0).memory(scalar.store, 0);
    });
  });
}

/** (m, n): the upper triangle as the lower one, and zeros above the diagonal. */
function transposeUpper(context: ProgramContext, dtype: FloatName): number {
  const { type, scalar, bytes } = floatsOf(dtype, context);
  return context.helper(`transposeUpper ${dtype}`, integers(2), [], (f) => {
    const [m, n] = [0, 1];
    const start = f.local("i32");
    f.get(m).set(start);
    alongTriangle(f, m, start, n, bytes, (upper, lower) => {
      f.get(upper).get(lower).op(i32.ne);
      f.if(undefined, () => {
        f.get(lower).get(upper).memory(scalar.load, 0).memory(scalar.store, 0);
        f.get(upper);
        if (type === "f32") f.f32(0);
        else f.f64(0);
        f.memory(scalar.store, 0);
      });
    });
  });
}

/** For all i ≤ j: element (i, j) of the one matrix and (j, i) of the other. Moves both pointers, and counts n down. */
function alongTriangle(
  f: FunctionBuilder,
  one: Local,
  other: Local,
  n: Local,
  bytes: number,
  body: (upper: Local, lower: Local) => void,
): void {
  const { row, diagonal } = strides(f, n, bytes);
  const [upper, lower, left] = range(3).map(() => f.local("i32"));
  loopWhile(
    f,
    () => f.get(n),
    () => {
      f.get(one).set(upper).get(other).set(lower).get(n).set(left);
      loopWhile(
        f,
        () => f.get(left),
        () => {
          body(upper, lower);
          f.increase(upper, bytes).increase(left, -1);
          setSum(f, lower, lower, row);
        },
      );
      setSum(f, one, one, diagonal);
      setSum(f, other, other, diagonal);
      f.increase(n, -1);
    },
  );
}
