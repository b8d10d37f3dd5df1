/** `adjoint train`: examples in, a model on disk out. */
import { join } from "node:path";
import { random, setThreads } from "../../index.js";
import type * as nn from "../../nn/index.js";
import type { EpochRecord, FitOptions, Run } from "../../train/index.js";
import * as training from "../../train/index.js";
import { type CheckpointCommandOptions, checkpointFitOptions, interruptedRun } from "../checkpoints.js";
import type { ModelConfig, Scaling } from "../config.js";
import { confusionTable } from "../confusion-table.js";
import { type DataOptions, describeData } from "../describe-data.js";
import { type Examples, loadExamples } from "../examples.js";
import { interruptible } from "../interrupt.js";
import { openOutput, saveModel } from "../model-file.js";
import { buildNetwork, losses } from "../network.js";
import { describeDescent, makeOptimizer } from "../optimizer.js";
import { counted, duration, grouped, loss, percent, print, printEvent } from "../output.js";
import { noDisplay, progressBar } from "../progress.js";
import { openRunFiles, type RunFiles, type RunFilesOptions } from "../run-files.js";
import { scaled, scalingOf } from "../scaling.js";
import { describeScores, scoresOf } from "../scores.js";
import { type Settings, settingsFor, type TrainingOptions } from "../settings.js";

export interface TrainOptions
  extends DataOptions,
    TrainingOptions,
    CheckpointCommandOptions,
    RunFilesOptions {
  readonly seed: number;
  readonly threads?: number;
  readonly out?: string;
  readonly json?: boolean;
}

/** @throws AdjointError `usage`, `interrupted`, and those of the library */
export async function trainCommand(argument: string, options: TrainOptions): Promise<void> {
  await interruptible((signal) => run(argument, options, signal));
}

async function run(argument: string, options: TrainOptions, signal: AbortSignal): Promise<void> {
  const { seed, json = false } = options;
  if (options.threads !== undefined) setThreads(options.threads);
  // refused before anything is read
  const checkpoints = checkpointFitOptions(options, json);
  const loaded = await loadExamples(await describeData(argument, options), options);
  const settings = settingsFor(loaded, options);
  const scaling =
    options.standardize !== false && loaded.config.kind === "csv" && loaded.config.table === undefined
      ? scalingOf(loaded.train)
      : undefined;
  const examples = {
    ...loaded,
    train: scaled(loaded.train, scaling),
    validation: scaled(loaded.validation, scaling),
  };
  const output = await openOutput(options.out, examples.name);
  const about = {
    title: examples.name,
    config: { data: loaded.config, ...settings, ...(scaling && { scaling }) },
    updates: Math.ceil(examples.train.size / settings.batch) * settings.epochs,
  };
  const files = openRunFiles(output.path, checkpoints, options, about);
  try {
    announce(examples, settings, seed, output.path, json);
    const [weightKey] = random.split(random.key(seed));
    const started = performance.now();
    const result = await learn(
      buildNetwork(settings.network, weightKey),
      examples,
      settings,
      options,
      { ...checkpoints, ...files.fitOptions },
      signal,
    );
    if (result.ended === "aborted") throw interruptedRun(result, settings.epochs, signal);
    await finish(
      result,
      examples,
      settings,
      seed,
      scaling,
      output.path,
      files,
      json,
      (performance.now() - started) / 1000,
    );
  } catch (error) {
    await files.drop();
    await output.abandon();
    throw error;
  }
}

