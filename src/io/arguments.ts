/** What decoders are given. */
import { invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";

/** @throws AdjointError `invalid-argument` unless bytes, and a text that messages call them by */
export function checkBytes(bytes: unknown, file: unknown, operation: string): void {
  if (!(bytes instanceof Uint8Array))
    throw invalidArgument(operation, "bytes", "a Uint8Array", formatReceived(bytes));
  if (typeof file !== "string")
    throw invalidArgument(operation, "file", "what messages call the bytes", formatReceived(file));
}
