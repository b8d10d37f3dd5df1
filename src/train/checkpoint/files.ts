/**
 * Where checkpoints are kept: the few operations a file system must have for a file to survive anything. The default is
 * Node's, loaded when it is needed, so that bundles for browsers hold none of it; another can be given.
 */
import { AdjointError } from "../../index.js";

/** A file that is being written. */
export interface OpenFile {
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves once the bytes are on the disk, not merely on their way. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** What checkpoints need of a file system. Paths are those of `directory` and of names in it, joined by `/`. */
export interface CheckpointFiles {
  /** Makes a directory and those above it; one that exists is fine. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory. */
  list(directory: string): Promise<string[]>;
  read(path: string): Promise<Uint8Array>;
  /** Makes a new file; one that exists is an error. */
  create(path: string): Promise<OpenFile>;
  /** Replaces what is at `to`, at once. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for the same file; may fail, and then a copy is written. */
  link(existing: string, path: string): Promise<void>;
  /** Removes a file; one that is not there is fine. */
  remove(path: string): Promise<void>;
  /** Resolves once the names in a directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
}

/** Node's file system. @throws AdjointError `unsupported` where there is none, as in a browser */
export async function nodeFiles(): Promise<CheckpointFiles> {
  const fs = await import("node:fs/promises").catch((cause: unknown) => {
    throw new AdjointError(
      "unsupported",
      "fit: checkpoints need a file system, and there is none here; give one of your own as checkpoint.files",
      { operation: "fit", argument: "checkpoint.files" },
      { cause },
    );
  });
  return {
    makeDirectory: makeDirectories,
    list: (directory) => fs.readdir(directory),
    read: (path) => fs.readFile(path),
    async create(path) {
      const file = await fs.open(path, "wx");
      return {
        write: (bytes) => file.writeFile(bytes),
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
    rename: (from, to) => fs.rename(from, to),
    link: (existing, path) => fs.link(existing, path),
    remove: (path) => fs.rm(path, { force: true }),
    async syncDirectory(path) {
      // Windows opens no directories, and keeps names in a journal of its own
      if (process.platform === "win32") return;
      const directory = await fs.open(path, "r");
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    },
  };
}

/**
 * Makes a directory and those above it, one after the other, from the top: told to make all, `mkdir` tries for ever where a file system denies that an
 * existing directory exists, as /proc does.
 */
export async function makeDirectories(path: string): Promise<void> {
  const [fs, { dirname }] = await Promise.all([import("node:fs/promises"), import("node:path")]);
  const exists = (at: string): Promise<boolean> =>
    fs.stat(at).then(
      (found) => found.isDirectory(),
      () => false,
    );
  if (await exists(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectories(parent);
  try {
    await fs.mkdir(path);
  } catch (cause) {
    // another process may have been faster
    if (!(await exists(path))) throw cause;
  }
}

/** Why a file operation failed, in words. */
export function fileReason(cause: unknown): string {
  const { code, message } = cause as { readonly code?: string; readonly message?: string };
  const known: Readonly<Record<string, string>> = {
    ENOENT: "there is no such file or directory",
    EACCES: "permission denied",
    EPERM: "permission denied",
    ENOTDIR: "a part of its path is no directory",
    EEXIST: "a file is in its way",
    EISDIR: "it is a directory",
    ENOSPC: "the disk is full",
    EDQUOT: "the disk quota is used up",
    EROFS: "the file system is read-only",
    EIO: "the disk reports an error",
  };
  return known[code ?? ""] ?? message ?? String(cause);
}
