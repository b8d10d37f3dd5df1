/** Factors of square matrices, where they come to lie. Many matrices are shared by threads. */
import type { FactorKernel } from "../../../loops/ir.js";
import { invariant } from "../../../util/errors.js";
import type { FunctionBuilder } from "../assembler/function.js";
import type { ProgramContext } from "./context.js";
import { cholesky, copyTransposed } from "./factor-cholesky.js";
import { eliminate } from "./factor-lu.js";
import { forEachMatrix, pushMatrix } from "./matrix-blocks.js";
import { copyElements, floatsOf } from "./matrix-rows.js";

/** Nanoseconds for one multiplication and addition, and for a matrix besides, by a rough count. */
const timeOfOne = 0.2;
const timeOfMatrix = 300;

export function writeFactor(f: FunctionBuilder, context: ProgramContext, kernel: FactorKernel): void {
  const { op, dtype, matrices, n, input, output } = kernel;
  if (matrices * n === 0) return;
  invariant(dtype === "float32" || dtype === "float64", `${op} of ${dtype}`);
  const { bytes } = floatsOf(dtype, context);
  const isLu = op === "lu";
  const size = n * n * bytes;
  const load = isLu ? copyElements(context, dtype) : copyTransposed(context, dtype);
  const factor = isLu ? eliminate(context, dtype) : cholesky(context, dtype);
  const time = matrices * (timeOfMatrix + (n ** 3 / (isLu ? 3 : 6)) * timeOfOne);
  forEachMatrix(f, context, matrices, time, (body, number) => {
    const matrix = body.local("i32");
    pushMatrix(body, context, output, number, isLu ? size + n * bytes : size);
    body.tee(matrix);
    pushMatrix(body, context, input, number, size);
    body
      .i32(isLu ? size : n)
      .call(load)
      .get(matrix)
      .i32(n)
      .call(factor);
    body.release(matrix);
  });
}
