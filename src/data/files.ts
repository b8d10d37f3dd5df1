/** Reading files in Node. Its modules are imported when they are needed, so bundles for browsers hold none of this. */
import { AdjointError } from "../index.js";

/** A file, or bytes under the name "the bytes". */
export interface NamedBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * The bytes of a file, unpacked where they are gzip's.
 * @throws AdjointError `file-not-found`, `file-format` for a damaged gzip file
 */
export async function readBytes(source: string | Uint8Array, operation: string): Promise<NamedBytes> {
  const file = typeof source === "string" ? source : "the bytes";
  const bytes = typeof source === "string" ? await readFile(source, operation) : source;
  const isGzip = bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
  return { file, bytes: isGzip ? await unpack(bytes, file, operation) : bytes };
}

async function readFile(file: string, operation: string): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(file);
  } catch (cause) {
    throw fileError(cause, file, operation);
  }
}

async function unpack(bytes: Uint8Array, file: string, operation: string): Promise<Uint8Array> {
  const { gunzipSync } = await import("node:zlib");
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AdjointError(
      "file-format",
      `${operation}: ${file} is a damaged gzip file: ${reason}`,
      { operation, file },
      { cause },
    );
  }
}

/** The names in a directory, sorted. @throws AdjointError `file-not-found` */
export async function listDirectory(directory: string, operation: string): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  try {
    return (await readdir(directory)).sort();
  } catch (cause) {
    throw fileError(cause, directory, operation);
  }
}

/** A file in a directory. */
export async function joinPath(directory: string, name: string): Promise<string> {
  const { join } = await import("node:path");
  return join(directory, name);
}

function fileError(cause: unknown, file: string, operation: string): AdjointError {
  const code = (cause as { readonly code?: unknown }).code;
  const reasons: Record<string, string> = {
    ENOENT: "there is no such file or directory",
    EACCES: "it may not be read (permissions)",
    EISDIR: "it is a directory, not a file",
    ENOTDIR: "it is a file, not a directory",
    ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB",
  };
  const reason = reasons[String(code)] ?? (cause instanceof Error ? cause.message : String(cause));
  return new AdjointError(
    "file-not-found",
    `${operation}: cannot read ${file}: ${reason}`,
    { operation, file },
    { cause },
  );
}
