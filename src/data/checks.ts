/** Checks of what describes data: names, classes and shapes. */
import { AdjointError } from "../index.js";
import { invalidArgument, isList, isNatural } from "../util/checks.js";
import { formatList, formatReceived } from "../util/errors.js";

export const isText = (value: unknown): value is string => typeof value === "string";

/** @throws AdjointError `invalid-argument` unless undefined or texts */
export function checkTexts(value: unknown, operation: string, argument: string): void {
  if (value !== undefined && !isList(value, isText))
    throw invalidArgument(operation, argument, "an array of strings", formatList(value));
}

/** @throws AdjointError `invalid-argument` unless undefined or texts, none of them twice */
export function checkNames(value: unknown, operation: string, argument: string): void {
  checkTexts(value, operation, argument);
  if (!Array.isArray(value)) return;
  const seen = new Set<unknown>();
  for (const name of value) {
    if (seen.has(name)) throw invalidArgument(operation, argument, "different names", `"${name}" twice`);
    seen.add(name);
  }
}

/** @throws AdjointError `invalid-argument` unless undefined or a text */
export function checkText(value: unknown, operation: string, argument: string): void {
  if (value !== undefined && !isText(value))
    throw invalidArgument(operation, argument, "a string", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless undefined, true or false */
export function checkFlag(value: unknown, operation: string, argument: string): void {
  if (value !== undefined && typeof value !== "boolean")
    throw invalidArgument(operation, argument, "true or false", formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless undefined or one of the names */
export function checkName(
  value: unknown,
  names: readonly string[],
  operation: string,
  argument: string,
): void {
  if (value === undefined || (isText(value) && names.includes(value))) return;
  const quoted = names.map((name) => `"${name}"`);
  const expected = `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
  throw invalidArgument(operation, argument, expected, formatReceived(value));
}

/** @throws AdjointError `invalid-argument` unless a list of extents */
export function checkShape(value: unknown, operation: string, argument: string): void {
  if (!isList(value, isNatural))
    throw invalidArgument(operation, argument, "a shape, such as [784]", formatList(value));
}

/** @throws AdjointError `invalid-data`: what is always the same teaches nothing */
export function checkClassCount(classes: readonly string[], operation: string, what: string): void {
  if (classes.length >= 2) return;
  const received = classes.length === 0 ? "none" : `only "${classes[0]}"`;
  throw new AdjointError(
    "invalid-data",
    `${operation}: ${what} needs at least two classes, received ${received}`,
    { operation, expected: "at least two classes", received },
  );
}
