/** Whole files in Node, written so that a reader sees the old one or the new one. */
import { AdjointError } from "../index.js";

/** @throws AdjointError `file-not-found` */
export async function readBytes(path: string, operation: string): Promise<Uint8Array> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(path);
  } catch (cause) {
    const reason = reasonOf(cause, { ENOENT: "there is no such file", EISDIR: "it is a directory" });
    throw new AdjointError(
      "file-not-found",
      `${operation}: cannot read ${path}: ${reason}`,
      { operation, file: path },
      { cause },
    );
  }
}

/**
 * Writes a file whole: beside it first, then renamed, so that whatever happens it holds all of the old bytes or all of the new.
 *
 * @param operation what messages call the caller
 * @throws AdjointError `unwritable-output`
 * @example
 * await io.writeAtomically("example.npy", io.encodeNpy(eye(2)));
 * (await io.loadNpy("example.npy")).shape; // → 2,2
 */
export async function writeAtomically(
  path: string,
  bytes: Uint8Array,
  operation = "writeAtomically",
): Promise<void> {
  const { open, rename, rm } = await import("node:fs/promises");
  const temporary = `${path}.${process.pid}-${Date.now().toString(36)}-${writes++}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      await file.writeFile(bytes);
      // the name must not reach the disk before the bytes do
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    const reason = reasonOf(cause, { ENOENT: "its directory does not exist", EISDIR: "it is a directory" });
    throw new AdjointError(
      "unwritable-output",
      `${operation}: cannot write ${path}: ${reason}`,
      { operation, file: path },
      { cause },
    );
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
