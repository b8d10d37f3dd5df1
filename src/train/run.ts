/** What a training run is told, tells while it goes, and leaves behind. */
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import type { Optimizer, OptimizerState } from "../optim/index.js";
import type { Measurements } from "./evaluate.js";
import type { LossName, Metric, MetricName } from "./objective.js";
import type { Data } from "./source.js";
import type { HealthMonitor } from "./watch.js";

/** One epoch, finished. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number;
  /** The mean loss over the epoch's examples, each measured just before the update it was part of. */
  readonly loss: number;
  /** Metrics on the validation data after the epoch; empty without such data. */
  readonly validation: Measurements;
  /** Wall time of its updates, without validation and callbacks. */
  readonly seconds: number;
}

/** An epoch, with the model as it is then: a copy, which later updates do not touch. */
export interface EpochEvent<Model> extends EpochRecord {
  readonly epochs: number;
  readonly model: Model;
}

/** One update, finished. */
export interface BatchEvent {
  /** From 1. */
  readonly epoch: number;
  /** From 1, within the epoch. */
  readonly batch: number;
  /** Updates since the run began. */
  readonly step: number;
  /** The mean loss over the batch, before the update. */
  readonly loss: number;
}

/** Where the run is, some twenty times a second. */
export interface ProgressEvent {
  readonly epoch: number;
  readonly epochs: number;
  /** Batches of this epoch done, and in all. */
  readonly batch: number;
  readonly batches: number;
  /** Updates since the run began. */
  readonly step: number;
  /** The mean loss over this epoch's examples so far. */
  readonly loss: number;
  /** Wall time since the run began. */
  readonly seconds: number;
}

/** What a run learns, how, and whom it tells. */
export interface FitOptions<Model extends Module = Module> {
  /** What is learned: a dataset, or { x, y } of tensors with the examples along axis 0. */
  readonly data: Data;
  /**
   * A loss by name, or any function (output, target) => scalar tensor. The library's losses also take int32 labels in place
   * of targets of the output's shape, and one-hot encode them; a function of your own gets the labels as they are.
   */
  readonly loss: LossName | Loss;
  /**
   * The update rule, such as optim.sgd({ learningRate: 0.1 }): any of adjoint/optim, a chain, or one of your own whose `step` is
   * a pure function of trees of tensors.
   */
  readonly optimizer: Optimizer;
  /** Passes through the data. Default 1. */
  readonly epochs?: number;
  /** Examples in an update. Default 32; the last batch of an epoch has what is left. */
  readonly batchSize?: number;
  /** Measured after every epoch. */
  readonly validation?: Data;
  /** What is measured there. Default: the loss, and the accuracy where targets are labels or the loss is one of classes. */
  readonly metrics?: readonly (MetricName | Metric)[];
  /** Decides the order of the examples, and what layers draw. Default: from the sequence that `setSeed` restarts. */
  readonly seed?: number;
  /** Whether every epoch has an order of its own. Default true; false keeps that of the data. */
  readonly shuffle?: boolean;
  /** Continues from the state an earlier run left. Default: the optimizer's first. */
  readonly optimizerState?: OptimizerState;
  /** Called after every epoch; returning false ends the run there. May be asynchronous. */
  readonly onEpoch?: (event: EpochEvent<Model>) => unknown;
  /** Called after every update, with its loss; reading that takes time, which a run without it saves. */
  readonly onBatch?: (event: BatchEvent) => unknown;
  /**
   * Looks at the network at an interval of updates, and where the loss stops being finite: `explain.health.during({ every: 500 })`
   * of adjoint/explain. A look takes time, and changes nothing of what is learned.
   */
  readonly health?: HealthMonitor;
  /** Called some twenty times a second, for displays. */
  readonly onProgress?: (event: ProgressEvent) => unknown;
  /** Ends the run when aborted, at the next pause (within some 50 ms); what is learned so far is in the Run. */
  readonly signal?: AbortSignal;
}

/** A finished run. */
export interface Run<Model> {
  /** The model as it was learned. */
  readonly model: Model;
  readonly optimizerState: OptimizerState;
  /** The finished epochs, in order. */
  readonly history: readonly EpochRecord[];
  /** Updates made. */
  readonly steps: number;
  /** Wall time of the whole run. */
  readonly seconds: number;
  /** Why it ended: all epochs done, `onEpoch` returned false, or the signal was aborted. */
  readonly ended: "finished" | "stopped" | "aborted";
}
