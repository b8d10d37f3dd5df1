/**
 * The workers of a shared memory: starts them, tells them which program runs, and notices when one is lost.
 *
 * Nobody waits for a worker to come: what there is to do is done by those who are there. A worker that ends while it has
 * nothing to do is not missed; one that ends with a part in hand leaves a hole in a result, so that run is refused and from
 * then on one thread does all.
 */
import { AdjointError } from "../../../util/errors.js";
import { findBlas } from "../../blas/library.js";
import { sharedMemory, type WasmMemory } from "../memory.js";
import { control, mostWorkers, workerState } from "./control.js";
import { cores, giveUpThreads, threads } from "./settings.js";
import { type StartWorker, startWorker, type WorkerHandle } from "./start.js";
import type { WorkerData } from "./worker.js";

/** What the pool needs of a program whose work is shared. */
export interface SharedProgram {
  /** Never used twice. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** Its matrix products as workers call them, or null where only this thread can. */
  readonly products: readonly unknown[] | null;
  /** Estimated nanoseconds of shared work in a run. */
  readonly sharedWork: number;
}

/** Shared work in nanoseconds after which workers are worth their start, which takes some 30 ms of a processor. */
const enoughToStart = 3_000_000;
/**
 * How often one looks, at some 15 ns each, before he sleeps: waking takes long where an idle processor is given to others, so a
 * worker looks for about 6 ms, longer than what lies between the steps of a training, and the main thread for as long as a part
 * may take. Measured with workers that sleep after 0.3 ms: a [784, 256, 128, 10] step took 790 µs on two threads instead of 580.
 * Next to nothing where there are more threads than processors.
 */
const patience = { main: 100_000, worker: 400_000, crowded: 50 };
/** The main thread wakes this often, in milliseconds, to see whether anything moves. */
const nap = 200;

/** Where the module of a program lies in memory, and how long it and its products are. */
interface Module {
  readonly address: number;
  readonly bytes: number;
  readonly products: number;
}

export interface PoolOptions {
  /** Milliseconds without progress after which a part counts as lost. Default 10,000. */
  readonly lostAfter?: number;
  readonly start?: StartWorker;
}

const at = (address: number): number => address >> 2;

export class Pool {
  readonly memory: WasmMemory;
  private readonly words: Int32Array;
  private readonly lostAfter: number;
  private readonly start: StartWorker;
  private readonly workers: (WorkerHandle | undefined)[] = [];
  private helpers = 0;
  private sharedWork = 0;
  private current = 0;
  /** Where the module of a program lies that workers may want. */
  private readonly modules = new Map<number, Module>();
  private moved = { done: -1, taken: 0, seen: 0, looked: 0 };
  private readonly blas: WorkerData["blas"];

  constructor(memory: WasmMemory, blas: WorkerData["blas"], options: PoolOptions = {}) {
    this.memory = memory;
    this.blas = blas;
    this.words = new Int32Array(memory.memory.buffer, 0, at(control.workers) + mostWorkers);
    this.lostAfter = options.lostAfter ?? 10_000;
    this.start = options.start ?? startWorker;
  }

  /** Before a run: the workers there should be, and which program it is. */
  prepare(program: SharedProgram): void {
    const helpers = threads() - 1;
    if (helpers !== this.helpers) this.resize(helpers, program);
    if (this.helpers === 0 || this.current === program.number) return;
    this.announce(program);
  }

  private resize(helpers: number, { sharedWork }: SharedProgram): void {
    this.sharedWork += sharedWork;
    if (this.helpers === 0 && this.workers.length === 0 && this.sharedWork < enoughToStart) return;
    for (let index = 0; index < helpers; index++)
      if (this.workers[index] === undefined && !this.startOne(index)) {
        this.setHelpers(0);
        return;
      }
    this.setHelpers(helpers);
  }

  private setHelpers(helpers: number): void {
    this.helpers = helpers;
    const { words } = this;
    const isCrowded = helpers + 1 > cores();
    words[at(control.patience)] = isCrowded ? patience.crowded : patience.main;
    words[at(control.workerPatience)] = isCrowded ? patience.crowded : patience.worker;
    Atomics.store(words, at(control.helpers), helpers);
    for (const address of [control.roster, control.bell]) {
      Atomics.add(words, at(address), 1);
      Atomics.notify(words, at(address));
    }
  }

  private startOne(index: number): boolean {
    const data: WorkerData = {
      memory: this.memory.memory,
      index,
      control,
      state: workerState,
      blas: this.blas,
    };
    Atomics.store(this.words, at(control.workers) + index, workerState.starting);
    try {
      const worker = this.start(data, (reason) => {
        // what ends may say so twice, when another is in its place
        if (this.workers[index] === worker) this.ended(index, reason);
      });
      this.workers[index] = worker;
      return true;
    } catch (error) {
      giveUpThreads(`a worker could not be started: ${messageOf(error)}`);
      return false;
    }
  }

