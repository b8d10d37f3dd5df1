/** Ending a run when a metric has not improved for some epochs (Prechelt 1998, the "UP" criteria reduced to patience). */
import { checkOptionNames, checkOptions, invalidArgument, isNatural } from "../util/checks.js";
import { formatReceived } from "../util/errors.js";
import {
  improves,
  type Measured,
  type MonitoredMetric,
  monitoredValue,
  nameOfMonitored,
  resolveMonitored,
} from "./monitored.js";
import type { EpochRecord } from "./run.js";

/** When a run ends before its last epoch. */
export interface EarlyStopping {
  /**
   * What must improve: "loss" (default; of the validation data where there are any), "accuracy", or any metric that is
   * measured.
   */
  readonly metric?: string;
  /** Whether small or large values are good. Default: what the metric says of itself. */
  readonly mode?: "min" | "max";
  /** Epochs without an improvement after which the run ends. */
  readonly patience: number;
  /** What counts as one: better than the best by more than this. Default 0. */
  readonly minDelta?: number;
  /** The run's model is that of the best epoch, not of the last. Default false. */
  readonly restoreBest?: boolean;
}

/** How far it has come, as a checkpoint keeps it. */
export interface EarlyStoppingState {
  /** What it is about: `loss, min`. */
  readonly metric: string;
  readonly best?: number;
  /** The epoch of the best value, from 1. */
  readonly epoch: number;
  /** Epochs since then. */
  readonly waited: number;
}

/** @throws AdjointError `invalid-argument` */
export function checkEarlyStopping(given: unknown): void {
  const argument = "earlyStopping";
  checkOptions(given, "fit", "an object such as { patience: 5 }", argument);
  const options = given as Partial<EarlyStopping>;
  checkOptionNames(options, ["metric", "mode", "patience", "minDelta", "restoreBest"], "fit: earlyStopping");
  if (!isNatural(options.patience) || options.patience === 0)
    throw invalidArgument(
      "fit",
      `${argument}.patience`,
      "an integer of at least 1",
      formatReceived(options.patience),
    );
  const { minDelta = 0, restoreBest = false } = options;
  if (!(typeof minDelta === "number" && minDelta >= 0 && minDelta < Number.POSITIVE_INFINITY))
    throw invalidArgument(
      "fit",
      `${argument}.minDelta`,
      "a finite number of at least 0",
      formatReceived(minDelta),
    );
  if (typeof restoreBest !== "boolean")
    throw invalidArgument("fit", `${argument}.restoreBest`, "true or false", formatReceived(restoreBest));
}

/** Follows a metric from epoch to epoch. */
export class Patience {
  readonly restoresBest: boolean;
  private readonly options: EarlyStopping;
  private readonly monitored: MonitoredMetric;
  private current: EarlyStoppingState;

  /** @throws AdjointError `invalid-argument` */
  constructor(options: EarlyStopping, measured: readonly Measured[]) {
    this.options = options;
    this.restoresBest = options.restoreBest === true;
    const { metric = "loss", mode } = options;
    this.monitored = resolveMonitored(
      mode === undefined ? metric : { metric, mode },
      measured,
      "earlyStopping",
    );
    this.current = { metric: nameOfMonitored(this.monitored), epoch: 0, waited: 0 };
  }

  get state(): EarlyStoppingState {
    return this.current;
  }

  /** Goes on from what a checkpoint kept. */
  restore(state: EarlyStoppingState): void {
    this.current = state;
  }

  /** Takes an epoch in. @returns whether it is the best so far */
  take(record: EpochRecord): boolean {
    const value = monitoredValue(record, this.monitored);
    if (improves(value, this.current.best, this.monitored, this.options.minDelta)) {
      this.current = { ...this.current, best: value, epoch: record.epoch, waited: 0 };
      return true;
    }
    this.current = { ...this.current, waited: this.current.waited + 1 };
    return false;
  }

  /** Whether there was no improvement for too long. */
  get isOver(): boolean {
    return this.current.waited >= this.options.patience;
  }
}
