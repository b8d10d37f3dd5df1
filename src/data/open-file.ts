/** Files read a piece at a time, in Node; its modules are imported when they are needed, so bundles for browsers hold none of this. */
import { AdjointError } from "../index.js";

/** The refusal of a file that cannot be read. */
export function readingError(cause: unknown, file: string, operation: string): AdjointError {
  const { code, message } = cause as { readonly code?: string; readonly message?: string };
  const known: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file or directory",
    EISDIR: "it is a directory, not a file",
    ENOTDIR: "it is a file, not a directory",
    EACCES: "permission denied",
    EPERM: "permission denied",
  };
  const reason = known[code ?? ""] ?? message ?? String(cause);
  const details = { operation, file };
  return new AdjointError("file-not-found", `${operation}: cannot read ${file}: ${reason}`, details, {
    cause,
  });
}

/**
 * The bytes from `start` to `stop` of a file, fewer where it ends before.
 * @throws AdjointError `file-not-found`
 */
export async function readRange(
  path: string,
  start: number,
  stop: number,
  operation: string,
): Promise<Uint8Array> {
  const { closeSync, openSync, readSync } = await import("node:fs");
  try {
    const file = openSync(path, "r");
    try {
      const bytes = new Uint8Array(stop - start);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, start));
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    throw readingError(cause, path, operation);
  }
}

/** The length of a file in bytes. @throws AdjointError `file-not-found` */
export async function fileSize(path: string, operation: string): Promise<number> {
  const { statSync } = await import("node:fs");
  try {
    return statSync(path).size;
  } catch (cause) {
    throw readingError(cause, path, operation);
  }
}

/** Whether a file begins as gzip's do. */
export async function isGzip(path: string, operation: string): Promise<boolean> {
  const [first, second] = await readRange(path, 0, 2, operation);
  return first === 0x1f && second === 0x8b;
}

/**
 * The bytes of a file in pieces, unpacked where it is gzip's: memory for a piece or two, whatever the length.
 * @throws AdjointError `file-not-found`, `file-format` for a damaged gzip file
 */
export async function* pieces(path: string, operation: string): AsyncGenerator<Uint8Array> {
  const packed = await isGzip(path, operation);
  const { createReadStream } = await import("node:fs");
  const file = createReadStream(path, { highWaterMark: 1 << 18 });
  try {
    if (!packed) {
      yield* file;
      return;
    }
    const { createGunzip } = await import("node:zlib");
    const unpacked = createGunzip({ chunkSize: 1 << 18 });
    // an error of the file has to reach whoever reads what is unpacked
    file.on("error", (cause) => unpacked.destroy(cause));
    yield* file.pipe(unpacked);
  } catch (cause) {
    const { code, message } = cause as { readonly code?: string; readonly message?: string };
    if (!String(code).startsWith("Z_"))
      throw cause instanceof AdjointError ? cause : readingError(cause, path, operation);
    throw new AdjointError(
      "file-format",
      `${operation}: ${path} is a damaged gzip file: ${message}`,
      { operation, file: path },
      { cause },
    );
  } finally {
    file.destroy();
  }
}
