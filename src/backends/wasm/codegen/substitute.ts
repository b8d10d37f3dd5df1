/**
 * Systems with a factored or triangular matrix. Every triangle is solved with as a lower one: transposed by exchanging the strides of
 * the matrix, an upper one by running all of it from the last row to the first.
 */
import type { SubstituteKernel } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder, Local } from "../assembler/function.js";
import { i32 } from "../assembler/opcodes.js";
import type { ProgramContext } from "./context.js";
import { forEachMatrix, forwardSubstitute, pushMatrix } from "./matrix-blocks.js";
import { copyElements, exchangeRows, type FloatName, floatsOf, integers } from "./matrix-rows.js";

/** Nanoseconds for one multiplication and addition, and for a matrix besides, by a rough count. */
const timeOfOne = 0.15;
const timeOfMatrix = 200;

export function writeSubstitute(f: FunctionBuilder, context: ProgramContext, kernel: SubstituteKernel): void {
  const { matrix, dtype, matrices, n, columns, factors, input, output } = kernel;
  if (matrices * n * columns === 0) return;
  invariant(dtype === "float32" || dtype === "float64", `systems of ${dtype}`);
  const { bytes } = floatsOf(dtype, context);
  const copy = copyElements(context, dtype);
  const row = n * bytes;
  const size = columns * bytes;
  const solve = (body: FunctionBuilder, a: Local, x: Local, triangle: Triangle): void => {
    const { isUpper, transpose, unit } = triangle;
    // an upper matrix from its last element back, and so a transposed lower one
    const sign = isUpper !== transpose ? -1 : 1;
    const last = sign < 0 ? n - 1 : 0;
    const [along, down] = transpose ? [bytes, row] : [row, bytes];
    body
      .get(a)
      .i32(last * (row + bytes))
      .op(i32.add);
    body
      .i32(sign * along)
      .i32(sign * down)
      .get(x);
    body
      .i32(last * size)
      .op(i32.add)
      .i32(sign * size);
    body
      .i32(n)
      .i32(size)
      .i32(unit ? 1 : 0)
      .call(forwardSubstitute(context, dtype));
  };
  const matrixBytes = (matrix.kind === "lu" ? n + 1 : n) * row;
  const time = matrices * (timeOfMatrix + n * n * columns * timeOfOne);
  forEachMatrix(f, context, matrices, time, (body, number) => {
    const [a, x] = [body.local("i32"), body.local("i32")];
    pushMatrix(body, context, factors, number, matrixBytes);
    body.set(a);
    pushMatrix(body, context, output, number, n * size);
    body.tee(x);
    pushMatrix(body, context, input, number, n * size);
    body.i32(n * size).call(copy);
    if (matrix.kind === "triangular") {
      const { lower, transpose, unitDiagonal } = matrix;
      solve(body, a, x, { isUpper: !lower, transpose, unit: unitDiagonal });
    } else {
      const { transpose } = matrix;
      const parts = [
        { isUpper: false, transpose, unit: true },
        { isUpper: true, transpose, unit: false },
      ];
      const exchange = (): void => {
        body
          .get(x)
          .i32(size)
          .get(a)
          .i32(n * row)
          .op(i32.add)
          .i32(n)
          .i32(transpose ? 1 : 0);
        body.call(exchangeAll(context, dtype));
      };
      if (!transpose) exchange();
      for (const part of transpose ? parts.reverse() : parts) solve(body, a, x, part);
      if (transpose) exchange();
    }
    body.release(a);
    body.release(x);
  });
}

interface Triangle {
  readonly isUpper: boolean;
  readonly transpose: boolean;
  readonly unit: boolean;
}

/** (x, rowBytes, pivots, n, backwards): row k exchanged with row pivots[k], for each k in turn or from the last to the first. */
function exchangeAll(context: ProgramContext, dtype: FloatName): number {
  const { bytes, scalar, type } = floatsOf(dtype, context);
  const exchange = exchangeRows(context, dtype);
  return context.helper(`exchangeAll ${dtype}`, integers(5), [], (f) => {
    const [x, rowBytes, pivots, n, backwards] = [0, 1, 2, 3, 4];
    const [step, k, pivot] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const pushRow = (number: Local): FunctionBuilder =>
      f.get(x).get(number).get(rowBytes).op(i32.mul).op(i32.add);
    f.i32(0).set(step);
    f.loop(() => {
      f.get(backwards);
      f.if(
        "i32",
        () => f.get(n).i32(1).op(i32.sub).get(step).op(i32.sub),
        () => f.get(step),
      );
      f.set(k);
      f.get(pivots).get(k).i32(bytes).op(i32.mul).op(i32.add).memory(scalar.load, 0);
      f.op(type === "f32" ? i32.truncSatF32 : i32.truncSatF64)
        .tee(pivot)
        .get(k)
        .op(i32.ne);
      f.if(undefined, () => {
        pushRow(k);
        pushRow(pivot).get(rowBytes).call(exchange);
      });
      f.increase(step, 1).get(step).get(n).op(i32.ne).branchIf(0);
    });
  });
}
