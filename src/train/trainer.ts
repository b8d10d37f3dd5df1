/**
 * Epochs of compiled steps. Each step is one call of a program that keeps the model and the optimizer's state to itself;
 * JavaScript picks rows and counts. The total of the losses is moved out of the program at fixed numbers of steps, not of
 * milliseconds, so that two runs with the same seed report the same digits.
 */
import { AdjointError, isTensor, random, type Tensor, tensor } from "../index.js";
import { flatten, leafPaths } from "../util/tree.js";
import type { Position } from "./checkpoint/record.js";
import type { Saver } from "./checkpoint/saver.js";
import type { Fed, Feed } from "./feed.js";
import { hasOnlyFinite } from "./model.js";
import { isLibraryLoss, labelOutOfRange } from "./objective.js";
import { pause } from "./pause.js";
import { Replay, type Taken } from "./replay.js";
import type { FitOptions } from "./run.js";
import { compileStep, type Progress, type Step, type StepOptions, type Trained, trainedOf } from "./step.js";
import type { Watch } from "./watch.js";

/** Steps between readings of the total: few float32 terms in a sum. */
const stepsPerReading = 64;

/** Milliseconds between pauses for the event loop: a display that follows is fluid, and the cost is not seen. */
const pauseAfter = 50;
/** While a file is being written, which takes some turns of the event loop. */
const pauseAfterWriting = 5;

/** A run as it is prepared. */
export interface Job extends Omit<StepOptions, "largestLabel" | "onClasses"> {
  readonly feed: Feed;
  readonly epochs: number;
  /** Batches in an update. */
  readonly accumulate: number;
  /** Who looks at it while it goes. */
  readonly watch?: Watch;
  /** Who writes it down while it goes. */
  readonly saver?: Saver;
  /** For each tensor of the model: whether it held finite numbers only when the run began, and so has to. */
  readonly expectsFinite: readonly boolean[];
}

/** Where a run begins, or goes on. */
export interface Beginning {
  readonly progress: Progress;
  /** Decides the order of the examples, from this epoch on. */
  readonly key: Tensor;
  readonly position: Position;
}

type TrainerOptions = Pick<FitOptions, "shuffle" | "onBatch" | "onProgress" | "signal">;

export class Trainer {
  private readonly job: Job;
  private readonly options: TrainerOptions;
  private readonly stepOptions: StepOptions;
  private readonly step: Step;
  private readonly replay = new Replay();
  private readonly started = performance.now();
  private pausedAt = this.started;
  /** When the epoch that is running began, or went on; undefined between epochs. */
  private epochStarted: number | undefined;
  /** Each step replaces it and uses up the one before. */
  private progress: Progress;
  /** Of this epoch. */
  private key: Tensor;
  private readonly at: { -readonly [K in keyof Position]: Position[K] };
  /** Classes the model tells apart, once a step was traced. */
  private classes = Number.POSITIVE_INFINITY;

  constructor(job: Job, options: TrainerOptions, { progress, key, position }: Beginning) {
    this.job = job;
    this.options = options;
    this.progress = progress;
    this.key = key;
    this.at = { ...position };
    this.stepOptions = {
      ...job,
      largestLabel: () => job.feed.largestLabel,
      onClasses: (classes) => {
        this.classes = classes;
      },
    };
    this.step = compileStep(this.stepOptions);
  }

  /** Where the run is, as of now. */
  get position(): Position {
    const since = this.epochStarted === undefined ? 0 : (performance.now() - this.epochStarted) / 1000;
    return { ...this.at, epochSeconds: this.at.epochSeconds + since, seconds: this.seconds };
  }

  /** Updates since the run began. */
  get steps(): number {
    return this.at.steps;
  }

  get seconds(): number {
    return this.at.seconds + (performance.now() - this.started) / 1000;
  }

  /** The model and the optimizer's state as they are now; the next step uses them up. */
  get trained(): Trained {
    return trainedOf(this.progress);
  }

  /** All that a checkpoint has to keep besides `position`. */
  get held(): Pick<Beginning, "progress" | "key"> {
    return { progress: this.progress, key: this.key };
  }

  /**
   * One pass through the data, or what is left of it.
   * @returns the mean loss, or undefined where the signal ended the run
   * @throws AdjointError `non-finite`
   */
  async runEpoch(): Promise<number | undefined> {
    const { feed } = this.job;
    const { shuffle = true } = this.options;
    this.epochStarted = performance.now();
    feed.begin(shuffle ? random.split(this.key)[1] : undefined, this.at.batch);
    try {
      for (;;) {
        const limit = this.job.saver?.isWriting === true ? pauseAfterWriting : pauseAfter;
        if (performance.now() - this.pausedAt > limit) await this.pauseAWhile();
        const next = feed.next();
        const fed = next instanceof Promise ? await next : next;
        if (this.options.signal?.aborted === true) return undefined;
        if (fed === undefined) break;
        // waiting for nothing would take longer than all else that is done here beside a step
        const waiting = this.take(fed);
        if (waiting !== undefined) await waiting;
        if (this.job.saver?.isDue(this.steps) === true) await this.save(false);
      }
    } finally {
      await feed.end();
      this.at.epochSeconds = this.position.epochSeconds;
      this.epochStarted = undefined;
    }
    if (this.at.examples === 0)
      throw new AdjointError("invalid-data", "fit: data has no examples", {
        operation: "fit",
        argument: "data",
      });
    this.moveTotal(this.progress.tally.total.itemSync());
    return this.at.lossSum / this.at.examples;
  }

