/**
 * A learning rate as a number, or as a schedule: a function of how many updates came before.
 *
 * A schedule is a JavaScript function of a number, while inside `jit` the step is a tensor without a value. As it may depend
 * on nothing else, a compiled step carries its values in a table, and looks its rate up by the step the state counts.
 */
import { AdjointError, isTensor, type Tensor, tensor } from "../index.js";
import { formatReceived } from "../util/errors.js";

/**
 * A rate, or a schedule. A schedule gets the number of updates made before (0 at the first) and must depend on nothing
 * else: a compiled step reads it once, when it is traced. A rate that depends on more (on a validation loss, say) goes to
 * `optimizer.step` as its fourth argument.
 */
export type LearningRate = number | ((step: number) => number);

/**
 * Updates for which a schedule is tabulated inside `jit`: 2 MB of float64. A compiled step beyond it is refused with
 * `index-out-of-range`, which the fourth argument of `optimizer.step` avoids; `train.fit` passes it.
 */
export const tabulatedSteps = 262_144;

/** @throws AdjointError `invalid-argument` unless a finite number ≥ 0 or a function */
export function checkLearningRate(value: unknown, operation: string): (step: number) => number {
  if (typeof value === "function")
    return (step) => checkRate(value(step), `${operation}: the schedule at step ${step}`, operation);
  const rate = checkRate(value, `${operation}: learningRate`, operation);
  return () => rate;
}

function checkRate(value: unknown, subject: string, operation: string): number {
  if (typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY) return value;
  throw new AdjointError(
    "invalid-argument",
    `${subject} must be a finite number of at least 0, received ${formatReceived(value)}`,
    { operation, argument: "learningRate", expected: "a number ≥ 0", received: formatReceived(value) },
  );
}

/** This update's rate: a number where it is known, a scalar tensor where only the running program knows it. */
export function resolveLearningRate(
  given: LearningRate,
  override: number | Tensor | undefined,
  step: Tensor,
  operation: string,
): number | Tensor {
  if (isTensor(override)) {
    if (override.size === 1 && (override.dtype === "float32" || override.dtype === "float64"))
      return override.reshape([]);
    throw new AdjointError(
      "invalid-argument",
      `${operation}: learningRate must be a floating-point scalar, received ${override.dtype} of shape [${override.shape.join(", ")}]`,
      { operation, argument: "learningRate", expected: "a number or a scalar tensor" },
    );
  }
  const rateAt = checkLearningRate(override ?? given, operation);
  if (typeof given === "number" || override !== undefined) return rateAt(0);
  if (!step.isAbstract) return rateAt(step.itemSync());
  return tableOf(given, rateAt).take(step);
}

const tables = new WeakMap<object, Tensor>();

/** The schedule's first values, in float64 so that float64 parameters lose nothing; one table for each schedule. */
function tableOf(schedule: (step: number) => number, rateAt: (step: number) => number): Tensor {
  let table = tables.get(schedule);
  if (table === undefined) {
    table = tensor(Float64Array.from({ length: tabulatedSteps }, (_, step) => rateAt(step)));
    tables.set(schedule, table);
  }
  return table;
}
