/**
 * One growable WebAssembly memory for many programs: a block of static bytes for each program, and one arena that all
 * share because its contents last only while a program runs.
 *
 * Blocks are found first-fit in a list of free ranges kept in order of address and merged when they touch. Memory never shrinks:
 * WebAssembly cannot, but freed blocks are used again.
 *
 * There are two memories: an ordinary one, and one that threads share, for programs in which there is something to share. The
 * engine copies between shared memory and other arrays word by word: 31 KB in 1.1 µs where 0.2 do otherwise, 4 MB in 350 µs and
 * not 265. So small programs stay out of it.
 */
import { AdjointError } from "../../util/errors.js";
import { controlEnd } from "./threads/control.js";

/** Blocks start on cache lines. */
const alignment = 64;
/** Kernels may read up to a vector past the end of a buffer; what they read there is never used. */
const slack = 64;
const pageBytes = 65536;
const addressable = 2 ** 32;

interface Range {
  readonly start: number;
  readonly bytes: number;
}

export interface WasmMemoryOptions {
  /** Whether threads share it; then it starts with their control block. Default false. */
  readonly shared?: boolean;
  /** Where it ends. Default 4 GiB, as far as addresses reach. */
  readonly maximumBytes?: number;
}

export class WasmMemory {
  readonly memory: WebAssembly.Memory;
  readonly isShared: boolean;
  private readonly maximumBytes: number;
  /** Ordered by address, never touching each other. */
  private free: Range[] = [];
  private readonly used = new Map<number, number>();
  private end: number;
  private arenaStart = 0;
  private arenaSize = 0;

  constructor({ shared = false, maximumBytes = addressable }: WasmMemoryOptions = {}) {
    this.isShared = shared;
    this.maximumBytes = maximumBytes;
    const maximum = addressable / pageBytes;
    this.memory = new WebAssembly.Memory(shared ? { initial: 1, maximum, shared } : { initial: 1 });
    this.end = shared ? Math.ceil(controlEnd / alignment) * alignment : alignment;
  }

  /** The start of a new block of at least `bytes` bytes. */
  allocate(bytes: number): number {
    const wanted = Math.ceil((bytes + slack) / alignment) * alignment;
    const start = this.reuse(wanted) ?? this.extend(wanted);
    this.used.set(start, wanted);
    return start;
  }

  release(start: number): void {
    const bytes = this.used.get(start);
    if (bytes === undefined) return;
    this.used.delete(start);
    this.addFree({ start, bytes });
  }

  private reuse(bytes: number): number | undefined {
    const i = this.free.findIndex((range) => range.bytes >= bytes);
    if (i < 0) return undefined;
    const { start, bytes: available } = this.free[i];
    this.free.splice(
      i,
      1,
      ...(available > bytes ? [{ start: start + bytes, bytes: available - bytes }] : []),
    );
    return start;
  }

  private extend(bytes: number): number {
    // A free range at the end needs only to be made longer.
    const last = this.free[this.free.length - 1];
    const start = last !== undefined && last.start + last.bytes === this.end ? last.start : this.end;
    const end = start + bytes;
    if (end > this.maximumBytes) throw outOfMemory(bytes, this.maximumBytes);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / pageBytes));
      } catch (cause) {
        throw outOfMemory(bytes, this.maximumBytes, cause);
      }
    }
    if (start !== this.end) this.free.pop();
    this.end = end;
    return start;
  }

  private addFree({ start, bytes }: Range): void {
    const next = this.free.findIndex((range) => range.start > start);
    const at = next < 0 ? this.free.length : next;
    const before = this.free[at - 1];
    const after = this.free[at];
    const joinsBefore = before !== undefined && before.start + before.bytes === start;
    const joinsAfter = after !== undefined && start + bytes === after.start;
    const from = joinsBefore ? before.start : start;
    const to = joinsAfter ? after.start + after.bytes : start + bytes;
    this.free.splice(at - (joinsBefore ? 1 : 0), (joinsBefore ? 1 : 0) + (joinsAfter ? 1 : 0), {
      start: from,
      bytes: to - from,
    });
  }

  /** Where the shared arena of at least `bytes` bytes starts; a call that enlarges it may move it. */
  arena(bytes: number): number {
    if (this.arenaStart === 0 || bytes > this.arenaSize) {
      if (this.arenaStart !== 0) this.release(this.arenaStart);
      this.arenaStart = 0;
      this.arenaSize = this.allocateArena(bytes);
    }
    return this.arenaStart;
  }

  private allocateArena(bytes: number): number {
    // Some headroom, so that a series of growing programs does not move it each time.
    const roomy = Math.min(Math.max(bytes, this.arenaSize * 1.5), Math.max(bytes, 2 ** 28));
    this.arenaSize = 0;
    try {
      this.arenaStart = this.allocate(roomy);
      return roomy;
    } catch {
      this.arenaStart = this.allocate(bytes);
      return bytes;
    }
  }

  /** Bytes in blocks, the arena among them. */
  get usedBytes(): number {
    let sum = 0;
    for (const bytes of this.used.values()) sum += bytes;
    return sum;
  }
}

function outOfMemory(bytes: number, maximumBytes: number, cause?: unknown): AdjointError {
  const end = maximumBytes === addressable ? "4 GiB" : `${Math.floor(maximumBytes / 2 ** 20)} MiB`;
  return new AdjointError(
    "device",
    `wasm: no room for another ${bytes} bytes; WebAssembly memory ends at ${end}: use smaller batches or checkpoint()`,
    { received: `${bytes} bytes`, expected: `at most ${end} in all` },
    cause === undefined ? undefined : { cause },
  );
}

let ordinary: WasmMemory | undefined;
let shared: WasmMemory | undefined;

/** The memory of programs that run on one thread. */
export function ordinaryMemory(): WasmMemory {
  ordinary ??= new WasmMemory();
  return ordinary;
}

/** The memory of programs that several threads may share. */
export function sharedMemory(): WasmMemory {
  shared ??= new WasmMemory({ shared: true });
  return shared;
}