  /** The epoch is over, and all that belongs to it is done. */
  endEpoch(): void {
    Object.assign(this.at, { batch: 0, examples: 0, lossSum: 0, epochSeconds: 0 });
    this.at.epoch++;
    if (this.options.shuffle !== false) [this.key] = random.split(this.key);
  }

  /**
   * Writes a checkpoint of now, where there are such.
   * @throws AdjointError `non-finite` where the last update has left the model with NaN or infinities: that is neither kept nor
   * handed out, and no later loss tells of it
   */
  async save(isBest: boolean): Promise<void> {
    const { saver, expectsFinite } = this.job;
    const { leaves, structure } = flatten(this.trained.model, isTensor);
    const bad = leaves.findIndex((leaf, i) => expectsFinite[i] && !hasOnlyFinite(leaf));
    if (bad >= 0) {
      const name = leafPaths(structure)[bad];
      await this.fail(`the update made ${name} not finite`, Number.NaN, this.steps);
    }
    await saver?.save(isBest);
  }

  /** One batch; a promise where someone looks on. */
  private take(fed: Fed): Promise<void> | undefined {
    const { loss, feed, watch, accumulate } = this.job;
    if (feed.largestLabel !== undefined && feed.largestLabel >= this.classes && isLibraryLoss(loss))
      throw labelOutOfRange(feed.largestLabel, this.classes, "fit");
    // batches are counted from the epoch's beginning, so that its updates are those of larger batches
    const applies = fed.isLast || (this.at.batch + 1) % accumulate === 0;
    const taken = { x: fed.x, y: fed.y, rate: this.learningRate(), applies };
    if (watch === undefined) return this.makeStep(taken, fed);
    return (async () => {
      await watch.before(this.at.calls, () => this.trained, taken);
      await this.makeStep(taken, fed);
    })();
  }

  private makeStep(taken: Taken, fed: Fed): Promise<void> | undefined {
    const { at } = this;
    this.replay.before(this.progress, at.calls, taken, this.job.feed.heldBytes(fed));
    const [progress, loss] = this.step(this.progress, taken);
    this.progress = progress;
    at.batch++;
    at.calls++;
    at.examples += fed.count;
    if (taken.applies) at.steps++;
    // a few tenths of a microsecond, and no step is made after one that went wrong
    const total = progress.tally.total.itemSync();
    if (!Number.isFinite(total))
      return this.fail(`the loss became ${total}`, total, taken.applies ? at.steps : at.steps + 1);
    if (at.calls % stepsPerReading === 0) this.moveTotal(total);
    return loss === undefined ? undefined : this.tell(loss);
  }

  private async tell(loss: Tensor): Promise<void> {
    const { epoch, batch, steps } = this.at;
    await this.options.onBatch?.({ epoch, batch, step: steps, loss: await loss.item() });
  }

  /** What the schedule says, as a tensor: a new number must not make a new program. */
  private learningRate(): Tensor | undefined {
    const { schedule } = this.job.optimizer;
    return schedule && tensor(schedule(this.at.stepsBefore + this.at.steps), { dtype: "float64" });
  }

  /** Moves the program's total to ours, which is a float64. */
  private moveTotal(total: number): void {
    this.at.lossSum += total;
    const { tally } = this.progress;
    const zero = tensor(0, { dtype: tally.total.dtype });
    this.progress = { ...this.progress, tally: { ...tally, total: zero } };
  }

  /** @throws AdjointError `non-finite` */
  private async fail(what: string, received: number, step: number): Promise<never> {
    const { watch, saver } = this.job;
    await watch?.broken(this.replay, this.step);
    // what is being written is of before, and good
    await saver?.settle();
    const checkpoint = saver?.last;
    // between two epochs, what failed is of the one before
    const epoch = this.at.batch === 0 ? this.at.epoch - 1 : this.at.epoch;
    const { nonFinite } = await import("./diagnose.js");
    throw await nonFinite(
      { what, received, step, epoch, ...(checkpoint !== undefined && { checkpoint }) },
      this.replay,
      this.step,
      this.stepOptions,
    );
  }

  private async pauseAWhile(): Promise<void> {
    const { onProgress } = this.options;
    const { epoch, batch, examples, lossSum } = this.at;
    if (onProgress !== undefined && batch > 0)
      await onProgress({
        epoch,
        epochs: this.job.epochs,
        batch,
        batches: this.job.feed.batches ?? 0,
        step: this.steps,
        loss: (lossSum + this.progress.tally.total.itemSync()) / examples,
        seconds: this.seconds,
      });
    await pause();
    this.pausedAt = performance.now();
  }
}
