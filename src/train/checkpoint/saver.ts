/**
 * Writes checkpoints beside the run: the bytes are made between two steps, and go to the disk while the next steps are
 * made. A checkpoint that is due while another is still being written waits for it, so that a slow disk slows the run down
 * instead of filling memory.
 */
import { encodeContents } from "./format.js";
import type { CheckpointPlan } from "./options.js";
import type { Position } from "./record.js";
import { contentsOf, type RunState } from "./restore.js";
import type { CheckpointStore } from "./store.js";

/** The state there is to keep now, and the number of updates before it. */
export type Collect = () => RunState & { readonly step: number };

export class Saver {
  private readonly store: CheckpointStore;
  private readonly plan: CheckpointPlan;
  private gather: Collect | undefined;
  private writing: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;
  private lastPath: string | undefined;
  /** Updates before it; undefined where there was none yet, not even of the beginning. */
  private lastSteps: number | undefined;
  private lastAt = performance.now();

  constructor(store: CheckpointStore, plan: CheckpointPlan) {
    this.store = store;
    this.plan = plan;
  }

  /** Says who gathers what is kept. */
  collect(from: Collect): void {
    this.gather = from;
  }

  /** The checkpoint the run goes on from. */
  goOnFrom(step: number, file: string): void {
    this.lastPath = file;
    this.lastSteps = step;
  }

  /** The path of the last checkpoint that is on the disk. */
  get last(): string | undefined {
    return this.lastPath;
  }

  get isWriting(): boolean {
    return this.writing !== undefined;
  }

  /**
   * Whether a checkpoint is due after a step in the midst of an epoch.
   * @throws AdjointError `checkpoint-failed` where the last could not be written
   */
  isDue(steps: number): boolean {
    this.check();
    const { everySteps, everySeconds } = this.plan;
    if (everySteps !== undefined && steps > (this.lastSteps ?? 0) && steps % everySteps === 0) return true;
    return everySeconds !== undefined && performance.now() - this.lastAt >= 1000 * everySeconds;
  }

  /** Whether nothing was done since the last. */
  isUpToDate({ steps, batch }: Pick<Position, "steps" | "batch">): boolean {
    return batch === 0 && steps === this.lastSteps;
  }

  /** Whether one is due after an epoch. */
  isDueAfter(epoch: number): boolean {
    return epoch % this.plan.everyEpochs === 0;
  }

  /**
   * Makes the bytes, and begins to write them.
   * @throws AdjointError `checkpoint-failed` where the one before could not be written
   */
  async save(isBest: boolean): Promise<void> {
    await this.settle();
    if (this.gather === undefined) return;
    const { step, ...state } = this.gather();
    const bytes = await encodeContents(contentsOf(state));
    this.lastSteps = step;
    this.lastAt = performance.now();
    const write = async (): Promise<void> => {
      try {
        this.lastPath = await this.store.write(step, bytes, isBest);
      } catch (error) {
        this.failure = { error };
      }
      this.writing = undefined;
    };
    this.writing = write();
  }

  /**
   * Resolves when all is written.
   * @throws AdjointError `checkpoint-failed`
   */
  async settle(): Promise<void> {
    await this.writing;
    this.check();
  }

  private check(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
