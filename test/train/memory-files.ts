/**
 * A file system in memory that can lose power. Like a real one it promises little: bytes are on the disk once their file was
 * synced, names once their directory was. What is not promised is decided against whoever relies on it.
 */
import type { CheckpointFiles, OpenFile } from "../../src/train/index.js";

interface Inode {
  bytes: Uint8Array;
  /** What a loss of power leaves. */
  onDisk: Uint8Array;
}

/** What a loss of power does to names that were not synced: they never were, or they are, without their bytes. */
export type Names = "late" | "early";

export class MemoryFiles implements CheckpointFiles {
  /** Operations so far, in order: `sync checkpoint-000000002.safetensors…`. */
  readonly log: string[] = [];
  /** Called before each operation; what it throws the operation fails with. */
  before: (operation: string, path: string) => unknown = () => {};
  private names = new Map<string, Inode>();
  private namesOnDisk = new Map<string, Inode>();

  /** A file system with these files, by path. */
  static of(files: Iterable<readonly [string, Uint8Array]>): MemoryFiles {
    const made = new MemoryFiles();
    for (const [path, bytes] of files) made.put(path, bytes);
    return made;
  }

  put(path: string, bytes: Uint8Array): void {
    this.names.set(path, { bytes, onDisk: bytes });
    this.namesOnDisk = new Map(this.names);
  }

  get(path: string): Uint8Array | undefined {
    return this.names.get(path)?.bytes;
  }

  paths(): string[] {
    return [...this.names.keys()].sort();
  }

  /** The disk after the power came back. */
  afterPowerLoss(mode: Names): MemoryFiles {
    const names = mode === "late" ? this.namesOnDisk : this.names;
    return MemoryFiles.of([...names].map(([path, { onDisk }]) => [path, onDisk] as const));
  }

  private async step(operation: string, path: string): Promise<void> {
    this.log.push(`${operation} ${path}`);
    await this.before(operation, path);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.step("makeDirectory", path);
  }

  async list(directory: string): Promise<string[]> {
    await this.step("list", directory);
    const inside = `${directory}/`;
    return this.paths().flatMap((path) => (path.startsWith(inside) ? [path.slice(inside.length)] : []));
  }

  async read(path: string): Promise<Uint8Array> {
    await this.step("read", path);
    const found = this.names.get(path);
    if (found === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
    return found.bytes;
  }

  async create(path: string): Promise<OpenFile> {
    await this.step("create", path);
    const inode: Inode = { bytes: new Uint8Array(0), onDisk: new Uint8Array(0) };
    this.names.set(path, inode);
    return {
      write: async (bytes) => {
        await this.step("write", path);
        // what is given may be written to later
        inode.bytes = bytes.slice();
      },
      sync: async () => {
        await this.step("sync", path);
        inode.onDisk = inode.bytes;
      },
      close: async () => {
        await this.step("close", path);
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step("rename", from);
    const inode = this.names.get(from);
    if (inode === undefined) throw Object.assign(new Error(`no ${from}`), { code: "ENOENT" });
    // two names of one file stay as they are, as POSIX has it
    if (this.names.get(to) === inode) return;
    this.names.set(to, inode);
    this.names.delete(from);
  }

  async link(existing: string, path: string): Promise<void> {
    await this.step("link", path);
    const inode = this.names.get(existing);
    if (inode === undefined) throw Object.assign(new Error(`no ${existing}`), { code: "ENOENT" });
    this.names.set(path, inode);
  }

  async remove(path: string): Promise<void> {
    await this.step("remove", path);
    this.names.delete(path);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.step("syncDirectory", path);
    this.namesOnDisk = new Map(this.names);
  }
}