  private ended(index: number, reason: string): void {
    this.workers[index] = undefined;
    if (this.stateOf(index) === workerState.starting || this.workers.every((worker) => worker === undefined))
      giveUpThreads(`a worker has ended: ${reason}`);
  }

  private stateOf(index: number): number {
    return Atomics.load(this.words, at(control.workers) + index);
  }

  /** Workers that have said that they are there. */
  get ready(): number {
    const states = this.workers.map((worker, index) => (worker === undefined ? -1 : this.stateOf(index)));
    return states.filter((state) => state === workerState.ready || state === workerState.readyWithBlas)
      .length;
  }

  /** Parts that workers have done so far. */
  get taken(): number {
    return Atomics.load(this.words, at(control.taken)) >>> 0;
  }

  private announce(program: SharedProgram): void {
    const { words } = this;
    const { address, bytes, products } = this.modules.get(program.number) ?? this.deposit(program);
    this.change(() => {
      words[at(control.moduleAddress)] = address;
      words[at(control.moduleBytes)] = bytes;
      words[at(control.productsBytes)] = products;
      this.setCurrent(program.number);
    });
  }

  /** Changes what is said of the program; who reads it meanwhile notices. */
  private change(say: () => void): void {
    Atomics.add(this.words, at(control.announcements), 1);
    say();
    Atomics.add(this.words, at(control.announcements), 1);
  }

  private deposit({ number, bytes, products }: SharedProgram): Module {
    const text = new TextEncoder().encode(JSON.stringify(products));
    const address = this.memory.allocate(bytes.length + text.length);
    const target = new Uint8Array(this.memory.memory.buffer, address, bytes.length + text.length);
    target.set(bytes);
    target.set(text, bytes.length);
    const module = { address, bytes: bytes.length, products: text.length };
    this.modules.set(number, module);
    return module;
  }

  private setCurrent(number: number): void {
    this.current = number;
    Atomics.store(this.words, at(control.program), number);
    // the upper half of the claims; in the lower there is nothing to claim now
    Atomics.store(this.words, at(control.claims) + 1, number);
  }

  /** The program is gone: so is its module, when nobody can be reading it any more. */
  forget(number: number): void {
    if (this.current === number) this.change(() => this.setCurrent(0));
    const module = this.modules.get(number);
    if (module === undefined) return;
    this.modules.delete(number);
    this.memory.release(module.address);
  }

  /**
   * Called while parts are not done that others have taken: sleeps a while where this thread may.
   * @throws AdjointError `worker-lost` when one of them will never be done
   */
  stalled(): void {
    const { words } = this;
    const done = Atomics.load(words, at(control.done));
    // the last part may have been done since it was found undone: nobody would wake who slept now
    if (done === words[at(control.parts)]) return;
    const now = performance.now();
    // a long time between two looks is one in which this thread itself stood still, or did something else
    // one run after the other may be found with as many parts done, but not without any done between
    const { taken } = this;
    const { moved } = this;
    if (done !== moved.done || taken !== moved.taken || now - moved.looked > 5 * nap)
      this.moved = { done, taken, seen: now, looked: now };
    this.moved.looked = now;
    const hasDied = this.workers.some((_, index) => this.stateOf(index) === workerState.died);
    if (hasDied || now - this.moved.seen > this.lostAfter) this.lose();
    if (!maySleep()) return;
    Atomics.store(words, at(control.waiting), 1);
    Atomics.wait(words, at(control.done), done, nap);
    Atomics.store(words, at(control.waiting), 0);
  }

  private lose(): never {
    giveUpThreads("a worker was lost in the middle of its work");
    this.setHelpers(0);
    for (const worker of this.workers) worker?.stop();
    this.workers.fill(undefined);
    throw new AdjointError(
      "worker-lost",
      "wasm: a worker thread has ended or hangs in the middle of its work, so this run has no result; from now on one thread computes",
      { operation: "wasm", expected: "worker threads that are left alone" },
    );
  }
}

let common: Pool | undefined;

/** The workers of all programs that are given no others; undefined where there is no room for memory to share. */
export function commonPool(): Pool | undefined {
  const blas = findBlas().blas?.forWorkers ?? null;
  try {
    common ??= new Pool(sharedMemory(), blas);
  } catch (error) {
    // shared memory takes 4 GiB of addresses at once, which small machines may not have
    giveUpThreads(`shared memory is refused: ${messageOf(error)}`);
  }
  return common;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

let sleeps: boolean | undefined;

/** Whether this thread may wait: on the main thread of a page it may not. */
function maySleep(): boolean {
  if (sleeps === undefined)
    try {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0);
      sleeps = true;
    } catch {
      sleeps = false;
    }
  return sleeps;
}
