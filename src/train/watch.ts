/**
 * Someone who looks at a run while it goes. What there is to see is shown to a monitor; what it makes of it is its own
 * affair, so that training depends on no diagnosis. Where the loss becomes NaN or infinite, the last steps are made again,
 * and the monitor is shown the one at which that happened.
 */
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import type { Optimizer, OptimizerState } from "../optim/index.js";
import { checkOptions, invalidArgument } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import { copyTree } from "./model.js";
import { checkPositive } from "./options.js";
import type { Replay } from "./replay.js";
import type { Data, Examples } from "./source.js";
import type { Step, Trained } from "./step.js";

/** What a monitor is shown: copies, which later updates do not touch. */
export interface HealthLook {
  readonly model: Module;
  readonly optimizerState: OptimizerState;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  /** The training data; of a stream, the batch of the step. */
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

/** The parts of a run that every look shows; no data where they are a stream. */
interface Setting extends Pick<HealthLook, "optimizer" | "loss" | "batchSize"> {
  readonly data: Data | undefined;
}

/** A monitor at work. */
export class Watch {
  private readonly monitor: HealthMonitor;
  private readonly setting: Setting;

  constructor(monitor: HealthMonitor, setting: Setting) {
    this.monitor = monitor;
    this.setting = setting;
  }

  /** Before each step: a look where one is due. */
  async before(steps: number, now: () => Trained, batch: Examples): Promise<void> {
    if (steps % this.monitor.every === 0) await this.show(await copyTree(now()), steps, batch);
  }

  /** After a loss that is not finite: the last steps, in order, until the monitor has found what it was. */
  async broken(replay: Replay, step: Step): Promise<void> {
    for await (const { trained, taken, calls } of replay.last(2, step)) {
      const batch = { x: taken.x, y: taken.y };
      if ((await this.show(trained, calls, batch, batch)) === false) return;
    }
  }

  private async show(
    { model, state }: Trained,
    step: number,
    batch: Examples,
    broken?: Examples,
  ): Promise<unknown> {
    const { data = batch, ...setting } = this.setting;
    return this.monitor.check({
      ...setting,
      data,
      model,
      optimizerState: state,
      step,
      ...(broken === undefined ? {} : { broken }),
    });
  }
}
