/** Who writes down how a run goes: the interface between a run and its folder. */
import type { ExampleStream } from "../data/index.js";
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import type { Optimizer } from "../optim/index.js";
import type { EpochRecord, Run } from "./run.js";
import type { Data } from "./source.js";

/** What is known of a run before its first step. */
export interface RunStart {
  /** A copy of what the run begins with. */
  readonly model: Module;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly epochs: number;
  readonly batchSize: number;
  readonly seed?: number;
  readonly data: Data | ExampleStream;
  readonly validation?: Data | ExampleStream;
  /** Epochs and updates that were made before, where the run goes on from a checkpoint. */
  readonly resumed?: { readonly epochs: number; readonly steps: number };
}

/** What `fit` takes as `record`; `train.runFolder` makes one. Every call is awaited, in this order. */
export interface RunRecorder {
  /** Once, before the first step. */
  start(run: RunStart): unknown;
  /** After every epoch; the model is a copy. Steps and seconds are those of the whole run so far. */
  epoch(record: EpochRecord & { readonly model: Module; readonly steps: number }): unknown;
  /** Once, however the run ended; with the error where it failed. */
  end(run: Run<Module> | { readonly error: unknown; readonly history: readonly EpochRecord[] }): unknown;
}
