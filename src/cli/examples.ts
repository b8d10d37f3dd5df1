/** The examples of MNIST, of a directory of IDX files, or of a CSV file: those that train and those that measure. */
import { basename } from "node:path";
import { csv, type Dataset, idx, mnist, readTable, TableTransform } from "../data/index.js";
import { AdjointError, random } from "../index.js";
import { usage } from "./arguments.js";
import type { DataConfig } from "./config.js";
import { contentOf } from "./content.js";
import { describeColumns } from "./table-columns.js";

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
  /** How the columns of a table are used, where it is more than numbers. */
  readonly columns?: readonly string[];
}

/** The book trains on the first 50,000 images; its last 10,000 training images are not used here. */
const mnistTraining = 50_000;

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
      const { all, train, held, columns } = await readSplit(config, classes);
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
        config: { ...config, content: await contentOf(all) },
        ...(columns === undefined ? {} : { columns }),
      };
    }
  }
}

/** All rows of a CSV file, and the same split into those that train and those held out. */
async function readSplit(config: CsvConfig, classes: readonly string[] | undefined) {
  const [ratio, key] = [1 - config.validation, random.key(config.seed)];
  if (config.table === undefined) {
    const all = await readCsv(config, classes);
    const [train, held] = all.split(ratio, key);
    return { all, train, held };
  }
  const table = await readTable(config.path, { delimiter: config.delimiter });
  const transform = new TableTransform(config.table);
  const [train, held] = table
    .split(ratio, key)
    .map((part) => transform.apply(part, { missingTarget: "drop" }));
  const all = transform.apply(table, { missingTarget: "drop" });
  return { all, train, held, columns: describeColumns(config.table, table) };
}

type CsvConfig = Extract<DataConfig, { kind: "csv" }>;

/** Every row of a CSV file, as a model's configuration reads it. */
export async function readCsv(config: CsvConfig, classes: readonly string[] | undefined): Promise<Dataset> {
  const { path, label, target, features, delimiter } = config;
  if (config.table !== undefined) {
    const table = await readTable(path, { delimiter });
    return new TableTransform(config.table).apply(table, { missingTarget: "drop" });
  }
  const answer = label === undefined ? { target: target ?? [] } : { label };
  return csv(path, { ...answer, features, delimiter, ...(classes === undefined ? {} : { classes }) });
}

/** The largest label. */
function largest(labels: ArrayLike<number>): number {
  let found = 0;
  for (let i = 0; i < labels.length; i++) found = Math.max(found, labels[i]);
  return found;
}
