/** `adjoint eval`: a trained model measured on examples. */
import { stat } from "node:fs/promises";
import type { Dataset } from "../../data/index.js";
import { AdjointError } from "../../index.js";
import { confusion, evaluate } from "../../train/index.js";
import type { DataConfig, ModelConfig } from "../config.js";
import { confusionTable } from "../confusion-table.js";
import { checkContent, contentOf, sameContent } from "../content.js";
import { describeData } from "../describe-data.js";
import { loadExamples, readCsv } from "../examples.js";
import { loadModel } from "../model-file.js";
import { losses } from "../network.js";
import { grouped, loss, percent, print, printEvent } from "../output.js";
import { scaled } from "../scaling.js";
import { checkFits } from "../settings.js";

export interface EvalOptions {
  readonly json?: boolean;
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
  const { model, config, file } = await loadModel(path);
  const { data, what } = await examplesFor(config, argument, path);
  const name = losses[config.training.loss];
  const classes = config.classes ?? data.classes ?? [];
  const measurements = await evaluate(model, data, undefined, { loss: name });
  const counts = data.targetShape.length === 0 ? await confusion(model, data, { loss: name }) : undefined;
  if (options.json) {
    printEvent({
      event: "eval",
      model: file,
      data: what,
      examples: data.size,
      ...measurements,
      ...(counts && { confusion: counts }),
      classes,
    });
    return;
  }
  print(`${what}: ${grouped(data.size)} examples`);
  print(
    `loss ${loss(measurements.loss)}${measurements.accuracy === undefined ? "" : `  accuracy ${percent(measurements.accuracy)}`}`,
  );
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
async function sourceOf(argument: string, { data, network }: ModelConfig): Promise<DataConfig> {
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
