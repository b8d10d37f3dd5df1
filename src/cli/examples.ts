/** The data a command names: MNIST, a directory of IDX files, or a CSV file. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { readTable } from "../data/csv-table.js";
import { csv, type Dataset, dataset, idx, mnist } from "../data/index.js";
import { AdjointError, random } from "../index.js";
import { suggestion, usage } from "./arguments.js";
import type { DataConfig, Scaling } from "./config.js";

/** Training examples, the examples that measure, and what they are. */
export interface Examples {
  readonly train: Dataset;
  readonly validation: Dataset;
  /** What `validation` is called where its accuracy is printed: test, validation, or training. */
  readonly validationName: string;
  /** A short name, for directories and messages. */
  readonly name: string;
  /** What one input is: `28×28 pixels`, `4 columns`. */
  readonly inputs: string;
  readonly outputs: number;
  /** What the outputs are: `10 classes`, `2 targets`. */
  readonly outputsText: string;
  readonly config: DataConfig;
}

/** Options of commands that read data. */
export interface DataOptions {
  readonly label?: string;
  readonly target?: readonly string[];
  readonly features?: readonly string[];
  readonly delimiter?: string;
  /** The fraction of a CSV file's rows that is held out. Default 0.2. */
  readonly validation?: number;
  readonly limit?: number;
  readonly seed?: number;
}

/** The book trains on the first 50,000 images; its last 10,000 training images are not used here. */
const mnistTraining = 50_000;

/**
 * What a DATA argument means.
 * @throws AdjointError `usage` for what is none of the three, or lacks a column
 */
export async function describeData(argument: string, options: DataOptions): Promise<DataConfig> {
  if (argument === "mnist") return { kind: "mnist" };
  const found = await stat(argument).catch(() => undefined);
  if (found === undefined) {
    if (/[./\\]/.test(argument))
      throw new AdjointError("file-not-found", `there is no file or directory ${argument}`, {
        file: argument,
      });
    throw usage(
      `DATA must be mnist, a CSV file or a directory of IDX files, received "${argument}"${suggestion(argument, ["mnist"])}`,
      "DATA",
    );
  }
  if (found.isDirectory()) return { kind: "idx", path: resolve(argument) };
  return describeCsv(argument, options);
}

async function describeCsv(path: string, options: DataOptions): Promise<DataConfig> {
  const { label, target, features, delimiter = ",", validation = 0.2, seed = 1 } = options;
  const table = await readTable(path, { delimiter }, "csv");
  if ((label === undefined) === (target === undefined))
    throw usage(
      `${path}: name the column of the answers with ${label === undefined ? "" : "only one of "}--label COLUMN (classes) or --target COLUMN (numbers); its columns are ${table.columns.join(", ")}`,
      "--label",
    );
  const answers = label === undefined ? (target ?? []) : [label];
  for (const [names, option] of [
    [answers, label === undefined ? "--target" : "--label"],
    [features ?? [], "--features"],
  ] as const)
    for (const name of names) checkColumn(table.columns, name, option, path);
  const inputs = features ?? table.columns.filter((name) => !answers.includes(name));
  const leaked = inputs.find((name) => answers.includes(name));
  if (leaked !== undefined)
    throw usage(`column "${leaked}" is both an input (--features) and the answer`, "--features");
  if (inputs.length === 0)
    throw usage(`${path} has no column of inputs beside ${answers.join(", ")}`, "DATA");
  const answer = label === undefined ? { target: answers } : { label };
  return { kind: "csv", path: resolve(path), ...answer, features: inputs, delimiter, validation, seed };
}

function checkColumn(columns: readonly string[], name: string, option: string, path: string): void {
  if (columns.includes(name)) return;
  throw usage(
    `${path} has no column "${name}" (${option})${suggestion(name, columns)}; its columns are ${columns.join(", ")}`,
    option,
  );
}

