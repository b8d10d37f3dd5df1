/**
 * Someone who looks at a run while it goes. What there is to see is shown to a monitor; what it makes of it is its own
 * affair, so that training depends on no diagnosis. Where the loss becomes NaN or infinite, the run is gone through again
 * from the last look, and the monitor is shown the step at which that happened.
 */
import type { Tensor } from "../index.js";
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import type { Optimizer, OptimizerState } from "../optim/index.js";
import { checkOptions, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { copyTree } from "./model.js";
import { checkPositive } from "./options.js";
import type { Data, Examples } from "./source.js";
import { newTally, progressFrom, type Step, type Trained, trainedOf } from "./step.js";

/** What a monitor is shown: copies, which later updates do not touch. */
export interface HealthLook {
  readonly model: Module;
  readonly optimizerState: OptimizerState;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  readonly data: Data;
  readonly batchSize: number;
  /** Updates since the run began. */
  readonly step: number;
  /** The batch of the step that goes wrong, where the loss or its gradient is no longer finite. */
  readonly broken?: Examples;
}

/** What `fit` takes as `health`; `explain.health.during` makes one. */
export interface HealthMonitor {
  /** Updates between two looks; the first is before the first update. */
  readonly every: number;
  /** Awaited: the run goes on afterwards. */
  readonly check: (look: HealthLook) => unknown;
}

/** @throws AdjointError `invalid-argument` */
export function checkMonitor(monitor: unknown): void {
  const example = "one such as explain.health.during({ every: 500 })";
  checkOptions(monitor, "fit", example, "health");
  const given = monitor as Partial<HealthMonitor>;
  if (typeof given.check !== "function")
    throw invalidArgument("fit", "health", example, formatReceived(monitor));
  checkPositive(given.every, "fit", "health.every");
}

/** The parts of a run that every look shows. */
type Setting = Pick<HealthLook, "optimizer" | "loss" | "data" | "batchSize">;

interface Taken {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly rate: Tensor | undefined;
}

/** A monitor at work. */
export class Watch {
  private readonly monitor: HealthMonitor;
  private readonly setting: Setting;
  /** What was trained at the last look, the updates before it, and the steps since. */
  private shown: { readonly trained: Trained; readonly steps: number; readonly finite: Tensor } | undefined;
  private taken: Taken[] = [];

  constructor(monitor: HealthMonitor, setting: Setting) {
    this.monitor = monitor;
    this.setting = setting;
  }

  /** Before each step: a look where one is due, and a note of what the step is given. */
  async before(steps: number, now: () => Trained, finite: Tensor, taken: Taken): Promise<void> {
    // a network that is no longer finite has been looked at for the last time
    const isDue = steps % this.monitor.every === 0 && (await finite.item()) === steps;
    if (isDue) {
      // the count of good steps is what layers draw by
      this.shown = { trained: await copyTree(now()), steps, finite: await copyTree(finite) };
      this.taken = [];
      await this.show(this.shown.trained, steps);
    }
    this.taken.push(taken);
  }

  /** After a loss that is not finite: the first steps that may have caused it, in order. */
  async broken(step: Step, goodSteps: number): Promise<void> {
    if (this.shown === undefined) return;
    const { trained, steps, finite } = this.shown;
    const tally = newTally("float32");
    let progress = progressFrom(await copyTree(trained), { ...tally, finite });
    // the gradient of the last good step may have broken what the next one began with
    for (let at = steps; at <= goodSteps && at - steps < this.taken.length; at++) {
      const { x, y, rate } = this.taken[at - steps];
      if (at >= goodSteps - 1) {
        const copy = await copyTree(trainedOf(progress));
        if ((await this.show(copy, at, { x, y })) === false) return;
        progress = progressFrom(await copyTree(copy), { ...progress.tally });
      }
      [progress] = step(progress, x, y, rate);
    }
  }

  private async show({ model, state }: Trained, step: number, broken?: Examples): Promise<unknown> {
    return this.monitor.check({
      ...this.setting,
      model,
      optimizerState: state,
      step,
      ...(broken === undefined ? {} : { broken }),
    });
  }
}
