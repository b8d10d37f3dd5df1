/** A run before its first step: what it is told is resolved, and where it goes on from is found. */
import { isTensor, random } from "../index.js";
import type { Loss } from "../losses/index.js";
import type { Module } from "../nn/index.js";
import { AdjointError, formatShape } from "../util/errors.js";
import { flatten } from "../util/tree.js";
import type { Fingerprint } from "./checkpoint/fingerprint.js";
import type { Begun, Fresh } from "./checkpoint/keeping.js";
import { bestOf, checkCheckpointOptions } from "./checkpoint/options.js";
import type { BestSoFar } from "./checkpoint/record.js";
import type { Saver } from "./checkpoint/saver.js";
import { Patience } from "./early-stopping.js";
import { resolveMetrics } from "./evaluate.js";
import { ArrayFeed, type Feed, StreamFeed } from "./feed.js";
import { checkOptimizerState } from "./fit-options.js";
import type { Metric } from "./metrics/metric.js";
import { type Examined, examinedOf, isStream } from "./metrics/pass.js";
import { copyTree, dtypeOf, hasOnlyFinite } from "./model.js";
import { improves, monitoredValue, nameOfMonitored } from "./monitored.js";
import { nameOfLoss, resolveLoss } from "./objective.js";
import type { RunStart } from "./recorder.js";
import type { EpochRecord, FitOptions, Run } from "./run.js";
import { type FloatDType, type Source, sourceOf } from "./source.js";
import { newSums, newTally, progressFrom } from "./step.js";
import { Trainer } from "./trainer.js";
import { Watch } from "./watch.js";

/** A run that is ready for its first step. */
export interface Prepared {
  readonly trainer: Trainer;
  readonly saver: Saver | undefined;
  readonly patience: Patience | undefined;
  readonly validation: { readonly data: Examined; readonly metrics: readonly Metric[] } | undefined;
  readonly loss: Loss;
  /** The finished epochs; grows as the run does. */
  readonly history: EpochRecord[];
  /** What a recorder is told, but for the model and the data. */
  readonly start: Omit<RunStart, "model" | "data" | "validation" | "seed">;
  /** The model of the best epoch so far, to come back at the end. */
  keep(model: Module): void;
  /** Whether the epoch is the best so far, by the metric that checkpoints are told. */
  takeBest(record: EpochRecord): boolean;
  /** What the run leaves behind. */
  result(ended: Run<Module>["ended"]): Run<Module>;
  /** The error a run ends with, in terms of the checkpoint it went on from where that was the reason. */
  explained(error: unknown): unknown;
}

/** @throws AdjointError as `fit` says, for everything that is wrong before a step is made */
export async function prepare(model: Module, options: FitOptions): Promise<Prepared> {
  const { epochs = 1, batchSize = 32, accumulate = 1, optimizer, health } = options;
  const plan = checkCheckpointOptions(options.checkpoint, options.resume);
  const keeping = plan && (await import("./checkpoint/keeping.js"));
  const loss = resolveLoss(options.loss, "fit");
  const { feed, settings } = await feedOf(options, dtypeOf(model), keeping?.fingerprintOfRows);
  const validation = await validationOf(options, loss);
  const measured = validation?.metrics ?? [];
  const patience = options.earlyStopping && new Patience(options.earlyStopping, measured);
  const best = plan && bestOf(plan, measured);
  const fresh = await freshState(model, options, dtypeOf(model));
  const { state, saver } =
    plan === undefined || keeping === undefined
      ? beginAnew(fresh)
      : await keeping.beginning(model, options, plan, fresh, {
          batchSize: String(batchSize),
          accumulate: String(accumulate),
          optimizer: String(optimizer.name),
          loss: nameOfLoss(loss),
          seed: String(options.seed ?? "none"),
          shuffle: String(options.shuffle ?? true),
          ...settings,
        });
  const { best: wasBest, early: wasEarly } = state.record;
  keeping?.checkSameMetric("checkpoint.best", wasBest?.metric, best && nameOfMonitored(best), saver?.last);
  keeping?.checkSameMetric("earlyStopping", wasEarly?.metric, patience?.state.metric, saver?.last);
  const { position, history: before } = state.record;
  if (state.record.early !== undefined) patience?.restore(state.record.early);
  const history = [...before];
  let { bestModel } = state;
  let bestSoFar: BestSoFar | undefined = state.record.best;
  const data = isStream(options.data) ? undefined : options.data;
  const trainer = new Trainer(
    {
      feed,
      epochs,
      accumulate,
      loss,
      optimizer,
      key: state.drawKey,
      withLoss: options.onBatch !== undefined,
      expectsFinite: flatten(model, isTensor).leaves.map(hasOnlyFinite),
      ...(health && { watch: new Watch(health, { optimizer, loss, data, batchSize }) }),
      ...(saver && { saver }),
    },
    options,
    { progress: state.progress, key: state.orderKey, position },
  );
  saver?.collect(() => ({
    step: trainer.steps,
    progress: trainer.held.progress,
    orderKey: trainer.held.key,
    drawKey: state.drawKey,
    ...(bestModel && { bestModel }),
    record: {
      fingerprint: state.record.fingerprint,
      position: trainer.position,
      history,
      ...(bestSoFar && { best: bestSoFar }),
      ...(patience && { early: patience.state }),
    },
  }));
  const isResumed = position.epoch > 1 || position.calls > 0;
  return {
    trainer,
    saver,
    patience,
    validation,
    loss,
    history,
    start: {
      loss,
      optimizer,
      epochs,
      batchSize,
      ...(isResumed && { resumed: { epochs: history.length, steps: position.steps } }),
    },
    keep(kept) {
      bestModel = kept;
    },
    takeBest(record) {
      if (best === undefined) return false;
      const value = monitoredValue(record, best);
      if (!improves(value, bestSoFar?.value, best)) return false;
      bestSoFar = { metric: nameOfMonitored(best), value, epoch: record.epoch, step: trainer.steps };
      return true;
    },
    result(ended) {
      const { model: trained, state: optimizerState } = trainer.trained;
      const { steps, seconds } = trainer.position;
      return {
        model: patience?.restoresBest === true ? (bestModel ?? trained) : trained,
        optimizerState,
        history,
        steps,
        seconds,
        ended,
        ...(saver?.last !== undefined && { checkpoint: saver.last }),
      };
    },
    explained(error) {
      // the first step after it is the first to use the state it held
      const isFirst = isResumed && trainer.position.calls === position.calls;
      return isFirst ? mismatchOf(error, saver?.last) : error;
    },
  };
}