function announce(
  examples: Examples,
  settings: Settings,
  seed: number,
  directory: string,
  json: boolean,
): void {
  const { network, loss: lossName, batch, epochs, ...descent } = settings;
  const { train, validation, validationName, name } = examples;
  if (json) {
    printEvent({
      event: "start",
      data: name,
      examples: train.size,
      validation: validation.size,
      ...network,
      loss: lossName,
      ...descent,
      batch,
      epochs,
      seed,
      out: directory,
    });
    return;
  }
  const layers = network.layers.join("-");
  const output = network.output === "identity" ? "" : `, ${network.output} output`;
  const held =
    validationName === "training"
      ? "measured on the same"
      : `${grouped(validation.size)} to ${validationName === "test" ? "test" : "validate"}`;
  print(`data     ${name}: ${counted(train.size, "example")} to train, ${held}`);
  for (const line of examples.columns ?? []) print(line);
  print(`network  ${layers}, ${network.activation}${output}, init ${network.init}, seed ${seed}`);
  const rule = describeDescent(descent);
  const schedule = `batch ${grouped(batch)}, ${counted(epochs, "epoch")}`;
  const line = `descent  ${lossName}, ${rule}, ${schedule}`;
  if (line.length <= 80) print(line);
  else print(`descent  ${lossName}, ${schedule}\nupdates  ${rule}`);
}

async function learn(
  model: nn.Sequential,
  { train, validation, validationName }: Examples,
  settings: Settings,
  { seed, json }: TrainOptions,
  others: Partial<FitOptions<nn.Module>>,
  signal: AbortSignal,
): Promise<Run<nn.Sequential>> {
  const display = json ? noDisplay : progressBar();
  try {
    return await training.fit(model, {
      data: train,
      validation,
      loss: losses[settings.loss],
      optimizer: makeOptimizer(settings),
      epochs: settings.epochs,
      batchSize: settings.batch,
      seed,
      signal,
      ...others,
      onProgress: (event) => display.update(event),
      onEpoch: (record) => {
        display.clear();
        if (json) printEvent(epochEvent(record, settings.epochs));
        else print(epochLine(record, settings.epochs, validationName));
      },
    });
  } finally {
    display.clear();
  }
}

function epochEvent({ epoch, loss, validation, seconds }: EpochRecord, epochs: number) {
  return { event: "epoch", epoch, epochs, loss, validation, seconds };
}

function epochLine(
  { epoch, loss: value, validation, seconds }: EpochRecord,
  epochs: number,
  name: string,
): string {
  const { accuracy, loss: measured } = validation;
  const result = accuracy === undefined ? `loss ${loss(measured)}` : `accuracy ${percent(accuracy)}`;
  return `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  loss ${loss(value)}  ${name} ${result}  ${duration(seconds)}`;
}

async function finish(
  { model, history }: Run<nn.Sequential>,
  examples: Examples,
  settings: Settings,
  seed: number,
  scaling: Scaling | undefined,
  directory: string,
  files: RunFiles,
  json: boolean,
  seconds: number,
): Promise<void> {
  const { train, validation, validationName, config: data } = examples;
  const last = history[history.length - 1];
  const { network, ...descent } = settings;
  const scores = await scoresOf(model, validation, data, losses[settings.loss]);
  const config: ModelConfig = {
    format: 1,
    data,
    network,
    training: { ...descent, seed },
    ...(train.classes === undefined ? {} : { classes: train.classes }),
    ...(scaling === undefined ? {} : { scaling }),
    result: { trainingLoss: last.loss, ...last.validation, ...scores },
  };
  const classes = train.targetShape.length === 0;
  const counts = classes
    ? await training.confusion(model, validation, { loss: losses[settings.loss] })
    : undefined;
  const file = await saveModel(directory, model, config);
  await files.keep();
  files.showHealth(json);
  if (json) {
    printEvent({
      event: "end",
      loss: last.loss,
      validation: { ...last.validation, ...scores },
      ...(counts && { confusion: counts }),
      classes: train.classes,
      model: file,
      seconds,
    });
    return;
  }
  print("");
  if (last.validation.accuracy === undefined)
    print(`${validationName} loss ${loss(last.validation.loss)} after ${duration(seconds)}`);
  else print(`${validationName} accuracy ${percent(last.validation.accuracy)} after ${duration(seconds)}`);
  print(describeScores(scores, data));
  if (counts !== undefined) print(`\n${confusionTable(counts, train.classes ?? [])}`);
  print(`\nwritten  ${file}\nreport   ${join(directory, "report.html")}`);
}
