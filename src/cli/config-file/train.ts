/** `adjoint train config.ts`: a run as a file of the user's describes it; options of the command line go before it. */
import { basename, extname, join } from "node:path";
import { setThreads } from "../../index.js";
import { writeAtomically } from "../../io/index.js";
import * as losses from "../../losses/index.js";
import * as nn from "../../nn/index.js";
import * as training from "../../train/index.js";
import { usage } from "../arguments.js";
import { type CheckpointCommandOptions, checkpointFitOptions, interruptedRun } from "../checkpoints.js";
import { confusionTable } from "../confusion-table.js";
import { interruptible } from "../interrupt.js";
import { describeMeasurements, fitting } from "../measurements.js";
import { openOutput, saveModel } from "../model-file.js";
import { counted, duration, grouped, loss, print, printEvent } from "../output.js";
import { noDisplay, progressBar } from "../progress.js";
import { openRunFiles, type RunFiles, type RunFilesOptions } from "../run-files.js";
import { runUserCode } from "../user-module.js";
import { answerShape, classesOf, isIntegral, isLabels, shapeOf, sizeOf } from "./data.js";
import { type LoadedConfig, loadConfig } from "./load.js";
import type { ConfigRun } from "./record.js";

/** Options that go before those of the file. */
export interface ConfigTrainOptions extends CheckpointCommandOptions, RunFilesOptions {
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly seed?: number;
  readonly threads?: number;
  readonly out?: string;
  readonly json?: boolean;
}

type Resolved = training.ResolvedConfig<nn.Module>;

/** @throws AdjointError `usage`, `interrupted`, `user-code`, and those of the library with the user's line in front */
export async function trainConfigCommand(path: string, options: ConfigTrainOptions): Promise<void> {
  await interruptible((signal) => run(path, options, signal));
}

async function run(path: string, options: ConfigTrainOptions, signal: AbortSignal): Promise<void> {
  if (options.threads !== undefined) setThreads(options.threads);
  const loaded = await loadConfig(path, options.seed);
  const { config } = loaded;
  const { epochs, batch: batchSize, lr: learningRate, seed, json = false } = options;
  if (learningRate !== undefined && typeof config.optimizer !== "function")
    throw usage(
      `--lr: ${path} has an optimizer that is finished; write optimizer: (learningRate = 0.001) => optim.adam({ learningRate }) to choose the rate here`,
      "--lr",
    );
  const checkpoints = checkpointsOf(config, options, json);
  const resolved = await runUserCode(path, () =>
    training.resolveConfig(config, {
      ...(epochs === undefined ? {} : { epochs }),
      ...(batchSize === undefined ? {} : { batchSize }),
      ...(learningRate === undefined ? {} : { learningRate }),
      ...(seed === undefined ? {} : { seed }),
    }),
  );
  const name = config.name ?? basename(path, extname(path));
  const output = await openOutput(options.out ?? config.out, name);
  const { path: file, sha256 } = loaded;
  const { data, epochs: passes = 1, batchSize: batch = 32, health } = resolved.options;
  const size = sizeOf(data);
  const updates = size === undefined ? {} : { updates: Math.ceil(size / batch) * passes };
  const about = { title: name, config: { file, sha256 }, health, ...updates };
  const files = openRunFiles(output.path, checkpoints, options, about);
  try {
    announce(resolved, basename(path), output.path, json);
    const started = performance.now();
    const result = await runUserCode(path, () =>
      learn(resolved, { ...checkpoints, ...files.fitOptions }, json, signal),
    );
    if (result.ended === "aborted") throw interruptedRun(result, resolved.options.epochs ?? 1, signal);
    const seconds = (performance.now() - started) / 1000;
    await finish(
      result,
      resolved,
      recordOf(loaded, resolved, options, result, await measuredAtEnd(resolved, result)),
      loaded,
      output.path,
      files,
      json,
      seconds,
    );
  } catch (error) {
    await files.drop();
    await output.abandon();
    throw error;
  }
}

type Checkpoints = ReturnType<typeof checkpointFitOptions>;

/** The file's own checkpoints, with what the command line says of them. */
function checkpointsOf(
  { checkpoint, onNotice }: LoadedConfig["config"],
  options: ConfigTrainOptions,
  json: boolean,
): Checkpoints {
  const own = typeof checkpoint === "string" ? { directory: checkpoint } : checkpoint;
  const directory = options.checkpoint ?? own?.directory;
  const given = checkpointFitOptions(
    { ...options, ...(directory === undefined ? {} : { checkpoint: directory }) },
    json,
  );
  const notices = onNotice === undefined ? {} : { onNotice };
  if (typeof given.checkpoint !== "object") return { ...given, ...notices };
  return { ...given, ...notices, checkpoint: { ...own, ...given.checkpoint } };
}

/** A loss of the library by its name; undefined for one of the user's. */
function nameOfLoss(given: unknown): string | undefined {
  if (typeof given === "string") return given;
  return Object.entries(losses).find(([, known]) => known === given)?.[0];
}

/** What a model is called: its class, or what it says of itself. */
function describeModel(model: nn.Module): string {
  const text = String(model);
  const name = text.startsWith("[object") ? (model.constructor?.name ?? "a model") : text;
  const count = nn.parameters(model).reduce((total, [, { size }]) => total + size, 0);
  return `${name}, ${counted(count, "parameter")}`;
}

