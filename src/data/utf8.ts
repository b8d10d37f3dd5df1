/** Text files. */
import { AdjointError } from "../index.js";
import type { NamedBytes } from "../io/index.js";

/**
 * The text of bytes in UTF-8, without a byte order mark.
 * @throws AdjointError `file-format` for other bytes
 */
export function decodeText({ bytes, file }: NamedBytes, operation: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AdjointError(
      "file-format",
      `${operation}: ${file} is not UTF-8 text`,
      { operation, file },
      { cause },
    );
  }
}
