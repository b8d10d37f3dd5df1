/**
 * The checkpoints of a directory. A file is written under another name, brought to the disk (fsync), renamed, and the
 * directory brought to the disk: so under its own name there is nothing or all of it, whenever the machine stops (Pillai et
 * al. 2014 list what goes wrong without each of these). What it cannot promise is a disk that lies about fsync; for
 * that there is the digest, and the checkpoint before.
 */
import { AdjointError } from "../../index.js";
import { type CheckpointFiles, fileReason } from "./files.js";
import { type CheckpointContents, openContents, seal } from "./format.js";
import type { Notice } from "./options.js";

const named = /^checkpoint-(\d+)\.safetensors$/;
/** What a run that was killed left of a file it was writing. */
const unfinished = /^(checkpoint-\d+|best)\.safetensors\.[\w-]+\.tmp$/;
export const bestName = "best.safetensors";

/** `checkpoint-000000120.safetensors`: sorted by name they are sorted by step. */
export function checkpointName(step: number): string {
  return `checkpoint-${String(step).padStart(9, "0")}.safetensors`;
}

/** A checkpoint that was read. */
export interface Found extends CheckpointContents {
  readonly file: string;
}

/** What is told of a checkpoint that is passed over. */
export type Tell = (notice: Extract<Notice, { kind: "checkpoint-damaged" }>) => unknown;

export class CheckpointStore {
  readonly directory: string;
  private readonly files: CheckpointFiles;
  private readonly keep: number;

  constructor(directory: string, files: CheckpointFiles, keep: number) {
    this.directory = directory;
    this.files = files;
    this.keep = keep;
  }

  path(name: string): string {
    return `${this.directory}/${name}`;
  }

  /**
   * Makes the directory and removes what a killed run left half-written.
   * @throws AdjointError `checkpoint-failed`
   */
  async open(): Promise<void> {
    try {
      await this.files.makeDirectory(this.directory);
      for (const name of await this.files.list(this.directory))
        if (unfinished.test(name)) await this.files.remove(this.path(name));
    } catch (cause) {
      throw failed(this.directory, cause);
    }
  }

  /** Numbered checkpoints, the latest first; none where there is no such directory. */
  async names(): Promise<string[]> {
    let names: string[];
    try {
      names = await this.files.list(this.directory);
    } catch (cause) {
      const { code } = cause as { readonly code?: string };
      if (code === "ENOENT" || code === "ENOTDIR") return [];
      throw unreadable(this.directory, cause);
    }
    const step = (name: string): number => Number(named.exec(name)?.[1]);
    return names.filter((name) => named.test(name)).sort((a, b) => step(b) - step(a));
  }

  /**
   * The latest checkpoint that is intact, or undefined where there is none at all.
   * @throws AdjointError `checkpoint-damaged` where there are some, but none is intact
   */
  async latest(tell: Tell): Promise<Found | undefined> {
    const names = await this.names();
    const reasons: string[] = [];
    for (const [i, name] of names.entries()) {
      const file = this.path(name);
      try {
        return { ...(await this.read(name)), file };
      } catch (error) {
        if (!(error instanceof AdjointError) || error.code !== "checkpoint-damaged") throw error;
        const reason = error.details.received ?? error.message;
        reasons.push(`${name}: ${reason}`);
        if (i + 1 === names.length) break;
        await tell({
          kind: "checkpoint-damaged",
          file,
          reason,
          message: `${error.message.replace("fit: ", "")}; the one before it is looked at`,
        });
      }
    }
    if (reasons.length === 0) return undefined;
    throw new AdjointError(
      "checkpoint-damaged",
      `fit: no checkpoint in ${this.directory} is intact (${reasons.join("; ")}); restore one from a copy, or start anew in another directory`,
      { operation: "fit", file: this.directory, received: reasons.join("; ") },
    );
  }

  /** What there is of any run, for messages: the latest checkpoint, or the best alone; undefined where there is neither. */
  async existing(): Promise<string | undefined> {
    const [latest] = await this.names();
    return latest ?? ((await this.hasBest()) ? bestName : undefined);
  }

