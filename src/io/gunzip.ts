/** Unpacking gzip files (RFC 1952) in Node, within the limit of what they may expand to. */
import { AdjointError } from "../index.js";
import { allocateBytes, expansionLimit, tooLarge } from "./limits.js";

/** A header of 10 bytes, an empty block of 2 and a trailer of 8. */
const shortest = 20;
/** Few files expand beyond this, and room for those grows. */
const usualExpansion = 20;

/**
 * The content of a gzip file. It is unpacked piece by piece, so one that expands beyond all measure is refused early.
 *
 * @throws AdjointError `file-format` for a damaged file, `file-too-large` for one that expands beyond the limit
 */
export async function gunzip(bytes: Uint8Array, file: string, operation: string): Promise<Uint8Array> {
  const { createGunzip } = await import("node:zlib");
  if (bytes.length < shortest) throw damaged(`it ends after ${bytes.length} bytes`);
  const unzip = createGunzip({ chunkSize: 2 ** 16 });
  // a whole file of one part ends with its length; any other takes more room when it needs it
  const announced = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
  let content = allocateBytes(Math.min(announced, usualExpansion * bytes.length), operation, file);
  let length = 0;
  try {
    unzip.end(bytes);
    for await (const piece of unzip as AsyncIterable<Uint8Array>) {
      checkExpansion(length + piece.length, unzip.bytesWritten, file, operation);
      if (length + piece.length > content.length) {
        const larger = allocateBytes(2 * (length + piece.length), operation, file);
        larger.set(content);
        content = larger;
      }
      content.set(piece, length);
      length += piece.length;
    }
  } catch (cause) {
    if (cause instanceof AdjointError) throw cause;
    throw damaged(cause instanceof Error ? cause.message : String(cause), cause);
  }
  // zeros fill up blocks of tapes; what else follows is passed over by the decoder, and must not be
  const rest = bytes.subarray(unzip.bytesWritten);
  if (rest.some((byte) => byte !== 0))
    throw damaged(`${rest.length} bytes follow its end at byte ${unzip.bytesWritten}`);
  return content.subarray(0, length);

  function damaged(reason: string, cause?: unknown): AdjointError {
    return new AdjointError(
      "file-format",
      `${operation}: ${file} is a damaged gzip file: ${reason}`,
      { operation, file },
      { cause },
    );
  }
}

function checkExpansion(length: number, compressed: number, file: string, operation: string): void {
  if (length <= expansionLimit(compressed)) return;
  throw tooLarge(
    operation,
    file,
    `${compressed} bytes of it unpack to ${length} or more, beyond the limit of 64 MiB and 200 times as many; unpack it yourself if it can be trusted`,
  );
}
