/** `adjoint/train`: fitting models to data, and measuring them. */

export type { CheckpointFiles, OpenFile } from "./checkpoint/files.js";
export { type LoadCheckpointOptions, type LoadedCheckpoint, loadCheckpoint } from "./checkpoint/load.js";
export type { CheckpointOptions, Notice } from "./checkpoint/options.js";
export {
  type ConfigOverrides,
  defineConfig,
  type Lazy,
  type ResolvedConfig,
  resolveConfig,
  type TrainConfig,
} from "./config.js";
export { confusion } from "./confusion.js";
export type { EarlyStopping } from "./early-stopping.js";
export { type EvaluateOptions, evaluate, type Measurements } from "./evaluate.js";
export { fit } from "./fit.js";
export * as metrics from "./metrics/index.js";
export type { AnyMergedMetric, MeanMetric, MergedMetric, MetricContext } from "./metrics/metric.js";
export { type ClassReport, type ClassScores, classReport } from "./metrics/report.js";
export type { MonitoredMetric } from "./monitored.js";
export type { LossName, Metric, MetricName } from "./objective.js";
export { predict } from "./predict.js";
export type { RunRecorder, RunStart } from "./recorder.js";
export type { DataDescription, RunConfig } from "./report/describe.js";
export type { RunFolderOptions } from "./report/folder-options.js";
export type { HealthFinding, HealthReports } from "./report/health-section.js";
export type { JournalEntry } from "./report/journal.js";
export { type RecordedRun, readRun } from "./report/read-run.js";
export type { RunResult } from "./report/result.js";
export { runFolder } from "./report/run-folder.js";
export type { BatchEvent, EpochEvent, EpochRecord, FitOptions, ProgressEvent, Run } from "./run.js";
export type { Data, Examples } from "./source.js";
export type { HealthLook, HealthMonitor } from "./watch.js";
