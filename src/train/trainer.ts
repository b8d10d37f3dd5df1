/**
 * Epochs of compiled steps. Each step is one call of a program that keeps the model and the optimizer's state to itself;
 * JavaScript picks rows and counts. The total of the losses is read at fixed numbers of steps, not of milliseconds, so
 * that two runs with the same seed report the same digits.
 */
import { random, type Tensor, tensor } from "../index.js";
import { AdjointError } from "../util/errors.js";
import { BatchReader } from "./batches.js";
import { pause } from "./pause.js";
import type { FitOptions } from "./run.js";
import type { FloatDType, Source } from "./source.js";
import { type Progress, type Step, type Trained, trainedOf } from "./step.js";
import type { Watch } from "./watch.js";

/** Steps between readings of the total: few float32 terms in a sum, and a loss that is not finite is noticed soon. */
const stepsPerReading = 64;

/** Milliseconds between pauses for the event loop: a display that follows is fluid, and the cost is not seen. */
const pauseAfter = 50;

/** A run as it is prepared. */
export interface Job {
  readonly source: Source;
  readonly batchSize: number;
  readonly epochs: number;
  readonly dtype: FloatDType;
  /** Decides the order of the examples. */
  readonly key: Tensor;
  readonly step: Step;
  /** Updates made before this run: where a schedule goes on. */
  readonly stepsBefore: number;
  /** Who looks at it while it goes. */
  readonly watch?: Watch;
}

type TrainerOptions = Pick<FitOptions, "optimizer" | "shuffle" | "onBatch" | "onProgress" | "signal">;

export class Trainer {
  /** Updates made in this run. */
  steps = 0;
  private readonly job: Job;
  private readonly options: TrainerOptions;
  private readonly reader: BatchReader;
  private readonly started = performance.now();
  private pausedAt = this.started;
  private key: Tensor;
  /** Each step replaces it and uses up the one before. */
  private progress: Progress;
  /** Σ loss · examples of this epoch, as far as read. */
  private lossSum = 0;
  private examplesSeen = 0;

  constructor(job: Job, options: TrainerOptions, progress: Progress) {
    this.job = job;
    this.options = options;
    this.progress = progress;
    this.reader = new BatchReader(job.source, job.dtype);
    this.key = job.key;
  }

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** The model and the optimizer's state as they are now; the next step uses them up. */
  get trained(): Trained {
    return trainedOf(this.progress);
  }

  /**
   * One pass through the data.
   * @returns the mean loss, or undefined where the signal ended the run
   * @throws AdjointError `non-finite`
   */
  async runEpoch(epoch: number): Promise<number | undefined> {
    const { source, batchSize, step, watch } = this.job;
    const { onBatch, signal } = this.options;
    const order = this.nextOrder();
    const batches = Math.ceil(source.size / batchSize);
    this.lossSum = 0;
    this.examplesSeen = 0;
    for (let batch = 0; batch < batches; batch++) {
      if (performance.now() - this.pausedAt > pauseAfter) await this.pauseFor(epoch, batch, batches);
      if (signal?.aborted === true) return undefined;
      const start = batch * batchSize;
      const stop = Math.min(source.size, start + batchSize);
      const { x, y } = this.reader.read(start, stop, order);
      const rate = this.learningRate();
      if (watch !== undefined)
        await watch.before(this.steps, () => this.trained, this.progress.tally.finite, { x, y, rate });
      const [progress, loss] = step(this.progress, x, y, rate);
      this.progress = progress;
      this.steps++;
      this.examplesSeen += stop - start;
      if (loss !== undefined && onBatch !== undefined) {
        const event = { epoch, batch: batch + 1, step: this.steps, loss: await loss.item() };
        if (!Number.isFinite(event.loss)) await this.readTotal(epoch);
        onBatch(event);
      }
      if (this.steps % stepsPerReading === 0) await this.readTotal(epoch);
    }
    await this.readTotal(epoch);
    return this.lossSum / source.size;
  }

  private nextOrder(): ArrayLike<number> | undefined {
    if (this.options.shuffle === false) return undefined;
    const [next, now] = random.split(this.key);
    this.key = next;
    return random.permutation(now, this.job.source.size).dataSync();
  }

  /** What the schedule says, as a tensor: a new number must not make a new program. */
  private learningRate(): Tensor | undefined {
    const { schedule } = this.options.optimizer;
    return schedule && tensor(schedule(this.job.stepsBefore + this.steps), { dtype: "float64" });
  }

  /** Moves the program's total to ours, which is a float64. */
  private async readTotal(epoch: number): Promise<void> {
    const { total, finite } = this.progress.tally;
    const read = await total.item();
    if (!Number.isFinite(read)) {
      const step = (await finite.item()) + 1;
      await this.job.watch?.broken(this.job.step, step - 1);
      throw new AdjointError(
        "non-finite",
        `fit: the loss became ${read} at step ${step} (epoch ${epoch}); a smaller learning rate often helps, and so does looking for extreme values in the data`,
        { operation: "fit", argument: `step ${step}`, expected: "a finite loss", received: String(read) },
      );
    }
    this.lossSum += read;
    const zero = tensor(0, { dtype: total.dtype });
    this.progress = { ...this.progress, tally: { ...this.progress.tally, total: zero } };
  }

  private async pauseFor(epoch: number, batch: number, batches: number): Promise<void> {
    const { onProgress } = this.options;
    if (onProgress !== undefined && batch > 0) {
      const lossSum = this.lossSum + (await this.progress.tally.total.item());
      const loss = lossSum / this.examplesSeen;
      onProgress({
        epoch,
        epochs: this.job.epochs,
        batch,
        batches,
        step: this.steps,
        loss,
        seconds: this.seconds,
      });
    }
    await pause();
    this.pausedAt = performance.now();
  }
}
