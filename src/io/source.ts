/** Reading a file by parts, so that a large one need not lie in memory twice. */
import { AdjointError } from "../index.js";
import { readBytes } from "./files.js";

/** Bytes that can be read from any place. */
export interface Source {
  /** What messages call it. */
  readonly file: string;
  readonly size: number;
  /** Fills the target with the bytes from `offset` on, all of which must be there. */
  read(offset: number, target: Uint8Array): Promise<void>;
}

/** No system call reads more than 2³¹ − 1 bytes. */
const longestRead = 2 ** 30;

/**
 * Calls `use` with a file, or with bytes. What is gzipped, or no regular file, is read whole before.
 *
 * @throws AdjointError what `readBytes` and `use` throw; `file-format` where the file became shorter meanwhile
 */
export async function withSource<T>(
  source: string | Uint8Array,
  operation: string,
  use: (source: Source) => Promise<T>,
): Promise<T> {
  const file = typeof source === "string" ? await openRegular(source, operation) : undefined;
  if (file === undefined) return use(sourceOf(await readBytes(source, operation)));
  try {
    return await use(file.source);
  } finally {
    await file.close();
  }
}

interface OpenFile {
  readonly source: Source;
  readonly close: () => Promise<void>;
}

/** undefined for what should be read whole, and for what cannot be read: trying that gives the error. */
async function openRegular(path: string, operation: string): Promise<OpenFile | undefined> {
  const { open, stat } = await import("node:fs/promises");
  // before it is opened, which would take from a pipe what it holds
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const handle = await open(path).catch(() => undefined);
  if (handle === undefined) return undefined;
  const source = {
    file: path,
    size: found.size,
    read: async (offset: number, target: Uint8Array): Promise<void> => {
      for (let done = 0; done < target.length; ) {
        const wanted = Math.min(longestRead, target.length - done);
        const { bytesRead } = await handle.read(target, done, wanted, offset + done);
        if (bytesRead === 0) throw ended(path, offset + done, operation);
        done += bytesRead;
      }
    },
  };
  if (!(await isGzip(source).catch(() => true))) return { source, close: () => handle.close() };
  await handle.close();
  return undefined;
}

async function isGzip(source: Source): Promise<boolean> {
  if (source.size < 2) return false;
  const start = new Uint8Array(2);
  await source.read(0, start);
  return start[0] === 0x1f && start[1] === 0x8b;
}

function ended(file: string, offset: number, operation: string): AdjointError {
  return new AdjointError("file-format", `${operation}: ${file} ended at byte ${offset} while it was read`, {
    operation,
    file,
    offset,
  });
}

function sourceOf({ file, bytes }: { readonly file: string; readonly bytes: Uint8Array }): Source {
  return {
    file,
    size: bytes.length,
    read: async (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
  };
}