  private async hasBest(): Promise<boolean> {
    const names = await this.files.list(this.directory).catch((): string[] => []);
    return names.includes(bestName);
  }

  /** The best checkpoint, or undefined where none was kept. @throws AdjointError `checkpoint-damaged` */
  async best(): Promise<Found | undefined> {
    return (await this.hasBest()) ? { ...(await this.read(bestName)), file: this.path(bestName) } : undefined;
  }

  /** @throws AdjointError `checkpoint-damaged`, `file-not-found` */
  private async read(name: string): Promise<CheckpointContents> {
    const file = this.path(name);
    let bytes: Uint8Array;
    try {
      bytes = await this.files.read(file);
    } catch (cause) {
      throw unreadable(file, cause);
    }
    return openContents(bytes, file);
  }

  /**
   * Writes a checkpoint and removes those beyond the ones that are kept.
   *
   * @param isBest also as `best.safetensors`
   * @returns its path
   * @throws AdjointError `checkpoint-failed`; then what was there before is still there
   */
  async write(step: number, bytes: Uint8Array, isBest: boolean): Promise<string> {
    await seal(bytes);
    const name = checkpointName(step);
    const file = this.path(name);
    try {
      await this.replace(name, bytes);
      if (isBest) await this.linkBest(name, bytes);
    } catch (cause) {
      throw failed(file, cause);
    }
    await this.prune(step);
    return file;
  }

  /** Makes the numbered checkpoint the best one, where a killed run did not come to it. */
  async repairBest(step: number): Promise<void> {
    const name = checkpointName(step);
    try {
      const bytes = await this.files.read(this.path(name));
      await this.linkBest(name, bytes);
    } catch (cause) {
      throw failed(this.path(bestName), cause);
    }
  }

  private async replace(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = this.path(temporaryName(name));
    try {
      const file = await this.files.create(temporary);
      try {
        await file.write(bytes);
        // the name must not reach the disk before the bytes do
        await file.sync();
      } finally {
        await file.close();
      }
      await this.files.rename(temporary, this.path(name));
    } catch (cause) {
      await this.files.remove(temporary).catch(() => {});
      throw cause;
    }
    await this.files.syncDirectory(this.directory);
  }

  /** A second name costs nothing, where the file system has such. */
  private async linkBest(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = this.path(temporaryName(bestName));
    try {
      await this.files.link(this.path(name), temporary);
    } catch {
      await this.replace(bestName, bytes);
      return;
    }
    await this.files.rename(temporary, this.path(bestName));
    // renaming one name of a file to another of its names does nothing, and leaves both
    await this.files.remove(temporary);
    await this.files.syncDirectory(this.directory);
  }

  /** Keeps the latest up to this step. What lies beyond it is of a future that was damaged, and is not intact. */
  private async prune(step: number): Promise<void> {
    const names = await this.names().catch((): string[] => []);
    const past = names.filter((name) => Number(named.exec(name)?.[1]) <= step);
    const beyond = names.filter((name) => !past.includes(name));
    // a file too many does no harm: the run does not end for it
    for (const name of [...beyond, ...past.slice(this.keep)])
      await this.files.remove(this.path(name)).catch(() => {});
  }
}

let temporaries = 0;

function temporaryName(name: string): string {
  const { pid } = (globalThis as { readonly process?: { readonly pid?: number } }).process ?? {};
  return `${name}.${pid ?? 0}-${Date.now().toString(36)}-${temporaries++}.tmp`;
}

function failed(file: string, cause: unknown): AdjointError {
  return new AdjointError(
    "checkpoint-failed",
    `fit: cannot write the checkpoint ${file}: ${fileReason(cause)}; those written before are untouched`,
    { operation: "fit", file, expected: "a checkpoint", received: fileReason(cause) },
    { cause },
  );
}

function unreadable(file: string, cause: unknown): AdjointError {
  return new AdjointError(
    "file-not-found",
    `fit: cannot read ${file}: ${fileReason(cause)}`,
    { operation: "fit", file },
    { cause },
  );
}
