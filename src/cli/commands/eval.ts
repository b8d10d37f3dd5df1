/** `adjoint eval`: a trained model measured on examples. */
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "commander";
import type { Dataset } from "../../data/index.js";
import { AdjointError } from "../../index.js";
import { confusion, evaluate, type Measurements } from "../../train/index.js";
import { dataOfConfigFile, notOfConfigFile } from "../arguments.js";
import type { DataConfig, ModelConfig } from "../config.js";
import { isLabels, sizeOf } from "../config-file/data.js";
import { type ConfigModelFile, isOfConfigFile, runAgain } from "../config-file/saved.js";
import { confusionTable } from "../confusion-table.js";
import { checkContent, contentOf, sameContent } from "../content.js";
import { describeData } from "../describe-data.js";
import { loadExamples, readCsv } from "../examples.js";
import { measurementLines } from "../measurements.js";
import { networkOf, readModel } from "../model-file.js";
import { losses } from "../network.js";
import { configOption, json, verbose } from "../options.js";
import { grouped, print, printEvent } from "../output.js";
import { scaled } from "../scaling.js";
import { describeScores, scoresOf } from "../scores.js";
import { checkFits } from "../settings.js";
import { runUserCode } from "../user-module.js";

export interface EvalOptions {
  readonly json?: boolean;
  /** The file that makes the model, where that is not the one it was trained by. */
  readonly config?: string;
}

interface Measured {
  readonly data: Dataset;
  readonly what: string;
}

/** @throws AdjointError `usage`, and those of the library */
export async function evalCommand(
  path: string,
  argument: string | undefined,
  options: EvalOptions,
): Promise<void> {
  const saved = await readModel(path);
  if (isOfConfigFile(saved)) return evalConfigRun(saved, path, argument, options);
  if (options.config !== undefined) throw notOfConfigFile(path);
  const { file, tensors } = saved;
  const config = saved.config as ModelConfig;
  const model = networkOf(config, tensors, file);
  const { data, what } = await examplesFor(config, argument, path);
  const name = losses[config.training.loss];
  const classes = config.classes ?? data.classes ?? [];
  const measurements = await evaluate(model, data, undefined, { loss: name });
  const scores = await scoresOf(model, data, config.data, name);
  const counts = data.targetShape.length === 0 ? await confusion(model, data, { loss: name }) : undefined;
  const lines = [...measurementLines(measurements), describeScores(scores, config.data)];
  show(
    { file, what, size: data.size, measurements: { ...measurements, ...scores }, lines, counts, classes },
    options,
  );
}

/** The validation data of a configuration file, or its training data where it has no others. */
async function evalConfigRun(
  saved: ConfigModelFile,
  path: string,
  argument: string | undefined,
  options: EvalOptions,
): Promise<void> {
  if (argument !== undefined) throw dataOfConfigFile(path, argument);
  const { model, options: told, loaded } = await runAgain(saved, path, options.config);
  const { data, validation, metrics, loss: given } = told;
  const measured = validation ?? data;
  const [measurements, counts] = await runUserCode(loaded.path, async () => [
    await evaluate(model, measured, metrics, { loss: given }),
    isLabels(measured) ? await confusion(model, measured, { loss: given }) : undefined,
  ]);
  const what = `${basename(loaded.path)} (${validation === undefined ? "training" : "validation"})`;
  const classes = saved.config.classes ?? [];
  const lines = measurementLines(measurements);
  show({ file: saved.file, what, size: sizeOf(measured), measurements, lines, counts, classes }, options);
}

interface Shown {
  readonly file: string;
  readonly what: string;
  /** Of a stream it is not known. */
  readonly size: number | undefined;
  readonly measurements: Measurements;
  /** The same for people. */
  readonly lines: readonly string[];
  readonly counts: readonly (readonly number[])[] | undefined;
  readonly classes: readonly string[];
}

function show(
  { file, what, size, measurements, lines, counts, classes }: Shown,
  { json }: EvalOptions,
): void {
  if (json) {
    printEvent({
      event: "eval",
      model: file,
      data: what,
      examples: size,
      ...measurements,
      ...(counts && { confusion: counts }),
      classes,
    });
    return;
  }
  print(size === undefined ? what : `${what}: ${grouped(size)} examples`);
  for (const line of lines) print(line);
  if (counts !== undefined) print(`\n${confusionTable(counts, classes)}`);
}

/** The examples of an argument, or those that measured the model while it was trained. */
export async function examplesFor(
  config: ModelConfig,
  argument: string | undefined,
  model: string,
): Promise<Measured> {
  const source = argument === undefined ? config.data : await sourceOf(argument, config);
  if (source.kind === "csv" && argument !== undefined) {
    const data = await readCsv(source, config.classes);
    const isSame = sameContent(source.content, await contentOf(data));
    const what = `${argument} (all rows${isSame ? ", those it was trained on among them" : ""})`;
    return { data: scaled(data, config.scaling), what };
  }
  const examples = await loadExamples(
    source,
    config.classes === undefined ? {} : { classes: config.classes },
  );
  if (source.kind === "csv" && examples.config.kind === "csv" && examples.config.content !== undefined)
    checkContent(source, examples.config.content, model);
  checkFits(config.network, examples, examples.train.inputShape[0]);
  const what = `${examples.name} (${examples.validationName})`;
  return { data: scaled(examples.validation, config.scaling), what };
}

/** A CSV file is read with the columns the model was trained on. */
export async function sourceOf(argument: string, { data, network }: ModelConfig): Promise<DataConfig> {
  const isFile = await stat(argument).then(
    (found) => found.isFile(),
    () => false,
  );
  if (data.kind === "csv" && isFile) return { ...data, path: argument };
  if (!isFile) return describeData(argument, {});
  throw new AdjointError(
    "invalid-data",
    `the model was trained on images (${network.layers[0]} pixels); DATA must be mnist or a directory of IDX files, received the file ${argument}`,
    { file: argument },
  );
}

/** Adds the command to a program. */
export function addEval(program: Command): void {
  program
    .command("eval")
    .summary("measure a trained model")
    .description("Measures a trained model: loss, accuracy and confusions.")
    .argument("<model>", "what adjoint train wrote: its directory, or model.safetensors")
    .argument("[data]", "mnist, FILE.csv or DIRECTORY (default: the examples that measured it in training)")
    .addOption(configOption())
    .addOption(json("print a JSON object"))
    .addOption(verbose())
    .addHelpText(
      "after",
      "\nExamples:\n  adjoint eval runs/mnist-1\n  adjoint eval runs/iris-1 more-iris.csv",
    )
    .action((model: string, data: string | undefined, options: EvalOptions) =>
      evalCommand(model, data, options),
    );
}
