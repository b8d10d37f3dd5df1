/**
 * The one error type of the library. Every refusal carries a stable `code` a program can branch on, and a message that
 * names the operation, the argument, what was expected and what was received.
 */

/** Stable codes; `docs/errors.md` has a line with the remedy for each. */
export type ErrorCode =
  | "shape-mismatch"
  | "dtype-mismatch"
  | "axis-out-of-range"
  | "index-out-of-range"
  | "invalid-argument"
  | "ragged-array"
  | "empty-reduction"
  | "abstract-value"
  | "abstract-leak"
  | "tree-mismatch"
  | "non-scalar-output"
  | "not-differentiable"
  | "gradient-check-failed"
  | "unhealthy"
  | "donated"
  | "disposed"
  | "device"
  | "worker-lost"
  | "unsupported"
  | "unsupported-operator"
  | "async-function"
  | "invalid-data"
  | "file-format"
  | "file-not-found"
  | "file-too-large"
  | "missing-package"
  | "unwritable-output"
  | "checkpoint-failed"
  | "checkpoint-damaged"
  | "checkpoint-mismatch"
  | "checkpoint-missing"
  | "checkpoint-exists"
  | "usage"
  | "user-code"
  | "non-finite"
  | "interrupted"
  | "internal";

/** Facts of a refusal, for programs; the message already says them in words. */
export interface ErrorDetails {
  readonly operation?: string;
  readonly argument?: string;
  readonly expected?: string;
  readonly received?: string;
  readonly file?: string;
  /** Byte offset in `file`, where one is meant. */
  readonly offset?: number;
  /** 1-based line in `file`, where one is meant. */
  readonly line?: number;
  /** The update of a training run, from 1, and the epoch it is in. */
  readonly step?: number;
  readonly epoch?: number;
  /** The operation that went wrong in it, such as `log (of softmaxCrossEntropy)`. */
  readonly node?: string;
}

/**
 * Every refusal of the library.
 *
 * @example
 * try { tensor([[1, 2], [3]]); } catch (error) {
 *   if (error instanceof AdjointError) error.code; // "ragged-array"
 * }
 */
export class AdjointError extends Error {
  override readonly name = "AdjointError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** `[2, 3]`: how shapes are written in every message. */
export function formatShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** A short rendering of a value a caller passed, for messages: never more than 40 characters. */
export function formatReceived(value: unknown): string {
  let text: string;
  if (typeof value === "string") text = JSON.stringify(value);
  else if (typeof value === "function") text = `function ${value.name || "(anonymous)"}`;
  else if (Array.isArray(value)) text = `array of ${value.length}`;
  else if (typeof value === "object" && value !== null) text = String(value.constructor?.name ?? "object");
  else text = String(value);
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
}

/** A list as `[2, -1]`, anything else as `formatReceived` has it. */
export function formatList(value: unknown): string {
  if (!Array.isArray(value)) return formatReceived(value);
  const text = `[${Array.from(value.slice(0, 20), formatReceived).join(", ")}]`;
  return text.length > 40 ? `array of ${value.length}` : text;
}

/**
 * Fails with code `internal` when `condition` is false: a bug here, never the user's.
 * @throws AdjointError `internal`
 */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AdjointError("internal", `internal error: ${message}`);
}

/** For exhaustive switches: the compiler refuses a forgotten case, and this catches what it cannot see. */
export function unreachable(value: never): never {
  throw new AdjointError("internal", `internal error: unexpected ${formatReceived(value)}`);
}
