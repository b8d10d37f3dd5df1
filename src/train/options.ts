/** Checks of options that several functions share. */
import { checkFinite, checkOptionNames, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";

/** @throws AdjointError `invalid-argument` unless an integer of at least 1 */
export function checkPositive(value: unknown, operation: string, argument: string): void {
  if (!isNatural(value) || value === 0)
    throw invalidArgument(operation, argument, "an integer of at least 1", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` for options of evaluation that are unknown or out of range */
export function checkEvaluateOptions(
  options: { readonly batchSize?: number; readonly threshold?: number },
  known: readonly string[],
  operation: string,
): void {
  checkOptionNames(options, known, operation);
  if (options.batchSize !== undefined) checkPositive(options.batchSize, operation, "batchSize");
  if (options.threshold !== undefined) checkFinite(options.threshold, operation, "threshold");
}
