/** What a training run is told, tells while it goes, and leaves behind. */
import type { ExampleStream } from "../data/index.js";
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import type { Optimizer, OptimizerState } from "../optim/index.js";
import type { CheckpointOptions, Notice } from "./checkpoint/options.js";
import type { EarlyStopping } from "./early-stopping.js";
import type { Measurements } from "./evaluate.js";
import type { LossName, Metric, MetricName } from "./objective.js";
import type { RunRecorder } from "./recorder.js";
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

/** One batch, finished. */
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
  /** Batches of this epoch done, and in all; 0 in all while a stream's first pass has not told. */
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
  /**
   * What is learned: a dataset, { x, y } of tensors with the examples along axis 0, or a stream, whose passes it orders itself
   * by the key it is given.
   */
  readonly data: Data | ExampleStream;
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
  /** Examples in a batch. Default 32; the last batch of an epoch has what is left. */
  readonly batchSize?: number;
  /**
   * Batches in an update. Default 1. An update by several is that of one large batch, for losses that are means, but needs
   * memory for a small one only; what is left at the end of an epoch is an update too.
   */
  readonly accumulate?: number;
  /** Measured after every epoch. */
  readonly validation?: Data | ExampleStream;
  /** What is measured there. Default: the loss, and the accuracy where targets are labels or the loss is one of classes. */
  readonly metrics?: readonly (MetricName | Metric)[];
  /** Decides the order of the examples, and what layers draw. Default: from the sequence that `setSeed` restarts. */
  readonly seed?: number;
  /** Whether every epoch has an order of its own. Default true; false keeps that of the data. */
  readonly shuffle?: boolean;
  /** Continues from the state an earlier run left. Default: the optimizer's first. */
  readonly optimizerState?: OptimizerState;
  /**
   * Keeps the run in files as it goes, so that it can go on after whatever stops it: a directory, or
   * { directory, everySteps, keep, best }. After every epoch unless said otherwise, and at the end.
   */
  readonly checkpoint?: string | CheckpointOptions;
  /**
   * Goes on from the latest checkpoint in that directory, bit for bit as if it had never stopped; model, optimizer and data are
   * given again as they were. "auto" begins anew where there is none. Default false, which refuses a directory that has some.
   */
  readonly resume?: boolean | "auto";
  /** Ends the run when a metric has not improved for some epochs. */
  readonly earlyStopping?: EarlyStopping;
  /** Writes down how the run goes: `train.runFolder(directory)`. */
  readonly record?: RunRecorder;
  /** Told what is neither progress nor an error, such as a damaged checkpoint. Default: a warning on the console. */
  readonly onNotice?: (notice: Notice) => unknown;
  /** Called after every epoch; returning false ends the run there. May be asynchronous. */
  readonly onEpoch?: (event: EpochEvent<Model>) => unknown;
  /** Called after every batch, with its loss; reading that takes time, which a run without it saves. May be asynchronous. */
  readonly onBatch?: (event: BatchEvent) => unknown;
  /**
   * Looks at the network at an interval of updates, and where the loss stops being finite: `explain.health.during({ every: 500 })`
   * of adjoint/explain. A look takes time, and changes nothing of what is learned.
   */
  readonly health?: HealthMonitor;
  /** Called some twenty times a second, for displays. May be asynchronous. */
  readonly onProgress?: (event: ProgressEvent) => unknown;
  /**
   * Ends the run when aborted, at the next pause (within some 50 ms); what is learned so far is in the Run, and in a checkpoint
   * where there are such.
   */
  readonly signal?: AbortSignal;
}

/** A finished run. */
export interface Run<Model> {
  /** The model as it was learned; of the best epoch where `earlyStopping.restoreBest` says so. */
  readonly model: Model;
  readonly optimizerState: OptimizerState;
  /** The finished epochs, in order. */
  readonly history: readonly EpochRecord[];
  /** Updates made, those before a checkpoint included. */
  readonly steps: number;
  /** Wall time of the whole run, that before a checkpoint included. */
  readonly seconds: number;
  /** Why it ended: all epochs done, no improvement any more, `onEpoch` returned false, or the signal was aborted. */
  readonly ended: "finished" | "early" | "stopped" | "aborted";
  /** The last checkpoint, where there are such. */
  readonly checkpoint?: string;
}