function announce({ model, options }: Resolved, file: string, directory: string, json: boolean): void {
  const { data, validation, epochs = 1, batchSize = 32, seed, loss: given } = options;
  const [size, held] = [sizeOf(data), validation === undefined ? undefined : sizeOf(validation)];
  const lossName = nameOfLoss(given) ?? "a loss of its own";
  if (json) {
    printEvent({
      event: "start",
      config: file,
      examples: size,
      ...(validation === undefined ? {} : { validation: held }),
      model: describeModel(model),
      loss: lossName,
      batch: batchSize,
      epochs,
      seed,
      out: directory,
    });
    return;
  }
  const many = size === undefined ? "a stream of examples" : `${counted(size, "example")} to train`;
  const measured =
    validation === undefined
      ? []
      : [held === undefined ? "a stream to validate" : `${grouped(held)} to validate`];
  print(`config   ${file}: ${[many, ...measured].join(", ")}`);
  print(`model    ${describeModel(model)}, seed ${seed}`);
  print(`descent  ${lossName}, batch ${grouped(batchSize)}, ${counted(epochs, "epoch")}`);
}

async function learn(
  { model, options }: Resolved,
  others: Partial<training.FitOptions<nn.Module>>,
  json: boolean,
  signal: AbortSignal,
): Promise<training.Run<nn.Module>> {
  const display = json ? noDisplay : progressBar();
  const { epochs = 1, onEpoch, onProgress } = options;
  try {
    return await training.fit(model, {
      ...options,
      ...others,
      signal,
      onProgress: (event) => {
        display.update(event);
        return onProgress?.(event);
      },
      onEpoch: (event) => {
        display.clear();
        if (json) printEvent(epochEvent(event));
        else print(epochLine(event, epochs));
        return onEpoch?.(event);
      },
    });
  } finally {
    display.clear();
  }
}

function epochEvent({ epoch, epochs, loss, validation, seconds }: training.EpochEvent<nn.Module>) {
  return { event: "epoch", epoch, epochs, loss, validation, seconds };
}

/** `epoch  3/30  loss 0.1234  accuracy 95.12 %  0.27 s`: as many measurements as the line holds. */
function epochLine(record: training.EpochRecord, epochs: number): string {
  const { epoch, validation, seconds } = record;
  const last = duration(seconds);
  const parts = Object.entries(validation).filter(([name]) => name !== "loss");
  const named = (parts.length > 0 ? parts : Object.entries(validation)).map(([name, value]) =>
    describeMeasurements({ [name]: value }, { withLoss: true }),
  );
  const first = `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  loss ${loss(record.loss)}`;
  const label = named.length === 0 ? [] : [`validation ${named[0]}`, ...named.slice(1)];
  return `${fitting([first, ...label], 80 - 2 - last.length)}  ${last}`;
}

function recordOf(
  { path, sha256 }: LoadedConfig,
  { options }: Resolved,
  { lr }: ConfigTrainOptions,
  { history }: training.Run<nn.Module>,
  measured: training.Measurements,
): ConfigRun {
  const { data, seed, epochs = 1, batchSize: batch = 32 } = options;
  const lossName = nameOfLoss(options.loss);
  const classes = classesOf(data);
  const last = history[history.length - 1];
  return {
    format: 1,
    configFile: { path, sha256, copy: `trained-${basename(path)}` },
    training: {
      seed,
      epochs,
      batch,
      ...(lr === undefined ? {} : { learningRate: lr }),
      ...(lossName === undefined ? {} : { loss: lossName }),
    },
    inputShape: shapeOf(data, "input"),
    targetShape: answerShape(data),
    ...(isIntegral(data) ? { inputDType: "int32" } : {}),
    ...(classes === undefined ? {} : { classes }),
    result: { trainingLoss: last.loss, ...measured },
  };
}

/** Of the model that is kept: not the last one, where the best epoch's is brought back. */
async function measuredAtEnd(
  { options }: Resolved,
  { model, history }: training.Run<nn.Module>,
): Promise<training.Measurements> {
  const { validation, metrics, loss: given, earlyStopping } = options;
  if (validation === undefined || earlyStopping?.restoreBest !== true)
    return history[history.length - 1].validation;
  return training.evaluate(model, validation, metrics, { loss: given });
}

async function finish(
  { model, history, ended }: training.Run<nn.Module>,
  { options }: Resolved,
  record: ConfigRun,
  { source }: LoadedConfig,
  directory: string,
  files: RunFiles,
  json: boolean,
  seconds: number,
): Promise<void> {
  const { validation, loss: given } = options;
  const counts =
    validation !== undefined && record.targetShape.length === 0 && isLabels(validation)
      ? await training.confusion(model, validation, { loss: given })
      : undefined;
  await writeAtomically(join(directory, record.configFile.copy), new TextEncoder().encode(source), "train");
  const file = await saveModel(directory, model, record);
  await files.keep();
  files.showHealth(json);
  const last = history[history.length - 1];
  const { trainingLoss: _, ...validated } = record.result;
  if (json) {
    printEvent({
      event: "end",
      ended,
      epochs: history.length,
      loss: last.loss,
      validation: validated,
      ...(counts && { confusion: counts }),
      classes: record.classes,
      model: file,
      seconds,
    });
    return;
  }
  if (ended !== "finished")
    print(
      `ended    after epoch ${history.length}: ${ended === "early" ? "no better for some epochs" : "onEpoch said so"}`,
    );
  const measured = describeMeasurements(validated, { withLoss: false });
  const result = measured === "" ? `loss ${loss(last.loss)}` : `validation ${measured}`;
  print(`\n${result} after ${duration(seconds)}`);
  if (counts !== undefined) print(`\n${confusionTable(counts, record.classes ?? [])}`);
  print(`\nwritten  ${file}\nreport   ${join(directory, "report.html")}`);
}
