/**
 * The files of a run's folder, in Node. A file that grows is on the disk after every line; one that is written whole is the old or the
 * new one, never a part. Node's modules are imported when they are needed, so bundles for browsers hold none of this.
 */
import { AdjointError } from "../../index.js";
import { makeDirectories } from "../checkpoint/files.js";

const operation = "runFolder";

/** @throws AdjointError `unwritable-output` */
export async function makeDirectory(directory: string): Promise<void> {
  await makeDirectories(directory).catch((cause) => refuse(cause, directory));
}

export async function exists(file: string): Promise<boolean> {
  const { stat } = await import("node:fs/promises");
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Bytes of a file; 0 where there is none. */
export async function sizeOf(file: string): Promise<number> {
  const { stat } = await import("node:fs/promises");
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Removes files of a run that is replaced. */
export async function removeFiles(directory: string, names: readonly string[]): Promise<void> {
  const { rm } = await import("node:fs/promises");
  for (const name of names)
    await rm(`${directory}/${name}`, { force: true }).catch((cause) => refuse(cause, directory));
}

export async function namesIn(directory: string): Promise<string[]> {
  const { readdir } = await import("node:fs/promises");
  return readdir(directory).catch((cause) => refuse(cause, directory));
}

/**
 * Adds to the end of a file, which is on the disk when this resolves.
 * @throws AdjointError `unwritable-output`
 */
export async function append(file: string, content: string | Uint8Array): Promise<void> {
  const { open } = await import("node:fs/promises");
  try {
    const handle = await open(file, "a");
    try {
      await handle.appendFile(content);
      await handle.datasync();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    refuse(cause, file);
  }
}

/** @throws AdjointError `unwritable-output` */
export async function writeText(file: string, text: string): Promise<void> {
  const { writeAtomically } = await import("../../io/index.js");
  await writeAtomically(file, new TextEncoder().encode(text), operation);
}

/** @throws AdjointError `file-not-found` */
export async function readText(file: string, reader: string): Promise<string> {
  const { readBytes } = await import("../../io/index.js");
  return new TextDecoder().decode((await readBytes(file, reader)).bytes);
}

function refuse(cause: unknown, file: string): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new AdjointError(
    "unwritable-output",
    `${operation}: cannot write ${file}: ${reason}`,
    { operation, file },
    { cause },
  );
}