/** Reads the examples. `classes` are those of a trained model, in its order. */
export async function loadExamples(
  config: DataConfig,
  options: { readonly limit?: number; readonly classes?: readonly string[] } = {},
): Promise<Examples> {
  const examples = await read(config, options.classes);
  const { limit } = options;
  const size = limit ?? (config.kind === "mnist" ? mnistTraining : examples.train.size);
  if (size > examples.train.size)
    throw usage(
      `--limit must be at most ${examples.train.size}, the training examples of ${examples.name}, received ${size}`,
      "--limit",
    );
  return { ...examples, train: examples.train.split(size / examples.train.size)[0] };
}

async function read(config: DataConfig, classes: readonly string[] | undefined): Promise<Examples> {
  switch (config.kind) {
    case "mnist": {
      const [train, validation] = [await mnist({ split: "train" }), await mnist({ split: "test" })];
      const inputs = "28×28 pixels";
      return {
        train,
        validation,
        validationName: "test",
        name: "mnist",
        inputs,
        outputs: 10,
        outputsText: "10 classes",
        config,
      };
    }
    case "idx": {
      const train = await idx(config.path, { split: "train" });
      const test = await idx(config.path, { split: "test" }).catch((error: unknown) => {
        if (error instanceof AdjointError && error.code === "file-not-found") return undefined;
        throw error;
      });
      const outputs = classes?.length ?? 1 + Math.max(largest(train.targets), largest(test?.targets ?? []));
      const measured =
        test === undefined
          ? { validation: train, validationName: "training" }
          : { validation: test, validationName: "test" };
      const inputs = `${train.inputShape[0]} pixels`;
      return {
        train,
        ...measured,
        name: basename(config.path),
        inputs,
        outputs,
        outputsText: `${outputs} classes`,
        config,
      };
    }
    case "csv": {
      const all = await readCsv(config, classes);
      const [train, held] = all.split(1 - config.validation, random.key(config.seed));
      if (train.size === 0)
        throw usage(
          `${config.path} has too few rows to hold out ${config.validation} of them; use --validation 0`,
          "--validation",
        );
      const outputs = all.classes?.length ?? all.targetShape[0];
      return {
        train,
        ...(held.size > 0
          ? { validation: held, validationName: "validation" }
          : { validation: train, validationName: "training" }),
        name: basename(config.path).replace(/\.(csv|tsv|txt)(\.gz)?$/i, ""),
        inputs: config.features.length === 1 ? "1 column" : `${config.features.length} columns`,
        outputs,
        outputsText:
          all.classes === undefined
            ? `${outputs} ${outputs === 1 ? "target" : "targets"}`
            : `${outputs} classes`,
        config,
      };
    }
  }
}

/** Every row of a CSV file, as a model's configuration reads it. */
export async function readCsv(
  config: Extract<DataConfig, { kind: "csv" }>,
  classes: readonly string[] | undefined,
): Promise<Dataset> {
  const { path, label, target, features, delimiter } = config;
  const answer = label === undefined ? { target: target ?? [] } : { label };
  return csv(path, { ...answer, features, delimiter, ...(classes === undefined ? {} : { classes }) });
}

/** The largest label. */
function largest(labels: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < labels.length; i++) found = Math.max(found, labels[i]);
  return found;
}

/** The mean and the standard deviation of every column; a constant column keeps its size. */
export function scalingOf({ inputs, size, inputShape: [width] }: Dataset): Scaling {
  const mean = Array.from({ length: width }, () => 0);
  const deviation = Array.from({ length: width }, () => 0);
  inputs.forEach((value, i) => {
    mean[i % width] += value / size;
  });
  inputs.forEach((value, i) => {
    deviation[i % width] += (value - mean[i % width]) ** 2 / size;
  });
  return { mean, deviation: deviation.map((variance) => (variance > 0 ? Math.sqrt(variance) : 1)) };
}

/** (x − mean) / deviation, column by column. */
export function scaled(data: Dataset, scaling: Scaling | undefined): Dataset {
  if (scaling === undefined) return data;
  const { mean, deviation } = scaling;
  const inputs = data.inputs.map((value, i) => (value - mean[i % mean.length]) / deviation[i % mean.length]);
  return dataset({ ...data, inputs });
}
