/** A corpus of damaged and hostile files, made by code: what each is, and the codes it may be refused with. */
import type { ErrorCode } from "../../src/index.js";

export type Format = "safetensors" | "npy" | "npz" | "idx" | "csv";

export interface Malformed {
  readonly format: Format;
  /** What is wrong with it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly codes: readonly ErrorCode[];
}

/** A file of the format for each entry: what is wrong, its bytes, and the code if it is not `file-format`. */
export function corpus(
  format: Format,
  entries: readonly (readonly [name: string, bytes: Uint8Array, ...codes: ErrorCode[]])[],
): Malformed[] {
  return entries.map(([name, bytes, ...codes]) => ({
    format,
    name,
    bytes,
    codes: codes.length === 0 ? ["file-format"] : codes,
  }));
}

/** The file cut at every byte of its first `header` bytes and its last `trailer` bytes, and at every 64th between them. */
export function truncations(format: Format, bytes: Uint8Array, header: number, trailer = 0): Malformed[] {
  const cut: Malformed[] = [];
  for (let length = 0; length < bytes.length; length++)
    if (length <= header || length >= bytes.length - trailer || length % 64 === 0)
      cut.push({
        format,
        name: `the first ${length} of ${bytes.length} bytes`,
        bytes: bytes.subarray(0, length),
        codes: ["file-format"],
      });
  return cut;
}