/** An optimizer that finds the state of another where it looks for its own: `checkpoint-mismatch`. */
function mismatchOf(error: unknown, file = "the checkpoint"): unknown {
  if (!(error instanceof AdjointError) || error.code !== "tree-mismatch") return error;
  return new AdjointError(
    "checkpoint-mismatch",
    `fit: ${file} is of a run with other settings of the optimizer (${error.message}); resume with those it began with`,
    { ...error.details, operation: "fit", argument: "optimizer", file },
    { cause: error },
  );
}

/** The batches, and what of the data two runs must have in common. */
async function feedOf(
  { data, batchSize = 32, accumulate = 1 }: FitOptions,
  dtype: FloatDType,
  fingerprintOfRows: ((source: Source) => Promise<Fingerprint>) | undefined,
): Promise<{ readonly feed: Feed; readonly settings: Fingerprint }> {
  if (isStream(data)) {
    const { size, inputShape, targetShape, name = "a stream" } = data;
    const what = `${name}, ${size ?? "any number of"} examples ${formatShape(inputShape)} → ${formatShape(targetShape)}`;
    return { feed: new StreamFeed(data, dtype, batchSize, accumulate > 1), settings: { data: what } };
  }
  const source = await sourceOf(data, "fit", "data");
  return {
    feed: new ArrayFeed(source, dtype, Math.min(batchSize, source.size)),
    settings: (await fingerprintOfRows?.(source)) ?? {},
  };
}

async function validationOf(
  { validation, metrics }: FitOptions,
  loss: Loss,
): Promise<Prepared["validation"]> {
  if (validation === undefined) return undefined;
  const data = await examinedOf(validation, "fit", "validation");
  return { data, metrics: resolveMetrics(metrics, data, loss, "fit") };
}

/** The state before the first step; copies of what was given, as steps use up theirs. */
async function freshState(model: Module, options: FitOptions, dtype: FloatDType): Promise<Fresh> {
  const { optimizer, seed, accumulate = 1 } = options;
  const [orderKey, layerKey] = random.split(seed === undefined ? random.next() : random.key(seed));
  const state = await copyTree(checkOptimizerState(options.optimizerState ?? optimizer.init(model)));
  const stepsBefore = await state.step.item();
  const trained = {
    model: await copyTree(model),
    state,
    ...(accumulate > 1 && { sums: newSums(model, dtype) }),
  };
  return {
    progress: progressFrom(trained, newTally(dtype)),
    orderKey,
    // a run that goes on from another draws what that one would have drawn
    drawKey: layerKey.add(stepsBefore),
    position: {
      epoch: 1,
      batch: 0,
      examples: 0,
      steps: 0,
      calls: 0,
      stepsBefore,
      lossSum: 0,
      epochSeconds: 0,
      seconds: 0,
    },
  };
}

/** A run that nobody keeps: there is none it could go on from. */
function beginAnew({ position, ...fresh }: Fresh): Begun {
  return { state: { ...fresh, record: { fingerprint: {}, position, history: [] } }, saver: undefined };
}
