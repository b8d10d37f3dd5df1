/** `adjoint/train`: fitting models to data, and measuring them. */
export { confusion } from "./confusion.js";
export { type EvaluateOptions, evaluate, type Measurements } from "./evaluate.js";
export { fit } from "./fit.js";
export type { LossName, Metric, MetricName } from "./objective.js";
export { predict } from "./predict.js";
export type { BatchEvent, EpochEvent, EpochRecord, FitOptions, ProgressEvent, Run } from "./run.js";
export type { Data, Examples } from "./source.js";
export type { HealthLook, HealthMonitor } from "./watch.js";
