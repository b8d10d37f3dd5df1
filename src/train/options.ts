/** Checks of numbers a caller gives. */
import { AdjointError, formatReceived } from "../util/errors.js";

/** @throws AdjointError `invalid-argument` unless an integer of at least 1 */
export function checkCount(value: unknown, operation: string, argument: string): void {
  if (Number.isInteger(value) && (value as number) >= 1) return;
  const received = formatReceived(value);
  throw new AdjointError(
    "invalid-argument",
    `${operation}: ${argument} must be an integer of at least 1, received ${received}`,
    { operation, argument, expected: "an integer ≥ 1", received },
  );
}
