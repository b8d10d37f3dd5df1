/**
 * Whole files in Node; its modules are imported when they are needed, so bundles for browsers hold none of this. Written so that a
 * reader sees the old file or the new one.
 */
import { AdjointError } from "../index.js";
import { invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { gunzip } from "./gunzip.js";

/** A file, or bytes under the name "the bytes". */
export interface NamedBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * The bytes of a file, or of an array, unpacked where they are gzip's.
 *
 * @param operation what messages call the caller
 * @throws AdjointError `file-not-found`, `file-format` for a damaged gzip file, `file-too-large` for one that expands beyond 64 MiB
 * and 200 times its length, `invalid-argument`
 * @example (await io.readBytes(Uint8Array.of(1, 2), "example")).bytes.length; // → 2
 */
export async function readBytes(source: string | Uint8Array, operation: string): Promise<NamedBytes> {
  checkOperation(operation, "readBytes");
  if (typeof source !== "string" && !(source instanceof Uint8Array))
    throw invalidArgument(operation, "source", "a path or a Uint8Array", formatReceived(source));
  const file = typeof source === "string" ? source : "the bytes";
  const bytes = typeof source === "string" ? await readFile(source, operation) : source;
  const isGzip = bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
  return { file, bytes: isGzip ? await gunzip(bytes, file, operation) : bytes };
}

/** @throws AdjointError `invalid-argument` */
export function checkPath(path: unknown, operation: string, argument = "path"): void {
  if (typeof path !== "string" || path === "")
    throw invalidArgument(operation, argument, "a path", formatReceived(path));
}

/** The name goes into messages, where an object without a text of its own would be an error of its own. */
function checkOperation(operation: unknown, here: string): void {
  if (typeof operation !== "string")
    throw invalidArgument(here, "operation", "what messages call the caller", formatReceived(operation));
}

async function readFile(path: string, operation: string): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(path);
  } catch (cause) {
    throw readingError(cause, path, operation);
  }
}

/**
 * The names in a directory, sorted.
 *
 * @throws AdjointError `file-not-found`, `invalid-argument`
 * @example
 * await io.saveNpy("listed.npy", eye(2));
 * (await io.listDirectory(".", "example")).includes("listed.npy"); // → true
 */
export async function listDirectory(directory: string, operation: string): Promise<string[]> {
  checkOperation(operation, "listDirectory");
  checkPath(directory, operation, "directory");
  const { readdir } = await import("node:fs/promises");
  try {
    return (await readdir(directory)).sort();
  } catch (cause) {
    throw readingError(cause, directory, operation);
  }
}

function readingError(cause: unknown, file: string, operation: string): AdjointError {
  const reason = reasonOf(cause, {
    ENOENT: "there is no such file or directory",
    EISDIR: "it is a directory, not a file",
    ENOTDIR: "it is a file, not a directory",
    ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB",
  });
  return new AdjointError(
    "file-not-found",
    `${operation}: cannot read ${file}: ${reason}`,
    { operation, file },
    { cause },
  );
}

/**
 * Writes a file whole: beside it first, then renamed, so that whatever happens it holds all of the old bytes or all of the new.
 *
 * @param bytes all of them, or parts one after the other, of which only one need be in memory
 * @param operation what messages call the caller
 * @throws AdjointError `unwritable-output`, `invalid-argument`
 * @example
 * await io.writeAtomically("example.npy", io.encodeNpy(eye(2)));
 * (await io.loadNpy("example.npy")).shape; // → 2,2
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  operation = "writeAtomically",
): Promise<void> {
  checkOperation(operation, "writeAtomically");
  checkPath(path, operation, "path");
  if (!(bytes instanceof Uint8Array || isParts(bytes)))
    throw invalidArgument(operation, "bytes", "a Uint8Array, or several", formatReceived(bytes));
  const { open, rename, rm } = await import("node:fs/promises");
  const temporary = `${path}.${process.pid}-${Date.now().toString(36)}-${writes++}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      for await (const part of bytes instanceof Uint8Array ? [bytes] : bytes) await file.writeFile(part);
      // the name must not reach the disk before the bytes do
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    // of what makes the parts, not of the file
    if (cause instanceof AdjointError) throw cause;
    const reason = reasonOf(cause, { ENOENT: "its directory does not exist", EISDIR: "it is a directory" });
    throw new AdjointError(
      "unwritable-output",
      `${operation}: cannot write ${path}: ${reason}`,
      { operation, file: path },
      { cause },
    );
  }
}

function isParts(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}

/** The new name is on the disk too: without it, a loss of power may bring the old file back. */
async function syncDirectory(path: string): Promise<void> {
  // Windows opens no directories, and keeps names in a journal of its own
  if (process.platform === "win32") return;
  const [{ open }, { dirname }] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  const directory = await open(dirname(path), "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Keeps temporary names of one process apart. */
let writes = 0;

function reasonOf(cause: unknown, known: Readonly<Record<string, string>>): string {
  const { code, message } = cause as { readonly code?: string; readonly message?: string };
  const common: Readonly<Record<string, string>> = {
    EACCES: "permission denied",
    EPERM: "permission denied",
    ENOTDIR: "a part of its path is no directory",
    ENOSPC: "the disk is full",
    EROFS: "the file system is read-only",
  };
  return known[code ?? ""] ?? common[code ?? ""] ?? message ?? String(cause);
}
